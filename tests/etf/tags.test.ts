import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Tag, tagName } from "../../lib/etf/tags.ts";

test("tags stand in numeric order, no number twice", () => {
  const numbers = Object.values(Tag);
  assertEquals(numbers, [...new Set(numbers)].sort((a, b) => a - b));
});

test("a tag is named as the specification names it, an unknown one by its number", () => {
  assertEquals(tagName(104), "SMALL_TUPLE_EXT");
  assertEquals(tagName(7), "tag 7");
});

test("the literals of the hot files agree with the table", () => {
  let seen = 0;
  for (const file of ["decoder.ts", "_deep_decoder.ts", "encoder.ts", "_leaf_writer.ts"]) {
    const source = readFileSync(new URL(`../../lib/etf/${file}`, import.meta.url), "utf8");
    for (
      const [, number, name] of source.matchAll(
        /\b(\d+)[:;]? ?\{? ?\/\/ ([A-Z0-9_]+_(?:EXT|REF))$/gm,
      )
    ) {
      assertEquals(Tag[name as keyof typeof Tag], Number(number), `${file}: ${name}`);
      seen++;
    }
    // No case over a literal tag is without its name.
    for (const [line] of source.matchAll(/^.*case \d+:.*$/gm)) {
      assert(/\/\/ [A-Z0-9_]+$/.test(line), line);
    }
  }
  assert(seen >= 25, `${seen} seen`);
});
