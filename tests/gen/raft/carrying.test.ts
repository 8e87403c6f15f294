// A member without a node, whose storage answers when it is told to: what is done before, behind and while something is saved, and who is taken for whom.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Atom, atom } from "../../../lib/etf/atom.ts";
import { decode } from "../../../lib/etf/decoder.ts";
import { encode } from "../../../lib/etf/encoder.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { type Answer, Carrier, type CarrierHost } from "../../../lib/gen/raft/_carrier.ts";
import { recover, type Recovered } from "../../../lib/gen/raft/_records.ts";
import { messageIn, messageTerm } from "../../../lib/gen/raft/_terms.ts";
import type { Members, Message } from "../../../lib/gen/raft/_types.ts";
import { command, membersAt } from "./_played.ts";

const [A, B, C] = ["a@h#1", "b@h#1", "c@h#1"];
const THREE: Members = { voters: [A, B, C], learners: [], rising: [] };
const OPTIONS = {
  founders: ["a@h", "b@h", "c@h"],
  snapshotEvery: 5,
  electionTimeout: 1_000,
  heartbeat: 100,
  maxBatch: 1_000,
  window: 4,
  maxPending: 100,
  chunk: 1_000,
  keep: 0,
};
const COMMAND = { ...command(0), bytes: encode(null) };
const RAFT = atom("$raft");
const HELLO = atom("hello");
const NEW: Recovered = {
  identity: null,
  stored: { hard: { term: 0, vote: null }, snapshot: null, entries: [] },
};

/** Something that is being written. */
interface Write {
  readonly what: "append" | "replace";
  readonly record: Uint8Array;
  settle(error?: Error): Promise<void>;
}

/** Member A, its disk, and what it does; `log` tells what is answered and carried out, in order. */
class Played {
  readonly carrier: Carrier;
  readonly sent: { to: string; term: Term }[] = [];
  readonly writes: Write[] = [];
  readonly records: Uint8Array[] = [];
  readonly log: string[] = [];
  readonly warnings: string[] = [];
  now = 0;

  constructor(recovered: Recovered = joined(THREE), byHand = true) {
    const host: CarrierHost = {
      nodeName: "a@h",
      now: () => this.now,
      random: () => 0,
      identity: () => "x",
      send: (to, term) => void this.sent.push({ to, term: decode(encode(term)) }),
      inTurn: (fn) => fn(),
      failed: (error) => void this.log.push(`failed: ${(error as Error).message}`),
      warn: (text) => void this.warnings.push(text),
      error: (text) => void this.warnings.push(text),
      applied: ({ index }) => void this.log.push(`applied ${index}`),
      restored: () => {},
      changed: () => {},
    };
    const write = (what: Write["what"]) => (record: Uint8Array): Promise<void> | void => {
      const done = (): void => {
        if (what === "replace") this.records.length = 0;
        this.records.push(record);
      };
      if (!byHand) return done();
      return new Promise((resolve, reject) => {
        const settle = async (error?: Error): Promise<void> => {
          this.writes.splice(this.writes.findIndex((one) => one.record === record), 1);
          if (error === undefined) done();
          if (error === undefined) resolve();
          else reject(error);
          for (let i = 0; i < 10; i++) await null;
        };
        this.writes.push({ what, record, settle });
      });
    };
    const storage = { open: () => [], append: write("append"), replace: write("replace") };
    const machine = { apply: () => null, snapshot: () => "state", restore: () => {} };
    this.carrier = new Carrier(host, storage, OPTIONS, machine, recovered);
  }

  get replica(): Carrier["replica"] {
    return this.carrier.replica;
  }

  /** What is written now is done, and all that follows from it. */
  async saved(): Promise<void> {
    while (this.writes.length > 0) await this.writes[0].settle();
  }

  tick(now: number): void {
    this.now = now;
    this.carrier.tick();
  }

  get(from: string, message: Message, origin = nodeOf(from), to = A, group = "group"): void {
    const term = tuple(RAFT, group, from, to, messageTerm(message)) as Encodable;
    this.carrier.received(decode(encode(term)), origin);
  }

  hello(from: string, group: string | null, wantsAnswer = false, origin = nodeOf(from)): void {
    const term = tuple(RAFT, HELLO, from, group, wantsAnswer) as Encodable;
    this.carrier.received(decode(encode(term)), origin);
  }

  /** Who answers is heard under a name. */
  answers(name: string): (answer: Answer) => void {
    return (answer) =>
      void this.log.push(
        `${name}: ${
          answer === "read" ? "read" : answer.type === "refused" ? answer.why : answer.type
        }`,
      );
  }

  /** What has been sent since, short. */
  takeSent(): string[] {
    return this.sent.splice(0).map(({ to, term }) => {
      const [, second, , , last] = term as unknown as Term[];
      const is = second instanceof Atom ? "hello" : messageIn(last).type;
      return `${is} to ${to.slice(0, 1)}`;
    });
  }
}

function nodeOf(id: string): string {
  return id.slice(0, id.indexOf("#"));
}

/** What a member has that has been there before. */
function joined(members: Members): Recovered {
  const hard = { term: 1, vote: null };
  const stored = { hard, snapshot: null, entries: [membersAt(1, 1, members)] };
  return { identity: { id: A, group: "group" }, stored };
}

/** Elected by B; its disk needs no time. */
function leader(members: Members = THREE): Played {
  const played = new Played(joined(members), false);
  played.tick(5_000);
  for (const pre of [true, false]) played.get(B, { type: "voted", term: 2, pre, granted: true });
  acked(played, B);
  assertEquals([played.replica.role, played.replica.commit], ["leader", 2]);
  played.log.length = played.sent.length = 0;
  return played;
}

/** It has all. */
function acked(played: Played, from: string): void {
  const { term, log: { lastIndex: index } } = played.replica;
  played.get(from, { type: "appended", term, round: 0, ok: true, index, hint: 0 });
}

// What is saved first

test("nobody is asked for a vote, or sent an entry, or answered, before what that rests on is saved", async () => {
  const played = new Played();
  const { carrier } = played;
  played.tick(5_000);
  assertEquals(played.takeSent(), ["vote to b", "vote to c"]); // only asks whether it would be elected
  played.get(B, { type: "voted", term: 2, pre: true, granted: true });
  assertEquals([played.takeSent(), played.writes.length], [[], 1]);
  await played.saved();
  assertEquals(recover(played.records).stored.hard, { term: 2, vote: A });
  assertEquals(played.takeSent(), ["vote to b", "vote to c"]);
  played.get(B, { type: "voted", term: 2, pre: false, granted: true });
  // More comes while that is written: it shares the next write.
  for (const name of ["one", "two"]) carrier.propose(COMMAND, played.answers(name));
  carrier.read(played.answers("read"));
  assertEquals([played.takeSent(), played.log, played.writes.length], [[], [], 1]);
  await played.writes[0].settle();
  assertEquals([played.takeSent(), played.writes.length], [["append to b", "append to c"], 1]);
  await played.writes[0].settle();
  assertEquals(recover(played.records).stored.entries.map(({ index }) => index), [2, 3, 4]);
  assertEquals([played.writes, played.log], [[], []]);
  acked(played, B);
  assertEquals(played.log, [
    "applied 1",
    "applied 2",
    "applied 3",
    "one: ok",
    "applied 4",
    "two: ok",
  ]);
  carrier.end();
});

test("what is asked is answered behind what was said before it", () => {
  const alone = new Played(joined({ voters: [A], learners: [], rising: [] }), false);
  alone.tick(5_000);
  alone.log.length = 0;
  alone.carrier.replica.propose(99, { type: "none" }); // is taken together with the next
  alone.carrier.read(alone.answers("read"));
  assertEquals(alone.log, ["applied 3", "read: read"]);
});

test("a storage that fails ends the member, and nothing follows from what it was to save", async () => {
  const played = new Played();
  played.tick(5_000);
  played.takeSent();
  played.get(B, { type: "voted", term: 2, pre: true, granted: true });
  await played.writes[0].settle(new Error("the disk is full"));
  assertEquals([played.log, played.takeSent()], [["failed: the disk is full"], []]);
});

test("a member that has ended does nothing any more", async () => {
  const played = new Played();
  played.tick(5_000);
  played.takeSent();
  played.get(B, { type: "voted", term: 2, pre: true, granted: true });
  await played.carrier.end();
  await played.saved();
  assertEquals([played.log, played.takeSent()], [[], []]);
});

test("a snapshot takes the place of all records, with who it is, its term and its vote", () => {
  const played = leader();
  for (let i = 3; i <= 4; i++) played.carrier.propose(COMMAND, () => {});
  acked(played, B);
  assertEquals(recover(played.records).stored.snapshot, null);
  assert(played.records.length > 1);
  played.carrier.propose(COMMAND, () => {});
  acked(played, B);
  assertEquals(played.records.length, 1);
  const { identity, stored } = recover(played.records);
  assertEquals(identity, { id: A, group: "group" });
  assertEquals([stored.hard, stored.snapshot?.index], [{ term: 2, vote: A }, 5]);
  assertEquals([stored.snapshot?.members, stored.entries], [THREE, []]);
  played.carrier.propose(COMMAND, () => {});
  acked(played, B);
  assertEquals(recover(played.records).stored.entries.map(({ index }) => index), [6]);
});

// Who it is

test("nobody hears of an identity that is not kept, and no group is founded by it", async () => {
  const played = new Played(NEW);
  played.carrier.pump();
  played.tick(0);
  for (const from of [B, C]) played.hello(from, null, true);
  assertEquals([played.takeSent(), played.replica.members.voters], [[], []]);
  await played.saved();
  assertEquals(recover(played.records).identity, { id: "a@h#x", group: null });
  played.tick(1);
  await played.saved();
  assertEquals(played.takeSent().slice(0, 2), ["hello to b", "hello to c"]);
  assertEquals(played.replica.members.voters, ["a@h#x", B, C]);
  const { identity, stored } = recover(played.records);
  assertEquals([identity?.group, stored.hard.term, stored.entries.length], ["x", 1, 1]);
});

test("only founders say whether a group is there", async () => {
  const played = new Played(NEW);
  played.carrier.pump();
  await played.saved();
  played.hello("z@h#1", "a group of others");
  for (const from of [B, C]) played.hello(from, null);
  assertEquals(played.replica.members.voters, ["a@h#x", B, C]);
});

test("a storage is that of one node", () => {
  const other = { ...joined(THREE), identity: { id: B, group: "group" } };
  assertThrows(() => new Played(other), Error, "its storage is that of b@h");
});

test("what says that it is of somebody else, for somebody else, or of another group is not heard", () => {
  const played = new Played(undefined, false);
  const append: Message = {
    ...{ type: "append", term: 9, prevIndex: 1, prevTerm: 1, commit: 0, round: 1 },
    entries: [],
  };
  played.get(B, append, "c@h");
  played.get(B, append, "b@h", "a@h#0");
  played.get(B, append, "b@h", A, "another");
  assertEquals([played.replica.term, played.takeSent()], [1, []]);
  assertEquals(played.warnings.length, 2); // what is for the one that was here before is nobody's fault
  played.get(B, append);
  assertEquals([played.replica.term, played.takeSent()], [9, ["appended to b"]]);
});

test("it is none any more only when that is committed", () => {
  const played = new Played(joined({ ...THREE, voters: [B, C] }), false);
  assertEquals(played.carrier.isRemoved, false);
  played.get(B, {
    ...{ type: "append", term: 1, prevIndex: 1, prevTerm: 1, commit: 1, round: 1 },
    entries: [],
  });
  assertEquals(played.carrier.isRemoved, true);
});

// Who is taken in

const MEMBERS: Members = { voters: [A, B, C], learners: ["l@h#1"], rising: [] };

function members(played: Played): string {
  const { voters, learners, rising } = played.replica.members;
  const short = (ids: readonly string[]): string => ids.map((id) => id.replace("@h#", "")).join();
  return `${short(voters)} ${short(learners)} ${short(rising)}`.trimEnd();
}

test("who is there again without its storage is taken in as what it was, and nobody else is", () => {
  const played = leader(MEMBERS);
  const before = members(played);
  played.hello("d@h#1", null); // nobody has asked for it
  played.hello("b@h#2", "another"); // is a member elsewhere
  played.hello("b@h#2", null, false, "c@h"); // somebody else says so
  assertEquals(members(played), before);
  played.hello("b@h#2", null);
  assertEquals(members(played), "a1,b1,c1 l1 b2");
  const other = leader(MEMBERS);
  other.hello("l@h#2", null);
  assertEquals(members(other), "a1,b1,c1 l1,l2");
});

test("of two on one node the one that was there before goes, as soon as the other one is taken in", () => {
  const voter = leader({ ...THREE, rising: ["b@h#2"] });
  voter.tick(5_010);
  assertEquals(members(voter), "a1,c1  b2");
  const learner = leader({ ...THREE, learners: ["l@h#1", "l@h#2"] });
  learner.tick(5_010);
  assertEquals(members(learner), "a1,b1,c1 l2");
});

test("a node that was asked for is taken in when it says who it is, or refused after ten seconds", () => {
  const played = leader();
  played.carrier.add("d@h", "learner", played.answers("first"));
  assertEquals(played.takeSent(), ["hello to d"]);
  played.carrier.add("d@h", "voter", played.answers("second"));
  played.hello("d@h#1", null);
  assertEquals([members(played), played.log], ["a1,b1,c1  d1", ["first: busy"]]);
  acked(played, B);
  assertEquals(played.log.slice(1), ["applied 3", "second: ok"]);
  played.log.length = 0;
  played.carrier.add("e@h", "voter", played.answers("third"));
  for (let now = 5_500; now <= 15_500; now += 500) {
    acked(played, B); // it leads on
    played.tick(now);
  }
  assertEquals(played.log.filter((text) => text.startsWith("third")), ["third: not_leader"]);
  played.hello("e@h#1", null);
  assertEquals(members(played).includes("e1"), false);
});
