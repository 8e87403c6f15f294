import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { Evaluator } from "../../../lib/kernel/shell/evaluator.ts";
import { completed } from "../../../lib/kernel/shell/completion.ts";

/** Runs lines one after the other, and gives the values that would be shown. */
async function valuesOf(evaluator: Evaluator, ...lines: string[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const line of lines) {
    const { hasValue, value } = await evaluator.run(line);
    if (hasValue) values.push(value);
  }
  return values;
}

test("names live on from line to line, and may be declared again", async () => {
  const evaluator = new Evaluator({});
  assertEquals(
    await valuesOf(
      evaluator,
      "let a = 1",
      "const b = a + 1; b",
      "a = 10",
      "a + b",
      "function f(x) { return x + a }",
      "f(1)",
      "a = 20; f(1)",
      "const a = 'again'; a",
      "f(1)",
      "class P { #x = 5; get x() { return this.#x } }",
      "new P().x",
      "const { c, d: [e], ...rest } = { c: 1, d: [2], g: 3 }",
      "[c, e, rest]",
      "var v = 1; for (let i = 0; i < 3; i++) v += i",
      "v",
    ),
    [2, 10, 12, 11, 21, "again", 21, 5, [1, 2, { g: 3 }], 4],
  );
});

test("await may stand everywhere, and a promise is a value", async () => {
  const evaluator = new Evaluator({ later: (value: unknown) => Promise.resolve(value) });
  const values = await valuesOf(
    evaluator,
    "const a = await later(5)",
    "a + await later(1)",
    "for await (const x of [later(1)]) a2 = x; var a2",
    "a2",
    "later(7)",
  );
  assertEquals(values.slice(0, 2), [6, 1]);
  assertEquals(await values[2], 7);
});

test("what throws declares nothing and ends nothing", async () => {
  const evaluator = new Evaluator({});
  await evaluator.run("let kept = 1");
  await assertRejects(
    () => evaluator.run("let lost = 2; throw new RangeError('no')"),
    RangeError,
    "no",
  );
  await assertRejects(() => evaluator.run("lost"), ReferenceError);
  await assertRejects(() => evaluator.run("undeclared = 5"), ReferenceError);
  await assertRejects(() => evaluator.run("let ="), SyntaxError);
  assertEquals(await valuesOf(evaluator, "kept"), [1]);
  assertEquals("undeclared" in globalThis, false);
});

test("two evaluators do not share what is declared", async () => {
  const [one, other] = [new Evaluator({ x: 1 }), new Evaluator({ x: 2 })];
  await one.run("let y = x");
  assertEquals(await valuesOf(one, "x + y"), [2]);
  await assertRejects(() => other.run("y"), ReferenceError);
});

test("modules can be imported, and values are those of the program", async () => {
  const evaluator = new Evaluator({ isArray: (value: unknown) => value instanceof Array });
  assertEquals(
    await valuesOf(
      evaluator,
      'import { basename } from "node:path"',
      'basename("/a/b")',
      'import * as path from "node:path"; typeof path.join',
      "isArray([1])",
    ),
    ["b", "function", true],
  );
});

test("a line that returns gives that value, and keeps what was declared before", async () => {
  const evaluator = new Evaluator({});
  assertEquals(await valuesOf(evaluator, "let a = 1", "return a + 1", "return", "a"), [2, 1]);
});

test("many lines do not slow down the next", async () => {
  const evaluator = new Evaluator({});
  await evaluator.run("let sum = 0");
  for (let i = 0; i < 300; i++) await evaluator.run(`const x${i} = ${i}; sum += x${i}`);
  assertEquals(await valuesOf(evaluator, "sum + x0"), [44_850]);
});

test("names are completed, of the scope, of what was declared, of values", async () => {
  const evaluator = new Evaluator({ node: { name: "a", names: [] }, number: 1 });
  await evaluator.run("let novel = { deep: { inside: 1 } }");
  const complete = (line: string): Promise<unknown> => completed(evaluator, line);
  assertEquals(await complete("nov"), { added: "el", matches: [] });
  assertEquals(await complete("1 + no"), { added: "", matches: ["node", "novel"] });
  assertEquals(await complete("f(node.na"), { added: "me", matches: ["name", "names"] });
  assertEquals(await complete("novel.deep.in"), { added: "side", matches: [] });
  assertEquals(await complete("novel.deep.inside.toFi"), { added: "xed", matches: [] });
  assertEquals(await complete("novel.nothing.x"), { added: "", matches: [] });
  assertEquals(await complete("f().x"), { added: "", matches: [] });
  assertEquals(await complete("encodeURIC"), { added: "omponent", matches: [] });
  assertEquals(await complete(""), { added: "", matches: [] });
});
