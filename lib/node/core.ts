import { type Atom, atom } from "../etf/atom.ts";
import { decode } from "../etf/decoder.ts";
import type { DecodeOptions } from "../etf/options.ts";
import { encode } from "../etf/encoder.ts";
import { format } from "../etf/format.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import type { Platform } from "../platform/contract.ts";
import { GEN_CAST, NOCONNECTION, NOPROC } from "./atoms.ts";
import {
  Call,
  type CallHome,
  type CallOptions,
  Cast,
  replyAddress,
  type Request,
  requestTerm,
  tagRef,
} from "./call.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { errorText } from "./errors.ts";
import { BrokenLinks } from "./links.ts";
import { MainProcess } from "./main_process.ts";
import { type Down, type Monitor, ProcessMonitor } from "./monitor.ts";
import { type Body, type Home, PID_ID_BITS, Process, processId } from "./process.ts";
import { Names } from "./names.ts";
import { References } from "./references.ts";
import type { RemoteNode, RemoteNodes } from "./remote_node.ts";
import { Scheduler } from "./scheduler.ts";
import { type Address, addressOf, Name, type Target } from "./target.ts";
import { NO_NETWORK } from "./unreachable.ts";

export type { RemoteNode, RemoteNodes } from "./remote_node.ts";

/** What an alias leads to. */
export interface Receiver {
  deliver(message: unknown): void;
}

/** How a process is started. */
export interface SpawnOptions {
  /** Registers the process under this name before it runs. */
  readonly register?: string;
  /** Links it to this process before it runs; that process is its parent. */
  readonly link?: Process | null;
  readonly trapExit?: boolean;
  /** How messages from other nodes are decoded for this process, where it differs from the node's way. */
  readonly terms?: Pick<DecodeOptions, "binaries" | "objects" | "floats">;
}

/** What a node does differently from its defaults. */
export interface CoreOptions {
  readonly creation?: number;
  readonly copyMessages?: boolean;
  readonly terms?: DecodeOptions;
}

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
  /** The group leader of what is spawned on other nodes. */
  groupLeader: Pid | null = null;
  remotes: RemoteNodes = NO_NETWORK;
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
    this.terms = options.terms ?? {};
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
    this.platform.log("error", `Process ${who} crashed: ${format(reason, { maxLength: 10_000 })}`);
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

  addReplyTo(ref: Ref, call: Call): void {
    this.#aliases.set(this.refNumber(ref), call);
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
    const address = addressOf(target);
    const remote = this.remoteOf(address);
    if (remote !== null) {
      remote.send(from.pid, address, message);
    } else {
      this.receive(address, this.copyMessages ? this.copy(message, address) : message);
    }
  }

  /** Delivers a message that was sent to an address of this node. */
  receive(address: Address, message: unknown): void {
    if (address instanceof Ref) {
      this.#aliases.get(this.refNumber(address))?.deliver(message);
    } else {
      this.local(address)?.deliver(message);
    }
  }

  /**
   * Delivers a message that a peer sent to a pid. Replies come so from peers before OTP 24, and from some servers of later
   * ones (net_kernel): `{Tag, Reply}` goes to the call that waits for it, whichever process made it.
   */
  receiveFor(pid: Pid, message: unknown): void {
    if (isTuple(message) && message.length === 2) {
      const ref = tagRef(message[0]);
      const receiver = ref === null ? undefined : this.#aliases.get(this.refNumber(ref));
      if (receiver instanceof Call) return receiver.deliver(message);
    }
    this.process(pid)?.deliver(message);
  }

  /** Makes a call. The promise settles when the reply, the deadline, or the end of the process or its node comes first. */
  call(from: Process, target: Target, request: Request, options: CallOptions): Promise<unknown> {
    if (from.exited) return Promise.reject(from.gone("call"));
    const address = addressOf(target);
    if (address instanceof Ref) {
      return Promise.reject(
        new TypeError("Cannot call an alias: only messages can be sent to it, call the process"),
      );
    }
    const call = new Call(this, from.pid, address, request, options);
    if (call.done) return call.promise;
    const remote = this.remoteOf(address);
    if (remote !== null) {
      this.#callRemote(remote, address, call);
    } else {
      this.#callLocal(from, address, call);
    }
    return call.promise;
  }

  cast(from: Process, target: Target, request: Request): void {
    if (from.exited) throw from.gone("cast");
    const address = addressOf(target);
    const remote = this.remoteOf(address);
    if (remote !== null) {
      remote.send(from.pid, address, tuple(GEN_CAST, requestTerm(request)) as Encodable);
    } else {
      const process = this.local(address);
      if (process === undefined) return;
      process.deliver(
        this.copyMessages ? this.#copyCast(process, request, address) : new Cast(request),
      );
    }
  }

  /** Answers a call in the name of its server. */
  reply(from: Tuple<[Pid, Term]>, value: Encodable): void {
    this.send(this.main, replyAddress(from), tuple(from[1], value) as unknown as Tuple);
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
  copy(message: Encodable, address: Address): Term {
    return decode(encode(message), this.local(address)?.terms ?? this.terms);
  }

  #callRemote(remote: RemoteNode, address: Pid | Name, call: Call): void {
    const ref = call.ref;
    try {
      remote.monitor(call.pid, address instanceof Pid ? address : address.name, ref, call);
      if (call.done) return;
      call.place = { callEnded: () => remote.demonitor(ref) };
      remote.send(call.pid, address, call.message());
    } catch (error) {
      call.fail(error);
    }
  }

  #callLocal(from: Process, address: Pid | Name, call: Call): void {
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
    if (this.copyMessages) {
      try {
        const message = this.copy(
          call.message(process.body._requestTerm?.(call.request, false)),
          address,
        );
        process.keepCall(call);
        process.deliver(message);
      } catch (error) {
        call.fail(error);
      }
    } else {
      process.deliver(call);
    }
  }

  #copyCast(process: Process, request: Request, address: Address): Term {
    const term = process.body._requestTerm?.(request, true) ?? requestTerm(request);
    return this.copy(tuple(GEN_CAST, term) as unknown as Tuple, address);
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
  monitor(
    owner: Process,
    target: Target,
    handler: ((down: Down) => unknown) | null,
  ): Monitor {
    owner.mustLive("monitor");
    const address = addressOf(target);
    if (address instanceof Ref) {
      throw new TypeError("Cannot monitor an alias: monitor the process by its pid or name");
    }
    const object = address instanceof Pid
      ? address
      : tuple(address.name, address.node ?? this.name) as unknown as Tuple;
    const monitor = new ProcessMonitor(this.makeRef(), object, owner, handler);
    const remote = this.remoteOf(address);
    if (remote !== null) {
      monitor._place = { demonitor: (taken) => remote.demonitor(taken.ref) };
      remote.monitor(
        owner.pid,
        address instanceof Pid ? address : address.name,
        monitor.ref,
        monitor,
      );
    } else {
      const process = this.local(address);
      if (process === undefined) {
        monitor.down(NOPROC);
      } else {
        monitor._place = process;
        process.addWatcher(monitor);
      }
    }
    return monitor;
  }

  /** Links two processes: the end of one is an exit signal for the other. */
  link(process: Process, pid: Pid): void {
    process.mustLive("link");
    if (pid.equals(process.pid) || process.isLinked(pid)) return;
    const remote = this.remoteOf(pid);
    if (remote !== null) return remote.link(process, pid);
    const other = this.process(pid);
    if (other === undefined) {
      process.exitSignal(pid, NOPROC, true);
    } else {
      process.addLink(other);
      other.addLink(process);
    }
  }

  unlink(process: Process, pid: Pid): void {
    const remote = this.remoteOf(pid);
    if (remote !== null) return remote.unlink(process, pid);
    process.removeLink(pid);
    this.process(pid)?.removeLink(process.pid);
  }

  /** Sends an exit signal, as `exit/2`. */
  exit(from: Process, pid: Pid, reason: Term): void {
    const remote = this.remoteOf(pid);
    if (remote !== null) remote.exit(from.pid, pid, reason);
    else this.process(pid)?.exitSignal(from.pid, reason, false);
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
    for (const call of [...this.#aliases.values()]) {
      if (call instanceof Call) call.down(NOCONNECTION);
    }
    this.#aliases.clear();
  }
}

/** The text of an atom, three of which are JavaScript values. */
export function nameOf(name: Atom | boolean | null): string {
  return name === null ? "nil" : typeof name === "boolean" ? String(name) : name.name;
}

const NO_BODY: Body = { _receive() {}, terminate() {} };
