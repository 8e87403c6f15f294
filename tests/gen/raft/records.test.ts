// What a member has written, one record after the other, and what it finds when it starts.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { decode } from "../../../lib/etf/decoder.ts";
import { encode } from "../../../lib/etf/encoder.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { recordOf, recover } from "../../../lib/gen/raft/_records.ts";
import { entryIn, entryTerm, messageIn, messageTerm } from "../../../lib/gen/raft/_terms.ts";
import type { Batch, Entry, Message } from "../../../lib/gen/raft/_types.ts";
import { command, membersAt, none, THREE } from "./_played.ts";

const NOTHING: Batch = { hard: null, snapshot: null, entries: [] };
const SNAPSHOT = { index: 5, term: 2, members: THREE, bytes: new Uint8Array([1, 2, 3]) };

function found(...batches: readonly Partial<Batch>[]): ReturnType<typeof recover>["stored"] {
  return recover(batches.map((batch) => recordOf(null, { ...NOTHING, ...batch }))).stored;
}

/** With all bytes as lists, whatever they are in. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one) => one instanceof Uint8Array ? Array.from(one) : one),
  );
}

test("nothing was written: a new one", () => {
  assertEquals(recover([]), {
    identity: null,
    stored: { hard: { term: 0, vote: null }, snapshot: null, entries: [] },
  });
});

test("the last term and vote count, and the last identity", () => {
  assertEquals(found({ hard: { term: 3, vote: "b" } }, {}).hard, { term: 3, vote: "b" });
  const hard = { term: 4, vote: null };
  assertEquals(found({ hard: { term: 3, vote: "b" } }, { hard }).hard, hard);
  const records = [
    recordOf({ id: "a@h#1", group: null }, null),
    recordOf({ id: "a@h#1", group: "g" }, null),
    recordOf(null, { ...NOTHING, hard }),
  ];
  assertEquals(recover(records).identity, { id: "a@h#1", group: "g" });
});

test("entries take the place of those from their index on", () => {
  const first = [none(1, 1), none(2, 1), none(3, 1)];
  assertEquals(found({ entries: first }, { entries: [none(2, 2)] }).entries, [
    none(1, 1),
    none(2, 2),
  ]);
  assertEquals(found({ entries: first }, { entries: [none(4, 2)] }).entries.length, 4);
});

test("a snapshot takes the place of all that was before it", () => {
  const stored = found(
    { hard: { term: 1, vote: "a" }, entries: [none(1, 1), none(2, 1)] },
    { snapshot: SNAPSHOT, entries: [none(5, 2), none(6, 2)] },
    { entries: [none(7, 2)] },
  );
  assertEquals(plain(stored.snapshot), plain(SNAPSHOT));
  assertEquals(stored.entries.map(({ index }) => index), [5, 6, 7]);
  assertEquals(stored.hard, { term: 1, vote: "a" });
});

test("what is of another form is not read", () => {
  const other = encode(tuple(2, null, null, null, []) as Encodable);
  assertThrows(() => recover([other]), Error, "of form 2");
});

test("entries and messages come back as they were", () => {
  const entries: readonly Entry[] = [
    none(1, 1),
    membersAt(2, 1, { voters: ["a"], learners: ["b"], rising: ["c"] }),
    { index: 3, term: 2, payload: { type: "open", session: 77 } },
    { index: 4, term: 2, payload: { ...command(5), session: 1, serial: 2, done: 3 } },
  ];
  const over = (term: Encodable): Term => decode(encode(term));
  for (const entry of entries) {
    assertEquals(plain(entryIn(over(entryTerm(entry)))), plain(entry));
  }
  const messages: readonly Message[] = [
    { type: "vote", term: 1, lastIndex: 2, lastTerm: 3, pre: true, forced: false },
    { type: "vote", term: 1, lastIndex: 2, lastTerm: 3, pre: false, forced: true },
    { type: "voted", term: 1, pre: true, granted: false },
    { type: "append", term: 1, prevIndex: 0, prevTerm: 3, commit: 4, round: 5, entries },
    { type: "appended", term: 1, round: 2, ok: false, index: 3, hint: 4 },
    {
      ...{ type: "install", term: 1, round: 2, index: 3, lastTerm: 4, members: THREE },
      ...{ total: 5, offset: 6, bytes: new Uint8Array([7]) },
    },
    { type: "installed", term: 1, round: 2, index: 3, offset: 4 },
    { type: "elect", term: 1 },
  ];
  for (const message of messages) {
    assertEquals(plain(messageIn(over(messageTerm(message)))), plain(message));
  }
  const gap = { ...messages[3], prevIndex: 1 } as Message;
  assertThrows(() => messageIn(over(messageTerm(gap))), Error, "entry 1 where 2 is due");
});
