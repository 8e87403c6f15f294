import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { isThenable } from "../../_util/thenable.ts";
import { EXIT, KILL, KILLED, NORMAL } from "../atoms.ts";
import type { Call, CallPlace } from "../call.ts";
import { exitReasonOf, isProcessError, ProcessExitedError } from "../errors.ts";
import type { ProcessContext } from "./context.ts";
import type { MonitorPlace, ProcessMonitor } from "./monitor.ts";
import type { Body, ExitReason, Home, Linked } from "./body.ts";
import { Hibernation, IdleTimeout } from "./idle_timeout.ts";
import { Lanes, Next, type Priority } from "./mailbox.ts";
import { disposeAll, fail, isCrash, Stop, tellAll } from "./_ending.ts";
import { Rare } from "./_rare.ts";
import { Ties, WithTies } from "./_ties.ts";
import { RaisedError } from "../provided/raise.ts";
import { Registration } from "./registration.ts";
import type { Runnable } from "./scheduler.ts";
import { isParentExit, isSystemMessage } from "../system_message.ts";
import { Turn } from "./turn.ts";

export type { Body, ExitReason, Home, Linked, Watcher } from "./body.ts";
export type { Undelivered } from "./_ending.ts";

/** Where a process is in its life. */
export type Status =
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
export class Process extends WithTies implements Runnable, Linked, CallPlace, MonitorPlace {
  readonly home: Home;
  readonly pid: Pid;
  body: Body;
  trapExit = false;
  /** Who prints for it: Erlang's group leader, here or on another node. */
  groupLeader: Pid;
  /** Whose message is handled now, where it is known. */
  caller: Pid | null = null;
  /** How many messages, timers and other turns it has begun to handle. */
  handled = 0;
  /** When it was made, in whole milliseconds since the node was; a little later than that where many are made at once. */
  since = 0;

  #status: Status = "idle";
  /** Whether it was asked to stop, or there is something in `_rare` that a turn has to look at; else no turn looks. */
  #special = false;
  /** What is handled now; of a process that has ended, what it exited with. */
  #current: unknown = undefined;

  constructor(home: Home, pid: Pid, body: Body) {
    super();
    this.home = home;
    this.pid = pid;
    this.groupLeader = pid;
    this.body = body;
  }

  /** The key in the node's process table. */
  get id(): number {
    return processId(this.pid);
  }

  get status(): Status {
    return this.#status;
  }

  get exited(): boolean {
    return this.#status === "exited";
  }

  /** What it exited with. */
  get reason(): Term {
    return this.#status === "exited" ? this.#current as Term : NORMAL;
  }

  /** The name that it is registered by, here or elsewhere, as a term. */
  get registeredAs(): Term | null {
    if (this.name !== null) return atom(this.name);
    for (const one of this.owned) if (one instanceof Registration) return one.name;
    return null;
  }

  /** Why it will end when its message is done; `null` where nobody has asked it to. */
  get stopping(): { readonly reason: Term } | null {
    return this._rare === null ? null : this._rare.stop;
  }

  /** How many messages wait, those among them that the body keeps for later. */
  get queued(): number {
    const rare = this._rare;
    const here = this._length + (this.body._waiting ?? 0);
    return rare === null ? here : here + (rare.held?.length ?? 0) + (rare.lanes?.length ?? 0);
  }

  /** What is handled now; `undefined` where it is nothing. */
  get current(): unknown {
    return this.#status === "exited" ? undefined : this.#current;
  }

  /** Whether it has been suspended, see {@linkcode Process.suspend}. */
  get suspended(): boolean {
    return this._rare !== null && this._rare.held !== null;
  }

  /** Until it is resumed the process handles messages of sys and the end of its parent; all else waits in its order. */
  suspend(): void {
    (this._rare ??= new Rare()).held ??= [];
    this.#special = true;
  }

  resume(): void {
    const held = this._rare?.held ?? null;
    if (held === null) return;
    this._rare!.held = null;
    this._putBefore(held);
    if (this.#status !== "idle") return;
    if (this._length > 0) this.#schedule();
    else this.#idles(this._rare!);
  }

  /** Puts something behind what waits. A process that has ended takes nothing. */
  deliver(message: unknown): void {
    const status = this.#status;
    if (status === "idle") {
      this._first = message; // nothing waits for one that is idle
      this.#schedule();
    } else if (status !== "exited") {
      this._push(message);
    }
  }

  /**
   * As {@linkcode Process.deliver}, for what users send: a mailbox may be full, and a message may be urgent.
   *
   * @returns whether the mailbox, or who stands in for it, has taken the message. What waits for an answer is told where it was dropped.
   */
  post(message: unknown, priority?: Priority): boolean {
    const rare = this._rare;
    if (rare !== null && rare.limit !== null && !rare.limit.admits(message)) {
      return rare.limit.replaces;
    }
    if (priority === undefined || priority === "normal") this.deliver(message);
    else this.#deliverBefore(message, priority);
    return true;
  }

  #deliverBefore(message: unknown, priority: "high" | "max"): void {
    if (this.#status === "exited") return;
    const turn = this.body._urgent?.(message, priority) ?? message;
    this.#lanes().push(turn, priority);
    if (this.#status === "idle") this.#schedule();
  }

  /** Runs a function before all messages that wait, as soon as the one is done that is handled now. */
  doNext(fn: () => unknown): void {
    if (this.#status === "exited") return;
    this.#lanes().pushNext(new Next(fn));
    if (this.#status === "idle") this.#schedule();
  }

  #lanes(): Lanes {
    this.#special = true;
    return (this._rare ??= new Rare()).lanes ??= new Lanes();
  }

  /** Takes the message away that has waited longest, of those without a priority; `undefined` where there is none. */
  dropOldest(): unknown {
    return this.body._dropOldest?.() ?? this._rare?.held?.shift() ??
      this._takeMessage();
  }

  /** Takes the next message, unless a handler has not settled yet; some more where handlers do not wait. Called by the scheduler. */
  run(): void {
    if (this.#status !== "queued") return;
    if (this.#special && this.stopping !== null) return this.#terminate(this.stopping.reason);
    let message = this.#special ? this.#shift(this._rare) : this._take();
    if (message === undefined) {
      this.#status = "idle";
      return;
    }
    this.#status = "running";
    const { scheduler } = this.home;
    for (let left = scheduler.batch;;) {
      this.#current = message;
      this.handled++;
      try {
        const result = this._handle(message);
        if (isThenable(result)) return this.#wait(result);
      } catch (error) {
        return this.crash(error);
      }
      // What is done in one turn counts as if each had its own: else a flood would put off what is due.
      if (--left === 0 || scheduler.turns <= 1 || this.#special || this.status !== "running") break;
      message = this._take();
      if (message === undefined) break;
      scheduler.turns--;
      this.caller = null;
    }
    this.#settled();
  }

  /** @internal Learns by what its code acts in its name. */
  _attached(_context: ProcessContext): void {}

  /** @internal Does what a message asks for. */
  _handle(message: unknown): unknown {
    return message instanceof Turn ? message.run(this) : this.body._receive(message);
  }

  /** Asks the process to end in order once the message that it handles is done; those that wait are not handled any more. */
  stop(reason: Term): void {
    if (this.#status === "exited" || this.#status === "terminating") return;
    const rare = this._rare ??= new Rare();
    if (rare.stop !== null) return;
    rare.stop = { reason };
    this.#special = true;
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
    if (this.removeLink(from)) this.exitSignal(from, reason, true);
  }

  /** Ends the process now, without `terminate`. */
  exit(reason: Term): void {
    if (this.#status === "exited") return;
    this.#status = "exited";
    const handled = this.#current;
    this.#current = reason;
    this.home.forget(this, reason);
    const rare = this._rare;
    const ties = this._ties;
    if (ties !== null && ties.owned !== null) disposeAll(this.home, ties.owned);
    if (rare !== null) rare.end(this.home, reason);
    this.#failCalls(handled, reason);
    if (ties !== null) {
      if (ties.watchers !== null) tellAll(this.home, ties.watchers, reason);
      if (ties.link !== null || ties.links !== null) {
        this.home.broken.add(ties.linked, this.pid, reason);
      }
    }
    this._clear();
    this._rare = this._ties = null;
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
    const rare = this._rare ??= new Rare();
    if (rare.abort === null) {
      rare.abort = new AbortController();
      if (this.exited) rare.abort.abort(new ProcessExitedError("go on", this.reason));
    }
    return rare.abort.signal;
  }

  demonitor(monitor: ProcessMonitor): void {
    this.removeWatcher(monitor);
  }

  /** A call that will be answered after its handler has returned: its caller is told if the process ends before. */
  keepCall(call: Call): void {
    if (call.done) return;
    ((this._ties ??= new Ties()).calls ??= new Set()).add(call);
    call.place = this;
  }

  callEnded(call: Call): void {
    this._ties?.calls?.delete(call);
  }

  /** Runs `fn` when nothing has come for `ms` milliseconds, once until something comes; `Infinity` takes that back. */
  setIdleTimeout(ms: number, fn: () => unknown): void {
    if (this.#status === "exited") return;
    const rare = this._rare ??= new Rare();
    if (rare.idle !== null) this.home.clearDeadline(rare.idle);
    rare.idle = ms === Infinity ? null : new IdleTimeout(this, ms, fn);
    this.#special = true;
    if (this.#status === "idle") this.#idles(rare);
  }

  /** Has it hibernate each time when nothing has come for `ms` milliseconds. */
  setHibernation(ms: number): void {
    (this._rare ??= new Rare()).hibernation = new Hibernation(this, ms);
    this.#special = true;
  }

  /** Gives back what the mailbox holds to be fast, when the message is done that is handled now. */
  hibernate(): void {
    if (this.#status === "exited") return;
    const rare = this._rare ??= new Rare();
    rare.hibernates = this.#special = true;
    if (this.#status === "idle") this.#idles(rare);
  }

  /** What a suspended process handles, as OTP's do. */
  #isUrgent(message: unknown): boolean {
    return message instanceof Stop || message instanceof Next || isSystemMessage(message) ||
      isParentExit(message, this.parent);
  }

  /** The next message of a process that has something which few have. */
  #shift(rare: Rare | null): unknown {
    if (rare === null) return this._take();
    rare.hibernates = false;
    for (;;) {
      const message = rare.lanes?.shift() ?? this._take();
      if (message === undefined) return undefined;
      if (rare.held !== null && !this.#isUrgent(message)) {
        rare.held.push(message);
        continue;
      }
      if (rare.idle !== null && message !== rare.idle) rare.idle.over = false;
      return message;
    }
  }

  /** Whether nothing is left to do: then the idle time begins. */
  #idles(rare: Rare | null): boolean {
    if (this._length > 0) return false;
    if (rare === null) return true;
    if (rare.stop !== null) return false;
    if (rare.lanes !== null && rare.lanes.length > 0) return false;
    const { idle, hibernation } = rare;
    if (idle !== null && !idle.over && rare.held === null) this.home.setDeadline(idle, idle.ms);
    if (rare.hibernates) this._clear();
    else if (hibernation !== null) this.home.setDeadline(hibernation, hibernation.ms);
    return true;
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
    if (this.#special ? this.#idles(this._rare) : this._length === 0) {
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
      const result = this._ends(reason as ExitReason);
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

  /** @internal Runs the body's last code. */
  _ends(reason: ExitReason): unknown {
    return this.body.terminate?.(reason);
  }

  #terminateFailed(error: unknown): void {
    if (this.#status === "exited") return;
    const reason = exitReasonOf(error);
    if (isCrash(reason)) this.home.crashed(this, reason);
    this.exit(reason);
  }

  #failCalls(handled: unknown, reason: Term): void {
    if (handled !== undefined) fail(handled, reason);
    const calls = this._ties === null ? null : this._ties.calls;
    if (calls !== null) { for (const call of calls) call.undelivered(reason); }
    if (this._length > 0) { for (const message of this._waitingMessages()) fail(message, reason); }
  }
}

/** Pids keep to 15 bits of id and 13 of serial as long as they can, which peers before OTP 26 insist on. */
export const PID_ID_BITS = 32_768;

/** The number of a process of this node, counted from 0 in the order in which they were made. */
export function processId(pid: Pid): number {
  return pid.serial * PID_ID_BITS + pid.id;
}
