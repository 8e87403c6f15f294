import { Decoder } from "../etf/decoder.ts";
import type { DecodeOptions, EncodeOptions } from "../etf/options.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import type { Platform, Timer } from "../platform/contract.ts";
import type { Stream } from "../transport/contract.ts";
import { giveBack, joinBlocks, leaveBlocks, shed } from "./_blocks.ts";
import { type Control, ControlError, controlName, type OutgoingControl } from "./control.ts";
import { DistHeader } from "./dist_header.ts";
import type { Established } from "./establish.ts";
import { FrameReader } from "./frames.ts";
import { DEFAULT_MAX_QUEUE, Outbox } from "./outbox.ts";
import { type Packets, usesHeader } from "./packets.ts";
import { PassThrough } from "./pass_through.ts";

/** Net tick time, in milliseconds: net_kernel's default. */
export const DEFAULT_TICK_TIME = 60_000;
/** Checks per net tick time: net_kernel's default of `net_tickintensity`. */
export const DEFAULT_TICK_INTENSITY = 4;
/** Largest message, in bytes. */
export const DEFAULT_MAX_MESSAGE: number = 128 * 1024 * 1024;

/** Messages that may have come in part, and how many bytes of them: so many of the largest. Peers send as many at once as they have senders. */
export const DEFAULT_MAX_SEQUENCES = 1024;
const LARGEST_AT_ONCE = 8;

/** How long a closed connection may go on sending what was sent before, in milliseconds. */
const LINGER = 5_000;
/** A view keeps all that was read with it alive; a copy of fewer bytes than this costs next to nothing. */
const VIEW_FROM = 1024;
/** A program lives for a connection's socket, or does not: never for its timers. */
const UNREF = { unref: true };

/** The node at the other end. */
export interface Peer {
  /** Its name, as `app@host`. */
  readonly name: string;
  /** Which life of that node it is. */
  readonly creation: number;
  /** What both ends announced in the handshake. */
  readonly flags: bigint;
  /** Whether one of the ends is hidden: `nodes()` does not list the peer. */
  readonly hidden: boolean;
}

/** Settings of a connection. */
export interface ConnectionOptions {
  readonly platform: Platform;
  /**
   * Net tick time in milliseconds, rounded up to a multiple of the intensity. Default 60,000. A peer from which nothing has
   * come for so long, up to one check more, is taken for dead. Has to be about the same on both ends.
   */
  readonly tickTime?: number;
  /** Checks per net tick time, 4 to 1000. Default 4. */
  readonly tickIntensity?: number;
  /**
   * Largest message in bytes, control message included, both ways. Default 128 MiB. A larger one is refused where it is
   * sent, and takes the connection down where it is received.
   */
  readonly maxMessage?: number;
  /**
   * Bytes that may wait to be sent before {@linkcode Connection.offer} refuses more. Default 256 MiB, at least 1 MiB: that much is
   * taken at any time.
   */
  readonly maxQueue?: number;
  /** Messages of which the peer may have sent a part only. Default 1,024; one more takes the connection down. */
  readonly maxSequences?: number;
  /** Bytes that have come of such messages. Default eight times `maxMessage`; one more takes the connection down. */
  readonly maxSequenceBytes?: number;
  readonly decode?: DecodeOptions;
  readonly encode?: EncodeOptions;
}

/** Why a connection is down. */
export type ConnectionDown =
  /** The peer has closed it. */
  | { readonly reason: "closed" }
  /** We have. */
  | { readonly reason: "disconnected" }
  /** Nothing came from the peer for the net tick time. */
  | { readonly reason: "net_tick_timeout" }
  /** The peer sent what is no message, or one beyond a limit. */
  | { readonly reason: "protocol"; readonly error: Error }
  /** So much waits to be sent that we have given it up: `maxQueue` and 16 MiB of signals that cannot be refused. */
  | { readonly reason: "overloaded"; readonly error: Error }
  /** The network broke it. */
  | { readonly reason: "lost"; readonly error: Error };

/** Whom a connection tells what happens. What a method throws is logged, and changes nothing. */
export interface ConnectionHandler {
  /**
   * How the payload of a signal is to be decoded, where its receiver wants it otherwise than the connection; `null` if not.
   * What the options leave out is as for the connection. To be the same object each time: a decoder is kept for it.
   */
  terms?(control: Control): DecodeOptions | null;
  /** Bytes have come from the peer. What is complete follows as signals before anything else is read. */
  received?(): void;
  /**
   * A signal from the peer. `payload` is the message, reason or arguments that it carries, if any.
   *
   * @throws {ControlError} where the peer may not say that: the connection is closed for it.
   */
  signal(control: Control, payload: Term | undefined): void;
  /** More is waiting to be sent than the stream takes (`true`), or all of it is out (`false`). */
  busy(isBusy: boolean): void;
  /** The connection is no more. Comes exactly once, last. */
  down(down: ConnectionDown): void;
}

/** What went over a connection so far. Bytes include frames' lengths and ticks, messages do not. */
export interface ConnectionStats {
  /** Bytes that came, ticks included. */
  readonly bytesIn: number;
  /** Bytes that were handed to the socket, which may hold some of them. */
  readonly bytesOut: number;
  /** Signals that came: messages, links, monitors, exits and all others. */
  readonly messagesIn: number;
  /** Signals that were sent, those included that wait. */
  readonly messagesOut: number;
  /** Pieces that large messages came in. */
  readonly fragmentsIn: number;
  /** Pieces that large messages went in. */
  readonly fragmentsOut: number;
  /** Ticks that came: a peer that sends nothing else tells so that it lives. */
  readonly ticksIn: number;
  /** Ticks that were sent. */
  readonly ticksOut: number;
  /** Large messages of which a part has come. */
  readonly sequencesIn: number;
  /** Large messages of which a part is out. */
  readonly sequencesOut: number;
  /** Bytes that wait to be sent. Beyond `maxQueue` of the node what users send is refused. */
  readonly queued: number;
}

/**
 * A connection with a node, from the end of the handshake on.
 *
 * - Order: signals are delivered one at a time in the order in which the last byte of each has come. Those of one sender to one
 *   receiver are sent in the order of `send`; a large one goes in pieces, between which others are sent.
 * - What is sent in one turn of the program goes out in one write.
 * - Back-pressure: nothing is ever dropped, `offer` and `busy` tell when to wait. Reading never stops, so that a slow
 *   process cannot hold up ticks and other processes' signals.
 * - Failure: one malformed message ends the connection, as in OTP, since it tells that the two ends do not understand each other.
 */
export class Connection {
  readonly peer: Peer;
  /** Resolves when its stream is closed: after `close` all that was sent is out by then, or has had its 5 seconds. */
  readonly closed: Promise<void>;
  /** When it came up, in milliseconds since 1970 UTC. */
  readonly since: number;

  readonly #stream: Stream;
  readonly #platform: Platform;
  readonly #handler: ConnectionHandler;
  readonly #frames: FrameReader;
  readonly #packets: Packets;
  readonly #decode: DecodeOptions;
  /** Of receivers who want their terms otherwise. */
  readonly #decoders: WeakMap<DecodeOptions, Decoder> = new WeakMap();
  readonly #outbox: Outbox;
  readonly #interval: number;
  readonly #intensity: number;
  #setClosed!: () => void;
  #alive = true;
  #timer: Timer;
  #silent = 0;
  #bytesIn = 0;
  #messagesIn = 0;
  #ticksIn = 0;
  #ticksOut = 0;
  #bytesInAtCheck = 0;
  #bytesOutAtCheck = 0;

  /** Takes over the stream. The handler hears nothing before the constructor has returned. */
  constructor(established: Established, options: ConnectionOptions, handler: ConnectionHandler) {
    const { platform, decode, encode, maxMessage = DEFAULT_MAX_MESSAGE } = options;
    const { peer, peerCreation, flags, hidden } = established.result;
    this.peer = { name: peer, creation: peerCreation, flags, hidden };
    this.since = platform.systemTime();
    this.#stream = established.stream;
    this.#platform = platform;
    this.#handler = handler;
    this.#decode = { viewFrom: VIEW_FROM, ...decode };
    const packets = {
      decoder: new Decoder(this.#decode),
      limit: maxMessage,
      decoderFor: (control: Control) => this.#decoderFor(control),
      maxSequences: options.maxSequences ?? DEFAULT_MAX_SEQUENCES,
      maxSequenceBytes: options.maxSequenceBytes ?? LARGEST_AT_ONCE * maxMessage,
    };
    this.#packets = usesHeader(flags) ? new DistHeader(flags, packets) : new PassThrough(packets);
    this.#frames = new FrameReader(
      maxMessage,
      (bytes, start, end) => this.#packets.mayBeginInParts(bytes, start, end),
    );
    this.#outbox = new Outbox({
      stream: this.#stream,
      platform,
      packets: this.#packets,
      encode: { maxSize: maxMessage, ...encode },
      maxQueue: options.maxQueue ?? DEFAULT_MAX_QUEUE,
      busy: (busy) => this.#setBusy(busy),
      overloaded: () => this.#overloaded(),
    });
    this.#intensity = options.tickIntensity ?? DEFAULT_TICK_INTENSITY;
    this.#interval = interval(options.tickTime ?? DEFAULT_TICK_TIME, this.#intensity);
    this.#timer = this.#nextCheck();
    this.closed = new Promise((resolve) => this.#setClosed = resolve);
    joinBlocks();
    this.#stream.start({
      data: (bytes) => this.#data(bytes),
      room: () => this.#room(),
      sent: giveBack,
      drain: () => this.#outbox.drained(),
      end: () => this.#end({ reason: "closed" }),
      close: (error) => this.#gone(error),
    });
  }

  /** Whether signals can be sent and received. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Whether more is waiting to be sent than the stream takes. */
  get busy(): boolean {
    return this.#outbox.busy;
  }

  get stats(): ConnectionStats {
    const { fragmentsIn, openSequences } = this.#packets;
    const { bytesOut, messagesOut, fragmentsOut, sequences } = this.#outbox;
    return {
      bytesIn: this.#bytesIn,
      bytesOut,
      messagesIn: this.#messagesIn,
      messagesOut,
      fragmentsIn,
      fragmentsOut,
      ticksIn: this.#ticksIn,
      ticksOut: this.#ticksOut,
      sequencesIn: openSequences,
      sequencesOut: sequences,
      queued: this.queued,
    };
  }

  /** Bytes that wait to be sent. */
  get queued(): number {
    return this.#outbox.queued;
  }

  /**
   * Sends a signal. It is on its way before the program waits for input again, and never before those that the same sender has sent
   * to the same receiver earlier.
   *
   * - When the connection is down nothing happens, as with a signal that is lost in the network: {@linkcode alive} tells.
   * - When it throws, nothing of the signal is sent, and the connection is as before.
   * - `busy(true)` may come before this returns.
   * - Where the queue is full, 16 MiB more are taken; then the connection is given up (`overloaded`), once this turn is over.
   *
   * @param payload needed exactly where the control message is followed by something.
   * @param receiver the process behind an alias, where it is known: else all of the sender's signals wait for each other.
   * @param sender where the control message has no pid of it.
   * @returns whether the sender may go on; `false` when the connection is down, or when it is busy: then the signal is sent
   * all the same.
   * @throws {EncodeError} where a value is no term, or the message is larger than allowed.
   */
  send(
    control: OutgoingControl,
    payload?: Encodable,
    receiver: Pid | null = null,
    sender: Pid | null = null,
  ): boolean {
    return this.#alive && this.#outbox.send(control, payload, receiver, sender);
  }

  /**
   * Sends a signal as {@linkcode send} does, unless the queue is full. While the connection is not busy it is not, so that a message
   * that is larger than the queue may be goes, too.
   *
   * @returns `false` where the queue is full: then nothing is sent, and `busy(false)` tells when to try again.
   * @throws {EncodeError} where a value is no term, or the message is larger than allowed.
   */
  offer(
    control: OutgoingControl,
    payload?: Encodable,
    receiver: Pid | null = null,
    sender: Pid | null = null,
  ): boolean {
    return !this.#alive || this.#outbox.offer(control, payload, receiver, sender);
  }

  /** Whether {@linkcode offer} would refuse whatever it is given. */
  get queueIsFull(): boolean {
    return this.#outbox.isFull;
  }

  /**
   * Ends the connection in order: what was sent before still goes out, if the peer takes it within 5 seconds. The handler's
   * `down` comes before this returns. Idempotent.
   */
  close(): void {
    if (!this.#alive) return;
    this.#outbox.flushAll();
    this.#end({ reason: "disconnected" });
  }

  /** Ends the connection at once; what is not out yet is lost. Idempotent, and cuts short a `close`. */
  destroy(): void {
    this.#timer.cancel();
    if (this.#alive) this.#fail({ reason: "disconnected" });
    else this.#stream.destroy();
  }

  /** The program stays alive for this connection. It does unless told otherwise. */
  ref(): void {
    this.#stream.ref();
  }

  /** The program does not stay alive for this connection. */
  unref(): void {
    this.#stream.unref();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #setBusy(busy: boolean): void {
    try {
      this.#handler.busy(busy);
    } catch (error) {
      this.#fault("busy", error);
    }
  }

  #overloaded(): void {
    const { queued } = this;
    const error = new Error(
      `Cannot send to ${this.peer.name}: ${queued} bytes wait to be sent, and it takes none`,
    );
    if (this.#alive) this.#platform.log("error", error.message);
    this.#fail({ reason: "overloaded", error });
  }

  // ---- in

  #decoderFor(control: Control): Decoder | null {
    let terms: DecodeOptions | null | undefined;
    try {
      terms = this.#handler.terms?.(control);
    } catch (error) {
      this.#fault(controlName(control[0]), error);
    }
    if (terms === null || terms === undefined) return null;
    let decoder = this.#decoders.get(terms);
    if (decoder === undefined) {
      decoder = new Decoder({ ...this.#decode, ...terms });
      this.#decoders.set(terms, decoder);
    }
    return decoder;
  }

  /** Where the next bytes belong, if they are of a large frame. */
  #room(): Uint8Array | null {
    if (!this.#alive) return null;
    return this.#frames.room() ?? this.#packets.room(this.#frames.left);
  }

  /** @returns whether nobody refers to the bytes any more. */
  #data(bytes: Uint8Array): boolean {
    if (!this.#alive) return true;
    this.#bytesIn += bytes.length;
    this.#handler.received?.();
    const frames = this.#frames;
    const packets = this.#packets;
    frames.push(bytes);
    let kept = false;
    // The handler may close the connection in the middle of a chunk; nothing is delivered after that.
    while (this.#alive) {
      try {
        if (!frames.next()) return !kept;
        if (frames.start === frames.end) {
          this.#ticksIn++;
          continue;
        }
        const complete = packets.read(frames.bytes, frames.start, frames.end, frames.left);
        // A frame that was put together lies in memory of its own.
        if (packets.kept && frames.bytes === bytes) kept = true;
        if (!complete) continue;
      } catch (error) {
        this.#fail({ reason: "protocol", error: error as Error });
        return false;
      }
      this.#messagesIn++;
      const control = packets.control;
      try {
        this.#handler.signal(control, packets.payload);
      } catch (error) {
        // A peer that says what it may not say is no better than one that says what is no message.
        if (error instanceof ControlError) {
          this.#fail({ reason: "protocol", error });
          return false;
        }
        this.#fault(controlName(control[0]), error);
      }
    }
    return false;
  }

  // ---- ticks

  #nextCheck(): Timer {
    return this.#platform.setTimer(this.#interval, () => this.#check(), UNREF);
  }

  /**
   * Runs once per interval, as net_kernel's ticker. Ticks are not answered but sent whenever we were silent for an interval:
   * OTP sends none while it has something to write, and counts only what it reads. The timer is set anew each time, so that
   * a program that was stopped for long reads what has piled up before it counts on.
   */
  #check(): void {
    this.#silent = this.#bytesIn === this.#bytesInAtCheck ? this.#silent + 1 : 0;
    if (this.#silent >= this.#intensity) return this.#fail({ reason: "net_tick_timeout" });
    this.#bytesInAtCheck = this.#bytesIn;
    if (this.#outbox.bytesOut === this.#bytesOutAtCheck) {
      this.#outbox.tick();
      this.#ticksOut++;
    }
    this.#bytesOutAtCheck = this.#outbox.bytesOut;
    shed(this.#platform.now());
    if (this.#alive) this.#timer = this.#nextCheck();
  }

  // ---- the end

  /** The last act of a connection that ends in order: the peer sees the end of what we send, and closes the stream. */
  #end(down: ConnectionDown): void {
    if (!this.#stop()) return;
    this.#stream.end();
    const destroy = () => this.#stream.destroy();
    this.#timer = this.#platform.setTimer(LINGER, destroy, UNREF);
    this.#tell(down);
  }

  #fail(down: ConnectionDown): void {
    if (!this.#stop()) return;
    this.#stream.destroy();
    this.#tell(down);
  }

  #gone(error: Error | undefined): void {
    this.#timer.cancel();
    leaveBlocks();
    this.#setClosed();
    if (this.#stop()) {
      this.#tell(error === undefined ? { reason: "closed" } : { reason: "lost", error });
    }
  }

  /** Whether it was alive until now. */
  #stop(): boolean {
    if (!this.#alive) return false;
    this.#alive = false;
    this.#timer.cancel();
    this.#outbox.clear();
    return true;
  }

  #tell(down: ConnectionDown): void {
    try {
      this.#handler.down(down);
    } catch (error) {
      this.#fault("down", error);
    }
  }

  #fault(what: string, error: unknown): void {
    const text = error instanceof Error ? error.stack ?? String(error) : String(error);
    this.#platform.log("error", `Cannot handle ${what} of node ${this.peer.name}: ${text}`);
  }
}

function interval(tickTime: number, intensity: number): number {
  if (!(tickTime > 0 && tickTime <= 0x7fffffff)) {
    throw new RangeError(
      `Cannot use tickTime ${tickTime}: it must be 1 to 2147483647 milliseconds`,
    );
  }
  if (!(intensity >= 4 && intensity <= 1000)) {
    throw new RangeError(`Cannot use tickIntensity ${intensity}: it must be 4 to 1000`);
  }
  return Math.ceil(tickTime / intensity);
}
