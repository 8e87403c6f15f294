import { test } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { noMatch, t } from "../../../mod.ts";
import { binaryOf, structOf } from "./_support.ts";

const calendar = atom("Elixir.Calendar.ISO");
const day = { calendar, year: 2024, month: 2, day: 29 };
const noon = { hour: 12, minute: 34, second: 56, microsecond: tuple(789_123, 6) };
const zone = (offset: number, summer: number): Record<string, Term> => ({
  time_zone: binaryOf("Europe/Berlin"),
  zone_abbr: binaryOf("CEST"),
  utc_offset: offset,
  std_offset: summer,
});

test("an instant comes as DateTime, NaiveDateTime or Erlang's tuples", () => {
  const read = (value: unknown) => t.dateTime.parse(value).toISOString();
  assertEquals(
    read(structOf("DateTime", { ...day, ...noon, ...zone(0, 0) })),
    "2024-02-29T12:34:56.789Z",
  );
  assertEquals(
    read(structOf("DateTime", { ...day, ...noon, ...zone(3600, 3600) })),
    "2024-02-29T10:34:56.789Z",
  );
  assertEquals(read(structOf("NaiveDateTime", { ...day, ...noon })), "2024-02-29T12:34:56.789Z");
  assertEquals(read(tuple(tuple(2024, 2, 29), tuple(12, 34, 56))), "2024-02-29T12:34:56.000Z");
  assertEquals(read(tuple(tuple(50, 1, 1), tuple(0, 0, 0))), "0050-01-01T00:00:00.000Z");
  const now = new Date();
  assertStrictEquals(t.dateTime.parse(now), now);
});

test("there is no 30th of February and no 25th hour", () => {
  for (
    const value of [
      tuple(tuple(2023, 2, 29), tuple(0, 0, 0)),
      tuple(tuple(1900, 2, 29), tuple(0, 0, 0)),
      tuple(tuple(2024, 13, 1), tuple(0, 0, 0)),
      tuple(tuple(2024, 4, 31), tuple(0, 0, 0)),
      tuple(tuple(2024, 1, 1), tuple(24, 0, 0)),
      tuple(tuple(2024, 1, 1), tuple(0, 0, 60)),
      tuple(tuple(10_000, 1, 1), tuple(0, 0, 0)),
      new Date(NaN),
      0,
      "2024-01-01",
    ]
  ) {
    assertStrictEquals(t.dateTime.tryParse(value), noMatch);
  }
});

test("a Date is written as DateTime, NaiveDateTime or Erlang's tuples", () => {
  const moment = new Date("2024-02-29T12:34:56.789Z");
  const written = t.dateTime.toTerm(moment) as Map<unknown, unknown>;
  assertStrictEquals(written.get(atom("__struct__")), atom("Elixir.DateTime"));
  assertStrictEquals(written.get(atom("time_zone")), "Etc/UTC");
  assertEquals([...written.get(atom("microsecond")) as number[]], [789_000, 3]);
  const naive = t.naiveDateTime.toTerm(moment) as Map<unknown, unknown>;
  assertStrictEquals(naive.get(atom("__struct__")), atom("Elixir.NaiveDateTime"));
  assertStrictEquals(naive.has(atom("time_zone")), false);
  const erlang = t.erlangDateTime.toTerm(moment) as number[][];
  assertEquals(erlang.map((part) => [...part]), [[2024, 2, 29], [12, 34, 56]]);
  for (const schema of [t.dateTime, t.naiveDateTime]) {
    assertEquals(schema.parse(schema.toTerm(moment)), moment);
    assertEquals(t.list(schema).parse(t.list(schema).toTerm([moment])), [moment]);
  }
});

test("a day is text", () => {
  assertEquals(t.date.parse(structOf("Date", day)), "2024-02-29");
  assertEquals(t.date.parse(tuple(7, 1, 2)), "0007-01-02");
  assertEquals(t.date.parse(tuple(-7, 1, 2)), "-0007-01-02");
  assertEquals(t.date.parse("2024-02-29"), "2024-02-29");
  for (const value of ["2023-02-29", "2024-2-29", "x", tuple(2023, 2, 29), tuple(2024, 2)]) {
    assertStrictEquals(t.date.tryParse(value), noMatch);
  }
  assertEquals(t.date.parse(t.date.toTerm("2024-02-29")), "2024-02-29");
  assertEquals(
    t.date.toTerm("-0001-12-31"),
    new Map<unknown, unknown>([
      [atom("__struct__"), atom("Elixir.Date")],
      [atom("calendar"), calendar],
      [atom("year"), -1],
      [atom("month"), 12],
      [atom("day"), 31],
    ]) as never,
  );
});

test("a time of day is text, with as many digits as are meant", () => {
  const read = (microsecond: Term) =>
    t.time.parse(structOf("Time", { calendar, ...noon, microsecond }));
  assertEquals(read(tuple(0, 0)), "12:34:56");
  assertEquals(read(tuple(500_000, 1)), "12:34:56.5");
  assertEquals(read(tuple(1, 6)), "12:34:56.000001");
  assertStrictEquals(
    t.time.tryParse(structOf("Time", { calendar, ...noon, microsecond: tuple(-1, 6) })),
    noMatch,
  );
  assertEquals(t.time.parse(tuple(1, 2, 3)), "01:02:03");
  for (const text of ["12:34:56", "00:00:00.5", "23:59:59.999999", "12:00:00.500"]) {
    assertEquals(t.time.parse(t.time.toTerm(text)), text);
  }
  for (const value of ["24:00:00", "1:2:3", "12:34", "12:34:56.1234567"]) {
    assertStrictEquals(t.time.tryParse(value), noMatch);
  }
});
