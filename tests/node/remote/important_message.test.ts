import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  ExitError,
  MailboxFullError,
  type MailboxOptions,
  type Node,
  NodeDownError,
  NoProcessError,
  type Pid,
  type Ref,
  startNode,
  type Term,
  tuple,
} from "../../../mod.ts";
import { needsErlang, startEpmd, startErlang } from "../../_support/erlang.ts";
import { COOKIE } from "../../_support/interop.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { failure } from "../../gen/_servers.ts";
import { clusterTest, inbox } from "../_cluster.ts";
import { forever, until } from "../_nodes.ts";

const important = { important: true } as const;

clusterTest("it is known of another node that a message has arrived", async (a, b) => {
  const got = await inbox(b);
  b.register("inbox", got.pid);
  await a.send(got.pid, 1, important);
  await a.send({ name: "inbox", node: b.name }, 2, important);
  await a.send(got.pid, "x".repeat(200_000), important);
  assertEquals(await got.take(2), [1, 2]);
  assertStrictEquals(String(await got.next()).length, 200_000);
  assertEquals(a.stats().aliases, 0);
});

clusterTest("it is known at once that nobody is there", async (a, b) => {
  const gone = b.spawn(() => {});
  await until(() => !b.isAlive(gone));
  for (const target of [gone, { name: "nobody", node: b.name }]) {
    assertInstanceOf(await failure(a.send(target, 1, important)), NoProcessError);
    assertInstanceOf(await failure(a.cast(target, 1, important)), NoProcessError);
  }
});

/** A process that takes nothing out of its mailbox, which has so much room. */
async function stuck(
  node: Node,
  max: number,
  full?: MailboxOptions["full"],
  register = "stuck",
): Promise<Pid> {
  const pid = node.spawn(forever, { register, mailbox: { max, full } });
  const process = node._core.process(pid)!;
  await until(() => process.status === "idle");
  process.suspend();
  return pid;
}

clusterTest("it is known that a mailbox is full, of each message for itself", async (a, b) => {
  const full = await stuck(b, 2);
  const there = { name: "stuck", node: b.name };
  await a.send(there, 1, important);
  await a.send(full, 2, important);
  assertInstanceOf(await failure(a.send(there, 3, important)), MailboxFullError);
  assertInstanceOf(await failure(a.send(full, 4, important)), MailboxFullError);
  a.send(full, 5); // is dropped, which is not told of the next one
  const got = await inbox(b);
  await a.send(got.pid, 6, important);
  assertInstanceOf(await failure(a.cast(full, 7, important)), MailboxFullError);
  assertStrictEquals(b.info(full)!.mailbox.dropped, 4);
});

for (const to of ["a pid", "a name"]) {
  clusterTest(
    `it is known of a large message to ${to} when all of it has arrived`,
    async (a, b) => {
      const pid = await stuck(b, 2);
      const target = to === "a pid" ? pid : { name: "stuck", node: b.name };
      const waiting = (): number => b.info(pid)!.mailbox.waiting;
      await a.connect(b.name);
      const large = new Uint8Array(2 * 1024 * 1024);
      await a.send(target, large, important);
      assertStrictEquals(waiting(), 1);
      // What the same sender says to others meanwhile is none of its business.
      const other = await stuck(b, 1, undefined, "other");
      await a.send(other, 0, important);
      const sent = a.send(target, large, important);
      a.send(other, 1);
      a.send({ name: "nobody", node: b.name }, 2);
      await sent;
      assertStrictEquals(waiting(), 2);
      assertInstanceOf(await failure(a.send(target, large, important)), MailboxFullError);
      assertStrictEquals(b.info(other)!.mailbox.dropped, 1);
    },
  );
}

clusterTest("a call of another node to a full mailbox is refused at once", async (a, b) => {
  const full = await stuck(b, 1);
  await a.send(full, 1, important);
  const error = await failure(a.call(full, atom("get"), { timeout: Infinity }));
  assertInstanceOf(error, ExitError);
  assertStrictEquals(error.reason, atom("mailbox_full"));
});

clusterTest("a fallback may be on another node", async (a, b) => {
  const standby = await inbox(a);
  const full = await stuck(b, 1, { fallback: standby.pid });
  await a.send(full, 1, important);
  await a.send(full, 2, important);
  assertEquals(await standby.next(), tuple(atom("fallback"), full, null, 2) as Term);
});

clusterTest("urgent messages come by aliases that were made for that", async (a, b) => {
  const aliases: Ref[] = [];
  const got: Term[] = [];
  let go!: () => void;
  const begin = new Promise<void>((resolve) => go = resolve);
  const pid = b.spawn(async (self) => {
    aliases.push(self.alias({ priority: true }), self.alias());
    await begin;
    for await (const message of self) got.push(message);
  });
  await until(() => aliases.length === 2);
  const [urgent, plain] = aliases;
  a.send(pid, 1);
  a.send(plain, 2, { priority: "high" });
  a.send(urgent, 3);
  a.send(urgent, 4, { priority: "high" });
  a.send(urgent, 5, { priority: "max" });
  await a.send(pid, 6, important);
  await until(() => b.info(pid)!.mailbox.waiting === 6);
  go();
  await until(() => got.length === 6);
  assertEquals(got, [4, 5, 1, 2, 3, 6]);
});

clusterTest("what asks for the arrival of a message breaks no rule", async (a, b) => {
  const got = await inbox(b);
  b.register("open", got.pid);
  await a.send({ name: "open", node: b.name }, 1, important);
  assertEquals(await got.next(), 1);
  assertStrictEquals(b.refusals, 0);
  const closed = failure(a.send({ name: "closed", node: b.name }, 1, important));
  assertInstanceOf(await closed, NoProcessError);
  assertStrictEquals(b.refusals > 0, true);
}, { node: { access: [{ names: ["open"] }] } });

clusterTest("an alias of another node cannot be known", async (a, b) => {
  let alias!: Ref;
  b.spawn((self) => {
    alias = self.alias();
    return forever(self);
  });
  await until(() => alias !== undefined);
  const error = await failure(a.send(alias, 1, important));
  assertInstanceOf(error, TypeError);
});

clusterTest("nothing is known where the connection is lost", async (a, b) => {
  const got = await inbox(b);
  await a.connect(b.name);
  const sent = failure(a.send(got.pid, 1, important));
  a.disconnect(b.name);
  assertInstanceOf(await sent, NodeDownError);
  assertInstanceOf(
    await failure(a.send({ name: "x", node: "nobody@localhost" }, 1, important)),
    NodeDownError,
  );
  const controller = new AbortController();
  controller.abort(new Error("enough"));
  const given = { ...important, signal: controller.signal };
  assertStrictEquals((await failure(a.send(got.pid, 1, given)) as Error).message, "enough");
});

test("an Erlang node tells the same, but of mailboxes", { skip: needsErlang }, async () => {
  await using epmd = await startEpmd();
  await using erl = await startErlang({ name: "b@localhost", cookie: COOKIE, epmdPort: epmd.port });
  await using node = await startNode("ours@localhost", {
    cookie: COOKIE,
    epmd: { port: epmd.port },
    signals: false,
  });
  await erl.eval("register(theirs, spawn(fun L() -> receive {P, X} -> P ! {got, X}, L() end end))");
  const got = await inbox(node);
  const theirs = { name: "theirs", node: erl.name };
  await node.send(theirs, tuple(got.pid, 1) as Term, important);
  assertEquals(await got.next(), tuple(atom("got"), 1) as Term);
  const pid = await node.rpc(erl.name, "erlang", "whereis", [atom("theirs")]) as Pid;
  await node.send(pid, tuple(got.pid, "x".repeat(200_000)) as Term, important);
  await got.next();
  await erl.eval(
    "R = monitor(process, theirs), exit(whereis(theirs), kill), receive {'DOWN', R, _, _, _} -> ok end",
  );
  assertInstanceOf(await failure(node.send(theirs, 1, important)), NoProcessError);
  assertInstanceOf(await failure(node.cast(pid, 1, important)), NoProcessError);
});

testNothingIsLeft();
