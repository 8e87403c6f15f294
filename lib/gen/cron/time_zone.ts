import type { WallTime } from "./expression.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A time zone of the IANA database, as the runtime knows it: what the clock on the wall says at an instant, and back. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | null;

  /** @param name as "Europe/Berlin"; "UTC" needs no database. */
  constructor(name: string) {
    if (typeof name !== "string") {
      throw new TypeError(
        `Cannot use that time zone: a name is needed, as "Europe/Berlin" or "UTC"`,
      );
    }
    this.name = name;
    this.#format = name === "UTC" ? null : formatOf(name);
  }

  /** Milliseconds that the clock on the wall is ahead of UTC at that instant. */
  offset(instant: number): number {
    if (this.#format === null) return 0;
    const second = Math.floor(instant / 1_000) * 1_000;
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(second)) part[type] = Number(value);
    const wall = Date.UTC(
      part.year,
      part.month - 1,
      part.day,
      part.hour % 24,
      part.minute,
      part.second,
    );
    return wall - second;
  }

  wallTime(instant: number): WallTime {
    const date = new Date(instant + this.offset(instant));
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
    };
  }

  /**
   * The instants at which the clock on the wall shows that time, in order: one, two where it is set back over it, none where it is
   * set forward over it.
   */
  instants({ year, month, day, hour, minute }: WallTime): readonly number[] {
    const wall = Date.UTC(year, month - 1, day, hour, minute);
    const offsets = new Set([this.offset(wall - DAY), this.offset(wall + DAY)]);
    return [...offsets].map((offset) => wall - offset)
      .filter((instant) => instant + this.offset(instant) === wall).sort((a, b) => a - b);
  }

  /** Whether the clock on the wall is set on that day, or near it. */
  changesAround(year: number, month: number, day: number): boolean {
    const noon = Date.UTC(year, month - 1, day, 12);
    return this.offset(noon - 2 * DAY) !== this.offset(noon + 2 * DAY);
  }

  /** The instant at which the clock on the wall, set forward, goes on behind that time which it never shows. */
  gapEnd({ year, month, day, hour, minute }: WallTime): number {
    const wall = Date.UTC(year, month - 1, day, hour, minute);
    let before = wall - DAY;
    let after = wall + DAY;
    const old = this.offset(before);
    while (after - before > MINUTE) {
      const middle = Math.floor((before + after) / 2 / MINUTE) * MINUTE;
      if (this.offset(middle) === old) before = middle;
      else after = middle;
    }
    return after;
  }
}

function formatOf(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  } catch {
    throw new RangeError(
      `Cannot use the time zone "${name}": the runtime does not know it, a name as "Europe/Berlin" or "UTC" is needed`,
    );
  }
}
