import { CronExpression, daysIn, type WallTime } from "./expression.ts";
import { TimeZone } from "./time_zone.ts";

/** Days until which a next run is looked for: leap days are eight years apart at most, and some fall on one weekday in 40. */
const HORIZON = 41 * 366;

/**
 * When a crontab expression is due in a time zone.
 *
 * When the clock on the wall is set, for daylight saving, an expression that names its hours runs once for each time it names: what
 * falls into the hour that is left out runs once, right behind it; what falls into the hour that comes twice runs the first time
 * only. An expression for every hour (`*`) goes by the time that passes: nothing is made up for, and both hours count.
 */
export class Schedule {
  readonly expression: CronExpression;
  readonly zone: TimeZone;

  /** @throws {SyntaxError} if the expression cannot be read, or never comes. @throws {RangeError} if there is no such time zone. */
  constructor(expression: string, zone: string) {
    this.expression = new CronExpression(expression);
    this.zone = new TimeZone(zone);
    if (this.next(Date.UTC(2000, 0, 1)) === null) {
      throw new SyntaxError(`Cannot use the schedule "${expression}": no such day ever comes`);
    }
  }

  /** The first instant after `instant` at which it is due, in milliseconds since 1970 UTC; `null` where there is none in 40 years. */
  next(instant: number): number | null {
    let { year, month, day } = this.zone.wallTime(instant);
    for (let i = 0; i < HORIZON; i++) {
      if (this.expression.onDay(year, month, day)) {
        const found = this.#on(year, month, day, instant);
        if (found !== null) return found;
      }
      day++;
      if (day > daysIn(year, month)) {
        day = 1;
        month++;
        if (month > 12) {
          month = 1;
          year++;
        }
      }
    }
    return null;
  }

  #on(year: number, month: number, day: number, after: number): number | null {
    const { hours, minutes } = this.expression;
    const changes = this.zone.changesAround(year, month, day);
    const offset = changes ? 0 : this.zone.offset(Date.UTC(year, month - 1, day, 12));
    let best: number | null = null;
    for (const hour of hours) {
      for (const minute of minutes) {
        if (!changes) {
          const instant = Date.UTC(year, month - 1, day, hour, minute) - offset;
          if (instant > after) return instant;
          continue;
        }
        for (const instant of this.#instants({ year, month, day, hour, minute })) {
          if (instant > after && (best === null || instant < best)) best = instant;
        }
      }
    }
    return best;
  }

  #instants(time: WallTime): readonly number[] {
    const instants = this.zone.instants(time);
    if (this.expression.everyHour || instants.length === 1) return instants;
    return instants.length === 0 ? [this.zone.gapEnd(time)] : [instants[0]];
  }

  /** The instants at which it is due, from `from` on and before `until`. At most `limit`. */
  between(from: number, until: number, limit: number): number[] {
    const found: number[] = [];
    for (let at = this.next(from - 1); at !== null && at < until && found.length < limit;) {
      found.push(at);
      at = this.next(at);
    }
    return found;
  }
}
