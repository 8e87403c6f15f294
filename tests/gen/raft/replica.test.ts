// The core alone, under everything that can happen to it: see _world.ts.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Replica } from "../../../lib/gen/raft/_replica.ts";
import type { Entry, Message } from "../../../lib/gen/raft/_types.ts";
import { MUTANTS } from "./_mutants.ts";
import { Violation, World } from "./_world.ts";

const SEEDS = 120;

test(`${SEEDS} runs with 3 and 5 members, in which everything goes wrong`, () => {
  const seen = { elections: 0, crashes: 0, installed: 0, operations: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, members: seed % 2 === 0 ? 5 : 3 });
    try {
      world.run();
    } catch (cause) {
      throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
    }
    seen.elections += world.elections;
    seen.crashes += world.crashes;
    seen.installed += world.installed;
    seen.operations += world.history.length;
  }
  // It was not too easy.
  for (const [what, count] of Object.entries(seen)) assert(count > SEEDS, `${count} ${what}`);
});

test("the same seed gives the same run", () => {
  const one = new World({ seed: 9, members: 3 });
  const two = new World({ seed: 9, members: 3 });
  one.run();
  two.run();
  assertEquals([two.steps, two.elections, two.history], [one.steps, one.elections, one.history]);
});

/** The first seeds by which they were found; where _world.ts has changed, tests/long/raft_mutants.ts finds others. */
const FOUND: Readonly<Record<string, number>> = {
  "votes twice in a term": 8,
  "votes for whoever has less": 5,
  "commits without a majority": 94,
  "commits what only the leader has": 1,
  "takes entries behind a gap or another log": 1,
  "reads without asking the others": 483,
  "answers before it is on disk": 246,
  "forgets its vote in a crash": 13,
  "comes back without its storage as the same": 35,
  "does not know a request again": 2,
};

for (const [name, fault] of Object.entries(MUTANTS)) {
  const seed = FOUND[name];
  if (seed === undefined) continue;
  test(`a Raft that ${name} is caught`, () => {
    const world = new World({ seed, members: seed % 2 === 0 ? 5 : 3, fault });
    assertThrows(() => world.run(), Violation);
  });
}

test("every mutant is caught by one of these tests", () => {
  const here = Object.keys(MUTANTS).filter((name) => !(name in FOUND));
  assertEquals(here, ["commits entries of former leaders by counting"]);
});

// What the runs find only once in many thousands: figure 8 of the paper, played by hand.

const IDS = ["s1", "s2", "s3", "s4", "s5"];
const MEMBERS = { voters: IDS, learners: [], rising: [] };
const OPTIONS = {
  electionTimeout: 100_000,
  heartbeat: 20,
  maxBatch: 1, // an entry for each message
  window: 1,
  maxPending: 10,
  chunk: 100,
  keep: 10,
};
const FIRST: Entry = { index: 1, term: 1, payload: { type: "members", members: MEMBERS } };

function member(
  id: string,
  term: number,
  entries: readonly Entry[],
  Class: typeof Replica = Replica,
): Replica {
  const stored = { hard: { term, vote: null }, snapshot: null, entries: [FIRST, ...entries] };
  return new Class(id, stored, OPTIONS, () => 0, 0);
}

let now = 200_000;

/** Elects one by the votes of others, and gives what it sends then, by receiver. */
function elect(candidate: Replica, voters: readonly string[]): Map<string, Message[]> {
  candidate.tick(now);
  for (const pre of [true, false]) {
    candidate.take();
    const term = pre ? candidate.term + 1 : candidate.term;
    for (const voter of voters) {
      candidate.receive(voter, { type: "voted", term, pre, granted: true }, now);
    }
  }
  assertEquals(candidate.role, "leader");
  const sent = new Map<string, Message[]>(IDS.map((id) => [id, []]));
  for (const { to, message } of candidate.take().messages) sent.get(to)!.push(message);
  return sent;
}

/** Follows a leader to the end of what it sends, as far as entries are of that term at most. */
function replicate(leader: Replica, follower: Replica, lastTerm: number): void {
  for (let round = 0; round < 20; round++) {
    leader.tick(now += 30);
    for (const { to, message } of leader.take().messages) {
      if (to !== follower.id || message.type !== "append") continue;
      const entries = message.entries.filter(({ term }) => term <= lastTerm); // the others come later
      follower.receive(leader.id, { ...message, entries }, now);
    }
    for (const { message } of follower.take().messages) {
      leader.receive(follower.id, message, now);
    }
  }
}

function figure8(Class: typeof Replica): { committed: number; replaced: boolean } {
  const two: Entry = { index: 2, term: 2, payload: { type: "none" } };
  const three: Entry = { index: 2, term: 3, payload: { type: "none" } };
  // s1 led term 2 and s2 has its entry; s5 led term 3 and has another one, alone. Now s1 leads term 4.
  const s1 = member("s1", 3, [two], Class);
  const s2 = member("s2", 3, [two], Class);
  const s3 = member("s3", 3, [], Class);
  const s5 = member("s5", 3, [three], Class);
  elect(s1, ["s2", "s3"]);
  replicate(s1, s2, 2);
  replicate(s1, s3, 2);
  assertEquals([s2.log.lastTerm, s3.log.lastTerm], [2, 2]);
  const committed = s1.commit;
  // s1 is gone; s5 is elected, for its log ends with a later term.
  s5.receive(
    "s1",
    { type: "vote", term: 4, lastIndex: 0, lastTerm: 0, pre: false, forced: true },
    0,
  );
  s5.take();
  elect(s5, ["s3", "s4"]);
  assertEquals([s5.term, s5._isUpToDate(s3.log.lastIndex, s3.log.lastTerm)], [5, false]);
  try {
    replicate(s5, s3, 5);
    return { committed, replaced: s3.log.term(2) === 3 };
  } catch {
    return { committed, replaced: false };
  }
}

test("an entry of a former leader is not committed by being counted", () => {
  assertEquals(figure8(Replica), { committed: 0, replaced: true });
});

test("a Raft that commits entries of former leaders by counting is caught", () => {
  const { committed } = figure8(
    MUTANTS["commits entries of former leaders by counting"].Replica!,
  );
  assertEquals(committed, 2); // which s5 replaces
});
