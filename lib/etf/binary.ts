import { inspectable } from "./_inspect.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * An Erlang binary: bytes that are often, but not always, text. What Elixir calls a string is a binary too.
 *
 * The decoder gives a view of the received bytes, or a copy of small ones (`viewFrom` of {@linkcode DecodeOptions}). What has come from another node
 * may share its `buffer` with what is still to come: give a `slice()` to whoever is to have that, as with `postMessage` and `transfer`. `slice` and
 * `subarray` give plain `Uint8Array`s, which are sent as binaries as well.
 */
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

  /**
   * The same as {@linkcode Binary.text}, so that `${binary}` is its text.
   *
   * @throws {TypeError} if the bytes are not valid UTF-8.
   */
  override toString(): string {
    return this.text;
  }

  static {
    inspectable(this.prototype);
    // What slice and subarray make of a binary is a plain Uint8Array. A property, not a getter: see tuple.ts.
    Object.defineProperty(this, Symbol.species, { value: Uint8Array });
  }
}

/** A bitstring that is no binary: its last byte counts only in part, as in `<<1:3>>` (BIT_BINARY_EXT). */
export class Bitstring {
  /** The bytes; the low bits of the last one that do not count are zero. */
  readonly bytes: Uint8Array;
  /** How many high bits of the last byte count: 1 to 7. */
  readonly bits: number;

  /**
   * A bitstring of all these bytes but the low bits of the last one, which are set to zero (in a copy where they are not).
   *
   * @param bits how many high bits of the last byte count.
   * @throws {RangeError} if there is no byte, or `bits` is not 1 to 7.
   */
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
