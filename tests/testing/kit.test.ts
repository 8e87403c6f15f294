import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  capture,
  exit,
  GenServer,
  type Node,
  on,
  probe,
  ProbeError,
  t,
  tagged,
  tuple,
  type VirtualTime,
  withVirtualTime,
} from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

class Relay extends GenServer {
  override readonly casts = {
    forward: on(t.pid, t.term, (to, message) => this.send(to, message)),
    ask: on(t.pid, async (pid) => {
      const reply = await this.call(pid, atom("what"));
      this.logger.info(`it says ${reply}`);
    }),
    die: () => exit(atom("asked")),
  };
}

function onNode(body: (node: Node, time: VirtualTime) => Promise<void>): () => Promise<void> {
  return () => withVirtualTime(async (time) => await body(await time.startNode("test@sim"), time));
}

test(
  "a probe takes what comes, in order, or what a schema matches",
  onNode(async (node) => {
    const one = await probe(node, { register: "one" });
    for (const message of [1, "two", tuple(atom("three"), 3)]) node.send("one", message);
    assertEquals(await one.receive(t.tagged("three", t.integer)), tagged("three", 3));
    assertEquals(await one.receive(t.integer), 1);
    assertEquals(await one.receive(), "two");
    assertEquals(one.messages.length, 3);
  }),
);

test(
  "a probe that waits in vain says what has come instead",
  onNode(async (node, time) => {
    const one = await probe(node);
    node.send(one.pid, atom("hello"));
    const waits = assertRejects(() => one.receive(t.integer, { timeout: 250 }), ProbeError);
    await time.advance(250);
    const error = await waits;
    assertMatch(error.message, /no integer has come within 250 ms; 1 messages? .* hello$/);
    await assertRejects(() => one.receiveNothing(), ProbeError, "hello has come");
    const nothing = one.receiveNothing(t.integer, { timeout: 50 });
    await time.advance(50);
    await nothing;
  }),
);

test(
  "a probe stands in for a server",
  onNode(async (node) => {
    const server = await probe(node, { register: "server" });
    const reply = node.call("server", tuple(atom("square"), 7));
    const call = await server.receiveCall(t.tagged("square", t.integer));
    assertEquals(call.from, node._core.main.pid);
    call.reply(call.request[1] ** 2);
    assertEquals(await reply, 49);
    void node.call("server", atom("other")).catch(() => {});
    await assertRejects(
      () => server.receiveCall(t.integer),
      ProbeError,
      "other came, integer is needed",
    );
  }),
);

test(
  "a probe is linked, watches, sends, and ends",
  onNode(async (node) => {
    const one = await probe(node);
    const two = await probe(node);
    one.monitor(two.pid);
    one.link(two.pid);
    one.send(two.pid, 5);
    assertEquals(await two.receive(), 5);
    two.exit(atom("enough"));
    assertEquals((await one.receive(t.tagged("EXIT", t.pid, t.atom("enough"))))[1], two.pid);
    assert((await one.receive(t.anyTuple))[0] === atom("DOWN"));
  }),
);

test(
  "a node that stops does not wait for a probe, which tells who was linked to it",
  onNode(async (node, time) => {
    const one = await probe(node, { register: "one" });
    const linked = await node.start(Relay, []);
    one.link(linked.pid);
    node.exit(one.pid, atom("shutdown")); // an exit signal as any other is a message
    await one.receive(t.tagged("EXIT", t.pid, t.atom("shutdown")));
    linked.cast("die");
    assertEquals((await one.receive(t.tagged("EXIT", t.pid, t.atom("asked"))))[1], linked.pid);
    await node.stop();
    assertEquals(time.now, 0);
    await assertRejects(() => one.receive(), Error, "has exited with shutdown");
  }),
);

test(
  "a probe takes any call where it is not told which",
  onNode(async (node, time) => {
    const server = await probe(node, { register: "server" });
    const reply = node.call("server", atom("anything"));
    const call = await server.receiveCall();
    assertEquals(call.request, atom("anything"));
    call.reply(atom("ok"));
    assertEquals(await reply, atom("ok"));
    const waits = assertRejects(
      () => server.receiveCall({ timeout: 50 }),
      ProbeError,
      "within 50 ms",
    );
    await time.advance(50);
    await waits;
    for (const wrong of ["square", { time: 5 }, { timeout: "x" }, 7, null]) {
      const asks = [
        () => server.receiveCall(wrong as never),
        () => server.receive(wrong as never),
        () => server.receiveNothing(wrong as never),
      ];
      for (const ask of asks) await assertRejects(ask, Error, "Cannot wait for a message");
    }
  }),
);

test(
  "what processes send, start and log is captured, and how they end",
  onNode(async (node, time) => {
    const one = await probe(node);
    {
      const seen = capture(node);
      const relay = await node.start(Relay, [], { register: "relay" });
      relay.cast("forward", one.pid, 5);
      relay.cast("ask", one.pid);
      (await one.receiveCall(t.atom("what"))).reply(atom("this"));
      relay.cast("die");
      await time.settle();
      const sent = seen.sends.filter(({ from }) => from.equals(relay.pid));
      assertEquals(sent.map(({ kind, message }) => [kind, message]), [
        ["send", 5],
        ["call", atom("what")],
      ]);
      assertEquals(seen.spawns.map(({ kind, name }) => [kind, name]), [["Relay", "relay"]]);
      assertEquals(seen.exits.map(({ name, reason }) => [name, reason]), [[
        "relay",
        atom("asked"),
      ]]);
      assertEquals(seen.logs.map(({ level, name }) => [level, name]), [["info", "relay"], [
        "error",
        "relay",
      ]]);
      seen[Symbol.dispose]();
      node.spawn(() => {});
      assertEquals(seen.spawns.length, 1);
      seen.clear();
      assertEquals([seen.sends, seen.logs], [[], []]);
    }
  }),
);

test("what is no node is refused", async () => {
  await assertRejects(() => probe(undefined as never), TypeError, "the node is needed");
  assertThrows(() => capture({} as never), TypeError, "the node is needed");
  await assertRejects(() => withVirtualTime(undefined as never), TypeError, "a function is needed");
  await assertRejects(
    () => withVirtualTime(() => {}, { seeds: 1 } as never),
    TypeError,
    "seed may be meant",
  );
});

// Virtual time

test(
  "time stands still until it is moved, and then timers fire in their order",
  onNode(async (node, time) => {
    const fired: string[] = [];
    class Clock extends GenServer {
      override init(): void {
        this.after(60_000, () => void fired.push(`after ${time.now}`));
        this.every(25_000, () => void fired.push(`every ${time.now}`));
        setTimeout(() => fired.push(`global ${time.now}`), 30_000);
      }
      override readonly calls = { now: () => Date.now() };
    }
    const clock = await node.start(Clock, []);
    const began = await clock.call("now");
    await time.advance(24_999);
    assertEquals(fired, []);
    await time.advance(35_001);
    assertEquals(fired, ["every 25000", "global 30000", "every 50000", "after 60000"]);
    assertEquals(await clock.call("now"), Number(began) + 60_000);
    assertEquals(time.now, 60_000);
    await assertRejects(() => time.advance(-1), RangeError);
  }),
);

test("calls between nodes go on without time, their deadlines do not", () =>
  withVirtualTime(async (time) => {
    const [a, b] = [await time.startNode("a@sim"), await time.startNode("b@sim")];
    const server = await probe(b, { register: "server" });
    const target = { name: "server", node: "b@sim" };
    const call = a.call(target, atom("x"));
    (await server.receiveCall(t.atom("x"))).reply(1);
    assertEquals(await call, 1);
    assertEquals(time.now, 0);
    const late = a.call(target, atom("y"));
    await time.advance(4_999);
    let over = false;
    late.catch(() => over = true);
    await time.settle();
    assert(!over);
    await time.advance(1);
    await assertRejects(() => late, Error, "no reply within 5000 ms");
    assertMatch(time.trace(), /b@sim {4}turn {3}server probe takes/);
  }));

test("who waits for time that nobody moves is told so", async () => {
  const error = await assertRejects(() =>
    withVirtualTime(async (time) => {
      const node = await time.startNode("test@sim");
      await node.sleep(10);
    })
  );
  assertMatch(String(error), /time stands still until time.advance\(ms\) moves it on/);
});

testNothingIsLeft();
