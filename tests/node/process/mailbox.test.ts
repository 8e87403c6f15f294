import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  atom,
  GenServer,
  later,
  MailboxFullError,
  type MailboxOptions,
  type Node,
  type Pid,
  type ServerRef,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { exitReason, failure, type Gate, gate, logs } from "../../gen/_servers.ts";
import { collector, ended, forever, nodeTest, until } from "../_nodes.ts";

/** What a server holds its mailbox for. */
let next: Gate;

/** Holds its mailbox until a gate opens, and writes down what it is told. */
class Busy extends GenServer {
  readonly got: unknown[] = [];
  override readonly calls = {
    hold: () => next.promise,
    note: (what: unknown) => void this.got.push(what),
    got: () => [...this.got],
    get: () => 5,
    links: (pid: Pid) => this.link(pid),
  };
  override readonly casts = { note: (what: unknown) => void this.got.push(what) };
  override handleInfo(message: Term): void {
    this.got.push(message);
  }
}

/** A server that is held, and what lets it go on. */
async function held(
  node: Node,
  mailbox?: MailboxOptions,
): Promise<{ server: ServerRef<Busy>; go: () => void }> {
  const server = await node.start(Busy, [], mailbox === undefined ? {} : { mailbox });
  const hold = next = gate();
  server.call("hold").catch(() => {}); // some tests end the server meanwhile
  await until(() => node.info(server.pid)!.status === "waiting");
  return { server, go: () => hold.open() };
}

// Priorities

for (const copyMessages of [false, true]) {
  nodeTest(
    `urgent messages go before others, each priority in its order${
      copyMessages ? ", also as another node sends them" : ""
    }`,
    async ({ node }) => {
      const { server: { pid }, go } = await held(node);
      node.send(pid, 1);
      node.send(pid, 2, { priority: "high" });
      node.send(pid, 3, { priority: "max" });
      node.send(pid, 4, { priority: "normal" });
      node.send(pid, 5, { priority: "high" });
      node.send(pid, 6, { priority: "max" });
      node.cast(pid, tuple(atom("other"), 7), { priority: "max" });
      assertEquals(node.info(pid)!.mailbox.waiting, 7);
      go();
      assertEquals(await node.call(pid, atom("got"), t.list(t.integer)), [3, 6, 2, 5, 1, 4]);
    },
    { copyMessages },
  );
}

nodeTest("an urgent call goes before messages that wait", async ({ node }) => {
  const { server, go } = await held(node);
  for (let i = 0; i < 3; i++) node.send(server.pid, i);
  const urgent = server.with({ priority: "high" });
  const got = urgent.call("got").then((list) => [...list]);
  urgent.cast("note", "cast");
  urgent.send("sent");
  go();
  assertEquals(await got, []);
  assertEquals(await server.call("got"), ["cast", "sent", 0, 1, 2]);
});

nodeTest(
  "a function receives urgent messages first, whatever has come before",
  async ({ node }) => {
    const start = gate();
    const got: Term[] = [];
    const pid = node.spawn(async (self) => {
      await start.promise;
      for (let i = 0; i < 5; i++) got.push(await self.receive());
      got.push(await self.receive(t.integer), await self.receive());
    });
    const done = ended(node, pid);
    node.send(pid, 1);
    node.send(pid, 2, { priority: "high" });
    node.send(pid, 3, { priority: "max" });
    node.send(pid, 4);
    node.send(pid, 5, { priority: "max" });
    node.send(pid, atom("no_integer"), { priority: "max" });
    node.send(pid, 6, { priority: "high" });
    node.send(pid, 7);
    await until(() => node.info(pid)!.mailbox.waiting >= 8);
    start.open();
    await done;
    assertEquals(got, [3, 5, atom("no_integer"), 2, 6, 1, 4]);
  },
);

nodeTest("a call that nobody takes from an urgent lane ends with its process", async ({ node }) => {
  const pid = node.spawn(forever);
  const { server, go } = await held(node);
  const calls = [
    exitReason(server.with({ priority: "max" }).call("get")),
    exitReason(node.call(pid, atom("get"), { priority: "high" })),
  ];
  node.exit(server.pid, atom("boom"));
  node.exit(pid, atom("boom"));
  assertEquals(await Promise.all(calls), [atom("boom"), atom("boom")]);
  go();
});

nodeTest("there are no other priorities", async ({ node }) => {
  const { pid } = await node.start(Busy, []);
  assertThrows(
    () => node.send(pid, 1, { priority: "low" as "high" }),
    TypeError,
    'Cannot send with priority low: the priorities are "normal", "high" and "max"',
  );
});

nodeTest("messages to aliases may be urgent, and aliases made for that are", async ({ node }) => {
  let aliases: Term[] = [];
  const { pid, got } = collector(node, (self) => {
    aliases = [self.alias(), self.alias({ priority: true })];
  });
  await until(() => aliases.length > 0);
  const process = node._core.process(pid)!;
  assertEquals([process.aliases!.size, process.urgentAliases!.size], [2, 1]);
  for (const alias of aliases) node.send(alias as never, 1, { priority: "high" });
  await until(() => got.length >= 2);
});

// Limits

nodeTest("a full mailbox drops what comes, counts and says so", async (lone) => {
  const { node } = lone;
  const { server, go } = await held(node, { max: 3 });
  for (let i = 0; i < 10; i++) node.send(server.pid, i);
  assertEquals(node.info(server.pid)!.mailbox, {
    waiting: 3,
    max: 3,
    dropped: 7,
    handedOver: 0,
  });
  assertStrictEquals(node.info().dropped, 7);
  const told = logs(lone).filter((line) => line.includes("mailbox"));
  assertStrictEquals(told.length, 1);
  assert(/^The mailbox of .* is full, with 3 messages: a message was dropped$/.test(told[0]));
  go();
  await until(() => node.info(server.pid)!.mailbox.waiting === 0);
  assertEquals(await server.call("got"), [0, 1, 2]);
  await server.stop();
  // The rest is told in one line, at the end at the latest.
  assert(logs(lone).at(-1)!.endsWith("is full, with 3 messages: 6 messages were dropped"));
});

nodeTest("a mailbox that stays full is told of once a minute", async (lone) => {
  const { node, platform } = lone;
  const { server, go } = await held(node, { max: 1 });
  const told = (): number => logs(lone).filter((line) => line.includes("mailbox")).length;
  for (let i = 0; i < 100; i++) node.send(server.pid, i);
  assertStrictEquals(told(), 1);
  await platform.elapse(60_000);
  for (let i = 0; i < 100; i++) node.send(server.pid, i);
  assertStrictEquals(told(), 2);
  go();
});

for (const copyMessages of [false, true]) {
  nodeTest(
    `who calls a server whose mailbox is full is told at once${
      copyMessages ? ", also as another node calls" : ""
    }`,
    async ({ node }) => {
      const { server, go } = await held(node, { max: 1 });
      node.send(server.pid, 1);
      const error = await failure(server.call("get"));
      assert(copyMessages || error instanceof MailboxFullError);
      assertStrictEquals((error as MailboxFullError).reason, atom("mailbox_full"));
      go();
      await until(() => node.info(server.pid)!.mailbox.waiting === 0);
      assertStrictEquals(await server.call("get"), 5);
    },
    { copyMessages },
  );
}

nodeTest("dropOldest keeps what has come last", async ({ node }) => {
  const { server, go } = await held(node, { max: 3, full: "dropOldest" });
  const oldest = exitReason(server.call("get"));
  for (let i = 0; i < 10; i++) node.send(server.pid, i);
  assertStrictEquals(await oldest, atom("mailbox_full"));
  assertStrictEquals(node.info(server.pid)!.mailbox.dropped, 8);
  go();
  await until(() => node.info(server.pid)!.mailbox.waiting === 0);
  assertEquals(await server.call("got"), [7, 8, 9]);
});

nodeTest("dropOldest leaves urgent messages and the process's own alone", async ({ node }) => {
  const { server: { pid }, go } = await held(node, { max: 2, full: "dropOldest" });
  node.send(pid, 1, { priority: "high" });
  node.send(pid, 2, { priority: "high" });
  node.send(pid, 3); // nothing can make room for it
  assertEquals(node.info(pid)!.mailbox, { waiting: 2, max: 2, dropped: 1, handedOver: 0 });
  node._core.process(pid)!.stopInTurn(atom("normal"));
  const done = ended(node, pid);
  node.send(pid, 4); // the end of the process is not to be dropped for it
  go();
  assertStrictEquals(await done, atom("normal"));
});

nodeTest("a function's mailbox has the same limits", async ({ node }) => {
  const start = gate();
  const got: Term[] = [];
  const mailbox = { max: 2, full: "dropOldest" } as const;
  const pid = node.spawn(async (self) => {
    await start.promise;
    got.push(await self.receive(), await self.receive());
  }, { mailbox });
  for (let i = 0; i < 3; i++) node.send(pid, i);
  await until(() => node._core.process(pid)!.status === "idle");
  for (let i = 3; i < 5; i++) node.send(pid, i);
  assertEquals(node.info(pid)!.mailbox, { waiting: 2, max: 2, dropped: 3, handedOver: 0 });
  const done = ended(node, pid);
  start.open();
  await done;
  assertEquals(got, [3, 4]);
});

nodeTest("a process may end where its mailbox is full", async (lone) => {
  const { node } = lone;
  const { server, go } = await held(node, { max: 1, full: "exit" });
  const done = ended(node, server.pid);
  const waiting = exitReason(server.call("get"));
  const refused = exitReason(server.call("get"));
  assertStrictEquals(await done, atom("mailbox_full"));
  assertStrictEquals(await waiting, atom("mailbox_full"));
  assertStrictEquals(await refused, atom("mailbox_full"));
  assert(logs(lone).some((line) => line.includes("crashed: mailbox_full")));
  go();
});

nodeTest("another process may get what a mailbox has no room for", async ({ node }) => {
  class Standby extends GenServer {
    readonly got: Term[] = [];
    override readonly calls = { got: () => this.got };
    override handleInfo(message: Term): void {
      this.got.push(message);
      const [, , , what] = message as Term[];
      const [tag, from, request] = what as Term[];
      if (tag === atom("$gen_call")) {
        this.node.reply(from as never, tuple(atom("later"), request) as Term);
      }
    }
  }
  const standby = await node.start(Standby, [], { register: "standby" });
  const full = { fallback: "standby", tag: atom("pdf") };
  const { server, go } = await held(node, { max: 1, full });
  node.send(server.pid, 1);
  node.send(server.pid, tuple(2, "two") as Term);
  assertEquals(await node.call(server.pid, atom("get")), tuple(atom("later"), atom("get")));
  const [message] = await standby.call("got");
  assertEquals(message, tuple(atom("fallback"), server.pid, atom("pdf"), tuple(2, "two")) as Term);
  assertEquals(node.info(server.pid)!.mailbox, {
    waiting: 1,
    max: 1,
    dropped: 0,
    handedOver: 2,
  });
  await standby.stop();
  node.send(server.pid, 3); // nobody stands in any more
  assertStrictEquals(node.info(server.pid)!.mailbox.dropped, 1);
  go();
});

nodeTest(
  "two full mailboxes that stand in for each other drop, and do not go on for ever",
  async ({ node }) => {
    const a = await node.start(Busy, [], {
      register: "a",
      mailbox: { max: 1, full: { fallback: "b" } },
    });
    const b = await node.start(Busy, [], {
      register: "b",
      mailbox: { max: 1, full: { fallback: "a" } },
    });
    for (let i = 0; i < 4; i++) a.send(i);
    assertStrictEquals(node.info(a.pid)!.mailbox.waiting, 1);
    assertStrictEquals(node.info(b.pid)!.mailbox.waiting, 1);
    assertStrictEquals(node.info().dropped, 2);
  },
);

nodeTest("what is the process's own always has room", async ({ node }) => {
  const { server, go } = await held(node, { max: 1 });
  const process = node._core.process(server.pid)!;
  process.trapExit = true;
  const other = node.spawn(forever, { link: server.pid });
  node.send(server.pid, 1);
  node.exit(other, atom("boom"));
  await until(() => process.queued >= 2);
  go();
  await until(() => process.queued === 0);
  assertEquals(await server.call("got"), [1, tuple(atom("EXIT"), other, atom("boom")) as Term]);
});

nodeTest("sys has room, also where a mailbox is full", async ({ node }) => {
  const { server, go } = await held(node, { max: 1 });
  node.send(server.pid, 1);
  const answer = node._core.systemCall(node._core.main, server.pid, atom("suspend"), {});
  go();
  assertStrictEquals(await answer, atom("ok"));
  for (let i = 0; i < 3; i++) node.send(server.pid, i);
  assertEquals(node.info(server.pid)!.mailbox.waiting, 1); // what waits for its resumption counts
});

nodeTest("limits that are none are refused", ({ node }) => {
  for (
    const mailbox of [{ max: 1, ful: "exit" }, { max: 1, full: { fallbck: "a", fallback: "b" } }]
  ) {
    assertThrows(
      () => node.spawn(() => {}, { mailbox: mailbox as never }),
      TypeError,
      "may be meant",
    );
  }
  for (const max of [0, -1, 1.5, NaN, Infinity, "3" as unknown as number]) {
    assertThrows(
      () => node.spawn(() => {}, { mailbox: { max } }),
      TypeError,
      `Cannot limit a mailbox: its max is ${max}, a whole number from 1 on is needed`,
    );
  }
  assertThrows(
    () => node.spawn(() => {}, { mailbox: { max: 1, full: "block" as "drop" } }),
    TypeError,
    "what happens when it is full",
  );
});

nodeTest("a mailbox without a limit takes any number", async ({ node }) => {
  const { server, go } = await held(node);
  for (let i = 0; i < 10_000; i++) node.send(server.pid, i);
  assertStrictEquals(node.info(server.pid)!.mailbox.waiting, 10_000);
  assertStrictEquals(node.info(server.pid)!.mailbox.max, Infinity);
  go();
  assertStrictEquals((await server.call("got")).length, 10_000);
});

nodeTest("later still answers where the mailbox is full", async ({ node }) => {
  const held = gate<number>();
  class Late extends GenServer {
    override readonly calls = { late: () => later(held.promise) };
  }
  const late = await node.start(Late, [], { mailbox: { max: 1 } });
  const answer = late.call("late");
  held.open(7);
  assertStrictEquals(await answer, 7);
});
