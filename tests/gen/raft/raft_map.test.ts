import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { RaftMap } from "../../../lib/gen/raft/raft_map.ts";
import type { RaftMapEvent, RaftMapRef } from "../../../lib/gen/raft/raft_map_ref.ts";
import { LeaderElection } from "../../../lib/gen/raft/leader_election.ts";
import { memoryStorage } from "../../../lib/gen/raft/storage.ts";
import type { Encodable } from "../../../lib/etf/term.ts";
import { float as floatOf } from "../../../lib/etf/float.ts";
import type { Node } from "../../../lib/node/node.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { QUICK } from "./_bank.ts";

const NAMES = ["a@localhost", "b@localhost", "c@localhost"];
const THREE = { names: NAMES };
/** A number, for the types. */
const float = floatOf as unknown as (value: number) => number;

async function maps<V extends Encodable>(
  nodes: readonly Node[],
): Promise<RaftMapRef<RaftMap<V>, V>[]> {
  const options = { members: NAMES, ...QUICK };
  const refs = await Promise.all(
    nodes.map((node) => node.start(RaftMap<V>, [options], { register: "map" })),
  );
  await refs[0].with({ timeout: 20_000 }).ready();
  return refs;
}

clusterTest("a map that all nodes have", async (a, b, { c }) => {
  const [one, two, three] = await maps<string | number | null>([a, b, c]);
  const serial = await one.set("x", "first");
  assertEquals(await two.get("x"), "first");
  assertEquals(await three.entry("x"), { value: "first", serial });
  assertStrictEquals(await two.get("y"), undefined);
  assertEquals([await two.has("x"), await two.has("y")], [true, false]);
  await two.set("y", null);
  assertStrictEquals(await one.get("y"), null);
  assertEquals(await three.keys(), ["x", "y"]);
  assertEquals(await three.entries(), [["x", "first"], ["y", null]]);
  assertEquals(await three.size(), 2);
  assertEquals([await one.delete("y"), await one.delete("y")], [true, false]);
  await three.clear();
  assertEquals(await one.size(), 0);
}, THREE);

clusterTest("who changes a key that another one has changed is told", async (a, b, { c }) => {
  const [one, two, three] = await maps<number>([a, b, c]);
  assertEquals(await one.compareAndSet("n", undefined, 1), true);
  assertEquals(await two.compareAndSet("n", undefined, 1), false);
  assertEquals(await two.compareAndSet("n", 1, 2), true);
  assertEquals(await three.compareAndSet("n", 1, 3), false);
  const { serial } = (await one.entry("n"))!;
  const next = await two.setIf("n", serial, 5);
  assert(next! > serial);
  assertStrictEquals(await one.setIf("n", serial, 6), null);
  assertStrictEquals(await one.setIf("other", 0, 6) === null, false);
  assertEquals(await one.compareAndSet("f", undefined, float(1)), true);
  assertEquals(await one.compareAndSet("f", 1, 2), false); // another term
  assertEquals(await one.compareAndSet("f", float(1), 1), true);
  assertEquals(await one.compareAndSet("f", float(1), 2), false);
  assertStrictEquals(await one.get("f"), 1);
  // All at once, and each counts.
  const add = async (map: typeof one): Promise<void> => {
    for (;;) {
      const { value, serial } = (await map.entry("n"))!;
      if (await map.setIf("n", serial, value + 1) !== null) return;
    }
  };
  await Promise.all([add(one), add(two), add(three), add(one), add(two)]);
  assertEquals(await three.get("n"), 10);
}, THREE);

clusterTest("what changes is told on every node", async (a, b, { c }) => {
  const [one, two] = await maps<string>([a, b, c]);
  const seen: RaftMapEvent<string>[] = [];
  const mine: RaftMapEvent<string>[] = [];
  const all = (async () => {
    for await (const event of two.watch()) {
      seen.push(event);
      if (event.type === "deleted") break;
    }
  })();
  const some = (async () => {
    for await (const event of one.watch("y")) {
      mine.push(event);
      if (event.type === "deleted") break;
    }
  })();
  await one.set("x", "1");
  await one.set("y", "2");
  await one.delete("y");
  await Promise.all([all, some]);
  const text = (events: readonly RaftMapEvent<string>[]): string[] =>
    events.map((event) =>
      event.type === "restored"
        ? "restored"
        : `${event.type} ${event.key} ${event.type === "set" ? event.value : ""}`.trim()
    );
  assertEquals(text(seen), ["set x 1", "set y 2", "deleted y"]);
  assertEquals(text(mine), ["set y 2", "deleted y"]);
  assertThrows(() => one.watch(1 as never), TypeError, "a key is a string");
}, THREE);

clusterTest("a map is there again after all members have ended, by its storage", async (a) => {
  const storage = memoryStorage();
  const options = { members: [a.name], ...QUICK, storage, snapshotEvery: 5, keep: 1 };
  const first = await a.start(RaftMap<number>, [options], { register: "map" });
  for (let i = 0; i < 23; i++) await first.set(`k${i % 7}`, i);
  const entries = await first.entries();
  const last = await Promise.all(entries.map(([key]) => first.entry(key)));
  await first.stop();
  const second = await a.start(RaftMap<number>, [options], { register: "map" });
  assertEquals(await second.entries(), entries);
  assertEquals(await Promise.all(entries.map(([key]) => second.entry(key))), last);
  const other = { ...options, storage: memoryStorage() };
  await assertRejects(() => a.start(RaftMap<number>, [other], { register: "map" }), Error, "name");
});

clusterTest("one node does it, and another one where it fails", async (a, b, { c }) => {
  const nodes = [a, b, c];
  const options = { members: NAMES, ...QUICK };
  const log: string[] = [];
  const running = new Set<string>();
  const terms: number[] = [];
  let begun: (name: string) => void = () => {};
  let ended: (name: string) => void = () => {};
  const begins = (): Promise<string> => new Promise((resolve) => begun = resolve);
  let first = begins();
  const elections = await Promise.all(nodes.map(async (node) => {
    const election = await node.start(LeaderElection, [options], { register: "cron" });
    election.lead(async (signal, term) => {
      running.add(node.name);
      terms.push(term);
      log.push(`${node.name} leads, of ${running.size}`);
      begun(node.name);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      running.delete(node.name);
      ended(node.name);
    });
    return election;
  }));
  for (let i = 0; i < 2; i++) {
    const name = await first;
    const leading = elections[NAMES.indexOf(name)];
    assert(leading.isLeader);
    first = begins();
    const ends = new Promise<string>((resolve) => ended = resolve);
    await leading.transfer(NAMES.find((other) => other !== name)!);
    assertEquals(await ends, name); // who leads no more is told
  }
  const name = await first;
  first = begins();
  await nodes[NAMES.indexOf(name)].stop();
  assert(await first !== name);
  assertEquals(log.length, 4);
  assertEquals(terms, [...terms].sort((x, y) => x - y));
  assertEquals(new Set(terms).size, 4);
}, THREE);

clusterTest("what a leader throws ends its member", async (a) => {
  const election = await a.start(LeaderElection, [{ members: [a.name], ...QUICK }], {
    register: "cron",
  });
  const down = new Promise<string>((resolve) => {
    election.monitor(({ reason }) => resolve(String(reason)));
  });
  assertThrows(() => election.lead(1 as never), TypeError, "a function that the leader runs");
  election.lead(() => Promise.reject(new Error("it does not work")));
  assert((await down).includes("it does not work"));
  assertThrows(() => election.lead(() => {}), Error, "has exited");
});

clusterTest("what is taken back is not begun, and what it throws ends nothing", async (a) => {
  const election = await a.start(LeaderElection, [{ members: [a.name], ...QUICK }], {
    register: "cron",
  });
  const log: string[] = [];
  let isOver = (): void => {};
  const over = new Promise<void>((resolve) => isOver = resolve);
  const begun = await new Promise<() => void>((resolve) => {
    const lead = election.lead(async (signal) => {
      resolve(() => lead[Symbol.dispose]());
      await new Promise((aborted) => signal.addEventListener("abort", aborted));
      isOver();
      throw new Error("it was not done yet");
    });
  });
  election.lead(() => void log.push("begun"))[Symbol.dispose]();
  begun();
  await over;
  await new Promise<void>((resolve) => {
    election.lead((signal, term) => resolve(void log.push(`leads ${signal.aborted} ${term > 0}`)));
  });
  assertEquals(log, ["leads false true"]);
  assert(a.isAlive(election.pid));
});

testNothingIsLeft();
