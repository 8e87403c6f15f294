import { decode } from "../../etf/decoder.ts";
import { encodeToKeep } from "../../etf/encoder.ts";
import type { Encodable } from "../../etf/term.ts";
import { HIGH_WATER } from "../../transport/contract.ts";
import { BusyError } from "../errors.ts";

/** What a message takes besides its own bytes, about. */
const OVERHEAD = 128;

/** What was sent to a node before the connection with it is up. */
export class Waiting {
  /** How much memory the values take, about. */
  bytes = 0;
  readonly maxBytes: number;
  #sends: (() => void)[] = [];

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get length(): number {
    return this.#sends.length;
  }

  /** Whether more should wait until the connection is up. */
  get busy(): boolean {
    return this.bytes >= HIGH_WATER;
  }

  get isFull(): boolean {
    return this.bytes >= this.maxBytes;
  }

  push(send: () => void): void {
    this.#sends.push(send);
  }

  /**
   * A copy of a value that is to wait, so that a bad value is the sender's error and later changes do not count.
   *
   * @throws {BusyError} where too much waits. One that is larger than all that may wait goes all the same unless much waits already, as
   * on a connection that is not busy.
   *
   * @param must it is never refused.
   */
  keep<T extends Encodable>(node: string, value: T, must: boolean): T {
    const bytes = encodeToKeep(value);
    const size = bytes.length + OVERHEAD;
    if (!must && this.busy && this.bytes + size > this.maxBytes) {
      throw new BusyError(node, this.bytes);
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
