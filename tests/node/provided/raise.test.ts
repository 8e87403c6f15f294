import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { ExitError } from "../../../lib/node/errors.ts";
import { raise, RaisedError } from "../../../lib/node/provided/raise.ts";
import { nodeTest } from "../_nodes.ts";

const NO = tuple(atom("no"), 1) as unknown as Pid; // any term but a string

test("what is thrown says what was raised", () => {
  const error = assertThrows(() => raise("error", NO), RaisedError);
  assertEquals([error.class, error.message], ["error", "Raised error {no,1}"]);
  assertStrictEquals(error.reason, NO);
  assertEquals(error.stacktrace, []);
  const thrown = assertThrows(() => raise("throw", NO, [NO]), RaisedError);
  assertEquals([thrown.class, thrown.stacktrace], ["throw", [NO]]);
  const exited = assertThrows(() => raise("exit", NO), ExitError);
  assertStrictEquals(exited.reason, NO);
  assertThrows(() => raise("exit", "normal" as never), TypeError, 'use atom("normal")');
  assertThrows(() => raise("badarg" as never, NO), TypeError, "Cannot raise badarg");
});

nodeTest("a process ends with it as in Erlang", async ({ node, platform }) => {
  const reasonOf = (fn: () => unknown): Promise<string> =>
    new Promise((resolve) => {
      node.monitor(node.spawn(fn), ({ reason }) => resolve(format(reason)));
    });
  assertStrictEquals(await reasonOf(() => raise("error", atom("badarith"))), "{badarith,[]}");
  assertStrictEquals(await reasonOf(() => raise("throw", atom("ball"))), "{{nocatch,ball},[]}");
  assertStrictEquals(await reasonOf(() => raise("error", NO, [NO])), "{{no,1},[{no,1}]}");
  assertStrictEquals(await reasonOf(() => raise("exit", atom("gone"))), "gone");
  // Errors that nobody catches are reported, exits are not.
  assertEquals(platform.logs.map(({ level }) => level), ["error", "error", "error"]);
});
