import type { Framing } from "./framing.ts";

const NEWLINE = 10;
/** Packets up to this size are copied behind their length: a copy of them is cheaper than a second piece. */
const COPY_BELOW = 4 * 1024;
const utf8 = new TextEncoder();

/** What is written: bytes, or a text, which is sent as UTF-8. */
export type Packet = Uint8Array | string;

/** The bytes of a packet. @throws {TypeError} if it is neither bytes nor a text. */
export function bytesOf(verb: string, packet: Packet): Uint8Array {
  if (typeof packet === "string") return utf8.encode(packet);
  if (packet instanceof Uint8Array) return packet;
  throw new TypeError(`Cannot ${verb}: bytes or a text are needed, ${typeof packet} came`);
}

/**
 * Gives the bytes that a packet is on the wire to `write`, in one piece or two.
 *
 * @returns what the last `write` returned.
 * @throws {RangeError} if it is longer than its length can tell.
 */
export function pack(
  framing: Framing,
  packet: Uint8Array,
  write: (bytes: Uint8Array) => boolean,
): boolean {
  if (framing === "raw") return write(packet);
  if (framing === "line") return write(withNewline(packet));
  if (typeof framing === "object") return write(framing.encode?.(packet) ?? packet);
  const { length } = packet;
  if (length >= 2 ** (8 * framing)) {
    throw new RangeError(
      `Cannot write a packet of ${length} bytes: ${framing} bytes of length can tell ${
        2 ** (8 * framing) - 1
      } at most, use more of them`,
    );
  }
  if (length > COPY_BELOW) {
    write(lengthBytes(new Uint8Array(framing), framing, length));
    return write(packet);
  }
  const bytes = lengthBytes(new Uint8Array(framing + length), framing, length);
  bytes.set(packet, framing);
  return write(bytes);
}

function lengthBytes(bytes: Uint8Array, size: number, length: number): Uint8Array {
  for (let i = 0; i < size; i++) bytes[i] = length >>> (8 * (size - 1 - i));
  return bytes;
}

function withNewline(packet: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(packet.length + 1);
  bytes.set(packet);
  bytes[packet.length] = NEWLINE;
  return bytes;
}
