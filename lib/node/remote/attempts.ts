import { unlessAborted } from "../../_util/unless_aborted.ts";
import {
  type Established,
  type EstablishOptions,
  HANDSHAKE_TIMEOUT,
  initiate,
} from "../../dist/establish.ts";
import { HandshakeError } from "../../dist/handshake_error.ts";
import type { Platform, Timer } from "../../platform/contract.ts";
import type { TlsOptions, Transport } from "../../transport/contract.ts";

/** Where a node listens. */
export interface NodeAddress {
  /** A name that this machine can resolve, or an IP address. */
  readonly host: string;
  /** The TCP port of its distribution, which EPMD would tell. */
  readonly port: number;
}

/** How a node is dialled. */
export interface Destination extends NodeAddress {
  /** In the place of the common cookie. */
  readonly cookie?: string;
  readonly tls?: TlsOptions;
  /** Milliseconds for the whole attempt, the look-up included. Default {@linkcode HANDSHAKE_TIMEOUT}. */
  readonly timeout?: number;
}

/** Is told how an attempt has ended. */
export type Waiter = (error: Error | null) => void;

/** What the initiator's side needs of its node. */
export interface AttemptParts {
  readonly platform: Platform;
  readonly transport: Transport;
  /** Finds the way to a node. @throws where it cannot be found, or must not be taken. */
  readonly destination: (node: string, signal: AbortSignal) => Promise<Destination>;
  /** Who we are, to that node. */
  readonly handshake: (cookie: string | undefined, hidden: boolean) => EstablishOptions;
  /** Whether a connection with that node is up. */
  readonly connected: (name: string) => boolean;
  /** Whether that node has been let in and is in the middle of its handshake. */
  readonly arriving: (name: string) => boolean;
  /** An attempt has succeeded. */
  readonly arrived: (established: Established) => void;
  /** No attempt is under way any more, for that reason. */
  readonly failed: (name: string, error: Error) => void;
}

/** One attempt of ours to connect. */
interface Attempt {
  readonly abort: AbortController;
  readonly waiters: Waiter[];
  readonly hidden: boolean;
  /** When the first of a row of attempts began: of those that the peer has put off with `nok`. */
  readonly since: number;
  /** Whether we have begun to tell the peer who we are: before that it cannot have heard of this attempt. */
  introduced: boolean;
}

/** What waits for the peer's own attempt. */
interface Wait {
  readonly waiters: Waiter[];
  readonly hidden: boolean;
  readonly since: number;
  /** Runs out where the peer's attempt does not arrive. */
  readonly timer: Timer;
}

/** Why an attempt of ours was given up though nothing was wrong with it. */
const SUPERSEDED: Error = new Error("The peer's own connection attempt goes on instead");
const STOPPED = "The node has stopped";

/**
 * How long a peer that has been let in may take before we dial it ourselves, in milliseconds. Whoever claims its name without
 * being it says no more, and must not keep us from the true one; who is it answers within a round trip.
 */
const PATIENCE = 500;
/** How long a peer that says that it is connecting to us may take to arrive. After that we try again. */
const NOK_WAIT = 1000;
/** How long a peer may go on to say so. */
const NOK_LIMIT: number = HANDSHAKE_TIMEOUT;

/** The attempts of this node to connect to others: one at a time for each. */
export class Attempts {
  readonly #parts: AttemptParts;
  readonly #attempts: Map<string, Attempt> = new Map();
  readonly #waits: Map<string, Wait> = new Map();
  #closed = false;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** Whether one is under way, as far as the peer may have heard of it. */
  has(name: string): boolean {
    return this.#attempts.get(name)?.introduced ?? false;
  }

  /**
   * Begins to connect; but a peer that has been let in and is in the middle of its handshake is waited for, for a short time.
   * As in OTP: an attempt of ours would make the peer give up its own, and fail those who wait for that there.
   */
  begin(name: string, hidden = false): void {
    if (this.#parts.arriving(name)) this.#wait(name, [], hidden, PATIENCE);
    else void this.#attempt(name, [], hidden);
  }

  /** Who is to be told how the attempt ends that was begun; `null` where none is under way. */
  waiters(name: string): Waiter[] | null {
    return (this.#attempts.get(name) ?? this.#waits.get(name))?.waiters ?? null;
  }

  /** A connection with that peer is up, by whichever attempt. */
  arrived(name: string): void {
    const attempt = this.#attempts.get(name);
    if (attempt !== undefined) {
      this.#attempts.delete(name);
      attempt.abort.abort(SUPERSEDED);
      for (const waiter of attempt.waiters) waiter(null);
    }
    this.resume(name);
  }

  /** The peer's attempt is through or has failed: whoever waits for that goes on with it, or with a new one of ours. */
  resume(name: string): void {
    const wait = this.#waits.get(name);
    if (wait === undefined) return;
    this.#waits.delete(name);
    const { waiters, timer, hidden, since } = wait;
    timer.cancel();
    if (this.#parts.connected(name)) {
      for (const waiter of waiters) waiter(null);
    } else if (this.#closed) {
      this.#failed(name, waiters, new Error(STOPPED));
    } else {
      void this.#attempt(name, waiters, hidden, since);
    }
  }

  close(): void {
    this.#closed = true;
    for (const attempt of this.#attempts.values()) attempt.abort.abort(new Error(STOPPED));
    for (const name of [...this.#waits.keys()]) this.resume(name);
  }

  async #attempt(
    name: string,
    waiters: Waiter[],
    hidden: boolean,
    since: number = this.#parts.platform.now(),
  ): Promise<void> {
    const { platform, transport } = this.#parts;
    const abort = new AbortController();
    const attempt: Attempt = { abort, waiters, hidden, since, introduced: false };
    this.#attempts.set(name, attempt);
    const begun = platform.now();
    const { signal } = abort;
    const limit = (ms: number): Timer =>
      platform.setTimer(Math.max(0, ms - (platform.now() - begun)), () => {
        // A node without TLS takes what TLS begins with for the length of a message, and waits for the rest.
        const tls = shaking
          ? "; with TLS, that is what a node without it does, both must use it or none"
          : "";
        abort.abort(new Error(`It did not answer within ${ms} ms${tls}`));
      }, { unref: true });
    let shaking = false;
    let timer = limit(HANDSHAKE_TIMEOUT);
    try {
      // A resolver of the user's may take no notice of the signal, and never end.
      const destination = await unlessAborted(this.#parts.destination(name, signal), signal);
      signal.throwIfAborted();
      const { host, port, cookie, tls, timeout } = destination;
      if (timeout !== undefined) {
        timer.cancel();
        timer = limit(timeout);
      }
      shaking = tls !== undefined;
      const stream = await transport.connect({ host, port, tls, signal });
      shaking = false;
      if (this.#parts.arriving(name) && platform.now() - since < PATIENCE) {
        // It has come meanwhile, and knows nothing of this attempt.
        stream.destroy();
        this.#ended(attempt, name);
        return this.#wait(name, waiters, hidden, PATIENCE, since);
      }
      attempt.introduced = true;
      const established = await initiate(stream, {
        ...this.#parts.handshake(cookie, hidden),
        packet: tls === undefined ? 2 : 4,
        timeout: timeout ?? HANDSHAKE_TIMEOUT,
        peer: name,
        signal,
      });
      if (signal.aborted) {
        established.stream.destroy(); // given up just when it was done
        throw signal.reason;
      }
      this.#ended(attempt, name);
      this.#parts.arrived(established);
      for (const waiter of waiters) waiter(null);
    } catch (error) {
      this.#ended(attempt, name);
      if (signal.reason === SUPERSEDED) return;
      if (isNok(error) && !this.#closed && platform.now() - since < NOK_LIMIT) {
        // The peer's own attempt goes on, or is through already; should it never arrive, ours begins again.
        this.#wait(name, waiters, hidden, NOK_WAIT, since);
        if (this.#parts.connected(name)) this.resume(name);
      } else {
        this.#failed(name, waiters, error as Error);
      }
    } finally {
      timer.cancel();
    }
  }

  #wait(
    name: string,
    waiters: Waiter[],
    hidden: boolean,
    ms: number,
    since: number = this.#parts.platform.now(),
  ): void {
    const known = this.#waits.get(name);
    if (known !== undefined) return void known.waiters.push(...waiters);
    const timer = this.#parts.platform.setTimer(ms, () => this.resume(name), { unref: true });
    this.#waits.set(name, { waiters, hidden, since, timer });
  }

  #failed(name: string, waiters: Waiter[], error: Error): void {
    this.#parts.failed(name, error);
    for (const waiter of waiters) waiter(error);
  }

  #ended(attempt: Attempt, name: string): void {
    if (this.#attempts.get(name) === attempt) this.#attempts.delete(name);
  }
}

/** Whether the peer goes on with an attempt of its own, of which we have not heard yet. */
function isNok(error: unknown): boolean {
  return error instanceof HandshakeError && error.reason === "nok";
}
