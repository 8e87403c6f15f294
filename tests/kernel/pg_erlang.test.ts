/** Scopes of process groups that Erlang's pg and ours share. */
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  float,
  format,
  type Node,
  Pid,
  ProcessGroups,
  type ProcessGroupsRef,
  startNode,
  t,
  tagged,
  tuple,
} from "../../mod.ts";
import { type ErlangNode, poll, startEpmd, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";
import { end, idle, reached, sorted } from "./_groups.ts";

const skip = needs("erl", "epmd");
const opened = openNow();
const GROUP = atom("group");
const OURS = "ours@localhost";
const MEMBERS = fileURLToPath(new URL("./pg_members.erl", import.meta.url));

/** Our node and two of Erlang's. */
interface Nodes extends AsyncDisposable {
  readonly node: Node;
  readonly erls: ErlangNode[];
  readonly epmdPort: number;
  /** Whether theirs know of each other's members: hidden nodes do not, in OTP. */
  readonly acquainted: boolean;
}

interface Kind {
  readonly title: string;
  readonly hidden: boolean;
  readonly published: boolean;
}

const KINDS: readonly Kind[] = [
  { title: "visible Erlang, ours hidden", hidden: false, published: false },
  { title: "hidden Erlang, ours hidden", hidden: true, published: false },
  { title: "visible Erlang, ours published", hidden: false, published: true },
];

async function startNodes({ hidden, published }: Kind): Promise<Nodes> {
  const epmd = await startEpmd();
  const epmdPort = epmd.port;
  const node = await startNode(OURS, { cookie: COOKIE, epmd: { port: epmdPort }, published });
  const erls: ErlangNode[] = [];
  for (const name of ["one@localhost", "two@localhost"]) {
    erls.push(await startOne({ name, epmdPort, hidden }));
    await node.connect(name);
  }
  assertEquals(await erls[0].eval("net_kernel:connect_node(two@localhost)"), "true");
  return {
    node,
    erls,
    epmdPort,
    acquainted: !hidden,
    async [Symbol.asyncDispose]() {
      await node.stop();
      for (const erl of erls) await erl.kill();
      await epmd.kill();
    },
  };
}

async function startOne(
  options: { readonly name: string; readonly epmdPort: number; readonly hidden: boolean },
): Promise<ErlangNode> {
  const erl = await startErlang({ ...options, cookie: COOKIE });
  await erl.eval(`begin
    {ok, Module, Code} = compile:file(${JSON.stringify(MEMBERS)}, [binary, return_errors]),
    code:load_binary(Module, "pg_members", Code)
  end`);
  return erl;
}

/** A scope for one test. */
interface Scope {
  readonly name: string;
  readonly ours: ProcessGroupsRef;
}

let scopes = 0;

async function startScope(
  { node, erls }: Nodes,
  first: "ours" | "theirs" = "theirs",
): Promise<Scope> {
  const name = `scope_${++scopes}`;
  const startTheirs = async (): Promise<void> => {
    for (const erl of erls) await erl.eval(`pg_members:start(${name})`);
  };
  if (first === "theirs") await startTheirs();
  const ours = await node.start(ProcessGroups, [], { register: name });
  if (first === "ours") await startTheirs();
  return { name, ours };
}

/** A process of theirs that has joined so many times, and ends when it gets a message. */
async function joinThere(
  node: Node,
  erl: ErlangNode,
  scope: string,
  group: Encodable = GROUP,
  times = 1,
): Promise<Pid> {
  const pid = await node.rpc(erl.name, "pg_members", "join", [atom(scope), group, times]);
  assert(pid instanceof Pid);
  return pid;
}

/** Waits until a node of theirs knows so many members of a group, and gives them. */
async function membersThere(
  node: Node,
  erl: ErlangNode,
  scope: string,
  count: number,
  group: Encodable = GROUP,
): Promise<string[]> {
  for (;;) {
    const found = await node.rpc(erl.name, "pg_members", "members", [atom(scope), group]) as Pid[];
    if (found.length === count) return sorted(found);
    await node.sleep(10);
  }
}

/** Waits until each of theirs knows our members, and those of the others as far as they are acquainted. */
async function allThere(
  { node, erls, acquainted }: Nodes,
  scope: string,
  mine: readonly Pid[],
  theirs: readonly Pid[],
  group: Encodable = GROUP,
): Promise<void> {
  for (const erl of erls) {
    const all = [...mine, ...theirs.filter((pid) => acquainted || pid.node === erl.name)];
    assertEquals(await membersThere(node, erl, scope, all.length, group), sorted(all));
  }
}

/** Members of every node, joined at both ends, are known at both ends. */
async function exchange(nodes: Nodes, { name, ours }: Scope): Promise<void> {
  const { node, erls } = nodes;
  const mine = idle(node);
  ours.join(GROUP, mine);
  const theirs: Pid[] = [];
  for (const erl of erls) theirs.push(await joinThere(node, erl, name));
  await reached(ours, () => ours.members(GROUP).length === 3);
  assertEquals(sorted(ours.members(GROUP)), sorted([mine, ...theirs]));
  await allThere(nodes, name, [mine], theirs);
  end(node, mine, ...theirs);
  await reached(ours, () => ours.groups().length === 0);
  for (const erl of erls) await membersThere(node, erl, name, 0);
}

/** Nothing of theirs has crashed, nor met what it does not understand. */
function assertQuiet(erls: readonly ErlangNode[]): void {
  for (const erl of erls) assertEquals(erl.output(), "", erl.name);
}

let running: { readonly kind: Kind; readonly nodes: Nodes } | null = null;

async function nodesOf(kind: Kind): Promise<Nodes> {
  if (running?.kind !== kind) {
    await running?.nodes[Symbol.asyncDispose]();
    running = null;
    running = { kind, nodes: await startNodes(kind) };
  }
  return running!.nodes;
}

after(async () => {
  await running?.nodes[Symbol.asyncDispose]();
  running = null;
});

for (const kind of KINDS) {
  const check = (title: string, fn: (nodes: Nodes) => Promise<void>): void => {
    test(`${kind.title}: ${title}`, { skip }, async () => {
      const nodes = await nodesOf(kind);
      await fn(nodes);
      assertQuiet(nodes.erls);
    });
  };

  check("their scopes start first", async (nodes) => {
    await exchange(nodes, await startScope(nodes, "theirs"));
  });

  check("our scope starts first", async (nodes) => {
    await exchange(nodes, await startScope(nodes, "ours"));
  });

  check("members that were there before", async (nodes) => {
    const { node, erls } = nodes;
    const name = `scope_${++scopes}`;
    const ours = await node.start(ProcessGroups, [], { register: name });
    const mine = [idle(node), idle(node)];
    ours.join(GROUP, mine);
    ours.join(GROUP, mine[0]);
    ours.join("elsewhere", mine[1]);
    const theirs: Pid[] = [];
    for (const erl of erls) {
      await erl.eval(`pg_members:start(${name})`);
      const pid = await joinThere(node, erl, name, GROUP, 2);
      theirs.push(pid, pid);
    }
    await allThere(nodes, name, [...mine, mine[0]], theirs);
    await allThere(nodes, name, [mine[1]], [], "elsewhere");
    await reached(ours, () => ours.members(GROUP).length === 7);
  });

  check("who has joined twice leaves twice", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const mine = idle(node);
    ours.join(GROUP, [mine, mine]);
    ours.join(GROUP, mine);
    for (const erl of erls) await membersThere(node, erl, name, 3);
    ours.leave(GROUP, mine);
    for (const erl of erls) await membersThere(node, erl, name, 2);
    ours.leave(GROUP, [mine, mine]);
    for (const erl of erls) await membersThere(node, erl, name, 0);
    const theirs = await joinThere(node, erls[0], name, GROUP, 3);
    await reached(ours, () => ours.members(GROUP).length === 3);
    await node.rpc(erls[0].name, "pg_members", "leave", [atom(name), GROUP, theirs]);
    await reached(ours, () => ours.members(GROUP).length === 2);
    end(node, theirs);
    await reached(ours, () => ours.members(GROUP).length === 0);
    // All of it at once: the end of one that was in several groups, and several times.
    ours.join(GROUP, [mine, mine]);
    ours.join("other", [mine]);
    for (const erl of erls) await membersThere(node, erl, name, 1, "other");
    end(node, mine);
    for (const erl of erls) {
      await membersThere(node, erl, name, 0);
      await membersThere(node, erl, name, 0, "other");
    }
  });

  check("groups are any terms", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const groups: Encodable[] = [
      "text",
      1,
      float(1),
      2 ** 60,
      tuple("a", [1.5]),
      [],
      new Map([[1, 2]]),
    ];
    for (const group of groups) {
      const mine = idle(node);
      ours.join(group, mine);
      const theirs = await joinThere(node, erls[0], name, group);
      await reached(ours, () => ours.members(group).length === 2);
      assertEquals(sorted(ours.members(group)), sorted([mine, theirs]));
      await allThere(nodes, name, [mine], [theirs], group);
    }
    assertEquals(ours.groups().length, groups.length);
  });

  check("their scope is killed, and starts again", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const mine = idle(node);
    ours.join(GROUP, mine);
    await joinThere(node, erls[0], name);
    const stays = await joinThere(node, erls[1], name);
    await reached(ours, () => ours.members(GROUP).length === 3);
    for (let i = 0; i < 3; i++) {
      await erls[0].eval(`exit(whereis(${name}), kill)`);
      await reached(ours, () => ours.members(GROUP).length === 2);
      await poll(async () => await erls[0].eval(`whereis(${name})`) === "undefined");
      await erls[0].eval(`pg_members:start(${name})`);
      const joins = await joinThere(node, erls[0], name);
      await reached(ours, () => ours.members(GROUP).length === 3);
      await allThere(nodes, name, [mine], [joins, stays]);
    }
  });

  check("our scope ends, and starts again", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const mine = idle(node);
    ours.join(GROUP, mine);
    const theirs = await joinThere(node, erls[0], name);
    await allThere(nodes, name, [mine], [theirs]);
    await ours.stop();
    await allThere(nodes, name, [], [theirs]);
    const again = await node.start(ProcessGroups, [], { register: name });
    again.join(GROUP, mine);
    await allThere(nodes, name, [mine], [theirs]);
    await reached(again, () => again.members(GROUP).length === 2);
  });

  check("a thousand groups each way", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const mine = idle(node);
    for (let i = 0; i < 1000; i++) ours.join(tuple("ours", i), mine);
    const count = (erl: ErlangNode, groups: number): Promise<void> =>
      poll(async () => await erl.eval(`length(pg:which_groups(${name}))`) === String(groups));
    for (const erl of erls) await count(erl, 1000);
    await erls[0].eval(
      `spawn(fun() -> register(crowd, self()), [pg:join(${name}, {theirs, I}, self()) || I <- lists:seq(1, 1000)], receive stop -> ok end end)`,
    );
    await reached(ours, () => ours.groups().length === 2000);
    assertEquals(ours.localGroups().length, 1000);
    end(node, mine);
    for (const erl of erls) await count(erl, nodes.acquainted || erl === erls[0] ? 1000 : 0);
    await erls[0].eval("crowd ! stop");
    await reached(ours, () => ours.groups().length === 0);
  });

  check("Phoenix.PubSub's messages, both ways", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const adapter = atom(`Elixir.My.PubSub${scopes}.Adapter`);
    const received: string[] = [];
    const Forward = t.tagged("forward_to_local", t.text, t.term, t.term);
    const mine = node.spawn(async (self) => {
      for (;;) {
        const [, topic, message] = await self.receive(Forward);
        received.push(`${topic} ${format(message)}`);
      }
    }, { register: adapter.name });
    ours.join(adapter, mine);
    // As Phoenix.PubSub.PG2: broadcasts to the group's members on other nodes, and directly to the name on one.
    for (const erl of erls) {
      await node.rpc(erl.name, "pg_members", "adapter", [atom(name), adapter]);
    }
    for (const erl of erls) await membersThere(node, erl, name, nodes.acquainted ? 3 : 2, adapter);
    await reached(ours, () => ours.members(adapter).length === 3);
    const dispatcher = atom("Elixir.Phoenix.PubSub");
    for (const pid of ours.members(adapter)) {
      if (pid.node !== node.name) {
        node.send(pid, tagged("forward_to_local", "room:1", tagged("said", "Zoë"), dispatcher));
      }
    }
    for (const erl of erls) {
      await poll(async () =>
        format(await node.rpc(erl.name, "pg_members", "forwarded", [adapter])) ===
          '[{<<"room:1">>,{said,<<"Zoë"/utf8>>}}]'
      );
    }
    for (const [i, erl] of erls.entries()) {
      await node.rpc(erl.name, "pg_members", "broadcast", [atom(name), adapter, "room:2", i]);
      await node.rpc(erl.name, "pg_members", "direct", [adapter, atom(OURS), "room:3", i]);
    }
    await poll(() => received.length === 4);
    assertEquals(received.toSorted(), ["room:2 0", "room:2 1", "room:3 0", "room:3 1"]);
    node.exit(mine, atom("kill"));
  });

  check("what Erlang's monitors of groups are told of ours", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const mine = [idle(node), idle(node)];
    ours.join(GROUP, mine[0]);
    await membersThere(node, erls[0], name, 1);
    const [ofGroup, now] = await node.rpc(erls[0].name, "pg_members", "watch", [
      atom(name),
      GROUP,
    ]) as [Pid, Pid[]];
    assertEquals(sorted(now), sorted([mine[0]]));
    const [ofScope] = await node.rpc(erls[0].name, "pg_members", "watch", [
      atom(name),
      atom("scope"),
    ]) as [Pid];
    ours.join(GROUP, mine);
    ours.join(atom("other"), mine[1]);
    ours.leave(GROUP, mine[0]);
    end(node, mine[1]);
    const told = async (pid: Pid): Promise<string> =>
      format(await node.rpc(erls[0].name, "pg_members", "watched", [pid]));
    const expected = "[{join,group,2},{leave,group,1},{leave,group,1}]";
    await poll(async () => await told(ofGroup) === expected);
    await poll(async () =>
      await told(ofScope) ===
        "[{join,group,2},{join,other,1},{leave,group,1},{leave,group,1},{leave,other,1}]"
    );
  });

  check("a connection that is cut again and again while all are busy", async (nodes) => {
    const { node, erls } = nodes;
    const { name, ours } = await startScope(nodes);
    const mine = idle(node);
    for (let i = 0; i < 30; i++) {
      const pids = Array.from({ length: 10 }, () => idle(node));
      for (const pid of pids) ours.join(i % 3, [pid, mine]);
      const joining = joinThere(node, erls[i % 2], name).catch(() => {});
      end(node, ...pids);
      if (i % 2 === 0) ours.leave(i % 3, mine);
      node.disconnect(erls[i % 2].name);
      await joining;
      await node.connect(erls[i % 2].name);
    }
    end(node, mine);
    await reached(ours, () => ours.localGroups().length === 0);
    for (const group of [0, 1, 2]) await allThere(nodes, name, [], [], group);
    await exchangeBeside(nodes, { name, ours });
  });

  check("their node is killed, and comes back", async (nodes) => {
    const { node, erls, epmdPort } = nodes;
    const { name, ours } = await startScope(nodes);
    await joinThere(node, erls[1], name);
    await reached(ours, () => ours.members(GROUP).length === 1);
    await erls[1].kill();
    await reached(ours, () => ours.members(GROUP).length === 0);
    erls[1] = await startOne({ name: "two@localhost", epmdPort, hidden: kind.hidden });
    await erls[1].eval(`pg_members:start(${name})`);
    await poll(async () => await erls[1].eval("net_kernel:connect_node(one@localhost)") === "true");
    await node.connect("two@localhost");
    await exchange(nodes, { name, ours });
  });
}

/** As `exchange`, where there are members already. */
async function exchangeBeside(nodes: Nodes, { name, ours }: Scope): Promise<void> {
  const { node, erls } = nodes;
  const group = "beside";
  const mine = idle(node);
  ours.join(group, mine);
  const theirs: Pid[] = [];
  for (const erl of erls) theirs.push(await joinThere(node, erl, name, group));
  await reached(ours, () => ours.members(group).length === 3);
  await allThere(nodes, name, [mine], theirs, group);
}

test("nothing is left open", async () => {
  await running?.nodes[Symbol.asyncDispose]();
  running = null;
  await assertNothingLeft(opened);
});
