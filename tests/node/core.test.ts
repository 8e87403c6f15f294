import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../lib/etf/atom.ts";
import { Ref } from "../../lib/etf/identifiers.ts";
import type { Term } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import { NameError, NodeDownError, NoProcessError } from "../../lib/node/errors.ts";
import { BOOM, collector, idler, nodeTest, processOf, spawned } from "./_nodes.ts";

// Names

nodeTest("a registered process is found by its name", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  node.register("found", pid);
  assertStrictEquals(node.whereis("found"), pid);
  assertEquals(node.registered(), ["found"]);
  node.send("found", 1);
  node.send(atom("found"), 2);
  node.send({ name: "found" }, 3);
  node.send({ name: "found", node: node.name }, 4);
  node.send(tuple(atom("found"), atom(node.name)), 5);
  await platform.settle();
  assertEquals(got, [1, 2, 3, 4, 5]);
});

nodeTest("a name is of one process, and a process has one name", ({ node }) => {
  const [one, other] = [idler(node), idler(node)];
  node.register("taken", one);
  assertThrows(() => node.register("taken", other), NameError, "taken");
  assertThrows(() => node.register("taken", one), NameError, "taken");
  assertThrows(() => node.register("second", one), NameError, "registered as taken already");
  assertStrictEquals(node.whereis("second"), undefined);
});

nodeTest("an unregistered name is free, and its process may take another", ({ node }) => {
  const pid = idler(node);
  node.register("first", pid);
  assertStrictEquals(node.unregister("first"), true);
  assertStrictEquals(node.unregister("first"), false);
  assertStrictEquals(node.whereis("first"), undefined);
  node.register("second", pid);
  node.register("first", idler(node));
});

nodeTest("a name is free when its process has ended", ({ node }) => {
  const pid = idler(node);
  node.register("mortal", pid);
  node.exit(pid, BOOM);
  assertStrictEquals(node.whereis("mortal"), undefined);
  node.register("mortal", idler(node));
});

nodeTest("a process that has ended cannot take a name", async ({ node, platform }) => {
  const { pid, value: self } = await spawned(node, (self) => self);
  node.exit(pid, BOOM);
  assertThrows(() => node.register("dead", pid), ReferenceError);
  assertThrows(() => self.register("dead"), Error, "exited");
  assertEquals(node.registered(), []);
  await platform.settle();
});

nodeTest("names that no message could carry are refused", ({ node }) => {
  const pid = idler(node);
  for (const name of ["", "undefined", "true", "false", "nil"]) {
    assertThrows(() => node.register(name, pid), NameError, "no name");
  }
  assertThrows(() => node.register("x".repeat(256), pid), RangeError);
  assertThrows(() => node.register("half \ud800", pid), RangeError);
  assertEquals(node.registered(), []);
  assertStrictEquals(processOf(node, pid).name, null);
});

nodeTest("names of Object's own members are names as any other", ({ node }) => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    assertStrictEquals(node.whereis(name), undefined);
    const pid = idler(node);
    node.register(name, pid);
    assertStrictEquals(node.whereis(name), pid);
  }
});

nodeTest("a process whose name is taken is not started", async ({ node, platform }) => {
  node.register("busy", idler(node));
  let ran = false;
  const before = node.processes().length;
  assertThrows(
    () =>
      node.spawn(() => {
        ran = true;
      }, { register: "busy" }),
    NameError,
  );
  await platform.settle();
  assertStrictEquals(ran, false);
  assertStrictEquals(node.processes().length, before);
});

nodeTest(
  "a process cannot be linked to one that is not there as it is started",
  async ({ node, platform }) => {
    const dead = node.spawn(() => {});
    await platform.settle();
    assertThrows(() => node.spawn(() => {}, { link: dead }), ReferenceError, "no such process");
  },
);

nodeTest(
  "the name is there when the function begins, and nothing has arrived before",
  async ({ node, platform }) => {
    let name: unknown;
    const pid = node.spawn((self) => {
      name = node.whereis("early");
      return self.receive();
    }, { register: "early" });
    node.send("early", 1);
    await platform.settle();
    assertStrictEquals(name, pid);
    assertStrictEquals(node.whereis("early"), undefined);
  },
);

// Aliases

nodeTest("what is sent to an alias arrives", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  const alias = node._core.addAlias(processOf(node, pid));
  node.send(alias, 1);
  node.send(alias, 2);
  await platform.settle();
  assertEquals(got, [1, 2]);
});

nodeTest("an alias that was taken back leads nowhere", async ({ node, platform }) => {
  const got: Term[] = [];
  const { value: [self, alias] } = await spawned(node, (self) => [self, self.alias()] as const);
  assertStrictEquals(self.unalias(alias), true);
  assertStrictEquals(self.unalias(alias), false);
  node.send(alias, 1);
  await platform.settle();
  assertEquals(got, []);
  assertStrictEquals(node._core.aliasCount, 0);
});

nodeTest("only its own process can take an alias back", async ({ node, platform }) => {
  const owner = collector(node);
  const alias = node._core.addAlias(processOf(node, owner.pid));
  const { value: self } = await spawned(node, (self) => self);
  assertStrictEquals(self.unalias(alias), false);
  node.send(alias, 1);
  await platform.settle();
  assertEquals(owner.got, [1]);
});

nodeTest("aliases end with their process", async ({ node, platform }) => {
  const { pid, value: aliases } = await spawned(
    node,
    (self) => Array.from({ length: 100 }, () => self.alias()),
  );
  assertStrictEquals(node._core.aliasCount, 100);
  node.exit(pid, BOOM);
  assertStrictEquals(node._core.aliasCount, 0);
  for (const alias of aliases) node.send(alias, 1);
  await platform.settle();
});

nodeTest("a reference that is no alias leads nowhere", async ({ node, platform }) => {
  node.send(node._core.makeRef(), 1);
  node.send(new Ref(atom(node.name), node._core.creation, [1, 2, 3, 4, 5]), 1);
  node.send(new Ref(atom(node.name), node._core.creation + 1, [1, 2, 3]), 1);
  await platform.settle();
});

nodeTest("an alias cannot be called, which is said at once", async ({ node }) => {
  const { value: alias } = await spawned(node, (self) => self.alias());
  const error = await node.call(alias, 1).catch((error) => error);
  assert(error instanceof TypeError);
  assertStrictEquals(
    error.message,
    "Cannot call an alias: only messages can be sent to it, call the process",
  );
});

// References

nodeTest("references are not the same twice, and are found again by their number", ({ node }) => {
  const core = node._core;
  const refs = Array.from({ length: 1000 }, () => core.makeRef());
  assertStrictEquals(new Set(refs.map(({ key }) => key)).size, 1000);
  assertStrictEquals(new Set(refs.map((ref) => core.refNumber(ref))).size, 1000);
  for (const { words } of refs) {
    assert(words.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32));
  }
  const [{ words }] = refs;
  for (
    const foreign of [
      new Ref(atom("other@localhost"), core.creation, words),
      new Ref(atom(node.name), core.creation + 1, words),
      new Ref(atom(node.name), core.creation, [words[0], words[1], words[2] ^ 1]),
      new Ref(atom(node.name), core.creation, words.slice(0, 2)),
    ]
  ) assertStrictEquals(core.refNumber(foreign), -1);
});

// Without a network

nodeTest(
  "without a network every other node is down, and nothing throws",
  async ({ node, platform }) => {
    const there = { name: "x", node: "other@localhost" };
    const elsewhere = new (node.pid.constructor as new (...args: unknown[]) => typeof node.pid)(
      atom("other@localhost"),
      1,
      2,
      3,
    );
    node.send(there, 1);
    node.cast(there, 1);
    node.exit(elsewhere, BOOM);
    const error = await assertRejects(() => node.call(there, 1), NodeDownError);
    assertStrictEquals(error.node, "other@localhost");
    let reason: unknown;
    node.monitor(there, (down) => void (reason = down.reason));
    const linked = collector(node, (self) => {
      self.trapExit = true;
      self.link(elsewhere);
      self.unlink(elsewhere);
    });
    await platform.settle();
    assertStrictEquals(reason, atom("noconnection"));
    assertEquals(linked.got, [tuple(atom("EXIT"), elsewhere, atom("noconnection"))]);
    assertStrictEquals(await node.ping("other@localhost"), false);
    assertStrictEquals(node.disconnect("other@localhost"), false);
    assertEquals(node.nodes(), []);
  },
);

nodeTest(
  "to try a process that is not there again and again lets others run",
  async ({ node, platform }) => {
    let failures = 0;
    const retrying = (async () => {
      while (node.whereis("late") === undefined && failures < 100_000) {
        await node.call("late", 1).catch((error) => {
          assert(error instanceof NoProcessError);
          failures++;
        });
      }
    })();
    node.spawn(async (self) => {
      for (let i = 0; i < 10; i++) {
        self.send(self.pid, 1);
        await self.receive();
      }
      self.register("late");
      await self.receive();
    });
    await retrying;
    assert(failures < 1000, `${failures}`);
    await platform.settle();
  },
);
