import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  Binary,
  type Encodable,
  EncodeError,
  ExitError,
  float,
  format,
  GenServer,
  IgnoredError,
  type LogEvent,
  NameError,
  type Node,
  NodeDownError,
  NoProcessError,
  type Pid,
  type PlacedRefOf,
  startNode,
  type StartOptions,
  sys,
  type Term,
  tuple,
} from "../../mod.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { slowClock } from "../_support/clocks.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { inbox } from "../node/_cluster.ts";
import type Guest from "./_guest.ts";

const GUEST = new URL("./_guest.ts", import.meta.url);
const ODD = new URL("./_odd.ts", import.meta.url);
const OK = atom("ok");
const BOOM = atom("boom");

/** One node for all tests of this file: a thread takes its time to start. */
let started: Promise<Node> | null = null;
const logs: LogEvent[] = [];

async function startTheNode(): Promise<Node> {
  return await startNode("placed@localhost", {
    network: false,
    platform: slowClock(await defaultPlatform()),
    workers: 2,
    env: { color: atom("red"), secret: () => {} },
    log: { level: "debug", sinks: { list: (event) => void logs.push(event) } },
  });
}

function theNode(): Promise<Node> {
  return started ??= startTheNode();
}

function placed(title: string, body: (node: Node) => Promise<unknown>): void {
  test(title, async () => {
    const node = await theNode();
    const before = node.processes().length;
    await body(node);
    for (const pid of node.processes().slice(before)) node.exit(pid, atom("kill"));
  });
}

function guest(
  node: Node,
  options?: StartOptions,
  trap = false,
): Promise<PlacedRefOf<Guest>> {
  return node.start<Guest>(GUEST, [trap], options);
}

placed(
  "a process on a worker is called, cast and sent to, and has a pid of the node",
  async (node) => {
    const a = await guest(node);
    assertEquals(a.pid.node, node.name);
    assert(node.isAlive(a.pid));
    assert(node.processes().some((pid) => pid.equals(a.pid)));
    assertEquals(await a.call("me"), a.pid);
    assertEquals(await a.call("late", 7), 7);
    a.send("hello");
    node.send(a.pid, tuple(OK, 1));
    assertEquals((await a.call("told")).map(String), ["hello", "ok,1"]);
    const box = await inbox(node);
    a.cast("forward", box.pid, tuple(OK, "text"));
    const message = await box.next() as Term[];
    assertInstanceOf(message[1], Binary);
    assertEquals(node.info(a.pid)!.class, "Guest");
  },
);

placed("terms cross as they are, large binaries too", async (node) => {
  const a = await guest(node);
  const terms: Encodable[] = [
    ...[0, -1, 2 ** 40, 2n ** 70n, 1.5, true, null, OK, [1, [2]], tuple(1, OK)],
    ...[node.pid, node._core.makeRef(), []],
  ];
  const map = await a.call("echo", new Map([[OK, 1]]));
  assertEquals(format(map), "#{ok => 1}");
  for (const term of terms) assertEquals(await a.call("echo", term), term as never);
  const bytes = new Uint8Array(3_000_000).map((_, i) => i * 7);
  assertEquals(new Uint8Array(await a.call("echo", bytes) as Binary), bytes);
  assertEquals(bytes.length, 3_000_000);
  assertEquals(await a.call("echo", float(1)), 1);
});

placed("what is no term is the sender's error, and the process lives on", async (node) => {
  const a = await guest(node);
  assertThrows(() => a.send((() => {}) as never), EncodeError);
  await assertRejects(() => a.call("echo", { plain: 1 } as never), EncodeError);
  await assertRejects(() => node.start<Guest>(GUEST, [() => {}] as never), EncodeError);
  assertEquals(await a.call("echo", 1), 1);
});

placed(
  "messages of each pair keep their order, both ways and between two workers",
  async (node) => {
    const [a, b] = [await guest(node), await guest(node)];
    const box = await inbox(node);
    a.cast("count_to", box.pid, 2_000);
    for (let i = 0; i < 2_000; i++) assertEquals(await box.next(), i);
    for (let i = 0; i < 2_000; i++) a.send(i);
    assertEquals(await a.call("told"), Array.from({ length: 2_000 }, (_, i) => i));
    a.cast("count_to", b.pid, 2_000);
    await a.call("me"); // what it has sent before is on its way before this reply
    assertEquals(await b.call("told"), Array.from({ length: 2_000 }, (_, i) => i));
  },
);

placed("processes of two workers call each other", async (node) => {
  const [a, b] = [await guest(node), await guest(node)];
  const echo = tuple(atom("echo"), tuple(OK, 1.5));
  assertEquals(await a.call("call", b.pid, echo), tuple(OK, 1.5) as never);
  const c = await guest(node);
  const [there, back] = await Promise.all([
    a.call("call", b.pid, tuple(atom("call"), c.pid, atom("me"))),
    c.call("try", c.pid, atom("me")),
  ]);
  assertEquals(there, c.pid);
  assert(String(back).includes("calls itself"));
});

placed("names: given at the start, taken over there, asked for, taken back", async (node) => {
  const a = await guest(node, { register: "first" });
  assertEquals(node.whereis("first"), a.pid);
  assertEquals(String(await a.call("name")), "first");
  assertEquals(await a.call("whereis", "first"), a.pid);
  assertEquals(await a.call("whereis", "nobody"), null);
  assertEquals(await node.call("first", atom("me")), a.pid);
  assert(
    (await assertRejects(() => guest(node, { register: "first" }), NameError)).pid?.equals(a.pid),
  );

  const b = await guest(node);
  assertEquals(((await b.call("register", "first")) as Term[])[0], atom("NameError"));
  assertEquals(await b.call("register", "second"), OK as never);
  assertEquals(node.whereis("second"), b.pid);
  assertEquals(await a.call("call", atom("second"), atom("me")), b.pid as never);
  assertEquals(await b.call("unregister", "second"), true);
  assertEquals(node.whereis("second"), undefined);
  node.register("third", b.pid);
  assertEquals(String(await b.call("name")), "third");
  await b.stop();
  assertEquals(node.whereis("third"), undefined);
  assert(!node.isAlive(b.pid));
});

placed("names of the cluster and of registries", async (node) => {
  const names = new Map<unknown, Pid>();
  const via = {
    whereisName: (name: unknown) => names.get(name),
    registerName: (name: unknown, pid: Pid) => !names.has(name) && !!names.set(name, pid),
    unregisterName: (name: unknown) => names.delete(name),
  };
  const a = await guest(node, { register: { via, name: "seven" } });
  assertEquals(names.get("seven"), a.pid);
  await assertRejects(() => guest(node, { register: { via, name: "seven" } }), NameError);
  await a.stop();
  assertEquals(names.size, 0);
  const b = await guest(node, { register: { global: "worldwide" } });
  assertEquals(node.global.whereis("worldwide"), b.pid);
  assertEquals(
    await b.call("call", tuple(atom("global"), atom("worldwide")), atom("me")).catch(() => 1),
    1 as never,
  );
});

placed("links of processes that share a thread are known to the node", async (node) => {
  const [a, b, c] = [await guest(node, {}, true), await guest(node, {}, true), await guest(node)]; // on two threads
  const linksOf = ({ pid }: { pid: Pid }): string[] => node.info(pid)!.links.map(String).sort();
  const pids = (...of: { pid: Pid }[]): string[] => of.map(({ pid }) => String(pid)).sort();
  for (const [from, to] of [[a, b], [b, c], [c, a]] as const) await from.call("link", to.pid);
  assertEquals([linksOf(a), linksOf(b), linksOf(c)], [pids(b, c), pids(a, c), pids(a, b)]);
  for (const [from, to] of [[a, b], [b, c], [c, a]] as const) {
    await from.call("unlink", to.pid);
    await from.call("link", to.pid);
  }
  assertEquals([linksOf(a), linksOf(b), linksOf(c)], [pids(b, c), pids(a, c), pids(a, b)]);
  for (const [from, to] of [[b, a], [c, b], [a, c]] as const) await from.call("unlink", to.pid);
  assertEquals([linksOf(a), linksOf(b), linksOf(c)], [[], [], []]);
  const child = { pid: await a.call("spawn", true) as Pid };
  assertEquals([linksOf(a), linksOf(child)], [pids(child), pids(a)]);
  await a.call("unlink", child.pid);
  for (const from of [b, c]) await from.call("link", a.pid);
  node.exit(c.pid, atom("kill"));
  assertEquals(await poll(() => a.call("told"), (told) => told.length > 0), [
    tuple(atom("EXIT"), c.pid, atom("killed")),
  ]);
  assertEquals([linksOf(a), linksOf(b)], [pids(b), pids(a)]);
});

placed("links, both ways, across threads", async (node) => {
  const [a, b] = [await guest(node, {}, true), await guest(node, {}, true)];
  const box = await inbox(node, (self) => {
    self.trapExit = true;
    self.link(a.pid);
  });
  assertEquals(await b.call("link", a.pid), [a.pid]);
  b.cast("exit", a.pid, OK);
  const seen = await poll(() => a.call("told"), (told) => told.length > 0);
  assertEquals(seen, [tuple(atom("EXIT"), b.pid, OK)]);
  assertEquals(node.info(a.pid)!.links.map(String).sort(), [box.pid, b.pid].map(String).sort());
  node.exit(a.pid, atom("kill"));
  assertEquals(await box.next(), tuple(atom("EXIT"), a.pid, atom("killed")));
  const told = await poll(() => b.call("told"), (told) => told.length > 0);
  assertEquals(told, [tuple(atom("EXIT"), a.pid, atom("killed"))]);

  const c = await guest(node);
  assertEquals(await b.call("link", c.pid), [c.pid]);
  assertEquals(await b.call("unlink", c.pid), []);
  await c.stop(BOOM).catch(() => {});
  assertEquals((await b.call("told")).length, 1);
  await b.call("link", c.pid); // which is not there any more
  const noproc = await poll(() => b.call("told"), (told) => told.length > 1);
  assertEquals(noproc[1], tuple(atom("EXIT"), c.pid, atom("noproc")));
});

placed("monitors, both ways, across threads", async (node) => {
  const [a, b] = [await guest(node), await guest(node)];
  const box = await inbox(node, (self) => void self.monitor(a.pid));
  const ref = await b.call("watch", a.pid);
  await b.call("handled", a.pid);
  await assertRejects(() => a.call("exit", tuple(BOOM, 1)), ExitError);
  assertEquals((await box.next() as Term[])[4], tuple(BOOM, 1));
  const told = await poll(() => b.call("told"), (told) => told.length === 2);
  assertEquals(told[0], tuple(atom("DOWN"), ref, atom("process"), a.pid, tuple(BOOM, 1)));
  assertEquals(told[1], tuple(atom("handled"), tuple(BOOM, 1)));
  const gone = await b.call("watch", a.pid);
  const after = await poll(() => b.call("told"), (told) => told.length === 3);
  assertEquals(after[2], tuple(atom("DOWN"), gone, atom("process"), a.pid, atom("noproc")));
});

placed(
  "what a call meets: no process, a crash, a server that refuses, another node",
  async (node) => {
    const [a, b] = [await guest(node), await guest(node)];
    await assertRejects(() => a.call("crash"), ExitError, "boom");
    await assertRejects(() => a.call("me"), NoProcessError);
    const tried = (target: Encodable, request: Encodable) => b.call("try", target, request);
    assertEquals((await tried(a.pid, atom("me")) as Term[])[0], atom("NoProcessError"));
    const c = await guest(node);
    const refused = await tried(c.pid, tuple(atom("nothing"), 1)) as unknown as Term[];
    assertEquals(refused[0], atom("ExitError"));
    assert(node.isAlive(c.pid));
    const server = await node.start(Refusing, []);
    const here = await tried(server.pid, tuple(atom("nothing"), 1)) as unknown as Term[];
    assertEquals(here[0], atom("ExitError"));
    const far = await tried(tuple(atom("x"), atom("elsewhere@localhost")), atom("me"));
    assertEquals((far as Term[])[0], atom("NodeDownError"));
    const rpc = await assertRejects(
      () => b.call("rpc", "elsewhere@localhost", "m", "f", []),
      ExitError,
    );
    assert(!(rpc instanceof NodeDownError));
  },
);

placed("it spawns and starts processes, which are as its own to all others", async (node) => {
  const a = await guest(node);
  const pid = await a.call("spawn", false);
  assert(node.isAlive(pid));
  node.send(pid, 3);
  assertEquals(await poll(() => a.call("told"), (told) => told.length > 0), [
    tuple(atom("child"), 3),
  ]);
  const other = await a.call("start");
  assertEquals(await node.call(other, atom("me")), other);
  const linked = await a.call("spawn", true);
  const down = new Promise((resolve) => a.monitor(({ reason }) => resolve(reason)));
  node.exit(linked, BOOM);
  assertEquals(await down, BOOM);
  assertEquals(await (await guest(node)).call("many", 1_000), 1_000);
  await assertRejects(() => node.call(other, atom("place")), ExitError, "workers");
});

placed("what it starts gets its name at once, and none that is taken", async (node) => {
  const [a, b] = [await guest(node), await guest(node)];
  const processes = node.processes().length;
  for (const how of ["start_as", "spawn_as"] as const) {
    const pid = await a.call(how, "mine") as Pid;
    assertEquals(node.whereis("mine"), pid);
    assertEquals(node.processes().length, processes + 1);
    for (const other of [a, b]) {
      const [error] = await other.call(how, "mine") as Term[];
      assertEquals(error, atom("NameError"));
    }
    assertEquals(node.processes().length, processes + 1);
    const ended = new Promise((resolve) => node.monitor(pid, resolve));
    node.exit(pid, atom("kill"));
    await ended;
    assertEquals(node.whereis("mine"), undefined);
  }
});

placed("what only the node's own thread can do is refused, and ends nothing", async (node) => {
  const a = await guest(node);
  for (const what of ["events", "stats", "applications", "sockets", "certificates"]) {
    const [, message] = await a.call("ask_here", what) as unknown as Term[];
    assert(String(message).includes("on a worker"), `${what}: ${message}`);
  }
  await a.call("rpc_cast", "elsewhere@localhost"); // of a node without a network
  await poll(
    () => Promise.resolve(logs),
    () => logs.some(({ message }) => message.includes("rpc_cast")),
  );
  assertEquals(await a.call("me"), a.pid);
  await a.call("monitor_node", "elsewhere@localhost", true);
  const told = await poll(() => a.call("told"), (told) => told.length > 0);
  assertEquals(told, [tuple(atom("nodedown"), atom("elsewhere@localhost"))]);
});

placed("aliases and replies that come from elsewhere", async (node) => {
  const [a, b] = [await guest(node), await guest(node)];
  const alias = await a.call("alias");
  node.send(alias, 1);
  b.cast("forward", a.pid, 2);
  assertEquals(
    await poll(() => a.call("told"), (told) => told.length === 2).then((all) => all.length),
    2,
  );
});

placed("the environment, the parent, the log, sys", async (node) => {
  const a = await guest(node, { env: { size: 3 }, register: "logs" });
  assertEquals(await a.call("env", "size"), 3);
  assertEquals(await a.call("env", "color"), atom("red"));
  assertEquals(await a.call("env", "secret"), null);
  assertEquals(await a.call("parent"), null);
  await a.call("log", "over there");
  const event = logs.find(({ message }) => message === "over there")!;
  assertEquals(event.pid, a.pid);
  assertEquals(event.name, "logs");
  assertEquals(event.fields, { size: 3 });
  assertEquals(event.level, "warning");
  assertEquals(String((await sys.getStatus(node, a.pid)).module), "gen_server");
  assert(String(await a.call("stop_node")).includes("on a worker"));
  await assertRejects(() => guest(node, { env: { fn: () => {} } }), EncodeError);
});

placed("what cannot be started says so", async (node) => {
  const missing = new URL("./_not_there.ts", import.meta.url);
  await assertRejects(() => node.start(missing, []), Error);
  await assertRejects(() => node.start(new URL("#Nothing", GUEST), []), TypeError, "#");
  await assertRejects(() => node.start(new URL("#%", GUEST), []), TypeError, "#% names no export");
  await assertRejects(() => node.start(new URL("#notAClass", ODD), []), TypeError);
  await assertRejects(() => node.start(new URL("#Ignores", ODD), []), IgnoredError);
  await assertRejects(() => node.start(new URL("#Fails", ODD), []), ExitError, "no luck");
  await assertRejects(
    () => node.start(new URL("#Slow", ODD), [], { timeout: 20 }),
    ExitError,
    "20 ms",
  );
  await assertRejects(() => node.start(GUEST, 3 as never), TypeError, "array");
  await assertRejects(() => node.start(GUEST, [], { regster: "x" } as never), TypeError, "regster");
  const pid = await node.start(new URL("#Plain", ODD), []);
  assertEquals(String(pid), String(node.whereis("plain")));
});

placed("what cannot be started says where it went wrong", async (node) => {
  const started = (url: URL) => assertRejects(() => node.start(url, []), Error);
  const loaded = await started(new URL("./_throws_when_loaded.ts", import.meta.url));
  assertEquals(loaded.message, "at load");
  assert(loaded.stack?.includes("_throws_when_loaded.ts:1"), loaded.stack);
  assert(String(loaded.cause).includes("the cause of it"), String(loaded.cause));
  const made = await started(new URL("#Unmade", ODD));
  assertEquals(made.message, "not made");
  assert(made.stack?.includes("_odd.ts:"), made.stack);
  const failed = await started(new URL("#Fails", ODD));
  assert(String(failed.cause).includes("no luck"), String(failed.cause));
  assert(String(failed.cause).includes("_odd.ts:"), String(failed.cause));
  const exited = await started(new URL("#ExitsOddly", ODD)) as ExitError;
  assertInstanceOf(exited, ExitError);
  assert(exited.message.includes("Process exited"), exited.message);
  assert(format(exited.reason).startsWith("{bad_reason,"), format(exited.reason));
});

placed("a reason that is no term crosses as a text", async (node) => {
  const odd = { plain: 1 } as unknown as Term;
  const ends = async (end: (pid: Pid) => unknown): Promise<string> => {
    const { pid } = await guest(node);
    const reason = new Promise<Term>((resolve) =>
      node.monitor(pid, (down) => resolve(down.reason))
    );
    await end(pid);
    return format(await reason).slice(0, 12);
  };
  assertEquals(
    await ends((pid) =>
      node.spawn((self) => {
        self.link(pid);
        self.stop(odd as never);
      })
    ),
    "{bad_reason,",
  );
  assertEquals(
    await ends((pid) => node._core.process(pid)!.stopInTurn(odd)),
    "{bad_reason,",
  );
  assertEquals(await ends((pid) => node._core.process(pid)!.stop(odd)), "{bad_reason,");
  const a = await guest(node);
  const watched = node.spawn(async (self) => {
    await self.receive();
    self.stop(odd as never);
  });
  await a.call("watch", watched);
  node.send(watched, 1);
  const [down] = await poll(() => a.call("told"), (told) => told.length > 0) as unknown as Term[][];
  assertEquals(format(down[4]).slice(0, 12), "{bad_reason,");
});

placed("a mailbox that is full refuses calls from elsewhere", async (node) => {
  const a = await guest(node, { mailbox: { max: 1 } });
  const calls = [1, 2, 3, 4, 5].map((n) =>
    a.call("echo", n).then(() => "ok", (error) => error.name)
  );
  const seen = await Promise.all(calls);
  assert(seen.includes("ok"));
  assert(seen.some((name) => name !== "ok"), String(seen));
});

test("a node that stops ends its workers in order", async () => {
  const node = await theNode();
  const box = await inbox(node);
  node.register("mourner", box.pid);
  const mourned: Term[] = [];
  const a = await guest(node, { register: "last" }, true);
  node.monitor(a.pid, ({ reason }) => mourned.push(reason));
  await node.stop();
  assertEquals(mourned, [atom("shutdown")]);
});

test("where there are no workers, or too many are wanted, it is said", async () => {
  const node = await startNode("without@localhost", { network: false });
  await assertRejects(() => node.start(GUEST, []), Error, "{ workers: n }");
  await node.stop();
  const platform = { ...await defaultPlatform(), threads: undefined };
  const unthreaded = { network: false, workers: 1, platform } as const;
  await assertRejects(() => startNode("x@localhost", unthreaded), Error, "no threads");
  for (const workers of [-1, 1.5, 10_000, NaN]) {
    await assertRejects(() => startNode("x@localhost", { network: false, workers }), RangeError);
  }
});

class Refusing extends GenServer {}

async function poll<T>(ask: () => Promise<T>, until: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (until(value)) return value;
    await sleep(5); // or the questions would leave no turn to anything else
  }
}

testNothingIsLeft();
