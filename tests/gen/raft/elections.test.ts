// Who stands for election, who votes, who leads, and who hears of it: each rule played by hand.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { Replica } from "../../../lib/gen/raft/_replica.ts";
import type { Effects, Members, Message } from "../../../lib/gen/raft/_types.ts";
import {
  ack,
  append,
  elected,
  FIRST,
  FIVE,
  leading,
  member,
  membersAt,
  none,
  OPTIONS,
  sentTo,
  THREE,
} from "./_played.ts";

function ask(
  replica: Replica,
  from: string,
  term: number,
  more: Partial<Extract<Message, { type: "vote" }>> = {},
  now = 10,
): Effects {
  const vote = { type: "vote", term, lastIndex: 9, lastTerm: 1, pre: false, forced: false };
  replica.receive(from, { ...vote, ...more } as Message, now);
  return replica.take();
}

function voted(
  replica: Replica,
  from: string,
  term: number,
  pre: boolean,
  granted = true,
  now = 5_000,
): Effects {
  replica.receive(from, { type: "voted", term, pre, granted }, now);
  return replica.take();
}

/** What came back: its term, and whether the vote was granted. */
function answer({ messages }: Effects): [term: number, granted: boolean] | null {
  const [first] = messages;
  return first?.message.type === "voted" ? [first.message.term, first.message.granted] : null;
}

/** The votes that are asked for. */
function asked({ messages }: Effects): unknown[] {
  return messages.map(({ to, message }) => {
    const { term, pre, forced } = message as Extract<Message, { type: "vote" }>;
    return [to, message.type, term, pre ? "pre" : "real", forced ? "forced" : ""];
  });
}

const pres = (term: number): unknown[] => [
  ["b", "vote", term, "pre", ""],
  ["c", "vote", term, "pre", ""],
];

test("one vote in a term: kept, given again to the same one, and to nobody else before the next term", () => {
  const voter = member("a", [FIRST]);
  const first = ask(voter, "b", 2);
  assertEquals(answer(first), [2, true]);
  assertEquals(first.save?.hard, { term: 2, vote: "b" });
  const again = ask(voter, "b", 2);
  assertEquals([answer(again), again.save], [[2, true], null]);
  assertEquals(answer(ask(voter, "c", 2)), [2, false]);
  assertEquals(answer(ask(voter, "c", 2, { pre: true })), [2, false]); // the term is spent
  const pre = ask(voter, "c", 3, { pre: true });
  assertEquals([answer(pre), pre.save, voter.term], [[3, true], null, 2]); // promises nothing
  assertEquals(answer(ask(voter, "c", 3)), [3, true]);
});

test("a later last entry goes before a longer log, a longer log before a shorter one", () => {
  const log = [FIRST, none(2, 3), none(3, 3)];
  for (
    const [lastIndex, lastTerm, granted] of [
      [9, 2, false],
      [2, 3, false],
      [3, 3, true],
      [4, 3, true],
      [1, 4, true],
    ] as const
  ) {
    for (const pre of [true, false]) {
      const effects = ask(member("a", log), "b", 5, { lastIndex, lastTerm, pre, forced: !pre });
      assertEquals(answer(effects)?.[1], granted, `${lastIndex} of term ${lastTerm}`);
    }
  }
});

test("a term is kept, also where the vote is refused", () => {
  const voter = member("a", [FIRST, none(2, 1)]);
  const refused = ask(voter, "b", 7, { lastIndex: 1 });
  assertEquals(answer(refused), [7, false]);
  assertEquals(refused.save?.hard, { term: 7, vote: null });
  assertEquals(voter.leader, null); // who asks for votes does not lead
  assertEquals(answer(ask(voter, "c", 7)), [7, true]);
});

test("after a restart it knows its term and its vote, and waits before it stands", () => {
  const hard = { term: 3, vote: "b" };
  const voter = new Replica("a", { hard, snapshot: null, entries: [FIRST] }, OPTIONS, () => 0, 0);
  assertEquals(answer(ask(voter, "c", 3)), [3, false]);
  assertEquals(answer(ask(voter, "b", 3)), [3, true]);
  const other = member("a", [FIRST]);
  other.tick(999);
  assertEquals(asked(other.take()), []);
});

test("who follows a leader votes for nobody else in its term", () => {
  const follower = member("a", [FIRST]);
  append(follower, [1, 1], [], 1, 2);
  assertEquals(answer(ask(follower, "c", 2, { forced: true })), [2, false]);
});

test("who has given its vote waits as long as if it had heard of a leader", () => {
  const voter = member("a", [FIRST]);
  ask(voter, "c", 2, { lastIndex: 0 }, 0); // refused, but it is of this term now
  assertEquals(answer(ask(voter, "b", 2, {}, 900)), [2, true]);
  voter.tick(1_899);
  assertEquals(asked(voter.take()), []);
  voter.tick(1_900);
  assertEquals(asked(voter.take()), pres(3));
});

test("who does not hear of a leader asks first, for as long as nobody answers, and its term stays", () => {
  const one = member("a", [FIRST]);
  append(one, [1, 1], [], 1, 2, 0);
  append(one, [1, 1], [], 1, 2, 900);
  one.tick(1_899); // a heartbeat has put it off
  assertEquals([asked(one.take()), one.leader], [[], "b"]);
  for (const now of [1_900, 2_900, 3_900]) {
    one.tick(now);
    const effects = one.take();
    assertEquals([asked(effects), effects.save, one.leader], [pres(3), null, null]);
    one.tick(now + 999);
    assertEquals(asked(one.take()), []);
  }
});

test("how long it waits is left to chance, from one timeout to two", () => {
  for (const [chance, at] of [[0, 1_000], [0.5, 1_500], [0.999, 1_999]]) {
    const stored = { hard: { term: 1, vote: null }, snapshot: null, entries: [FIRST] };
    const one = new Replica("a", stored, OPTIONS, () => chance, 0);
    one.tick(at - 1);
    assertEquals(one.take().messages, []);
    one.tick(at);
    assertEquals(one.take().messages.length, 2);
  }
});

test("only voters stand for election, and only voters are asked", () => {
  const members: Members = { voters: ["b", "c"], learners: ["a"], rising: ["d"] };
  for (const id of ["a", "d"]) {
    const one = member(id, [membersAt(1, 1, members)]);
    append(one, [1, 1], [], 1, 1);
    one.tick(9_000);
    assertEquals([one.take().messages, one.role, one.leader], [[], "follower", null]);
    append(one, [1, 1], [], 1, 1, 9_000);
    one.receive("b", { type: "elect", term: 1 }, 9_010);
    assertEquals([one.take().messages, one.role, one.term], [[], "follower", 1]);
  }
  const voter = member("b", [membersAt(1, 1, members)]);
  voter.tick(9_000);
  assertEquals(voter.take().messages.map(({ to }) => to), ["c"]);
});

test("a majority of five is three: of those that would vote, and then of those that do", () => {
  const one = member("a", [membersAt(1, 1, FIVE)]);
  one.tick(5_000);
  one.take();
  assertEquals(voted(one, "b", 2, true).messages, []);
  const real = voted(one, "c", 2, true);
  assertEquals(
    real.messages.map(({ message }) => message),
    Array(4).fill(
      { type: "vote", term: 2, lastIndex: 1, lastTerm: 1, pre: false, forced: false },
    ),
  );
  assertEquals([real.save?.hard, one.role], [{ term: 2, vote: "a" }, "candidate"]);
  voted(one, "b", 2, false);
  assertEquals(one.role, "candidate");
  voted(one, "c", 2, false);
  assertEquals([one.role, one.leader, one.log.lastIndex], ["leader", "a", 2]);
  voted(one, "d", 2, false); // comes late
  assertEquals([one.role, one.log.lastIndex], ["leader", 2]);
});

test("what is no vote for this election does not count", () => {
  const one = member("a", [FIRST]);
  one.tick(5_000);
  one.take();
  voted(one, "b", 1, true, false);
  voted(one, "b", 9, true); // of another question
  assertEquals([one.role, one.term], ["candidate", 1]);
  voted(one, "b", 2, true);
  assertEquals([one.role, one.term], ["candidate", 2]);
  voted(one, "b", 2, false, false);
  voted(one, "c", 2, true); // an answer to the question before
  voted(one, "c", 3, true);
  assertEquals([one.role, one.term], ["candidate", 2]);
  append(one, [1, 1], [], 1, 2); // b leads
  assertEquals([one.role, one.leader], ["follower", "b"]);
  voted(one, "c", 2, false);
  assertEquals([one.role, one.leader], ["follower", "b"]);
});

test("who is refused for a later term is of that term", () => {
  const one = member("a", [FIRST]);
  one.tick(5_000);
  one.take();
  const effects = voted(one, "b", 6, true, false);
  assertEquals([one.role, one.term, effects.save?.hard], ["follower", 6, { term: 6, vote: null }]);
});

test("while a leader is heard of nobody is elected, unless the leader wants it", () => {
  const follower = member("a", [FIRST]);
  append(follower, [1, 1], [], 1, 2, 100);
  for (const pre of [true, false]) {
    assertEquals(ask(follower, "c", 3, { pre }, 1_099).messages, []);
  }
  assertEquals([follower.term, follower.leader], [2, "b"]);
  assertEquals(answer(ask(follower, "c", 3, { pre: true }, 1_100)), [3, true]); // a timeout later
  assertEquals(answer(ask(follower, "c", 3, { forced: true }, 200)), [3, true]);
  // Now it knows of no leader, though it heard of one a moment ago.
  assertEquals(answer(ask(follower, "b", 4, {}, 210)), [4, true]);
});

test("a leader hears nobody who wants to be elected without its leave", () => {
  const leader = leading();
  for (const pre of [true, false]) assertEquals(ask(leader, "c", 3, { pre }, 90_000).messages, []);
  assertEquals([leader.role, leader.term], ["leader", 2]);
  assertEquals(answer(ask(leader, "c", 3, { lastTerm: 2, forced: true }, 5_010)), [3, true]);
  assertEquals([leader.role, leader.leading, leader.leader], ["follower", null, null]);
});

test("who is to take over stands at once, with the leader's leave, and only by the leader's word", () => {
  const follower = member("a", [FIRST]);
  append(follower, [1, 1], [], 1, 2, 0);
  follower.receive("c", { type: "elect", term: 2 }, 990);
  assertEquals([follower.take().messages, follower.term], [[], 2]);
  follower.receive("b", { type: "elect", term: 2 }, 990);
  assertEquals(asked(follower.take()), [
    ["b", "vote", 3, "real", "forced"],
    ["c", "vote", 3, "real", "forced"],
  ]);
  assertEquals([follower.leader, follower.role], [null, "candidate"]);
  follower.tick(1_989); // as long as any other election
  assertEquals(follower.take().messages, []);
});

test("a candidate follows who leads its term", () => {
  for (const install of [false, true]) {
    const one = member("a", [FIRST]);
    one.tick(5_000);
    voted(one, "b", 2, true);
    assertEquals([one.role, one.term], ["candidate", 2]);
    if (!install) append(one, [1, 1], [], 1, 2, 5_990);
    else {
      one.receive("b", {
        ...{ type: "install", term: 2, round: 1, index: 5, lastTerm: 1, members: THREE },
        ...{ total: 5, offset: 0, bytes: new Uint8Array(2) },
      }, 5_990);
    }
    assertEquals([one.role, one.leader], ["follower", "b"]);
    one.take();
    one.tick(6_989);
    assertEquals([one.take().messages, one.leader], [[], "b"]);
  }
});

test("who belongs to an earlier term is told of the later one, and changes nothing", () => {
  const one = member("a", [FIRST, none(2, 4)]);
  const told = { type: "appended", term: 4, round: 0, ok: false, index: 0, hint: 0 } as const;
  assertEquals(sentTo("b", append(one, [1, 1], [none(2, 3)], 2, 3)), [told]);
  one.receive("b", {
    ...{ type: "install", term: 3, round: 1, index: 9, lastTerm: 3, members: THREE },
    ...{ total: 0, offset: 0, bytes: new Uint8Array(0) },
  }, 10);
  assertEquals(sentTo("b", one.take()), [told]);
  assertEquals(answer(ask(one, "b", 3, { pre: true, lastTerm: 9 })), [4, false]);
  assertEquals(answer(ask(one, "b", 3, { lastTerm: 9 })), null);
  one.receive("b", { type: "elect", term: 3 }, 10);
  assertEquals(one.take().messages, []);
  assertEquals([one.leader, one.term, one.commit, one.log.lastTerm], [null, 4, 0, 4]);
});

test("a leader that hears of a later term follows, and answers nothing that it did not know", () => {
  const leader = leading();
  leader.read(1);
  leader.propose(2, { type: "none" });
  leader.propose(3, { type: "none" });
  leader.take();
  const { committed } = ack(leader, "b", 3);
  assertEquals(committed.map(({ ticket }) => ticket), [2]);
  const effects = append(leader, [2, 2], [], 2, 3);
  assertEquals([leader.role, leader.leading, leader.leader], ["follower", null, "b"]);
  assertEquals(effects.refused, [{ ticket: 3, why: "unknown" }, { ticket: 1, why: "not_leader" }]);
  assertEquals([effects.reads, effects.committed], [[], []]);
  leader.propose(4, { type: "none" });
  leader.read(5);
  leader.change(6, { type: "remove", id: "c" }, 5_000);
  leader.transfer(7, "c", 5_000);
  const refused = [4, 5, 6, 7].map((ticket) => ({ ticket, why: "not_leader" as const }));
  assertEquals(leader.take().refused, refused);
  // A late answer to what it did as a leader says nothing.
  assertEquals(ack(leader, "c", 3, 9, 2).reads, []);
});

test("reads that came before the leader knew what is committed are not answered by one that leads no more", () => {
  const leader = member("a", [FIRST]);
  elected(leader, ["b"]);
  leader.read(1);
  const effects = append(leader, [1, 1], [], 1, 3);
  assertEquals([effects.reads, effects.refused], [[], [{ ticket: 1, why: "not_leader" }]]);
});

test("two leaders of one term are a fault that is not lived with", () => {
  const leader = leading();
  assertThrows(() => append(leader, [1, 1], [], 1, 2), Error, "two leaders in term 2");
});

test("who founds a group keeps its term and stands at once", () => {
  const empty = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };
  const founder = new Replica("a", empty, OPTIONS, () => 0.5, 0);
  founder.found(THREE);
  const { save } = founder.take();
  assertEquals([save?.hard, save?.entries], [{ term: 1, vote: null }, [FIRST]]);
  founder.tick(1);
  assertEquals(asked(founder.take()), pres(2));
  const alone = new Replica("a", empty, OPTIONS, () => 0.5, 0);
  alone.found({ voters: ["a"], learners: [], rising: [] });
  alone.tick(1);
  assertEquals([alone.role, alone.term, alone.commit], ["leader", 2, 2]);
});
