/**
 * How a stream of bytes is cut into packets, and how packets become bytes again.
 *
 * | framing | a packet is | on the wire |
 * | --- | --- | --- |
 * | `"raw"` | what has come, however the network cut it | as it is |
 * | `"line"` | a line, without its `\n` or `\r\n` | `\n` behind it |
 * | `1`, `2`, `4` | what Erlang's `{packet, N}` makes of it | its length in so many bytes before it, the largest first |
 * | a {@linkcode Framer} | what its `decode` finds | what its `encode` makes of it |
 */
export type Framing = "raw" | "line" | 1 | 2 | 4 | Framer;

/** A framing of one's own. It keeps no state: each time it is shown all that has come and was not taken yet. */
export interface Framer {
  /**
   * Finds the first packet in what has come. A throw ends the connection.
   *
   * @param bytes at least one byte, at least as many as were awaited. They belong to nobody else from then on, and may be kept.
   */
  decode(bytes: Uint8Array): Decoded;
  /** What is sent for a packet. Default: the packet itself. */
  encode?(packet: Uint8Array): Uint8Array;
}

/**
 * What a {@linkcode Framer} has found: a packet that takes up the first `take` bytes (without `packet` they are skipped), or that so many
 * bytes are needed in all before it looks again.
 */
export type Decoded =
  | { readonly take: number; readonly packet?: Uint8Array }
  | { readonly await: number };

/** What came cannot be cut into packets, or there was more or less of it than there may be. */
export class FramingError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "FramingError";
  /** EMSGSIZE where a packet is larger than it may be, EBADMSG for an incomplete one at the end, or what a framer cannot read. */
  readonly code: "EMSGSIZE" | "EBADMSG";

  /** @ignore @internal */
  constructor(message: string, code: "EMSGSIZE" | "EBADMSG", options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** @internal @throws {TypeError} if it is no framing. */
export function checkFraming(verb: string, framing: unknown): Framing {
  if (framing === "raw" || framing === "line") return framing;
  if (framing === 1 || framing === 2 || framing === 4) return framing;
  if (
    typeof framing === "object" && framing !== null &&
    typeof (framing as Partial<Framer>).decode === "function"
  ) return framing as Framer;
  const shown = typeof framing === "object" ? "that object" : String(framing);
  throw new TypeError(
    `Cannot ${verb}: there is no framing ${shown}, give "raw", "line", 1, 2, 4 or an object with decode`,
  );
}
