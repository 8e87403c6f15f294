import { setImmediate } from "node:timers";
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  atom,
  BusyError,
  type Encodable,
  ExitError,
  float,
  format,
  type GroupEvent,
  type Node,
  type NodeOptions,
  type Pid,
  ProcessExitedError,
  ProcessGroups,
  type ProcessGroupsRef,
  startNode,
  TermMap,
  tuple,
} from "../../mod.ts";
import { clusterTest, settle } from "../node/_cluster.ts";
import { end, idle, reached, sorted } from "./_groups.ts";

const GROUP = atom("group");

function start(node: Node, name = "scope"): Promise<ProcessGroupsRef> {
  return node.start(ProcessGroups, [{ retry: 1 }], { register: name });
}

/** A test on a node without a network. */
function alone(title: string, body: (node: Node, scope: ProcessGroupsRef) => unknown): void {
  test(title, async () => {
    await using node = await startNode("alone@localhost", { network: false, signals: false });
    await body(node, await start(node));
  });
}

function text(event: GroupEvent): string {
  return `${event.type} ${format(event.group)} ${event.pids.length}`;
}

alone("a process joins, joins again, and leaves as often", (node, scope) => {
  const pid = idle(node);
  assertEquals(scope.members(GROUP), []);
  scope.join(GROUP, pid);
  scope.join(GROUP, pid);
  assertEquals(scope.members(GROUP), [pid, pid]);
  assertEquals(scope.localMembers(GROUP), [pid, pid]);
  assert(scope.leave(GROUP, pid));
  assertEquals(scope.members(GROUP), [pid]);
  assert(scope.leave(GROUP, pid));
  assertStrictEquals(scope.leave(GROUP, pid), false);
  assertEquals([scope.members(GROUP), scope.groups(), scope.localGroups()], [[], [], []]);
});

alone("several join and leave at once; who is not in it does not matter", (node, scope) => {
  const pids = [idle(node), idle(node), idle(node)];
  scope.join(GROUP, []);
  assertEquals(scope.groups(), []);
  scope.join(GROUP, pids);
  assertEquals(sorted(scope.members(GROUP)), sorted(pids));
  assert(scope.leave(GROUP, [pids[0], idle(node)]));
  assertEquals(sorted(scope.members(GROUP)), sorted(pids.slice(1)));
  assertStrictEquals(scope.leave("no such group", pids), false);
  assertStrictEquals(scope.leave(GROUP, []), false);
});

alone("groups are terms, and equal terms are one group", (node, scope) => {
  const names: readonly (readonly [Encodable, Encodable])[] = [
    ["room", new TextEncoder().encode("room")],
    [atom("room"), atom("room")],
    [tuple(1, [2, "x"]), tuple(1, [2, "x"])],
    [new Map([[1, "a"], [2, "b"]]), new TermMap([[2, "b"], [1, "a"]])],
    [1, 1n],
    [float(1), float(1)],
    [null, null],
    [[], []],
  ];
  const pids = names.map(([name]) => {
    const pid = idle(node);
    scope.join(name, pid);
    return pid;
  });
  assertStrictEquals(scope.groups().length, names.length);
  for (const [i, [, same]] of names.entries()) assertEquals(scope.members(same), [pids[i]]);
  assertThrows(() => scope.join(undefined as never, pids), TypeError);
  assertThrows(() => scope.join({ a: 1 } as never, pids), TypeError);
});

alone("a name that changes afterwards does not change the group", (node, scope) => {
  const name = ["a"];
  scope.join(name, idle(node));
  name[0] = "b";
  assertStrictEquals(scope.members(["a"]).length, 1);
  assertStrictEquals(format(scope.groups()), '[[<<"a">>]]');
});

alone("a process that ends leaves all its groups", async (node, scope) => {
  const pid = idle(node);
  const other = idle(node);
  scope.join("a", [pid, pid, other]);
  scope.join("b", pid);
  end(node, pid);
  await reached(scope, () => scope.members("a").length === 1 && scope.groups().length === 1);
  assertEquals(scope.members("a"), [other]);
  // One that has ended before joins, and leaves when that is found out, as in pg.
  scope.join("c", pid);
  await reached(scope, () => scope.groups().length === 1);
});

alone("only processes of this node can join", (_node, scope) => {
  const elsewhere = Object.assign(Object.create(Object.getPrototypeOf(_node.pid)), _node.pid, {
    _node: atom("other@localhost"),
  }) as Pid;
  assertThrows(
    () => scope.join(GROUP, elsewhere),
    RangeError,
    "Cannot join a group with a process of other@localhost: only its own node can do that",
  );
  assertThrows(() => scope.leave(GROUP, [elsewhere]), RangeError);
  assertThrows(() => scope.join(GROUP, "pid" as never), TypeError);
  assertEquals(scope.groups(), []);
});

alone("what happens to a group, and to all", async (node, scope) => {
  const pids = [idle(node), idle(node)];
  const abort = new AbortController();
  const one = scope.monitorGroup("room", { signal: abort.signal });
  const all = scope.monitorScope();
  scope.join("room", pids);
  scope.join("hall", pids[0]);
  scope.leave("room", pids[1]);
  end(node, pids[0]);
  const told: string[] = [];
  for (let i = 0; i < 5; i++) told.push(text((await all.next()).value));
  assertEquals(told.slice(0, 3), [
    'joined <<"room">> 2',
    'joined <<"hall">> 1',
    'left <<"room">> 1',
  ]);
  assertEquals(told.slice(3).sort(), ['left <<"hall">> 1', 'left <<"room">> 1']);
  abort.abort();
  const room: string[] = [];
  for await (const event of one) room.push(text(event));
  assertEquals(room, ['joined <<"room">> 2', 'left <<"room">> 1', 'left <<"room">> 1']);
  const last = all.next();
  await scope.stop();
  assertEquals(await last, { done: true, value: undefined });
});

alone("a scope needs a name, and has one half on a node", async (node, scope) => {
  await assertRejects(() => node.start(ProcessGroups, []), ExitError);
  await assertRejects(() => start(node), Error, "Cannot register a process as scope");
  const pid = idle(node);
  scope.join(GROUP, pid);
  await scope.stop();
  assertEquals([scope.members(GROUP), scope.localMembers(GROUP), scope.groups()], [[], [], []]);
  assertThrows(() => scope.join(GROUP, pid), ProcessExitedError);
  assertThrows(() => scope.leave(GROUP, pid), ProcessExitedError);
  const again = await start(node);
  assertEquals(again.members(GROUP), []);
  again.join(GROUP, pid);
  assertEquals(again.members(GROUP), [pid]);
});

alone("whatever else comes is dropped", async (node, scope) => {
  const pid = idle(node);
  scope.join(GROUP, pid);
  const rubbish: Encodable[] = [
    1,
    tuple(),
    tuple(atom("discover")),
    tuple(atom("discover"), node.pid),
    tuple(atom("discover"), 1),
    tuple(atom("join"), pid, GROUP, [1]),
    tuple(atom("join"), pid, GROUP, [pid]),
    tuple(atom("leave"), pid, pid, [GROUP]),
    tuple(atom("leave"), pid, pid, GROUP),
    tuple(atom("$gen_cast"), tuple(atom("sync"), pid, [])),
    tuple(atom("$gen_cast"), tuple(atom("sync"), pid, [1])),
    tuple(atom("$gen_cast"), tuple(atom("sync"), pid, [tuple(GROUP, pid)])),
    tuple(atom("$gen_cast"), atom("sync")),
    tuple(atom("nodeup"), atom("x@localhost")),
  ] as Encodable[];
  for (const message of rubbish) scope.send(message);
  await assertRejects(() => node.call(scope, tuple(atom("join_local"), GROUP, pid) as never));
  assertEquals(scope.members(GROUP), [pid]);
});

const KINDS: readonly (readonly [kind: string, options: NodeOptions])[] = [
  ["hidden", {}],
  ["published", { published: true }],
];

for (const [kind, options] of KINDS) {
  const names = ["a@localhost", "b@localhost", "c@localhost"];

  clusterTest(`three ${kind} nodes know all members`, async (a, b, { c }) => {
    const nodes = [a, b, c];
    await a.connect(b.name);
    const first = await start(a);
    const early = idle(a);
    first.join(GROUP, early);
    await b.connect(c.name);
    const scopes = [first, await start(b), await start(c)];
    await a.connect(c.name);
    for (const scope of scopes) await reached(scope, () => scope.members(GROUP).length === 1);
    const pids = nodes.map((node, i) => {
      const pid = idle(node);
      scopes[i].join(GROUP, [pid, pid]);
      return pid;
    });
    const all = sorted([early, ...pids, ...pids]);
    for (const [i, scope] of scopes.entries()) {
      await reached(scope, () => scope.members(GROUP).length === 7);
      assertEquals(sorted(scope.members(GROUP)), all);
      assertEquals(scope.localMembers(GROUP).length, i === 0 ? 3 : 2);
    }
    end(b, pids[1]);
    scopes[2].leave(GROUP, pids[2]);
    for (const scope of scopes) await reached(scope, () => scope.members(GROUP).length === 4);
    await scopes[2].stop();
    for (const scope of scopes.slice(0, 2)) {
      await reached(scope, () => scope.members(GROUP).length === 3);
    }
    const again = await start(c);
    again.join(GROUP, pids[2]);
    for (const scope of [...scopes.slice(0, 2), again]) {
      await reached(scope, () => scope.members(GROUP).length === 4);
      assertEquals(sorted(scope.members(GROUP)), sorted([early, pids[0], pids[0], pids[2]]));
    }
  }, { names, node: options });

  clusterTest(`a thousand groups between two ${kind} nodes`, async (a, b) => {
    const [here, there] = [await start(a), await start(b)];
    const pid = idle(a);
    for (let i = 0; i < 500; i++) here.join(tuple("room", i), pid);
    await a.connect(b.name);
    for (let i = 500; i < 1000; i++) here.join(tuple("room", i), pid);
    await reached(there, () => there.groups().length === 1000);
    assertEquals(there.members(tuple("room", 999)), [pid]);
    assertEquals(there.localGroups(), []);
    end(a, pid);
    await reached(there, () => there.groups().length === 0);
  }, { node: options });

  clusterTest(
    `a lost connection takes the ${kind} node's members, and gives them back`,
    async (a, b) => {
      const [here, there] = [await start(a), await start(b)];
      await a.connect(b.name);
      const [mine, theirs] = [idle(a), idle(b)];
      here.join(GROUP, mine);
      there.join(GROUP, theirs);
      for (let i = 0; i < 3; i++) {
        for (const scope of [here, there]) {
          await reached(scope, () => scope.members(GROUP).length === 2);
        }
        a.disconnect(b.name);
        here.join(GROUP, mine); // is told to nobody, and connects nobody
        here.leave(GROUP, mine);
        for (const scope of [here, there]) {
          await reached(scope, () => scope.members(GROUP).length === 1);
        }
        await settle();
        assertEquals([a.nodes(), b.nodes()], [[], []]);
        here.join(GROUP, mine);
        here.leave(GROUP, mine);
        await a.connect(b.name);
      }
    },
    { node: options },
  );
}

clusterTest("scopes of other names have nothing in common", async (a, b) => {
  const [here, there, same] = [await start(a, "one"), await start(b, "two"), await start(b, "one")];
  await a.connect(b.name);
  here.join(GROUP, idle(a));
  await reached(same, () => same.members(GROUP).length === 1);
  assertEquals(there.members(GROUP), []);
});

clusterTest(
  "a node speaks for its own processes only, and must know what it says",
  async (a, b, { c }) => {
    const scope = await start(a);
    const other = await start(c);
    await a.connect(b.name);
    await a.connect(c.name);
    const pid = idle(c);
    other.join(GROUP, pid);
    await reached(scope, () => scope.members(GROUP).length === 1);
    const there = { name: "scope", node: a.name };
    const [leave, sync] = [atom("leave"), atom("sync")];
    const foreign = idle(c);
    for (
      const message of [
        tuple(leave, other.pid, pid, [GROUP]), // in the name of another node
        tuple(atom("join"), other.pid, GROUP, [foreign]),
        tuple(atom("discover"), other.pid),
        tuple(atom("$gen_cast"), tuple(sync, other.pid, [])),
        tuple(atom("discover"), b.pid), // and as what it is, but with processes of others
        tuple(atom("join"), b.pid, GROUP, [foreign]),
        tuple(atom("$gen_cast"), tuple(sync, b.pid, [tuple(GROUP, [foreign])])),
        tuple(leave, b.pid, pid, [GROUP]),
        tuple(leave, b.pid, b.pid, ["never heard of"]),
      ]
    ) b.send(there, message as never);
    const mine = idle(b);
    b.send(there, tuple(atom("join"), b.pid, "own", mine) as never);
    await reached(scope, () => scope.members("own").length === 1);
    assertEquals(scope.members(GROUP), [pid]);
    assertEquals(scope.members("own"), [mine]);
  },
  { names: ["a@localhost", "b@localhost", "c@localhost"] },
);

const held: (() => void)[] = [];
let isHeld = false;

clusterTest("a node that takes nothing for a while is told all of it afterwards", async (a, b) => {
  const [here, there] = [await start(a), await start(b)];
  await a.connect(b.name);
  const pid = idle(a);
  here.join("first", pid);
  await reached(there, () => there.members("first").length === 1);
  isHeld = true;
  for (let i = 0; i < 300; i++) here.join(tuple("x".repeat(8_192), i), pid); // 2.4 MB
  here.leave("first", pid);
  assertThrows(() => a.send({ name: "nobody", node: b.name }, "x".repeat(100)), BusyError);
  isHeld = false;
  for (const deliver of held.splice(0)) deliver();
  await reached(there, () => there.groups().length === 300 && there.members("first").length === 0);
  here.join("last", pid); // goes the usual way again
  await reached(there, () => there.members("last").length === 1);
}, {
  node: { maxQueue: 2 ** 20 },
  network: {
    window: 1_000,
    defer: (deliver) => {
      if (isHeld) held.push(deliver);
      else setImmediate(deliver);
    },
  },
});
