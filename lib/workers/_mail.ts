import { atom } from "../etf/atom.ts";
import { Decoder } from "../etf/decoder.ts";
import { Encoder } from "../etf/encoder.ts";
import { EncodeError } from "../etf/errors.ts";
import { Pid } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { Tag } from "../etf/tags.ts";
import { type AnyTuple, isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import { GEN_CALL } from "../node/atoms.ts";
import { hasPayload, isOp } from "./_signals.ts";
import { endOfTerm } from "./_term_end.ts";

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
  #writing = false;
  /** What was written meanwhile. */
  readonly #meanwhile: Uint8Array[] = [];

  constructor(post: (bytes: Uint8Array) => void, defer: (fn: () => void) => void) {
    this.#post = post;
    this.#defer = defer;
  }

  /** @throws {EncodeError} if something in it is no term; nothing has been written then. */
  write(op: number, fields: readonly Encodable[], payload?: Encodable): void {
    if (this.#writing) return this.#writeLater(op, fields, payload);
    const encoder = this.#encoder;
    const before = encoder.pending;
    this.#writing = true;
    try {
      writeSignal(encoder, op, fields, payload);
    } catch (error) {
      encoder.position -= encoder.pending - before;
      throw error;
    } finally {
      this.#writing = false;
      if (this.#meanwhile.length > 0) {
        for (const bytes of this.#meanwhile.splice(0)) encoder.raw(bytes);
      }
      this.#flushSoon();
    }
  }

  #flushSoon(): void {
    if (this.#encoder.pending >= FULL) return this.flush();
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#defer(this.#deferred);
  }

  /** By a getter or an iterator of what is being written: goes behind that. */
  #writeLater(op: number, fields: readonly Encodable[], payload?: Encodable): void {
    const aside = new Encoder();
    writeSignal(aside, op, fields, payload);
    this.#meanwhile.push(aside.take());
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

  /** Sends what has been written; nothing while something is being written. */
  flush(): void {
    if (this.#encoder.pending === 0 || this.#writing) return;
    const bytes = this.#encoder.take();
    // A slab that has grown for a large term is its own, and goes as it is; the others are used further.
    this.#post(bytes.buffer.byteLength > FULL ? bytes : bytes.slice());
  }

  readonly #deferred = (): void => {
    this.#isDeferred = false;
    this.flush();
  };
}

function writeSignal(
  encoder: Encoder,
  op: number,
  fields: readonly Encodable[],
  payload: Encodable | undefined,
): void {
  encoder.term(tuple(op, ...fields) as Encodable);
  if (payload !== undefined) encoder.term(payload);
}

/** What a reader does with what it has read. */
export interface MailHandler {
  /** How a payload is to be decoded. */
  termsOf(signal: Signal): DecodeOptions;
  handle(signal: Signal, payload: Term): void;
  /**
   * The payload is a term, but not one that may come: it is beyond a limit of `termsOf`. Those signals behind it are read.
   *
   * @param caller who waits for an answer, if it is a call.
   */
  refused(signal: Signal, error: Error, caller: Caller | null): void;
  /** What a signal has brought about that could not be acted upon; those behind it are read. */
  fault(error: unknown): void;
}

/** `{Pid, Tag}` of who has made a call. */
export type Caller = Tuple<[Pid, Term]>;

/** Reads what another thread has written. */
export class MailReader {
  readonly #control: Decoder = new Decoder();
  readonly #payloads: WeakMap<DecodeOptions, Decoder> = new WeakMap();
  readonly #handler: MailHandler;

  constructor(handler: MailHandler) {
    this.#handler = handler;
  }

  /** @throws {Error} where the bytes are no mail: what is behind that is lost, and with it the order of whoever has written them. */
  read(bytes: Uint8Array): void {
    const control = this.#control;
    let position = 0;
    while (position < bytes.length) {
      control.reset(bytes, position);
      const signal = signalOf(control.term());
      position = control.position;
      let payload: Term = null;
      let refused: Error | null = null;
      const start = position;
      if (hasPayload(signal[0])) {
        const decoder = this.#decoderOf(this.#handler.termsOf(signal));
        decoder.reset(bytes, position);
        try {
          payload = decoder.term();
          position = decoder.position;
        } catch (error) {
          position = endOfTerm(bytes, start);
          if (position < 0) throw error;
          refused = error as Error;
        }
      }
      try {
        if (refused === null) this.#handler.handle(signal, payload);
        else this.#handler.refused(signal, refused, this.#callerIn(bytes, start));
      } catch (error) {
        this.#handler.fault(error);
      }
    }
  }

  /** Of `{'$gen_call', {Pid, Tag}, Request}`, whatever the request is. */
  #callerIn(bytes: Uint8Array, position: number): Caller | null {
    const decoder = this.#control;
    if (bytes[position] !== Tag.SMALL_TUPLE_EXT || bytes[position + 1] !== 3) return null;
    try {
      decoder.reset(bytes, position + 2);
      if (decoder.term() !== GEN_CALL) return null;
      const from = decoder.term();
      const is = isTuple(from) && from.length === 2 && (from as AnyTuple)[0] instanceof Pid;
      return is ? from as unknown as Caller : null;
    } catch {
      return null;
    }
  }

  #decoderOf(terms: DecodeOptions): Decoder {
    let decoder = this.#payloads.get(terms);
    if (decoder === undefined) {
      // The program has made each of its atoms, if not on this thread.
      this.#payloads.set(terms, decoder = new Decoder({ ...terms, atoms: "create" }));
    }
    return decoder;
  }
}

/** @throws {Error} if it is none. */
function signalOf(term: Term): Signal {
  if (isTuple(term) && isOp((term as AnyTuple)[0])) return term as unknown as Signal;
  throw new Error("Cannot read what another thread has sent: it is no signal");
}

/** Keeps each term what it is, where it is only passed on. */
export const AS_IT_IS: DecodeOptions = { floats: "wrap" };
