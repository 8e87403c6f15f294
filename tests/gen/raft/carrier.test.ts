// A member without a node: what it makes of messages whose senders know the group, and are none of it.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { Carrier, type CarrierHost } from "../../../lib/gen/raft/_carrier.ts";
import { messageTerm } from "../../../lib/gen/raft/_terms.ts";
import type { Entry, Members, Message } from "../../../lib/gen/raft/_types.ts";
import { memoryStorage } from "../../../lib/gen/raft/storage.ts";

const [A, B, C, D] = ["a@h#1", "b@h#1", "c@h#1", "d@h#1"];
const EVIL = "evil@h#1";
const THREE: Members = { voters: [A, B, C], learners: [], rising: [] };
const OPTIONS = {
  founders: ["a@h", "b@h", "c@h"],
  snapshotEvery: 1_000,
  electionTimeout: 100,
  heartbeat: 20,
  maxBatch: 1_000,
  window: 4,
  maxPending: 10,
  chunk: 1_000,
  keep: 10,
};

interface Played {
  readonly carrier: Carrier;
  readonly sent: Term[];
  readonly warnings: string[];
  readonly clock: { now: number };
  get(from: string, message: Message): void;
}

/** Member A, of term 5. */
function member(members: Members = THREE, known: string | null = "group"): Played {
  const sent: Term[] = [];
  const warnings: string[] = [];
  const clock = { now: 0 };
  const host: CarrierHost = {
    nodeName: "a@h",
    now: () => clock.now,
    random: () => 0,
    identity: () => "x",
    send: (_node, message) => void sent.push(message as Term),
    inTurn: (fn) => fn(),
    failed: (error) => {
      throw error;
    },
    warn: (text) => void warnings.push(text),
    error: (text) => void warnings.push(text),
    applied: () => {},
    restored: () => {},
    changed: () => {},
  };
  const machine = { apply: () => null, snapshot: () => null, restore: () => {} };
  const first: Entry = { index: 1, term: 1, payload: { type: "members", members } };
  const carrier = new Carrier(host, memoryStorage(), OPTIONS, machine, {
    identity: { id: A, group: known },
    stored: {
      hard: { term: known === null ? 0 : 5, vote: null },
      snapshot: null,
      entries: known === null ? [] : [first],
    },
  });
  const played: Played = {
    carrier,
    sent,
    warnings,
    clock,
    get: (from, message) =>
      carrier.received(
        tuple(atom("$raft"), "group", from, A, messageTerm(message)) as unknown as Term,
        from.slice(0, from.indexOf("#")),
      ),
  };
  return played;
}

function append(term: number, prevIndex: number, entries: readonly Entry[] = []): Message {
  return { type: "append", term, prevIndex, prevTerm: 1, commit: 1, round: 1, entries };
}

function vote(term: number, lastIndex: number, forced: boolean): Message {
  return { type: "vote", term, lastIndex, lastTerm: 9, pre: false, forced };
}

/** Elected by B. */
function leader(): Played {
  const played = member();
  played.carrier.tick();
  played.clock.now = 1_000;
  played.carrier.tick();
  played.get(B, { type: "voted", term: 6, pre: true, granted: true });
  played.get(B, { type: "voted", term: 6, pre: false, granted: true });
  played.get(B, { type: "appended", term: 6, round: 1, ok: true, index: 2, hint: 0 });
  assertEquals([played.carrier.replica.role, played.carrier.replica.commit], ["leader", 2]);
  return played;
}

const ODD: readonly Message[] = [
  append(6, 0),
  append(7, 0),
  append(2 ** 52, 2),
  append(2 ** 40, 100),
  vote(7, 1, true),
  vote(2 ** 40, 100, true),
  { type: "voted", term: 9, pre: false, granted: true },
  { type: "appended", term: 9, round: 9, ok: true, index: 9, hint: 0 },
  { type: "installed", term: 9, round: 9, index: 9, offset: 0 },
  { type: "elect", term: 9 },
  {
    type: "install",
    term: 6,
    round: 1,
    index: 9,
    lastTerm: 9,
    members: { voters: [EVIL], learners: [], rising: [] },
    total: 0,
    offset: 0,
    bytes: new Uint8Array(0),
  },
];

test("whatever comes from who is no member, a leader leads on in its term", () => {
  const { carrier, get, sent, warnings } = leader();
  sent.length = warnings.length = 0;
  for (const message of [...ODD, ...ODD]) get(EVIL, message);
  const { role, term, commit, members } = carrier.replica;
  assertEquals([role, term, commit, members], ["leader", 6, 2, THREE]);
  assertEquals(sent, []);
  assertEquals(warnings, ["ignores messages of evil@h, which is no member of the group"]); // once
});

test("a follower follows none but members", () => {
  const { carrier, get, sent } = member();
  get(B, append(6, 1));
  assertEquals([carrier.replica.leader, carrier.replica.commit], [B, 1]);
  sent.length = 0;
  for (const message of [append(6, 0), append(7, 1), vote(7, 1, true), ODD[9]]) get(EVIL, message);
  assertEquals([carrier.replica.leader, carrier.replica.term, sent], [B, 6, []]);
});

test("a term that nobody reaches is none, not even of a member", () => {
  const { carrier, get, warnings } = member();
  get(B, append(2 ** 52, 1));
  get(B, append(2 ** 52 + 2, 1));
  get(B, append(2 ** 53 - 1, 1));
  assertEquals(carrier.replica.term, 5);
  assert(warnings.length > 0);
  get(B, append(1_000, 1));
  assertEquals(carrier.replica.term, 1_000);
});

test("who is late hears a leader that was taken in meanwhile, and votes for it", () => {
  const four = { ...THREE, voters: [...THREE.voters, D] };
  const entries: readonly Entry[] = [
    { index: 2, term: 5, payload: { type: "members", members: four } },
    { index: 3, term: 6, payload: { type: "none" } },
  ];
  const one = member();
  one.get(B, append(5, 1));
  assertEquals(one.carrier.replica.commit, 1);
  one.get(D, append(6, 1, entries));
  assertEquals([one.carrier.replica.leader, one.carrier.replica.members], [D, four]);
  one.get(D, append(6, 3));
  const two = member();
  two.get(D, vote(6, 3, true));
  assert(String(two.sent.at(-1)).includes("true"), String(two.sent.at(-1)));
});

test("who knows nobody listens, and who was removed is not heard", () => {
  const fresh = member(THREE, null);
  fresh.carrier.tick();
  const first: Entry = { index: 1, term: 1, payload: { type: "members", members: THREE } };
  fresh.get(B, { ...append(1, 0, [first]), prevTerm: 0 } as Message);
  const { carrier } = fresh;
  assertEquals([carrier.group, carrier.replica.leader, carrier.isRemoved], ["group", B, false]);

  const two = member({ ...THREE, voters: [A, B] });
  two.get(B, append(5, 1));
  two.get(C, vote(9, 1, true));
  assertEquals([two.carrier.replica.term, two.carrier.replica.leader], [5, B]);
  const none = member({ ...THREE, voters: [B, C] });
  none.get(B, append(5, 1));
  assertEquals(none.carrier.isRemoved, true);
});

test("the name of the group is told to those who are, or were to be, members", () => {
  const { carrier, sent } = member({ ...THREE, learners: [D] });
  const hello = (from: string, group: string | null): number => {
    sent.length = 0;
    carrier.received(
      tuple(atom("$raft"), atom("hello"), from, group, true) as Encodable as Term,
      from.slice(0, from.indexOf("#")),
    );
    return sent.length;
  };
  assertEquals([hello(EVIL, null), hello(EVIL, "other")], [0, 0]);
  assertEquals([hello("b@h#2", null), hello(D, null), hello("e@h#1", "group")], [1, 1, 1]);
});
