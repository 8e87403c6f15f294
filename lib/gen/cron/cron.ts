import { atom } from "../../etf/atom.ts";
import { atomMap } from "../../etf/convert.ts";
import type { Pid } from "../../etf/identifiers.ts";
import * as t from "../../etf/schema/t.ts";
import type { Encodable } from "../../etf/term.ts";
import type { TermMap } from "../../etf/term_map.ts";
import { type Tuple, tuple } from "../../etf/tuple.ts";
import { NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import type { Node } from "../../node/node.ts";
import { reasonReport } from "../../node/provided/thrown.ts";
import { GenServer } from "../server/gen_server.ts";
import { type Handler, on } from "../server/handlers.ts";
import { CronRef } from "./cron_ref.ts";
import { type CronJob, type CronTick, ScheduledJob } from "./job.ts";
import type { Schedule } from "./schedule.ts";

/** How a {@linkcode Cron} is started. */
export interface CronOptions {
  /** The jobs that it begins with. Default: none. */
  readonly jobs?: readonly CronJob[];
  /** The time zone of jobs that name none. Default "UTC". */
  readonly timeZone?: string;
}

/** What a {@linkcode Cron} answers. */
export interface CronCalls {
  /** The jobs, as maps. */
  readonly jobs: () => TermMap[];
  /** Adds a job; replies why not, or `nil`. */
  readonly add: (job: CronJob) => string | null;
  /** Takes a job away. */
  readonly remove: Handler<[name: string], boolean>;
  /** Switches a job on. */
  readonly enable: Handler<[name: string], boolean>;
  /** Switches a job off. */
  readonly disable: Handler<[name: string], boolean>;
  /** Runs a job now. */
  readonly run: Handler<[name: string], boolean>;
  /** The runs that are due from one instant on and before another, as `{At, Job}`. */
  readonly schedule: Handler<
    [from: number | bigint, until: number | bigint],
    Promise<Tuple<[number, string]>[]>
  >;
}

/** The clock is looked at as often, in milliseconds: it may be set, and the program may stand still. */
const LOOK = 60_000;
/** Set back by more than this, the clock was wrong before, and all jobs are planned anew. */
const CORRECTION = 3 * 3_600_000;
/** Runs that `schedule` lists at most. */
const MAX_LISTED = 10_000;
/** How many of them are looked for before all else has a turn. */
const AT_ONCE = 50;
/** Dates end 100 million days after 1970; the last hundred years are not looked into, so that each day has its neighbours. */
const LAST = 8.6e15 - 100 * 366 * 86_400_000;

const CRON = atom("cron");

/**
 * Runs jobs at the times of crontab expressions: sends a message, calls a server, or spawns a process.
 *
 * - Times go by the clock on the wall of a time zone. Where it is set for daylight saving, a job that names its hours runs once for each
 *   time that it names; a job of every hour goes by the time that passes.
 * - Jobs that fall due while the program stands still (suspended, too busy) run once when it goes on; `missed` counts what was left out.
 * - A job that fails is logged and counted; it is due again at its next time. The jobs end with the process, runs that were spawned do not.
 * - From Erlang: `gen_server:call(Cron, jobs)`, `{enable, Name}`, `{disable, Name}`, `{run, Name}`, `{schedule, From, Until}`; names are binaries,
 *   times milliseconds since 1970.
 *
 * @example
 * ```ts
 * import { Cron, startNode, tuple, atom } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const cron = await node.start(Cron, [{
 *   timeZone: "Europe/Berlin",
 *   jobs: [
 *     { name: "report", schedule: "0 3 * * mon-fri", call: "reports", request: atom("daily") },
 *     { name: "sweep", schedule: "0,30 * * * *", spawn: () => console.log("sweeping") },
 *   ],
 * }]);
 * console.log(await cron.jobs());
 * ```
 */
export class Cron extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: CronRef<this>;
  readonly #jobs: Map<string, ScheduledJob> = new Map();
  #timeZone = "UTC";
  #timer: Disposable | null = null;
  #looked = 0;

  /** Plans the jobs. */
  override init(options: CronOptions = {}): void {
    this.#timeZone = options.timeZone ?? "UTC";
    this.#looked = this.#now;
    for (const job of options.jobs ?? []) this.#add(job);
    this.#wait();
  }

  /** What can be asked of it, also by {@linkcode CronRef}. */
  override readonly calls: CronCalls = {
    jobs: (): TermMap[] => Array.from(this.#jobs.values(), shown),
    add: (job: CronJob): string | null => {
      try {
        this.#add(job);
      } catch (error) {
        return messageOf(error); // a mistake of the caller's, who is told
      }
      this.#wait();
      return null;
    },
    remove: on(t.text, (name) => {
      const known = this.#jobs.delete(name);
      this.#wait();
      return known;
    }),
    enable: on(t.text, (name) => this.#switch(name, true)),
    disable: on(t.text, (name) => this.#switch(name, false)),
    run: on(t.text, (name) => {
      const job = this.#jobs.get(name);
      if (job === undefined) return false;
      this.#run(job, { job: name, due: this.#now, missed: 0 });
      return true;
    }),
    schedule: on(t.integer, t.integer, (from, until) => this.#schedule(from, until)),
  };

  /** The jobs, as `jobs` shows them. */
  override formatState(): unknown {
    return { timeZone: this.#timeZone, jobs: Array.from(this.#jobs.values(), shown) };
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): CronRef<this> {
    return new CronRef(node, pid, node._core.main, {});
  }

  get #now(): number {
    return this._core.platform.systemTime();
  }

  #add(job: CronJob): void {
    const scheduled = new ScheduledJob(job, this.#timeZone);
    if (this.#jobs.has(job.name)) {
      throw new Error(`Cannot add the job ${job.name}: there is one of that name, remove it first`);
    }
    scheduled.plan(this.#now);
    this.#jobs.set(job.name, scheduled);
  }

  #switch(name: string, enabled: boolean): boolean {
    const job = this.#jobs.get(name);
    if (job === undefined) return false;
    if (job.enabled !== enabled) {
      job.enabled = enabled;
      job.plan(this.#now);
      this.#wait();
    }
    return true;
  }

  /** As many as are listed are looked for, a few in each turn: whoever asks names the times, from any node. */
  async #schedule(
    from: number | bigint,
    until: number | bigint,
  ): Promise<Tuple<[number, string]>[]> {
    const [first, end] = [instantOf(from), instantOf(until)];
    const due: { at: number | null; readonly name: string; readonly schedule: Schedule }[] = [];
    let looked = 0;
    const next = async (schedule: Schedule, after: number): Promise<number | null> => {
      if (++looked % AT_ONCE === 0) {
        await new Promise<void>((resolve) => this._core.platform.yield(resolve));
      }
      const at = schedule.next(after);
      return at !== null && at < end ? at : null;
    };
    for (const { job: { name }, schedule, enabled } of [...this.#jobs.values()]) {
      if (enabled) due.push({ at: await next(schedule, first - 1), name, schedule });
    }
    const runs: Tuple<[number, string]>[] = [];
    while (runs.length < MAX_LISTED) {
      let soonest: typeof due[number] | null = null;
      for (const one of due) {
        if (one.at !== null && (soonest === null || one.at < soonest.at!)) soonest = one;
      }
      if (soonest === null) break;
      const { at, name, schedule } = soonest;
      runs.push(tuple(at!, name));
      soonest.at = await next(schedule, at!);
    }
    return runs;
  }

  #wait(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    let next = Infinity;
    for (const job of this.#jobs.values()) next = Math.min(next, job.next ?? Infinity);
    if (next === Infinity) return;
    const ms = Math.min(LOOK, Math.max(0, next - this.#now));
    this.#timer = this.after(ms, () => this.#look());
  }

  #look(): void {
    const now = this.#now;
    const corrected = now < this.#looked - CORRECTION;
    this.#looked = now;
    for (const job of this.#jobs.values()) {
      if (corrected) job.plan(now);
      const tick = job.take(now);
      if (tick !== null) this.#run(job, tick);
    }
    this.#wait();
  }

  #run(scheduled: ScheduledJob, tick: CronTick): void {
    const { job } = scheduled;
    if (job.overlap === false && scheduled.running > 0) {
      scheduled.missed++;
      return;
    }
    scheduled.runs++;
    scheduled.last = tick.due;
    try {
      if ("send" in job) {
        this.send(job.send, job.message === undefined ? message(tick) : made(job.message, tick));
      } else if ("call" in job) {
        const { timeout } = job;
        const request = made(job.request, tick);
        scheduled.running++;
        this.call(job.call, request, timeout === undefined ? {} : { timeout }).then(
          () => scheduled.running--,
          (error) => {
            scheduled.running--;
            if (!this._process.exited) this.#failed(scheduled, messageOf(error));
          },
        );
      } else {
        const pid = this.node.spawn((self) => job.spawn(self, tick));
        scheduled.running++;
        this.monitor(pid, ({ reason }) => {
          scheduled.running--;
          if (reason !== NORMAL && reason !== SHUTDOWN) {
            this.#failed(scheduled, reasonReport(reason));
          }
        });
      }
    } catch (error) {
      this.#failed(scheduled, messageOf(error));
    }
  }

  #failed(scheduled: ScheduledJob, why: string): void {
    scheduled.failures++;
    scheduled.lastError = why;
    this._core.logger._log(
      "warning",
      `The job ${scheduled.job.name} failed: ${why}`,
      this._process,
    );
  }
}

/** The nearest instant that calendars have. */
function instantOf(ms: number | bigint): number {
  return Math.min(LAST, Math.max(-LAST, Number(ms)));
}

function made(what: Encodable | ((tick: CronTick) => Encodable), tick: CronTick): Encodable {
  return typeof what === "function" ? (what as (tick: CronTick) => Encodable)(tick) : what;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function message({ job, due }: CronTick): Encodable {
  return tuple(CRON, job, due) as unknown as Encodable;
}

function shown(scheduled: ScheduledJob): TermMap {
  const { job, schedule, enabled, next, last, runs, running, failures, missed, lastError } =
    scheduled;
  return atomMap({
    name: job.name,
    schedule: job.schedule,
    time_zone: schedule.zone.name,
    enabled,
    next,
    last,
    runs,
    running,
    failures,
    missed,
    last_error: lastError,
  });
}
