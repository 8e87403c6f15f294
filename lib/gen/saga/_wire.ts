import { Atom, atom } from "../../etf/atom.ts";
import { Binary } from "../../etf/binary.ts";
import { format } from "../../etf/format.ts";
import { Pid, Ref } from "../../etf/identifiers.ts";
import { charlist, isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";

/**
 * What sagas say to each other: `{Word, Pid, {Tx, ...}}`. The first five are those of Ergo's `gen.Saga`; the others are said only to sagas that
 * have told that they know them, by the option `Agreement` of `$saga_next`.
 *
 * | message | from, to | says |
 * | --- | --- | --- |
 * | `$saga_next {Tx, Origin, Value, Parents, Options}` | parent, next | take part |
 * | `$saga_interim {Tx, Origin, Value}` | next, parent | a part of the result |
 * | `$saga_result {Tx, Origin, Value}` | next, parent | done, and ready to keep it or to take it back |
 * | `$saga_cancel {Tx, Origin, Reason}` | both ways | it is cancelled |
 * | `$saga_commit {Tx, Origin, Final}` | first, all | it is kept |
 * | `$saga_member {Tx, Origin, Pids}` | next, parent | before the result: who takes part below |
 * | `$saga_prepare {Tx, Pids, Final}` | first, all | all are ready: who they are, and what will be kept |
 * | `$saga_prepared {Tx}` | all, first | from now on only the others can cancel it |
 * | `$saga_cancelled {Tx, Origin}` | next, parent | what was done is taken back |
 * | `$saga_ask {Tx}` | one in doubt, all | what became of it? |
 * | `$saga_state {Tx, State, Value}` | all, one in doubt | `prepared`, `committed` with what is kept, or `cancelled` with the reason |
 * | `$saga_ended {Tx}` | all, first | it has come to an end here |
 * | `$saga_forget {Tx}` | first, all | it has come to an end everywhere |
 */
export type SagaMessage =
  | {
    readonly kind: "next";
    readonly from: Pid;
    readonly tx: Ref;
    readonly origin: Ref;
    readonly value: Term;
    readonly parents: readonly Pid[];
    readonly options: NextTerms;
  }
  | {
    readonly kind: "interim" | "result";
    readonly from: Pid;
    readonly tx: Ref;
    readonly origin: Ref;
    readonly value: Term;
  }
  | {
    readonly kind: "cancel";
    readonly from: Pid;
    readonly tx: Ref;
    readonly origin: Ref;
    readonly reason: string;
  }
  | { readonly kind: "commit"; readonly from: Pid; readonly tx: Ref; readonly final: Term }
  | {
    readonly kind: "member";
    readonly from: Pid;
    readonly tx: Ref;
    readonly origin: Ref;
    readonly members: readonly Pid[];
  }
  | {
    readonly kind: "prepare";
    readonly from: Pid;
    readonly tx: Ref;
    readonly members: readonly Pid[];
    readonly final: Term;
  }
  | { readonly kind: "cancelled"; readonly from: Pid; readonly tx: Ref; readonly origin: Ref }
  | { readonly kind: "prepared" | "ask" | "ended" | "forget"; readonly from: Pid; readonly tx: Ref }
  | { readonly kind: "state"; readonly from: Pid; readonly tx: Ref; readonly state: Outcome };

/** What a saga knows of a transaction, as it tells one that is in doubt. */
export type Outcome =
  | { readonly is: "prepared" }
  | { readonly is: "committed"; readonly final: Term }
  | { readonly is: "cancelled"; readonly reason: string };

/** The options of `$saga_next`. */
export interface NextTerms {
  readonly hopLimit: number;
  /** Milliseconds. */
  readonly lifespan: number;
  readonly twoPhaseCommit: boolean;
  /** Whether the other side knows the messages that are not Ergo's. */
  readonly agreement: boolean;
}

/** Without limit, as Ergo's sagas say it. */
export const NO_HOP_LIMIT = 65_535;
const DEFAULT_LIFESPAN = 60_000;

const WORDS: Readonly<Record<SagaMessage["kind"], Atom>> = {
  next: atom("$saga_next"),
  interim: atom("$saga_interim"),
  result: atom("$saga_result"),
  cancel: atom("$saga_cancel"),
  commit: atom("$saga_commit"),
  member: atom("$saga_member"),
  prepare: atom("$saga_prepare"),
  prepared: atom("$saga_prepared"),
  cancelled: atom("$saga_cancelled"),
  ask: atom("$saga_ask"),
  state: atom("$saga_state"),
  ended: atom("$saga_ended"),
  forget: atom("$saga_forget"),
};
const KINDS: ReadonlyMap<unknown, SagaMessage["kind"]> = new Map(
  Object.entries(WORDS).map(([kind, word]) => [word, kind as SagaMessage["kind"]]),
);
const PREPARED = atom("prepared");
const COMMITTED = atom("committed");
const CANCELLED = atom("cancelled");
// Ergo's strings are lists on the wire, and it cannot read keys that are binaries.
const HOP_LIMIT = charlist("HopLimit");
const LIFESPAN = charlist("Lifespan");
const LIFESPAN_MS = charlist("LifespanMs");
const TWO_PHASE = charlist("TwoPhaseCommit");
const AGREEMENT = charlist("Agreement");

/** `{Word, Pid, {Tx, ...}}`. */
export function sagaTerm(
  kind: SagaMessage["kind"],
  from: Pid,
  ...items: readonly unknown[]
): Encodable {
  return tuple(WORDS[kind], from, tuple(...items as Term[])) as Encodable;
}

export function optionsTerm(options: Omit<NextTerms, "agreement">): Encodable {
  return new Map<unknown, unknown>([
    [HOP_LIMIT, options.hopLimit],
    [LIFESPAN, Math.max(1, Math.ceil(options.lifespan / 1_000))], // seconds
    [LIFESPAN_MS, Math.max(1, Math.ceil(options.lifespan))],
    [TWO_PHASE, options.twoPhaseCommit],
    [AGREEMENT, 1],
  ]) as Encodable;
}

/** As Ergo writes texts, which all understand. */
export function reasonTerm(reason: string): Encodable {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(reason) ? charlist(reason.slice(0, 10_000)) : reason;
}

export function outcomeTerms(outcome: Outcome): readonly unknown[] {
  switch (outcome.is) {
    case "prepared":
      return [PREPARED, null];
    case "committed":
      return [COMMITTED, outcome.final];
    case "cancelled":
      return [CANCELLED, reasonTerm(outcome.reason)];
  }
}

/** Whether it is said by a saga to a saga. */
export function isSagaMessage(message: unknown): message is Term {
  return isTuple(message) && KINDS.has(message[0]);
}

/** What a message says; `null` where it is written otherwise than it has to be. */
export function readSagaMessage(message: Term): SagaMessage | null {
  if (!isTuple(message) || message.length !== 3) return null;
  const kind = KINDS.get(message[0]);
  const [, from, body] = message as readonly Term[];
  if (kind === undefined || !(from instanceof Pid) || !isTuple(body)) return null;
  const [tx, ...items] = body as readonly Term[];
  if (!(tx instanceof Ref) || items.length !== LENGTHS[kind]) return null;
  const [first, second] = items;
  switch (kind) {
    case "next": {
      const parents = pids(items[2]);
      const options = readOptions(items[3]);
      if (!(first instanceof Ref) || parents === null || options === null) return null;
      return { kind, from, tx, origin: first, value: second, parents, options };
    }
    case "interim":
    case "result":
      return first instanceof Ref ? { kind, from, tx, origin: first, value: second } : null;
    case "cancel":
      return first instanceof Ref
        ? { kind, from, tx, origin: first, reason: reasonOf(second) }
        : null;
    case "commit":
      return { kind, from, tx, final: second };
    case "member": {
      const members = pids(second);
      return first instanceof Ref && members !== null
        ? { kind, from, tx, origin: first, members }
        : null;
    }
    case "prepare": {
      const members = pids(first);
      return members === null ? null : { kind, from, tx, members, final: second };
    }
    case "cancelled":
      return first instanceof Ref ? { kind, from, tx, origin: first } : null;
    case "state": {
      const state = outcomeOf(first, second);
      return state === null ? null : { kind, from, tx, state };
    }
    default:
      return { kind, from, tx };
  }
}

/** How many items follow the transaction. */
const LENGTHS: Readonly<Record<SagaMessage["kind"], number>> = {
  next: 4,
  interim: 2,
  result: 2,
  cancel: 2,
  commit: 2,
  member: 2,
  prepare: 2,
  prepared: 0,
  cancelled: 1,
  ask: 0,
  state: 2,
  ended: 0,
  forget: 0,
};

function pids(term: Term): readonly Pid[] | null {
  if (!isList(term)) return null;
  return term.every((item) => item instanceof Pid) ? term as unknown as readonly Pid[] : null;
}

function outcomeOf(state: Term, value: Term): Outcome | null {
  if (state === PREPARED) return { is: "prepared" };
  if (state === COMMITTED) return { is: "committed", final: value };
  return state === CANCELLED ? { is: "cancelled", reason: reasonOf(value) } : null;
}

function readOptions(term: Term): NextTerms | null {
  const map: unknown = term;
  if (!(map instanceof TermMap || map instanceof Map)) return null;
  const found = new Map<string, Term>();
  for (const [key, value] of map as Iterable<[Term, Term]>) found.set(reasonOf(key), value);
  const seconds = positive(found.get("Lifespan"));
  return {
    hopLimit: limit(found.get("HopLimit")),
    lifespan: positive(found.get("LifespanMs")) ??
      (seconds === null ? DEFAULT_LIFESPAN : seconds * 1_000),
    twoPhaseCommit: found.get("TwoPhaseCommit") === true,
    agreement: found.get("Agreement") === 1,
  };
}

function positive(term: Term | undefined): number | null {
  return typeof term === "number" && term > 0 ? Math.min(term, 0x7fff_ffff) : null;
}

function limit(term: Term | undefined): number {
  return typeof term === "number" && Number.isInteger(term) && term >= 0 ? term : NO_HOP_LIMIT;
}

/** A text, however it was written. Messages of this node come as they were made. */
export function reasonOf(term: Term | string): string {
  try {
    if (typeof term === "string") return term.slice(0, 10_000);
    if (term instanceof Binary) return term.text.slice(0, 10_000);
    if (isList(term) && term.length > 0 && term.every((code) => typeof code === "number")) {
      return String.fromCodePoint(...term.slice(0, 10_000) as number[]);
    }
  } catch {
    // no text: as any other term
  }
  return term instanceof Atom ? term.name : format(term, { maxLength: 1_000 });
}
