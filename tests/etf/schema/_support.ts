import { Binary } from "../../../lib/etf/binary.ts";
import { atom } from "../../../lib/etf/atom.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";

/** Whether two types are one and the same. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
  ? true
  : false;

/** Does not compile unless the types are the same: `sameType<A, B>(true)`. */
export function sameType<A, B>(_same: Same<A, B>): void {}

/** The binary of a text, as the decoder gives it. */
export function binaryOf(text: string | readonly number[]): Binary {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return Binary.from(bytes) as Binary;
}

/** A map with atom keys, as the decoder gives it. */
export function atomKeys(fields: Record<string, Term>): TermMap {
  return new TermMap(Object.entries(fields).map(([name, value]) => [atom(name), value] as const));
}

/** An Elixir struct, as the decoder gives it. */
export function structOf(name: string, fields: Record<string, Term>): TermMap {
  return atomKeys({ __struct__: atom(`Elixir.${name}`), ...fields });
}
