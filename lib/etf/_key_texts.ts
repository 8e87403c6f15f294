// The texts that keys of maps are, found by their bytes: keys come again and again, and an engine that makes a property of a text has to look for it among all
// that there are. A table of fixed size, in which the last one wins its place.

const SLOTS = 1024;
/** Longer keys are not kept. */
export const LONGEST = 32;

const texts: (string | undefined)[] = new Array(SLOTS).fill(undefined);
const kept: Uint8Array = new Uint8Array(SLOTS * LONGEST);

/** The text of these bytes, at most 32, if they are ASCII. */
export function cachedKey(bytes: Uint8Array, start: number, length: number): string | undefined {
  let hash = length;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[start + i], 0x9e3779b1);
  const slot = ((hash >>> 15) ^ hash) & (SLOTS - 1);
  const text = texts[slot];
  return text !== undefined && holds(text, slot, bytes, start, length)
    ? text
    : makeKey(slot, bytes, start, length);
}

function holds(
  text: string,
  slot: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (text.length !== length) return false;
  const at = slot * LONGEST;
  for (let i = 0; i < length; i++) {
    if (kept[at + i] !== bytes[start + i]) return false;
  }
  return true;
}

function makeKey(
  slot: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): string | undefined {
  let text = "";
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i];
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  // The engine's own, which it has for the names of properties.
  text = Object.keys({ [text]: 0 })[0];
  const at = slot * LONGEST;
  for (let i = 0; i < length; i++) kept[at + i] = bytes[start + i];
  return texts[slot] = text;
}
