import { Tag } from "./tags.ts";

/** The most that one byte of a term may take in memory: that of an empty list. */
export const MEMORY_PER_BYTE = 72;
/** A place in what holds a term. */
const PLACE = 8;

/** What follows a tag, and what its term takes: measured on Node, where it is most. */
interface Row {
  /** Bytes besides a length, what it tells, and terms that follow. */
  readonly fixed?: number;
  /** Bytes of a length, which stands right behind the tag. */
  readonly length?: 1 | 2 | 4;
  /** Bytes of an identifier behind the node's name, which is an atom. */
  readonly id?: number;
  readonly memory: number;
}

const ROWS: { readonly [tag: number]: Row | undefined } = {
  [Tag.ATOM_CACHE_REF]: { fixed: 1, memory: 0 },
  [Tag.SMALL_INTEGER_EXT]: { fixed: 1, memory: 0 },
  [Tag.INTEGER_EXT]: { fixed: 4, memory: 0 },
  [Tag.NEW_FLOAT_EXT]: { fixed: 8, memory: 16 },
  [Tag.FLOAT_EXT]: { fixed: 31, memory: 16 },
  [Tag.ATOM_UTF8_EXT]: { length: 2, memory: 0 },
  [Tag.ATOM_EXT]: { length: 2, memory: 0 },
  [Tag.SMALL_ATOM_UTF8_EXT]: { length: 1, memory: 0 },
  [Tag.SMALL_ATOM_EXT]: { length: 1, memory: 0 },
  [Tag.NIL_EXT]: { memory: MEMORY_PER_BYTE - PLACE },
  [Tag.SMALL_TUPLE_EXT]: { fixed: 1, memory: 72 },
  [Tag.LARGE_TUPLE_EXT]: { fixed: 4, memory: 72 },
  [Tag.LIST_EXT]: { fixed: 4, memory: 72 },
  [Tag.MAP_EXT]: { fixed: 4, memory: 160 },
  [Tag.STRING_EXT]: { length: 2, memory: 72 },
  [Tag.BINARY_EXT]: { length: 4, memory: 160 },
  [Tag.BIT_BINARY_EXT]: { length: 4, fixed: 1, memory: 240 },
  [Tag.SMALL_BIG_EXT]: { length: 1, fixed: 1, memory: 32 },
  [Tag.LARGE_BIG_EXT]: { length: 4, fixed: 1, memory: 32 },
  [Tag.NEW_PID_EXT]: { id: 12, memory: 160 },
  [Tag.PID_EXT]: { id: 9, memory: 160 },
  [Tag.NEW_PORT_EXT]: { id: 8, memory: 160 },
  [Tag.V4_PORT_EXT]: { id: 12, memory: 160 },
  [Tag.PORT_EXT]: { id: 5, memory: 160 },
  [Tag.REFERENCE_EXT]: { id: 5, memory: 200 },
  [Tag.EXPORT_EXT]: { memory: 120 },
  [Tag.NEW_FUN_EXT]: { fixed: 29, memory: 500 },
  [Tag.FUN_EXT]: { fixed: 4, memory: 500 },
  [Tag.RECORD_EXT]: { fixed: 5, memory: 300 },
};
const BY_TAG: readonly (Row | undefined)[] = Array.from({ length: 256 }, (_, tag) => ROWS[tag]);

/**
 * Whether terms will take more memory than so many bytes, roughly. Terms follow each other, whatever holds them, so that this looks at each
 * tag once. It ends where something is no term, which their decoder finds, too.
 */
export function takesMore(bytes: Uint8Array, at: number, end: number, limit: number): boolean {
  let memory = 0;
  while (at < end) {
    const tag = bytes[at++];
    const row = BY_TAG[tag];
    memory += PLACE;
    if (row !== undefined) {
      memory += row.memory;
      if (row.id !== undefined) at = behindAtom(bytes, at) + row.id;
      else {
        if (row.length !== undefined) {
          const length = number(bytes, at, row.length);
          if (tag === Tag.STRING_EXT) memory += PLACE * length;
          at += row.length + length;
        }
        at += row.fixed ?? 0;
      }
    } else if (tag === Tag.NEWER_REFERENCE_EXT || tag === Tag.NEW_REFERENCE_EXT) {
      memory += 200;
      const words = number(bytes, at, 2);
      at = behindAtom(bytes, at + 2) + (tag === Tag.NEWER_REFERENCE_EXT ? 4 : 1) + 4 * words;
    } else {
      return false;
    }
    if (memory > limit) return true;
  }
  return false;
}

/** Where an atom ends; what is none has no length. */
function behindAtom(bytes: Uint8Array, at: number): number {
  const row = BY_TAG[bytes[at++]];
  if (row?.length === undefined) return at + (row?.fixed ?? 0);
  return at + row.length + number(bytes, at, row.length);
}

function number(bytes: Uint8Array, at: number, size: 1 | 2 | 4): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
