// Rules of Raft that random runs break only once in many thousands: each played by hand. Others stand beside it, by the file that they are about.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Log } from "../../../lib/gen/raft/_log.ts";
import type { Members, Message } from "../../../lib/gen/raft/_types.ts";
import { ack, append, elected, FIRST, member, membersAt, none, settled, THREE } from "./_played.ts";

test("members change one at a time, and not before the leader has committed something", () => {
  const leader = settled("a", THREE);
  elected(leader, ["b"]);
  const add = (ticket: number, id: string): readonly { ticket: number; why: string }[] => {
    leader.change(ticket, { type: "add", id, as: "learner" }, 5_000);
    return leader.take().refused;
  };
  assertEquals(add(1, "d"), [{ ticket: 1, why: "busy" }]); // nothing of its term is committed
  ack(leader, "b", 2);
  assertEquals(leader.commit, 2);
  assertEquals(add(2, "d"), []);
  assertEquals(add(3, "e"), [{ ticket: 3, why: "busy" }]); // the one before is not committed
  ack(leader, "b", 3);
  assertEquals(add(4, "e"), []);
});

test("who is to be a voter is none before the leader has committed something, nor together with others", () => {
  const members: Members = { voters: ["a", "b", "c"], learners: [], rising: ["d", "e"] };
  const leader = settled("a", members);
  elected(leader, ["b"]);
  ack(leader, "d", 2);
  ack(leader, "e", 2);
  leader.tick(5_200);
  assertEquals(leader.members.voters, ["a", "b", "c"]);
  ack(leader, "b", 2); // now it is committed
  leader.tick(5_400);
  assertEquals(leader.members.voters, ["a", "b", "c", "d"]);
  ack(leader, "e", 3);
  leader.tick(5_600);
  assertEquals(leader.members.voters, ["a", "b", "c", "d"]); // that is not yet
});

test("only voters count: for a commit, for a read, for an election", () => {
  const members: Members = { voters: ["a", "b", "c"], learners: ["l", "m"], rising: ["r"] };
  const leader = member("a", [membersAt(1, 1, members)]);
  leader.tick(5_000);
  for (const one of ["l", "m", "r"]) {
    leader.receive(one, { type: "voted", term: 2, pre: true, granted: true }, 5_000);
  }
  assertEquals([leader.role, leader.term], ["candidate", 1]);
  elected(leader, ["b"], 9_000);
  for (const one of ["l", "m", "r"]) ack(leader, one, 2);
  assertEquals(leader.commit, 0);
  ack(leader, "c", 2);
  assertEquals(leader.commit, 2);
  leader.read(7);
  leader.take();
  for (const one of ["l", "m", "r"]) assertEquals(ack(leader, one, 2, 2).reads, []);
  assertEquals(ack(leader, "c", 2, 2).reads, [{ ticket: 7, index: 2 }]);
});

test("a leader that is on its way out does not count itself", () => {
  const leader = settled("a", THREE);
  elected(leader, ["b"]);
  ack(leader, "b", 2);
  leader.change(1, { type: "remove", id: "a" }, 5_000);
  leader.take();
  ack(leader, "b", 3);
  assertEquals(leader.commit, 2);
  ack(leader, "c", 3);
  assertEquals([leader.commit, leader.role], [3, "follower"]);
});

test("a read waits for a round that begins after it, and for an entry of the leader's own term", () => {
  const leader = member("a", [FIRST]);
  elected(leader, ["b"]);
  leader.read(1);
  assertEquals(leader.take().reads, []);
  assertEquals(ack(leader, "b", 2, 1).reads, []); // of its election
  assertEquals(ack(leader, "b", 2, 2).reads, [{ ticket: 1, index: 2 }]);
  leader.read(2);
  assertEquals(leader.take().reads, []);
  assertEquals(ack(leader, "c", 2, 2).reads, []); // of the round before
  assertEquals(ack(leader, "c", 2, 3).reads, [{ ticket: 2, index: 2 }]);
});

test("what was said in an earlier term does not count in this one", () => {
  const leader = member("a", [FIRST, none(2, 3)]);
  elected(leader, ["b"]);
  assertEquals(leader.log.lastIndex, 3);
  ack(leader, "b", 3, 9, leader.term - 1);
  assertEquals(leader.commit, 0);
  ack(leader, "b", 3);
  assertEquals(leader.commit, 3);
});

test("nobody gets a vote of one that knows more: not by asking first, not where it is sent for to lead", () => {
  const voter = member("a", [FIRST, none(2, 1), none(3, 1)]);
  for (const lastIndex of [2, 3]) {
    const [lastTerm, term] = [1, 2];
    const vote: Message = { type: "vote", term, lastIndex, lastTerm, pre: true, forced: false };
    voter.receive("b", vote, 10);
    const [{ message }] = voter.take().messages;
    const granted = lastIndex === 3;
    assertEquals(message, { type: "voted", term: granted ? term : 1, pre: true, granted });
  }
  for (const lastIndex of [2, 3]) {
    const [lastTerm, term] = [1, 2];
    const vote: Message = { type: "vote", term, lastIndex, lastTerm, pre: false, forced: true };
    voter.receive("b", vote, 10);
    const [{ message }] = voter.take().messages;
    assertEquals(message, { type: "voted", term, pre: false, granted: lastIndex === 3 });
  }
});

test("a follower commits, and tells of, what it was told in this message, not what it has beside", () => {
  const follower = member("a", [FIRST, none(2, 1), none(3, 1)]); // 3 is nobody else's
  const [{ message }] = append(follower, [1, 1], [none(2, 1)], 3, 2).messages;
  assertEquals([message.type === "appended" && message.index, follower.commit], [2, 2]);
});

test("an old message of entries cuts nothing off, another one's entries do", () => {
  const follower = member("a", [FIRST]);
  append(follower, [1, 1], [none(2, 1), none(3, 1), none(4, 1)], 1, 1);
  append(follower, [1, 1], [none(2, 1)], 1); // comes late
  assertEquals(follower.log.lastIndex, 4);
  const { save } = append(follower, [2, 1], [none(3, 2)], 1, 2);
  assertEquals([follower.log.lastIndex, follower.log.lastTerm], [3, 2]);
  assertEquals(save!.entries.map(({ index }) => index), [3]);
});

test("a snapshot of what is known leaves what is behind it", () => {
  const follower = member("a", [FIRST, none(2, 1), none(3, 1)]);
  const bytes = new Uint8Array(5);
  follower.receive("b", {
    ...{ type: "install", term: 1, round: 1, index: 2, lastTerm: 1, members: THREE },
    ...{ total: 5, offset: 0, bytes },
  }, 10);
  assertEquals([follower.commit, follower.log.lastIndex], [2, 3]);
  assertEquals(follower.take().restore, null);
});

test("members are those of the log: with what is cut off the former ones are back", () => {
  const four: Members = { ...THREE, learners: ["d"] };
  const log = new Log(null, [FIRST, none(2, 1), membersAt(3, 1, four)]);
  assertEquals(log.compact(2, new Uint8Array(0), 0).members, THREE); // as of that entry
  assertEquals([log.members, log.membersIndex], [four, 3]);
  log.put(none(3, 2));
  assertEquals([log.members, log.membersIndex], [THREE, 2]);
});

test("a snapshot brings its members", () => {
  const follower = member("a", [FIRST]);
  const members: Members = { ...THREE, learners: ["d"] };
  const install = { type: "install", term: 1, round: 1, index: 5, lastTerm: 1, members } as const;
  follower.receive("b", { ...install, total: 1, offset: 0, bytes: new Uint8Array(1) }, 10);
  assertEquals([follower.members, follower.log.lastIndex], [members, 5]);
});
