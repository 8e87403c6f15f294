import { Atom } from "./atom.ts";
import { Bitstring } from "./binary.ts";
import { Float } from "./float.ts";
import { ExternalFun, Fun, LocalTerm, NativeRecord } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
import type { Encodable } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { readLatin1, readUtf8 } from "./_utf8.ts";

// Half a surrogate pair, so that no text is the key of anything else.
const MARK = "\uDC00";
/**
 * Numbers beyond are keys as texts. Engines hash numbers and bigints in a way that everybody knows, so that a sender can think up keys that
 * share one place of a table, and looking at each takes as long as looking at all: 4 MB of them held a node for minutes. Texts are
 * hashed with a secret; of the integers up to here too few share a place to matter.
 */
const SMALL = 2 ** 23;

/** @internal Keys that share what they have in common: each structure is spelled out once and has a short name from then on. */
export interface KeySession {
  readonly names: Map<string, string>;
  readonly maps: Map<object, string>;
}

/**
 * A value that two terms share (as `===` and `Map` compare) exactly if they are equal terms, for use as the key of a `Map`.
 *
 * - Small integers, atoms, booleans, `null` and texts are their own keys; `1`, `1n` share one, `float(1)` has another; a string and the binary of its UTF-8 share one.
 * - Keys are for the running program only: do not store or send them.
 *
 * @throws {TypeError} if the value is no term.
 */
export function termKey(term: Encodable): unknown {
  switch (typeof term) {
    case "number":
      return isSmall(term) ? term : MARK + leafKey(term);
    case "bigint":
      return termKeyOfBigint(term);
    case "string":
    case "boolean":
      return term;
    case "object":
      if (term === null || term instanceof Atom) return term;
      if (term instanceof Uint8Array) {
        return readUtf8(term, 0, term.length) ?? MARK + leafKey(term);
      }
  }
  return MARK + canonical(term);
}

function isSmall(value: number): boolean {
  return Number.isInteger(value) && value <= SMALL && value >= -SMALL && !Object.is(value, -0);
}

function termKeyOfBigint(value: bigint): unknown {
  return value <= SMALL && value >= -SMALL ? Number(value) : MARK + leafKey(value);
}

/**
 * A number of 32 bits that equal terms share.
 *
 * It is the same in every program of this release, and is not Erlang's `phash2`.
 *
 * @throws {TypeError} if the value is no term.
 */
export function hash(term: Encodable): number {
  const text = canonical(term);
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** What is being spelled out: a container, how far, and the text so far. */
interface Frame {
  readonly source: unknown;
  readonly items: readonly unknown[];
  next: number;
  /** Before the items; maps put theirs in order at the end instead of adding to it. */
  text: string;
  readonly parts: string[] | null;
}

/** @internal The text of a term; every term's text tells where it ends. Iterative, because terms nest without limit. */
export function canonical(term: unknown, session?: KeySession): string {
  const stack: Frame[] = [];
  let value = term;
  for (;;) {
    let text = leafKey(value);
    if (text === undefined) {
      const named = session?.maps.get(value as object);
      if (named === undefined) {
        stack.push(open(value));
      } else {
        text = named;
      }
    }
    for (;;) {
      const frame = stack.at(-1);
      if (frame === undefined) return text!;
      if (text !== undefined) {
        if (frame.parts === null) frame.text += text;
        else frame.parts.push(text);
      }
      if (frame.next < frame.items.length) {
        value = frame.items[frame.next++];
        break;
      }
      stack.pop();
      text = close(frame);
      if (session !== undefined) {
        let name = session.names.get(text);
        if (name === undefined) session.names.set(text, name = `@${session.names.size};`);
        text = name;
        // Only maps can be met again: each is looked at once for itself and once for each map that it is a key in.
        if (frame.parts !== null) session.maps.set(frame.source as object, text);
      }
    }
  }
}

function open(value: unknown): Frame {
  const frame = (
    text: string,
    items: readonly unknown[],
    parts: string[] | null = null,
  ): Frame => ({
    source: value,
    items,
    next: 0,
    text,
    parts,
  });
  if (Array.isArray(value)) return frame(`${isTuple(value) ? "t" : "l"}${value.length}(`, value);
  if (value instanceof TermMap) return frame("", value._flat, []);
  if (value instanceof Map) return frame("", new TermMap(value)._flat, []);
  if (value instanceof ImproperList) {
    return frame(`m${value.elements.length}(`, [...value.elements, value.tail]);
  }
  if (value instanceof NativeRecord) {
    return frame(`r${value.flags},${value.fields.length}(`, [
      value.module,
      value.name,
      ...value.fields.flat(),
    ]);
  }
  throw new TypeError(`Cannot make a key of ${typeof value}: it is no term`);
}

function close(frame: Frame): string {
  if (frame.parts === null) return frame.text + ")";
  const parts = frame.parts;
  const order: number[] = [];
  for (let i = 0; i < parts.length; i += 2) order.push(i);
  order.sort((a, b) => (parts[a] < parts[b] ? -1 : 1));
  let text = `#${order.length}(`;
  for (const i of order) text += parts[i] + parts[i + 1];
  return text + ")";
}

/** The text of a term that holds no others, `undefined` for the rest. */
function leafKey(value: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? `i${value};` : floatKey(value);
    case "bigint":
      return isSafe(value) ? `i${value};` : `I${value.toString(16)};`;
    case "string":
      return `b${value.length}:${value}`;
    case "boolean":
      return value ? "a4:true" : "a5:false";
  }
  if (value === null) return "a3:nil";
  if (value instanceof Atom) return `a${value.name.length}:${value.name}`;
  if (value instanceof Uint8Array) {
    const text = readUtf8(value, 0, value.length);
    return text === undefined ? `x${bytesKey(value)}` : `b${text.length}:${text}`;
  }
  if (value instanceof Float) return floatKey(value.value);
  if (value instanceof Pid || value instanceof Ref || value instanceof Port) {
    return `p${value.key.length}:${value.key}`;
  }
  if (value instanceof Bitstring) return `y${value.bits}.${bytesKey(value.bytes)}`;
  if (value instanceof ExternalFun) {
    return `e${value.arity}.${leafKey(value.module)}${leafKey(value.function)}`;
  }
  if (value instanceof Fun || value instanceof LocalTerm) return `u${bytesKey(value._bytes)}`;
  return undefined;
}

function floatKey(value: number): string {
  return Object.is(value, -0) ? "f-0;" : `f${value};`;
}

function bytesKey(bytes: Uint8Array): string {
  return `${bytes.length}:${readLatin1(bytes, 0, bytes.length)}`;
}

function isSafe(value: bigint): boolean {
  return value >= -9007199254740991n && value <= 9007199254740991n;
}
