/**
 * PubSub among our nodes, and with Phoenix.PubSub. Phoenix cannot be installed everywhere these tests run: its side is
 * phoenix_peer.erl, a peer written from the protocol, which keeps to the same groups and messages.
 */
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  child,
  EncodeError,
  ExitError,
  format,
  type LogEvent,
  NameError,
  type Node,
  phash2,
  type Pid,
  ProcessExitedError,
  ProcessGroups,
  PubSub,
  type PubSubRef,
  SchemaError,
  startNode,
  supervisor,
  t,
  tagged,
  type Term,
  topic,
  tuple,
} from "../../mod.ts";
import { type ErlangNode, poll, startEpmd, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import type Guest from "../workers/_guest.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl", "epmd");
const PEER = fileURLToPath(new URL("./phoenix_peer.erl", import.meta.url));
const alone = { cookie: COOKIE, epmd: false, listen: false, terms: { binaries: "text" } } as const;
const said = topic("room:1", t.tagged("said", t.text, t.integer));

/** A process that keeps what it gets, and ends at the atom `end`. */
function collector(node: Node, got: Term[]): Pid {
  return node.spawn(async (self) => {
    for await (const message of self) {
      if (message === atom("end")) return;
      got.push(message);
    }
  });
}

/** Waits until all that was sent to the processes of a node has been handled. */
async function settled(node: Node): Promise<void> {
  await node.sleep(0); // callbacks' promises
  await poll(() => node.processes().every((pid) => node.info(pid)?.status === "idle"));
}

test("subscribers of a topic get its messages as they were broadcast", async () => {
  await using node = await startNode("demo@localhost", alone);
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const [one, two, three]: Term[][] = [[], [], []];
  const first = collector(node, one);
  pubSub.subscribe(first, "a");
  pubSub.subscribe(collector(node, two), "a");
  pubSub.subscribe(collector(node, three), "b");
  pubSub.broadcast("a", tagged("hello", 1));
  pubSub.broadcast("b", "text");
  pubSub.localBroadcast("a", 2);
  pubSub.localBroadcast("a", 3, { except: first });
  pubSub.broadcast("nobody", 4);
  await settled(node);
  assertEquals(one.map((term) => format(term)), ["{hello,1}", "2"]);
  assertEquals(two.map((term) => format(term)), ["{hello,1}", "2", "3"]);
  assertEquals(three, ["text"]);
});

test("what is no term reaches all subscribers but those on workers, and is told", async () => {
  await using node = await startNode("demo@localhost", { ...alone, workers: 1 });
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const placed = await node.start<Guest>(new URL("../workers/_guest.ts", import.meta.url), []);
  const [first, last]: unknown[][] = [[], []];
  const plain = { plain: 1 };
  pubSub.subscribe(collector(node, first as Term[]), "a");
  pubSub.subscribe(placed.pid, "a");
  pubSub.subscribe(collector(node, last as Term[]), "a");
  const heard: unknown[] = [];
  using _listener = pubSub.on("a", (message) => void heard.push(message));
  assertThrows(() => pubSub.localBroadcast("a", plain as never), EncodeError, "plain object");
  await settled(node);
  assertEquals([first, last, heard], [[plain], [plain], [plain]]);
  assertEquals(await placed.call("told"), []);
});

test("who has subscribed twice gets each message twice, and unsubscribes at once", async () => {
  await using node = await startNode("demo@localhost", alone);
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const got: Term[] = [];
  const pid = collector(node, got);
  const once = pubSub.subscribe(pid, "a");
  pubSub.subscribe(pid, "a");
  assertEquals(pubSub.subscribers("a"), 2);
  pubSub.broadcast("a", 1);
  once[Symbol.dispose]();
  once[Symbol.dispose]();
  pubSub.broadcast("a", 2);
  pubSub.subscribe(pid, "a");
  assertEquals(pubSub.unsubscribe(pid, "a"), true);
  assertEquals(pubSub.unsubscribe(pid, "a"), false);
  pubSub.broadcast("a", 3);
  await settled(node);
  assertEquals(got, [1, 1, 2]);
  assertEquals(pubSub.subscribers("a"), 0);
});

test("the end of a process ends its subscriptions", async () => {
  await using node = await startNode("demo@localhost", alone);
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const pid = collector(node, []);
  for (const name of ["a", "a", "b"]) pubSub.subscribe(pid, name);
  node.send(pid, atom("end"));
  await poll(() => pubSub.subscribers("a") + pubSub.subscribers("b") === 0);
  // One that has ended already.
  pubSub.subscribe(pid, "a");
  await poll(() => pubSub.subscribers("a") === 0);
});

test("broadcastFrom spares the process, and keeps the order with what it sends", async () => {
  await using node = await startNode("demo@localhost", alone);
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const got: Term[] = [];
  const other = collector(node, got);
  pubSub.subscribe(other, "a");
  const { promise, resolve } = Promise.withResolvers<Term>();
  node.spawn(async (self) => {
    pubSub.subscribe(self, "a");
    node.send(self.pid, "own");
    for (let i = 0; i < 5; i++) {
      pubSub.broadcastFrom(self, "a", i);
      self.send(other, tuple("sent", i));
    }
    resolve(await self.receive());
  });
  assertEquals(await promise, "own");
  await settled(node);
  assertEquals(
    got.map((term) => format(term)),
    [0, 1, 2, 3, 4].flatMap((i) => [`${i}`, `{<<"sent">>,${i}}`]),
  );
});

test("typed topics are checked and converted, on both sides", async () => {
  await using node = await startNode("demo@localhost", { ...alone, terms: {} });
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const heard: unknown[] = [];
  using _listening = pubSub.on(said, ([, who, count]) => heard.push([who, count]));
  const items = pubSub.messages(said);
  pubSub.broadcast(said, tagged("said", "Zoë", 1));
  assertThrows(() => pubSub.broadcast(said, tagged("said", "Zoë", 1.5) as never), SchemaError);
  pubSub.broadcast("room:1", atom("other"));
  pubSub.localBroadcast(said, tagged("said", "Zoë", 2));
  pubSub.directBroadcast(node.name, said, tagged("said", "Zoë", 3));
  assertEquals((await items.next()).value.message.slice(1), ["Zoë", 1]);
  const { value } = await items.next();
  assert(value.type === "invalid" && value.error instanceof SchemaError);
  assertEquals((await items.next()).value.message.slice(1), ["Zoë", 2]);
  assertEquals((await items.next()).value.message.slice(1), ["Zoë", 3]);
  assertEquals(heard, [["Zoë", 1], ["Zoë", 2], ["Zoë", 3]]);
  await items.return!();
});

test("a callback that throws is logged, and the others are called", async () => {
  const logged: string[] = [];
  const log = { sinks: { test: (event: LogEvent) => void logged.push(event.message) } };
  await using node = await startNode("demo@localhost", { ...alone, log });
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const heard: Term[] = [];
  pubSub.on("a", () => {
    throw new Error("first");
  });
  pubSub.on("a", () => Promise.reject(new Error("second")));
  const last = pubSub.on("a", (message) => heard.push(message));
  pubSub.broadcast("a", 1);
  last[Symbol.dispose]();
  pubSub.broadcast("a", 2);
  await settled(node);
  assertEquals(heard, [1]);
  assertEquals(logged.map((line) => /first|second/.exec(line)?.[0]), [
    ...["first", "first"],
    ...["second", "second"],
  ]);
});

test("a loop that reads too slowly is told what it has missed", async () => {
  await using node = await startNode("demo@localhost", alone);
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const items = pubSub.messages("a", { maxQueue: 3 });
  for (let i = 0; i < 10; i++) pubSub.broadcast("a", i);
  const read: unknown[] = [];
  for await (const item of items) {
    read.push(item.type === "message" ? item.message : item);
    if (read.length === 4) break;
  }
  assertEquals(read, [{ type: "dropped", count: 7 }, 7, 8, 9]);
  assertEquals(pubSub.subscribers("a"), 0);
  assertThrows(() => pubSub.messages("a", { maxQueue: 0 }), RangeError, "maxQueue 0");
});

test("a loop ends with its signal and with the PubSub; what has come is read before", async () => {
  await using node = await startNode("demo@localhost", alone);
  const pubSub = await node.start(PubSub, ["My.PubSub"]);
  const abort = new AbortController();
  const aborted = pubSub.messages("a", { signal: abort.signal });
  const reading = aborted.next();
  abort.abort();
  assertEquals((await reading).done, true);
  assertEquals(pubSub.subscribers("a"), 0);
  assertEquals((await pubSub.messages("a", { signal: abort.signal }).next()).done, true);
  const ended = pubSub.messages("a");
  pubSub.broadcast("a", 1);
  await pubSub.stop();
  assertEquals(await ended.next(), { done: false, value: { type: "message", message: 1 } });
  assertEquals((await ended.next()).done, true);
  assertThrows(() => pubSub.broadcast("a", 1), ProcessExitedError);
  assertThrows(() => pubSub.subscribe(node.spawn(() => {}), "a"), ProcessExitedError);
});

test("what cannot be started or used is refused, with a word on what is needed", async () => {
  await using node = await startNode("demo@localhost", alone);
  const start = (...args: unknown[]): Promise<PubSubRef> => node.start(PubSub, args as [string]);
  await assertRejects(() => start(), ExitError);
  await assertRejects(() => start("A", { poolSize: 0 }), ExitError);
  await assertRejects(() => start("A", { poolSize: 2, broadcastPoolSize: 3 }), ExitError);
  await assertRejects(() => start("A", { pool: 2 }), ExitError);
  const pubSub = await start("A");
  await assertRejects(() => start("A"), ExitError); // its pool's names are taken
  assertThrows(() => pubSub.subscribe("a" as never, "a"), TypeError, "Cannot subscribe");
  assertThrows(() => pubSub.broadcast(1 as never, 1), TypeError, "Cannot use number as a topic");
  assertThrows(() => topic("a", {} as never), TypeError, "a schema of its messages is needed");
  const taken = node.spawn(async (self) => void await self.receive(), { register: "taken" });
  const error = await assertRejects(() => start("B", { scope: "taken" }), ExitError);
  assert(error.cause instanceof NameError, String(error.cause));
  node.send(taken, 1);
});

test("it ends with its scope, or one of its pool, and a supervisor starts it again", async () => {
  await using node = await startNode("demo@localhost", alone);
  const Tree = supervisor({
    intensity: 10,
    children: [child(PubSub, ["My.PubSub", { poolSize: 2 }])],
  });
  const tree = await node.start(Tree, []);
  for (const name of ["Elixir.My.PubSub.Adapter_2", "Elixir.Phoenix.PubSub"]) {
    const before = node.whereis(name)!;
    node.exit(before, atom("kill"));
    await poll(() => {
      const now = node.whereis(name);
      return now !== undefined && !now.equals(before) && node.whereis("Elixir.My.PubSub.Adapter");
    });
  }
  await tree.stop();
  assertEquals(node.whereis("Elixir.My.PubSub.Adapter"), undefined);
});

/** Nodes of ours and one that does what Phoenix does. */
async function withPhoenix(
  fn: (first: Node, second: Node, erl: ErlangNode) => Promise<void>,
): Promise<void> {
  await using epmd = await startEpmd();
  const options = {
    cookie: COOKIE,
    epmd: { port: epmd.port },
    terms: { binaries: "text" },
  } as const;
  await using erl = await startErlang({
    name: "app@localhost",
    cookie: COOKIE,
    epmdPort: epmd.port,
  });
  const file = JSON.stringify(PEER);
  await erl.eval(`begin
    {ok, Module, Code} = compile:file(${file}, [binary, return_errors]),
    code:load_binary(Module, "phoenix_peer", Code)
  end`);
  await using first = await startNode("first@localhost", options);
  await using second = await startNode("second@localhost", options);
  await first.connect("app@localhost");
  await second.connect("app@localhost");
  await second.connect("first@localhost");
  await fn(first, second, erl);
  assertEquals(erl.output(), "");
}

const ADAPTER = atom("Elixir.My.PubSub.Adapter");

test("with Phoenix's pool, both ways, in every group", { skip }, async () => {
  await withPhoenix(async (first, second, erl) => {
    const ask = (name: string, ...args: unknown[]): Promise<Term> =>
      first.rpc(erl.name, "phoenix_peer", name, args as Term[]);
    await ask("start", ADAPTER, 3);
    const here = await first.start(PubSub, ["My.PubSub", { poolSize: 3 }]);
    const there = await second.start(PubSub, ["My.PubSub", { poolSize: 3 }]);
    for (const group of [ADAPTER.name, `${ADAPTER.name}_2`, `${ADAPTER.name}_3`]) {
      await poll(async () => await ask("members", atom(group)) === 3);
    }
    const got: Term[] = [];
    here.subscribe(collector(first, got), "room:1");
    const loop = there.messages("room:1");
    const received = async (count: number): Promise<Term[][]> => {
      const all: Term[][] = [];
      await poll(async () => all.push(...await ask("received") as Term[][]) >= count);
      return all;
    };

    // From processes of ours: the group is that of the sender's pid, as on a node of Elixir.
    const sent = await Promise.all(Array.from({ length: 12 }, () =>
      new Promise<Pid>((resolve) => {
        first.spawn((self) => {
          here.broadcast("room:2", self.pid, { by: self });
          resolve(self.pid);
        });
      })));
    const forwarded = await received(12);
    const groups = new Map(forwarded.map(([group, , pid]) => [(pid as Pid).key, group]));
    for (const pid of sent) {
      const i = phash2(pid, 3);
      assertEquals(format(groups.get(pid.key)!), `'${ADAPTER.name}${i === 0 ? "" : `_${i + 1}`}'`);
    }
    assert(new Set(groups.values()).size > 1);
    assertEquals(
      new Set(forwarded.map(([, name, , dispatcher]) => `${name} ${format(dispatcher)}`)),
      new Set(["room:2 'Elixir.Phoenix.PubSub'"]),
    );

    // A dispatcher of another module, and one node alone.
    here.broadcast("room:2", 1, { dispatcher: "Elixir.Phoenix.Channel.Server" });
    here.directBroadcast(erl.name, "room:3", 2);
    const more = (await received(2)).map(([, ...rest]) => format(rest)).sort();
    assertEquals(more, [
      `[<<"room:2">>,1,'Elixir.Phoenix.Channel.Server']`,
      `[<<"room:3">>,2,'Elixir.Phoenix.PubSub']`,
    ]);

    // From theirs: to all of ours, in order; and to one alone.
    await Promise.all([1, 2, 3].map(() => ask("broadcast_many", ADAPTER, 3, "room:1", 200)));
    await poll(() => got.length === 600);
    const next = new Map<string, number>();
    for (const message of got.splice(0) as [Pid, number][]) {
      const expected = (next.get(message[0].key) ?? 0) + 1;
      assertEquals(message[1], expected);
      next.set(message[0].key, expected);
    }
    for (let i = 0; i < 600; i++) assertEquals((await loop.next()).value.type, "message");
    await ask("direct", ADAPTER, 3, atom("second@localhost"), "room:1", "direct");
    assertEquals((await loop.next()).value.message, "direct");
    await ask("broadcast", ADAPTER, 3, "room:1", tagged("user", 17, new Map([["a", 1.5]])));
    await poll(() => got.length === 1);
    assertEquals(format(got.pop()!), `{user,17,#{<<"a">> => 1.5}}`);
    await loop.next();

    // Between ours, of which each is one for the other as theirs is; then without theirs.
    there.broadcast("room:1", "from second");
    await poll(() => got.length === 1);
    assertEquals(got.pop(), "from second");
    assertEquals((await loop.next()).value.message, "from second");
    await received(1);
    await ask("stop", ADAPTER, 3);
    await poll(async () => await ask("members", ADAPTER) === 2);
    here.broadcast("room:1", "last");
    assertEquals((await loop.next()).value.message, "last");
    assertEquals((await ask("received") as Term[]).length, 0);
    await here.stop();
    await there.stop();
    await poll(async () => await ask("members", ADAPTER) === 0);
    await loop.return!();
  });
});

test("a scope that is there already is used, and several share one", { skip }, async () => {
  await withPhoenix(async (first, _second, erl) => {
    const scope = await first.start(ProcessGroups, [], { register: "Elixir.Phoenix.PubSub" });
    const [a, b] = await Promise.all(
      ["A", "Elixir.B"].map((name) =>
        first.start(PubSub, [name, { broadcastPoolSize: 1, poolSize: 2 }])
      ),
    );
    const groups = ["A.Adapter", "A.Adapter_2", "B.Adapter", "B.Adapter_2"].map((name) =>
      `'Elixir.${name}'`
    );
    assertEquals(scope.groups().map((group) => format(group)).sort(), groups);
    await first.rpc(erl.name, "phoenix_peer", "start", [atom("Elixir.A.Adapter"), 2]);
    await poll(() => scope.members(atom("Elixir.A.Adapter_2")).length === 2);
    for (let i = 0; i < 8; i++) first.spawn((self) => a.broadcast("x", i, { by: self }));
    const forwarded: Term[][] = [];
    await poll(async () =>
      forwarded.push(...await first.rpc(erl.name, "phoenix_peer", "received", []) as Term[][]) >= 8
    );
    assertEquals(
      new Set(forwarded.map(([group]) => format(group))),
      new Set(["'Elixir.A.Adapter'"]),
    );
    await b.stop();
    assertEquals(scope.localGroups().map((group) => format(group)).sort(), groups.slice(0, 2));
  });
});

testNothingIsLeft();
