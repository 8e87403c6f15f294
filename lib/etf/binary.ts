import { inspectable } from "./_inspect.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An Erlang binary: bytes that are often, but not always, text. */
export class Binary extends Uint8Array<ArrayBuffer> {
  /**
   * The bytes as UTF-8 text.
   *
   * @throws {TypeError} if they are not valid UTF-8.
   */
  get text(): string {
    try {
      return utf8.decode(this);
    } catch (cause) {
      throw new TypeError(
        `Cannot read a binary of ${this.length} bytes as text: it is not valid UTF-8`,
        { cause },
      );
    }
  }

  override toString(): string {
    return this.text;
  }

  static {
    inspectable(this.prototype);
    // What slice and subarray make of a binary is a plain Uint8Array. A property, not a getter: see tuple.ts.
    Object.defineProperty(this, Symbol.species, { value: Uint8Array });
  }
}

/** A binary whose last byte counts only in part, as `<<1:3>>`. */
export class Bitstring {
  /** The bytes; the low bits of the last one that do not count are zero. */
  readonly bytes: Uint8Array;
  /** How many high bits of the last byte count: 1 to 7. */
  readonly bits: number;

  constructor(bytes: Uint8Array, bits: number) {
    if (!(Number.isInteger(bits) && bits >= 1 && bits <= 7) || bytes.length === 0) {
      throw new RangeError(
        `Cannot make a bitstring: ${bytes.length} bytes with ${bits} bits in the last, at least 1 byte and 1 to 7 bits are needed`,
      );
    }
    const unused = 0xff >> bits;
    if ((bytes[bytes.length - 1] & unused) !== 0) {
      bytes = bytes.slice();
      bytes[bytes.length - 1] &= ~unused;
    }
    this.bytes = bytes;
    this.bits = bits;
  }

  static {
    inspectable(this.prototype);
  }
}
