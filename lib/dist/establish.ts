import type { Platform } from "../platform/contract.ts";
import type { Stream, StreamHandler } from "../transport/contract.ts";
import { HandoverStream } from "./_handover.ts";
import { concat, viewOf } from "./_octets.ts";
import { Acceptor } from "./acceptor.ts";
import {
  type Handshake,
  type HandshakeDecision,
  type HandshakeEffect,
  type HandshakeOptions,
  type HandshakeResult,
  MAX_HANDSHAKE_FRAME,
  type PeerIntroduction,
} from "./handshake.ts";
import type { HandshakeError } from "./handshake_error.ts";
import { Initiator } from "./initiator.ts";

/** How long a whole handshake may take, in milliseconds, as net_setuptime. */
export const HANDSHAKE_TIMEOUT = 7000;

/** What both roles need. */
export interface EstablishOptions extends Omit<HandshakeOptions, "md5" | "challenge"> {
  readonly platform: Pick<Platform, "setTimer" | "defer" | "randomBytes" | "md5">;
  /** Bytes of the length before each frame: 2 over TCP, 4 over TLS (inet_tls_dist). Default 2. */
  readonly packet?: 2 | 4;
  /** Milliseconds for the whole handshake. Default {@linkcode HANDSHAKE_TIMEOUT}. */
  readonly timeout?: number;
  /** Gives up: the stream is closed, the promise rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface InitiateOptions extends EstablishOptions {
  /** The node that must answer. */
  readonly peer: string;
  /**
   * The peer believes that we are connected. `true`: that connection is dead here, drop it and go on. Default true.
   */
  readonly insist?: () => boolean;
}

export interface AcceptOptions extends EstablishOptions {
  /** Whether to let in a node that introduces itself, see {@linkcode HandshakeDecision}. */
  readonly decide: (peer: PeerIntroduction) => HandshakeDecision;
}

/** A stream whose two ends have shaken hands. */
export interface Established {
  /**
   * To be started by the connection, once. Delivers first what came right behind the handshake, then all else in order;
   * the end and the close too where they have come already.
   */
  readonly stream: Stream;
  readonly result: HandshakeResult;
}

/**
 * Shakes hands over a stream that we opened.
 *
 * - Takes the stream over: it is not to be started before, and it is closed when the handshake fails.
 * - Reads nothing beyond the handshake: later bytes go to the stream's next owner.
 *
 * @throws {HandshakeError} if the peer is not let in or does not let us in.
 * @throws {RangeError} if an option is out of range.
 */
export function initiate(stream: Stream, options: InitiateOptions): Promise<Established> {
  return establish(stream, options, () => {
    const machine = new Initiator(options.peer, machineOptions(options));
    const insist = options.insist ?? (() => true);
    return { machine, answer: () => machine.insist(insist()) };
  });
}

/**
 * Shakes hands over a stream that was accepted. As {@linkcode initiate} in all else.
 *
 * @throws {HandshakeError} if the peer is not let in or does not let us in.
 * @throws {RangeError} if an option is out of range.
 */
export function accept(stream: Stream, options: AcceptOptions): Promise<Established> {
  return establish(stream, options, () => {
    const machine = new Acceptor(machineOptions(options));
    return { machine, answer: (peer) => machine.decide(options.decide(peer as PeerIntroduction)) };
  });
}

interface Role {
  readonly machine: Handshake;
  /** Answers the machine's question. */
  readonly answer: (peer?: PeerIntroduction) => HandshakeEffect[];
}

function establish(
  stream: Stream,
  options: EstablishOptions,
  begin: () => Role,
): Promise<Established> {
  return new Promise((resolve, reject) => {
    try {
      options.signal?.throwIfAborted();
      new Establishing(stream, options, begin(), resolve, reject).start();
    } catch (error) {
      stream.destroy();
      reject(error);
    }
  });
}

/** One handshake on its stream. */
class Establishing implements StreamHandler {
  readonly #stream: HandoverStream;
  readonly #packet: 2 | 4;
  readonly #role: Role;
  readonly #resolve: (established: Established) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = (): void => this.#failed(this.#signal?.reason, false);
  readonly #timer: { cancel(): void };
  #received: Uint8Array = new Uint8Array(0);
  #over = false;

  constructor(
    stream: Stream,
    options: EstablishOptions,
    role: Role,
    resolve: (established: Established) => void,
    reject: (reason: unknown) => void,
  ) {
    const { platform, packet = 2, timeout = HANDSHAKE_TIMEOUT, signal } = options;
    this.#stream = new HandoverStream(stream, (fn) => platform.defer(fn));
    this.#packet = packet;
    this.#role = role;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#aborted);
    this.#timer = platform.setTimer(timeout, () => this.#timeout(), { unref: true });
  }

  start(): void {
    this.#stream.open(this);
    this.#run(() => this.#role.machine.start());
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return; // what a refused peer still says
    this.#received = concat([this.#received, bytes]);
    while (!this.#over) {
      const { length } = this.#received;
      if (length < this.#packet) return;
      const view = viewOf(this.#received);
      const size = this.#packet === 2 ? view.getUint16(0) : view.getUint32(0);
      if (size === 0 || size > MAX_HANDSHAKE_FRAME) {
        const detail = this.#packet === 2 && isTls(this.#received)
          ? `it sent a frame of ${size} bytes: that is TLS, which we do not speak with it, both must use it or none`
          : `it sent a frame of ${size} bytes, at most ${MAX_HANDSHAKE_FRAME} are allowed, check that a node and nothing else listens and connects there, and that both or none use TLS`;
        return this.#failed(this.#role.machine.fail("garbage", { detail }), false);
      }
      if (length < this.#packet + size) return;
      const frame = this.#received.subarray(this.#packet, this.#packet + size);
      this.#received = this.#received.subarray(this.#packet + size);
      this.#run(() => this.#role.machine.frame(frame));
    }
  }

  drain(): void {}

  end(): void {
    if (this.#over) this.#stream.destroy(); // it was refused, and has read why
    else this.#failed(this.#hungUp(), false);
  }

  close(error?: Error): void {
    this.#failed(this.#hungUp(error), false);
    this.#timer.cancel();
  }

  /** Under TLS 1.3 a server that refuses our certificate can tell so only after we believe ourselves connected. */
  #hungUp(cause?: Error): HandshakeError {
    const { machine } = this.#role;
    const error = machine.fail("closed", { cause });
    if (this.#packet === 2 || error.role === "acceptor" || error.phase !== "status") return error;
    const fault = (cause as { code?: unknown } | undefined)?.code === "EPROTO";
    const detail = fault
      ? `it refused us over TLS, ${(cause as Error).message.replace(/^.*?:\d+: /, "")}`
      : "it closed the connection before its status message, so it has probably refused our certificate, or that we gave none; see its log";
    return machine.fail("closed", { cause, detail });
  }

  #run(step: () => HandshakeEffect[]): void {
    const frames: Uint8Array[] = [];
    try {
      for (let effects = step(); effects.length > 0;) {
        effects = this.#act(effects, frames);
      }
    } catch (error) {
      this.#failed(error, false); // of the owner's functions
    }
  }

  /** Carries effects out; returns what follows from a question. Frames that go out together go in one write. */
  #act(effects: HandshakeEffect[], frames: Uint8Array[]): HandshakeEffect[] {
    let more: HandshakeEffect[] = [];
    for (const effect of effects) {
      switch (effect.type) {
        case "send":
          frames.push(this.#framed(effect.frame));
          break;
        case "decide":
          more = this.#role.answer(effect.peer);
          break;
        case "alive":
          more = this.#role.answer();
          break;
        case "done":
          this.#flush(frames);
          this.#done(effect.result);
          break;
        case "failed": {
          const said = frames.length > 0;
          this.#flush(frames);
          this.#failed(effect.error, said);
          break;
        }
      }
    }
    this.#flush(frames);
    return more;
  }

  #flush(frames: Uint8Array[]): void {
    if (frames.length > 0) this.#stream.write(concat(frames.splice(0)));
  }

  #framed(frame: Uint8Array): Uint8Array {
    const length = new Uint8Array(this.#packet);
    const view = viewOf(length);
    if (this.#packet === 2) view.setUint16(0, frame.length);
    else view.setUint32(0, frame.length);
    return concat([length, frame]);
  }

  #done(result: HandshakeResult): void {
    if (!this.#settle()) return;
    this.#timer.cancel();
    this.#stream.release(this.#received);
    this.#resolve({ stream: this.#stream, result });
  }

  /** `said`: the peer is to read why before the stream is closed; the timer closes it if the peer does not. */
  #failed(reason: unknown, said: boolean): void {
    if (!this.#settle()) return;
    if (said) {
      this.#stream.end();
    } else {
      this.#timer.cancel();
      this.#stream.destroy();
    }
    this.#reject(reason);
  }

  #timeout(): void {
    if (this.#over) this.#stream.destroy();
    else this.#failed(this.#role.machine.fail("timeout"), false);
  }

  #settle(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#signal?.removeEventListener("abort", this.#aborted);
    return true;
  }
}

/** An alert or the first message of a TLS handshake. */
function isTls(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3;
}

function machineOptions(options: EstablishOptions): HandshakeOptions {
  const { platform, name, creation, flags, required, cookie } = options;
  const challenge = viewOf(platform.randomBytes(4)).getUint32(0);
  return {
    name,
    creation,
    flags,
    required,
    cookie,
    challenge,
    md5: (bytes) => platform.md5(bytes),
  };
}
