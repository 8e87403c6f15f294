import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { atom } from "../../lib/etf/atom.ts";
import { encode } from "../../lib/etf/encoder.ts";

test("the bytes that many atoms share are not among an atom's visible fields", () => {
  const made = atom("an atom that is shown in an error");
  encode(made);
  assertEquals(Object.keys(made).includes("_slab"), false);
  assertEquals(made._slab.bytes.length > made._size, true);
  assertEquals(JSON.stringify({ made }), `{"made":"${made.name}"}`);
});
