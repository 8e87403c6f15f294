import { decode } from "../etf/decoder.ts";
import { Encoder, encodeToKeep } from "../etf/encoder.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { EncodeOptions } from "../etf/options.ts";
import type { Encodable, Term } from "../etf/term.ts";
import type { Platform } from "../platform/contract.ts";
import { HIGH_WATER, type Stream } from "../transport/contract.ts";
import { CONTROL, type OutgoingControl } from "./control.ts";
import type { LargeMessage } from "./large_message.ts";
import { receiverOf, senderOf } from "./order.ts";
import { Outgoing } from "./outgoing.ts";
import type { Packets } from "./packets.ts";

/** Bytes that may wait to be sent. */
export const DEFAULT_MAX_QUEUE: number = 256 * 1024 * 1024;

/** What signals that cannot be refused may add to a queue that is full, until the connection is given up. */
const OVERLOAD: number = 16 * 1024 * 1024;
/**
 * Pending bytes that are not held back until the end of the turn: so many at first, then twice as many each time. Small at first, so that
 * the peer begins while we go on; large then, because each write costs as much as several messages.
 */
const FIRST_FLUSH = 16 * 1024;
const FLUSH_AT = 64 * 1024;
/**
 * Microtasks for which the end of a monitor waits when nothing else is to be sent. It follows a reply mostly, and who has got that calls
 * again in a few of them: then both go out in one write.
 */
const PATIENCE = 6;

/** Each term stays what it is. */
const AS_IT_IS = { floats: "wrap" } as const;

/** What an outbox sends by, and whom it tells. */
export interface OutboxOptions {
  readonly stream: Pick<Stream, "write" | "flush" | "buffered">;
  readonly platform: Pick<Platform, "defer" | "yield" | "log">;
  readonly packets: Packets;
  readonly encode: EncodeOptions;
  /** Bytes that may wait before `offer` refuses more. */
  readonly maxQueue: number;
  /** More waits than the stream takes, or all of it is out. */
  readonly busy: (isBusy: boolean) => void;
  /** Signals that cannot be refused have made the queue too long. Called once the turn is over. */
  readonly overloaded: () => void;
}

/** @throws {RangeError} where a queue could hold less than a stream takes at once. */
export function checkQueue(maxQueue: number): void {
  if (maxQueue >= HIGH_WATER) return;
  throw new RangeError(
    `Cannot use maxQueue ${maxQueue}: it must be ${HIGH_WATER} bytes (1 MiB) or more`,
  );
}

/**
 * What a connection sends: messages are encoded behind each other and written at the end of the turn, large ones piece by piece as
 * the stream takes them, with others in between.
 */
export class Outbox {
  /** Whether more waits than the stream takes. */
  busy = false;
  bytesOut = 0;
  messagesOut = 0;
  fragmentsOut = 0;

  readonly #stream: Pick<Stream, "write" | "flush" | "buffered">;
  readonly #platform: Pick<Platform, "defer" | "yield" | "log">;
  readonly #packets: Packets;
  readonly #encoder: Encoder;
  readonly #outgoing: Outgoing;
  readonly #options: OutboxOptions;
  /** For what has to wait: it must not refer to atoms, of which the peer may know others by then. */
  #aside: Encoder | null = null;
  /** Whether the stream wants no more until it has drained. */
  #full = false;
  #deferred = false;
  /** How many more microtasks what is pending may wait. */
  #patience = 0;
  #flushAt = FIRST_FLUSH;
  #yielded = false;
  #cleared = false;
  /** While a signal is put to the others; what was sent meanwhile, and the bytes of that. */
  #putting = false;
  readonly #meanwhile: (() => void)[] = [];
  #meanwhileBytes = 0;
  /** Bytes of signals that came on top of a queue that was full. */
  #excess = 0;

  constructor(options: OutboxOptions) {
    const { stream, platform, packets, maxQueue } = options;
    checkQueue(maxQueue);
    this.#stream = stream;
    this.#platform = platform;
    this.#packets = packets;
    this.#options = options;
    this.#encoder = new Encoder(options.encode);
    this.#encoder.atoms = packets.atoms;
    this.#encoder.apart = packets.apart;
    this.#outgoing = new Outgoing((message) => this.#release(message));
  }

  /** Bytes that wait to be sent. */
  get queued(): number {
    return this.#encoder.pending + this.#stream.buffered + this.#outgoing.bytes +
      this.#meanwhileBytes;
  }

  /** Whether `offer` would refuse whatever it is given. */
  get isFull(): boolean {
    return this.busy && this.queued >= this.#options.maxQueue;
  }

  /** How many large messages are under way. */
  get sequences(): number {
    return this.#outgoing.open;
  }

  /** @returns whether the sender may go on. */
  send(
    control: OutgoingControl,
    payload: Encodable | undefined,
    receiver: Pid | null,
    sender: Pid | null,
  ): boolean {
    if (!this.busy) {
      this.#put(control, payload, receiver, sender, Infinity);
    } else {
      const before = this.queued;
      this.#put(control, payload, receiver, sender, Infinity);
      if (before > this.#options.maxQueue) this.#exceed(this.queued - before);
    }
    return !this.busy;
  }

  /** @returns whether it is sent; `false` where the queue is full. */
  offer(
    control: OutgoingControl,
    payload: Encodable | undefined,
    receiver: Pid | null,
    sender: Pid | null,
  ): boolean {
    const isBounded = this.busy || this.#putting;
    const room = isBounded ? this.#options.maxQueue - this.queued : Infinity;
    return room > 0 && this.#put(control, payload, receiver, sender, room);
  }

  /** Sends an empty frame, a sign of life. */
  tick(): void {
    this.#encoder.u32(0);
    this.#flush();
  }

  /** The stream has sent all it had. */
  drained(): void {
    this.#full = false;
    if (!this.#outgoing.active) {
      if (this.busy) this.#setBusy(false);
    } else if (!this.#yielded) {
      // Not at once: a stream that takes all we have at once would let nothing else have a turn.
      this.#yielded = true;
      this.#platform.yield(this.#pumpAgain);
    }
  }

  /** Hands all that waits to the stream, whether it wants it or not. */
  flushAll(): void {
    for (let all = false; !all;) all = this.#turn();
    this.#flush();
  }

  /** Drops what waits; nothing is sent any more. */
  clear(): void {
    this.#cleared = true;
    this.#encoder.take();
    this.#outgoing.clear();
  }

  /** @returns `false` where it needs more than `room`, and was not sent. */
  #put(
    control: OutgoingControl,
    payload: Encodable | undefined,
    receiver: Pid | null,
    sender: Pid | null,
    room: number,
  ): boolean {
    if (this.#putting) return this.#putLater(control, payload, receiver, sender, room);
    this.#putting = true;
    try {
      return this.#place(control, payload, receiver, sender, room);
    } finally {
      this.#putting = false;
      if (this.#meanwhile.length > 0) this.#putMeanwhile();
    }
  }

  /** By a getter or an iterator of the value that is being written: goes behind that, as what it is now. */
  #putLater(
    control: OutgoingControl,
    payload: Encodable | undefined,
    receiver: Pid | null,
    sender: Pid | null,
    room: number,
  ): boolean {
    let copy: Term | undefined;
    if (payload !== undefined) {
      const bytes = encodeToKeep(payload);
      if (bytes.length > room) return false;
      this.#meanwhileBytes += bytes.length;
      copy = decode(bytes, AS_IT_IS);
    }
    this.#meanwhile.push(() => this.#put(control, copy, receiver, sender, Infinity));
    return true;
  }

  #putMeanwhile(): void {
    this.#meanwhileBytes = 0;
    for (const put of this.#meanwhile.splice(0)) {
      try {
        put();
      } catch (error) {
        const { message } = error as Error;
        this.#platform.log(
          "error",
          `Cannot send what a value sent while it was written: ${message}`,
        );
      }
    }
  }

  #place(
    control: OutgoingControl,
    payload: Encodable | undefined,
    receiver: Pid | null,
    sender: Pid | null,
    room: number,
  ): boolean {
    const outgoing = this.#outgoing;
    const packets = this.#packets;
    if (outgoing.active) {
      const from = senderOf(control, sender);
      const to = receiverOf(control, receiver);
      if (outgoing.mustWait(from, to)) {
        const aside = this.#aside ??= new Encoder(this.#options.encode);
        aside.apart = packets.apart;
        if (!packets.write(aside, control, payload, room)) return false;
        this.messagesOut++;
        outgoing.wait(from, to, packets.large ?? aside.take());
        packets.large = null;
        this.#nowBusy();
        return true;
      }
    }
    const encoder = this.#encoder;
    if (!packets.write(encoder, control, payload, room)) return false;
    this.messagesOut++;
    const { large } = packets;
    if (large !== null) {
      packets.large = null;
      if (large.before.length > 0) this.#write(large.before);
      this.#writeFirst(large);
      outgoing.begin(senderOf(control, sender), receiverOf(control, receiver), large);
      this.#nowBusy();
    } else if (encoder.pending >= this.#flushAt) {
      this.#flushAt = Math.min(this.#flushAt * 2, FLUSH_AT);
      this.#flush();
      this.#stream.flush?.();
    }
    const patience = control[0] === CONTROL.DEMONITOR_P ? PATIENCE : 0;
    if (!this.#deferred) {
      this.#deferred = true;
      this.#patience = patience;
      this.#platform.defer(this.#endOfTurn);
    } else if (patience < this.#patience) {
      this.#patience = patience;
    }
    return true;
  }

  readonly #endOfTurn = (): void => {
    if (this.#patience > 0) {
      this.#patience--;
      return this.#platform.defer(this.#endOfTurn);
    }
    this.#deferred = false;
    this.#flushAt = FIRST_FLUSH;
    const isAll = !this.#outgoing.active;
    this.#flush(isAll);
    if (!isAll) this.#pump();
  };

  /** @param now whether nothing is to follow in this turn. */
  #flush(now = false): void {
    const encoder = this.#encoder;
    if (encoder.pending === 0) return;
    this.#write(encoder.take(), now);
  }

  #write(bytes: Uint8Array, now = false): void {
    if (this.#cleared) return;
    this.bytesOut += bytes.length;
    if (this.#stream.write(bytes, now)) return;
    this.#full = true;
    if (!this.busy) this.#setBusy(true);
  }

  #writeFirst(large: LargeMessage): void {
    this.fragmentsOut++;
    this.#write(large.head);
    for (const part of large.takeFirst()) this.#write(part);
  }

  /** Sends what need not wait any longer, in the place that it has now. */
  #release(message: Uint8Array | LargeMessage): void {
    const encoder = this.#encoder;
    if (message instanceof Uint8Array && message.length < FLUSH_AT) {
      encoder.raw(message);
      if (encoder.pending >= FLUSH_AT) this.#flush();
      return;
    }
    this.#flush();
    if (message instanceof Uint8Array) this.#write(message);
    else this.#writeFirst(message);
  }

  /** Sends pieces of large messages as long as the stream takes them. */
  #pump(): void {
    let all = false;
    while (!this.#full && !all) all = this.#turn();
    this.#flush();
    if (all && !this.#full && this.busy) this.#setBusy(false);
  }

  /** Sends one piece of the large message whose turn it is. @returns whether none is left. */
  #turn(): boolean {
    const outgoing = this.#outgoing;
    const message = outgoing.next();
    if (message === null) return true;
    const parts = message.take(this.#encoder);
    this.#flush();
    for (const part of parts) this.#write(part);
    if (this.#cleared) return true; // by whoever heard that it is busy
    this.fragmentsOut++;
    outgoing.back();
    return outgoing.open === 0;
  }

  readonly #pumpAgain = (): void => {
    this.#yielded = false;
    this.#pump();
  };

  #nowBusy(): void {
    if (!this.busy && this.#outgoing.bytes > HIGH_WATER) this.#setBusy(true);
  }

  /** Signals that cannot be refused have come on top of a queue that is full. */
  #exceed(bytes: number): void {
    const before = this.#excess;
    this.#excess += bytes;
    if (before > OVERLOAD || this.#excess <= OVERLOAD) return;
    // Not at once: whoever sends a signal does not expect that everything ends with that peer meanwhile.
    this.#platform.defer(this.#options.overloaded);
  }

  #setBusy(busy: boolean): void {
    this.busy = busy;
    if (!busy) this.#excess = 0;
    if (!this.#cleared) this.#options.busy(busy);
  }
}
