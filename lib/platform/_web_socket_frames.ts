// Frames of RFC 6455, the server's side.

/** RFC 6455, section 5.2. */
export const OPCODE = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

/** What is against the protocol, with the code that the socket is closed with (section 7.4.1). */
export class FrameError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A message, or a control frame. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const NO_FRAME: Frame = { opcode: -1, payload: NOTHING };

/** Finds frames in the bytes of a stream and puts the messages together. Holds as much as a message may have at most. */
export class FrameReader {
  readonly #maxMessage: number;
  #chunks: Uint8Array[] = [];
  #length = 0;
  #opcode: number | null = null;
  /** The parts of a message that have come, in room that doubles: a client may send it byte by byte, or in parts of nothing. */
  #parts: Uint8Array = NOTHING;
  #size = 0;

  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage;
  }

  /** @throws {FrameError} at what is against the protocol; nothing more can be read then. */
  *read(bytes: Uint8Array): Generator<Frame> {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    for (;;) {
      const frame = this.#next();
      if (frame === null) return;
      if (frame !== NO_FRAME) yield frame;
    }
  }

  #next(): Frame | null {
    if (this.#length < 2) return null;
    const head = this.#join();
    const [first, second] = head;
    const opcode = first & 0x0f;
    if ((first & 0x70) !== 0) throw new FrameError(1002, "a reserved bit is set");
    if ((second & 0x80) === 0) throw new FrameError(1002, "a frame is not masked");
    let length = second & 0x7f;
    let at = 2;
    if (length >= 126) {
      at = length === 126 ? 4 : 10;
      if (head.length < at) return null;
      const view = new DataView(head.buffer, head.byteOffset, at);
      length = at === 4 ? view.getUint16(2) : Number(view.getBigUint64(2));
    }
    const control = opcode >= 8;
    if (control && (length > 125 || (first & 0x80) === 0)) {
      throw new FrameError(1002, "a control frame is too long, or in parts");
    }
    if (!control && this.#size + length > this.#maxMessage) {
      throw new FrameError(1009, "the message is too large");
    }
    if (head.length < at + 4 + length) return null;
    const mask = head.subarray(at, at + 4);
    const payload = head.slice(at + 4, at + 4 + length);
    for (let i = 0; i < payload.length; i++) payload[i] ^= mask[i & 3];
    this.#take(at + 4 + length);
    return control ? this.#control(opcode, payload) : this.#data(first, opcode, payload);
  }

  #control(opcode: number, payload: Uint8Array): Frame {
    if (opcode > OPCODE.pong) throw new FrameError(1002, `there is no opcode ${opcode}`);
    return { opcode, payload };
  }

  #data(first: number, opcode: number, payload: Uint8Array): Frame {
    if (opcode > OPCODE.binary) throw new FrameError(1002, `there is no opcode ${opcode}`);
    if ((opcode === OPCODE.continuation) !== (this.#opcode !== null)) {
      throw new FrameError(1002, "a part of a message is out of place");
    }
    const last = (first & 0x80) !== 0;
    if (last && this.#opcode === null) return { opcode, payload };
    this.#opcode ??= opcode;
    this.#append(payload);
    if (!last) return NO_FRAME;
    const frame = { opcode: this.#opcode, payload: this.#whole() };
    this.#opcode = null;
    this.#parts = NOTHING;
    this.#size = 0;
    return frame;
  }

  #whole(): Uint8Array {
    return this.#parts.length === this.#size ? this.#parts : this.#parts.slice(0, this.#size);
  }

  #append(payload: Uint8Array): void {
    const size = this.#size + payload.length;
    if (size > this.#parts.length) {
      const grown = new Uint8Array(Math.max(size, Math.min(2 * size, this.#maxMessage)));
      grown.set(this.#parts.subarray(0, this.#size));
      this.#parts = grown;
    }
    this.#parts.set(payload, this.#size);
    this.#size = size;
  }

  /** What has come so far as one array; joined anew only when it has doubled, so that a large frame in small pieces costs no more than its size. */
  #join(): Uint8Array {
    if (this.#chunks.length > 1) {
      const [first] = this.#chunks;
      if (first.length < 14 || this.#length >= this.#wanted(first)) {
        this.#chunks = [joined(this.#chunks, this.#length)];
      }
    }
    return this.#chunks[0];
  }

  /** How many bytes the frame at the front has in all. */
  #wanted(head: Uint8Array): number {
    const short = head[1] & 0x7f;
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    if (short < 126) return 6 + short;
    return short === 126 ? 8 + view.getUint16(2) : 14 + Number(view.getBigUint64(2));
  }

  #take(count: number): void {
    const [chunk] = this.#chunks;
    this.#length -= count;
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The bytes before a payload, in a frame of the server's. */
export function frameHead(opcode: number, length: number): Uint8Array {
  if (length < 126) return Uint8Array.of(0x80 | opcode, length);
  const head = new Uint8Array(length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  const view = new DataView(head.buffer);
  if (length < 65_536) {
    head[1] = 126;
    view.setUint16(2, length);
  } else {
    head[1] = 127;
    view.setBigUint64(2, BigInt(length));
  }
  return head;
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason).subarray(0, 123);
  const payload = new Uint8Array(2 + text.length);
  new DataView(payload.buffer).setUint16(0, code);
  payload.set(text, 2);
  return payload;
}

/** @throws {FrameError} if it is none, or the code is not one that may be sent. */
export function closeOf(payload: Uint8Array): { readonly code: number; readonly reason: string } {
  if (payload.length === 0) return { code: 1005, reason: "" };
  if (payload.length === 1) throw new FrameError(1002, "a close frame has half a code");
  const code = payload[0] << 8 | payload[1];
  if (
    code < 1000 || code >= 5000 || (code >= 1004 && code <= 1006) || (code > 1014 && code < 3000)
  ) {
    throw new FrameError(1002, `${code} is no code to close with`);
  }
  return { code, reason: textOf(payload.subarray(2)) };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws {FrameError} if it is no UTF-8. */
export function textOf(payload: Uint8Array): string {
  try {
    return decoder.decode(payload);
  } catch {
    throw new FrameError(1007, "a text is no UTF-8");
  }
}
