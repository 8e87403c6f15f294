/** The fields of a day. */
export interface Day {
  year: number;
  month: number;
  day: number;
}

/** The fields of a time of day; microseconds with how many digits of them are meant. */
export interface TimeOfDay {
  hour: number;
  minute: number;
  second: number;
  microsecond: readonly [microseconds: number, digits: number];
}

/** Whether there is such a day, and Elixir's ISO calendar has it. */
export function isDay({ year, month, day }: Day): boolean {
  if (year < -9999 || year > 9999 || month < 1 || month > 12) return false;
  return day >= 1 && day <= daysOf(year, month);
}

/** Whether there is such a time of day. */
export function isTimeOfDay({ hour, minute, second, microsecond }: TimeOfDay): boolean {
  const [micro, digits] = microsecond;
  return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59 &&
    micro >= 0 && micro <= 999_999 && digits >= 0 && digits <= 6;
}

/** The instant of a day and time in UTC; what is finer than a millisecond is cut off. */
export function instantOf(day: Day, time: TimeOfDay): Date {
  if (!isDay(day) || !isTimeOfDay(time)) {
    throw new RangeError("Cannot make a date: there is no such time");
  }
  const date = new Date(0);
  date.setUTCFullYear(day.year, day.month - 1, day.day); // Date.UTC would take the years 0 to 99 for 1900 to 1999
  date.setUTCHours(time.hour, time.minute, time.second, Math.floor(time.microsecond[0] / 1000));
  return date;
}

/** A day as ISO 8601 writes it. */
export function dayText(day: Day): string {
  const year = `${day.year < 0 ? "-" : ""}${digits(Math.abs(day.year), 4)}`;
  return `${year}-${digits(day.month, 2)}-${digits(day.day, 2)}`;
}

/** A time of day as ISO 8601 writes it. */
export function timeText({ hour, minute, second, microsecond: [micro, meant] }: TimeOfDay): string {
  const whole = `${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}`;
  return meant === 0 ? whole : `${whole}.${digits(micro, 6).slice(0, meant)}`;
}

/** The day that a text of ISO 8601 names, if there is one. */
export function dayOf(text: string): Day | undefined {
  const parts = /^(-?\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (parts === null) return undefined;
  const day = { year: Number(parts[1]) + 0, month: Number(parts[2]), day: Number(parts[3]) };
  return isDay(day) ? day : undefined;
}

/** The time of day that a text of ISO 8601 names, if there is one. */
export function timeOf(text: string): TimeOfDay | undefined {
  const parts = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text);
  if (parts === null) return undefined;
  const fraction = parts[4] ?? "";
  const time: TimeOfDay = {
    hour: Number(parts[1]),
    minute: Number(parts[2]),
    second: Number(parts[3]),
    microsecond: [Number(fraction.padEnd(6, "0")), fraction.length],
  };
  return isTimeOfDay(time) ? time : undefined;
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

function digits(value: number, many: number): string {
  return String(value).padStart(many, "0");
}
