import type { Binary } from "../../etf/binary.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { Process } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";
import { type Framing, FramingError } from "./framing.ts";
import { Unpacker } from "./unpacker.ts";

/** How many packets a process handles before other messages have their turn. */
const BATCH = 32;
/** From so many bytes on that wait for their process their source is held back. */
const READ_HIGH = 64 * 1024;

/** Where a pump's bytes come from, and where its packets go. All but `pause`, `resume` and `waits` run in the process's turn. */
export interface PumpOwner {
  /** A packet. A promise holds the mailbox; see {@linkcode Unread} for what raw ones may return. */
  packet(packet: Binary): unknown;
  /** What came is no packet: nothing more is handed over. */
  faulted(error: FramingError): unknown;
  /** No more bytes will come, and all packets have been handled. */
  ended(): unknown;
  /** The source is gone. Comes last, once. */
  closed(): unknown;
  /** So many bytes of a packet that is not complete have come. */
  waits(bytes: number): void;
  pause(): void;
  resume(): void;
}

/** What a handler of raw packets may return: how much of the packet it leaves, and when it wants to see it again. */
export interface Unread {
  /** How many bytes at the end of the packet were not used: they come again, with what has come behind them. Default 0. */
  readonly left?: number;
  /**
   * How many bytes there must be, those that were left among them, before the next packet. Default: what was left comes again at once; where that is all
   * of the packet, when there is more of it.
   */
  readonly await?: number;
}

/**
 * Takes bytes from a source to its process, packet by packet: in order, a few at a time so that other messages have their turn, and no
 * faster than the process handles them.
 */
export class Pump extends Turn {
  readonly #process: Process;
  readonly #owner: PumpOwner;
  readonly #unpacker: Unpacker;
  readonly #raw: boolean;
  #queued = false;
  #paused = false;
  #held = false;
  #ended = false;
  #endTold = false;
  #closed = false;
  #faulted = false;

  constructor(process: Process, owner: PumpOwner, framing: Framing, maxPacket: number) {
    super();
    this.#process = process;
    this.#owner = owner;
    this.#unpacker = new Unpacker(framing, maxPacket);
    this.#raw = framing === "raw";
  }

  /** Bytes have come, which nobody writes to any more. */
  data(bytes: Uint8Array): void {
    if (this.#faulted || this.#process.exited) return;
    this.#unpacker.push(bytes);
    if (!this.#unpacker.ready) return this.#owner.waits(this.#unpacker.buffered);
    this.#schedule();
    if (!this.#paused && this.#unpacker.buffered >= READ_HIGH) {
      this.#paused = true;
      this.#owner.pause();
    }
  }

  /** No more bytes will come. */
  end(): void {
    this.#ended = true;
    this.#schedule();
  }

  /** The source is gone. What has come before is handled first. */
  close(): void {
    this.#closed = true;
    this.#schedule();
  }

  /** Hands nothing over until `release`, and so holds the source back. The mailbox goes on. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#schedule();
  }

  run(): unknown {
    const process = this.#process;
    for (let count = 0; count < BATCH; count++) {
      if (process.stopping !== null || process.exited) return undefined;
      if (this.#held) break;
      const packet = this.#next();
      if (packet instanceof FramingError) return this.#after(this.#fault(packet));
      if (packet === null) return this.#drained();
      const result = this.#owner.packet(packet);
      if (isThenable(result)) return result.then((value) => this.#handled(value));
      if (this.#raw) this.#leave(result);
    }
    this.#queued = false;
    if (!this.#held) this.#schedule();
    return undefined;
  }

  #next(): Binary | FramingError | null {
    if (this.#faulted) return null;
    try {
      const packet = this.#unpacker.next();
      return packet === null && this.#ended ? this.#unpacker.rest() : packet;
    } catch (error) {
      if (error instanceof FramingError) return error;
      throw error;
    }
  }

  #handled(value: unknown): void {
    if (this.#raw) this.#leave(value);
    this.#again();
  }

  #leave(result: unknown): void {
    if (typeof result !== "object" || result === null) return this.#unpacker.leave(0);
    const { left = 0, await: awaited } = result as Unread;
    this.#unpacker.leave(left, awaited);
  }

  #fault(error: FramingError): unknown {
    this.#faulted = true;
    return this.#owner.faulted(error);
  }

  /** Nothing is left to be handed over: tells of the end, where it is one. */
  #drained(): unknown {
    if (this.#ended && !this.#endTold && !this.#faulted) {
      this.#endTold = true;
      return this.#after(this.#owner.ended());
    }
    if (this.#closed) return this.#owner.closed(); // stays queued for ever
    this.#queued = false;
    this.#owner.waits(this.#unpacker.buffered);
    if (this.#paused) {
      this.#paused = false;
      this.#owner.resume();
    }
    return undefined;
  }

  #after(result: unknown): unknown {
    if (isThenable(result)) return result.then(() => this.#again());
    this.#again();
    return undefined;
  }

  #again(): void {
    this.#queued = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#queued || this.#held) return;
    this.#queued = true;
    this.#process.deliver(this);
  }
}
