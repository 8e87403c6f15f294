import { type Atom, atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { termKey } from "../../etf/term_key.ts";
import type { Term } from "../../etf/term.ts";
import { format } from "../../etf/format.ts";
import { tuple } from "../../etf/tuple.ts";
import { SHUTDOWN } from "../../node/atoms.ts";
import type { Core } from "../../node/core.ts";
import { ExitError } from "../../node/errors.ts";
import { Turn } from "../../node/process/turn.ts";
import { runsFor } from "../../node/provided/apply.ts";
import type { Child } from "./child.ts";
import type { Flags } from "./flags.ts";
import { Intensity } from "./_intensity.ts";
import type { Reports } from "./_reports.ts";
import { Retry } from "./_retry.ts";
import { endAll, endChild, endedWell, isInOrder } from "./_shutdown.ts";
import { type Parent, type Running, startFailure } from "./_start.ts";
import { Children, Entry } from "./_table.ts";

/** Why a child could not be started. */
export interface Failure {
  readonly error: Term;
  readonly cause?: unknown;
  /** It was not even tried. */
  readonly refused?: boolean;
}

const TOO_OFTEN: Atom = atom("reached_max_restart_intensity");

/**
 * The children of a supervisor, and what becomes of them: OTP's rules.
 *
 * While a child is being started or ended the promise that is returned holds the supervisor's mailbox, as OTP's supervisors wait then.
 */
export class Supervision {
  readonly flags: Flags;
  readonly children: Children = new Children();
  /** The specification of all children of a simple_one_for_one supervisor. */
  readonly template: Entry | null;
  readonly intensity: Intensity;
  /** The specifications that it has begun with: other nodes may ask for more children of them. */
  readonly known: Set<Child<never>>;
  readonly #parent: Parent;
  readonly #core: Core;
  readonly #reports: Reports;

  constructor(parent: Parent, flags: Flags, specs: readonly Child<never>[], reports: Reports) {
    this.flags = flags;
    this.#parent = parent;
    this.#core = parent.node._core;
    this.#reports = reports;
    this.known = new Set(specs);
    this.intensity = new Intensity(flags.intensity, flags.period);
    this.template = flags.strategy === "simple_one_for_one" ? new Entry(specs[0]) : null;
    if (this.template === null) { for (const spec of specs) this.children.add(new Entry(spec)); }
  }

  /**
   * Starts the children in their order. Where one cannot be started those before it are ended, the last first.
   *
   * @throws {ExitError} with `{shutdown, {failed_to_start_child, Id, Reason}}`.
   */
  async startAll(): Promise<void> {
    const failed = await this.#startGroup([...this.children]);
    if (failed === null) return;
    await this.endChildren();
    const { entry: { spec }, error, cause } = failed;
    const what = tuple(atom("failed_to_start_child"), spec._id, error);
    const words = cause instanceof Error
      ? `Cannot start child ${format(spec._id)}: ${cause.message}`
      : undefined;
    throw new ExitError(tuple(SHUTDOWN, what) as unknown as Term, words, { cause });
  }

  /** Starts a child whose specification has been checked, or starts one more of a simple_one_for_one supervisor. */
  async start(entry: Entry): Promise<Failure | null> {
    const failure = await this.#start(entry);
    if (failure !== null) return failure;
    if (this.template === null) {
      if (entry.running !== null || entry.spec.restart !== "temporary") this.children.add(entry);
    } else if (entry.running !== null) {
      this.children.addNameless(entry);
    }
    return null;
  }

  /** Starts a child again that does not run. */
  restart(entry: Entry): Promise<Failure | null> {
    return this.#start(entry);
  }

  /** Ends a child. Its specification stays, unless it is temporary or of a simple_one_for_one supervisor. */
  end(entry: Entry): void | Promise<void> {
    const done = this.#end(entry);
    if (done !== undefined) return done.then(() => this.#drop(entry));
    this.#drop(entry);
  }

  /** An exit signal has come. */
  exited(pid: Pid, reason: Term): void | Promise<void> {
    const entry = this.children.byPid(pid);
    if (entry?.running?.linked.equals(pid) !== true) return;
    const { restart } = entry.spec;
    const again = restart === "permanent" || (restart === "transient" && !isInOrder(reason));
    if (again || !isInOrder(reason)) {
      this.#reports.trouble("child_terminated", reason, entry, entry.running);
    }
    if (again) return this.#restart(entry);
    this.#drop(entry);
    if (entry.spec.significant && this.#endsNow()) this.#parent.process.stop(SHUTDOWN);
  }

  /** A restart has failed, and others have been served since. */
  tryAgain(entry: Entry): void | Promise<void> {
    if (entry.restarting) return this.#restart(entry, entry.spec._retryAfter === null);
  }

  /** Ends all children: the last that was started first, one after another, or all at once where they are all alike. */
  async endChildren(): Promise<void> {
    if (this.template !== null) return await this.#endAlike(this.template);
    for (const entry of [...this.children].reverse()) {
      const done = this.#end(entry);
      if (done !== undefined) await done;
    }
  }

  async #endAlike(template: Entry): Promise<void> {
    const all: Running[] = [];
    for (const { running } of this.children) if (running !== null) all.push(running);
    const errors = new Map<unknown, { readonly reason: Term; count: number }>();
    await endAll(this.#core, all, template.spec, (running) => {
      const reason = running.reason!;
      if (endedWell(reason, template.spec)) return;
      const key = termKey(reason);
      const same = errors.get(key);
      if (same === undefined) errors.set(key, { reason, count: 1 });
      else same.count++;
    });
    for (const { reason, count } of errors.values()) {
      this.#reports.shutdownErrors(reason, template, count);
    }
  }

  #restart(entry: Entry, counts = true): void | Promise<void> {
    if (counts && !this.intensity.allows(this.#core.platform.now())) {
      this.#reports.trouble("shutdown", TOO_OFTEN, entry, entry.running ?? entry.awaited);
      this.#drop(entry);
      this.#parent.process.stop(SHUTDOWN);
      return;
    }
    switch (this.flags.strategy) {
      case "one_for_all":
        return this.#restartGroup(entry, [...this.children]);
      case "rest_for_one":
        return this.#restartGroup(entry, this.children.from(entry));
      default:
        return this.#restartOne(entry);
    }
  }

  async #restartOne(entry: Entry): Promise<void> {
    const former = entry.running ?? entry.awaited;
    this.children.stops(entry);
    const failure = await this.#start(entry);
    if (failure !== null) this.#failed(entry, failure, former);
    else if (this.template !== null && entry.running === null) this.children.remove(entry);
  }

  /** @param group those that are to be started again, the one that has ended among them. */
  async #restartGroup(entry: Entry, group: readonly Entry[]): Promise<void> {
    const former = entry.running ?? entry.awaited;
    this.children.stops(entry);
    for (const one of [...group].reverse()) {
      const done = this.#end(one);
      if (done !== undefined) await done;
      if (one.spec.restart === "temporary") this.children.remove(one);
    }
    const failed = await this.#startGroup(group.filter((one) => this.children.has(one)));
    if (failed !== null) this.#later(failed.entry, failed, failed.entry === entry ? former : null);
  }

  async #startGroup(group: readonly Entry[]): Promise<Failure & { entry: Entry } | null> {
    for (const entry of group) {
      if (entry.disabled) continue;
      const failure = await this.#start(entry);
      if (failure !== null) {
        this.#reports.trouble("start_error", failure.error, entry, null);
        return { entry, ...failure };
      }
      if (entry.running === null && entry.spec.restart === "temporary") this.children.remove(entry);
    }
    return null;
  }

  async #start(entry: Entry): Promise<Failure | null> {
    let running: Running | null;
    try {
      running = await entry.spec._start.start(this.#parent, entry.extra);
    } catch (error) {
      return { error: startFailure(error), cause: error };
    }
    if (running !== null && entry.peer !== null) this.#counts(entry.peer, running);
    if (running === null) this.children.stops(entry);
    else if (this.children.has(entry)) this.children.runs(entry, running);
    else entry.running = running;
    return null;
  }

  /** It counts among the processes of the node that has asked for it, also where it was started again. */
  #counts(peer: string, { pid }: Running): void {
    const process = this.#core.process(pid);
    if (process !== undefined && process.spawner === null) {
      runsFor(this.#parent.node, peer, process);
    }
  }

  #failed(entry: Entry, failure: Failure, former: Running | null): void {
    this.#reports.trouble("start_error", failure.error, entry, former);
    this.#later(entry, failure, former);
  }

  /** Tries a restart again when what has come meanwhile is done: it may be that the supervisor, or the child, is to end. */
  #later(entry: Entry, { cause }: Failure, former: Running | null): void {
    this.children.awaits(entry, former);
    const { _retryAfter: ms } = entry.spec;
    if (ms === null) return this.#parent.process.deliver(new TryAgain(this, entry));
    entry.retry = new Retry(this.#parent, ms, cause, () => this.tryAgain(entry));
  }

  #end(entry: Entry): Promise<void> | void {
    const { running, spec } = entry;
    if (running === null) return this.children.stops(entry);
    const reason = endChild(this.#core, running, spec);
    if (reason instanceof Promise) return reason.then((late) => this.#ended(entry, running, late));
    this.#ended(entry, running, reason);
  }

  #ended(entry: Entry, running: Running, reason: Term): void {
    if (!endedWell(reason, entry.spec)) {
      this.#reports.trouble("shutdown_error", reason, entry, running);
    }
    this.children.stops(entry);
  }

  #drop(entry: Entry): void {
    if (this.template !== null || entry.spec.restart === "temporary") this.children.remove(entry);
    else this.children.stops(entry);
  }

  /** Whether the end of a significant child is the end of all. */
  #endsNow(): boolean {
    if (this.flags.autoShutdown !== "all_significant") {
      return this.flags.autoShutdown === "any_significant";
    }
    for (const { spec, running, restarting } of this.children) {
      if (spec.significant && (running !== null || restarting)) return false;
    }
    return true;
  }
}

/** Waits in the mailbox of the supervisor. */
class TryAgain extends Turn {
  readonly #supervision: Supervision;
  readonly #entry: Entry;

  constructor(supervision: Supervision, entry: Entry) {
    super();
    this.#supervision = supervision;
    this.#entry = entry;
  }

  run(): void | Promise<void> {
    return this.#supervision.tryAgain(this.#entry);
  }
}
