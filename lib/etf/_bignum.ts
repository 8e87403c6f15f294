// Integers beyond 32 bits: little-endian bytes on the wire, numbers or bigints here.

const word = new BigUint64Array(1);
const wordBytes = new Uint8Array(word.buffer);
const hex: string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

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
    let value = 0;
    for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[start + i];
    return negative && value !== 0 ? -value : value;
  }
  let value: bigint;
  if (length <= 8) {
    word[0] = 0n;
    for (let i = 0; i < length; i++) wordBytes[i] = bytes[start + i];
    value = word[0];
  } else {
    // Both engines read hexadecimal in linear time; adding up words would be quadratic.
    let text = "0x";
    for (let i = length - 1; i >= 0; i--) text += hex[bytes[start + i]];
    value = BigInt(text);
  }
  return negative ? -value : value;
}

/** How many bytes a bigint needs without its sign. */
export function bigintLength(magnitude: bigint): number {
  if (magnitude <= 0xffff_ffff_ffff_ffffn) {
    word[0] = magnitude;
    let length = 8;
    while (length > 0 && wordBytes[length - 1] === 0) length--;
    return length;
  }
  return (magnitude.toString(16).length + 1) >> 1;
}

/** Writes `length` little-endian bytes of a bigint without its sign. */
export function writeBigint(
  magnitude: bigint,
  bytes: Uint8Array,
  at: number,
  length: number,
): void {
  if (length <= 8) {
    word[0] = magnitude;
    for (let i = 0; i < length; i++) bytes[at + i] = wordBytes[i];
    return;
  }
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
