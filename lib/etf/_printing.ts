import type { Bitstring } from "./binary.ts";
import { readUtf8 } from "./_utf8.ts";

// What both styles of printing need.

/** Whether binaries with this code point are printed as text. */
export function isPrintable(point: number): boolean {
  return (point >= 32 && point <= 126) || (point >= 0xa0 && point < 0xd800) ||
    (point > 0xdfff && point < 0xfffe) || (point > 0xffff && point <= 0x10ffff) ||
    (point >= 8 && point <= 13) || point === 27;
}

/** Whether lists with this code point are printed as text: as in a shell with default options, numbers beyond Latin-1 stay numbers. */
export function isPrintableInList(point: number): boolean {
  return point <= 0xff && isPrintable(point);
}

/** The text of a binary, if it is all printable; `undefined` else. */
export function printableText(bytes: Uint8Array): string | undefined {
  const text = readUtf8(bytes, 0, bytes.length);
  if (text === undefined) return undefined;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // In well-formed text every half of a pair belongs to a character beyond U+FFFF, and those are printable.
    if (!isPrintable(unit) && (unit < 0xd800 || unit > 0xdfff)) return undefined;
  }
  return text;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  "\x7f": "\\d",
  "\\": "\\\\",
};

/** The text between these quotes; other control characters as three octal digits. */
export function quoted(text: string, quote: string): string {
  const escaped = text.replace(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f\x7f-\x9f\\'"]/g,
    (character) => {
      if (character === "'" || character === '"') {
        return character === quote ? `\\${quote}` : character;
      }
      return ESCAPES[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
    },
  );
  return quote + escaped + quote;
}

/** The digits of a finite float, shortest that read back the same, and the place of its point behind the first of them. */
export function digitsOf(value: number): { sign: string; digits: string; place: number } {
  const [mantissa, exponent] = Math.abs(value).toExponential().split("e");
  return {
    sign: value < 0 || Object.is(value, -0) ? "-" : "",
    digits: mantissa.replace(".", ""),
    place: Number(exponent) + 1,
  };
}

/** `12.5`, never with an exponent. */
export function fixed(digits: string, place: number): string {
  if (place <= 0) return `0.${"0".repeat(-place)}${digits}`;
  if (place >= digits.length) return `${digits}${"0".repeat(place - digits.length)}.0`;
  return `${digits.slice(0, place)}.${digits.slice(place)}`;
}

/** `1.25e10`. */
export function scientific(digits: string, place: number): string {
  return `${digits[0]}.${digits.length > 1 ? digits.slice(1) : "0"}e${place - 1}`;
}

/** The decimal digits of an integer; only how large it is where there is no room for them. */
export function integerText(value: number | bigint, room: number): string {
  if (typeof value === "bigint" && room < 100_000) {
    // Decimal takes quadratic time in some engines, hexadecimal does not.
    const hex = value.toString(16);
    if (hex.length > room) {
      return `${value < 0n ? "-" : ""}16#${hex.replace("-", "").toUpperCase()}`;
    }
  }
  return String(value);
}

/** What a value that is no term is printed as. */
export function foreignText(value: unknown): string | undefined {
  if (typeof value === "object" && value !== null) {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return undefined;
    const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return `#js<${typeof name === "string" && name !== "" ? name : "Object"}>`;
  }
  return `#js<${typeof value}>`;
}

/** The entries of a plain object, names at even places. */
export function fieldsOf(object: object): unknown[] {
  return Object.entries(object).flat();
}

/** The text of a list that is not empty and holds only code points that `accept` takes, `undefined` of any other. */
export function printableList(
  list: readonly unknown[],
  accept: (point: number) => boolean,
  room: number,
): string | undefined {
  for (const item of list) {
    if (typeof item !== "number" || !Number.isInteger(item) || !accept(item)) return undefined;
  }
  let text = "";
  for (let i = 0; i < list.length && text.length <= room; i++) {
    text += String.fromCodePoint(list[i] as number);
  }
  return text;
}

/** As many of the bytes as there can be room for, and no part of a character at the end. */
export function cutBytes(bytes: Uint8Array, room: number): Uint8Array {
  let end = room * 4 + 4;
  if (bytes.length <= end) return bytes;
  while ((bytes[end] & 0xc0) === 0x80 && end > room * 4) end--;
  return bytes.subarray(0, end);
}

/** The UTF-8 of as much of the text as there can be room for. */
export function cutText(text: string, room: number): Uint8Array {
  return new TextEncoder().encode(text.length > room ? text.slice(0, room + 2) : text);
}

/** The bytes of a bitstring, the last one with `size` behind it. */
export function bitsText(value: Bitstring, comma: string, size: string, room: number): string {
  const whole = value.bytes.subarray(0, value.bytes.length - 1);
  const last = value.bytes[whole.length] >> (8 - value.bits);
  const shown = [...cutBytes(whole, room)].map(String);
  return [...shown, `${last}${size}`].join(comma);
}
