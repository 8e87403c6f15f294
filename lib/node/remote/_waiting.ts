import { decode } from "../../etf/decoder.ts";
import { encodeToKeep } from "../../etf/encoder.ts";
import type { Encodable } from "../../etf/term.ts";
import { tooLarge } from "../../dist/packets.ts";
import { HIGH_WATER } from "../../transport/contract.ts";
import { BusyError } from "../errors.ts";

/** What a message takes besides its own bytes, about. */
const OVERHEAD = 128;
/** What a message may take more than its terms: a header, for as many atoms as it can list, with their places. */
const HEADER = 1024;

/** What was sent to a node before the connection with it is up. */
export class Waiting {
  /** How much memory the values take, about. */
  bytes = 0;
  readonly #node: string;
  readonly #maxBytes: number;
  readonly #maxMessage: number;
  #sends: (() => void)[] = [];

  /**
   * @param node where it goes.
   * @param maxBytes how much may wait.
   * @param maxMessage bytes that a message may have on the connection.
   */
  constructor(node: string, maxBytes: number, maxMessage: number) {
    this.#node = node;
    this.#maxBytes = maxBytes;
    this.#maxMessage = maxMessage;
  }

  get length(): number {
    return this.#sends.length;
  }

  /** Whether more should wait until the connection is up. */
  get busy(): boolean {
    return this.bytes >= HIGH_WATER;
  }

  get isFull(): boolean {
    return this.bytes >= this.#maxBytes;
  }

  push(send: () => void): void {
    this.#sends.push(send);
  }

  /**
   * A copy of a value that is to wait, so that a bad value is the sender's error and later changes do not count. So is one that the
   * connection would not take; how a peer takes atoms is not known yet, so the last kilobyte below the limit is not to be had.
   *
   * @throws {EncodeError} where it is no term, or too large for a message.
   * @throws {BusyError} where too much waits. One that is larger than all that may wait goes all the same unless much waits already, as
   * on a connection that is not busy.
   *
   * @param control what the control message is to hold.
   * @param must it is not refused because too much waits.
   */
  keep<T extends Encodable>(control: readonly Encodable[], value: T, must: boolean): T {
    const bytes = encodeToKeep(value);
    const terms = encodeToKeep(control).length + bytes.length;
    const most = terms + Math.min(HEADER, 2 * terms);
    if (most > this.#maxMessage) throw tooLarge(most, this.#maxMessage);
    const size = bytes.length + OVERHEAD;
    if (!must && this.busy && this.bytes + size > this.#maxBytes) {
      throw new BusyError(this.#node, this.bytes);
    }
    this.bytes += size;
    return decode(bytes, { floats: "wrap" }) as T;
  }

  /** Takes everything out, in its order. */
  take(): (() => void)[] {
    const sends = this.#sends;
    this.#sends = [];
    this.bytes = 0;
    return sends;
  }
}
