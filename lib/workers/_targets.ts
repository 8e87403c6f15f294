import type { Atom } from "../etf/atom.ts";
import type { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import { type Address, Name, type Target } from "../node/target.ts";

/** An address as it crosses: a pid, an alias, or `{Name, Node}`, whose node is `nil` where it is this one. */
export function addressTerm(address: Address): Encodable {
  return address instanceof Name ? tuple(address.text, address.node) as Encodable : address;
}

/** Whatever the name is, it is that of a process of a node, and no other kind of target. */
export function targetOf(term: Term): Target {
  if (!isTuple(term)) return term as Pid | Ref;
  const node = term[1] as Atom | null;
  return node === null ? { name: String(term[0]) } : { name: String(term[0]), node: node.name };
}
