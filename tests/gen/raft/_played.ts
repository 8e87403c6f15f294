// Members for tests that play the rules of Raft by hand: no clock, no chance, no network.
import { assertEquals } from "@std/assert";
import { Replica } from "../../../lib/gen/raft/_replica.ts";
import type {
  Effects,
  Entry,
  Members,
  Message,
  ReplicaOptions,
} from "../../../lib/gen/raft/_types.ts";

export const OPTIONS: ReplicaOptions = {
  electionTimeout: 1_000,
  heartbeat: 100,
  maxBatch: 10_000,
  window: 4,
  maxPending: 10,
  chunk: 100,
  keep: 10,
};
export const THREE: Members = { voters: ["a", "b", "c"], learners: [], rising: [] };
export const FIVE: Members = { voters: ["a", "b", "c", "d", "e"], learners: [], rising: [] };

export function none(index: number, term: number): Entry {
  return { index, term, payload: { type: "none" } };
}

export function membersAt(index: number, term: number, members: Members): Entry {
  return { index, term, payload: { type: "members", members } };
}

/** A command of so many bytes. */
export function command(size: number): Extract<Entry["payload"], { type: "command" }> {
  return { type: "command", session: 0, serial: 0, done: 0, bytes: new Uint8Array(size) };
}

export const FIRST: Entry = membersAt(1, 1, THREE);

/** A member with such a log, in the term of its last entry. */
export function member(
  id: string,
  entries: readonly Entry[],
  options: Partial<ReplicaOptions> = {},
): Replica {
  const { term } = entries[entries.length - 1];
  const stored = { hard: { term, vote: null }, snapshot: null, entries };
  return new Replica(id, stored, { ...OPTIONS, ...options }, () => 0, 0);
}

/** One whose members are committed, from a snapshot. */
export function settled(
  id: string,
  members: Members,
  options: Partial<ReplicaOptions> = {},
): Replica {
  const snapshot = { index: 1, term: 1, members, bytes: new Uint8Array(0) };
  const stored = { hard: { term: 1, vote: null }, snapshot, entries: [] };
  return new Replica(id, stored, { ...OPTIONS, ...options }, () => 0, 0);
}

/** Elects it with the votes of others. */
export function elected(replica: Replica, voters: readonly string[], now = 5_000): Effects {
  replica.tick(now);
  for (const pre of [true, false]) {
    replica.take();
    const term = pre ? replica.term + 1 : replica.term;
    for (const one of voters) {
      replica.receive(one, { type: "voted", term, pre, granted: true }, now);
    }
  }
  assertEquals(replica.role, "leader");
  return replica.take();
}

/** A leader of THREE whose first entry, 2, is committed. */
export function leading(options: Partial<ReplicaOptions> = {}, members: Members = THREE): Replica {
  const leader = settled("a", members, options);
  const others = members.voters.slice(1, (members.voters.length >> 1) + 1);
  elected(leader, others);
  for (const one of others) ack(leader, one, 2);
  assertEquals(leader.commit, 2);
  return leader;
}

export function ack(
  replica: Replica,
  from: string,
  index: number,
  round = 0,
  term = replica.term,
  now = 5_000,
): Effects {
  replica.receive(from, { type: "appended", term, round, ok: true, index, hint: 0 }, now);
  return replica.take();
}

export function append(
  replica: Replica,
  prev: readonly [index: number, term: number],
  entries: readonly Entry[],
  commit: number,
  term = replica.term,
  now = 10,
): Effects {
  const [prevIndex, prevTerm] = prev;
  const message: Message = { type: "append", term, prevIndex, prevTerm, commit, round: 1, entries };
  replica.receive("b", message, now);
  return replica.take();
}

/** What goes to one member. */
export function sentTo(to: string, { messages }: Effects): Message[] {
  return messages.filter((one) => one.to === to).map(({ message }) => message);
}
