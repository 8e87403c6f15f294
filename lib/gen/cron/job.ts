import type { CallOptions } from "../../node/call.ts";
import type { Encodable } from "../../etf/term.ts";
import type { Self } from "../../node/process/self.ts";
import type { Target } from "../../node/target.ts";
import { Schedule } from "./schedule.ts";

/** One run of a job. */
export interface CronTick {
  /** The name of the job. */
  readonly job: string;
  /** When it was due, in milliseconds since 1970 UTC: later than that it runs where the program stood still. */
  readonly due: number;
  /** How many runs before this one fell due and were left out, because the program stood still. */
  readonly missed: number;
}

/** What a job does. */
export type CronAction =
  /** Sends a message, `{cron, Job, Due}` unless told otherwise. */
  | { readonly send: Target; readonly message?: Encodable | ((tick: CronTick) => Encodable) }
  /** Calls a server; a call that fails counts as a failed run. */
  | (Pick<CallOptions, "timeout"> & {
    readonly call: Target;
    readonly request: Encodable | ((tick: CronTick) => Encodable);
  })
  /** Spawns a process that runs the function; one that ends abnormally counts as a failed run. */
  | { readonly spawn: (self: Self, tick: CronTick) => unknown };

/** A job of a {@linkcode Cron}. */
export type CronJob = CronAction & {
  /** By which it is known; one of its own for each. */
  readonly name: string;
  /** A crontab expression, see {@linkcode CronExpression}. */
  readonly schedule: string;
  /** The time zone whose clock it goes by, as "Europe/Berlin". Default: that of the {@linkcode Cron}. */
  readonly timeZone?: string;
  /** Whether a run may begin before the last one has ended. Default true; else it is left out, and counted. */
  readonly overlap?: boolean;
  /** Whether a run that fell due while the program stood still is made up for, once. Default true; else it is left out. */
  readonly catchUp?: boolean;
  /** Default true. */
  readonly enabled?: boolean;
};

/** A job with its times and counts. */
export class ScheduledJob {
  readonly job: CronJob;
  readonly schedule: Schedule;
  enabled: boolean;
  /** When it is due next; `null` where it is switched off. */
  next: number | null = null;
  /** When the last run was due. */
  last: number | null = null;
  runs = 0;
  failures = 0;
  missed = 0;
  running = 0;
  lastError: string | null = null;

  constructor(job: CronJob, timeZone: string) {
    check(job);
    this.job = job;
    this.schedule = new Schedule(job.schedule, job.timeZone ?? timeZone);
    this.enabled = job.enabled ?? true;
  }

  /** Looks for the next run behind an instant. */
  plan(after: number): void {
    this.next = this.enabled ? this.schedule.next(after) : null;
  }

  /** What is due by now: the latest run, with how many before it are left out; and the next one is planned. `null` for nothing. */
  take(now: number): CronTick | null {
    if (this.next === null || this.next > now) return null;
    let due = this.next;
    let missed = 0;
    for (;;) {
      this.plan(due);
      if (this.next === null || this.next > now) break;
      missed++;
      due = this.next;
    }
    const late = now - due >= LATE;
    if (late && this.job.catchUp === false) {
      this.missed += missed + 1;
      return null;
    }
    this.missed += missed;
    return { job: this.job.name, due, missed };
  }
}

/** Milliseconds from which on a run is not in time. */
const LATE = 60_000;

function check(job: CronJob): void {
  if (job === null || typeof job !== "object") {
    throw new TypeError("Cannot add a job: an object with name, schedule and what to do is needed");
  }
  const { name } = job;
  if (typeof name !== "string" || name === "") {
    throw new TypeError("Cannot add a job: it has no name, a text is needed");
  }
  const actions = ["send", "call", "spawn"].filter((action) => action in job);
  if (actions.length !== 1) {
    throw new TypeError(`Cannot add the job ${name}: one of send, call and spawn is needed`);
  }
  if ("spawn" in job && typeof job.spawn !== "function") {
    throw new TypeError(`Cannot add the job ${name}: spawn is to be a function`);
  }
  if ("call" in job && job.request === undefined) {
    throw new TypeError(`Cannot add the job ${name}: it has no request, what to call is needed`);
  }
}
