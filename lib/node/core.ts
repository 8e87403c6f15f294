import { NumberTable } from "../_util/number_table.ts";
import { type Atom, atom } from "../etf/atom.ts";
import { decode } from "../etf/decoder.ts";
import type { DecodeOptions } from "../etf/options.ts";
import { withMaps } from "../etf/convert.ts";
import { encode } from "../etf/encoder.ts";
import { format } from "../etf/format.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type Tuple, tuple } from "../etf/tuple.ts";
import type { AsyncContext, Platform } from "../platform/contract.ts";
import { GEN_CAST, NOCONNECTION } from "./atoms.ts";
import { COPIED, failCaller, MESSAGE, placeCall, sendReply, sendTo } from "./calling.ts";
import {
  Call,
  type CallHome,
  type CallOptions,
  Cast,
  replyRef,
  type Request,
  requestTerm,
} from "./call.ts";
import type { CoreOptions, Receiver, SpawnOptions } from "./core_options.ts";
import { refuseFull } from "./delivery.ts";
import { type Deadline, Deadlines } from "./process/deadlines.ts";
import { errorText } from "./errors.ts";
import type { GlobalNames } from "./global_names.ts";
import type { Node } from "./node.ts";
import { BrokenLinks, linkProcesses, unlinkProcesses } from "./process/links.ts";
import { keepTrack, TrackedProcess } from "./process/current_process.ts";
import { type Env, startEnv } from "./process/env.ts";
import { equip } from "./process/equip.ts";
import { MainProcess } from "./process/main_process.ts";
import { type Down, type Monitor, monitorProcess } from "./process/monitor.ts";
import { type Body, type Home, Process, processId } from "./process/process.ts";
import { Names } from "./process/names.ts";
import type { Priority } from "./process/mailbox.ts";
import { PidNumbers } from "./numbers.ts";
import type { Outside, Parts } from "./outside.ts";
import { type References, referencesOf } from "./references.ts";
import { NO_NETWORK, type RemoteNode, type RemoteNodes } from "./remote/remote_node.ts";
import { logElsewhere } from "./log/elsewhere.ts";
import { NodeLogger } from "./log/node_logger.ts";
import { type Scheduler, schedulerOf } from "./process/scheduler.ts";
import { FromPeer } from "./remote/from_peer.ts";
import { isSystemMessage, SystemCall } from "./system_message.ts";
import { type Address, addressOf, Name, type Target } from "./target.ts";
import { reasonReport } from "./provided/thrown.ts";

export type { CoreOptions, Receiver, SpawnOptions } from "./core_options.ts";
export { nameOf } from "./atoms.ts";
export type { RemoteNode, RemoteNodes } from "./remote/remote_node.ts";

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
  /** Where all goes that is logged; the platform's own log leads there, too. */
  readonly logger: NodeLogger;
  readonly scheduler: Scheduler;
  readonly broken: BrokenLinks = new BrokenLinks((error) =>
    this.fault("Cannot break a link", error)
  );
  readonly processes: NumberTable<Process> = new NumberTable();
  readonly names: Names;
  /** Stands for the node where something is done from outside of any process. */
  readonly main: Process;
  remotes: RemoteNodes = NO_NETWORK;
  /** Whose core this is, for processes that ask; `null` where it runs without one. */
  node: Node | null = null;
  /** All that is around, where this is a part of a node on a thread of its own. */
  readonly outside: Outside | null;
  /** The parts of the node that run elsewhere, where there are such. */
  parts: Parts | null = null;
  /** The names of the cluster, once the node's kernel runs. */
  global: GlobalNames | null = null;
  /** What processes find by name that have no such value of their own. */
  env: Env | null = null;
  /** Casts that were dropped because they did not parse or nobody takes them. */
  refusedCasts = 0;
  /** Messages that full mailboxes had no room for, and nobody else has taken. */
  droppedMessages = 0;
  /** How messages from other nodes are decoded, unless their receiver says otherwise. */
  readonly terms: DecodeOptions;
  /** Sends local messages through the codec, so that nobody relies on sharing. */
  readonly copyMessages: boolean;
  #deadlines: Deadlines;
  #aliases: NumberTable<Receiver> = new NumberTable();
  #stopped = false;
  /** Whose code runs, where that is to be known. */
  #tracks: AsyncContext | null = null;
  readonly #made: number;
  #age = 0;
  readonly pids: PidNumbers;
  readonly references: References;

  constructor(name: string, outside: Platform, options: CoreOptions = {}) {
    this.name = atom(name);
    this.logger = options.logger ?? new NodeLogger(name, outside, options.log);
    const platform = this.logger._platform;
    this.platform = platform;
    this.#made = platform.now();
    const random = new DataView(platform.randomBytes(12).buffer);
    // 0 to 3 are what old nodes use. 30 bits, because numbers beyond take engines 16 bytes more, in every pid.
    this.creation = options.creation ?? Math.max(4, random.getUint32(0) >>> 2);
    const part = options.part ?? null;
    this.outside = part?.outside ?? null;
    this.names = part?.names ?? new Names();
    this.pids = new PidNumbers(this, part?.pids, part?.morePids);
    this.references = referencesOf(this, part, random);
    this.copyMessages = options.copyMessages ?? false;
    this.env = startEnv(null, options.env);
    this.terms = { atomLimit: FOREIGN_ATOMS, ...options.terms };
    this.scheduler = schedulerOf(platform);
    this.#deadlines = new Deadlines(platform);
    const main = new MainProcess(this, this.pids.pid(this.pids.take()), NO_BODY);
    main.trapExit = true;
    if (options.currentProcess) main.tracks = this.#tracks = keepTrack(platform.asyncContext());
    this.main = main;
    this.processes.set(main.id, main);
  }

  /** Whether the node has stopped: nothing runs on it any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  // Processes

  /**
   * Makes a process. Its first message is for whoever makes it to give: nothing runs before that.
   *
   * @throws {NameError} if the name is taken; then there is no process.
   */
  spawn(body: Body, options: SpawnOptions = NO_OPTIONS): Process {
    this.main.mustLive("start a process");
    const number = options.number ?? this.pids.take();
    const pid = this.pids.pid(number);
    const process = this.#tracks === null
      ? new Process(this, pid, body)
      : new TrackedProcess(this, pid, body, this.#tracks);
    if (options.register !== undefined) this.names.register(options.register, process);
    this.processes.set(number, process);
    process.groupLeader = options.groupLeader ?? (options.link ?? this.main).groupLeader;
    process.since = this.age;
    if (options !== NO_OPTIONS) equip(this, process, options);
    if (this.outside !== null && options.number === undefined) this.outside.spawned(process);
    return process;
  }

  /** A message was dropped because its receiver's mailbox is full: who called is told. */
  refused(receiver: Process, message: unknown): void {
    this.droppedMessages++;
    refuseFull(this, receiver, message);
  }

  /** Sends in the name of a process. @returns whether somebody of this node has taken it, or another node is to. */
  handOver(from: Process, target: Target, message: Encodable): boolean {
    const address = addressOf(target, this.global);
    if (this.remoteOf(address) === null) {
      const process = this.local(address);
      return process !== undefined && process.limit?.hasRoom !== false && process.post(message);
    }
    this.send(from, target, message);
    return true;
  }

  /** Milliseconds since the node was made, by the clock. */
  get now(): number {
    return Math.floor(this.platform.now() - this.#made);
  }

  /** Milliseconds since the node was made. The clock is looked at once for all that is asked before the next turn. */
  get age(): number {
    if (!this.scheduler.isWaiting) this.#age = this.now;
    return this.#age;
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

  forget(process: Process, reason: Term): void {
    this.processes.delete(process.id);
    if (process._rare !== null) {
      if (process.name !== null) this.names.unregister(process.name);
      const { aliases } = process;
      if (aliases !== null) { for (const number of aliases) this.#aliases.delete(number); }
    }
    this.outside?.ended(process, reason);
  }

  crashed(process: Process, reason: Term): void {
    const who = process.name ?? format(process.pid);
    logElsewhere(this, process, "error", [CRASH, [process.pid, this.name, reason]]);
    this.logger._log("error", `Process ${who} crashed: ${reasonReport(reason)}`, process);
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
    return this.references.make();
  }

  /** The number of a reference that this node made, by which it is found in tables; -1 for others. */
  refNumber(ref: Ref): number {
    return this.references.numberOf(ref);
  }

  /** The reference of that number. */
  refOf(number: number): Ref {
    return this.references.of(number);
  }

  addReplyTo(ref: Ref, receiver: Receiver): void {
    this.#aliases.set(this.refNumber(ref), receiver);
  }

  removeReplyTo(ref: Ref): void {
    this.#aliases.delete(this.refNumber(ref));
  }

  /** Makes a reference that messages to `process` can be sent to until it is taken back, or the process ends. */
  addAlias(process: Process, urgent = false): Ref {
    process.mustLive("make an alias");
    const ref = this.makeRef();
    const number = this.refNumber(ref);
    this.#aliases.set(number, process);
    if (urgent) process.addUrgentAlias(number);
    else process.addAlias(number);
    return ref;
  }

  removeAlias(process: Process, alias: Ref): boolean {
    const number = this.refNumber(alias);
    return process.removeAlias(number) && this.#aliases.delete(number);
  }

  // Messages

  /** Sends a message; nobody is told where there is no such process, as in Erlang. */
  send(from: Process, target: Target, message: Encodable, priority?: Priority): void {
    if (from.exited) throw from.gone("send");
    if (message === undefined) {
      throw new TypeError("Cannot send undefined: it is no term, send null, which is nil");
    }
    const address = addressOf(target, this.global);
    const remote = this.remoteOf(address);
    if (remote !== null) {
      sendTo(remote, from, address, this.outgoing(from, message), undefined, priority);
    } else {
      const sent = this.copyMessages ? this.copy(message, address, from) : message;
      this.receive(address, sent, null, priority);
    }
  }

  /** What a process sends: one that has chosen to get maps as plain objects may send them so. */
  outgoing<T extends Encodable>(from: Process, message: T): T {
    const { objects } = from.terms ?? this.terms;
    return objects === undefined ? message : withMaps(message, objects) as T;
  }

  /**
   * Delivers a message that was sent to an address of this node, by a peer where there is one.
   *
   * @returns whether it was not refused by a mailbox that is full.
   */
  receive(
    address: Address,
    message: unknown,
    peer: string | null = null,
    priority?: Priority,
  ): boolean {
    const receiver = address instanceof Ref ? this.receiverOf(address) : this.local(address);
    if (receiver instanceof Process) {
      return peer === null
        ? receiver.post(message, priority)
        : this.receiveFrom(peer, receiver, message, priority);
    }
    receiver?.deliver(message, priority);
    return true;
  }

  /** What takes the messages to a reference that this node made. */
  receiverOf(ref: Ref): Receiver | undefined {
    const number = this.refNumber(ref);
    return this.#aliases.get(number) ?? this.parts?.receiverOf(ref, number);
  }

  /**
   * Delivers a message that a peer sent to a pid. Replies come so from peers before OTP 24, and from some servers of later
   * ones (net_kernel): `{Tag, Reply}` goes to the call that waits for it, whichever process made it. `{io_reply, ReplyAs, Reply}`
   * always comes so.
   */
  receiveFor(pid: Pid, message: unknown, peer: string): boolean {
    const ref = replyRef(message);
    if (ref !== null) {
      const receiver = this.#aliases.get(this.refNumber(ref));
      if (receiver !== undefined && !(receiver instanceof Process)) {
        receiver.deliver(message);
        return true;
      }
    }
    const process = this.process(pid);
    return process === undefined || this.receiveFrom(peer, process, message);
  }

  /** Delivers a message of a peer to a process. @returns whether its mailbox has taken it. */
  receiveFrom(peer: string, process: Process, message: unknown, priority?: Priority): boolean {
    // Of the node's own processes sys has to know who asks; others may be suspended, and must see that it is sys.
    const asks = process.body._essential
      ? process.asksOrigin || isSystemMessage(message)
      : process.asksOrigin && !isSystemMessage(message);
    return process.post(asks ? new FromPeer(process, peer, message) : message, priority);
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
    return placeCall(
      this,
      from,
      address,
      call,
      this.copyMessages ? COPIED : null,
      options,
    );
  }

  /** Makes a call whose request every process gets as a message: of sys, `{system, From, Request}`, or of another kind. */
  systemCall(
    from: Process,
    target: Target,
    request: Encodable,
    options: CallOptions,
    Kind: typeof SystemCall = SystemCall,
  ): Promise<unknown> {
    if (from.exited) return Promise.reject(from.gone("call"));
    const address = addressOf(target, this.global);
    if (address instanceof Ref) {
      return Promise.reject(new TypeError("Cannot ask an alias: ask the process"));
    }
    const term = { name: null, term: request };
    const call = new Kind(this, from.pid, address, term, options);
    return placeCall(this, from, address, call, MESSAGE, options);
  }

  cast(from: Process, target: Target, request: Request, priority?: Priority): void {
    if (from.exited) throw from.gone("cast");
    const address = addressOf(target, this.global);
    const remote = this.remoteOf(address);
    if (remote !== null) {
      const message = tuple(GEN_CAST, requestTerm(request)) as Encodable;
      sendTo(remote, from, address, this.outgoing(from, message));
    } else {
      const process = this.local(address);
      if (process === undefined) return;
      process.post(
        this.copyMessages ? this.copyCast(from, process, request, address) : new Cast(request),
        priority,
      );
    }
  }

  /** See {@linkcode sendReply}. */
  reply(from: Tuple<[Pid, Term]>, value: Encodable, server: Process = this.main): void {
    sendReply(this, from, value, server);
  }

  /** See {@linkcode failCaller}. */
  failCaller(from: Tuple<[Pid, Term]>, reason: Term, server?: Process): void {
    failCaller(this, from, reason, server);
  }

  /** The other node that an address leads to; `null` where it is this one. */
  remoteOf(address: Address): RemoteNode | null {
    const node = address instanceof Name ? address.node : address._node;
    if (node !== null && node !== this.name) return this.remotes.remote(node.name);
    return this.outside === null ? null : this.outside.routeOf(address);
  }

  /** The same for what is of use only where there is something with that node already: `undefined` where there is not. */
  knownOf(address: Pid | Ref): RemoteNode | null | undefined {
    if (address._node !== this.name) return this.remotes.known(address._node.name);
    return this.outside === null ? null : this.outside.routeOf(address);
  }

  /** What a receiver of this node would get if the message came from another one. */
  copy(message: Encodable, address: Address, from: Process = this.main): Term {
    return decode(encode(this.outgoing(from, message)), this.local(address)?.terms ?? this.terms);
  }

  copyCast(from: Process, process: Process, request: Request, address: Address): Term {
    const term = process.body._requestTerm?.(request, true) ?? requestTerm(request);
    return this.copy(tuple(GEN_CAST, term) as unknown as Tuple, address, from);
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

const NO_BODY: Body = { _receive() {} };
const NO_OPTIONS: SpawnOptions = {};
