import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { atom } from "../../lib/etf/atom.ts";
import { atomSlot, atomTextLength, writeAtomText } from "../../lib/etf/atom_text.ts";

test("an atom's text is written without a tag, short and long", () => {
  for (const name of ["", "ok", "é", "a".repeat(255), "é".repeat(128), "\u{1f600}".repeat(255)]) {
    const bytes = new TextEncoder().encode(name);
    const to = new Uint8Array(bytes.length + 2).fill(9);
    assertEquals(atomTextLength(atom(name)), bytes.length);
    assertEquals(writeAtomText(atom(name), to, 1), bytes.length + 1);
    assertEquals([...to], [9, ...bytes, 9]);
  }
});

test("an atom has one slot, and slots are used evenly", () => {
  const used = new Array<number>(2039).fill(0);
  for (let i = 0; i < 20_390; i++) {
    const made = atom(`for_a_slot_${i}`);
    const slot = atomSlot(made, 2039);
    assertEquals(atomSlot(made, 2039), slot);
    used[slot]++;
  }
  // Ten each; of a thousand random tables none has one with 40.
  assert(Math.max(...used) < 40, `${Math.max(...used)}`);
});
