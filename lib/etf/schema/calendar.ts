import { atom as toAtom } from "../atom.ts";
import { tuple as toTuple } from "../tuple.ts";
import {
  type Day,
  dayOf,
  dayText,
  instantOf,
  isDay,
  isTimeOfDay,
  timeOf,
  type TimeOfDay,
  timeText,
} from "./_calendar.ts";
import { tuple, union } from "./compound.ts";
import { struct } from "./fields.ts";
import { atom, integer, text } from "./leaves.ts";
import type { Input, Output, Schema } from "./schema.ts";

const calendar = atom("Elixir.Calendar.ISO");
const iso = toAtom("Elixir.Calendar.ISO");
const dayFields = { calendar, year: integer, month: integer, day: integer };
const timeFields = {
  hour: integer,
  minute: integer,
  second: integer,
  microsecond: tuple(integer, integer),
};
const zoneFields = { time_zone: text, zone_abbr: text, utc_offset: integer, std_offset: integer };
const threeIntegers = tuple(integer, integer, integer);

const zoned = struct("DateTime", { ...dayFields, ...timeFields, ...zoneFields });
const naive = struct("NaiveDateTime", { ...dayFields, ...timeFields });
const instant = union(zoned, naive, tuple(threeIntegers, threeIntegers));

/**
 * An instant, as a `Date`; written as an Elixir `DateTime` in UTC with milliseconds.
 *
 * Taken are `DateTime` of any zone, `NaiveDateTime` and Erlang's `{{Year, Month, Day}, {Hour, Minute, Second}}`, the last two as UTC.
 * A `Date` has milliseconds: what is finer is cut off.
 */
export const dateTime: Schema<Date, Date, true> = instantAs((date) => ({
  ...naiveOf(date),
  time_zone: "Etc/UTC",
  zone_abbr: "UTC",
  utc_offset: 0,
  std_offset: 0,
}));

/** The same as {@linkcode dateTime}, but written as an Elixir `NaiveDateTime` in UTC. */
export const naiveDateTime: Schema<Date, Date, true> = instantAs(naiveOf);

/** The same as {@linkcode dateTime}, but written as Erlang's `{{Year, Month, Day}, {Hour, Minute, Second}}` in UTC, without milliseconds. */
export const erlangDateTime: Schema<Date, Date, true> = instantAs((date) => {
  const { year, month, day, hour, minute, second } = naiveOf(date);
  return toTuple(toTuple(year, month, day), toTuple(hour, minute, second));
});

/** A day: an Elixir `Date` or Erlang's `{Year, Month, Day}`, as text (`"2024-02-29"`); written as a `Date`. */
export const date: Schema<string, string, true> = union(struct("Date", dayFields), threeIntegers)
  .convert<string>({
    expected: "date",
    is: (value): value is string => typeof value === "string" && dayOf(value) !== undefined,
    from: (read) => dayText(checked(dayIn(read), isDay)),
    to: (value) => ({ calendar: iso, ...dayOf(value)! }),
  });

/** A time of day: an Elixir `Time` or Erlang's `{Hour, Minute, Second}`, as text (`"23:59:59.5"`); written as a `Time`. */
export const time: Schema<string, string, true> = union(
  struct("Time", { calendar, ...timeFields }),
  threeIntegers,
).convert<string>({
  expected: "time",
  is: (value): value is string => typeof value === "string" && timeOf(value) !== undefined,
  from: (read) => timeText(checked(timeIn(read), isTimeOfDay)),
  to: (value) => {
    const { microsecond, ...time } = timeOf(value)!;
    return { calendar: iso, ...time, microsecond: toTuple(...microsecond) };
  },
});

function instantAs(to: (date: Date) => Input<typeof instant>): Schema<Date, Date, true> {
  return instant.convert<Date>({ expected: "date and time", is: isWritable, from: dateOf, to });
}

// A date without a time (NaN) and one of a year that Elixir's calendar has not are no terms.
function isWritable(value: unknown): value is Date {
  return value instanceof Date && Math.abs(value.getUTCFullYear()) <= 9999;
}

function dateOf(read: Output<typeof instant>): Date {
  if ("year" in read) {
    const local = instantOf(read, read);
    if (!("utc_offset" in read)) return local;
    return new Date(local.getTime() - 1000 * (read.utc_offset + read.std_offset));
  }
  return instantOf(dayIn(read[0]), timeIn(read[1]));
}

function naiveOf(date: Date): Input<typeof naive> {
  return {
    calendar: iso,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    microsecond: toTuple(1000 * date.getUTCMilliseconds(), 3),
  };
}

function dayIn(read: Day | Output<typeof threeIntegers>): Day {
  return "year" in read ? read : { year: read[0], month: read[1], day: read[2] };
}

function timeIn(read: TimeOfDay | Output<typeof threeIntegers>): TimeOfDay {
  if ("hour" in read) return read;
  return { hour: read[0], minute: read[1], second: read[2], microsecond: [0, 0] };
}

function checked<Value>(value: Value, exists: (value: Value) => boolean): Value {
  if (!exists(value)) throw new RangeError("Cannot read a date or time: there is no such one");
  return value;
}
