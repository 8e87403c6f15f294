import { Bitstring } from "../../etf/binary.ts";
import { ImproperList, isList } from "../../etf/list.ts";
import { TermMap } from "../../etf/term_map.ts";
import { isTuple } from "../../etf/tuple.ts";
import { atomText, binaryParts, binaryText, isAtom, leafText, listText } from "./_leaves.ts";
import { type Encoding, lengthOf } from "./char_data.ts";

/**
 * A term that has been measured for printing: its parts, and how many characters it has on one line.
 *
 * `dots` stands where a list, tuple or map goes on beyond the depth; it is the `tail` of its container.
 */
export interface Measured {
  readonly kind: "leaf" | "list" | "tuple" | "tagged" | "map" | "pair" | "bytes" | "dots";
  /** Of a leaf: its text. */
  readonly text: string;
  /** The elements; of a pair key and value. */
  readonly items: readonly Measured[];
  /** What stands behind the bar of an improper list, or dots. */
  readonly tail: Measured | null;
  /** Of a binary that is no text: its numbers. */
  readonly parts: readonly string[];
  readonly length: number;
}

/** How terms are printed. */
export interface Printing {
  readonly encoding: Encoding;
  /** Whether lists and binaries of printable characters are printed as text. */
  readonly strings: boolean;
  /** As `~w` and `~W` do it, which differ from `~p` in how they leave out what is in maps. */
  readonly plain: boolean;
  /** How many parts may still be printed; dots stand for those beyond. */
  readonly room: { left: number };
}

/** So many parts of a term are printed: one message can hold more than a program has memory to print. */
export const MOST_PARTS = 1_000_000;

const NONE: readonly never[] = [];
/** Erlang keeps maps of so many keys in the order of their keys. */
const SORTED_KEYS = 32;

function leaf(text: string, length: number = text.length): Measured {
  return { kind: "leaf", text, items: NONE, tail: null, parts: NONE, length };
}

const DOTS: Measured = {
  kind: "dots",
  text: "...",
  items: NONE,
  tail: null,
  parts: NONE,
  length: 3,
};

/**
 * Measures a term, down to a depth; a negative depth is none.
 *
 * @throws {RangeError} where the term is so deep that the stack does not suffice.
 */
export function measured(term: unknown, depth: number, how: Printing): Measured {
  if (isAtom(term)) {
    const text = atomText(term, how.encoding);
    return leaf(text, lengthOf(text));
  }
  if (term instanceof Uint8Array || term instanceof Bitstring || typeof term === "string") {
    const binary = typeof term === "string" ? new TextEncoder().encode(term) : term;
    return measuredBinary(binary, depth, how);
  }
  if (isTuple(term)) return measuredTuple(term, depth, how);
  if (isList(term) || term instanceof ImproperList) return measuredList(term, depth, how);
  if (term instanceof TermMap || term instanceof Map) return measuredMap(term, depth, how);
  const text = leafText(term);
  return leaf(text, lengthOf(text));
}

function measuredBinary(binary: Uint8Array | Bitstring, depth: number, how: Printing): Measured {
  if (binary instanceof Uint8Array && binary.length === 0) return leaf("<<>>");
  if (depth === 1) return leaf("<<...>>");
  if (how.strings && binary instanceof Uint8Array) {
    const printed = binaryText(binary, depth - 1, how.encoding);
    if (printed !== null) return leaf(printed.text, lengthOf(printed.text));
  }
  const parts = binaryParts(binary, depth, how.room);
  const length = parts.reduce((sum, part) => sum + part.length + 1, 3);
  return { kind: "bytes", text: "", items: NONE, tail: null, parts, length };
}

function measuredTuple(items: readonly unknown[], depth: number, how: Printing): Measured {
  if (items.length === 0) return leaf("{}");
  if (depth === 1) return leaf("{...}");
  const isTagged = items.length > 1 && isAtom(items[0]);
  return container(isTagged ? "tagged" : "tuple", 2, measuredItems(items, undefined, depth, how));
}

function measuredList(list: unknown[] | ImproperList, depth: number, how: Printing): Measured {
  const isImproper = list instanceof ImproperList;
  const items = isImproper ? list.elements : list;
  if (items.length === 0) return leaf("[]");
  if (how.strings && !isImproper && depth !== 1) {
    const text = listText(items);
    if (text !== null) return leaf(text);
  }
  const tail = isImproper ? list.tail : undefined;
  return container("list", 2, measuredItems(items, tail, depth, how));
}

function measuredMap(map: TermMap | Map<unknown, unknown>, depth: number, how: Printing): Measured {
  const flat = map instanceof TermMap ? map._flat : [...map].flat();
  if (flat.length === 0) return leaf("#{}");
  if (depth === 1) return leaf(how.plain ? "#{}" : "#{...}");
  const items: Measured[] = [];
  let left = depth;
  // What has more keys than that is a hash table there, and comes in the reverse of the order in which it is printed.
  const isReversed = flat.length > 2 * SORTED_KEYS;
  for (let n = 0; n < flat.length; n += 2) {
    const i = isReversed ? flat.length - 2 - n : n;
    if (left === 1 || --how.room.left < 0) return container("map", 3, { items, tail: DOTS });
    const key = measured(flat[i], depth - 1, how);
    const value = measured(flat[i + 1], depth - 1, how);
    const length = key.length + 4 + value.length;
    items.push({ kind: "pair", text: "", items: [key, value], tail: null, parts: NONE, length });
    left--;
  }
  return container("map", 3, { items, tail: how.plain && left === 1 ? DOTS : null });
}

interface Items {
  readonly items: readonly Measured[];
  readonly tail: Measured | null;
}

function measuredItems(
  items: readonly unknown[],
  tail: unknown,
  depth: number,
  how: Printing,
): Items {
  const done: Measured[] = [];
  for (const item of items) {
    if (depth === 1 || --how.room.left < 0) return { items: done, tail: DOTS };
    done.push(measured(item, depth - 1, how));
    depth--;
  }
  if (tail === undefined) return { items: done, tail: null };
  return { items: done, tail: depth === 1 ? DOTS : measured(tail, depth - 1, how) };
}

/** @param brackets how many characters the brackets have. */
function container(kind: Measured["kind"], brackets: number, { items, tail }: Items): Measured {
  let length = brackets;
  for (const item of items) length += item.length + 1;
  length += tail === null ? -1 : tail.length;
  return { kind, text: "", items, tail, parts: NONE, length };
}

/** The whole on one line. */
export function onOneLine(term: Measured): string {
  switch (term.kind) {
    case "list":
      return `[${joined(term, "|")}]`;
    case "tuple":
    case "tagged":
      return `{${joined(term, ",")}}`;
    case "map":
      return `#{${joined(term, ",")}}`;
    case "pair":
      return `${onOneLine(term.items[0])} => ${onOneLine(term.items[1])}`;
    case "bytes":
      return `<<${term.parts.join(",")}>>`;
    default:
      return term.text;
  }
}

function joined({ items, tail }: Measured, bar: string): string {
  const text = items.map(onOneLine).join(",");
  if (tail === null) return text;
  return text === "" ? onOneLine(tail) : text + bar + onOneLine(tail);
}
