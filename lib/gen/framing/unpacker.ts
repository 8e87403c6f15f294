import { Binary } from "../../etf/binary.ts";
import { type Framer, type Framing, FramingError } from "./framing.ts";

const NEWLINE = 10;
const RETURN = 13;
const EMPTY = new Uint8Array(0);

/** Bytes that a packet may have unless the options say otherwise. */
export const MAX_PACKET: number = 1024 * 1024;

/**
 * Cuts the bytes that come into packets. What is not complete yet waits here, in one array that grows with what really came: what a
 * peer only announces takes no memory.
 *
 * Packets are views of the arrays that came, or of those in which they were put together, and are nobody else's.
 */
export class Unpacker {
  readonly #framing: Framing;
  readonly #max: number;
  /** What waits is `#bytes` from `#from` to `#to`. */
  #bytes: Uint8Array = EMPTY;
  #from = 0;
  #to = 0;
  /** Whether what is behind `#to` is ours to write to. */
  #owned = false;
  /** How many bytes there must be before it is worth a look. */
  #need = 1;
  /** Up to where no end of a line was found. */
  #scanned = 0;
  /** The packet that `leave` may give back a part of. */
  #last: Uint8Array = EMPTY;

  constructor(framing: Framing, max: number) {
    this.#framing = framing;
    this.#max = max;
  }

  /** How many bytes wait. */
  get buffered(): number {
    return this.#to - this.#from;
  }

  /** Whether `next` may give a packet, or a fault. */
  get ready(): boolean {
    const { buffered } = this;
    if (buffered < this.#need) return false;
    return this.#framing !== "line" || this.#findLine() >= 0 || buffered > this.#max + 1;
  }

  /** Takes what came. The array is not written to any more by whoever gives it. */
  push(bytes: Uint8Array): void {
    const { length } = bytes;
    const waiting = this.buffered;
    if (waiting === 0) {
      this.#bytes = bytes;
      this.#from = this.#scanned = 0;
      this.#to = length;
      this.#owned = false;
      return;
    }
    if (!this.#owned || this.#to + length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(waiting + length, 2 * waiting));
      grown.set(this.#bytes.subarray(this.#from, this.#to));
      this.#bytes = grown;
      this.#scanned = Math.max(0, this.#scanned - this.#from);
      this.#from = 0;
      this.#to = waiting;
      this.#owned = true;
    }
    this.#bytes.set(bytes, this.#to);
    this.#to += length;
  }

  /** The next packet; `null` where more must come first. @throws {FramingError} */
  next(): Binary | null {
    if (this.buffered < this.#need) return null;
    switch (this.#framing) {
      case "raw":
        return this.#nextRaw();
      case "line":
        return this.#nextLine();
      case 1:
      case 2:
      case 4:
        return this.#nextOfLength(this.#framing);
      default:
        return this.#nextOf(this.#framing);
    }
  }

  /**
   * Gives the end of the last raw packet back: it comes again, before all else.
   *
   * @param left how many bytes.
   * @param awaited how many there must be, with those, before the next packet. Default: any, but one more than were left where that is all.
   * @throws {RangeError} if these are no such numbers, or nothing would ever change.
   * @throws {FramingError} if more than a packet may have is awaited.
   */
  leave(left: number, awaited?: number): void {
    const last = this.#last;
    awaited ??= left === last.length ? left + 1 : 1;
    this.#last = EMPTY;
    if (!(Number.isInteger(left) && left >= 0 && left <= last.length)) {
      throw new RangeError(
        `Cannot leave ${left} bytes of a packet: it has ${last.length}, 0 to ${last.length} are needed`,
      );
    }
    if (!(Number.isInteger(awaited) && awaited >= 0)) {
      throw new RangeError(`Cannot await ${awaited} bytes: a whole number is needed`);
    }
    if (left > 0 && left === last.length && awaited <= left) {
      throw new RangeError(
        `Cannot await ${awaited} bytes: all ${left} were left, more than that must come first`,
      );
    }
    if (Math.max(left, awaited) > this.#max) throw this.#tooLarge(Math.max(left, awaited));
    this.#need = Math.max(1, awaited);
    if (left === 0) return;
    const rest = this.#bytes.subarray(this.#from, this.#to);
    this.#from = this.#to;
    this.push(last.subarray(last.length - left));
    if (rest.length > 0) this.push(rest);
  }

  /** What has come last, where no more will come: the rest of lines and of raw bytes is a packet, too. @throws {FramingError} */
  rest(): Binary | null {
    const { buffered } = this;
    if (buffered === 0) return null;
    if (this.#framing === "raw" || this.#framing === "line") return this.#take(buffered);
    this.#from = this.#to;
    throw new FramingError(
      `The stream ended in the middle of a packet: ${buffered} bytes of it have come`,
      "EBADMSG",
    );
  }

  #nextRaw(): Binary {
    this.#need = 1;
    return this.#last = this.#take(Math.min(this.buffered, this.#max));
  }

  #nextLine(): Binary | null {
    const end = this.#findLine();
    if (end < 0) {
      if (this.buffered > this.#max + 1) throw this.#tooLarge(this.buffered);
      return null;
    }
    const start = this.#from;
    const last = end > start && this.#bytes[end - 1] === RETURN ? end - 1 : end;
    if (last - start > this.#max) throw this.#tooLarge(last - start);
    this.#from = this.#scanned = end + 1;
    return view(this.#bytes, start, last);
  }

  /** Where the first line ends; -1 where it has not ended. */
  #findLine(): number {
    const from = Math.max(this.#from, this.#scanned);
    const at = this.#bytes.subarray(from, this.#to).indexOf(NEWLINE);
    this.#scanned = at < 0 ? this.#to : from + at;
    return at < 0 ? -1 : from + at;
  }

  #nextOfLength(size: number): Binary | null {
    if (this.buffered < size) {
      this.#need = size;
      return null;
    }
    let length = 0;
    for (let i = 0; i < size; i++) length = length * 256 + this.#bytes[this.#from + i];
    if (length > this.#max) throw this.#tooLarge(length);
    this.#need = size + length;
    if (this.buffered < this.#need) return null;
    this.#need = size;
    this.#from += size;
    return this.#take(length);
  }

  #nextOf(framer: Framer): Binary | null {
    for (;;) {
      const { buffered } = this;
      if (buffered < this.#need) return null;
      const found = decoded(framer, this.#bytes.subarray(this.#from, this.#to));
      if ("await" in found) {
        if (!(found.await > buffered)) {
          throw new FramingError(
            `The framer awaits ${found.await} bytes of the ${buffered} that it was shown: it must take some, or await more`,
            "EBADMSG",
          );
        }
        if (found.await > this.#max) throw this.#tooLarge(found.await);
        this.#need = found.await;
        return null;
      }
      const { take, packet } = found;
      if (!(Number.isInteger(take) && take > 0 && take <= buffered)) {
        throw new FramingError(
          `The framer takes ${take} bytes of the ${buffered} that it was shown`,
          "EBADMSG",
        );
      }
      if (take > this.#max) throw this.#tooLarge(take);
      this.#from += take;
      this.#need = 1;
      if (packet !== undefined) return view(packet, 0, packet.length);
    }
  }

  #take(length: number): Binary {
    const from = this.#from;
    this.#from = from + length;
    return view(this.#bytes, from, from + length);
  }

  #tooLarge(length: number): FramingError {
    return new FramingError(
      `A packet of ${length} bytes or more is larger than it may be: maxPacket is ${this.#max}`,
      "EMSGSIZE",
    );
  }
}

function decoded(framer: Framer, bytes: Uint8Array): ReturnType<Framer["decode"]> {
  try {
    return framer.decode(bytes);
  } catch (cause) {
    if (cause instanceof FramingError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FramingError(`The framer cannot read what has come: ${why}`, "EBADMSG", { cause });
  }
}

function view(bytes: Uint8Array, from: number, to: number): Binary {
  return new Binary(bytes.buffer as ArrayBuffer, bytes.byteOffset + from, to - from);
}
