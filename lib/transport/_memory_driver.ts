import { CoreStream, type Driver } from "./_core_stream.ts";
import { brokenError, codedError } from "./_errors.ts";
import type { SocketAddress } from "./contract.ts";

/** Takes something to the other end: calls `deliver` there, later. */
export type Carry = (deliver: () => void, bytes?: number) => void;

/** One end of a stream in memory. What it sends waits in the peer's inbox until the peer reads. */
export class MemoryDriver implements Driver {
  readonly machine: string;
  readonly stream: CoreStream;
  peer!: MemoryDriver;
  gone = false;
  #carry: Carry;
  #onGone: () => void;
  /** How many bytes may still be sent before the peer has read some. */
  #room: number;
  #waiting = false;
  #reading = false;
  #inbox: Uint8Array[] = [];
  #ended = false;

  constructor(
    machine: string,
    carry: Carry,
    window: number,
    local: SocketAddress,
    remote: SocketAddress,
    onGone: () => void,
  ) {
    this.machine = machine;
    this.#carry = carry;
    this.#room = window;
    this.#onGone = onGone;
    this.stream = new CoreStream(this, local, remote);
  }

  read(on: boolean): void {
    this.#reading = on;
    // Not at once: this is inside a call of the owner.
    if (on) queueMicrotask(() => this.#empty());
  }

  send(bytes: Uint8Array): number {
    if (this.gone) return bytes.length; // of a machine that has crashed
    const count = Math.min(bytes.length, this.#room);
    this.#waiting = count < bytes.length;
    if (count === 0) return 0;
    this.#room -= count;
    // A copy, for the receiver may keep it and the sender may have given it to others too.
    const copy = new Uint8Array(bytes.subarray(0, count));
    this.#carry(() => this.peer.#arrived(copy), count);
    return count;
  }

  shutdown(): void {
    this.#carry(() => this.peer.#arrivedEnd());
    this.stream.finished();
  }

  close(): void {
    if (this.gone) return;
    const unread = this.#inbox.length > 0;
    this.#leave();
    // As TCP does: whoever closes before he has read everything resets the stream.
    this.#carry(() => unread ? this.peer.reset() : this.peer.#arrivedEnd());
  }

  ref(): void {}

  /** Breaks this end; the other one is not told. */
  reset(): void {
    if (this.gone) return;
    this.#leave();
    this.stream.closed(brokenError(this.stream.remote, codedError("ECONNRESET")));
  }

  /** The machine has crashed: this end is told nothing, the other one as its system would. */
  vanish(silent: boolean): void {
    if (this.gone) return;
    this.#leave();
    if (!silent) this.#carry(() => this.peer.reset());
  }

  #leave(): void {
    this.gone = true;
    this.#reading = false;
    this.#inbox = [];
    this.#onGone();
  }

  #arrived(bytes: Uint8Array): void {
    if (this.gone) return this.#carry(() => this.peer.reset());
    this.#inbox.push(bytes);
    this.#empty();
  }

  #arrivedEnd(): void {
    this.#ended = true;
    this.#empty();
  }

  #empty(): void {
    while (this.#reading && this.#inbox.length > 0) {
      const bytes = this.#inbox.shift()!;
      this.stream.data(bytes);
      this.peer.#read(bytes.length);
    }
    if (this.#ended && this.#inbox.length === 0 && !this.gone) this.stream.ended();
  }

  /** The peer has read: there is room again. */
  #read(count: number): void {
    if (this.gone) return;
    this.#room += count;
    if (this.#waiting) this.stream.sent(0);
  }
}
