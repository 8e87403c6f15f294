import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { checkFile } from "../../scripts/check_layers.ts";
import { maskSource } from "../../scripts/_masked_source.ts";

/** The broken rules as `line: rule`, in order. */
function broken(file: string, ...lines: string[]): string[] {
  return checkFile(file, lines.join("\n")).map(({ line, rule }) => `${line}: ${rule}`);
}

test("a room imports from its own and from lower rooms", () => {
  assertEquals(broken("lib/gen/x.ts", 'import { a } from "../node/process.ts";'), []);
  assertEquals(broken("lib/gen/x.ts", 'import { a } from "./y.ts";'), []);
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "../_util/queue.ts";'), []);
  assertEquals(broken("lib/dist/x.ts", 'import { a } from "../transport/contract.ts";'), []);
});

test("an import of a higher room is found in each of its forms", () => {
  for (
    const line of [
      'import { a } from "../node/process.ts";',
      'import type { A } from "../node/process.ts";',
      'import a, { type B } from "../node/process.ts";',
      'import * as a from "../node/process.ts";',
      'import {\n  a,\n} from "../node/process.ts";',
      'import "../node/process.ts";',
      'export { a } from "../node/process.ts";',
      'export * from "../node/process.ts";',
      'export type { A } from "../node/process.ts";',
      'const a = await_(import("../node/process.ts"));',
      'type A = import("../node/process.ts").A;',
    ]
  ) {
    assertEquals(
      broken("lib/dist/x.ts", "", line),
      [`${1 + line.split("\n").length}: layer`],
      line,
    );
  }
});

test("etf and transport do not know each other; gen, cluster and service do not know dist", () => {
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "../transport/y.ts";'), ["1: layer"]);
  assertEquals(broken("lib/transport/x.ts", 'import { a } from "../etf/y.ts";'), ["1: layer"]);
  for (const room of ["gen", "cluster", "service"]) {
    assertEquals(broken(`lib/${room}/x.ts`, 'import type { A } from "../dist/y.ts";'), [
      "1: layer",
    ]);
  }
  assertEquals(broken("lib/kernel/x.ts", 'import { a } from "../dist/y.ts";'), []);
});

test("gen, cluster and service know platform and transport by their types only", () => {
  assertEquals(broken("lib/gen/x.ts", 'import type { A } from "../platform/y.ts";'), []);
  assertEquals(broken("lib/gen/x.ts", 'import { a } from "../platform/y.ts";'), ["1: types only"]);
  assertEquals(broken("lib/cluster/x.ts", 'import { type A } from "../transport/y.ts";'), [
    "1: types only",
  ]);
});

test("a private file is imported in and below its folder only", () => {
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "./_y.ts";'), []);
  assertEquals(broken("lib/etf/schema/x.ts", 'import { a } from "../_y.ts";'), []);
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "./schema/_y.ts";'), ["1: private file"]);
  assertEquals(broken("lib/node/x.ts", 'import { a } from "../etf/_y.ts";'), ["1: private file"]);
  assertEquals(broken("mod.ts", 'export { a } from "./lib/etf/_y.ts";'), ["1: private file"]);
});

test("lib imports no package, and no node module outside its rooms", () => {
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "@std/assert";'), ["1: import"]);
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "npm:fast-check";'), ["1: import"]);
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "../../tests/a.ts";'), ["1: import"]);
  assertEquals(broken("lib/etf/x.ts", 'import { a } from "node:zlib";'), []);
  assertEquals(broken("lib/platform/x.ts", 'import { a } from "node:zlib";'), ["1: node module"]);
  assertEquals(broken("lib/transport/x.ts", 'import { a } from "node:net";'), []);
  assertEquals(broken("lib/dist/x.ts", 'import { a } from "node:crypto";'), ["1: node module"]);
});

test("time, randomness, sockets and the process stay in platform and transport", () => {
  for (
    const line of [
      "setTimeout(f, 5);",
      "const later = setImmediate;",
      "const now = Date.now();",
      "const now = new Date();",
      "const now = performance.now();",
      "const n = Math.random();",
      "crypto.getRandomValues(bytes);",
      "await_(fetch(url));",
      "new WebSocket(url);",
      "AbortSignal.timeout(5);",
      "Deno.connect({ port });",
      "Bun.listen({ port });",
      "const home = process.env.HOME;",
      "globalThis.setTimeout(f, 5);",
      "(globalThis as { Deno?: unknown }).Deno;",
    ]
  ) {
    assertEquals(broken("lib/node/x.ts", line), ["1: outside"], line);
    assertEquals(broken("lib/platform/x.ts", line), [], line);
    assertEquals(broken("lib/transport/x.ts", line), [], line);
  }
});

test("a member, a parameter or a variable of such a name is not the outside", () => {
  for (
    const line of [
      "clock.setTimeout(f, 5);",
      "this.#process.exit();",
      "function stop(process: Process): void { process.exit(); }",
      "for (const process of processes) process.exit();",
      "const { fetch } = platform; fetch(url);",
      "interface Clock { setTimeout(f: () => void, ms: number): Timer; }",
      "const contract = { fetch: 1 };",
      "new Date(milliseconds);",
      "const buffer = (globalThis as { Buffer?: unknown }).Buffer;",
    ]
  ) {
    assertEquals(broken("lib/node/x.ts", line), [], line);
  }
});

test("top-level await is found, await in functions is not", () => {
  assertEquals(broken("lib/etf/x.ts", "await f();"), ["1: top-level await"]);
  assertEquals(broken("lib/etf/x.ts", "for await (const a of b) f(a);"), ["1: top-level await"]);
  assertEquals(broken("lib/etf/x.ts", "if (a) {", "  await f();", "}"), ["2: top-level await"]);
  assertEquals(broken("lib/etf/x.ts", "try {", "  await f();", "} catch {}"), [
    "2: top-level await",
  ]);
  for (
    const line of [
      "async function f(a: number): Promise<void> { if (a) { await g(); } }",
      "const f = async () => await g();",
      "const f = async ({ a }: A) => { for await (const b of a) await b; };",
      "class A { async f() { try { await g(); } finally { await h(); } } }",
      "const o = { async f() { await g(); } };",
    ]
  ) {
    assertEquals(broken("lib/etf/x.ts", line), [], line);
  }
});

test("`using` declarations and syntax that cannot be erased are found", () => {
  assertEquals(broken("lib/etf/x.ts", "function f() { using a = b(); }"), ["1: using"]);
  assertEquals(broken("lib/etf/x.ts", "async function f() { await using a = b(); }"), ["1: using"]);
  for (
    const line of [
      "enum A { b }",
      "const enum A { b }",
      "namespace A { export const b = 1; }",
      "class A { constructor(private b: number) {} }",
      "class A { constructor(a: number, readonly b: number) {} }",
      'import a = require("./a.ts");',
      "export = a;",
    ]
  ) {
    assertEquals(broken("lib/platform/x.ts", line)[0], "1: erasable syntax", line);
  }
  assertEquals(broken("lib/etf/x.ts", "class A { constructor(a: readonly number[]) {} }"), []);
});

test("a file of lib has 500 lines at most", () => {
  assertEquals(broken("lib/etf/x.ts", ...Array(500).fill("//"), ""), []);
  assertEquals(broken("lib/etf/x.ts", ...Array(501).fill("//"), ""), ["502: length"]);
});

test("mod.ts holds exports from elsewhere and nothing else", () => {
  assertEquals(broken("mod.ts", "/** Doc. */", 'export { a } from "./lib/etf/a.ts";'), []);
  assertEquals(broken("mod.ts", 'import { a } from "./lib/etf/a.ts";'), ["1: export list"]);
  assertEquals(broken("mod.ts", "export const a = 1;"), ["1: export list"]);
});

test("a file outside of the table's rooms is found", () => {
  assertEquals(broken("lib/x.ts", ""), ["1: room"]);
  assertEquals(broken("lib/other/x.ts", ""), ["1: room"]);
});

test("comments, strings, templates and regular expressions do not fool the check", () => {
  for (
    const line of [
      "// setTimeout(f, 5); await f();",
      '/* import { a } from "../node/process.ts"; */',
      "const a = \"import { b } from '../node/process.ts'\";",
      "const a = `await ${b(`Date.now() ${c}`)} setTimeout(f)`;",
      "const a = /setTimeout(f)|[/'\"]await f()/;",
      "const a = b / c; const d = e / f;",
      "const a = 'it\\'s setTimeout(f)';",
    ]
  ) {
    assertEquals(broken("lib/dist/x.ts", line), [], line);
  }
  assertEquals(broken("lib/dist/x.ts", "const a = `${Date.now()}`;"), ["1: outside"]);
  assertEquals(broken("lib/dist/x.ts", "const a = /'/; Date.now(); const b = /'/;"), [
    "1: outside",
  ]);
});

test("masking keeps the length, the lines and the code", () => {
  const source = 'a("b//c"); // d\n`e${f({ g: "}" })}h`; /i\\/[/]j/.test(k) / 2;\n';
  const masked = 'a("    ");     \n` ${f({ g: " " })} `; /       /.test(k) / 2;\n';
  assertEquals(maskSource(source), masked);
});
