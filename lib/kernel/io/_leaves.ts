import { Atom } from "../../etf/atom.ts";
import { Bitstring } from "../../etf/binary.ts";
import { format } from "../../etf/format.ts";
import type { Encodable } from "../../etf/term.ts";
import { type Encoding, latin1Text } from "./char_data.ts";

// How io_lib spells what has no parts. Erlang prints texts as text where they are printable in Latin-1, unless it is started with +pc unicode.

/** Whether a value is an atom, three of which are JavaScript values. */
export function isAtom(value: unknown): boolean {
  return value instanceof Atom || value === null || typeof value === "boolean";
}

/** An atom, quoted where it has to be. */
export function atomText(atom: unknown, encoding: Encoding): string {
  const text = format(atom as Encodable);
  return encoding === "unicode" ? text : text.replace(/[^\0-\xff]/gu, (character) => {
    return `\\x{${character.codePointAt(0)!.toString(16).toUpperCase()}}`;
  });
}

/** Everything that is neither text nor a container nor an atom. */
export function leafText(value: unknown): string {
  return format(value as Encodable);
}

/** Whether io_lib shows a character as itself in a text. */
function isPrintable(point: number): boolean {
  return (point >= 32 && point <= 126) || (point >= 0xa0 && point <= 0xff) ||
    (point >= 8 && point <= 13) || point === 27;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\b": "\\b",
  "\f": "\\f",
  "\x1b": "\\e",
};

/** A text whose characters are all printable, in double quotes. */
function quoted(text: string): string {
  // deno-lint-ignore no-control-regex
  return `"${text.replace(/["\\\n\r\t\v\x08\f\x1b]/g, (character) => ESCAPES[character])}"`;
}

/** A list as text, if all of it is printable; `null` else. */
export function listText(list: readonly unknown[]): string | null {
  for (const item of list) {
    if (typeof item !== "number" || !isPrintable(item)) return null;
  }
  return quoted(latin1Text(Uint8Array.from(list as number[])));
}

/**
 * A binary as text: all of it, or where it is printed to a depth the beginning of it; `null` where it is none.
 *
 * @param depth the depth that is left for it; negative: all.
 */
export function binaryText(
  bytes: Uint8Array,
  depth: number,
  encoding: Encoding,
): { readonly text: string; readonly isWhole: boolean } | null {
  const most = depth < 0 ? bytes.length : Math.min(4 * depth, bytes.length);
  if (most === 0) return null;
  const read = encoding === "unicode" ? readUnicode(bytes, most) : null;
  const { shown, taken, count } = read ?? readLatin1(bytes, most);
  const utf8 = taken === shown.length ? "" : "/utf8";
  if (taken === bytes.length) return { text: `<<${quoted(shown)}${utf8}>>`, isWhole: true };
  if (depth <= 0 || count < depth) return null;
  return { text: `<<${quoted(shown)}${utf8}...>>`, isWhole: false };
}

/** The beginning of a text that is printable. */
interface Printable {
  readonly shown: string;
  /** Its bytes. */
  readonly taken: number;
  /** Its characters. */
  readonly count: number;
}

function readLatin1(bytes: Uint8Array, most: number): Printable {
  let count = 0;
  while (count < most && isPrintable(bytes[count])) count++;
  return { shown: latin1Text(bytes.subarray(0, count)), taken: count, count };
}

/** `null` where the first `most` characters are not UTF-8. */
function readUnicode(bytes: Uint8Array, most: number): Printable | null {
  let shown = "";
  let taken = 0;
  let count = 0;
  let isOpen = true;
  let at = 0;
  for (let read = 0; read < most && at < bytes.length; read++) {
    const size = sizeAt(bytes, at);
    if (size === 0) return null;
    if (isOpen) {
      const character = decode(bytes.subarray(at, at + size));
      isOpen = character !== null && isPrintable(character.codePointAt(0)!);
      if (isOpen) {
        shown += character;
        taken = at + size;
        count++;
      }
    }
    at += size;
  }
  return { shown, taken, count };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** How many bytes the character at that place has in UTF-8; 0 where there is none. */
function sizeAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return at + size <= bytes.length && decode(bytes.subarray(at, at + size)) !== null ? size : 0;
}

/** The numbers of a binary, to that depth (negative: all), as many as there is room for. */
export function binaryParts(
  value: Uint8Array | Bitstring,
  depth: number,
  room: { left: number },
): readonly string[] {
  const isBits = value instanceof Bitstring;
  const bytes = isBits ? value.bytes : value;
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (depth === 1 || --room.left < 0) {
      parts.push("...");
      return parts;
    }
    const isLast = i === bytes.length - 1;
    if (isBits && isLast) parts.push(`${bytes[i] >> (8 - value.bits)}:${value.bits}`);
    else parts.push(String(bytes[i]));
    depth--;
  }
  return parts;
}
