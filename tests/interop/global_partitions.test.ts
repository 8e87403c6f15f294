/** What a cluster of Erlang nodes and nodes of ours does when connections are lost, and when they come back. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { atom, type Node, type Pid } from "../../mod.ts";
import { needsErlang as skip, poll } from "../_support/erlang.ts";
import {
  apart,
  connect,
  erlangName,
  GlobalCluster,
  haveNames,
  names,
  whole,
} from "../_support/global.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** A process of ours that waits. */
function waiting(node: Node): Pid {
  return node.spawn(async (self) => void await self.receive());
}

test(
  "whoever is disconnected by one node is lost by all, and may come back",
  { skip },
  async () => {
    await using cluster = await GlobalCluster.start();
    const [a, b, ours] = [
      await cluster.erlang("a"),
      await cluster.erlang("b"),
      await cluster.ours(),
    ];
    await connect(a, b.name);
    await ours.connect(b.name);
    await whole(ours, a, b);
    assertEquals(await erlangName(a, "at_a"), "yes");
    assertEquals(await erlangName(b, "at_b"), "yes");
    assertEquals(await ours.global.register("at_ours", waiting(ours)), true);

    const all = [ours, a, b];
    const namesOf: Record<string, string> = {
      [a.name]: "at_a",
      [b.name]: "at_b",
      [ours.name]: "at_ours",
    };
    for (const disconnects of ["ours", "theirs"]) {
      if (disconnects === "ours") assertEquals(ours.disconnect(a.name), true);
      else assertEquals(await a.eval("erlang:disconnect_node('ours@localhost')"), "true");
      // Each part has its own names; and it may break up further until all have heard of the loss.
      await poll(async () => {
        const parts = await apart(...all);
        if (parts.length === 1) return false;
        for (const part of parts) {
          const members = part.split(",");
          const expected = `[${members.map((member) => namesOf[member]).sort().join(",")}]`;
          for (const node of all) {
            if (members.includes(node.name) && await names(node) !== expected) return false;
          }
        }
        return true;
      });
      await ours.connect(a.name);
      await connect(b, a.name);
      await whole(...all);
      await haveNames(all, "[at_a,at_b,at_ours]");
    }
  },
);

test("a loss between two Erlang nodes is heeded by ours", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b, ours] = [await cluster.erlang("a"), await cluster.erlang("b"), await cluster.ours()];
  const other = await cluster.ours("zz_other");
  await connect(a, b.name);
  await ours.connect(b.name);
  await other.connect(b.name);
  await whole(ours, other, a, b);
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  assertEquals(await a.eval("erlang:disconnect_node('b@localhost')"), "true");
  await poll(async () => (await apart(ours, other, a, b)).length > 1);
  await connect(a, ours.name);
  await connect(b, other.name);
  await whole(ours, other, a, b);
  await haveNames([ours, other, a, b], "[at_ours]");
});

test("a node that has died and comes back is a member again", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  await ours.connect(a.name);
  await whole(ours, a);
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  for (let life = 0; life < 3; life++) {
    const b = await cluster.erlang("b");
    assertEquals(await erlangName(b, "at_b"), "yes");
    await connect(b, life === 0 ? ours.name : a.name);
    await whole(ours, a, b);
    await haveNames([ours, a, b], "[at_b,at_ours]");
    await b.kill();
    await whole(ours, a);
    await haveNames([ours, a], "[at_ours]");
  }
  await ours.stop();
  await haveNames([a], "[]");
  const back = await cluster.ours();
  assertEquals(await back.global.register("at_ours", waiting(back)), true);
  await back.connect(a.name);
  await whole(back, a);
  await haveNames([back, a], "[at_ours]");
});

test("many nodes that join and leave at once agree in the end", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b] = [await cluster.erlang("a"), await cluster.erlang("b")];
  const ours = await Promise.all(["k", "l", "n", "o"].map((name) => cluster.ours(name)));
  for (const node of ours) {
    const name = node.name.split("@")[0];
    assertEquals(await node.global.register(`at_${name}`, waiting(node)), true);
  }
  assertEquals(await erlangName(a, "at_a"), "yes");
  // Everybody with everybody, at once and from both sides.
  await Promise.all([
    ...ours.flatMap((node) =>
      [a.name, b.name, ...ours.map(({ name }) => name)].map((name) => node.connect(name))
    ),
    connect(a, b.name),
    connect(b, ours[0].name),
  ]);
  await whole(...ours, a, b);
  await haveNames([...ours, a, b], "[at_a,at_k,at_l,at_n,at_o]");
  await Promise.all([ours[1].stop(), ours[3].stop(), b.kill()]);
  await whole(ours[0], ours[2], a);
  await haveNames([ours[0], ours[2], a], "[at_a,at_k,at_n]");
});

test("a cluster does not notice a hidden node of ours", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b] = [await cluster.erlang("a"), await cluster.erlang("b")];
  await connect(a, b.name);
  await whole(a, b);
  const hidden = await cluster.ours("hidden", { published: false });
  assertEquals(await hidden.global.register("mine", waiting(hidden)), true);
  await hidden.connect(a.name);
  await hidden.connect(b.name);
  assertEquals(await Promise.all([hidden.ping(a.name), hidden.ping(b.name)]), [true, true]); // who accepts knows it later
  assertEquals(hidden.nodes("hidden").sort(), [a.name, b.name]);
  await whole(a, b);
  assertEquals(await erlangName(a, "at_a"), "yes");
  assertEquals(await b.eval("global:trans({res, self()}, fun() -> done end)"), "done");
  assertEquals(await b.eval("{nodes(), nodes(hidden)}"), "{[a@localhost],[hidden@localhost]}");
  assertEquals([await names(a), await names(b)], ["[at_a]", "[at_a]"]);

  // It has its own names only, and whoever asks it for a lock gets an answer.
  await hidden.global.sync();
  await hidden.global.sync([a.name]);
  assertEquals(await names(hidden), "[mine]");
  assertEquals(await hidden.global.register("other", waiting(hidden)), true);
  assertEquals(await hidden.global.transaction("res", () => "done"), "done");
  assertEquals(
    await a.eval("global:trans({res, self()}, fun() -> done end, ['hidden@localhost' | nodes()])"),
    "done",
  );
  const lock = await hidden.global.lock("res", { nodes: [a.name, hidden.name] });
  assertEquals(await a.eval("global:set_lock({res, self()}, [node()], 0)"), "false");
  await lock!.unlock();
  assertEquals(await a.eval("global:set_lock({res, self()}, [node()], 0)"), "true");
  await hidden.global.unregister("mine");
  assertEquals(await names(hidden), "[other]");
  // It is lost without a word.
  await hidden.stop();
  await poll(async () => await b.eval("nodes(hidden)") === "[]");
  await whole(a, b);
});

test("ours does not notice a hidden node of Erlang", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  const hidden = await cluster.erlang("hidden", { hidden: true });
  await ours.connect(a.name);
  await ours.connect(hidden.name);
  assertEquals(await ours.ping(hidden.name), true); // who accepts knows it later
  await whole(ours, a);
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  assertEquals(await names(a), "[at_ours]");
  assertEquals(await names(hidden), "[]");
  assertEquals(await hidden.eval("{nodes(), nodes(hidden)}"), "{[],[ours@localhost]}");
  assertEquals(await hidden.eval("global:sync()"), "ok");
  await hidden.kill();
  await whole(ours, a);
});

test("a node with connectAll: false keeps to whom it is told", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const ours = await cluster.ours("ours", { connectAll: false });
  const other = await cluster.ours("other", { connectAll: false });
  const third = await cluster.ours("third", { connectAll: false });
  await ours.connect(other.name);
  await other.connect(third.name);
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  assertEquals(await other.global.register("at_other", waiting(other)), true);
  assertEquals([await names(ours), await names(other)], ["[at_ours]", "[at_other]"]);
  // A lock is asked for by all the same.
  const lock = await ours.global.lock("res");
  assertEquals(await other.global.lock("res", { retries: 0 }), null);
  await lock!.unlock();
  other.disconnect(third.name);
  await poll(() => third.nodes().length === 0);
  assertEquals(ours.nodes(), [other.name]);
  assertEquals(ours.global.send("at_ours", atom("end")).node, ours.name);
});

testNothingIsLeft();
