import type { DecodeOptions } from "../etf/options.ts";
import type { Pid, Ref } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import { Queue } from "../_util/queue.ts";
import { isThenable } from "../_util/thenable.ts";
import { EXIT, KILL, KILLED, NORMAL, SHUTDOWN } from "./atoms.ts";
import type { Call, CallPlace } from "./call.ts";
import type { Deadline } from "./deadlines.ts";
import { exitReasonOf, ProcessError, ProcessExitedError } from "./errors.ts";
import type { Runnable, Scheduler } from "./scheduler.ts";
import { Turn } from "./turn.ts";

/** What a process does with its messages: a GenServer's handlers, or a function that receives. */
export interface Body {
  /**
   * Takes one message: a term, or a {@linkcode Call} or {@linkcode Cast} of this node. A promise holds the mailbox until it
   * settles; a throw or a rejection is a crash.
   */
  _receive(message: unknown): unknown;
  /** The process ends in order, by its own stop or a crash. A promise delays the end until it settles. */
  terminate(reason: ExitReason): unknown;
  /** The process has ended, however it did. */
  _ended?(): void;
  /** Whether every abnormal end is reported, as of OTP's behaviours, or only unexpected errors, as of plain processes. Default true. */
  readonly _reports?: boolean;
}

/** Why a process ends. Strings are refused by the type: they are binaries, and `atom("normal")` is meant. */
export type ExitReason = Exclude<Term, string>;

/** Who wants to know of a process's end. */
export interface Watcher {
  /** The process has ended with that reason. */
  down(reason: Term): void;
}

/** The other end of a link: a process of this node, or one of a peer. */
export interface Linked {
  readonly pid: Pid;
  /** The process that is linked to this one has ended. */
  linkBroken(from: Pid, reason: Term): void;
}

/** What a process needs of its node. */
export interface Home {
  readonly scheduler: Scheduler;
  /** The process has ended: forget its pid, its name and its aliases. */
  forget(process: Process): void;
  setDeadline(deadline: Deadline, ms: number): void;
  clearDeadline(deadline: Deadline): void;
  /** A process ended abnormally, and nobody may have noticed. */
  crashed(process: Process, reason: Term): void;
}

/** Where a process is in its life. */
type Status =
  /** Nothing to do. */
  | "idle"
  /** In the run queue. */
  | "queued"
  /** Its code is on the stack. */
  | "running"
  /** A handler has returned a promise that has not settled. */
  | "waiting"
  /** `terminate` has been called and has not settled. */
  | "terminating"
  | "exited";

/**
 * One process: a mailbox, a body that takes one message at a time, and the links and monitors by which its end is told.
 *
 * The order of things when a process ends: its name and pid are free, its signal aborts, callers and watchers and links are
 * told, in this order, before anything else runs.
 */
export class Process implements Runnable, Linked, CallPlace {
  readonly home: Home;
  readonly pid: Pid;
  /** The key in the node's process table. */
  readonly id: number;
  body: Body;
  trapExit = false;
  /** The registered name; a process has at most one. */
  name: string | null = null;
  /** Who started it; an exit signal of the parent ends a GenServer even if it traps exits. */
  parent: Pid | null = null;
  /** How payloads for this process are decoded; `null` is the node's way. */
  terms: DecodeOptions | null = null;
  /** Whose message is handled now, where it is known. */
  caller: Pid | null = null;
  /** What it exited with. */
  reason: Term = NORMAL;

  #status: Status = "idle";
  #mailbox: Queue<unknown> = new Queue();
  #current: unknown = undefined;
  #stop: { readonly reason: Term } | null = null;
  #links: Map<string, Linked> | null = null;
  #watchers: Set<Watcher> | null = null;
  #calls: Set<Call> | null = null;
  #owned: Set<Disposable> | null = null;
  #aliases: Map<number, Ref> | null = null;
  #abort: AbortController | null = null;

  constructor(home: Home, pid: Pid, id: number, body: Body) {
    this.home = home;
    this.pid = pid;
    this.id = id;
    this.body = body;
  }

  get exited(): boolean {
    return this.#status === "exited";
  }

  get terminating(): boolean {
    return this.#status === "terminating";
  }

  /** How many messages wait. */
  get queued(): number {
    return this.#mailbox.length;
  }

  /** Puts a message behind those that wait. A process that has ended takes none. */
  deliver(message: unknown): void {
    if (this.#status === "exited") return;
    this.#mailbox.push(message);
    if (this.#status === "idle") this.#schedule();
  }

  /** Takes the next message, unless a handler has not settled yet. Called by the scheduler. */
  run(): void {
    if (this.#status !== "queued") return;
    if (this.#stop !== null) return this.#terminate(this.#stop.reason);
    const message = this.#mailbox.shift();
    if (message === undefined) {
      this.#status = "idle";
      return;
    }
    this.#status = "running";
    this.#current = message;
    let result: unknown;
    try {
      result = message instanceof Turn ? message.run() : this.body._receive(message);
    } catch (error) {
      return this.crash(error);
    }
    if (isThenable(result)) {
      // A handler that ended its own process is not waited for, but its late failure must not go unhandled.
      if (this.#status === "running") this.#status = "waiting";
      result.then(() => this.#settled(), (error) => this.#failed(error));
    } else {
      this.#settled();
    }
  }

  /** Asks the process to end in order once the message that it handles is done. */
  stop(reason: Term): void {
    if (this.#stop !== null || this.#status === "exited" || this.#status === "terminating") return;
    this.#stop = { reason };
    if (this.#status === "idle") this.#schedule();
  }

  /** The process's code has thrown: it ends in order, with the reason that stands for the error. */
  crash(error: unknown): void {
    if (this.#status === "exited") return;
    const reason = exitReasonOf(error);
    if (this.#status === "terminating") return this.exit(reason);
    this.#terminate(reason, !(error instanceof ProcessError));
  }

  /**
   * An exit signal arrives: of `exit(pid, reason)`, or of a link's other end. What Erlang does with it: `kill` (not by a link)
   * ends the process with `killed`; a process that traps exits gets `{'EXIT', From, Reason}` as a message; `normal` is
   * ignored; every other reason ends the process at once, also while a handler waits.
   */
  exitSignal(from: Pid, reason: Term, byLink: boolean): void {
    if (this.#status === "exited") return;
    if (reason === KILL && !byLink) return this.exit(KILLED);
    if (this.trapExit) return this.deliver(tuple(EXIT, from, reason));
    if (reason === NORMAL && (byLink || !from.equals(this.pid))) return;
    this.exit(reason);
  }

  linkBroken(from: Pid, reason: Term): void {
    if (this.#links?.delete(from.key)) this.exitSignal(from, reason, true);
  }

  /** Ends the process now, without `terminate`. */
  exit(reason: Term): void {
    if (this.#status === "exited") return;
    this.#status = "exited";
    this.reason = reason;
    this.home.forget(this);
    if (this.#owned !== null) { for (const owned of this.#owned) owned[Symbol.dispose](); }
    this.#abort?.abort(new ProcessExitedError("go on", reason));
    this.#failCalls(reason);
    if (this.#watchers !== null) { for (const watcher of this.#watchers) watcher.down(reason); }
    if (this.#links !== null) { for (const other of this.#links.values()) breakLink(other, this.pid, reason); }
    this.#mailbox.clear();
    this.#current = undefined;
    this.#owned = this.#watchers = this.#calls = this.#links = null;
    this.body._ended?.();
  }

  /** Throws where the process has ended, so that code which outlived it cannot act in its name. */
  mustLive(verb: string): void {
    if (this.#status === "exited") throw new ProcessExitedError(verb, this.reason);
  }

  /** Aborts when the process ends. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.exited) this.#abort.abort(new ProcessExitedError("go on", this.reason));
    }
    return this.#abort.signal;
  }

  addLink(other: Linked): void {
    (this.#links ??= new Map()).set(other.pid.key, other);
  }

  removeLink(pid: Pid): boolean {
    return this.#links?.delete(pid.key) ?? false;
  }

  isLinked(pid: Pid): boolean {
    return this.#links?.has(pid.key) ?? false;
  }

  get links(): Pid[] {
    return this.#links === null ? [] : Array.from(this.#links.values(), (linked) => linked.pid);
  }

  addWatcher(watcher: Watcher): void {
    (this.#watchers ??= new Set()).add(watcher);
  }

  removeWatcher(watcher: Watcher): void {
    this.#watchers?.delete(watcher);
  }

  /** A call that will be answered after its handler has returned: its caller is told if the process ends before. */
  keepCall(call: Call): void {
    if (call.done) return;
    (this.#calls ??= new Set()).add(call);
    call.place = this;
  }

  callEnded(call: Call): void {
    this.#calls?.delete(call);
  }

  /** Something that lives as long as the process at most: a timer, a monitor. */
  own(owned: Disposable): void {
    (this.#owned ??= new Set()).add(owned);
  }

  disown(owned: Disposable): void {
    this.#owned?.delete(owned);
  }

  /** The aliases that lead to this process, by their number. */
  get aliases(): Map<number, Ref> {
    return this.#aliases ??= new Map();
  }

  get hasAliases(): boolean {
    return this.#aliases !== null;
  }

  #schedule(): void {
    this.#status = "queued";
    this.home.scheduler.schedule(this);
  }

  #settled(): void {
    if (this.#status !== "running" && this.#status !== "waiting") return;
    this.#current = undefined;
    this.caller = null;
    if (this.#stop === null && this.#mailbox.length === 0) {
      this.#status = "idle";
    } else {
      this.#schedule();
    }
  }

  #failed(error: unknown): void {
    if (this.#status === "running" || this.#status === "waiting") this.crash(error);
  }

  /** @param threw whether by an error that nobody expected, which is reported in any case. */
  #terminate(reason: Term, threw = false): void {
    this.#status = "terminating";
    if (isCrash(reason) && (threw || this.body._reports !== false)) this.home.crashed(this, reason);
    let result: unknown;
    try {
      result = this.body.terminate(reason as ExitReason);
    } catch (error) {
      return this.exit(exitReasonOf(error));
    }
    if (!isThenable(result)) return this.exit(reason);
    result.then(() => this.exit(reason), (error) => this.exit(exitReasonOf(error)));
  }

  #failCalls(reason: Term): void {
    fail(this.#current, reason);
    if (this.#calls !== null) { for (const call of this.#calls) call.down(reason); }
    for (const message of this.#mailbox) fail(message, reason);
  }
}

/** A message that waits for an answer tells its sender that none will come. */
function fail(message: unknown, reason: Term): void {
  if (message !== null && typeof message === "object" && "undelivered" in message) {
    (message as Undelivered).undelivered(reason);
  }
}

/** A message whose sender is told where the process ends before it is answered. */
export interface Undelivered {
  undelivered(reason: Term): void;
}

/** Whether OTP would write a crash report: every reason but `normal`, `shutdown` and `{shutdown, _}`. */
function isCrash(reason: Term): boolean {
  return reason !== NORMAL && reason !== SHUTDOWN &&
    !(isTuple(reason) && reason.length === 2 && reason[0] === SHUTDOWN);
}

// Exit signals travel from process to process. They are worked off in a loop, since a chain of links may be longer than the stack.
const broken: { other: Linked; from: Pid; reason: Term }[] = [];
let breaking = false;

function breakLink(other: Linked, from: Pid, reason: Term): void {
  broken.push({ other, from, reason });
  if (breaking) return;
  breaking = true;
  try {
    for (let i = 0; i < broken.length; i++) {
      broken[i].other.linkBroken(broken[i].from, broken[i].reason);
    }
  } finally {
    broken.length = 0;
    breaking = false;
  }
}
