import { atom } from "../../etf/atom.ts";
import type { DecodeOptions } from "../../etf/options.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { Queue } from "../../_util/queue.ts";
import { isThenable } from "../../_util/thenable.ts";
import { EXIT, KILL, KILLED, NORMAL, SHUTDOWN } from "../atoms.ts";
import type { Call, CallPlace } from "../call.ts";
import { exitReasonOf, isProcessError, ProcessExitedError } from "../errors.ts";
import type { MonitorPlace, ProcessMonitor } from "./monitor.ts";
import type { Body, ExitReason, Home, Linked, Watcher } from "./body.ts";
import { RaisedError } from "../provided/raise.ts";
import { Registration } from "./registration.ts";
import type { Runnable } from "./scheduler.ts";
import { isParentExit, isSystemMessage } from "../system_message.ts";
import { Turn } from "./turn.ts";

export type { Body, ExitReason, Home, Linked, Watcher } from "./body.ts";

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
export class Process implements Runnable, Linked, CallPlace, MonitorPlace {
  readonly home: Home;
  readonly pid: Pid;
  body: Body;
  trapExit = false;
  /** The registered name; a process has at most one. */
  name: string | null = null;
  /** Who started it; an exit signal of the parent ends a GenServer even if it traps exits. */
  parent: Pid | null = null;
  /** The node that asked for it, where it is another one: what it runs is run for that node. */
  spawner: string | null = null;
  /**
   * Whether it acts in the name of whoever sends to it: then `origin` is the peer whose message is handled now, as its connection
   * knows it, until the handler returns or first waits. What a message says of its sender anybody can write.
   */
  asksOrigin = false;
  origin: string | null = null;
  /** Who prints for it: Erlang's group leader, here or on another node. */
  groupLeader: Pid;
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
  /** What has come while the process is suspended; `null` where it is not. */
  #held: unknown[] | null = null;
  #links: Map<string, Linked> | null = null;
  #watchers: Set<Watcher> | null = null;
  #calls: Set<Call> | null = null;
  #owned: Set<Disposable> | null = null;
  #aliases: Set<number> | null = null;
  #abort: AbortController | null = null;

  constructor(home: Home, pid: Pid, body: Body) {
    this.home = home;
    this.pid = pid;
    this.groupLeader = pid;
    this.body = body;
  }

  /** The key in the node's process table. */
  get id(): number {
    return processId(this.pid);
  }

  get exited(): boolean {
    return this.#status === "exited";
  }

  /** The name that it is registered by, here or elsewhere, as a term. */
  get registeredAs(): Term | null {
    if (this.name !== null) return atom(this.name);
    if (this.#owned !== null) {
      for (const one of this.#owned) if (one instanceof Registration) return one.name;
    }
    return null;
  }

  /** Why it will end when its message is done; `null` where nobody has asked it to. */
  get stopping(): { readonly reason: Term } | null {
    return this.#stop;
  }

  /** How many messages wait. */
  get queued(): number {
    return this.#mailbox.length + (this.#held?.length ?? 0);
  }

  /** Whether it has been suspended, see {@linkcode Process.suspend}. */
  get suspended(): boolean {
    return this.#held !== null;
  }

  /** Until it is resumed the process handles messages of sys and the end of its parent; all else waits in its order. */
  suspend(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held;
    this.#held = null;
    if (held === null || held.length === 0) return;
    const behind = [...this.#mailbox];
    this.#mailbox.clear();
    for (const message of held) this.#mailbox.push(message);
    for (const message of behind) this.#mailbox.push(message);
    if (this.#status === "idle") this.#schedule();
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
    if (this.#held !== null && !this.#isUrgent(message)) {
      this.#held.push(message);
      return this.#settled();
    }
    this.#current = message;
    try {
      const result = message instanceof Turn ? message.run() : this.body._receive(message);
      if (isThenable(result)) return this.#wait(result);
    } catch (error) {
      return this.crash(error);
    }
    this.#settled();
  }

  /** Asks the process to end in order once the message that it handles is done; those that wait are not handled any more. */
  stop(reason: Term): void {
    if (this.#stop !== null || this.#status === "exited" || this.#status === "terminating") return;
    this.#stop = { reason };
    if (this.#status === "idle") this.#schedule();
  }

  /** Asks the process to end in order when all messages that wait now are done, as `gen_server:stop`. */
  stopInTurn(reason: Term): void {
    this.deliver(new Stop(this, reason));
  }

  /** The node stops: does as the exit signal of a parent would. */
  shutDown(from: Pid, reason: Term): void {
    if (!this.trapExit) this.exit(reason);
    else if (this.body._plain) this.exitSignal(from, reason, false);
    else this.stopInTurn(reason);
  }

  /** The process's code has thrown: it ends in order, with the reason that stands for the error. */
  crash(error: unknown): void {
    if (this.#status === "exited") return;
    if (this.#status === "terminating") return this.#terminateFailed(error);
    this.#terminate(exitReasonOf(error), !isProcessError(error) || error instanceof RaisedError);
  }

  /**
   * An exit signal arrives: of `exit(pid, reason)`, or of a link's other end. What Erlang does with it: `kill` (not by a link)
   * ends the process with `killed`; a process that traps exits gets `{'EXIT', From, Reason}` as a message; `normal` is
   * ignored; every other reason ends the process at once, also while a handler waits.
   */
  exitSignal(from: Pid, reason: Term, byLink: boolean): void {
    if (this.#status === "exited" || this.body._essential) return;
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
    if (this.#owned !== null) this.#dispose(this.#owned);
    this.#abort?.abort(new ProcessExitedError("go on", reason));
    this.#failCalls(reason);
    if (this.#watchers !== null) this.#tellWatchers(this.#watchers, reason);
    if (this.#links !== null) this.home.broken.add(this.#links.values(), this.pid, reason);
    if (this.#mailbox.length > 0) this.#mailbox.clear();
    this.#held = null;
    this.#current = undefined;
    this.#owned =
      this.#watchers =
      this.#calls =
      this.#links =
      this.#aliases =
        null;
    this.body._ended?.();
  }

  /** Throws where the process has ended, so that code which outlived it cannot act in its name. */
  mustLive(verb: string): void {
    if (this.#status === "exited") throw this.gone(verb);
  }

  /** What is thrown where a process that has ended is to do something. */
  gone(verb: string): Error {
    return new ProcessExitedError(verb, this.reason);
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

  /** How many monitors are on this process. */
  get watcherCount(): number {
    return this.#watchers?.size ?? 0;
  }

  demonitor(monitor: ProcessMonitor): void {
    this.removeWatcher(monitor);
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

  /** How many timers and monitors this process has. */
  get ownedCount(): number {
    return this.#owned?.size ?? 0;
  }

  addAlias(number: number): void {
    (this.#aliases ??= new Set()).add(number);
  }

  removeAlias(number: number): boolean {
    return this.#aliases?.delete(number) ?? false;
  }

  /** The numbers of the aliases that lead to this process; `null` where there are none. */
  get aliases(): ReadonlySet<number> | null {
    return this.#aliases;
  }

  /** What a suspended process handles, as OTP's do. */
  #isUrgent(message: unknown): boolean {
    return message instanceof Stop || isSystemMessage(message) ||
      isParentExit(message, this.parent);
  }

  #schedule(): void {
    this.#status = "queued";
    this.home.scheduler.schedule(this);
  }

  #wait(result: PromiseLike<unknown>): void {
    // A handler that ended its own process is not waited for, but its late failure must not go unhandled.
    if (this.#status === "running") this.#status = "waiting";
    // By way of resolve, since what is no promise of the runtime's may call back at once, or twice, or throw.
    Promise.resolve(result).then(() => this.#settled(), (error) => this.#failed(error));
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
    if (isCrash(reason) && (threw || !this.body._plain)) this.home.crashed(this, reason);
    try {
      const result = this.body.terminate(reason as ExitReason);
      if (isThenable(result)) {
        Promise.resolve(result).then(
          () => this.exit(reason),
          (error) => this.#terminateFailed(error),
        );
        return;
      }
    } catch (error) {
      return this.#terminateFailed(error);
    }
    this.exit(reason);
  }

  #terminateFailed(error: unknown): void {
    if (this.#status === "exited") return;
    const reason = exitReasonOf(error);
    if (isCrash(reason)) this.home.crashed(this, reason);
    this.exit(reason);
  }

  #failCalls(reason: Term): void {
    if (this.#current !== undefined) fail(this.#current, reason);
    if (this.#calls !== null) { for (const call of this.#calls) call.undelivered(reason); }
    if (this.#held !== null) { for (const message of this.#held) fail(message, reason); }
    if (this.#mailbox.length > 0) { for (const message of this.#mailbox) fail(message, reason); }
  }

  #dispose(owned: Set<Disposable>): void {
    for (const one of owned) {
      try {
        one[Symbol.dispose]();
      } catch (error) {
        this.home.fault("Cannot take back what a process had", error);
      }
    }
  }

  #tellWatchers(watchers: Set<Watcher>, reason: Term): void {
    for (const watcher of watchers) {
      try {
        watcher.down(reason);
      } catch (error) {
        this.home.fault("Cannot tell of the end of a process", error);
      }
    }
  }
}

/** Pids keep to 15 bits of id and 13 of serial as long as they can, which peers before OTP 26 insist on. */
export const PID_ID_BITS = 32_768;

/** The number of a process of this node, counted from 0 in the order in which they were made. */
export function processId(pid: Pid): number {
  return pid.serial * PID_ID_BITS + pid.id;
}

/** Waits in the mailbox as a message does, and ends the process when its turn comes. */
class Stop extends Turn {
  #process: Process;
  #reason: Term;

  constructor(process: Process, reason: Term) {
    super();
    this.#process = process;
    this.#reason = reason;
  }

  run(): void {
    this.#process.stop(this.#reason);
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
