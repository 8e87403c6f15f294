import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Globs } from "../../lib/node/globs.ts";

test("a pattern fits all of a text, and * stands for any characters", () => {
  // deno-fmt-ignore
  const cases: readonly (readonly [pattern: string, text: string, fits: boolean])[] = [
    ["", "", true], ["", "a", false], ["a", "a", true], ["a", "ab", false], ["a", "ba", false], ["*", "", true], ["*", "anything at all", true],
    ["a*", "a", true], ["a*", "abc", true], ["a*", "ba", false], ["*a", "a", true], ["*a", "aba", true], ["*a", "ab", false],
    ["a*c", "ac", true], ["a*c", "abcbc", true], ["a*c", "abcb", false], ["a*b*c", "a--b--c", true], ["a*b*c", "acb", false],
    ["**", "x", true], ["*.*@h", "a.b@h", true], [".", "x", false], ["a.c", "abc", false], ["[ab]", "a", false], ["web*@10.0.0.5", "web7@10.0.0.5", true],
    ["web*@10.0.0.5", "web7@10.0.0.55", false], ["*a*a*a", "aa", false], ["*a*a*a", "aaa", true], ["a*", "A", false], ["ä*", "äö", true],
  ];
  for (const [pattern, text, fits] of cases) {
    assertEquals(new Globs([pattern]).fit(text), fits, `${pattern} fits ${text}`);
  }
});

test("one of several patterns is enough, and none fits nothing", () => {
  const globs = new Globs(["a", "b*", "*c"]);
  assertEquals(["a", "bb", "cc", "d", "ab"].map((text) => globs.fit(text)), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assertEquals(new Globs([]).fit(""), false);
});

test("a text that was made to take long takes no longer than others", () => {
  const globs = new Globs([`${"*a".repeat(100)}b`]);
  assertEquals(globs.fit("a".repeat(20_000)), false); // a backtracking matcher would not come back
});
