// Hot: one loop, its state in local variables, tags as literals (a test holds them to tags.ts). Measured by the codec rows of the benchmark.
import { Atom } from "./atom.ts";
import { atomObject, encodedSize } from "./_atom_bytes.ts";
import { deflate } from "./_compressed.ts";
import { EncodeError } from "./errors.ts";
import { NativeRecord } from "./fun.ts";
import { ImproperList } from "./list.ts";
import { mapEntries } from "./_map_keys.ts";
import type { EncodeOptions } from "./options.ts";
import {
  writeAtom,
  writeBigInteger,
  writeByteList,
  writeFloat,
  writeLeaf,
  writeRecordHead,
  writeSafe,
  writeText,
} from "./_rare_terms.ts";
import { elementPath, entryPath, refusal } from "./_refusal.ts";
import { Tag, VERSION } from "./tags.ts";
import type { Encodable } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { MARGIN, Writer, writeU32 } from "./_writer.ts";

export { type Apart, APART_FROM, type AtomRefs } from "./_writer.ts";

/** What is being written, for what stands at its end, and for the path in an error. */
const ROOT = 0;
const TUPLE = 1;
const LIST = 2;
const IMPROPER = 3;
/** An improper list whose elements are written: its tail is being. */
const TAIL = 4;
const MAP = 5;

/**
 * Writes terms, and what a connection puts around them, behind each other into slabs of 64 KiB.
 *
 * What has been written is `pending` until it is taken; positions are counted from the first pending byte, and stay right when the slab has to grow.
 */
export class Encoder extends Writer {
  /** The containers around the one that is being written: items, next place, count, kind, the container itself. */
  #stack: unknown[] = [];

  /**
   * Writes one term, without version byte.
   *
   * @throws {EncodeError} if the value, or one in it, has no single meaning as a term; nothing has been written then.
   */
  term(value: Encodable): void {
    const before = this.pending;
    this._limit = before + this._maxSize;
    try {
      this.#write(value);
      if (this.pending + this._apart > this._limit) throw this._tooLarge();
    } catch (error) {
      this.position = this._start + before;
      this.#stack = []; // It holds what was being written.
      throw error;
    } finally {
      this._limit = Infinity;
    }
  }

  #write(root: Encodable): void {
    const stack = this.#stack;
    const atoms = this.atoms;
    let bytes = this.bytes;
    let room = bytes.length;
    let pos = this.position;
    let depth = 0;
    let items: readonly unknown[] = NO_ITEMS;
    let index = 0;
    let count = 0;
    let kind = ROOT;
    let source: unknown = undefined;
    let value: unknown = root;
    for (;;) {
      if (pos + MARGIN > room) {
        this.position = pos;
        this._grow(MARGIN);
        bytes = this.bytes;
        room = bytes.length;
        pos = this.position;
      }
      // What is opened by this value, if it is a container.
      let inner = ROOT;
      let children: readonly unknown[] = NO_ITEMS;
      switch (typeof value) {
        case "number":
          if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
            if (value >= 0 && value < 256) {
              bytes[pos++] = 97; // SMALL_INTEGER_EXT
              bytes[pos++] = value;
            } else {
              bytes[pos] = 98; // INTEGER_EXT
              writeU32(bytes, pos + 1, value);
              pos += 5;
            }
          } else if (value !== 0 && Number.isSafeInteger(value)) {
            pos = writeSafe(bytes, pos, value);
          } else if (value - value === 0) {
            pos = writeFloat(bytes, pos, value);
          } else {
            this.#refuse(refusal(value), depth, items, index, kind);
          }
          break;
        case "string": {
          this.position = pos;
          if (!writeText(this, value)) this.#refuse(refusal(value), depth, items, index, kind);
          bytes = this.bytes;
          room = bytes.length;
          pos = this.position;
          break;
        }
        case "bigint":
          this.position = pos;
          writeBigInteger(this, value);
          bytes = this.bytes;
          room = bytes.length;
          pos = this.position;
          break;
        case "object":
          if (value instanceof Atom) {
            if (atoms !== null) {
              const number = atoms.refer(value);
              if (number >= 0) {
                bytes[pos++] = 82; // ATOM_CACHE_REF
                bytes[pos++] = number;
                break;
              }
            }
            const size = encodedSize(value);
            if (pos + size > room) {
              this.position = pos;
              this._grow(size);
              bytes = this.bytes;
              room = bytes.length;
              pos = this.position;
            }
            const from = value._bytes;
            const at = value._at;
            for (let i = 0; i < size; i++) bytes[pos + i] = from[at + i];
            pos += size;
            break;
          }
          if (Array.isArray(value)) {
            const length = value.length;
            if (isTuple(value)) {
              if (length < 256) {
                bytes[pos++] = 104; // SMALL_TUPLE_EXT
                bytes[pos++] = length;
              } else {
                if (length > MAX_ARITY) this.#refuse(TOO_WIDE, depth, items, index, kind);
                bytes[pos] = 105; // LARGE_TUPLE_EXT
                writeU32(bytes, pos + 1, length);
                pos += 5;
              }
              inner = TUPLE;
            } else if (length === 0) {
              bytes[pos++] = 106; // NIL_EXT
            } else {
              if (length < 65536) {
                this.position = pos;
                const written = writeByteList(this, value);
                bytes = this.bytes;
                room = bytes.length;
                pos = this.position;
                if (written) break;
              }
              bytes[pos] = 108; // LIST_EXT
              writeU32(bytes, pos + 1, length);
              pos += 5;
              inner = LIST;
            }
            children = value;
            break;
          }
          if (value instanceof TermMap) {
            children = value._flat;
            bytes[pos] = 116; // MAP_EXT
            writeU32(bytes, pos + 1, children.length >> 1);
            pos += 5;
            inner = MAP;
            break;
          }
          if (value instanceof ImproperList) {
            children = value.elements;
            bytes[pos] = 108; // LIST_EXT
            writeU32(bytes, pos + 1, children.length);
            pos += 5;
            inner = IMPROPER;
            break;
          }
          this.position = pos;
          if (value instanceof Map) {
            const flat = mapEntries(value);
            if (flat === undefined) this.#refuse(SAME_KEYS, depth, items, index, kind);
            children = flat;
            this.u8(Tag.MAP_EXT);
            this.u32(children.length >> 1);
            inner = MAP;
          } else if (value instanceof NativeRecord) {
            children = writeRecordHead(this, value);
            inner = TUPLE;
          } else if (!writeLeaf(this, value)) {
            this.#refuse(refusal(value), depth, items, index, kind);
          }
          bytes = this.bytes;
          room = bytes.length;
          pos = this.position;
          break;
        case "boolean":
          this.position = pos;
          writeAtom(this, atomObject(value));
          bytes = this.bytes;
          room = bytes.length;
          pos = this.position;
          break;
        default:
          this.#refuse(refusal(value), depth, items, index, kind);
      }
      if (inner !== ROOT) {
        const at = depth * 5;
        stack[at] = items;
        stack[at + 1] = index;
        stack[at + 2] = count;
        stack[at + 3] = kind;
        stack[at + 4] = source;
        depth++;
        // A value that holds itself makes the path repeat: it meets the container at the last power of two (Brent).
        if (depth > 32 && stack[(1 << (31 - Math.clz32(depth - 1))) * 5 + 4] === value) {
          this.#refuse(CYCLE, depth - 1, items, index, kind);
        }
        items = children;
        index = 0;
        count = children.length;
        kind = inner;
        source = value;
      }
      for (;;) {
        if (index < count) {
          value = items[index++];
          break;
        }
        if (kind === LIST) {
          if (pos === room) {
            this.position = pos;
            this._grow(MARGIN);
            bytes = this.bytes;
            room = bytes.length;
            pos = this.position;
          }
          bytes[pos++] = 106; // NIL_EXT
        } else if (kind === IMPROPER) {
          value = (source as ImproperList).tail;
          kind = TAIL;
          break;
        }
        if (depth === 0) {
          this.position = pos;
          if (stack.length > 5 * 1024) this.#stack = [];
          return;
        }
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

  /** Throws, with the path of the value that was taken last. */
  #refuse(
    message: string,
    depth: number,
    items: readonly unknown[],
    index: number,
    kind: number,
  ): never {
    const stack = this.#stack;
    let path = "";
    for (let level = 1; level <= depth; level++) {
      const at = level * 5;
      const here = level < depth;
      path += step(
        here ? stack[at] as readonly unknown[] : items,
        here ? stack[at + 1] as number : index,
        here ? stack[at + 3] as number : kind,
      );
    }
    throw new EncodeError(message, path);
  }
}

const NO_ITEMS: readonly unknown[] = [];
const MAX_ARITY = 0xff_ffff;
const TOO_WIDE = "the tuple has more than the 16777215 elements that Erlang allows; use a list";
const SAME_KEYS =
  "two keys of the Map are the same term, as 1 and 1n are, or a string and its bytes";
const CYCLE = "the value holds itself; a term cannot";

/**
 * The bytes of a term, version byte first, as for Erlang's `binary_to_term`; they have a buffer of their own.
 *
 * @throws {EncodeError} if the value, or one in it, has no single meaning as a term.
 */
export function encode(value: Encodable, options?: EncodeOptions): Uint8Array<ArrayBuffer> {
  // Not shared while it is in use: a Map's own iterator may call this function again.
  const encoder = options?.maxSize === undefined ? shared ?? new Encoder() : new Encoder(options);
  shared = undefined;
  encoder.u8(VERSION);
  try {
    encoder.term(value);
  } catch (error) {
    encoder.take();
    throw error;
  }
  const plain = encoder.take();
  if (options?.maxSize === undefined) shared = encoder;
  if (options?.compress) {
    const deflated = deflate(plain.subarray(1), options.compress);
    // As in Erlang, what does not get smaller stays as it is.
    if (deflated.length + 5 < plain.length - 1) {
      const bytes = new Uint8Array(deflated.length + 6);
      bytes[0] = VERSION;
      bytes[1] = Tag.COMPRESSED;
      writeU32(bytes, 2, plain.length - 1);
      bytes.set(deflated, 6);
      return bytes;
    }
  }
  return plain.slice();
}

let shared: Encoder | undefined;

function step(items: readonly unknown[], index: number, kind: number): string {
  if (kind === TAIL) return ".tail";
  return kind === MAP ? entryPath(items, index - 1) : elementPath(index - 1);
}
