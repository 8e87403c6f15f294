import type { Platform } from "../platform/contract.ts";
import type { Transport } from "../transport/contract.ts";
import { EpmdClient, type RegisterOptions } from "./epmd_client.ts";
import { EpmdError } from "./epmd_error.ts";
import type { EpmdRegistration } from "./epmd_registration.ts";
import { EpmdServer, type EpmdServerOptions, isAddressInUse } from "./epmd_server.ts";

/** Rounds of "nobody answers" and "the port is taken" before we give up. */
const MAX_ROUNDS = 20;
/** Rounds of "it is there" and "it is gone before it has registered the node". */
const MAX_REGISTERS = 5;
/** Milliseconds between two rounds. */
const ROUND = 50;

/** The daemon of this host: the one that runs, or one in this program. */
export interface LocalEpmdOptions extends EpmdServerOptions {
  readonly transport: Pick<Transport, "connect" | "listen">;
  readonly platform: Pick<Platform, "setTimer" | "defer" | "randomBytes" | "env">;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/**
 * Makes sure that this host has an EPMD: uses the one that answers, else embeds one. When two programs do so at the same
 * time, one of them gets the port and the other one uses it.
 *
 * @returns the server if it is in this program, `null` if it is elsewhere.
 * @throws {EpmdError} if what has the port is no EPMD.
 */
export async function ensureEpmd(options: LocalEpmdOptions): Promise<EpmdServer | null> {
  const { transport, platform, port, signal } = options;
  const client = new EpmdClient({ transport, platform, port });
  for (let round = 1;; round++) {
    try {
      await client.names({ signal });
      return null;
    } catch (error) {
      if (!(error instanceof EpmdError) || error.reason === "garbage") throw error;
      if (error.reason === "timeout" || round === MAX_ROUNDS) throw error;
    }
    try {
      return await EpmdServer.start(options);
    } catch (error) {
      if (!isAddressInUse(error)) throw error;
    }
    // The winner has bound its port and does not listen yet, or is just going down.
    await new Promise<void>((resolve) => platform.setTimer(ROUND, resolve));
  }
}

/** A node's place at the EPMD of its host, wherever that runs. */
export class LocalEpmd implements AsyncDisposable {
  readonly #options: LocalEpmdOptions;
  readonly #closing: AbortController = new AbortController();
  #registration: EpmdRegistration | null = null;
  #server: EpmdServer | null = null;
  #referenced = true;

  private constructor(options: LocalEpmdOptions) {
    this.#options = options;
  }

  /**
   * Registers a node, with a daemon in this program if the host has none. When the daemon goes away, be it that of another
   * program, one of the nodes that were registered there takes its role and all register again.
   *
   * @throws {EpmdError} if another node of that name is registered (`duplicate_name`), or what has the port is no EPMD.
   */
  static async register(options: LocalEpmdOptions, node: RegisterOptions): Promise<LocalEpmd> {
    const { transport, platform, port } = options;
    const local = new LocalEpmd(options);
    const client = new EpmdClient({ transport, platform, port });
    const beforeRetry = async (): Promise<void> => {
      await node.beforeRetry?.();
      await local.#ensure(local.#closing.signal);
    };
    try {
      for (let round = 1; local.#registration === null; round++) {
        await local.#ensure(options.signal);
        try {
          local.#registration = await client.register({ ...node, beforeRetry });
        } catch (error) {
          // The program that had it was just going down: it is to be embedded here, or elsewhere.
          if (!isGone(error) || round === MAX_REGISTERS) throw error;
          await new Promise<void>((resolve) => options.platform.setTimer(ROUND, resolve));
        }
      }
      return local;
    } catch (error) {
      await local.close();
      throw error;
    }
  }

  /** What EPMD gave the node at its first registration. */
  get creation(): number {
    return (this.#registration as EpmdRegistration).creation;
  }

  /** Whether EPMD knows the node at this moment. */
  get registered(): boolean {
    return this.#registration?.registered ?? false;
  }

  /** The daemon, if it is in this program at this moment. */
  get server(): EpmdServer | null {
    return this.#server;
  }

  /** Frees the name, and ends the daemon if it is in this program. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The registration was closed", "AbortError"));
    this.#registration?.close();
    await this.#server?.close();
    this.#server = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether the program stays alive for the registration and the daemon; it does unless told otherwise. */
  ref(): void {
    this.#referenced = true;
    this.#registration?.ref();
    this.#server?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#registration?.unref();
    this.#server?.unref();
  }

  async #ensure(signal: AbortSignal | undefined): Promise<void> {
    const server = await ensureEpmd({ ...this.#options, signal });
    if (server === null) return;
    if (this.#closing.signal.aborted) return await server.close();
    this.#server = server;
    if (!this.#referenced) server.unref();
    void server.stopped.then(() => {
      if (this.#server === server) this.#server = null;
    });
  }
}

/** Whether nobody answers any more. */
function isGone(error: unknown): boolean {
  return error instanceof EpmdError &&
    (error.reason === "unreachable" || error.reason === "closed");
}
