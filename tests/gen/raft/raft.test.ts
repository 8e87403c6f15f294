import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import type { RaftEvent } from "../../../lib/gen/raft/raft_status.ts";
import { RaftError } from "../../../lib/gen/raft/raft_error.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import { Raft } from "../../../lib/gen/raft/raft.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import { memoryStorage } from "../../../lib/gen/raft/storage.ts";
import { ExitError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { Bank, banks, QUICK } from "./_bank.ts";

const NAMES = ["a@localhost", "b@localhost", "c@localhost"];
const THREE = { names: NAMES };

/** Waits until something is so, at each turn of the loop. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function byName(nodes: readonly Node[], name: string | null): Node {
  return nodes.find((node) => node.name === name)!;
}

clusterTest("commands are carried out on every member, queries see them", async (a, b, { c }) => {
  const refs = await banks([a, b, c]);
  assertEquals(await refs[0].append("deposit", "ann", 5), 5);
  assertEquals(await refs[1].append("deposit", "ann", 2), 7);
  assertEquals(await refs[2].read("balance", "ann"), 7);
  assertEquals(await refs[2].read("count"), 1);
  await until(() => refs.every((ref) => ref.serial() === refs[0].serial()));
  for (const ref of refs) assertEquals(await ref.readLocal("balance", "ann"), 7);
  assertEquals(await refs[0].append("clear"), null);
  assertEquals(await refs[1].read("count"), 0);
  // It is a server as any other.
  assertEquals(await refs[1].call("here"), "b@localhost");
}, THREE);

clusterTest("what a member knows", async (a, b, { c }) => {
  const refs = await banks([a, b, c]);
  const leader = await refs[1].ready();
  await refs[0].append("deposit", "ann", 1);
  await until(() => refs.every((ref) => ref.leader() === leader));
  for (const [i, ref] of refs.entries()) {
    assertEquals(ref.quorum(), { voters: NAMES, needed: 2, has: true });
    assertEquals(ref.peers(), NAMES.filter((_, other) => other !== i));
    assertEquals(ref.status.role, NAMES[i] === leader ? "leader" : "follower");
  }
  const serial = refs[0].serial();
  await until(() => refs[0].getEntry(serial) !== undefined);
  const commands = Array.from({ length: serial }, (_, i) => refs[0].getEntry(i + 1));
  assertEquals(commands.filter((one) => one !== null).map((one) => format(one!)), [
    '{deposit,<<"ann">>,1}',
  ]);
  assertStrictEquals(refs[0].getEntry(serial + 100), undefined);
  assertThrows(() => refs[0].getEntry(0), RangeError, "whole number");
}, THREE);

clusterTest(
  "a member is told that it leads when it has carried out all that came before",
  async (a, b, { c }) => {
    const told: (readonly [node: string, isItself: boolean, serial: number])[] = [];
    class Told extends Bank {
      override handleLeader(leader: string | null): void {
        told.push([this.node.name, leader === this.node.name, this._status.serial]);
      }
    }
    const refs = await Promise.all(
      [a, b, c].map((node) =>
        node.start(Told, [{ members: NAMES, ...QUICK }], { register: "bank" })
      ),
    );
    await refs[0].with({ timeout: 20_000 }).append("deposit", "ann", 1);
    const leads = told.filter(([, isItself]) => isItself);
    assert(leads.length > 0);
    // The founders are the first entry, its own first one comes behind.
    for (const [, , serial] of leads) assert(serial >= 2, `told at ${serial}`);
  },
  THREE,
);

clusterTest("what is refused", async (a, b, { c }) => {
  const [ref] = await banks([a, b, c]);
  const failed = await assertRejects(() => ref.append("deposit", "ann", -1), RaftError);
  assertEquals([failed.kind, failed.message, failed.mayHaveHappened], [
    "failed",
    "cannot deposit -1",
    true, // as far as the throw
  ]);
  const asked = await assertRejects(() => ref.read("boom"), RaftError);
  assertEquals([asked.kind, asked.mayHaveHappened], ["failed", false]);
  const bad = await assertRejects(
    () => ref.append("deposit", 7 as never, 1),
    ExitError,
    "bad_request",
  );
  assert(format(bad.reason).includes("text is needed"), format(bad.reason));
  await assertRejects(
    () => (ref.append as (name: string) => Promise<unknown>).call(ref, "balance"),
    ExitError,
    "it is a query",
  );
  await assertRejects(
    () => (ref.read as (name: string) => Promise<unknown>).call(ref, "deposit"),
    ExitError,
    "it is a command",
  );
  await assertRejects(() => ref.append("wait"), RaftError, "has returned a promise");
  await assertRejects(() => ref.read("boom"), RaftError, "boom");
  await assertRejects(() => ref.readLocal("boom"), RaftError, "boom");
  assertEquals(await ref.append("deposit", "ann", 1), 1); // all members live
}, THREE);

/** Handlers that should not be. */
class Careless extends Raft {
  #values: Map<string, number> = new Map();
  override readonly commands = {
    divide: on(t.text, t.integer, t.integer, (key, a, b) => {
      this.#values.set(key, a / b);
      return true;
    }),
    boom: on(t.text, (key) => {
      this.#values.set(key, 1);
      throw new Error("boom");
    }),
    object: on(t.text, (key) => {
      this.#values.set(key, 1);
      return { a: 1 } as unknown as Encodable;
    }),
  };
  override readonly queries = { has: on(t.text, (key) => this.#values.has(key)) };

  override snapshot(): Encodable {
    return this.#values;
  }

  override restore(state: Term): void {
    this.#values = new Map(t.map(t.text, t.number).parse(state));
  }
}

clusterTest("a handler that throws behind a change has happened, and it says so", async (a) => {
  const options = { members: [a.name], ...QUICK };
  const ref = await a.start(Careless, [options], { register: "careless" });
  for (const name of ["boom", "object"] as const) {
    const failed = await assertRejects(() => ref.append(name, name), RaftError);
    assertEquals([failed.kind, failed.mayHaveHappened], ["failed", true]);
    assertEquals(await ref.read("has", name), true);
  }
});

clusterTest(
  "a state that gives no snapshot: the members live on, also after a restart",
  async (a, b, { c }) => {
    const nodes = [a, b, c];
    const kept = nodes.map(() => memoryStorage());
    const start = (node: Node, i: number) =>
      node.start(Careless, [
        { members: NAMES, ...QUICK, snapshotEvery: 5, keep: 1, storage: kept[i] },
      ], { register: "careless" });
    const refs = await Promise.all(nodes.map(start));
    const slow = refs[0].with({ timeout: 20_000 });
    await slow.append("divide", "k", 0, 0);
    for (let i = 0; i < 20; i++) assertEquals(await slow.append("divide", "l", i, 1), true);
    assert(refs.every((ref) => ref.getEntry(1) !== undefined)); // the log is kept
    await Promise.all(refs.map((ref) => ref.stop()));
    const again = await Promise.all(nodes.map(start));
    const ref = again[0].with({ timeout: 20_000 });
    assertEquals(await ref.read("has", "k"), true);
    // Now there is one to be had.
    await ref.append("divide", "k", 1, 1);
    for (let i = 0; i < 8; i++) await ref.append("divide", "l", i, 1);
    await until(() => again.every((one) => one.getEntry(1) === undefined));
  },
  THREE,
);

clusterTest("with a command that is async no member starts", async (a) => {
  class Late extends Careless {
    override readonly commands = { late: on(t.text, async () => await 1) } as never;
  }
  const start = () => a.start(Late, [{ members: [a.name], ...QUICK }], { register: "late" });
  await assertRejects(start, Error, "the handler of its command late is async");
});

clusterTest("a member that was removed says so", async (a, b, { c }) => {
  const refs = await banks([a, b, c]);
  const leader = await refs[0].ready();
  const [gone, left] = [refs[NAMES.indexOf(leader)], refs[(NAMES.indexOf(leader) + 1) % 3]];
  await left.removeMember(leader);
  await until(() => gone.leader() === null);
  const refused = await assertRejects(() => gone.append("deposit", "ann", 1), RaftError);
  assertEquals([refused.kind, refused.mayHaveHappened], ["removed", false]);
  assert(refused.message.includes(`by its member on ${leader}: it was removed`), refused.message);
  await assertRejects(() => gone.read("count"), RaftError, "no member any more");
  await left.addMember(leader);
  await until(() => gone.leader() !== null);
  assertEquals(await gone.append("deposit", "ann", 1), 1);
}, THREE);

clusterTest("what a member cannot be started with", async (a) => {
  const start = (options: unknown, name: string | undefined = "bank"): Promise<unknown> =>
    a.start(Bank, [options as never], name === undefined ? {} : { register: name });
  await assertRejects(() => start(undefined), Error, "its options are needed");
  await assertRejects(() => start({}), Error, "names of 1 to 11 nodes");
  await assertRejects(() => start({ members: ["a"] }), Error, "no name of a node");
  await assertRejects(() => start({ members: ["a@h", "a@h"] }), Error, "twice");
  await assertRejects(() => start({ members: ["a@h"], storage: {} }), Error, "option storage");
  await assertRejects(() => start({ members: ["a@h"], heartbeats: 1 }), Error, "heartbeat may be");
  await assertRejects(() => start({ members: ["a@h"], heartbeat: 900 }), Error, "at most half");
  await assertRejects(() => start({ members: ["a@h"], keep: -1 }), Error, "from 0 on");
  await assertRejects(
    () => a.start(Bank, [{ members: [a.name] }]),
    Error,
    "needs the name of its group",
  );
});

clusterTest("the leader ends, and another one goes on with everything", async (a, b, cluster) => {
  const nodes = [a, b, cluster.c];
  const refs = await banks(nodes);
  for (let i = 0; i < 20; i++) await refs[i % 3].append("deposit", "ann", 1);
  const leader = refs[0].leader()!;
  const rest = refs.filter((_, i) => nodes[i].name !== leader);
  const events: RaftEvent[] = [];
  const reading = (async () => {
    for await (const event of rest[0].changes()) {
      events.push(event);
      if (event.type === "applied" && format(event.command()).includes("bob")) break;
    }
  })();
  // Under way while it ends: each happens once.
  const more = Array.from({ length: 10 }, () => rest[0].append("deposit", "ann", 1));
  await byName(nodes, leader).stop();
  await Promise.all(more);
  assertEquals(await rest[1].read("balance", "ann"), 30);
  await rest[1].append("deposit", "bob", 1);
  await reading;
  assert(
    events.some((one) => one.type === "leader" && one.leader !== leader && one.leader !== null),
  );
  assert(rest[0].leader() !== leader);
}, THREE);

clusterTest(
  "without a majority nothing is answered, and it is said what is known",
  async (a, b, { c }) => {
    const refs = await banks([a, b, c]);
    await refs[0].append("deposit", "ann", 1);
    await Promise.all([b.stop(), c.stop()]);
    const short = refs[0].with({ timeout: 400 });
    const lost = await assertRejects(() => short.append("deposit", "ann", 1), RaftError);
    assertEquals(lost.kind, "timeout");
    await until(() => refs[0].leader() === null);
    const none = await assertRejects(() => short.append("deposit", "ann", 1), RaftError);
    // A member that is down may have been asked: whether it was sent before is not known then.
    assertEquals(none.kind, "timeout");
    await assertRejects(() => short.read("balance", "ann"), RaftError, "no leader");
    assertEquals(await refs[0].readLocal("balance", "ann"), 1);
    assertEquals(refs[0].quorum().has, false);
  },
  THREE,
);

clusterTest("members come and go, one at a time", async (a, b, cluster) => {
  const nodes = [a, b, cluster.c];
  const refs = await banks(nodes);
  for (let i = 0; i < 5; i++) await refs[0].append("deposit", "ann", 1);
  const d = await cluster.start("d@localhost");
  const fourth = await d.start(Bank, [{ members: NAMES, ...QUICK }], { register: "bank" });
  await refs[1].addMember("d@localhost", { as: "learner" });
  await until(() => fourth.serial() >= refs[0].serial());
  assertEquals(await fourth.readLocal("balance", "ann"), 5);
  assertEquals(fourth.status.members.learners, ["d@localhost"]);
  const twice = () => refs[0].addMember("d@localhost", { as: "learner" });
  assertEquals((await assertRejects(twice, RaftError)).kind, "bad_change");
  await refs[2].addMember("d@localhost"); // the learner votes
  await until(() => fourth.status.members.voters.length === 4);
  assertEquals(refs[0].quorum().needed, 3);
  const leader = await refs[0].ready();
  const gone = nodes.find(({ name }) => name !== leader)!;
  await fourth.removeMember(gone.name);
  await until(() => !fourth.status.members.voters.includes(gone.name));
  await fourth.removeMember(leader); // another one is elected
  await fourth.append("deposit", "ann", 1);
  assertEquals(await fourth.read("balance", "ann"), 6);
  assertEquals(fourth.status.members.voters.length, 2);
  assert(!fourth.status.members.voters.includes(leader));
  const nobody = () => fourth.removeMember("z@localhost");
  assertEquals((await assertRejects(nobody, RaftError)).kind, "bad_change");
}, THREE);

clusterTest("leadership goes where it is asked to", async (a, b, { c }) => {
  const refs = await banks([a, b, c]);
  for (const to of [...NAMES, ...NAMES]) {
    if (await refs[0].ready() === to) continue;
    await refs[0].transfer(to);
    await until(() => refs.every((ref) => ref.leader() === to));
    await refs[1].append("deposit", "ann", 1);
  }
  const none = () => refs[0].transfer("z@localhost");
  assertEquals((await assertRejects(none, RaftError)).kind, "bad_change");
  const itself = async () => await refs[0].transfer(await refs[0].ready());
  await assertRejects(itself, RaftError, "who is to lead must be a voter, and another one");
}, THREE);

clusterTest(
  "a member that has lost its storage is taken in again, as another one",
  async (a, b, cluster) => {
    const kept = new Map(NAMES.map((name) => [name, memoryStorage()]));
    const nodes = [a, b, cluster.c];
    const refs = await banks(nodes, ({ name }) => ({
      storage: kept.get(name)!,
      snapshotEvery: 10,
      keep: 2,
    }));
    for (let i = 0; i < 35; i++) await refs[0].append("deposit", "ann", 1);
    const leader = await refs[0].ready();
    const [one, two] = NAMES.filter((name) => name !== leader);
    const at = (name: string) => refs[NAMES.indexOf(name)];
    const options = { members: NAMES, ...QUICK, snapshotEvery: 10, keep: 2 };
    // With its storage: it is there at once.
    await at(one).stop();
    const same = await byName(nodes, one).start(Bank, [{ ...options, storage: kept.get(one)! }], {
      register: "bank",
    });
    await at(leader).append("deposit", "ann", 1);
    await until(() => same.serial() >= at(leader).serial());
    assertEquals(await same.readLocal("balance", "ann"), 36);
    // Without: the log that it needs is a snapshot by now.
    await at(two).stop();
    const next = await byName(nodes, two).start(Bank, [options], { register: "bank" });
    await until(() =>
      next.serial() >= at(leader).serial() && next.status.members.voters.length === 3 &&
      next.status.members.learners.length === 0
    );
    assertEquals(await next.readLocal("balance", "ann"), 36);
    assertEquals(next.status.members.voters, NAMES);
    // It counts: without the third one it is the majority.
    await byName(nodes, one).stop();
    assertEquals(await next.append("deposit", "ann", 1), 37);
  },
  THREE,
);

clusterTest("a group is not founded before all are there, nor twice", async (a, b, { c }) => {
  const options = { members: NAMES, ...QUICK };
  const first = await a.start(Bank, [options], { register: "bank" });
  const second = await b.start(Bank, [options], { register: "bank" });
  await assertRejects(() => first.with({ timeout: 600 }).ready(), RaftError, "no leader");
  assertEquals(second.status.members.voters, []);
  await c.start(Bank, [options], { register: "bank" });
  await first.with({ timeout: 20_000 }).append("deposit", "ann", 1);
  // The founder itself comes back with nothing.
  await first.stop();
  const again = await a.start(Bank, [options], { register: "bank" });
  await until(() => again.status.members.voters.length === 3 && again.serial() >= second.serial());
  assertEquals(await again.read("balance", "ann"), 1);
}, THREE);

clusterTest("from Erlang: terms, and who leads", async (a, b, { c }) => {
  const refs = await banks([a, b, c]);
  const leader = await refs[0].ready();
  const other = NAMES.find((name) => name !== leader)!;
  const ask = (node: string, term: unknown): Promise<Term> =>
    a.call({ name: "bank", node }, term as Encodable);
  const deposit = tuple(atom("deposit"), "ann", 5);
  const append = tuple(atom("$raft_append"), deposit);
  assertEquals(format(await ask(leader, append)), "{ok,5}");
  assertEquals(format(await ask(other, append)), `{error,{not_leader,${leader}}}`);
  const read = tuple(atom("$raft_read"), tuple(atom("balance"), "ann"));
  assertEquals(format(await ask(leader, read)), "{ok,5}");
  const bad = tuple(atom("$raft_append"), tuple(atom("deposit"), 1, 1));
  await assertRejects(() => ask(leader, bad), ExitError, "bad_request");
  await assertRejects(() => ask(leader, tuple(atom("$raft_add"), 1)), ExitError, "bad_request");
  await assertRejects(
    () => ask(leader, tuple(atom("$raft_append"), 1, 2, 3, "no term")),
    ExitError,
    "no term",
  );
  const status = format(await ask(other, atom("$raft_status")));
  assert(status.includes(leader), status);
}, THREE);

clusterTest("what others send by mistake does no harm", async (a, b, cluster) => {
  const refs = await banks([a, b, cluster.c]);
  await refs[0].append("deposit", "ann", 1);
  const raft = atom("$raft");
  for (
    const message of [
      tuple(raft, 1, 2, 3, 4),
      tuple(raft, "g", "b@localhost#1", "c@localhost#1", atom("vote")),
      tuple(
        raft,
        "g",
        "a@localhost#1",
        "c@localhost#1",
        tuple(atom("vote"), 99, 99, 99, false, true),
      ),
      tuple(raft, atom("hello"), "c@localhost#x", "other group", true),
      tuple(raft, atom("hello"), "z", null, true),
      tuple(raft, atom("hello"), "a@localhost#x", null, 7),
      atom("nonsense"),
    ]
  ) {
    for (const node of NAMES) a.send({ name: "bank", node }, message as Encodable);
  }
  assertEquals(await refs[2].append("deposit", "ann", 1), 2);
  assertEquals(await refs[1].read("balance", "ann"), 2);
}, THREE);

clusterTest(
  "a node that is no member is told nothing, and can do nothing",
  async (a, b, cluster) => {
    const refs = await banks([a, b, cluster.c]);
    const leader = await refs[0].ready();
    await refs[0].append("deposit", "ann", 1);
    const evil = await cluster.start("evil@localhost");
    const heard: Term[] = [];
    const self = evil.spawn(async (self) => {
      for await (const message of self) heard.push(message as Term);
    }, { register: "bank" });
    const raft = atom("$raft");
    const me = "evil@localhost#1";
    for (const node of NAMES) {
      const send = (...rest: unknown[]): void =>
        evil.send({ name: "bank", node }, tuple(raft, ...rest) as Encodable);
      send(atom("hello"), me, null, true);
      send(atom("hello"), me, "another group", true);
      send("another group", me, `${node}#1`, tuple(atom("append"), 1000, 0, 0, 0, 0, []));
      // Behind these, so that they have been looked at.
      await evil.call({ name: "bank", node }, atom("$raft_status"));
    }
    assertEquals(heard, []);
    assertEquals(refs.map((ref) => ref.leader()), [leader, leader, leader]);
    assertEquals(await refs[1].append("deposit", "ann", 1), 2);
    evil.exit(self, atom("shutdown"));
  },
  THREE,
);

clusterTest("back-pressure: more than maxPending is told to come again", async (a, b, { c }) => {
  const refs = await banks([a, b, c], () => ({ maxPending: 4, maxBatch: 100 }));
  const all = Array.from({ length: 60 }, (_, i) => refs[i % 3].append("deposit", "ann", 1));
  const replies = (await Promise.all(all)).sort((x, y) => x - y);
  assertEquals(replies, Array.from({ length: 60 }, (_, i) => i + 1)); // each once
}, THREE);

test("the types of commands and queries", () => {
  const typed = (ref: Awaited<ReturnType<typeof banks>>[number]): unknown[] => {
    const reply: Promise<number> = ref.append("deposit", "ann", 1);
    const balance: Promise<number> = ref.read("balance", "ann");
    // @ts-expect-error: there is no such command
    const none = () => ref.append("withdraw", "ann", 1);
    // @ts-expect-error: its arguments are others
    const other = () => ref.append("deposit", 1, "ann");
    return [reply, balance, none, other];
  };
  assertEquals(typeof typed, "function");
});

testNothingIsLeft();
