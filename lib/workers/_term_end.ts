import { Tag } from "../etf/tags.ts";

/** Where the term ends that begins there, as an `Encoder` writes it, without making anything of it; -1 if it is none, or not whole. */
export function endOfTerm(bytes: Uint8Array, position: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Of terms, and of so many bytes behind them: a pid is a node, and twelve bytes.
  const owed: number[] = [];
  let terms = 1;
  let at = position;
  try {
    for (;;) {
      while (terms === 0) {
        if (owed.length === 0) return at <= bytes.length ? at : -1;
        at += owed.pop()!;
        terms = owed.pop()!;
      }
      terms--;
      const tag = view.getUint8(at++);
      const { size, inside, behind } = shapeOf(view, tag, at);
      at += size;
      if (behind > 0) {
        owed.push(terms, behind);
        terms = inside;
      } else terms += inside;
    }
  } catch (error) {
    if (error instanceof RangeError) return -1; // beyond the bytes
    throw error;
  }
}

interface Shape {
  /** Bytes behind the tag. */
  readonly size: number;
  /** Terms behind those. */
  readonly inside: number;
  /** Bytes behind the terms. */
  readonly behind: number;
}

function shapeOf(view: DataView, tag: number, at: number): Shape {
  switch (tag) {
    case Tag.NIL_EXT:
      return shape(0);
    case Tag.SMALL_INTEGER_EXT:
      return shape(1);
    case Tag.INTEGER_EXT:
      return shape(4);
    case Tag.NEW_FLOAT_EXT:
      return shape(8);
    case Tag.SMALL_ATOM_UTF8_EXT:
      return shape(1 + view.getUint8(at));
    case Tag.ATOM_UTF8_EXT:
    case Tag.STRING_EXT:
      return shape(2 + view.getUint16(at));
    case Tag.BINARY_EXT:
      return shape(4 + view.getUint32(at));
    case Tag.BIT_BINARY_EXT:
      return shape(5 + view.getUint32(at));
    case Tag.SMALL_BIG_EXT:
      return shape(2 + view.getUint8(at));
    case Tag.LARGE_BIG_EXT:
      return shape(5 + view.getUint32(at));
    case Tag.NEW_FUN_EXT:
      return shape(view.getUint32(at)); // counts itself
    case Tag.SMALL_TUPLE_EXT:
      return shape(1, view.getUint8(at));
    case Tag.LARGE_TUPLE_EXT:
      return shape(4, view.getUint32(at));
    case Tag.LIST_EXT:
      return shape(4, view.getUint32(at) + 1);
    case Tag.MAP_EXT:
      return shape(4, view.getUint32(at) * 2);
    case Tag.EXPORT_EXT:
      return shape(0, 3);
    case Tag.NEW_PID_EXT:
    case Tag.V4_PORT_EXT:
      return shape(0, 1, 12);
    case Tag.NEW_PORT_EXT:
      return shape(0, 1, 8);
    case Tag.NEWER_REFERENCE_EXT:
      return shape(2, 1, 4 + 4 * view.getUint16(at));
  }
  throw new RangeError("Cannot skip a term: it is none");
}

function shape(size: number, inside = 0, behind = 0): Shape {
  return { size, inside, behind };
}
