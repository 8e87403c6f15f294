// Big-endian doubles by way of eight bytes of our own: a DataView would have to be made for each buffer.
const doubles = new Float64Array(1);
const own = new Uint8Array(doubles.buffer);
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The double that the eight bytes from `at` on are. */
export function readDouble(bytes: Uint8Array, at: number): number {
  if (LITTLE) { for (let i = 0; i < 8; i++) own[7 - i] = bytes[at + i]; }
  else for (let i = 0; i < 8; i++) own[i] = bytes[at + i];
  return doubles[0];
}

/** Writes a double as eight bytes. */
export function writeDouble(bytes: Uint8Array, at: number, value: number): void {
  doubles[0] = value;
  if (LITTLE) { for (let i = 0; i < 8; i++) bytes[at + i] = own[7 - i]; }
  else for (let i = 0; i < 8; i++) bytes[at + i] = own[i];
}
