import { concat, encodeLatin1 } from "./_octets.ts";

/**
 * The proof that one knows the cookie: MD5 of the cookie followed by the challenge in decimal digits.
 *
 * Erlang's cookies are atoms whose characters go into the digest as Latin-1 bytes; a cookie that has others cannot be
 * used by an Erlang node either.
 */
export function digest(
  md5: (bytes: Uint8Array) => Uint8Array,
  cookie: string,
  challenge: number,
): Uint8Array {
  const bytes = encodeLatin1(cookie);
  // The messages must not show the cookie: they end up in logs.
  if (bytes === null) throw new RangeError("Cannot use cookie: it has a character beyond Latin-1");
  if (bytes.length === 0) {
    throw new RangeError("Cannot use cookie: it is empty, which lets everybody in");
  }
  return md5(concat([bytes, encodeLatin1(String(challenge)) as Uint8Array]));
}

/** Compares in a time that does not tell how many bytes were right. */
export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
