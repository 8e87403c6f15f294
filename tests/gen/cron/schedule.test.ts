import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CronExpression } from "../../../lib/gen/cron/expression.ts";
import { Schedule } from "../../../lib/gen/cron/schedule.ts";

/** The next `count` runs behind an instant, in UTC, to the minute. */
function runs(expression: string, zone: string, from: string, count: number): string[] {
  const schedule = new Schedule(expression, zone);
  const found: string[] = [];
  let at = Date.parse(from);
  for (let i = 0; i < count; i++) {
    at = schedule.next(at)!;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

const NEXT: readonly [expression: string, from: string, next: readonly string[]][] = [
  ["* * * * *", "2026-03-01T10:00:30Z", ["2026-03-01T10:01", "2026-03-01T10:02"]],
  ["* * * * *", "2026-03-01T10:00:00Z", ["2026-03-01T10:01"]],
  ["*/15 * * * *", "2026-03-01T10:50:00Z", ["2026-03-01T11:00", "2026-03-01T11:15"]],
  ["7-59/20 9-17/4 * * *", "2026-03-01T13:07:00Z", ["2026-03-01T13:27", "2026-03-01T13:47"]],
  ["5/20 * * * *", "2026-03-01T13:07:00Z", ["2026-03-01T13:25", "2026-03-01T13:45"]],
  ["0 0 1 jan *", "2026-03-01T00:00:00Z", ["2027-01-01T00:00"]],
  ["30 4 1,15 * 5", "2026-05-01T05:00:00Z", ["2026-05-08T04:30", "2026-05-15T04:30"]],
  ["30 4 15 * *", "2026-05-01T05:00:00Z", ["2026-05-15T04:30"]],
  ["0 12 * * MON-FRI", "2026-11-20T12:00:00Z", ["2026-11-23T12:00"]],
  ["0 12 */2 * 1", "2026-11-01T12:00:00Z", ["2026-11-09T12:00", "2026-11-23T12:00"]],
  ["0 0 * * 7", "2026-11-21T00:00:00Z", ["2026-11-22T00:00", "2026-11-29T00:00"]],
  ["0 0 L * *", "2026-02-01T00:00:00Z", ["2026-02-28T00:00", "2026-03-31T00:00"]],
  ["0 0 * * 2#1", "2026-11-01T00:00:00Z", ["2026-11-03T00:00", "2026-12-01T00:00"]],
  ["0 0 * * friL", "2026-11-01T00:00:00Z", ["2026-11-27T00:00", "2026-12-25T00:00"]],
  ["0 0 * * 1#5", "2026-11-01T00:00:00Z", ["2026-11-30T00:00", "2027-03-29T00:00"]],
  ["0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00", "2032-02-29T00:00"]],
  ["0 0 29 2 *", "2096-03-01T00:00:00Z", ["2104-02-29T00:00"]],
  ["@hourly", "2026-01-01T00:00:00Z", ["2026-01-01T01:00"]],
  ["@weekly", "2026-11-21T00:00:00Z", ["2026-11-22T00:00"]],
  ["@yearly", "2026-11-21T00:00:00Z", ["2027-01-01T00:00"]],
];

for (const [expression, from, next] of NEXT) {
  test(`${expression} behind ${from}`, () => {
    assertEquals(runs(expression, "UTC", from, next.length), next);
  });
}

// Berlin sets its clocks on 2026-03-29 at 01:00 UTC from 2:00 to 3:00, and on 2026-10-25 at 01:00 UTC from 3:00 to 2:00.
const DAYLIGHT: readonly [what: string, expression: string, from: string, next: string[]][] = [
  ["an hour that is left out: once, right behind it", "30 2 * * *", "2026-03-28T12:00:00Z", [
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]],
  ["several times in an hour that is left out: once", "*/10 2 * * *", "2026-03-28T12:00:00Z", [
    "2026-03-29T01:00",
    "2026-03-30T00:00",
  ]],
  ["what is due behind the gap anyway: once", "0 2,3 * * *", "2026-03-28T12:00:00Z", [
    "2026-03-29T01:00",
    "2026-03-30T00:00",
    "2026-03-30T01:00",
  ]],
  ["an hour that comes twice: the first time only", "30 2 * * *", "2026-10-24T12:00:00Z", [
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]],
  ["each hour goes on by the time that passes, forward", "30 * * * *", "2026-03-28T23:40:00Z", [
    "2026-03-29T00:30",
    "2026-03-29T01:30",
    "2026-03-29T02:30",
  ]],
  ["each hour goes on by the time that passes, back", "30 * * * *", "2026-10-24T23:40:00Z", [
    "2026-10-25T00:30",
    "2026-10-25T01:30",
    "2026-10-25T02:30",
  ]],
  ["summer and winter", "0 9 * * *", "2026-03-28T09:00:00Z", [
    "2026-03-29T07:00",
    "2026-03-30T07:00",
  ]],
];

for (const [what, expression, from, next] of DAYLIGHT) {
  test(`daylight saving: ${what}`, () => {
    assertEquals(runs(expression, "Europe/Berlin", from, next.length), next);
  });
}

test("other zones: half hours, the southern half, clocks that are set at midnight, the date line", () => {
  assertEquals(runs("0 9 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", 1), ["2026-01-01T03:30"]);
  assertEquals(runs("30 2 * * *", "Australia/Sydney", "2026-10-03T00:00:00Z", 2), [
    "2026-10-03T16:00", // from 2:00 to 3:00
    "2026-10-04T15:30",
  ]);
  assertEquals(runs("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00Z", 2), [
    "2026-03-28T22:00", // there is no midnight: 0:00 is 1:00
    "2026-03-29T21:00",
  ]);
  assertEquals(runs("0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", 1), [
    "2011-12-30T10:00", // Samoa left that day out: it is made up for when it is over
  ]);
  // Lord Howe Island sets its clocks by half an hour: 2:00 to 2:30.
  assertEquals(runs("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 1), [
    "2026-10-03T15:30",
  ]);
});

test("every minute of two years: each job of every hour runs at each matching minute, whatever the clocks do", () => {
  const schedule = new Schedule("0 * * * *", "America/New_York");
  let at = Date.UTC(2025, 0, 1) - 1;
  for (let i = 0; i < 24 * 365; i++) {
    const next = schedule.next(at)!;
    assertEquals(next, Date.UTC(2025, 0, 1, i));
    at = next;
  }
});

test("a job of one hour runs once each day, whatever the clocks do", () => {
  for (const zone of ["America/New_York", "Europe/London", "Asia/Beirut", "Africa/Cairo"]) {
    for (const hour of [0, 1, 2, 3]) {
      const schedule = new Schedule(`30 ${hour} * * *`, zone);
      const all = schedule.between(Date.UTC(2025, 0, 2), Date.UTC(2026, 0, 2), 1000);
      assert(Math.abs(all.length - 365) <= 1, `${zone} at ${hour}: ${all.length}`);
      for (let i = 1; i < all.length; i++) {
        assert(all[i] - all[i - 1] >= 22 * 3_600_000, `${zone} at ${hour}`);
      }
    }
  }
});

const BAD: readonly [expression: string, says: string][] = [
  ["", "5 fields"],
  ["* * * *", "5 fields"],
  ["* * * * * *", "5 fields"],
  ["60 * * * *", 'the minute is "60", 0 to 59 is needed'],
  ["* 24 * * *", "the hour"],
  ["* * 0 * *", "the day of the month"],
  ["* * 32 * *", "the day of the month"],
  ["* * * 13 *", "jan to dec"],
  ["* * * foo *", "the month"],
  ["* * * * 8", "the day of the week"],
  ["* * * * mon#6", "the day of the week"],
  ["*/0 * * * *", "the minute"],
  ["5-1 * * * *", "the minute"],
  ["1-2-3 * * * *", "the minute"],
  ["1, * * * *", "the minute"],
  ["-1 * * * *", "the minute"],
  ["1.5 * * * *", "the minute"],
  ["@never", "5 fields"],
];

for (const [expression, says] of BAD) {
  test(`"${expression}" is refused with what it may be`, () => {
    assertThrows(() => new CronExpression(expression), SyntaxError, says);
  });
}

test("what never comes, no text and an unknown time zone are refused", () => {
  assertThrows(() => new Schedule("0 0 31 2 *", "UTC"), SyntaxError, "no such day ever comes");
  assertThrows(() => new Schedule("0 0 * * *", "Mars/Olympus"), RangeError, "Europe/Berlin");
  assertThrows(() => new CronExpression(5 as unknown as string), TypeError, "crontab expression");
});
