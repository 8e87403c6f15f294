import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../lib/etf/atom.ts";
import { encode } from "../../lib/etf/encoder.ts";
import type { Term } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import {
  CallTimeoutError,
  errorText,
  exit,
  ExitError,
  exitReasonOf,
  NodeDownError,
  NodeStoppedError,
  NoProcessError,
  ProcessError,
  ProcessExitedError,
} from "../../lib/node/errors.ts";
import { reasonReport } from "../../lib/node/provided/thrown.ts";

function parts(reason: Term): [Term, string, string, string] {
  const [[tag, name, message], stack] = reason as unknown as [[Term, Term, Term], Term];
  return [tag, String(name), String(message), String(stack)];
}

test("exit throws the reason itself", () => {
  const error = assertThrows(() => exit(tuple(atom("a"), 1) as never), ExitError, "{a,1}");
  assertEquals(error.reason, tuple(atom("a"), 1));
});

test("exit with a text is refused where the atom is meant", () => {
  for (const reason of ["normal", "shutdown", "kill"]) {
    assertThrows(() => exit(reason as never), TypeError, `atom("${reason}")`);
  }
});

test("exit with nothing is refused", () => {
  assertThrows(() => exit(undefined as never), TypeError, "Cannot exit with nothing");
  assertThrows(() => exit(new Map() as never), ExitError);
});

test("a JavaScript error becomes {{js_error, Name, Message}, Stack}", () => {
  const error = new RangeError("Zoë \ud83d\ude00");
  const [tag, name, message, stack] = parts(exitReasonOf(error));
  assertStrictEquals(tag, atom("js_error"));
  assertEquals([name, message], ["RangeError", "Zoë 😀"]);
  assert(stack.includes("errors.test"));
});

test("whatever is thrown becomes a reason that can be sent", () => {
  class Hostile extends Error {
    override get message(): string {
      throw new Error("no message");
    }
  }
  const hostile = [
    undefined,
    null,
    0,
    "half \ud800 pair",
    Symbol("s"),
    1n,
    Object.create(null),
    new Hostile(),
    Object.assign(new Error("x"), { stack: undefined }),
    new Proxy({}, {
      getPrototypeOf() {
        throw new Error("hostile");
      },
    }),
  ];
  for (const thrown of hostile) {
    const reason = exitReasonOf(thrown);
    assertStrictEquals(parts(reason)[0], atom("js_error"));
    encode(reason);
    assert(errorText(thrown).length > 0);
  }
});

test("what is thrown that is no error is readable", () => {
  class Point {
    x = 1;
  }
  class Money {
    toString(): string {
      return "5 EUR";
    }
  }
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const cases: [thrown: unknown, message: string][] = [
    ["text", "text"],
    ["", ""],
    [undefined, "undefined"],
    [null, "null"],
    [5n, "5"],
    [Symbol("s"), "Symbol(s)"],
    [{ a: 1, b: undefined, c: [1n, () => {}] }, '{"a":1,"b":"undefined","c":["1","[function ]"]}'],
    [new Point(), 'Point {"x":1}'],
    [new Money(), "5 EUR"],
    [[{ a: 1 }], '[{"a":1}]'],
    [atom("boom"), "boom"],
    [tuple(atom("not_found"), 7, "key"), '{not_found,7,<<"key">>}'],
    [new Map([["a", 1]]), '#{<<"a">> => 1}'],
    [Object.create(null), "{}"],
  ];
  for (const [thrown, message] of cases) {
    const [, name, text, stack] = parts(exitReasonOf(thrown));
    assertEquals([name, text, stack], ["thrown", message, ""]);
    assertEquals(errorText(thrown), message === "" ? "thrown" : `thrown: ${message}`);
  }
  assertEquals(parts(exitReasonOf(cyclic))[2], "what was thrown cannot be printed");
  assert(parts(exitReasonOf({ long: "x".repeat(1e6) }))[2].length < 1_100);
});

test("the causes of an error are in its stack, and the chain has an end", () => {
  const inner = new RangeError("inner");
  const outer = new Error("outer", { cause: new TypeError("middle", { cause: inner }) });
  const [, name, message, stack] = parts(exitReasonOf(outer));
  assertEquals([name, message], ["Error", "outer"]);
  const found = [...stack.matchAll(/^(Error: outer|Caused by: .*)$/gm)].map(([line]) => line);
  assertEquals(found.filter((line) => line.startsWith("Caused")), [
    "Caused by: TypeError: middle",
    "Caused by: RangeError: inner",
  ]);
  const own = new Error("of itself");
  own.cause = own;
  assertEquals(parts(exitReasonOf(own))[3].split("Caused by: ").length, 6);
  const odd = new Error("odd", { cause: tuple(atom("a"), 1) });
  assert(parts(exitReasonOf(odd))[3].endsWith("\nCaused by: {a,1}"));
  const many = new AggregateError([inner, "text"], "many");
  const lines = parts(exitReasonOf(many))[3];
  assert(lines.includes("\nOne of its errors: RangeError: inner\n"), lines);
  assert(lines.endsWith("\nOne of its errors: text"), lines);
});

test("an error is printed on several lines, whose stack can be read", () => {
  const lines = errorText(new RangeError("too far")).split("\n");
  assertStrictEquals(lines[0], "RangeError: too far");
  assert(lines.length > 1 && lines.slice(1).every((line) => /^ +\S/.test(line)), lines.join("\n"));
  assert(lines.some((line) => line.includes("errors.test")));
  assert(!lines.join("\n").includes("\\n"));
});

test("no message looks like a line of the log", () => {
  const reason = exitReasonOf(new Error("one\nerror: two\r\nthree\rfour"));
  for (const line of reasonReport(reason).split(/[\r\n]+/).slice(1)) assert(/^ /.test(line), line);
  assertStrictEquals(reasonReport(tuple(atom("a"), "x\ny") as Term), '{a,<<"x\\ny">>}');
});

test("the errors of OTP have OTP's reasons", () => {
  const cases: [ProcessError, Term][] = [
    [new ExitError(5), 5],
    [new CallTimeoutError("x", 5), atom("timeout")],
    [new NoProcessError("x"), atom("noproc")],
    [new NodeDownError("a@b"), tuple(atom("nodedown"), atom("a@b")) as Term],
    [new NodeStoppedError("call", "a@b"), atom("noconnection")],
    [new ProcessExitedError("send", atom("boom")), atom("boom")],
  ];
  for (const [error, reason] of cases) {
    assert(error instanceof ProcessError && error instanceof Error);
    assertEquals(exitReasonOf(error), reason);
    assertStrictEquals(error.name, error.constructor.name);
    encode(exitReasonOf(error));
  }
});

test("a huge reason makes no huge message, and is kept whole", () => {
  const reason = Array.from({ length: 100_000 }, (_, i) => i + 1000);
  for (const error of [new ExitError(reason), new ProcessExitedError("go on", reason)]) {
    assert(error.message.length < 1_200);
    assertStrictEquals(error.reason, reason);
  }
});

test("a cause is kept, and named where the node cannot be reached", () => {
  const cause = new Error("connection refused");
  const error = new NodeDownError("a@b", { cause });
  assertStrictEquals(error.cause, cause);
  assertStrictEquals(error.message, "Cannot reach node a@b: connection refused");
});
