import { Atom, atom } from "../../etf/atom.ts";
import { decode } from "../../etf/decoder.ts";
import { encode, encodeToKeep } from "../../etf/encoder.ts";
import { EncodeError } from "../../etf/errors.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { From } from "../../node/call.ts";
import { badRequest } from "../server/requests.ts";
import type { Answer, Carrier } from "./_carrier.ts";
import { bytesIn, count, NotOurs } from "./_terms.ts";
import type { RaftStatus } from "./raft_status.ts";

// What can be asked of a member, by its own reference, and from Erlang.

/** `{'$raft_append', Command}`, or `{'$raft_append', Session, Serial, Done, CommandBytes}`, whose reply is bytes. */
export const APPEND = atom("$raft_append");
/** `{'$raft_open', Session}` */
export const OPEN = atom("$raft_open");
/** `{'$raft_read', Query}` */
const READ = atom("$raft_read");
/** `{'$raft_query', QueryBytes}`, whose reply is bytes. */
export const QUERY = atom("$raft_query");
/** The same, of the member as it is. */
export const LOCAL = atom("$raft_local");
/** A query that every member has. */
export const READY: Atom = atom("$raft_ready");
/** `{'$raft_add', Node, voter | learner}` */
export const ADD = atom("$raft_add");
/** `{'$raft_remove', Node}` */
export const REMOVE = atom("$raft_remove");
/** `{'$raft_transfer', Node}` */
export const TRANSFER = atom("$raft_transfer");
/** `'$raft_status'` */
const STATUS = atom("$raft_status");

const HEADS: readonly unknown[] = [APPEND, OPEN, READ, QUERY, LOCAL, ADD, REMOVE, TRANSFER];
export const OK: Atom = atom("ok");
const ERROR = atom("error");
export const NOT_LEADER: Atom = atom("not_leader");
const UNDEFINED = atom("undefined");
export const FAILED: Atom = atom("failed");
export const EXPIRED: Atom = atom("expired");
const LEARNER = atom("learner");

/** The member that is asked. */
export interface Served {
  readonly carrier: Carrier;
  leader(): string | null;
  status(): RaftStatus;
  /** Why it cannot be one; `null` where it can. */
  refusal(kind: "commands" | "queries", term: Term): Term | null;
  query(term: Term): unknown;
}

export function isRaftRequest(term: Term): boolean {
  return term === STATUS || isTuple(term) && term.length > 1 && HEADS.includes(term[0]);
}

/** Answers now or later. */
export function answerRaft(served: Served, term: Term, from: From): void {
  if (term === STATUS) return from.reply(statusTerm(served.status()));
  try {
    answer(served, Array.from(term as unknown as readonly Term[]), from);
  } catch (error) {
    if (!(error instanceof NotOurs)) throw error;
    from.refuse(badRequest([], `Cannot serve a request of a Raft: ${error.message}`));
  }
}

function answer(served: Served, [head, ...rest]: readonly Term[], from: From): void {
  const { carrier } = served;
  switch (head) {
    case APPEND: {
      const isOurs = rest.length === 4;
      const [session, serial, done] = isOurs ? rest.slice(0, 3).map(count) : [0, 0, 0];
      const bytes = isOurs ? bytesIn(rest[3]).slice() : encodeToKeep(rest[0]);
      const refusal = served.refusal("commands", isOurs ? termIn(bytes) : rest[0]);
      if (refusal !== null) return from.refuse(refusal);
      return carrier.propose(
        { type: "command", session, serial, done, bytes },
        (answer) => from.reply(outcomeTerm(served, answer, isOurs)),
      );
    }
    case OPEN:
      return carrier.propose(
        { type: "open", session: count(rest[0]) },
        (answer) => from.reply(outcomeTerm(served, answer, false)),
      );
    case READ:
      return read(served, rest[0], false, from);
    case QUERY:
      return read(served, termIn(bytesIn(rest[0])), true, from);
    case LOCAL: {
      const query = termIn(bytesIn(rest[0]));
      const refusal = served.refusal("queries", query);
      return refusal === null ? queried(served, query, true, from) : from.refuse(refusal);
    }
  }
  const node = nodeIn(rest[0]);
  const done = (answer: Answer): void => from.reply(outcomeTerm(served, answer, false));
  if (head === ADD) carrier.add(node, rest[1] === LEARNER ? "learner" : "voter", done);
  else if (head === REMOVE) carrier.remove(node, done);
  else carrier.transfer(node, done);
}

function read(served: Served, query: Term, inBytes: boolean, from: From): void {
  const refusal = query === READY ? null : served.refusal("queries", query);
  if (refusal !== null) return from.refuse(refusal);
  served.carrier.read((answer) => {
    if (answer === "read") queried(served, query, inBytes, from);
    else from.reply(outcomeTerm(served, answer, inBytes));
  });
}

/** What a handler throws is told, and nobody ends by it. */
function queried(served: Served, query: Term, inBytes: boolean, from: From): void {
  try {
    const value = query === READY ? null : served.query(query) as Encodable ?? null;
    // What is no term is found here, and not where nobody knows who has asked.
    const bytes = encode(value);
    from.reply(tuple(OK, inBytes ? bytes : value) as Encodable);
  } catch (error) {
    const isNoTerm = error instanceof EncodeError;
    const message = error instanceof Error ? error.message : String(error);
    const text = isNoTerm ? `Cannot reply to a query: ${message}` : message;
    from.reply(tuple(ERROR, tuple(FAILED, text)) as Encodable);
  }
}

function outcomeTerm(served: Served, answer: Answer, inBytes: boolean): Encodable {
  if (answer === "read") return OK;
  switch (answer.type) {
    case "ok":
      return tuple(OK, inBytes ? answer.reply : decode(answer.reply)) as Encodable;
    case "failed":
      return tuple(ERROR, tuple(FAILED, answer.message)) as Encodable;
    case "expired":
      return tuple(ERROR, EXPIRED) as Encodable;
    case "refused": {
      if (answer.why !== "not_leader") return tuple(ERROR, atom(answer.why)) as Encodable;
      const leader = served.leader();
      const node = leader === null ? UNDEFINED : atom(leader);
      return tuple(ERROR, tuple(NOT_LEADER, node)) as Encodable;
    }
  }
}

function statusTerm({ role, leader, term, serial, members }: RaftStatus): Encodable {
  const nodes = (names: readonly string[]): Encodable => names.map((name) => atom(name));
  return new Map<Encodable, Encodable>([
    [atom("role"), atom(role)],
    [atom("leader"), leader === null ? UNDEFINED : atom(leader)],
    [atom("term"), term],
    [atom("serial"), serial],
    [atom("voters"), nodes(members.voters)],
    [atom("learners"), nodes(members.learners)],
  ]);
}

function termIn(bytes: Uint8Array): Term {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new NotOurs("its bytes are no term", { cause });
  }
}

function nodeIn(term: Term): string {
  if (term instanceof Atom) return term.name;
  throw new NotOurs("the name of a node is needed, as an atom");
}
