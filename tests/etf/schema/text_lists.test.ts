import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { ImproperList } from "../../../lib/etf/list.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { noMatch, SchemaError, t } from "../../../mod.ts";
import { binaryOf } from "./_support.ts";

test("a charlist is a string here and a list of code points on the wire", () => {
  assertStrictEquals(t.charlist.parse([90, 111, 235, 0x1f600]), "Zoë😀");
  assertStrictEquals(t.charlist.parse([]), "");
  assertStrictEquals(t.charlist.parse("Zoë"), "Zoë");
  assertEquals(t.charlist.toTerm("Zoë😀"), [90, 111, 235, 0x1f600]);
  assertEquals(t.charlist.parse(Array(100_000).fill(97)).length, 100_000);
});

test("what is no code point is refused at its place", () => {
  for (const bad of [-1, 0x110000, 0xd800, 1.5, atom("a"), binaryOf("a"), [97]]) {
    const error = assertThrows(() => t.charlist.parse([97, bad]), SchemaError);
    assertEquals(error.path, [1]);
    assertEquals(error.expected, "code point");
  }
  assertStrictEquals(t.charlist.tryParse(tuple(97)), noMatch);
});

test("iodata is joined to bytes", () => {
  const nested = [1, [binaryOf([2, 3]), []], "é", new ImproperList([4], binaryOf([5]))];
  assertEquals([...t.iodata.parse(nested)], [1, 2, 3, 0xc3, 0xa9, 4, 5]);
  const binary = binaryOf([1]);
  assertStrictEquals(t.iodata.parse(binary), binary);
  assertEquals([...t.iodata.parse("é")], [0xc3, 0xa9]);
  assertEquals(t.iodata.parse([binaryOf(Array(10_000).fill(7)), 8]).length, 10_001);
  for (const bad of [7, [256], [-1], [atom("a")], new ImproperList([1], 2), tuple(), [null]]) {
    assertStrictEquals(t.iodata.tryParse(bad), noMatch);
  }
});

test("chardata is joined to a string", () => {
  assertStrictEquals(t.chardata.parse([binaryOf("Zo"), [235, [0x1f600]], "!"]), "Zoë😀!");
  assertStrictEquals(t.chardata.parse(binaryOf("é")), "é");
  assertStrictEquals(t.chardata.parse("é"), "é");
  assertStrictEquals(t.chardata.parse([binaryOf([0xc3]), binaryOf([0xa9])]), "é");
  assertStrictEquals(t.chardata.tryParse([binaryOf([0xff])]), noMatch);
  assertStrictEquals(t.chardata.tryParse([0xd800]), noMatch);
});
