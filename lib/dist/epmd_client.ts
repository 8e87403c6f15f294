import type { Platform } from "../platform/contract.ts";
import type { Stream, Transport } from "../transport/contract.ts";
import { exchange } from "./_epmd_exchange.ts";
import { EpmdError } from "./epmd_error.ts";
import {
  decodeAliveResponse,
  decodeNames,
  decodePortResponse,
  DEFAULT_EPMD_PORT,
  encodeEpmdRequest,
  EPMD_NODE_TYPE,
  type EpmdAlive,
  type EpmdName,
  type EpmdNode,
  type EpmdRequest,
} from "./epmd_protocol.ts";
import { EpmdRegistration, type RegistrationEvent } from "./epmd_registration.ts";

/** How long one question may take, in milliseconds, as in erl_epmd. */
export const EPMD_TIMEOUT = 10_000;

/** The daemon that a client asks. */
export interface EpmdClientOptions {
  readonly transport: Pick<Transport, "connect">;
  readonly platform: Pick<Platform, "setTimer" | "defer" | "randomBytes" | "env">;
  /** The daemon of this host. Default "127.0.0.1", where every EPMD listens whatever ERL_EPMD_ADDRESS says. */
  readonly host?: string;
  /** Default ERL_EPMD_PORT, or 4369. The same on all hosts. */
  readonly port?: number;
  /** Milliseconds for one question. Default {@linkcode EPMD_TIMEOUT}. */
  readonly timeout?: number;
}

/** What to register. */
export interface RegisterOptions {
  /** The part of the node name before the `@`. */
  readonly name: string;
  /** Where the node listens. */
  readonly port: number;
  /** Default true, as our nodes are. */
  readonly hidden?: boolean;
  /** Bytes that others get with a look-up. Default none. */
  readonly extra?: Uint8Array;
  /** Gives up the first registration. */
  readonly signal?: AbortSignal;
  /** Is told what happens after the first registration. */
  readonly onEvent?: (event: RegistrationEvent) => void;
  /** Is called before each attempt to register again, for example to start a daemon: the old one is gone. */
  readonly beforeRetry?: () => Promise<unknown>;
}

/** Where and whom to ask. */
export interface LookupOptions {
  /** The host of the node. Default the client's. */
  readonly host?: string;
  readonly signal?: AbortSignal;
}

/** Asks EPMD, the daemon of each host that knows which node listens at which port. */
export class EpmdClient {
  readonly host: string;
  readonly port: number;
  readonly #options: EpmdClientOptions;
  readonly #timeout: number;

  /** @throws {RangeError} if ERL_EPMD_PORT is no port. */
  constructor(options: EpmdClientOptions) {
    this.#options = options;
    this.host = options.host ?? "127.0.0.1";
    this.port = options.port ?? epmdPort(options.platform);
    this.#timeout = options.timeout ?? EPMD_TIMEOUT;
  }

  /**
   * Where the node of that name listens, `null` if none is registered.
   *
   * @param name The part of the node name before the `@`.
   * @throws {EpmdError} if the daemon cannot be asked.
   */
  async lookup(name: string, options: LookupOptions = {}): Promise<EpmdNode | null> {
    const request = { type: "port_please2", name } as const;
    const { answer, stream } = await this.#ask(request, options, decodePortResponse);
    stream.destroy();
    return answer.node;
  }

  /**
   * All nodes that are registered at a host.
   *
   * @throws {EpmdError} if the daemon cannot be asked.
   */
  async names(options: LookupOptions = {}): Promise<EpmdName[]> {
    const { answer, stream } = await this.#ask(
      { type: "names" },
      options,
      (bytes, ended) => ended ? decodeNames(bytes) : null,
    );
    stream.destroy();
    return answer.nodes;
  }

  /**
   * Registers a node, until the registration is closed. When the daemon goes away the node is registered again as soon
   * as there is one.
   *
   * @throws {EpmdError} if the daemon cannot be asked, or has another node of that name (`duplicate_name`).
   */
  async register(options: RegisterOptions): Promise<EpmdRegistration> {
    const { name, port, hidden = true, extra = new Uint8Array(0) } = options;
    const node: EpmdNode = {
      name,
      port,
      type: hidden ? EPMD_NODE_TYPE.hidden : EPMD_NODE_TYPE.normal,
      protocol: 0,
      highest: 6,
      lowest: 5,
      extra,
    };
    const first = await this.#alive(node, options.signal);
    const { onEvent = () => {}, beforeRetry = () => Promise.resolve() } = options;
    return new EpmdRegistration(first, {
      platform: this.#options.platform,
      onEvent,
      again: async (signal) => {
        await beforeRetry();
        return await this.#alive(node, signal);
      },
    });
  }

  async #alive(
    node: EpmdNode,
    signal: AbortSignal | undefined,
  ): Promise<{ creation: number; stream: Stream }> {
    const { answer, stream } = await this.#ask(
      { type: "alive2", node },
      { signal },
      (bytes): EpmdAlive | null => decodeAliveResponse(bytes),
    );
    if (answer.result === 0) return { creation: answer.creation, stream };
    stream.destroy();
    // The daemon gives no reason; the name being taken is the one that happens.
    throw new EpmdError(
      `Cannot register node ${node.name}: EPMD at ${this.host}:${this.port} has one of that name already, stop that one or choose another name`,
      "duplicate_name",
      this,
    );
  }

  #ask<T>(
    request: EpmdRequest,
    { host = this.host, signal }: LookupOptions,
    read: (bytes: Uint8Array, ended: boolean) => T | null,
  ): Promise<{ readonly answer: T; readonly stream: Stream }> {
    const { transport, platform } = this.#options;
    const { port } = this;
    const timeout = this.#timeout;
    const bytes = encodeEpmdRequest(request);
    return exchange({ transport, platform, host, port, timeout, signal, request: bytes }, read);
  }
}

/**
 * The port of EPMD: ERL_EPMD_PORT, or 4369.
 *
 * @throws {RangeError} if the variable is no port.
 */
export function epmdPort(platform: Pick<Platform, "env">): number {
  const text = platform.env("ERL_EPMD_PORT");
  if (text === undefined || text === "") return DEFAULT_EPMD_PORT;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`Cannot use ERL_EPMD_PORT=${text}: it must be a port, 1 to 65535`);
  }
  return port;
}
