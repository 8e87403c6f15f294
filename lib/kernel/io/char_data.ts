import { ImproperList } from "../../etf/list.ts";
import { isTuple } from "../../etf/tuple.ts";

/** How the bytes of binaries and the numbers of lists are read as characters. */
export type Encoding = "latin1" | "unicode";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What is no text: io_lib raises `badarg` there, and an io server answers with an error. */
export class CharDataError extends Error {
  /** @ignore @internal */
  constructor(what: string) {
    super(`Cannot read text: ${what}, a list of characters and binaries is needed`);
  }
}

/**
 * The text of Erlang's character data: a binary, or a list of code points, binaries and such lists, however deep.
 *
 * @param lenient reads binaries that are not UTF-8 as Latin-1, as `~ts` does.
 * @throws {CharDataError} if it is something else, or holds a character that the encoding has not.
 */
export function charDataText(data: unknown, encoding: Encoding, lenient = false): string {
  if (typeof data === "string") return data;
  if (data instanceof Uint8Array) return binaryText(data, encoding, lenient);
  const parts: string[] = [];
  const stack: { readonly items: readonly unknown[]; next: number }[] = [];
  const enter = (value: unknown): void => {
    if (value instanceof ImproperList) {
      if (!(value.tail instanceof Uint8Array) && typeof value.tail !== "string") {
        throw new CharDataError("a list that does not end in a list or a binary");
      }
      stack.push({ items: [...value.elements, value.tail], next: 0 });
    } else if (Array.isArray(value) && !isTuple(value)) {
      stack.push({ items: value, next: 0 });
    } else {
      throw new CharDataError("it is neither a list nor a binary");
    }
  };
  enter(data);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (frame.next === frame.items.length) {
      stack.pop();
      continue;
    }
    const item = frame.items[frame.next++];
    if (typeof item === "number") parts.push(character(item, encoding));
    else if (typeof item === "string") parts.push(item);
    else if (item instanceof Uint8Array) parts.push(binaryText(item, encoding, lenient));
    else enter(item);
  }
  return parts.join("");
}

/** @throws {CharDataError} if there is no such character. */
export function character(point: number, encoding: Encoding): string {
  const most = encoding === "latin1" ? 0xff : 0x10ffff;
  const isValid = Number.isInteger(point) && point >= 0 && point <= most &&
    !(point >= 0xd800 && point <= 0xdfff);
  if (!isValid) throw new CharDataError(`${point} is no character of ${encoding}`);
  return String.fromCodePoint(point);
}

function binaryText(bytes: Uint8Array, encoding: Encoding, lenient: boolean): string {
  if (encoding === "latin1") return latin1Text(bytes);
  try {
    return utf8.decode(bytes);
  } catch {
    if (lenient) return latin1Text(bytes);
    throw new CharDataError(`a binary of ${bytes.length} bytes is not UTF-8`);
  }
}

/** The bytes as ISO 8859-1, which no decoder of the platform reads: theirs is Windows-1252. */
export function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text;
}

let segmenter: Intl.Segmenter | null = null;

/** The first of the characters that a user sees, as Erlang's `string` module counts them. */
export function graphemes(text: string, most: number): string[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  const found: string[] = [];
  for (const { segment } of segmenter.segment(text)) {
    if (found.length >= most) break;
    found.push(segment);
  }
  return found;
}

/**
 * How long Erlang takes a text for: the bytes of Latin-1, of other texts the characters that a user sees.
 *
 * @param most counts no further than one more.
 */
export function lengthOf(text: string, most = Infinity): number {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\xff]*$/.test(text) ? text.length : graphemes(text, most + 1).length;
}
