import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { isIncomplete, sourceOf } from "../../../lib/kernel/shell/source.ts";

test("a line that goes on is told from one that is whole", () => {
  const incomplete = [
    "f(1,",
    "[1, 2",
    "{ a: 1",
    "const x = {\n",
    "`a\nb",
    "`a ${ {a: `b`",
    "/* a comment",
    "1 +",
    "a =>",
    "x = ",
    "a &&",
    "node.",
    "if (true)",
    "for (const a of [1])",
    "if (a) b(); else",
    "function f()",
    "async function f(a, b)",
    "class A extends B",
    "try { a() }",
    "do",
    'f("a", // comment',
    "const a = 1,",
    "x ? 1 :",
    "(/[(]/",
  ];
  for (const code of incomplete) assertEquals(isIncomplete(code), true, code);
  const whole = [
    "",
    "  \n",
    "1 + 1",
    "x++",
    "x--",
    "f(1)",
    '")"',
    "'(' + \"[\"",
    "`${1}` + `(`",
    "/[(]/",
    "/[/(]/.test(a)",
    "a / b / c",
    "f() / 2 // ((",
    "x = 1 /* ( */",
    "return /(?:a)/",
    "if (a) { b }",
    "try { a } finally { b }",
    "class A {}",
    "const f = () => 1",
    "import os from 'node:os'",
    "await 1",
    "f(1))",
    "'unclosed",
    "let let = 1",
    "a ? b : c",
  ];
  for (const code of whole) assertEquals(isIncomplete(code), false, code);
});

/** The statements and the expression, as `statements | expression`. */
function split(code: string): string {
  const { statements, expression } = sourceOf(code);
  return `${statements.trim()} | ${expression?.trim() ?? "none"}`;
}

test("the expression whose value is shown is the last statement", () => {
  const cases: [string, string][] = [
    ["1 + 1", " | 1 + 1"],
    ["1 + 1;\n", " | 1 + 1"],
    ["{ a: 1 }", " | { a: 1 }"],
    ["{ let a = 1; a }", "{ let a = 1; a } | none"],
    ["let a = 1", "let a = 1 | none"],
    ["let a = 1; a + 1", "let a = 1; | a + 1"],
    ["let a = 1\na + 1\n", "let a = 1 | a + 1"],
    ["let a = 1\n+ 1", "let a = 1\n+ 1 | none"],
    ["let a = b\n(1)", "let a = b\n(1) | none"],
    ["let a = b;\n(1)", "let a = b; | (1)"],
    ["function f() { return 1 }", "function f() { return 1 } | none"],
    ["function f() {}\nf()", "function f() {} | f()"],
    ["class A { x = 1; y }", "class A { x = 1; y } | none"],
    ["(function f() {})", " | (function f() {})"],
    ["class { x = 1 }", " | class { x = 1 }"],
    ["await f(); 5", "await f(); | 5"],
    ["for (const a of b) { c; d }", "for (const a of b) { c; d } | none"],
    ["if (a) b; else c", "if (a) b; else c | none"],
    ['f("a;b")', ' | f("a;b")'],
    ['let a = "x;y"; a', 'let a = "x;y"; | a'],
    ["a // comment", " | a // comment"],
    ["// comment", "// comment | none"],
    ["", " | none"],
    ["if (a)\nb", "if (a)\nb | none"],
    ["let a = 1; function f() {}", "let a = 1; function f() {} | none"],
  ];
  for (const [code, expected] of cases) assertEquals(split(code), expected, code);
});

test("imports become what may stand in a function", () => {
  const cases: [string, string][] = [
    ['import "a";', ' | await import("a")'],
    ["import os from 'node:os'", 'const { default: os,  } = await import("node:os"); | none'],
    ["import * as os from 'os'", 'const os = await import("os"); | none'],
    ["import { a, b as c } from 'm'; a", 'const {  a, b: c  } = await import("m"); | a'],
    ["import d, { a } from 'm'", 'const { default: d,  a  } = await import("m"); | none'],
    ["import d, * as all from 'm'", 'const all = await import("m"); const d = all.default; | none'],
    ["await import('m')", " | await import('m')"],
  ];
  for (const [code, expected] of cases) assertEquals(split(code), expected, code);
});

test("what is no JavaScript is an error", () => {
  for (const code of ["let let = 1", "f(1))", "a b", "'unclosed"]) {
    assertThrows(() => sourceOf(code), SyntaxError, undefined, code);
  }
});
