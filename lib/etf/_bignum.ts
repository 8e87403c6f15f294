// Integers beyond 32 bits: little-endian bytes on the wire, numbers or bigints here. Up to 14 bytes by words of 64 bits, longer ones by their hexadecimal
// digits, which both engines read and write in linear time; adding up words would be quadratic.

const words = new Uint32Array(2);
const word = new BigUint64Array(words.buffer);
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const LOW = LITTLE ? 0 : 1;
const hex: string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));
/** What stands beyond 64 bits is mostly what it was in the integer before: ids and times that come together. */
let lastHigh = 0;
let lastPart = 0n;

/** How many bytes a bigint may have everywhere: JavaScriptCore's limit of 2^20 bits. */
export const MAX_BIGNUM_BYTES = 131_072;

/** The integer of these little-endian bytes; a number where it is a safe integer. */
export function readInteger(
  bytes: Uint8Array,
  start: number,
  length: number,
  negative: boolean,
): number | bigint {
  while (length > 0 && bytes[start + length - 1] === 0) length--;
  if (length <= 6 || (length === 7 && bytes[start + 6] < 32)) {
    const value = readSafe(bytes, start, length);
    return negative && value !== 0 ? -value : value;
  }
  const value = length < 7 + 8 ? readWords(bytes, start, length) : readDigits(bytes, start, length);
  return negative ? -value : value;
}

/** At most six bytes. */
function readSafe(bytes: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[start + i];
  return value;
}

/** Seven to 14 bytes: what is beyond the lowest eight is a safe integer, and that times 2^64 a number that is exact. */
function readWords(b: Uint8Array, at: number, length: number): bigint {
  words[LOW] = b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24);
  if (length < 8) {
    words[1 - LOW] = b[at + 4] | (b[at + 5] << 8) | (b[at + 6] << 16);
    return word[0];
  }
  words[1 - LOW] = b[at + 4] | (b[at + 5] << 8) | (b[at + 6] << 16) | (b[at + 7] << 24);
  if (length === 8) return word[0];
  const high = readSafe(b, at + 8, length - 8);
  if (high !== lastHigh) {
    lastHigh = high;
    lastPart = BigInt(high * 0x1_0000_0000_0000_0000);
  }
  return lastPart + word[0];
}

function readDigits(bytes: Uint8Array, start: number, length: number): bigint {
  let text = "0x";
  for (let i = length - 1; i >= 0; i--) text += hex[bytes[start + i]];
  return BigInt(text);
}

/** How many bytes a bigint needs without its sign, if more than 112 bits. */
export function bigintLength(magnitude: bigint): number {
  return (magnitude.toString(16).length + 1) >> 1;
}

/** From here on a number no longer says what is beyond the lowest 64 bits. */
const TOO_LARGE = 2 ** 112;

/**
 * Writes the magnitude of a bigint of less than 112 bits, sixteen bytes of it, and gives how many count; -1 if there are more.
 *
 * @param near the number that is next to it. Engines cut a bigint to 64 bits in no time, while each operation on one makes another: what is beyond those
 * is what is left of the number without them, which is wrong by less than a tenth.
 */
export function writeWords(value: bigint, near: number, view: DataView, at: number): number {
  if (near >= TOO_LARGE || near <= -TOO_LARGE) return -1;
  view.setBigInt64(at, value, true);
  let low = view.getUint32(at, true);
  let high = view.getUint32(at + 4, true);
  if (near < 0) {
    high = (low === 0 ? -high : ~high) >>> 0;
    low = -low >>> 0;
    view.setUint32(at, low, true);
    view.setUint32(at + 4, high, true);
    near = -near;
  }
  const beyond = Math.round((near - high * 0x1_0000_0000 - low) / 0x1_0000_0000_0000_0000);
  if (beyond === 0) return high === 0 ? bytesOf(low) : 4 + bytesOf(high);
  const top = Math.floor(beyond / 0x1_0000_0000);
  view.setUint32(at + 8, beyond, true);
  view.setUint32(at + 12, top, true);
  return top === 0 ? 8 + bytesOf(beyond) : 12 + bytesOf(top);
}

/** How many bytes an integer of 32 bits has. */
function bytesOf(value: number): number {
  return 4 - (Math.clz32(value) >> 3);
}

/** Writes `length` little-endian bytes of a bigint without its sign. */
export function writeBigint(
  magnitude: bigint,
  bytes: Uint8Array,
  at: number,
  length: number,
): void {
  const text = magnitude.toString(16);
  let end = text.length;
  for (let i = 0; i < length; i++) {
    const high = end > 1 ? digit(text.charCodeAt(end - 2)) : 0;
    bytes[at + i] = (high << 4) | digit(text.charCodeAt(end - 1));
    end -= 2;
  }
}

function digit(unit: number): number {
  return unit < 58 ? unit - 48 : unit - 87;
}
