import type { Core } from "../core.ts";
import { CALL_TIMEOUT, type CallOptions } from "../call.ts";
import { Deadline } from "../process/deadlines.ts";
import { CallTimeoutError } from "../errors.ts";

/** A request that is answered by other means than a reply, with its deadline. */
export abstract class Asking<T> extends Deadline {
  readonly promise: Promise<T>;
  protected readonly core: Core;
  protected readonly what: string;
  readonly #options: CallOptions;
  #settled = false;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  /** @param what it is, for messages. */
  constructor(core: Core, what: string, options: CallOptions) {
    super();
    this.core = core;
    this.what = what;
    this.#options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { timeout = CALL_TIMEOUT, signal } = options;
    if (typeof timeout !== "number" || !(timeout >= 0)) {
      this.fail(new RangeError(`Cannot wait ${timeout} ms for an answer: 0 or more is needed`));
      return;
    }
    core.setDeadline(this, timeout);
    if (signal?.aborted) this.fail(signal.reason);
    else signal?.addEventListener("abort", this.#aborted);
  }

  get settled(): boolean {
    return this.#settled;
  }

  protected done(value: T): void {
    if (this.#end()) this.#resolve(value);
  }

  protected fail(error: unknown): void {
    if (this.#end()) this.#reject(error);
  }

  /** Sends the request, unless its signal had aborted before. What cannot be sent is the asker's error. */
  protected ask(send: () => void): this {
    if (this.#settled) return this;
    try {
      send();
    } catch (error) {
      this.fail(error);
    }
    return this;
  }

  /** The asker waits no longer. */
  protected giveUp(error: unknown): void {
    this.fail(error);
  }

  override expired(): void {
    this.giveUp(new CallTimeoutError(this.what, this.#options.timeout ?? CALL_TIMEOUT));
  }

  #aborted = (): void => this.giveUp(this.#options.signal!.reason);

  #end(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.core.clearDeadline(this);
    this.#options.signal?.removeEventListener("abort", this.#aborted);
    return true;
  }
}
