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
    assert(errorText(thrown).startsWith("{{js_error,"));
  }
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
