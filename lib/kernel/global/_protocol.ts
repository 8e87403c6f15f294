import { Atom, atom } from "../../etf/atom.ts";
import { Pid } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";

/** The process of this name on every node. */
export const GLOBAL_NAME_SERVER = "global_name_server";
/** The resource that is locked while names change. */
export const GLOBAL: Atom = atom("global");

/** The version of the protocol that we speak: that of OTP 25.1 to 29. */
export const VERSION = 8;
/** From this version on nodes tell each other which versions the others have, and prevent overlapping partitions (OTP 25.0). */
export const PARTITIONS_VERSION = 7;
/** From this version on `init_connect` is acknowledged, and can be cancelled (OTP 25.1). */
export const VERIFY_VERSION = 8;
/** Before this version lockers wrote to each other directly (R13). */
export const PROXY_VERSION = 6;

/** What a peer sent is no message of the protocol. */
export class BadMessage extends Error {}

/** A name as it crosses the wire: `{Name, Pid, Method}`, where the method says what to do about a conflict. */
export interface NamedPid {
  readonly name: Term;
  readonly pid: Pid;
  readonly method: Term;
}

/** What is to be done with a name after two parts of a cluster have met. */
export type Operation =
  | { readonly type: "insert"; readonly named: NamedPid }
  | { readonly type: "delete"; readonly name: Term };

/** A name that a node without names of its own, as a C node, has registered by way of `node`. */
export interface ExternalName {
  readonly name: Term;
  readonly pid: Pid;
  readonly node: string;
}

/** A node and the version that it speaks; 0 where that is not known. */
export type KnownNode = readonly [node: string, version: number];

const TAG_BITS = 128;
const INSERT = atom("insert");
const DELETE = atom("delete");
const LOCK = atom("lock");

export function isAtom(term: Term | undefined, name: string): boolean {
  return term instanceof Atom && term.name === name;
}

/** The name of a message: its atom, or the first of its tuple. */
export function headOf(message: Term): string {
  const head = isTuple(message) ? message[0] : message;
  return head instanceof Atom ? head.name : "";
}

/** @throws {BadMessage} unless the message is a tuple of so many. */
export function fields(message: Term, length: number): readonly Term[] {
  if (isTuple(message) && message.length === length) return message as readonly Term[];
  throw new BadMessage(`${headOf(message)} must be a tuple of ${length}`);
}

export function nodeFrom(term: Term): string {
  if (term instanceof Atom) return term.name;
  throw new BadMessage("a node's name must be an atom");
}

/** What tells one session, or one life of a node, from others: OTP's are a little over 64 bits long. */
export function tagFrom(term: Term | undefined): number | bigint {
  if (typeof term === "number") return term;
  if (typeof term === "bigint" && BigInt.asIntN(TAG_BITS, term) === term) return term;
  throw new BadMessage(`an integer of at most ${TAG_BITS} bits was expected`);
}

export function pidFrom(term: Term): Pid {
  if (term instanceof Pid) return term;
  throw new BadMessage("a pid was expected");
}

function listFrom(term: Term): readonly Term[] {
  if (isList(term)) return term;
  throw new BadMessage("a list was expected");
}

/** `[Node]` of old nodes, or `[{Node, Version}]`. */
export function knownFrom(term: Term): KnownNode[] {
  return listFrom(term).map((known): KnownNode => {
    if (!isTuple(known)) return [nodeFrom(known), 0];
    const [node, version] = fields(known as Term, 2);
    if (typeof version !== "number") throw new BadMessage("a version must be an integer");
    return [nodeFrom(node), version];
  });
}

/** What peers before version 7 are told has no versions. */
export function knownTerm(known: Iterable<KnownNode>, forVersion: number): Term[] {
  return Array.from(
    known,
    ([node, version]) =>
      forVersion < PARTITIONS_VERSION ? atom(node) : tuple(atom(node), version) as Term,
  );
}

export function namesFrom(term: Term): NamedPid[] {
  return listFrom(term).map(namedFrom);
}

export function namesTerm(names: Iterable<NamedPid>): Term[] {
  return Array.from(names, namedTerm);
}

function namedFrom(term: Term): NamedPid {
  const [name, pid, method] = fields(term, 3);
  return { name, pid: pidFrom(pid), method };
}

function namedTerm({ name, pid, method }: NamedPid): Term {
  return tuple(name, pid, method) as Term;
}

export function operationsFrom(term: Term): Operation[] {
  return listFrom(term).map((operation): Operation => {
    const [what, of] = fields(operation, 2);
    if (what === INSERT) return { type: "insert", named: namedFrom(of) };
    if (what === DELETE) return { type: "delete", name: of };
    throw new BadMessage("an operation must be an insert or a delete");
  });
}

export function operationsTerm(operations: readonly Operation[]): Term[] {
  return operations.map((operation) =>
    operation.type === "insert"
      ? tuple(INSERT, namedTerm(operation.named)) as Term
      : tuple(DELETE, operation.name) as Term
  );
}

export function externalFrom(term: Term): ExternalName[] {
  return listFrom(term).map((external) => {
    const [name, pid, node] = fields(external, 3);
    return { name, pid: pidFrom(pid), node: nodeFrom(node) };
  });
}

export function externalTerm(names: Iterable<ExternalName>): Term[] {
  return Array.from(names, ({ name, pid, node }) => tuple(name, pid, atom(node)) as Term);
}

/** Who has the lock under which operations were agreed upon; `undefined` where it is not told. */
export function lockRequesterIn(extra: Term): Term | undefined {
  if (!isList(extra)) return undefined;
  for (const info of extra) {
    if (!isTuple(info) || info.length !== 2 || info[0] !== LOCK) continue;
    const lock = info[1] as Term;
    return isTuple(lock) && lock.length === 2 && lock[0] === GLOBAL ? lock[1] as Term : undefined;
  }
  return undefined;
}

/** The id of a lock, `{Resource, Requester}`. */
export interface LockId {
  readonly resource: Term;
  readonly requester: Term;
}

export function lockIdFrom(term: Term): LockId {
  const [resource, requester] = fields(term, 2);
  return { resource, requester };
}

export function lockIdTerm({ resource, requester }: LockId): Encodable {
  return tuple(resource, requester) as Encodable;
}
