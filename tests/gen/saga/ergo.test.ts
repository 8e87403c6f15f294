/** Sagas of Ergo, played by processes that say and hear what its `gen.Saga` does: its messages alone, no `Agreement` among the options. */
import { assertEquals } from "@std/assert";
import { type Atom, atom } from "../../../lib/etf/atom.ts";
import { Pid, type Ref } from "../../../lib/etf/identifiers.ts";
import { charlist } from "../../../lib/etf/list.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { isTuple, tuple } from "../../../lib/etf/tuple.ts";
import { Saga } from "../../../lib/gen/saga/saga.ts";
import type { Transaction } from "../../../lib/gen/saga/transaction.ts";
import type { TransactionCancelledError } from "../../../lib/gen/saga/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { failure } from "../_servers.ts";
import { collector, nodeTest, until } from "../../node/_nodes.ts";

class Ours extends Saga<unknown, unknown> {
  log!: string[];
  override init(log: string[]): void {
    this.log = log;
  }
  override async handleTransaction(tx: Transaction, value: unknown): Promise<unknown> {
    tx.compensate(() => void this.log.push("taken back"));
    if (!(value instanceof Pid)) return value;
    const result = await tx.next(value, "to Ergo");
    if (result === 13) throw new Error("unlucky");
    return [result];
  }
  override handleCommit(): void {
    this.log.push("committed");
  }
  override handleCancel(_tx: Transaction, reason: string): void {
    this.log.push(`cancelled ${reason}`);
  }
}

/** What a message says: its word, and what follows the transaction. */
function said(message: Term): { word: string; from: Pid; tx: Ref; rest: readonly Term[] } {
  if (!isTuple(message)) throw new Error("no tuple");
  const [word, from, body] = message as unknown as [Atom, Pid, readonly Term[]];
  const [tx, ...rest] = body;
  return { word: word.name, from, tx: tx as Ref, rest };
}

/** A saga of Ergo that has its first message. */
async function asked(node: Node, value: (ergo: Pid) => unknown): Promise<{
  got: Term[];
  pid: Pid;
  tx: Ref;
  origin: Ref;
  from: Pid;
  options: Term;
  result: Promise<unknown>;
  log: string[];
}> {
  const log: string[] = [];
  const ours = await node.start(Ours, [log]);
  const { pid, got } = collector(node);
  const result = ours.run(value(pid));
  result.catch(() => {});
  await until(() => got.length === 1);
  const { word, from, tx, rest } = said(got[0]);
  assertEquals([word, from, rest[1], rest[2]], ["$saga_next", ours.pid, "to Ergo", []]);
  return { got, pid, tx, origin: rest[0] as Ref, from, options: rest[3], result, log };
}

function say(node: Node, to: Pid, word: string, from: Pid, ...body: unknown[]): void {
  node.send(to, tuple(atom(word), from, tuple(...body as Term[])) as Encodable);
}

nodeTest("a saga of Ergo takes part in ours, and is told of the commit", async ({ node }) => {
  const { got, pid, tx, origin, from, options, result, log } = await asked(node, (ergo) => ergo);
  const terms = new Map([...options as unknown as Map<number[], unknown>].map(([key, value]) => [
    String.fromCharCode(...key),
    value,
  ]));
  assertEquals([...terms.keys()].slice(0, 2), ["HopLimit", "Lifespan"]);
  assertEquals([terms.get("Lifespan"), terms.get("TwoPhaseCommit")], [60, true]);
  say(node, from, "$saga_result", pid, tx, origin, 5);
  assertEquals(await result, [5]);
  await until(() => got.length === 2);
  const last = said(got[1]);
  assertEquals([last.word, last.tx.key, last.rest], ["$saga_commit", tx.key, [origin, [5]]]);
  assertEquals(log, ["committed"]);
});

nodeTest("a saga of Ergo is told that it is cancelled, and can cancel", async ({ node }) => {
  const { got, pid, tx, origin, from, result, log } = await asked(node, (ergo) => ergo);
  say(node, from, "$saga_result", pid, tx, origin, 13);
  assertEquals((await failure(result) as TransactionCancelledError).reason, "Error: unlucky");
  const { word, rest } = said(got[1]);
  assertEquals([word, rest], ["$saga_cancel", [origin, charlist("Error: unlucky")]]);
  assertEquals(log, ["taken back", "cancelled Error: unlucky"]);

  const second = await asked(node, (ergo) => ergo);
  say(
    node,
    second.from,
    "$saga_cancel",
    second.pid,
    second.tx,
    second.origin,
    charlist("not there"),
  );
  assertEquals((await failure(second.result) as TransactionCancelledError).reason, "not there");
});

for (const end of ["$saga_commit", "$saga_cancel"]) {
  nodeTest(`a saga of Ergo has ours take part, and says ${end}`, async ({ node }) => {
    const log: string[] = [];
    const ours = await node.start(Ours, [log]);
    const { pid, got } = collector(node);
    const [tx, origin] = [node._core.makeRef(), node._core.makeRef()];
    const options = new Map<unknown, unknown>([
      [charlist("HopLimit"), 65_535],
      [charlist("Lifespan"), 60],
      [charlist("TwoPhaseCommit"), true],
    ]);
    say(node, ours.pid, "$saga_next", pid, tx, origin, 7, [], options);
    await until(() => got.length === 1);
    const { word, from, rest } = said(got[0]);
    assertEquals([word, from, rest], ["$saga_result", ours.pid, [origin, 7]]);
    say(node, ours.pid, end, pid, tx, origin, charlist("final"));
    await until(() => log.length === (end === "$saga_commit" ? 1 : 2));
    assertEquals(log.at(-1), end === "$saga_commit" ? "committed" : "cancelled final");
    // None of the messages that Ergo does not know has come.
    assertEquals([got.length, ours.running], [1, 0]);
  });
}
