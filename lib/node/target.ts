import { Atom, atom } from "../etf/atom.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../etf/tuple.ts";

/** Something that stands for a process, as the reference to a server does. */
export interface Addressed {
  /** Where its messages go. */
  readonly target: Target;
}

/** A process by its registered name, here or on another node. */
export interface NamedTarget {
  /** The name as Erlang has it: the module `Users` of an Elixir program is `Elixir.Users`. */
  readonly name: string;
  /** The node's name, as `app@localhost`; this node where it is left out. */
  readonly node?: string;
}

/**
 * Where a message, a call or a monitor goes: a pid, an alias, a name registered on this node, `{ name, node }`, Erlang's
 * `{Name, Node}`, or a reference to a server.
 */
export type Target = Pid | Ref | Atom | string | NamedTarget | Tuple<[Atom, Atom]> | Addressed;

/** A target in one of the three forms that differ on the wire. */
export type Address = Pid | Ref | Name;

/** A registered name on some node. */
export class Name {
  readonly text: string;
  /** `null`: this node. */
  readonly node: Atom | null;

  constructor(text: string, node: Atom | null) {
    this.text = text;
    this.node = node;
  }

  /** Made when a message is to cross the wire: names that are only asked for here would fill the table of atoms. */
  get name(): Atom {
    return atom(this.text);
  }
}

/** @throws {TypeError} if it is none of the forms. */
export function addressOf(target: Target): Address {
  if (target instanceof Pid || target instanceof Ref) return target;
  if (target instanceof Atom) return new Name(target.name, null);
  if (typeof target === "string") return new Name(target, null);
  if (isTuple(target)) {
    const [name, node] = target as Tuple<[unknown, unknown]>;
    if (target.length === 2 && name instanceof Atom && node instanceof Atom) {
      return new Name(name.name, node);
    }
  } else if (typeof target === "object" && target !== null) {
    if ("target" in target) return addressOf(target.target);
    if (typeof target.name === "string") {
      return new Name(target.name, target.node === undefined ? null : atom(target.node));
    }
  }
  throw new TypeError(
    "Cannot address a process: the target is no pid, alias, name, { name, node } or reference to a server",
  );
}

/** The name of the node that an address leads to; empty for a name of this node. */
export function nodeOf(address: Address): string {
  return address instanceof Name ? address.node?.name ?? "" : address.node;
}

/** The target for messages: `pdf on app@localhost`. */
export function describe(address: Address): string {
  if (address instanceof Name) {
    return address.node === null ? address.text : `${address.text} on ${address.node.name}`;
  }
  return address instanceof Pid
    ? `process ${address.id}.${address.serial} on ${address.node}`
    : `alias on ${address.node}`;
}

/** The target as Erlang writes it: a pid, a name, `{Name, Node}`. */
export function addressTerm(address: Address): Term {
  if (!(address instanceof Name)) return address;
  return address.node === null
    ? address.name
    : tuple(address.name, address.node) as unknown as Term;
}
