// UTF-8 in place. Thresholds by measurement on the three runtimes: a call into the runtime costs 50 to 110 ns, a loop 1 to 2 ns a character.
import { readShort, SHORT_TEXT } from "./_short_text.ts";

interface Methods {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, at: number, length: number): number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const methods = (globalThis as { Buffer?: { prototype?: Partial<Methods> } }).Buffer?.prototype;
const slicer = methods?.utf8Slice;
const utf8Write = methods?.utf8Write;
/** Whether a slice is the engine's own, as in Bun, where a call with many arguments takes longer. */
export const OWN_SLICES: boolean = /\[native code\]/.test(String(slicer));
/** Up to so many characters one by one. */
const SHORT = OWN_SLICES ? 8 : SHORT_TEXT;

/** The text of these bytes, `undefined` where they are not valid UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > 128) {
    try {
      return decoder.decode(bytes.subarray(start, end));
    } catch {
      return undefined;
    }
  }
  let bits = 0;
  for (let i = start; i < end; i++) bits |= bytes[i];
  if (bits < 128) {
    if (end - start <= SHORT) return readShort(bytes, start, end);
  } else if (!isUtf8(bytes, start, end)) {
    return undefined;
  }
  return slicer === undefined
    ? decoder.decode(bytes.subarray(start, end))
    : slicer.call(bytes, start, end);
}

/** The text of ISO 8859-1 bytes. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** Writes `text`, for which there must be room, and gives the position behind it; -1 if it holds half a surrogate pair. */
export function writeUtf8(text: string, bytes: Uint8Array, at: number): number {
  const length = text.length;
  if (length > 24) {
    const written = utf8Write === undefined
      ? encoder.encodeInto(text, bytes.subarray(at)).written
      : utf8Write.call(bytes, text, at, bytes.length - at);
    // As many bytes as characters are ASCII; a half pair has become the three bytes of U+FFFD.
    return written === length || text.isWellFormed() ? at + written : -1;
  }
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[at++] = unit;
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes[at++] = 0xe0 | (unit >> 12);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else {
      const low = unit < 0xdc00 && i + 1 < length ? text.charCodeAt(++i) : 0;
      if (low < 0xdc00 || low > 0xdfff) return -1;
      const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[at++] = 0x80 | (point & 0x3f);
    }
  }
  return at;
}

/** Whether these bytes are the UTF-8 of `text`. */
export function sameUtf8(text: string, bytes: Uint8Array): boolean {
  const length = bytes.length;
  if (text.length > length || text.length * 3 < length) return false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // From the first character on that is not ASCII, characters and bytes no longer stand at the same place.
    if (unit >= 0x80) return readUtf8(bytes, i, length) === text.slice(i);
    if (bytes[i] !== unit) return false;
  }
  return text.length === length;
}

/** Whether the bytes are well-formed UTF-8: nothing overlong, no surrogates, nothing beyond U+10FFFF. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at++];
    if (first < 0x80) continue;
    // Table 3-7 of the Unicode standard: the first byte decides how many follow, and the range of the second.
    let more: number;
    let low = 0x80;
    let high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) more = 1;
    else if (first >= 0xe0 && first <= 0xef) {
      more = 2;
      if (first === 0xe0) low = 0xa0;
      else if (first === 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first === 0xf0) low = 0x90;
      else if (first === 0xf4) high = 0x8f;
    } else return false;
    if (at + more > end || bytes[at] < low || bytes[at] > high) return false;
    for (let i = 1; i < more; i++) {
      if ((bytes[at + i] & 0xc0) !== 0x80) return false;
    }
    at += more;
  }
  return true;
}

/** How many bytes the UTF-8 of a text has. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A pair is 4 bytes, 2 for each half.
    if (unit >= 0x80) length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}
