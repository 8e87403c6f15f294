import type { Platform } from "../platform/contract.ts";
import type { Stream, StreamHandler, Transport } from "../transport/contract.ts";
import { HandoverStream } from "./_handover.ts";
import { concat } from "./_octets.ts";
import { EpmdError, type EpmdReason } from "./epmd_error.ts";

/** Bytes that an answer may have: about 30,000 names. */
const MAX_ANSWER = 1024 * 1024;

export interface ExchangeOptions {
  readonly transport: Pick<Transport, "connect">;
  readonly platform: Pick<Platform, "setTimer" | "defer">;
  readonly host: string;
  readonly port: number;
  /** Milliseconds for all of it. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly request: Uint8Array;
}

/**
 * Sends a request to EPMD on a connection of its own and reads the answer.
 *
 * @param read Gives the answer out of all bytes so far, `null` while more are needed; `ended`: no more will come.
 * @returns the answer, and the stream, which is to be started or destroyed.
 */
export async function exchange<T>(
  options: ExchangeOptions,
  read: (bytes: Uint8Array, ended: boolean) => T | null,
): Promise<{ readonly answer: T; readonly stream: Stream }> {
  const { transport, platform, host, port, timeout, signal, request } = options;
  signal?.throwIfAborted();
  const attempt = new AbortController();
  const timer = platform.setTimer(timeout, () => {
    attempt.abort(fault(options, "timeout", `gave no answer within ${timeout} ms`));
  });
  const abort = (): void => attempt.abort(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    let stream: HandoverStream;
    try {
      const raw = await transport.connect({ host, port, signal: attempt.signal });
      stream = new HandoverStream(raw, (fn) => platform.defer(fn));
    } catch (cause) {
      attempt.signal.throwIfAborted();
      throw fault(
        options,
        "unreachable",
        "does not run: start it (epmd -daemon), embed one, or go without by fixed ports",
        cause,
      );
    }
    if (attempt.signal.aborted) {
      stream.destroy();
      throw attempt.signal.reason;
    }
    const answer = await new Promise<T>((resolve, reject) => {
      attempt.signal.addEventListener("abort", () => {
        stream.destroy();
        reject(attempt.signal.reason);
      });
      stream.open(new Reader(stream, options, read, resolve, reject));
      stream.write(request);
    });
    return { answer, stream };
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", abort);
  }
}

class Reader<T> implements StreamHandler {
  readonly #stream: HandoverStream;
  readonly #options: ExchangeOptions;
  readonly #read: (bytes: Uint8Array, ended: boolean) => T | null;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(
    stream: HandoverStream,
    options: ExchangeOptions,
    read: (bytes: Uint8Array, ended: boolean) => T | null,
    resolve: (answer: T) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#stream = stream;
    this.#options = options;
    this.#read = read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  data(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    this.#try(false);
  }

  drain(): void {}

  end(): void {
    this.#try(true);
  }

  close(error?: Error): void {
    this.#reject(fault(this.#options, "closed", "hung up before its answer was complete", error));
  }

  #try(ended: boolean): void {
    try {
      if (this.#length > MAX_ANSWER) throw new RangeError(`more than ${MAX_ANSWER} bytes`);
      const answer = this.#read(concat(this.#parts), ended);
      if (answer === null) {
        if (ended) this.#stream.destroy();
        return;
      }
      this.#stream.release(new Uint8Array(0));
      this.#resolve(answer);
    } catch (cause) {
      this.#stream.destroy();
      const message = "answered as no EPMD does: check what listens there";
      this.#reject(fault(this.#options, "garbage", message, cause));
    }
  }
}

function fault(
  { host, port }: ExchangeOptions,
  reason: EpmdReason,
  what: string,
  cause?: unknown,
): EpmdError {
  const options = cause === undefined ? undefined : { cause };
  return new EpmdError(`Cannot ask EPMD: ${host}:${port} ${what}`, reason, { host, port }, options);
}
