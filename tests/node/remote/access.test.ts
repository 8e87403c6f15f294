import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ALTACT, CONTROL } from "../../../lib/dist/control.ts";
import { AccessPolicy, type AccessRule } from "../../../lib/node/remote/access.ts";
import {
  atom,
  child,
  type Encodable,
  format,
  GenServer,
  type Node,
  on,
  Pid,
  type Ref,
  startNode,
  supervisor,
  t,
  tagged,
  type Term,
  tuple,
  withSelf,
} from "../../../mod.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { BOOM, forever, NOPROC } from "../_nodes.ts";
import { acted, keeper, turns, visitedTest } from "./_hand_made.ts";

const EMPTY = atom("");
const HELLO = atom("hello");

function withRules(
  ...access: AccessRule[]
): { readonly node: { readonly access: readonly AccessRule[] } } {
  return { node: { access } };
}

// The rules themselves

test("the first rule that is for a peer counts, and a peer that none is for may do nothing", () => {
  const policy = new AccessPolicy(new FakePlatform(), [
    { peers: "web*@localhost", names: ["pdf"], functions: ["demo:*"] },
    { peers: ["app@localhost", "db@*"] },
    { peers: "web1@localhost" },
  ]);
  const may = (peer: string): boolean[] => {
    const access = policy.of(peer);
    return [
      access.mayReach("pdf"),
      access.mayReach("other"),
      access.mayRun("demo", "sum"),
      access.mayRun("os", "cmd"),
      access.signals,
      access.maySpawn(),
    ];
  };
  assertEquals(may("web1@localhost"), [true, false, true, false, true, true]);
  assertEquals(may("app@localhost"), [true, true, true, true, true, true]);
  assertEquals(may("db@anywhere"), [true, true, true, true, true, true]);
  assertEquals(may("app@elsewhere"), [false, false, false, false, false, true]);
  assertEquals(policy.of("app@elsewhere").mayReach("net_kernel"), true);
  assertEquals(new AccessPolicy(new FakePlatform(), []).of("app@localhost").mayReach("pdf"), false);
  assertEquals(new AccessPolicy(new FakePlatform()).of("app@localhost").mayReach("pdf"), true);
});

test("the names by which nodes talk are open in any case, and so is erpc, which asks again", () => {
  const access = new AccessPolicy(new FakePlatform(), [{ names: [], functions: [] }]).of("a@b");
  const names = ["net_kernel", "rex", "global_name_server", "pg", "logger", "logger_proxy"];
  for (const name of [...names, "$ergo_delivered"]) assert(access.mayReach(name), name);
  assert(access.mayRun("erpc", "execute_call"));
  assertEquals([access.mayReach("user"), access.mayRun("rex", "x")], [false, false]);
});

test("refusals are counted, the first of each kind is logged at once and the others at the end of the minute", async () => {
  const platform = new FakePlatform();
  const policy = new AccessPolicy(platform, [{ names: ["pdf"], functions: [] }]);
  const access = policy.of("web@localhost");
  for (let i = 0; i < 1000; i++) access.mayReach(`secret_${i}`);
  access.mayRun("os", "cmd");
  policy.of("app@localhost").mayReach("secret");
  assertEquals(policy.refused, 1002);
  const told = platform.logs.map(({ message }) => message);
  assertEquals(told, [
    'web@localhost may not send to "secret_0"; see option access',
    'web@localhost may not call "os:cmd"; see option access',
    'app@localhost may not send to "secret"; see option access',
  ]);
  await platform.elapse(60_000);
  const more =
    'web@localhost may not send to "secret_999", the last of 999 more refusals of that kind within a minute; see option access';
  assertEquals(platform.logs.map(({ message }) => message), [...told, more]);
  access.mayReach("x".repeat(500) + "\n");
  access.mayReach("last");
  policy.close();
  assertEquals(platform.logs.slice(4).map(({ message }) => message), [
    `web@localhost may not send to "${"x".repeat(100)}"; see option access`,
    'web@localhost may not send to "last", the last of 1 more refusals of that kind within a minute; see option access',
  ]);
  assertEquals(platform.pendingTimers, 0);
});

test("peers that come under ever new names take no memory for good, those in use are kept", () => {
  const policy = new AccessPolicy(new FakePlatform(), [{ maxSpawned: 1 }]);
  const used = policy.of("used@localhost");
  const process = {};
  used.spawned(process);
  for (let i = 0; i < 5000; i++) policy.of(`n${i}@localhost`);
  assert(policy.of("used@localhost") === used);
  assertEquals(used.maySpawn(), false);
  used.ended(process);
  assertEquals(used.maySpawn(), true);
});

test("a rule that is none is refused when the node starts, with what is wrong", async () => {
  const wrong: readonly (readonly [rules: unknown, says: string])[] = [
    [[null], "a rule: an object is needed"],
    [[{ peer: "x" }], "a rule's peer: there is no such field, there are peers, functions"],
    [[{ peers: [], names: "pdf" }], "a rule's names: a list of patterns"],
    [[{ functions: [7] }], "a rule's functions: a list of patterns"],
    [[{ peers: "" }], "a rule's peers"],
    [[{ signals: 1 }], "a rule's signals: true or false"],
    [[{ maxSpawned: -1 }], "a rule's maxSpawned: a number"],
    [[{ maxWatched: 0.5 }], "a rule's maxWatched: a number"],
  ];
  for (const [access, says] of wrong) {
    assertThrows(
      () => new AccessPolicy(new FakePlatform(), access as AccessRule[]),
      TypeError,
      says,
    );
  }
  await assertRejects(
    () =>
      startNode("x@localhost", {
        network: false,
        signals: false,
        access: [{ peer: "x" } as AccessRule],
      }),
    TypeError,
    "Cannot use option access: a rule's peer",
  );
});

// On the wire

visitedTest(
  "a name that is closed to a peer does not exist for it",
  async ({ node, peer, logs }) => {
    const open = await keeper(node, { register: "open_1" });
    const closed = await keeper(node, { register: "closed" });
    for (const name of ["open_1", "closed", "nobody"]) {
      peer.send([CONTROL.REG_SEND, peer.pid(), EMPTY, atom(name)], HELLO);
      peer.send([CONTROL.ALTACT_SIG_SEND, ALTACT.NAME, peer.pid(), atom(name)], HELLO);
      peer.send([CONTROL.ALTACT_SIG_SEND, ALTACT.NAME | ALTACT.EXIT, peer.pid(), atom(name)], BOOM);
    }
    const ref = peer.ref();
    peer.send([CONTROL.MONITOR_P, peer.pid(), atom("closed"), ref]);
    const { payload } = await peer.signal(({ control }) => ref.equals(control[3]));
    assertEquals(payload, NOPROC);
    await turns();
    assertEquals([open.got.length, closed.got.length], [3, 0]);
    assertEquals(node.refusals, 4 + 3);
    assertEquals(logs.filter((line) => line.includes("may not")), [
      'handmade@localhost may not send to "closed"; see option access',
    ]);
  },
  withRules({ names: ["open*"] }),
);

/** All that may be done to a process whose pid is known. */
function bother(peer: HandMade, pid: Pid): void {
  const from = peer.pid();
  peer.send([CONTROL.SEND, EMPTY, pid], HELLO);
  peer.send([CONTROL.SEND_SENDER, from, pid], HELLO);
  peer.send([CONTROL.ALTACT_SIG_SEND, 0, from, pid], HELLO);
  peer.send([CONTROL.EXIT2, from, pid, BOOM]);
  peer.send([CONTROL.PAYLOAD_EXIT2, from, pid], BOOM);
  peer.send([CONTROL.ALTACT_SIG_SEND, ALTACT.EXIT, from, pid], BOOM);
  peer.send([CONTROL.GROUP_LEADER, from, pid]);
}

visitedTest(
  "a process whose name is closed to a peer cannot be reached by its pid",
  async ({ node, peer }) => {
    const closed = await keeper(node, { register: "closed" });
    bother(peer, closed.pid);
    const from = peer.pid();
    const ref = peer.ref();
    peer.send([CONTROL.LINK, from, closed.pid]);
    peer.send([CONTROL.MONITOR_P, from, closed.pid, ref]);
    const down = await peer.signal(({ control }) => ref.equals(control[3]));
    const exit = await peer.signal(({ control }) => control[0] === CONTROL.PAYLOAD_EXIT);
    assertEquals([down.payload, exit.payload], [NOPROC, NOPROC]);
    await turns();
    assertEquals(closed.got, []);
    assertEquals(node.refusals, 9);
    assertEquals(node._core.process(closed.pid)!.watcherCount, 0);
    // An alias is given away by the process itself, and a name that is taken back closes nothing.
    peer.send([CONTROL.ALIAS_SEND, from, closed.self.alias()], HELLO);
    await acted(peer);
    node.unregister("closed");
    peer.send([CONTROL.SEND, EMPTY, closed.pid], BOOM);
    await acted(peer);
    await turns();
    assertEquals(closed.got, [HELLO, BOOM]);
  },
  withRules({ names: ["open*"] }),
);

for (const way of ["a message", "a link", "a monitor", "an exit signal", "a call"]) {
  visitedTest(
    `a process that has sent ${way} to a peer may be answered by it, and by no other`,
    async ({ node, peer, connect }) => {
      const other = await connect({ name: "other@localhost" });
      const { pid, self, got } = await keeper(node, { register: "closed" });
      const there = peer.pid();
      if (way === "a message") self.send(there, HELLO);
      else if (way === "a link") self.link(there);
      else if (way === "a monitor") self.monitor(there, () => {});
      else if (way === "an exit signal") self.exit(there, atom("normal"));
      else self.call(there, HELLO).catch(() => {});
      await peer.signal(() => true);
      other.send([CONTROL.SEND, EMPTY, pid], BOOM);
      await acted(other);
      assertEquals(node.refusals, 1);
      bother(peer, pid);
      await acted(peer);
      await turns();
      assertEquals([node.refusals, got.length], [1, 6]);
    },
    withRules({ names: ["no such name"] }),
  );
}

visitedTest(
  "a group leader that our own requests name may print for them",
  async ({ node, peer }) => {
    const { pid, self, got } = await keeper(node, { register: "leader" });
    node.setGroupLeader(self.pid, pid);
    void node.spawnRemote(peer.name, "m", "f", [], { link: pid }).catch(() => {});
    await peer.signal(({ control }) => control[0] === CONTROL.SPAWN_REQUEST);
    peer.send([CONTROL.SEND, EMPTY, pid], HELLO);
    await acted(peer);
    await turns();
    assertEquals(got, [HELLO]);
  },
  withRules({ names: [] }),
);

/** Spawns with a monitor, and gives the reason of its end. */
async function endOf(
  peer: HandMade,
  mfa: readonly [string, string],
  args: Encodable,
): Promise<string> {
  const [id, from] = [peer.ref(), peer.pid()];
  const entry = tuple(atom(mfa[0]), atom(mfa[1]), 0) as never;
  peer.send([CONTROL.SPAWN_REQUEST, id, from, from, entry, [atom("monitor")]], args);
  const { control } = await peer.signal(({ control }) =>
    control[0] === CONTROL.SPAWN_REPLY && id.equals(control[1])
  );
  if (!(control[4] instanceof Pid)) return format(control[4] as Term);
  const { payload } = await peer.signal(({ control }) => id.equals(control[3]));
  return format(payload as Term);
}

function provideDemo(node: Node): void {
  node.provide("demo", { sum: (a, b) => (a as number) + (b as number), loop: withSelf(forever) });
  node.provide("ours", { secret: () => 7 }, { peers: ["app*@localhost", "db@localhost"] });
}

visitedTest(
  "what a peer may not run is for it as what does not exist, spawned or called by rpc",
  async ({ node, peer, connect }) => {
    provideDemo(node);
    const app = await connect({ name: "app1@localhost" });
    assertEquals(await endOf(peer, ["demo", "sum"], [1, 2]), "normal");
    assertEquals(await endOf(peer, ["demo", "loop"], []), "{undef,[{demo,loop,[],[]}]}");
    assertEquals(await endOf(peer, ["ours", "secret"], []), "{undef,[{ours,secret,[],[]}]}");
    assertEquals(await endOf(app, ["ours", "secret"], []), "normal");
    const rpc = (who: HandMade, m: string, f: string, args: Term) =>
      endOf(who, ["erpc", "execute_call"], [7, atom(m), atom(f), args]);
    assertEquals(await rpc(peer, "demo", "sum", [1, 2]), "{7,return,3}");
    assertEquals(await rpc(peer, "demo", "loop", []), "{7,error,undef,[{demo,loop,[],[]}]}");
    assertEquals(await rpc(peer, "ours", "secret", []), "{7,error,undef,[{ours,secret,[],[]}]}");
    assertEquals(await rpc(app, "ours", "secret", []), "{7,return,7}");
    assertEquals(await node.rpc(node.name, "ours", "secret"), 7, "the node itself may all");
  },
  withRules({ peers: "handmade@*", functions: ["demo:sum", "ours:*"] }, {}),
);

visitedTest(
  "rex runs for the node whose connection it is, whoever is said to ask",
  async ({ node, peer, connect }) => {
    provideDemo(node);
    const app = await connect({ name: "app1@localhost" });
    const group = app.pid();
    const call = tagged("call", atom("ours"), atom("secret"), [], group);
    const forged = tuple(atom("$gen_call"), tuple(app.pid(), app.ref()), call) as Term;
    peer.send([CONTROL.REG_SEND, app.pid(), EMPTY, atom("rex")], forged);
    const { payload } = await app.signal(({ control }) => control[0] === CONTROL.SEND_SENDER);
    assertEquals(format((payload as Term[])[1]), "{badrpc,{'EXIT',{undef,[{ours,secret,[],[]}]}}}");
    assertEquals(await app.call("rex", call), 7);
    assertEquals(
      format(await peer.call("rex", call)),
      "{badrpc,{'EXIT',{undef,[{ours,secret,[],[]}]}}}",
    );
  },
);

visitedTest(
  "signals of a peer reach only what was spawned for it, where they are closed",
  async ({ node, peer }) => {
    provideDemo(node);
    const { pid, got } = await keeper(node);
    const from = peer.pid();
    peer.send([CONTROL.EXIT2, from, pid, BOOM]);
    peer.send([CONTROL.PAYLOAD_EXIT2, from, pid], atom("kill"));
    peer.send([CONTROL.ALTACT_SIG_SEND, ALTACT.EXIT, from, pid], BOOM);
    peer.send([CONTROL.GROUP_LEADER, from, pid]);
    peer.send([CONTROL.LINK, from, pid]);
    const { control, payload } = await peer.signal(({ control }) =>
      control[0] === CONTROL.PAYLOAD_EXIT
    );
    assert(pid.equals(control[1]));
    assertEquals(payload, NOPROC);
    assertEquals(node.refusals, 5);
    peer.send([CONTROL.PAYLOAD_EXIT, from, pid], BOOM); // not linked
    await acted(peer);
    assert(node.isAlive(pid));
    assert(!from.equals(node._core.process(pid)!.groupLeader));
    await turns();
    assertEquals(got, []);

    const [id, leader] = [peer.ref(), peer.pid()];
    const loop = tuple(atom("demo"), atom("loop"), 0) as never;
    peer.send([CONTROL.SPAWN_REQUEST, id, from, leader, loop, [atom("link")]], []);
    const reply = await peer.signal(({ control }) => control[0] === CONTROL.SPAWN_REPLY);
    const spawned = reply.control[4] as Pid;
    peer.send([CONTROL.LINK, peer.pid(), spawned]);
    peer.send([CONTROL.EXIT2, from, spawned, BOOM]);
    await peer.signal(({ control }) => control[0] === CONTROL.PAYLOAD_EXIT);
    await peer.signal(({ control }) => control[0] === CONTROL.PAYLOAD_EXIT);
    assertEquals(node.refusals, 5);
  },
  withRules({ signals: false }),
);

visitedTest(
  "without signals messages that read as exit signals reach what was spawned for the peer only",
  async ({ node, peer, logs }) => {
    class Child extends GenServer {
      override readonly calls = { ping: () => "pong" };
    }
    const tree = supervisor({ children: [child(Child, [], { id: "a", register: "child" })] });
    const sup = await node.start(tree, [], { register: "sup" });
    const kept = await keeper(node, { register: "kept" });
    const [{ pid }] = await sup.whichChildren();
    const alias = kept.self.alias();
    const exit = (from: Pid): Term => tuple(atom("EXIT"), from, atom("kill")) as unknown as Term;
    // The parent of a server is said to have ended, and a child of a supervisor.
    for (const [to, from] of [["child", sup.pid], ["sup", pid], ["kept", node.pid]] as const) {
      peer.send([CONTROL.REG_SEND, peer.pid(), EMPTY, atom(to)], exit(from!));
      peer.send([CONTROL.SEND, EMPTY, node.whereis(to)!], exit(from!));
    }
    peer.send([CONTROL.ALIAS_SEND, peer.pid(), alias], exit(node.pid));
    peer.send([CONTROL.ALTACT_SIG_SEND, ALTACT.ALIAS, peer.pid(), alias], exit(node.pid));
    peer.send([CONTROL.REG_SEND, peer.pid(), EMPTY, atom("kept")], HELLO);
    await acted(peer);
    await turns();
    assertEquals(kept.got, [HELLO]);
    assertEquals(await node.call("child", atom("ping")), "pong");
    const [{ pid: now }] = await sup.whichChildren();
    assertEquals(now, pid);
    assertEquals(node.refusals, 8);
    assertEquals(logs.length, 1);
  },
  withRules({ signals: false }),
);

visitedTest(
  "a peer's processes are limited, also where it comes again, and one that ends makes room",
  async ({ node, peer, connect, downOf }) => {
    provideDemo(node);
    const spawn = async (by: HandMade): Promise<Term> => {
      const [id, from] = [by.ref(), by.pid()];
      by.send([
        CONTROL.SPAWN_REQUEST,
        id,
        from,
        from,
        tuple(atom("demo"), atom("loop"), 0) as never,
        [],
      ], []);
      const { control } = await by.signal(({ control }) =>
        control[0] === CONTROL.SPAWN_REPLY && id.equals(control[1])
      );
      return control[4] as Term;
    };
    const first = await spawn(peer) as Pid;
    assert(await spawn(peer) instanceof Pid);
    assertEquals(await spawn(peer), atom("system_limit"));
    const other = await connect({ name: "other@localhost" });
    assert(await spawn(other) instanceof Pid);
    peer.close();
    await downOf(peer);
    const again = await connect();
    assertEquals(await spawn(again), atom("system_limit"));
    node.exit(first, atom("kill"));
    assert(await spawn(again) instanceof Pid);
    assertEquals(node.refusals, 2);
  },
  withRules({ maxSpawned: 2 }),
);

visitedTest(
  "a peer that no rule is for may be connected, and nothing more",
  async ({ node, peer }) => {
    provideDemo(node);
    const { pid, got } = await keeper(node, { register: "kept" });
    peer.send([CONTROL.REG_SEND, peer.pid(), EMPTY, atom("kept")], HELLO);
    peer.send([CONTROL.EXIT2, peer.pid(), pid, atom("kill")]);
    assertEquals(await endOf(peer, ["demo", "sum"], [1, 2]), "{undef,[{demo,sum,[1,2],[]}]}");
    assertEquals(await peer.call("net_kernel", tagged("is_auth", HELLO)), atom("yes"));
    assert(node.isAlive(pid));
    assertEquals(got, []);
  },
  withRules({ peers: "app@localhost" }),
);

visitedTest("without rules everything is as in Erlang", async ({ node, peer }) => {
  const { pid, got } = await keeper(node, { register: "kept" });
  peer.send([CONTROL.REG_SEND, peer.pid(), EMPTY, atom("kept")], HELLO);
  peer.send([CONTROL.LINK, peer.pid(), pid]);
  await acted(peer);
  await turns();
  assertEquals(got, [HELLO]);
  const ref: Ref = peer.ref();
  peer.send([CONTROL.MONITOR_P, peer.pid(), pid, ref]);
  peer.send([CONTROL.EXIT2, peer.pid(), pid, atom("kill")]);
  const { payload } = await peer.signal(({ control }) => ref.equals(control[3]));
  assertEquals(payload, atom("killed"));
  assertEquals(node.refusals, 0);
});

class Echo extends GenServer {
  override readonly calls = { echo: on(t.term, (term) => term) };
}

visitedTest(
  "what comes to rex by way of others, or of itself, is still the peer's",
  async ({ node, peer }) => {
    const ran: Term[] = [];
    node.provide("secret", {
      open: (by: Term) => {
        ran.push(by);
        return by;
      },
    });
    await node.start(Echo, [], { register: "echo" });
    const rex = node.whereis("rex")!;
    const own = (): Pid => peer.pid();
    const request = (kind: string, by: string): Encodable =>
      tuple(atom(kind), atom("secret"), atom("open"), [by], peer.pid());
    const send = (name: string, message: unknown): void =>
      peer.send([CONTROL.REG_SEND, peer.pid(), EMPTY, atom(name)], message as Term);
    const cast = tagged("$gen_cast", request("cast", "cast"));
    // Requests that rex makes of replies of another server, which are told to go to rex.
    const echoed: [tag: Encodable, request: Encodable][] = [
      [peer.pid(), request("call", "reply")],
      [atom("$gen_cast"), request("cast", "reply")],
    ];
    for (const [tag, value] of echoed) {
      send("echo", tagged("$gen_call", tuple(rex, tag), tagged("echo", value)));
    }
    // And those that it hands on to itself.
    send("rex", tuple(own(), tagged("send", atom("rex"), request("call", "send"))));
    send("rex", tuple(own(), tagged("sbcast", atom("rex"), cast)));
    send(
      "rex",
      tuple(own(), tagged("sbcast", atom("rex"), tuple(own(), request("call", "sbcast")))),
    );
    // An alias of rex, should it ever have one.
    const { _core: core } = node;
    const alias = core.makeRef();
    core.addReplyTo(alias, core.process(rex)!);
    peer.send([CONTROL.ALIAS_SEND, own(), alias], cast as Term);
    await acted(peer);
    await turns();
    assertEquals(await peer.call("echo", tagged("echo", 1)), 1);
    core.removeReplyTo(alias);
    assertEquals(ran, []);
  },
  withRules({ functions: [], names: ["echo"] }),
);

testNothingIsLeft();
