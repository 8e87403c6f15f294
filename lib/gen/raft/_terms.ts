import { Atom, atom } from "../../etf/atom.ts";
import { Binary } from "../../etf/binary.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { Entry, HardState, Members, Message, Payload, Snapshot } from "./_types.ts";

// How entries and messages are terms: the same in storage and between nodes.

const [NONE, OPEN, MEMBERS, COMMAND] = ["none", "open", "members", "command"].map(atom);
const [VOTE, VOTED, APPEND, APPENDED] = ["vote", "voted", "append", "appended"].map(atom);
const [INSTALL, INSTALLED, ELECT] = ["install", "installed", "elect"].map(atom);

/** What came is none of our terms. */
export class NotOurs extends Error {
  override readonly name = "NotOurs";
}

export function entryTerm({ index, term, payload }: Entry): Encodable {
  return tuple(index, term, payloadTerm(payload)) as Encodable;
}

function payloadTerm(payload: Payload): Encodable {
  switch (payload.type) {
    case "none":
      return NONE;
    case "open":
      return tuple(OPEN, payload.session) as Encodable;
    case "members":
      return tuple(MEMBERS, membersTerm(payload.members)) as Encodable;
    case "command": {
      const { session, serial, done, bytes } = payload;
      return tuple(COMMAND, session, serial, done, bytes) as Encodable;
    }
  }
}

export function membersTerm({ voters, learners, rising }: Members): Encodable {
  return tuple([...voters], [...learners], [...rising]) as Encodable;
}

export function snapshotTerm(snapshot: Snapshot | null): Encodable {
  if (snapshot === null) return null;
  const { index, term, members, bytes } = snapshot;
  return tuple(index, term, membersTerm(members), bytes) as Encodable;
}

export function hardTerm(hard: HardState | null): Encodable {
  return hard === null ? null : tuple(hard.term, hard.vote) as Encodable;
}

export function messageTerm(message: Message): Encodable {
  switch (message.type) {
    case "vote": {
      const { term, lastIndex, lastTerm, pre, forced } = message;
      return tuple(VOTE, term, lastIndex, lastTerm, pre, forced) as Encodable;
    }
    case "voted":
      return tuple(VOTED, message.term, message.pre, message.granted) as Encodable;
    case "append": {
      const { term, prevIndex, prevTerm, commit, round, entries } = message;
      return tuple(
        APPEND,
        term,
        prevIndex,
        prevTerm,
        commit,
        round,
        entries.map(entryTerm),
      ) as Encodable;
    }
    case "appended": {
      const { term, round, ok, index, hint } = message;
      return tuple(APPENDED, term, round, ok, index, hint) as Encodable;
    }
    case "install": {
      const { term, round, index, lastTerm, members, total, offset, bytes } = message;
      return tuple(
        ...[INSTALL, term, round, index, lastTerm],
        ...[membersTerm(members), total, offset, bytes],
      ) as Encodable;
    }
    case "installed": {
      const { term, round, index, offset } = message;
      return tuple(INSTALLED, term, round, index, offset) as Encodable;
    }
    case "elect":
      return tuple(ELECT, message.term) as Encodable;
  }
}

/** @throws {NotOurs} */
export function messageIn(term: Term): Message {
  const [head, ...rest] = elementsOf(term);
  switch (head) {
    case VOTE: {
      const [term, lastIndex, lastTerm, pre, forced] = sized(rest, 5);
      return {
        type: "vote",
        term: count(term),
        lastIndex: count(lastIndex),
        lastTerm: count(lastTerm),
        pre: flag(pre),
        forced: flag(forced),
      };
    }
    case VOTED: {
      const [term, pre, granted] = sized(rest, 3);
      return { type: "voted", term: count(term), pre: flag(pre), granted: flag(granted) };
    }
    case APPEND: {
      const [term, prevIndex, prevTerm, commit, round, entries] = sized(rest, 6);
      const first = count(prevIndex) + 1;
      return {
        type: "append",
        term: count(term),
        prevIndex: count(prevIndex),
        prevTerm: count(prevTerm),
        commit: count(commit),
        round: count(round),
        entries: listOf(entries).map((one, i) => entryAt(one, first + i)),
      };
    }
    case APPENDED: {
      const [term, round, ok, index, hint] = sized(rest, 5);
      return {
        type: "appended",
        term: count(term),
        round: count(round),
        ok: flag(ok),
        index: count(index),
        hint: count(hint),
      };
    }
    case INSTALL: {
      const [term, round, index, lastTerm, members, total, offset, bytes] = sized(rest, 8);
      return {
        type: "install",
        term: count(term),
        round: count(round),
        index: count(index),
        lastTerm: count(lastTerm),
        members: membersIn(members),
        total: count(total),
        offset: count(offset),
        bytes: bytesIn(bytes),
      };
    }
    case INSTALLED: {
      const [term, round, index, offset] = sized(rest, 4);
      return {
        type: "installed",
        term: count(term),
        round: count(round),
        index: count(index),
        offset: count(offset),
      };
    }
    case ELECT:
      return { type: "elect", term: count(sized(rest, 1)[0]) };
  }
  throw new NotOurs("no message of Raft");
}

/** @throws {NotOurs} */
export function entryIn(term: Term): Entry {
  const [index, of, payload] = sized(elementsOf(term), 3);
  return { index: count(index), term: count(of), payload: payloadIn(payload) };
}

function entryAt(term: Term, index: number): Entry {
  const entry = entryIn(term);
  if (entry.index !== index) throw new NotOurs(`entry ${entry.index} where ${index} is due`);
  return entry;
}

function payloadIn(term: Term): Payload {
  if (term === NONE) return { type: "none" };
  const [head, ...rest] = elementsOf(term);
  if (head === OPEN) return { type: "open", session: count(sized(rest, 1)[0]) };
  if (head === MEMBERS) return { type: "members", members: membersIn(sized(rest, 1)[0]) };
  if (head !== COMMAND) throw new NotOurs("no entry of Raft");
  const [session, serial, done, bytes] = sized(rest, 4);
  return {
    type: "command",
    session: count(session),
    serial: count(serial),
    done: count(done),
    bytes: bytesIn(bytes),
  };
}

function membersIn(term: Term): Members {
  const [voters, learners, rising] = sized(elementsOf(term), 3).map((one) =>
    listOf(one).map(textIn)
  );
  return { voters, learners, rising };
}

/** @throws {NotOurs} */
export function snapshotIn(value: Term): Snapshot | null {
  if (value === null) return null;
  const [index, term, members, bytes] = sized(elementsOf(value), 4);
  return {
    index: count(index),
    term: count(term),
    members: membersIn(members),
    bytes: bytesIn(bytes),
  };
}

/** @throws {NotOurs} */
export function hardIn(value: Term): HardState | null {
  if (value === null) return null;
  const [term, vote] = sized(elementsOf(value), 2);
  return { term: count(term), vote: vote === null ? null : textIn(vote) };
}

/** @throws {NotOurs} */
export function elementsOf(term: Term): readonly Term[] {
  if (!isTuple(term)) throw new NotOurs("no tuple");
  return Array.from(term as readonly Term[]);
}

/** @throws {NotOurs} */
export function sized(terms: readonly Term[], length: number): readonly Term[] {
  if (terms.length !== length) throw new NotOurs(`${terms.length} elements, not ${length}`);
  return terms;
}

/** @throws {NotOurs} */
export function listOf(term: Term): readonly Term[] {
  if (!isList(term)) throw new NotOurs("no list");
  return term;
}

/** Far from where adding one gives the same number. */
const MOST = 2 ** 52;

/** @throws {NotOurs} */
export function count(term: Term): number {
  if (typeof term === "number" && Number.isInteger(term) && term >= 0 && term <= MOST) return term;
  throw new NotOurs("no count");
}

function flag(term: Term): boolean {
  if (typeof term === "boolean") return term;
  throw new NotOurs("neither true nor false");
}

/** A name, which is a binary. @throws {NotOurs} */
export function textIn(term: Term): string {
  if (typeof term === "string") return term;
  if (!(term instanceof Binary)) throw new NotOurs("no text");
  try {
    return term.text;
  } catch (cause) {
    throw new NotOurs("no text", { cause });
  }
}

/** @throws {NotOurs} */
export function bytesIn(term: Term): Uint8Array {
  if (term instanceof Uint8Array) return term;
  if (typeof term === "string") return new TextEncoder().encode(term);
  throw new NotOurs("no bytes");
}

/** @throws {NotOurs} */
export function atomIn(term: Term): Atom {
  if (term instanceof Atom) return term;
  throw new NotOurs("no atom");
}
