import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  GenServer,
  MailboxFullError,
  NoProcessError,
  ProcessExitedError,
  type Self,
  t,
  type Term,
} from "../../mod.ts";
import { failure } from "../gen/_servers.ts";
import { collector, idler, nodeTest, spawned, until } from "./_nodes.ts";

const important = { important: true } as const;

/** What a process does that leaves everything in its mailbox. */
function takesNothing(self: Self): Promise<unknown> {
  return self.receive(t.atom("nothing of this name is sent"));
}

for (const copyMessages of [false, true]) {
  nodeTest(
    `an important message is in the mailbox when its promise resolves${
      copyMessages ? ", also as another node sends it" : ""
    }`,
    async ({ node }) => {
      const pid = idler(node);
      await until(() => node.info(pid)!.status === "idle");
      const before = node.info(pid)!.mailbox.waiting;
      const sent = node.send(pid, atom("hello"), important);
      assertStrictEquals(node.info(pid)!.mailbox.waiting, before + 1);
      assertStrictEquals(await sent, undefined);
    },
    { copyMessages },
  );

  nodeTest(
    `an important cast arrives as every cast does${
      copyMessages ? ", also as another node sends it" : ""
    }`,
    async ({ node }) => {
      const got: Term[] = [];
      class Casts extends GenServer {
        override handleCast(request: Term): void {
          got.push(request);
        }
      }
      const { pid } = await node.start(Casts, []);
      await node.cast(pid, atom("hello"), important);
      await until(() => got.length === 1);
      assertEquals(got, [atom("hello")]);
    },
    { copyMessages },
  );
}

nodeTest("who is not there is told at once", async ({ node, platform }) => {
  const gone = node.spawn(() => {});
  await platform.settle();
  for (const target of [gone, "nobody", { name: "nobody", node: node.name }]) {
    assertInstanceOf(await failure(node.send(target, 1, important)), NoProcessError);
    assertInstanceOf(await failure(node.cast(target, 1, important)), NoProcessError);
  }
  const error = await failure(node.send("Users", 1, important));
  assert((error as Error).message.includes("Elixir.Users"));
});

nodeTest("a mailbox that is full is told at once", async ({ node }) => {
  const pid = node.spawn(takesNothing, { mailbox: { max: 1 } });
  await node.send(pid, 1, important);
  const error = await failure(node.send(pid, 2, important));
  assertInstanceOf(error, MailboxFullError);
  assert(error.message.includes("its mailbox is full"));
});

nodeTest("what another process stands in for has arrived", async ({ node }) => {
  const { pid: standby, got } = collector(node);
  const pid = node.spawn(takesNothing, { mailbox: { max: 1, full: { fallback: standby } } });
  await node.send(pid, 1, important);
  await node.send(pid, 2, important);
  await until(() => got.length === 1);
});

nodeTest("important messages may be urgent", async ({ node }) => {
  const got: Term[] = [];
  let go!: () => void;
  const begin = new Promise<void>((resolve) => go = resolve);
  const pid = node.spawn(async (self) => {
    await begin;
    for await (const message of self) got.push(message);
  });
  await node.send(pid, 1, important);
  await node.send(pid, 2, { ...important, priority: "high" });
  await until(() => node.info(pid)!.status === "idle");
  go();
  await until(() => got.length === 2);
  assertEquals(got, [2, 1]);
});

nodeTest("an alias may be the target, while it is one", async ({ node }) => {
  const { value: [self, alias] } = await spawned(
    node,
    (self: Self) => [self, self.alias()] as const,
  );
  await node.send(alias, 1, important);
  self.unalias(alias);
  assertInstanceOf(await failure(node.send(alias, 1, important)), NoProcessError);
});

nodeTest("a process that has ended sends nothing important", async ({ node }) => {
  const { pid, value: self } = await spawned(node, (self: Self) => self);
  const other = idler(node);
  await self.send(other, 1, important);
  node.exit(pid, atom("kill"));
  assertInstanceOf(await failure(self.send(other, 1, important)), ProcessExitedError);
  assertInstanceOf(await failure(self.cast(other, 1, important)), ProcessExitedError);
});
