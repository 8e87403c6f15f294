import { type Atom, atom } from "../etf/atom.ts";
import { decode } from "../etf/decoder.ts";
import type { DecodeOptions } from "../etf/options.ts";
import { withMaps } from "../etf/convert.ts";
import { encode } from "../etf/encoder.ts";
import { EncodeError } from "../etf/errors.ts";
import { format } from "../etf/format.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type Tuple, tuple } from "../etf/tuple.ts";
import type { Platform } from "../platform/contract.ts";
import { GEN_CAST, NOCONNECTION, NOPROC } from "./atoms.ts";
import {
  Call,
  type CallHome,
  type CallOptions,
  Cast,
  replyAddress,
  replyRef,
  type Request,
  requestTerm,
  tagRef,
} from "./call.ts";
import type { CoreOptions, Receiver, SpawnOptions } from "./core_options.ts";
import { type Deadline, Deadlines } from "./process/deadlines.ts";
import { BusyError, errorText } from "./errors.ts";
import type { GlobalNames } from "./global_names.ts";
import { BrokenLinks, linkProcesses, unlinkProcesses } from "./process/links.ts";
import { MainProcess } from "./process/main_process.ts";
import { type Down, type Monitor, monitorProcess } from "./process/monitor.ts";
import { type Body, type Home, PID_ID_BITS, Process, processId } from "./process/process.ts";
import { Names } from "./process/names.ts";
import { References } from "./references.ts";
import { NO_NETWORK, type RemoteNode, type RemoteNodes } from "./remote/remote_node.ts";
import { logElsewhere } from "./remote_log.ts";
import { Scheduler } from "./process/scheduler.ts";
import { FromPeer } from "./remote/from_peer.ts";
import { isSystemMessage, SystemCall } from "./system_message.ts";
import { type Address, addressOf, Name, type Target } from "./target.ts";
import { reasonReport } from "./provided/thrown.ts";

export type { CoreOptions, Receiver, SpawnOptions } from "./core_options.ts";
export type { RemoteNode, RemoteNodes } from "./remote/remote_node.ts";

/** Makes a call the message that a process of this node gets where it does not get the call itself. */
type Messaged = (from: Process, process: Process, call: Call, address: Address) => unknown;

/** What is logged where a crashed process's group leader is. */
const CRASH = "Error in process ~p on node ~p with exit value:~n~p~n";

/** How many atoms there may be before others can make none: fewer than there can be, so that the program itself goes on. */
const FOREIGN_ATOMS = 1_000_000;

/**
 * The heart of a node: its processes, names, aliases and calls, and the way of a message to its receiver, which is local here
 * or leads to a {@linkcode RemoteNode}. It knows no socket and runs without any.
 */
export class Core implements Home, CallHome {
  readonly name: Atom;
  readonly creation: number;
  readonly platform: Platform;
  readonly scheduler: Scheduler;
  readonly broken: BrokenLinks = new BrokenLinks((error) =>
    this.fault("Cannot break a link", error)
  );
  readonly processes: Map<number, Process> = new Map();
  readonly names: Names = new Names();
  /** Stands for the node where something is done from outside of any process. */
  readonly main: Process;
  remotes: RemoteNodes = NO_NETWORK;
  /** The names of the cluster, once the node's kernel runs. */
  global: GlobalNames | null = null;
  /** Casts that were dropped because they did not parse or nobody takes them. */
  refusedCasts = 0;
  /** How messages from other nodes are decoded, unless their receiver says otherwise. */
  readonly terms: DecodeOptions;
  /** Sends local messages through the codec, so that nobody relies on sharing. */
  readonly copyMessages: boolean;
  #deadlines: Deadlines;
  #aliases: Map<number, Receiver> = new Map();
  #stopped = false;
  #nextPid = 0;
  readonly #references: References;

  constructor(
    name: string,
    platform: Platform,
    options: CoreOptions = {},
  ) {
    this.name = atom(name);
    this.platform = platform;
    const random = new DataView(platform.randomBytes(12).buffer);
    // 0 to 3 are what old nodes use.
    this.creation = options.creation ?? Math.max(4, random.getUint32(0));
    this.#references = new References(this, random.getUint16(4), random.getUint32(8));
    this.copyMessages = options.copyMessages ?? false;
    this.terms = { atomLimit: FOREIGN_ATOMS, ...options.terms };
    this.scheduler = new Scheduler(platform);
    this.#deadlines = new Deadlines(platform);
    this.main = new MainProcess(this, this.#makePid(this.#nextPid++), NO_BODY);
    this.main.trapExit = true;
    this.processes.set(this.main.id, this.main);
  }

  /** Whether the node has stopped: nothing runs on it any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  // Processes

  /**
   * Makes a process. Its first message is the body's to give: nothing runs before that.
   *
   * @throws {NameError} if the name is taken; then there is no process.
   */
  spawn(makeBody: (process: Process) => Body, options: SpawnOptions = {}): Process {
    this.main.mustLive("start a process");
    const number = this.#nextPid++;
    const process = new Process(this, this.#makePid(number), NO_BODY);
    if (options.register !== undefined) this.names.register(options.register, process);
    this.processes.set(number, process);
    process.groupLeader = options.groupLeader ?? (options.link ?? this.main).groupLeader;
    if (options.trapExit !== undefined) process.trapExit = options.trapExit;
    if (options.terms !== undefined) process.terms = { ...this.terms, ...options.terms };
    if (options.link) {
      process.parent = options.link.pid;
      process.addLink(options.link);
      options.link.addLink(process);
    }
    process.body = makeBody(process);
    return process;
  }

  /** The live process of that pid. */
  process(pid: Pid): Process | undefined {
    if (pid._node !== this.name || pid.creation !== this.creation) return undefined;
    return this.processes.get(processId(pid));
  }

  /** The process that an address of this node leads to. */
  local(address: Address): Process | undefined {
    if (address instanceof Pid) return this.process(address);
    if (address instanceof Name) return this.names.get(address.text);
    const receiver = this.#aliases.get(this.refNumber(address));
    return receiver instanceof Process ? receiver : undefined;
  }

  forget(process: Process): void {
    this.processes.delete(process.id);
    if (process.name !== null) this.names.unregister(process.name);
    const { aliases } = process;
    if (aliases !== null) { for (const number of aliases) this.#aliases.delete(number); }
  }

  crashed(process: Process, reason: Term): void {
    const who = process.name ?? format(process.pid);
    logElsewhere(this, process, "error", [CRASH, [process.pid, this.name, reason]]);
    this.platform.log("error", `Process ${who} crashed: ${reasonReport(reason)}`);
  }

  fault(what: string, error: unknown): void {
    this.platform.log("error", `${what}: ${errorText(error)}`);
  }

  // References and aliases

  /** How many references messages can be sent to: aliases of processes, and calls that are out. */
  get aliasCount(): number {
    return this.#aliases.size;
  }

  makeRef(): Ref {
    return this.#references.make();
  }

  /** The number of a reference that this node made, by which it is found in tables; -1 for others. */
  refNumber(ref: Ref): number {
    return this.#references.numberOf(ref);
  }

  addReplyTo(ref: Ref, receiver: Receiver): void {
    this.#aliases.set(this.refNumber(ref), receiver);
  }

  removeReplyTo(ref: Ref): void {
    this.#aliases.delete(this.refNumber(ref));
  }

  /** Makes a reference that messages to `process` can be sent to until it is taken back, or the process ends. */
  addAlias(process: Process): Ref {
    process.mustLive("make an alias");
    const ref = this.makeRef();
    const number = this.refNumber(ref);
    this.#aliases.set(number, process);
    process.addAlias(number);
    return ref;
  }

  removeAlias(process: Process, alias: Ref): boolean {
    const number = this.refNumber(alias);
    return process.removeAlias(number) && this.#aliases.delete(number);
  }

  // Messages

  /** Sends a message; nobody is told where there is no such process, as in Erlang. */
  send(from: Process, target: Target, message: Encodable): void {
    if (from.exited) throw from.gone("send");
    if (message === undefined) {
      throw new TypeError("Cannot send undefined: it is no term, send null, which is nil");
    }
    const address = addressOf(target, this.global);
    const remote = this.remoteOf(address);
    if (remote !== null) {
      const sent = this.outgoing(from, message);
      try {
        remote.send(from.pid, address, sent);
      } catch (error) {
        if (!(error instanceof BusyError) || !from.body._essential) throw error;
        remote.mustSend(from.pid, address, sent);
      }
    } else {
      this.receive(address, this.copyMessages ? this.copy(message, address, from) : message);
    }
  }

  /** What a process sends: one that has chosen to get maps as plain objects may send them so. */
  outgoing<T extends Encodable>(from: Process, message: T): T {
    const { objects } = from.terms ?? this.terms;
    return objects === undefined ? message : withMaps(message, objects) as T;
  }

  /** Delivers a message that was sent to an address of this node, by a peer where there is one. */
  receive(address: Address, message: unknown, peer: string | null = null): void {
    const receiver = address instanceof Ref
      ? this.#aliases.get(this.refNumber(address))
      : this.local(address);
    if (peer !== null && receiver instanceof Process) this.receiveFrom(peer, receiver, message);
    else receiver?.deliver(message);
  }

  /**
   * Delivers a message that a peer sent to a pid. Replies come so from peers before OTP 24, and from some servers of later
   * ones (net_kernel): `{Tag, Reply}` goes to the call that waits for it, whichever process made it. `{io_reply, ReplyAs, Reply}`
   * always comes so.
   */
  receiveFor(pid: Pid, message: unknown, peer: string): void {
    const ref = replyRef(message);
    if (ref !== null) {
      const receiver = this.#aliases.get(this.refNumber(ref));
      if (receiver !== undefined && !(receiver instanceof Process)) {
        return receiver.deliver(message);
      }
    }
    const process = this.process(pid);
    if (process !== undefined) this.receiveFrom(peer, process, message);
  }

  /** Delivers a message of a peer to a process. */
  receiveFrom(peer: string, process: Process, message: unknown): void {
    const asks = process.asksOrigin && !isSystemMessage(message);
    process.deliver(asks ? new FromPeer(process, peer, message) : message);
  }

  /** Makes a call. The promise settles when the reply, the deadline, or the end of the process or its node comes first. */
  call(from: Process, target: Target, request: Request, options: CallOptions): Promise<unknown> {
    if (from.exited) return Promise.reject(from.gone("call"));
    const address = addressOf(target, this.global);
    if (address instanceof Ref) {
      return Promise.reject(
        new TypeError("Cannot call an alias: only messages can be sent to it, call the process"),
      );
    }
    const call = new Call(this, from.pid, address, request, options);
    return this.#place(from, address, call, this.copyMessages ? this.#copiedCall : null);
  }

  /** Makes a call of sys, whose request every process gets as the message `{system, From, Request}`. */
  systemCall(
    from: Process,
    target: Target,
    request: Encodable,
    options: CallOptions,
  ): Promise<unknown> {
    if (from.exited) return Promise.reject(from.gone("call"));
    const address = addressOf(target, this.global);
    if (address instanceof Ref) {
      return Promise.reject(new TypeError("Cannot ask an alias: ask the process"));
    }
    const term = { name: null, term: request };
    const call = new SystemCall(this, from.pid, address, term, options);
    return this.#place(from, address, call, () => call.message());
  }

  /** @param message the call as a message, where a process of this node gets it as one. */
  #place(
    from: Process,
    address: Pid | Name,
    call: Call,
    message: Messaged | null,
  ): Promise<unknown> {
    if (call.done) return call.promise;
    const remote = this.remoteOf(address);
    if (remote !== null) {
      this.#callRemote(from, remote, address, call);
    } else {
      this.#callLocal(from, address, call, message);
    }
    return call.promise;
  }

  cast(from: Process, target: Target, request: Request): void {
    if (from.exited) throw from.gone("cast");
    const address = addressOf(target, this.global);
    const remote = this.remoteOf(address);
    if (remote !== null) {
      const message = tuple(GEN_CAST, requestTerm(request)) as Encodable;
      remote.send(from.pid, address, this.outgoing(from, message));
    } else {
      const process = this.local(address);
      if (process === undefined) return;
      process.deliver(
        this.copyMessages ? this.#copyCast(from, process, request, address) : new Cast(request),
      );
    }
  }

  /**
   * Answers a call in the name of its server: what that server sends to the caller otherwise keeps its order with the reply. One that
   * has exited answers no more. Where too much waits to be sent, the caller is told by an exit.
   */
  reply(from: Tuple<[Pid, Term]>, value: Encodable, server: Process = this.main): void {
    if (server.exited && server !== this.main) return;
    const address = replyAddress(from);
    // A peer may say that it is one of our processes who calls: what makes a request of the reply is the peer's, not ours.
    if (address instanceof Pid && this.process(address)?.asksOrigin === true) return;
    const remote = this.remoteOf(address);
    try {
      if (remote === null || server.exited) {
        this.send(server, address, tuple(from[1], value) as unknown as Tuple);
      } else {
        const message = tuple(from[1], this.outgoing(server, value)) as unknown as Tuple;
        remote.send(server.pid, address, message, from[0]);
      }
    } catch (error) {
      if (error instanceof EncodeError) throw error._within("[1]"); // the tag is the caller's
      if (!(error instanceof BusyError)) throw error;
      this.fault("Cannot answer a call", error);
      this.failCaller(from, error.exitReason);
    }
  }

  /** Ends a call with an exit of its caller, though the server lives on. Does nothing where the caller has no monitor. */
  failCaller(from: Tuple<[Pid, Term]>, reason: Term): void {
    const address = replyAddress(from);
    const ref = address instanceof Ref ? address : tagRef(from[1]);
    if (ref === null) return;
    const remote = this.remoteOf(ref);
    if (remote !== null) {
      remote.failCaller(ref, reason);
    } else {
      const call = this.#aliases.get(this.refNumber(ref));
      if (call instanceof Call) call.refuse(reason);
    }
  }

  /** The other node that an address leads to; `null` where it is this one. */
  remoteOf(address: Address): RemoteNode | null {
    const node = address instanceof Name ? address.node : address._node;
    return node === null || node === this.name ? null : this.remotes.remote(node.name);
  }

  /** What a receiver of this node would get if the message came from another one. */
  copy(message: Encodable, address: Address, from: Process = this.main): Term {
    return decode(encode(this.outgoing(from, message)), this.local(address)?.terms ?? this.terms);
  }

  #callRemote(from: Process, remote: RemoteNode, address: Pid | Name, call: Call): void {
    const ref = call.ref;
    try {
      remote.admit();
      remote.monitor(call.pid, address instanceof Pid ? address : address.name, ref, call);
      if (call.done) return;
      call.place = { callEnded: () => remote.demonitor(ref) };
      call.plainTag = remote.plainTags;
      remote.send(call.pid, address, this.outgoing(from, call.message() as Encodable));
    } catch (error) {
      call.fail(error);
    }
  }

  #callLocal(
    from: Process,
    address: Pid | Name,
    call: Call,
    message: Messaged | null,
  ): void {
    const process = this.local(address);
    if (process === undefined) {
      // In turn, not at once: who tries again and again would let nothing else run, and wait for a process that cannot start.
      return this.scheduler.schedule({ run: () => call.down(NOPROC) });
    }
    if (process === from && process !== this.main) {
      return call.fail(
        new Error(`Cannot call ${call.target}: a process that calls itself would wait for ever`),
      );
    }
    if (message === null) return process.deliver(call);
    try {
      const made = message(from, process, call, address);
      process.keepCall(call);
      process.deliver(made);
    } catch (error) {
      call.fail(error);
    }
  }

  #copiedCall = (from: Process, process: Process, call: Call, address: Address): Term =>
    this.copy(call.message(process.body._requestTerm?.(call.request, false)), address, from);

  #copyCast(from: Process, process: Process, request: Request, address: Address): Term {
    const term = process.body._requestTerm?.(request, true) ?? requestTerm(request);
    return this.copy(tuple(GEN_CAST, term) as unknown as Tuple, address, from);
  }

  #makePid(number: number): Pid {
    return new Pid(
      this.name,
      number % PID_ID_BITS,
      Math.floor(number / PID_ID_BITS),
      this.creation,
    );
  }

  // Monitors, links, exits

  /**
   * Watches a process. Without a handler the owner gets Erlang's message `{'DOWN', Ref, process, Object, Reason}`.
   */
  monitor(owner: Process, target: Target, handler: ((down: Down) => unknown) | null): Monitor {
    return monitorProcess(this, owner, addressOf(target, this.global), handler);
  }

  /** Links two processes: the end of one is an exit signal for the other. */
  link(process: Process, pid: Pid): void {
    linkProcesses(this, process, pid);
  }

  unlink(process: Process, pid: Pid): void {
    unlinkProcesses(this, process, pid);
  }

  /** Sends an exit signal, as `exit/2`. */
  exit(from: Process, pid: Pid, reason: Term): void {
    const remote = this.remoteOf(pid);
    if (remote !== null) remote.exit(from.pid, pid, this.outgoing(from, reason));
    else this.process(pid)?.exitSignal(from.pid, reason, false);
  }

  /** Gives a process another group leader, as `group_leader/2`. */
  setGroupLeader(pid: Pid, leader: Pid): void {
    const remote = this.remoteOf(pid);
    if (remote !== null) return remote.setGroupLeader(leader, pid);
    const process = this.process(pid);
    if (process !== undefined) process.groupLeader = leader;
  }

  // Time

  setDeadline(deadline: Deadline, ms: number): void {
    this.#deadlines.set(deadline, ms);
  }

  clearDeadline(deadline: Deadline): void {
    this.#deadlines.clear(deadline);
  }

  // The end

  /** Ends every process; nothing of the node runs any more. */
  stop(reason: Term): void {
    this.#stopped = true;
    this.main.exit(reason);
    for (const process of [...this.processes.values()]) process.exit(reason);
    this.#deadlines.stop();
    for (const receiver of [...this.#aliases.values()]) receiver.down?.(NOCONNECTION);
    this.#aliases.clear();
  }
}

/** The text of an atom, three of which are JavaScript values. */
export function nameOf(name: Atom | boolean | null): string {
  return name === null ? "nil" : typeof name === "boolean" ? String(name) : name.name;
}

const NO_BODY: Body = { _receive() {}, terminate() {} };
