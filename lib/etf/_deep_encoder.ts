// Not hot: terms that nest deeper than the fast way goes, and what cannot be written, for which the path is wanted.
import { Atom, atom } from "./atom.ts";
import { isPlain, withMaps } from "./convert.ts";
import { EncodeError } from "./errors.ts";
import { NativeRecord } from "./fun.ts";
import { LeafWriter } from "./_leaf_writer.ts";
import { ImproperList } from "./list.ts";
import { mapEntries } from "./_map_keys.ts";
import type { EncodeOptions } from "./options.ts";
import { isByte, writeByteList, writeRecordHead } from "./_rare_terms.ts";
import { elementPath, entryPath, refusal } from "./_refusal.ts";
import { Tag } from "./tags.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { MARGIN } from "./_writer.ts";

/** What is being written, for what stands at its end, and for the path in an error. */
const ROOT = 0;
const TUPLE = 1;
const LIST = 2;
const IMPROPER = 3;
/** An improper list whose elements are written: its tail is being. */
const TAIL = 4;
const MAP = 5;

/** The largest arity Erlang has. */
export const MAX_ARITY = 0xff_ffff;
/** What is thrown where nobody needs to know where in the term it is; no error of its own, for that costs a stack. */
export const REFUSED: Error = new Error("Cannot encode a term");

const NO_ITEMS: readonly unknown[] = [];
const TOO_WIDE = "the tuple has more than the 16777215 elements that Erlang allows; use a list";
const SAME_KEYS =
  "two keys of the Map are the same term, as 1 and 1n are, or a string and its bytes";
const CYCLE = "the value holds itself; a term cannot";

/** Writes terms with a stack of its own. */
export class DeepEncoder extends LeafWriter {
  /** @internal What plain objects are; `undefined` where they are refused. */
  _objects: "atoms" | "binaries" | undefined;

  constructor(options: EncodeOptions = {}) {
    super(options);
    this._objects = options.objects;
  }

  /**
   * @internal Writes one term at `position`, without recursion, because terms nest without limit.
   *
   * @param explains whether an error is to say where in the term it is; else REFUSED is thrown.
   */
  _deep(root: unknown, explains: boolean): void {
    // The containers around the one that is being written: items, next place, count, kind, the container itself.
    const stack: unknown[] = [];
    let depth = 0;
    let items = NO_ITEMS;
    let index = 0;
    let count = 0;
    let kind = ROOT;
    let source: unknown = undefined;
    let value = root;
    const refuse = (message: string): never => {
      if (!explains) throw REFUSED;
      throw new EncodeError(
        message,
        pathOf([...stack.slice(0, depth * 5), items, index, count, kind]),
      );
    };
    for (;;) {
      this.reserve(MARGIN);
      const opened = this.#open(value);
      if (typeof opened === "string") refuse(opened);
      if (opened === undefined) {
        const end = this._leaf(value, this.position);
        if (end < 0) refuse(refusal(value));
        this.position = end;
      } else if (opened !== null) {
        const at = depth * 5;
        stack[at] = items;
        stack[at + 1] = index;
        stack[at + 2] = count;
        stack[at + 3] = kind;
        stack[at + 4] = source;
        depth++;
        // A value that holds itself makes the path repeat: it meets the container at the last power of two (Brent).
        if (depth > 32 && stack[(1 << (31 - Math.clz32(depth - 1))) * 5 + 4] === value) {
          depth--;
          refuse(CYCLE);
        }
        items = opened as readonly unknown[];
        index = 0;
        count = items.length;
        kind = kindOf(value);
        source = value;
      }
      for (;;) {
        if (index < count) {
          value = items[index++];
          break;
        }
        if (kind === LIST) {
          this.u8(Tag.NIL_EXT);
        } else if (kind === IMPROPER) {
          value = (source as ImproperList).tail;
          kind = TAIL;
          break;
        }
        if (depth === 0) return;
        const at = --depth * 5;
        items = stack[at] as readonly unknown[];
        index = stack[at + 1] as number;
        count = stack[at + 2] as number;
        kind = stack[at + 3] as number;
        source = stack[at + 4];
        stack[at] = stack[at + 4] = undefined;
      }
    }
  }

  /** Writes the head of a container and gives what it holds; `null` where the whole is written, `undefined` for a leaf, a string for what is wrong. */
  #open(value: unknown): readonly unknown[] | null | undefined | string {
    if (typeof value !== "object" || value === null) return undefined;
    if (value instanceof Atom) {
      this.position = this._atom(value, this.position);
      return null;
    }
    if (Array.isArray(value)) {
      const { length } = value;
      if (isTuple(value)) return this._tupleHead(length) ? value : TOO_WIDE;
      if (length === 0) {
        this.u8(Tag.NIL_EXT);
        return null;
      }
      if (length < 65536 && isByte(value[0]) && writeByteList(this, value)) return null;
      this._head(Tag.LIST_EXT, length);
      return value;
    }
    if (value instanceof TermMap) {
      this._head(Tag.MAP_EXT, value._flat.length >> 1);
      return value._flat;
    }
    if (value instanceof ImproperList) {
      this._head(Tag.LIST_EXT, value.elements.length);
      return value.elements;
    }
    if (value instanceof NativeRecord) return writeRecordHead(this, value);
    const flat = this._flatOf(value);
    if (flat === null) return SAME_KEYS;
    if (flat !== undefined) this._head(Tag.MAP_EXT, flat.length >> 1);
    return flat;
  }

  /** @internal The entries of a Map, or of a plain object where these are maps; `undefined` for other objects, `null` for a Map with two equal keys. */
  _flatOf(value: object): readonly unknown[] | undefined | null {
    const objects = this._objects;
    if (value instanceof Map) {
      if (objects === undefined) return mapEntries(value) ?? null;
      // Plain objects that are keys have to be maps before they can be compared.
      const keyed: Map<unknown, unknown> = new Map();
      for (const [key, item] of value) keyed.set(withMaps(key, objects), item);
      return mapEntries(keyed) ?? null;
    }
    if (objects === undefined || !isPlain(value)) return undefined;
    const flat: unknown[] = [];
    for (const name of Object.keys(value)) {
      flat.push(
        objects === "atoms" ? atomKey(name) : name,
        (value as Record<string, unknown>)[name],
      );
    }
    return flat;
  }

  /** @internal The head of a tuple; `false` where it is too wide. */
  _tupleHead(length: number): boolean {
    if (length > MAX_ARITY) return false;
    if (length > 255) {
      this._head(Tag.LARGE_TUPLE_EXT, length);
    } else {
      this.u8(Tag.SMALL_TUPLE_EXT);
      this.u8(length);
    }
    return true;
  }

  /** @internal */
  _head(tag: number, length: number): void {
    this.u8(tag);
    this.u32(length);
  }
}

/** @internal The key of a plain object's field where keys are atoms. */
export function atomKey(name: string): unknown {
  return name === "true" ? true : name === "false" ? false : name === "nil" ? null : atom(name);
}

function kindOf(value: unknown): number {
  if (Array.isArray(value)) return isTuple(value) ? TUPLE : LIST;
  if (value instanceof ImproperList) return IMPROPER;
  return value instanceof NativeRecord ? TUPLE : MAP;
}

/** Where the value stands that was taken last. */
function pathOf(levels: readonly unknown[]): string {
  let path = "";
  for (let at = 5; at < levels.length; at += 5) {
    const items = levels[at] as readonly unknown[];
    const index = levels[at + 1] as number;
    const kind = levels[at + 3] as number;
    path += kind === TAIL
      ? ".tail"
      : kind === MAP
      ? entryPath(items, index - 1)
      : elementPath(index - 1);
  }
  return path;
}
