import type { Platform, Timer } from "../platform/contract.ts";
import type { Stream } from "../transport/contract.ts";
import { viewOf } from "./_octets.ts";

/** Milliseconds before the first attempt to register again; each further wait is twice as long, up to the maximum. */
const MIN_RETRY = 200;
const MAX_RETRY = 5_000;

/** What happens to a registration. */
export type RegistrationEvent =
  /** The daemon went away, and with it the name. Others cannot find this node; connections that are up stay up. */
  | { readonly type: "lost"; readonly error?: Error }
  /** An attempt to register again has failed; the next is in `delay` milliseconds. */
  | { readonly type: "retry"; readonly error: unknown; readonly delay: number }
  /** The name is registered again. The node keeps its first creation, as in OTP. */
  | { readonly type: "registered"; readonly creation: number };

interface Registered {
  readonly creation: number;
  readonly stream: Stream;
}

/** What a registration needs to go on. */
export interface RegistrationOptions {
  readonly platform: Pick<Platform, "setTimer" | "randomBytes">;
  readonly onEvent: (event: RegistrationEvent) => void;
  /** Registers once more. */
  readonly again: (signal: AbortSignal) => Promise<Registered>;
}

/** A name that is held at EPMD for as long as a connection to it is open. */
export class EpmdRegistration implements Disposable {
  /** What EPMD gave the node at its first registration: tells apart the lives of a node of one name. */
  readonly creation: number;
  readonly #options: RegistrationOptions;
  readonly #closing: AbortController = new AbortController();
  #stream: Stream | null = null;
  #timer: Timer | null = null;
  #attempts = 0;
  #referenced = true;

  constructor(first: Registered, options: RegistrationOptions) {
    this.creation = first.creation;
    this.#options = options;
    this.#hold(first.stream);
  }

  /** Whether EPMD knows the name at this moment. */
  get registered(): boolean {
    return this.#stream !== null;
  }

  /** Frees the name. Idempotent. */
  close(): void {
    this.#closing.abort(new DOMException("The registration was closed", "AbortError"));
    this.#timer?.cancel();
    this.#stream?.destroy();
    this.#stream = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Whether the program stays alive for the connection with EPMD; it does unless told otherwise. */
  ref(): void {
    this.#referenced = true;
    this.#stream?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#stream?.unref();
  }

  #hold(stream: Stream): void {
    this.#stream = stream;
    this.#attempts = 0;
    if (!this.#referenced) stream.unref();
    stream.start({
      data: () => {}, // nothing is to come
      drain: () => {},
      end: () => stream.destroy(),
      close: (error) => this.#lost(error),
    });
  }

  #lost(error?: Error): void {
    if (this.#closing.signal.aborted) return;
    this.#stream = null;
    this.#options.onEvent({ type: "lost", error });
    this.#wait();
  }

  /** Nodes of one host lose their daemon at the same moment: chance keeps them from coming back at one. */
  #wait(): number {
    const { platform } = this.#options;
    const longest = Math.min(MAX_RETRY, MIN_RETRY * 2 ** this.#attempts++);
    const chance = viewOf(platform.randomBytes(4)).getUint32(0) / 2 ** 32;
    const delay = Math.round(longest * (0.5 + chance / 2));
    const unref = !this.#referenced;
    this.#timer = platform.setTimer(delay, () => this.#retry(), { unref });
    return delay;
  }

  async #retry(): Promise<void> {
    const { again, onEvent } = this.#options;
    const { signal } = this.#closing;
    try {
      const { creation, stream } = await again(signal);
      if (signal.aborted) return stream.destroy();
      this.#hold(stream);
      onEvent({ type: "registered", creation });
    } catch (error) {
      if (!signal.aborted) onEvent({ type: "retry", error, delay: this.#wait() });
    }
  }
}
