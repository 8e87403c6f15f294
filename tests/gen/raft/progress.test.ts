// What a leader sends to one member: how much of it, how often, and what is sent again.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Log } from "../../../lib/gen/raft/_log.ts";
import { Progress } from "../../../lib/gen/raft/_progress.ts";
import type { Message } from "../../../lib/gen/raft/_types.ts";
import { isStranger } from "../../../lib/gen/raft/_strangers.ts";
import {
  ack,
  append,
  command,
  elected,
  FIRST,
  member,
  membersAt,
  none,
  OPTIONS,
  settled,
  THREE,
} from "./_played.ts";

/** A log of term 1 up to an index. */
function logTo(last: number): Log {
  return new Log(null, [FIRST, ...Array.from({ length: last - 1 }, (_, i) => none(i + 2, 1))]);
}

interface Sender {
  readonly progress: Progress;
  readonly log: Log;
  round: number;
  commit: number;
  /** What is sent, short; in a new round where it is a heartbeat. */
  send(isHeartbeat?: boolean): string[];
}

/** The leader of a log, to one member of which it knows nothing: it begins at `next`. An entry is 32 bytes. */
function sender(log: Log, next: number, maxBatch = 96, window = 2): Sender {
  const progress = new Progress(next, 0);
  const sender: Sender = {
    progress,
    log,
    round: 1,
    commit: 0,
    send: (isHeartbeat = false) => {
      const { round, commit } = sender;
      const options = { ...OPTIONS, maxBatch, window };
      return progress.send({ term: 1, commit, round, log, options }, isHeartbeat).map(short);
    },
  };
  return sender;
}

function short(message: Message): string {
  if (message.type === "append") {
    const indices = message.entries.map(({ index }) => index).join(",");
    return `${message.prevIndex}: ${indices}`.trim();
  }
  if (message.type !== "install") return message.type;
  const { offset, bytes, total, round } = message;
  return `${offset} +${bytes.length} of ${total}, round ${round}`;
}

test("while it is not known where the logs are the same one message with a batch is under way, and heartbeats carry one entry", () => {
  const { progress, send } = sender(logTo(10), 4);
  assertEquals(send(), ["3: 4,5,6"]);
  assertEquals(send(), []);
  for (let i = 0; i < 3; i++) assertEquals([...send(true), ...send()], ["3: 4"]);
  progress.refused(3, 1);
  assertEquals([send(), send(), send(true)], [["1: 2,3,4"], [], ["1: 2"]]);
  progress.refused(3, 1); // the answer to a heartbeat before
  assertEquals(send(), []);
  progress.matched(4);
  assertEquals([progress.mode, progress.match], ["flow", 4]);
  assertEquals(send(), ["4: 5,6,7", "7: 8,9,10"]);
});

test("where the message with entries is lost a heartbeat finds the place as well", () => {
  const { progress, send } = sender(logTo(10), 4);
  send(); // lost
  send(true);
  progress.matched(4);
  assertEquals(send(), ["4: 5,6,7", "7: 8,9,10"]);
});

test("a leader sends a member that does not answer one entry at a time, however many heartbeats and reads there are", () => {
  const leader = settled("a", THREE, { maxBatch: 1_000_000, maxPending: 1_000 });
  const sent = { messages: 0, entries: 0 };
  const count = ({ messages }: ReturnType<typeof leader.take>): void => {
    for (const { to, message } of messages) {
      if (to !== "c" || message.type !== "append") continue;
      sent.messages++;
      sent.entries += message.entries.length;
    }
  };
  count(elected(leader, ["b"]));
  ack(leader, "b", 2);
  for (let i = 3; i <= 102; i++) {
    leader.propose(i, command(1_000));
    count(leader.take());
    leader.receive(
      "b",
      { type: "appended", term: 2, round: 0, ok: true, index: i, hint: 0 },
      5_000,
    );
    count(leader.take());
  }
  assertEquals([leader.commit, sent], [102, { messages: 1, entries: 1 }]);
  for (let now = 5_100; now <= 5_900; now += 100) {
    leader.tick(now);
    count(leader.take());
    leader.read(now);
    count(leader.take());
  }
  assertEquals(sent, { messages: 19, entries: 19 }); // the first one, and none of the hundred
  // It answers at last: everything else, at once.
  leader.receive("c", { type: "appended", term: 2, round: 1, ok: true, index: 2, hint: 0 }, 5_900);
  count(leader.take());
  assertEquals(sent, { messages: 20, entries: 119 });
});

test("a heartbeat of a leader that is not known for a member yet has something new, by which it is heard", () => {
  // a has been let go by a leader whose last entry nobody else has; now it leads, and its first message is lost.
  const others = { ...THREE, voters: ["b", "c"] };
  const follower = member("c", [FIRST, none(2, 1), membersAt(3, 1, others)]);
  append(follower, [2, 1], [], 2, 1);
  const log = new Log(null, [FIRST, none(2, 1), none(3, 2)]);
  const progress = new Progress(3, 0);
  for (const isHeartbeat of [false, true, true]) {
    const sending = { term: 2, commit: 2, round: 1, log, options: OPTIONS };
    const [message] = progress.send(sending, isHeartbeat);
    assertEquals(isStranger(follower, "a", message), false);
  }
});

test("a window of messages with entries is under way; a heartbeat goes behind them", () => {
  const log = logTo(4);
  const one = sender(log, 2, 32);
  one.send();
  one.progress.matched(1);
  assertEquals(one.send(), ["1: 2", "2: 3"]);
  assertEquals([one.send(), one.send(true)], [[], ["3:"]]);
  one.progress.matched(1); // of a heartbeat before
  assertEquals(one.send(), []);
  one.progress.matched(2);
  assertEquals([one.send(), one.send()], [["3: 4"], []]);
  assertEquals(one.send(true), ["4:"]);
  one.progress.matched(4); // two at once
  log.put(none(5, 1));
  log.put(none(6, 1));
  log.put(none(7, 1));
  assertEquals(one.send(), ["4: 5", "5: 6"]);
});

test("what is committed is told at once, also where there are no entries, and once", () => {
  const one = sender(logTo(4), 5, 1_000);
  one.send();
  one.progress.matched(4);
  assertEquals([one.send(), one.progress.told], [[], 0]);
  one.commit = 3;
  assertEquals([one.send(), one.send()], [["4:"], []]);
  assertEquals(one.progress.told, 3);
  // Of what it has not been sent it is told with that, and nothing goes before.
  const full = sender(logTo(9), 2, 32, 1);
  full.send();
  full.progress.matched(1);
  full.commit = 9;
  assertEquals([full.send(), full.progress.told], [["1: 2"], 2]);
  for (let i = 0; i < 3; i++) assertEquals(full.send(), []);
  full.progress.matched(2);
  assertEquals([full.send(), full.send()], [["2: 3"], []]);
  const late = sender(logTo(9), 2, 64);
  late.commit = 9;
  assertEquals([late.send(), late.progress.told], [["1: 2,3"], 3]);
});

test("what is lost in the flow is sent again from where the logs are the same", () => {
  const one = sender(logTo(10), 2, 64, 3);
  one.send();
  one.progress.matched(1);
  assertEquals(one.send(), ["1: 2,3", "3: 4,5", "5: 6,7"]);
  one.progress.matched(3);
  one.send();
  one.progress.refused(5, 3); // 4 and 5 are not there
  assertEquals([one.send(), one.send()], [["3: 4,5"], []]);
  one.progress.refused(7, 3); // what went behind it
  assertEquals(one.send(), []);
  one.progress.matched(5);
  assertEquals(one.send(), ["5: 6,7", "7: 8,9", "9: 10"]);
});

test("what comes late does not lead astray", () => {
  const one = sender(logTo(10), 8, 64, 9);
  one.send();
  assertEquals(one.progress.matched(5), true);
  assertEquals(one.send(), ["5: 6,7", "7: 8,9", "9: 10"]); // not from 8 on
  assertEquals(one.progress.matched(3), false);
  assertEquals(one.progress.match, 5);
  one.progress.refused(5, 0); // of a time before
  assertEquals([one.progress.mode, one.send()], ["flow", []]);
  one.progress.refused(9, 2); // it had 5
  assertEquals(one.send(), ["5: 6,7"]);
  one.progress.refused(5, 99);
  assertEquals(one.send(), []);
  const two = sender(logTo(10), 8);
  two.send();
  two.progress.refused(7, 99); // its log is longer, and another one
  assertEquals(two.send(), ["6: 7,8,9"]);
  // Something is there that was sent before the flow began anew.
  const three = sender(logTo(10), 2, 32, 1);
  three.send();
  three.progress.matched(1);
  three.send();
  three.progress.matched(5);
  assertEquals(three.send(), ["5: 6"]);
});

/** To a member that needs a snapshot at 5, of 250 bytes, in pieces of 100. */
function installing(): Sender {
  const log = logTo(8);
  log.compact(5, new Uint8Array(250), 0);
  const one = sender(log, 9);
  assertEquals(one.send(), ["8:"]);
  one.progress.refused(8, 2);
  assertEquals(one.send(), ["0 +100 of 250, round 1"]);
  assertEquals(one.progress.mode, "install");
  return one;
}

test("a snapshot goes piece by piece, each once, and entries behind it", () => {
  const one = installing();
  const { progress } = one;
  assertEquals(one.send(), []);
  progress.installed(5, 100, 1);
  assertEquals([one.send(), one.send()], [["100 +100 of 250, round 1"], []]);
  progress.installed(5, 200, 1);
  assertEquals(one.send(), ["200 +50 of 250, round 1"]);
  assertEquals(progress.matched(3), true); // something else, of before
  assertEquals([progress.mode, one.send()], ["install", []]);
  progress.matched(5);
  assertEquals([progress.mode, one.send()], ["flow", ["5: 6,7,8"]]);
});

test("heartbeats carry no piece; what was lost goes again when one is answered that went behind it", () => {
  const one = installing();
  const { progress } = one;
  for (one.round = 2; one.round < 5; one.round++) {
    assertEquals([one.send(true), one.send()], [[`0 +0 of 250, round ${one.round}`], []]);
  }
  progress.installed(5, 100, 1);
  assertEquals(one.send(), ["100 +100 of 250, round 5"]);
  // What went before this piece, and says nothing of it.
  for (const round of [1, 2, 3, 4, 5]) progress.installed(5, 100, round);
  assertEquals(one.send(), []);
  one.round = 6;
  assertEquals(one.send(true), ["100 +0 of 250, round 6"]);
  progress.installed(5, 100, 6);
  assertEquals(one.send(), ["100 +100 of 250, round 6"]);
  // It has begun anew, with nothing.
  progress.installed(5, 0, 6);
  assertEquals(one.send(), ["0 +100 of 250, round 6"]);
});

test("what is said of another snapshot, or of entries, does not disturb one that is under way", () => {
  const one = installing();
  const { progress } = one;
  progress.installed(5, 100, 1);
  one.send();
  progress.installed(4, 50, 9);
  progress.refused(7, 2);
  assertEquals([progress.mode, one.send()], ["install", []]);
  progress.installed(5, 9_999, 9); // more than there is
  assertEquals(one.send(), ["250 +0 of 250, round 1"]);
  const other = sender(logTo(3), 4);
  other.progress.installed(5, 100, 1); // none is under way
  assertEquals(other.send(), ["3:"]);
});

test("a piece is one of the leader's term, and says all that the snapshot is", () => {
  const log = logTo(8);
  const { members, bytes } = log.compact(5, new Uint8Array([1, 2, 3]), 0);
  const progress = new Progress(2, 0);
  const sending = { term: 4, commit: 8, round: 6, log, options: OPTIONS };
  assertEquals(progress.send(sending, false), [{
    ...{ type: "install", term: 4, round: 6, index: 5, lastTerm: 1, members },
    ...{ total: 3, offset: 0, bytes },
  }]);
  progress.matched(5);
  assertEquals(progress.send(sending, false), [{
    ...{ type: "append", term: 4, prevIndex: 5, prevTerm: 1, commit: 8, round: 6 },
    entries: log.slice(6),
  }]);
});

test("the next snapshot begins at its beginning", () => {
  const one = installing();
  const { progress, log } = one;
  progress.installed(5, 200, 1);
  one.send();
  progress.matched(5);
  assertEquals(one.send(), ["5: 6,7,8"]);
  log.compact(8, new Uint8Array(20), 0);
  progress.refused(8, 5); // lost, and not there any more
  assertEquals(one.send(), ["0 +20 of 20, round 1"]);
});
