import type { TermMap } from "../../etf/term_map.ts";
import type { CallsOf } from "../server/server_ref.ts";
import { ServerRef } from "../server/server_ref.ts";
import type { Cron } from "./cron.ts";
import type { CronJob } from "./job.ts";

/** A job of a {@linkcode Cron}, as it is now. Instants are milliseconds since 1970 UTC. */
export interface CronJobInfo {
  /** By which it is known. */
  readonly name: string;
  /** Its crontab expression. */
  readonly schedule: string;
  /** Whose clock it goes by. */
  readonly timeZone: string;
  /** Whether it is switched on. */
  readonly enabled: boolean;
  /** When it is due next; `null` where it is switched off. */
  readonly next: number | null;
  /** When the last run was due; `null` before the first. */
  readonly last: number | null;
  /** Runs that were begun. */
  readonly runs: number;
  /** Runs that have begun and not ended. */
  readonly running: number;
  /** Runs that failed. */
  readonly failures: number;
  /** Why the last of them failed. */
  readonly lastError: string | null;
  /** Runs that were left out: the program stood still, or the run before had not ended. */
  readonly missed: number;
}

/** A job that cannot be added. */
export class CronError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "CronError";
}

/** A reference to a {@linkcode Cron}. */
export class CronRef<C extends Cron = Cron> extends ServerRef<C> {
  /** The jobs, in the order in which they were added. */
  async jobs(): Promise<CronJobInfo[]> {
    return (await this.#call("jobs") as readonly TermMap[]).map((job) => ({
      name: String(job.field("name")),
      schedule: String(job.field("schedule")),
      timeZone: String(job.field("time_zone")),
      enabled: job.field("enabled") as boolean,
      next: job.field("next") as number | null,
      last: job.field("last") as number | null,
      runs: job.field("runs") as number,
      running: job.field("running") as number,
      failures: job.field("failures") as number,
      lastError: textOrNull(job.field("last_error")),
      missed: job.field("missed") as number,
    }));
  }

  /**
   * Adds a job.
   *
   * @throws {CronError} if its schedule cannot be read or its name is taken; the other jobs go on.
   */
  async add(job: CronJob): Promise<void> {
    const fault = textOrNull(await this.#call("add", job));
    if (fault !== null) throw new CronError(fault);
  }

  /** Takes a job away; runs that have begun go on. @returns whether there was one of that name. */
  remove(name: string): Promise<boolean> {
    return this.#call("remove", name) as Promise<boolean>;
  }

  /** Switches a job on. @returns whether there is one of that name. */
  enable(name: string): Promise<boolean> {
    return this.#call("enable", name) as Promise<boolean>;
  }

  /** Switches a job off. @returns whether there is one of that name. */
  disable(name: string): Promise<boolean> {
    return this.#call("disable", name) as Promise<boolean>;
  }

  /** Runs a job now, whenever it is due. @returns whether there is one of that name. */
  run(name: string): Promise<boolean> {
    return this.#call("run", name) as Promise<boolean>;
  }

  /** Which jobs that are switched on are due from one instant on and before another, in order; 10,000 runs at most. */
  async schedule(
    from: number | Date,
    until: number | Date,
  ): Promise<{ readonly at: number; readonly job: string }[]> {
    const runs = await this.#call("schedule", Number(from), Number(until));
    return (runs as readonly (readonly [number, string])[]).map(([at, job]) => ({
      at,
      job: String(job),
    }));
  }

  #call(name: keyof CallsOf<Cron>, ...args: readonly unknown[]): Promise<unknown> {
    return (this as unknown as {
      call(name: string, ...args: readonly unknown[]): Promise<unknown>;
    })
      .call(name, ...args);
  }
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
