// What a leader does, when it steps down, whom it takes in and lets go: each rule played by hand.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { Replica } from "../../../lib/gen/raft/_replica.ts";
import type { Effects, Members, Message } from "../../../lib/gen/raft/_types.ts";
import {
  ack,
  append,
  command,
  elected,
  FIVE,
  leading,
  member,
  membersAt,
  none,
  sentTo,
  settled,
  THREE,
} from "./_played.ts";

const NONE = { type: "none" } as const;

/** Time passes, and what is sent then is counted by receiver. */
function tick(leader: Replica, now: number): Effects {
  leader.tick(now);
  return leader.take();
}

function receivers({ messages }: Effects): string {
  return messages.map(({ to }) => to).join("");
}

// When it steps down

test("a leader that hears of no majority for an election timeout steps down, not earlier and not later", () => {
  const leader = leading();
  tick(leader, 6_000);
  assertEquals(leader.role, "leader");
  tick(leader, 6_001);
  assertEquals([leader.role, leader.leader], ["follower", null]);
});

test("whatever a voter answers keeps a leader: it and itself are a majority of three", () => {
  const answers: readonly Message[] = [
    { type: "appended", term: 2, round: 1, ok: true, index: 2, hint: 0 },
    { type: "appended", term: 2, round: 1, ok: false, index: 1, hint: 0 },
    { type: "installed", term: 2, round: 1, index: 9, offset: 0 },
  ];
  for (const answer of answers) {
    const leader = leading();
    leader.receive("c", answer, 5_900);
    tick(leader, 6_900);
    assertEquals(leader.role, "leader");
    tick(leader, 6_901);
    assertEquals(leader.role, "follower");
  }
});

test("one of four others is no majority of five, learners are none at all", () => {
  const members = { ...FIVE, learners: ["l", "m"], rising: ["r"] };
  for (const heard of [["d"], ["d", "l", "m", "r"], ["d", "e"]]) {
    const leader = leading({}, members);
    for (const one of heard) ack(leader, one, 2, 0, 2, 5_900);
    tick(leader, 6_100);
    assertEquals(leader.role, heard.includes("e") ? "leader" : "follower");
  }
});

test("nothing is said of a proposal, and a read is refused, where the leader steps down", () => {
  const leader = leading();
  leader.propose(1, NONE);
  leader.read(2);
  leader.take();
  const { refused, reads } = tick(leader, 6_001);
  assertEquals(refused, [{ ticket: 1, why: "unknown" }, { ticket: 2, why: "not_leader" }]);
  assertEquals(reads, []);
});

// Heartbeats

test("a heartbeat goes to everybody in its time, and not in between", () => {
  const members = { ...THREE, learners: ["l"] };
  const leader = leading({}, members);
  for (const one of ["b", "c", "l"]) ack(leader, one, 2, 0, 2, 5_090);
  for (const [now, to] of [[5_099, ""], [5_100, "bcl"], [5_101, ""], [5_199, ""], [5_200, "bcl"]]) {
    const effects = tick(leader, now as number);
    assertEquals([now, receivers(effects)], [now, to]);
    for (const { message } of effects.messages) {
      assertEquals(message.type === "append" && [message.prevIndex, message.entries.length], [
        2,
        0,
      ]);
    }
  }
});

test("each heartbeat is another round, so that an answer says what it is an answer to", () => {
  const leader = leading();
  for (const one of ["b", "c"]) ack(leader, one, 2);
  const rounds = [5_100, 5_200, 5_300].map((now) => {
    const [message] = sentTo("b", tick(leader, now));
    return message.type === "append" ? message.round : 0;
  });
  assertEquals(rounds, [2, 3, 4]);
});

// Commands

test("what a majority has is committed and told at once; an answer that nobody waits for any more is none", () => {
  const leader = leading();
  ack(leader, "c", 2);
  leader.propose(1, NONE);
  const sent = leader.take();
  assertEquals([receivers(sent), sent.save?.entries.length], ["bc", 1]);
  const effects = ack(leader, "b", 3);
  assertEquals(effects.committed.map(({ entry, ticket }) => [entry.index, ticket]), [[3, 1]]);
  for (const one of ["b", "c"]) {
    const [message] = sentTo(one, effects);
    assertEquals(message.type === "append" && message.commit, 3);
  }
  assertEquals(ack(leader, "c", 3).committed, []);
  assertEquals(tick(leader, 9_000).refused, []); // it has been answered
});

test("an answer that is none of success commits nothing", () => {
  const leader = leading();
  leader.propose(1, NONE);
  leader.take();
  leader.receive("b", { type: "appended", term: 2, round: 1, ok: false, index: 3, hint: 3 }, 5_000);
  assertEquals([leader.take().committed, leader.commit], [[], 2]);
});

test("so many commands may be under way, and as many again when those are done", () => {
  const leader = leading({ maxPending: 3 });
  for (const last of [5, 8]) {
    for (let ticket = 1; ticket <= 4; ticket++) leader.propose(ticket, NONE);
    assertEquals(leader.take().refused, [{ ticket: 4, why: "overloaded" }]);
    assertEquals(leader.log.lastIndex, last);
    ack(leader, "b", last);
  }
});

test("so many bytes may be under way, and as many again when those are done", () => {
  const leader = leading({ maxBatch: 100, maxPending: 1_000 });
  for (let round = 0; round < 2; round++) {
    // 64 messages of 100 bytes; each command is 168 more than its overhead of 32.
    for (let ticket = 1; ticket <= 33; ticket++) leader.propose(ticket, command(168));
    assertEquals(leader.take().refused, [{ ticket: 33, why: "overloaded" }]);
    ack(leader, "b", leader.log.lastIndex);
  }
});

// Reads

test("a round that was answered stays answered, whatever comes late", () => {
  const leader = leading({}, FIVE);
  leader.read(1);
  leader.take();
  assertEquals(ack(leader, "b", 2, 2).reads, []);
  assertEquals(ack(leader, "b", 2, 1).reads, []);
  // Who has another log takes it for the leader as well.
  const refused: Message = { type: "appended", term: 2, round: 2, ok: false, index: 2, hint: 1 };
  leader.receive("c", refused, 5_000);
  assertEquals(leader.take().reads, [{ ticket: 1, index: 2 }]);
});

test("a read needs no round where nobody else votes, also where the others have just gone", () => {
  const alone = settled("a", { voters: ["a"], learners: ["l"], rising: [] });
  elected(alone, []);
  alone.read(1);
  assertEquals(alone.take().reads, [{ ticket: 1, index: 2 }]);
  const two = settled("a", { voters: ["a", "b"], learners: [], rising: [] });
  elected(two, ["b"]);
  ack(two, "b", 2);
  two.read(2);
  assertEquals(two.take().reads, []);
  two.change(3, { type: "remove", id: "b" }, 5_000);
  assertEquals(two.take().reads, [{ ticket: 2, index: 2 }]);
});

// Members

test("what cannot be changed is refused, and nothing is put into the log", () => {
  const leader = leading({}, { ...THREE, learners: ["l"] });
  for (
    const change of [
      { type: "add", id: "b", as: "voter" },
      { type: "add", id: "l", as: "learner" },
      { type: "remove", id: "z" },
      { type: "promote", id: "b" },
    ] as const
  ) leader.change(1, change, 5_000);
  assertEquals(leader.take().refused, Array(4).fill({ ticket: 1, why: "bad_change" }));
  assertEquals(leader.log.lastIndex, 2);
});

test("who is taken in is sent what there is from now on, and the change is answered", () => {
  const leader = leading();
  leader.change(1, { type: "add", id: "d", as: "learner" }, 5_000);
  const [first] = sentTo("d", leader.take());
  assertEquals(first.type === "append" && [first.prevIndex, first.entries.length], [3, 0]);
  assertEquals(ack(leader, "b", 3).committed.map(({ ticket }) => ticket), [1]);
});

test("who is alone changes the members by itself", () => {
  const alone = settled("a", { voters: ["a"], learners: [], rising: [] });
  elected(alone, []);
  alone.change(1, { type: "add", id: "l", as: "learner" }, 5_000);
  assertEquals(alone.take().committed.map(({ ticket }) => ticket), [1]);
});

test("who is let go is told so, and then not spoken to any more; who comes back meanwhile is", () => {
  for (const again of [false, true]) {
    const leader = leading({}, { ...THREE, learners: ["l"] });
    ack(leader, "l", 2);
    leader.change(1, { type: "remove", id: "l" }, 5_000);
    const [removal] = sentTo("l", leader.take());
    assertEquals(removal.type === "append" && removal.entries.map(({ index }) => index), [3]);
    leader.receive(
      "b",
      { type: "appended", term: 2, round: 1, ok: true, index: 3, hint: 0 },
      5_000,
    );
    if (again) leader.change(2, { type: "add", id: "l", as: "learner" }, 5_000);
    const [told] = sentTo("l", leader.take());
    assertEquals(told.type === "append" && told.commit, 3);
    ack(leader, "l", 3);
    assertEquals(sentTo("l", tick(leader, 5_100)).length, again ? 1 : 0);
    assertEquals(leader.leading!.progress.has("l"), again);
  }
});

test("a leader that is let go leads until that is committed, and tells the others first", () => {
  const leader = leading();
  ack(leader, "c", 2);
  leader.change(1, { type: "remove", id: "a" }, 5_000);
  leader.take();
  assertEquals(leader.role, "leader");
  ack(leader, "b", 3);
  leader.receive("c", { type: "appended", term: 2, round: 1, ok: true, index: 3, hint: 0 }, 5_000);
  leader.change(2, { type: "add", id: "d", as: "learner" }, 5_000); // nobody of it decides that
  const effects = leader.take();
  assertEquals(effects.refused, [{ ticket: 2, why: "busy" }]);
  assertEquals(effects.committed.map(({ ticket }) => ticket), [1]);
  for (const one of ["b", "c"]) {
    const [message] = sentTo(one, effects);
    assertEquals(message.type === "append" && message.commit, 3);
  }
  assertEquals([leader.role, leader.leader], ["follower", null]);
  assertEquals(tick(leader, 90_000).messages, []); // it does not stand again
});

const RISING: Members = { voters: ["a", "b", "c"], learners: [], rising: ["d"] };

test("who is to be a voter is one as soon as it has all that is committed, and not before", () => {
  const leader = leading({}, RISING);
  tick(leader, 5_100);
  assertEquals(leader.members.rising, ["d"]);
  ack(leader, "d", 1);
  assertEquals(leader.members.rising, ["d"]);
  const effects = ack(leader, "d", 2);
  assertEquals(leader.members, { ...FIVE, voters: ["a", "b", "c", "d"] });
  assertEquals(receivers(effects).includes("d"), true);
  // Three of four have to have it.
  ack(leader, "b", 3);
  assertEquals(leader.commit, 2);
  ack(leader, "d", 3);
  assertEquals(leader.commit, 3);
});

test("nobody becomes a voter beside the one that was on its node before", () => {
  const [old, next] = ["c@h#1", "c@h#2"];
  const members = { voters: ["a", "b", old], learners: [], rising: [next] };
  const leader = leading({}, members);
  ack(leader, next, 2);
  assertEquals(leader.members.rising, [next]);
  leader.change(1, { type: "remove", id: old }, 5_000);
  leader.take();
  assertEquals(leader.members.rising, [next]); // that is not committed
  ack(leader, "b", 3);
  ack(leader, next, 3);
  assertEquals(leader.members.voters, ["a", "b", next]);
});

// Handing over

test("leadership is handed over when the heir has all, once, and nothing else begins meanwhile", () => {
  const leader = leading({}, RISING);
  leader.propose(1, NONE);
  leader.take();
  leader.transfer(2, "c", 5_000);
  leader.propose(3, NONE);
  leader.change(4, { type: "remove", id: "b" }, 5_000);
  leader.transfer(5, "b", 5_000);
  const effects = leader.take();
  assertEquals(effects.reads, [{ ticket: 2, index: 0 }]); // under way
  assertEquals(effects.refused, [
    { ticket: 3, why: "not_leader" },
    { ticket: 4, why: "busy" },
    { ticket: 5, why: "busy" },
  ]);
  const elect = { type: "elect", term: 2 } as const;
  const elects = (to: string, { messages }: Effects): number =>
    messages.filter((one) => one.to === to && one.message.type === "elect").length;
  assertEquals(elects("c", effects), 0);
  assertEquals(elects("c", ack(leader, "c", 2)), 0);
  const handed = ack(leader, "c", 3);
  assertEquals(handed.messages.filter(({ message }) => message.type === "elect"), [
    { to: "c", message: elect },
  ]);
  assertEquals(elects("c", ack(leader, "d", 3)), 0);
  assertEquals(leader.members.rising, ["d"]);
  assertEquals(elects("c", ack(leader, "c", 3)), 0);
  ack(leader, "b", 3);
  // It has not stood for election in time.
  leader.receive("b", { type: "appended", term: 2, round: 1, ok: true, index: 3, hint: 0 }, 5_900);
  tick(leader, 5_999);
  leader.propose(6, NONE);
  assertEquals(leader.take().refused, [{ ticket: 6, why: "not_leader" }]);
  tick(leader, 6_000);
  leader.propose(7, NONE);
  assertEquals([leader.take().refused, leader.members.rising], [[], ["d"]]);
  tick(leader, 6_099); // the next heartbeat
  assertEquals(leader.members.voters, ["a", "b", "c", "d"]); // what had to wait
});

test("leadership goes at once to who has all, and to nobody who is no other voter", () => {
  const leader = leading({}, { ...RISING, learners: ["l"] });
  for (const to of ["a", "d", "l", "z"]) leader.transfer(1, to, 5_000);
  assertEquals(leader.take().refused, Array(4).fill({ ticket: 1, why: "bad_change" }));
  leader.transfer(2, "b", 5_000);
  assertEquals(sentTo("b", leader.take()).map(({ type }) => type), ["elect"]);
});

test("a leader of an earlier log counts from its own first entry on", () => {
  const leader = member("a", [membersAt(1, 1, THREE), none(2, 1)]);
  elected(leader, ["b"]);
  ack(leader, "b", 2);
  assertEquals([leader.commit, leader.leading!.isSettled], [0, false]);
  ack(leader, "b", 3);
  assertEquals([leader.commit, leader.leading!.isSettled], [3, true]);
  append(leader, [3, 2], [], 3, 3);
  assertEquals(leader.role, "follower");
});
