import { atom } from "../etf/atom.ts";
import { Decoder } from "../etf/decoder.ts";
import { Encoder } from "../etf/encoder.ts";
import { EncodeError } from "../etf/errors.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type AnyTuple, tuple } from "../etf/tuple.ts";
import { hasPayload } from "./_signals.ts";

/** From so many bytes on what is written goes out at once, not at the end of the turn. */
const FULL = 65_536;

/** A signal as it is read: its number, and what belongs to it. */
export type Signal = readonly [op: number, ...fields: Term[]];

/** What one thread writes to another: many signals at once, in their order. */
export class Mail {
  readonly #encoder: Encoder = new Encoder();
  readonly #post: (bytes: Uint8Array) => void;
  readonly #defer: (fn: () => void) => void;
  #isDeferred = false;

  constructor(post: (bytes: Uint8Array) => void, defer: (fn: () => void) => void) {
    this.#post = post;
    this.#defer = defer;
  }

  /** @throws {EncodeError} if something in it is no term; nothing has been written then. */
  write(op: number, fields: readonly Encodable[], payload?: Encodable): void {
    const encoder = this.#encoder;
    const before = encoder.pending;
    try {
      encoder.term(tuple(op, ...fields) as Encodable);
      if (payload !== undefined) encoder.term(payload);
    } catch (error) {
      encoder.position -= encoder.pending - before;
      throw error;
    }
    if (encoder.pending >= FULL) return this.flush();
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#defer(this.#deferred);
  }

  /** As `write`; a reason may be no term, where its process was not made to be known elsewhere, and goes as `{bad_reason, Text}` then. */
  writeReason(op: number, fields: readonly Encodable[], reason: Term): void {
    try {
      this.write(op, fields, reason);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      this.write(op, fields, tuple(atom("bad_reason"), error.message));
    }
  }

  /** Sends what has been written. */
  flush(): void {
    if (this.#encoder.pending === 0) return;
    const bytes = this.#encoder.take();
    // A slab that has grown for a large term is its own, and goes as it is; the others are used further.
    this.#post(bytes.buffer.byteLength > FULL ? bytes : bytes.slice());
  }

  readonly #deferred = (): void => {
    this.#isDeferred = false;
    this.flush();
  };
}

/** Reads what another thread has written. */
export class MailReader {
  readonly #control: Decoder = new Decoder();
  readonly #payloads: WeakMap<DecodeOptions, Decoder> = new WeakMap();
  readonly #termsOf: (signal: Signal) => DecodeOptions;
  readonly #handle: (signal: Signal, payload: Term) => void;
  readonly #fault: (error: unknown) => void;

  /**
   * @param termsOf how a payload is to be decoded.
   * @param fault what a signal has brought about that could not be acted upon; those behind it are read.
   */
  constructor(
    termsOf: (signal: Signal) => DecodeOptions,
    handle: (signal: Signal, payload: Term) => void,
    fault: (error: unknown) => void,
  ) {
    this.#termsOf = termsOf;
    this.#handle = handle;
    this.#fault = fault;
  }

  read(bytes: Uint8Array): void {
    const control = this.#control;
    let position = 0;
    while (position < bytes.length) {
      control.reset(bytes, position);
      const signal = control.term() as unknown as AnyTuple & Signal;
      position = control.position;
      let payload: Term = null;
      if (hasPayload(signal[0])) {
        const decoder = this.#decoderOf(this.#termsOf(signal));
        decoder.reset(bytes, position);
        payload = decoder.term();
        position = decoder.position;
      }
      try {
        this.#handle(signal, payload);
      } catch (error) {
        this.#fault(error);
      }
    }
  }

  #decoderOf(terms: DecodeOptions): Decoder {
    let decoder = this.#payloads.get(terms);
    if (decoder === undefined) this.#payloads.set(terms, decoder = new Decoder(terms));
    return decoder;
  }
}

/** Keeps each term what it is, where it is only passed on. */
export const AS_IT_IS: DecodeOptions = { floats: "wrap" };
