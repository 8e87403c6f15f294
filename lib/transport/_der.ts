/** The part of DER, the encoding of certificates, that making one needs: https://www.itu.int/rec/T-REC-X.690 */

/** One value: its tag, the length of what follows, and that. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = length < 0x80 ? [tag, length] : [tag, ...longLength(length)];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function longLength(length: number): number[] {
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x31, ...parts);
}

/** A tag of the surrounding type's own, around whole values. */
export function tagged(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return der(0xa0 | number, ...parts);
}

/** A non-negative integer of any size, big end first. */
export function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  // The first bit would be the sign.
  return digits[0] >= 0x80 ? der(0x02, Uint8Array.of(0), digits) : der(0x02, digits);
}

export function boolean(value: boolean): Uint8Array {
  return der(0x01, Uint8Array.of(value ? 0xff : 0));
}

export function octets(bytes: Uint8Array): Uint8Array {
  return der(0x04, bytes);
}

/** @param unused How many of the last bits do not count. */
export function bits(bytes: Uint8Array, unused = 0): Uint8Array {
  return der(0x03, Uint8Array.of(unused), bytes);
}

export function utf8(text: string): Uint8Array {
  return der(0x0c, new TextEncoder().encode(text));
}

/** An object identifier, as "1.2.840.10045.2.1". */
export function oid(text: string): Uint8Array {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const digits = [number & 0x7f];
    for (let more = Math.floor(number / 128); more > 0; more = Math.floor(more / 128)) {
      digits.unshift(0x80 | more & 0x7f);
    }
    bytes.push(...digits);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** A moment, in the form that certificates of today want: two digits of the year before 2050, four from then on. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ""); // 20240131120000Z
  const short = Number(digits.slice(0, 4)) < 2050;
  return der(short ? 0x17 : 0x18, new TextEncoder().encode(short ? digits.slice(2) : digits));
}

/** Bytes between the lines that say what they are. */
export function pem(label: string, bytes: Uint8Array): string {
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const lines = base64.match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
