/** A moment on the wall clock, to the minute. */
export interface WallTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

interface FieldKind {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** What may stand for a number, the first for `min`. */
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const MINUTE: FieldKind = { name: "minute", min: 0, max: 59 };
const HOUR: FieldKind = { name: "hour", min: 0, max: 23 };
const DAY: FieldKind = { name: "day of the month", min: 1, max: 31 };
const MONTH: FieldKind = { name: "month", min: 1, max: 12, names: MONTHS };
/** 7 is Sunday too. */
const WEEKDAY: FieldKind = { name: "day of the week", min: 0, max: 7, names: WEEKDAYS };

const MACROS: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

/** A day of the week of one week of the month: `2#1` is the first Tuesday, `5L` (week 0) the last Friday. */
interface NthWeekday {
  readonly weekday: number;
  /** 1 to 5; 0 for the last. */
  readonly week: number;
}

/**
 * A crontab expression: minute, hour, day of the month, month, day of the week.
 *
 * | field | values | besides |
 * | --- | --- | --- |
 * | minute | 0-59 | |
 * | hour | 0-23 | |
 * | day of the month | 1-31 | `L`: the last day |
 * | month | 1-12, `jan`-`dec` | |
 * | day of the week | 0-7 (0 and 7: Sunday), `sun`-`sat` | `2#1`: the first Tuesday; `5L`: the last Friday |
 *
 * Each is `*`, a value, a range `a-b`, a step `a-b/n` or `*` + `/n`, or a list of those with commas. Where both days are restricted (neither
 * begins with `*`), one of them is enough, as in crontab(5). `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` stand for the usual ones.
 */
export class CronExpression {
  /** What was given. */
  readonly text: string;
  /** The minutes at which it is due, in order. */
  readonly minutes: readonly number[];
  /** The hours at which it is due, in order. */
  readonly hours: readonly number[];
  /** Whether it runs in each hour, so that it goes by the time that passes and not by the clock on the wall. */
  readonly everyHour: boolean;
  readonly #days: ReadonlySet<number>;
  readonly #lastDay: boolean;
  readonly #months: ReadonlySet<number>;
  readonly #weekdays: ReadonlySet<number>;
  readonly #nths: readonly NthWeekday[];
  readonly #either: boolean;

  /**
   * Reads an expression.
   *
   * @throws {SyntaxError} that names the field and what it may be.
   */
  constructor(text: string) {
    if (typeof text !== "string") {
      throw new TypeError(`Cannot read a schedule: a crontab expression is needed, as "0 3 * * *"`);
    }
    this.text = text;
    const fields = (MACROS[text.trim().toLowerCase()] ?? text).trim().split(/\s+/);
    if (fields.length !== 5) {
      throw new SyntaxError(
        `Cannot read the schedule "${text}": 5 fields are needed (minute, hour, day of the month, month, ` +
          `day of the week) or one of ${Object.keys(MACROS).join(", ")}`,
      );
    }
    const [minute, hour, day, month, weekday] = fields;
    this.minutes = sorted(this.#values(MINUTE, minute));
    this.hours = sorted(this.#values(HOUR, hour));
    this.everyHour = this.hours.length === 24;
    const dayParts = day.split(",");
    this.#lastDay = dayParts.includes("L");
    this.#days = this.#valuesOf(DAY, dayParts.filter((part) => part !== "L"), day);
    this.#months = this.#values(MONTH, month);
    const weekdayParts = weekday.split(",");
    this.#nths = weekdayParts.filter(isNth).map((part) => this.#nth(part));
    const plain = this.#valuesOf(WEEKDAY, weekdayParts.filter((part) => !isNth(part)), weekday);
    this.#weekdays = new Set([...plain].map((value) => value % 7));
    this.#either = !day.startsWith("*") && !weekday.startsWith("*");
  }

  /** Whether it runs on that day at all. */
  onDay(year: number, month: number, day: number): boolean {
    if (!this.#months.has(month)) return false;
    const last = daysIn(year, month);
    const byDay = this.#days.has(day) || (this.#lastDay && day === last);
    const weekday = weekdayOf(year, month, day);
    const byWeekday = this.#weekdays.has(weekday) ||
      this.#nths.some((nth) =>
        nth.weekday === weekday &&
        (nth.week === 0 ? day + 7 > last : Math.ceil(day / 7) === nth.week)
      );
    return this.#either ? byDay || byWeekday : byDay && byWeekday;
  }

  #values(kind: FieldKind, text: string): ReadonlySet<number> {
    return this.#valuesOf(kind, text.split(","), text);
  }

  #valuesOf(kind: FieldKind, parts: readonly string[], text: string): ReadonlySet<number> {
    const values: Set<number> = new Set();
    for (const part of parts) this.#addRange(kind, part, text, values);
    return values;
  }

  #addRange(kind: FieldKind, part: string, text: string, values: Set<number>): void {
    const [, range, step] = /^([^/]*)(?:\/(\d+))?$/.exec(part) ?? [];
    if (!range || step === "0") throw this.#wrong(kind, text);
    let from = kind.min;
    // The 7 of the week is a Sunday that `*` has already.
    let to = kind === WEEKDAY ? 6 : kind.max;
    if (range !== "*" && range !== "?") {
      const [first, last, ...more] = range.split("-");
      from = this.#value(kind, first, text);
      const bare = last === undefined;
      to = bare ? (step === undefined ? from : to) : this.#value(kind, last, text);
      if (more.length > 0 || to < from) throw this.#wrong(kind, text);
    }
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value);
  }

  #value(kind: FieldKind, text: string, field: string): number {
    const named = kind.names?.indexOf(text.toLowerCase()) ?? -1;
    if (named >= 0) return kind.min + named;
    const value = /^\d{1,2}$/.test(text) ? Number(text) : NaN;
    if (!(value >= kind.min && value <= kind.max)) throw this.#wrong(kind, field);
    return value;
  }

  #nth(part: string): NthWeekday {
    const last = part.endsWith("L");
    const [weekday, week] = last ? [part.slice(0, -1), "0"] : part.split("#");
    if (!last && !/^[1-5]$/.test(week)) throw this.#wrong(WEEKDAY, part);
    return { weekday: this.#value(WEEKDAY, weekday, part) % 7, week: Number(week) };
  }

  #wrong({ name, min, max, names }: FieldKind, text: string): SyntaxError {
    const also = names === undefined ? "" : ` or ${names[0]} to ${names[names.length - 1]}`;
    return new SyntaxError(
      `Cannot read the schedule "${this.text}": the ${name} is "${text}", ${min} to ${max}${also} is needed, ` +
        "*, a range a-b, a step */n, or a list of those",
    );
  }
}

/** How many days a month has. */
export function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function weekdayOf(year: number, month: number, day: number): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

function isNth(part: string): boolean {
  return part.includes("#") || (part.length > 1 && part.endsWith("L"));
}

function sorted(values: ReadonlySet<number>): readonly number[] {
  return [...values].sort((a, b) => a - b);
}
