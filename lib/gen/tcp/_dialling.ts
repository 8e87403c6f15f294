import type { Stream, TlsOptions } from "../../transport/contract.ts";
import { Certificates } from "../../node/certificates.ts";
import type { Core } from "../../node/core.ts";
import type { TlsOption } from "../../node/remote/tls_option.ts";
import { Alarm } from "../framing/act.ts";
import { SocketError } from "./socket_error.ts";
import type { TcpConnection } from "./tcp_connection.ts";
import {
  atLeast,
  checkNames,
  checkPort,
  type ReconnectOptions,
  type TcpConnectOptions,
} from "./tcp_options.ts";

const NAMES: readonly string[] = ["host", "port", "tls", "connectTimeout", "reconnect"];

/** Dials in the name of a process; its end gives the attempt up. */
export async function dial(
  connection: TcpConnection,
  options: TcpConnectOptions,
): Promise<Stream> {
  const { host, port, tls, connectTimeout = 10_000 } = options;
  const verb = `connect to ${String(host)}`;
  checkNames(verb, options, NAMES);
  checkPort(verb, port, 1);
  atLeast(verb, "connectTimeout", connectTimeout, 1);
  const { _core: core, node, signal } = connection;
  const process = connection._process;
  process.mustLive("connect");
  const attempt = new AbortController();
  const give = (): void => attempt.abort(signal.reason);
  signal.addEventListener("abort", give);
  const late = new Alarm(() =>
    attempt.abort(
      new SocketError(
        `Cannot connect to ${host}:${port}: no answer in ${connectTimeout} ms`,
        "ETIMEDOUT",
      ),
    )
  );
  core.setDeadline(late, connectTimeout);
  try {
    const stream = await node._transport.connect({
      host,
      port,
      tls: await tlsOf(verb, tls, core),
      signal: attempt.signal,
    });
    if (process.exited) {
      stream.destroy();
      throw process.gone("connect");
    }
    return stream;
  } finally {
    core.clearDeadline(late);
    signal.removeEventListener("abort", give);
  }
}

/** Files are read anew each time, so that a connection that is dialled again has the certificates of then. */
async function tlsOf(
  verb: string,
  tls: TlsOption | undefined,
  { platform }: Core,
): Promise<TlsOptions | undefined> {
  if (tls === undefined) return undefined;
  return await (await Certificates.load(verb, tls, ["client"], platform)).current();
}

/** Dials again and again after a connection was lost, each time a little later. */
export class Redial {
  readonly #options: TcpConnectOptions;
  readonly #first: number;
  readonly #longest: number;
  #delay: number;

  private constructor(
    options: TcpConnectOptions,
    { delay = 500, maxDelay = 30_000 }: ReconnectOptions,
  ) {
    atLeast("connect", "reconnect.delay", delay, 0);
    atLeast("connect", "reconnect.maxDelay", maxDelay, delay);
    this.#options = options;
    this.#first = this.#delay = delay;
    this.#longest = maxDelay;
  }

  /** `null` where there is nothing to repeat. */
  static of(options: TcpConnectOptions): Redial | null {
    const { reconnect = false } = options;
    if (reconnect === false) return null;
    return new Redial(options, reconnect === true ? {} : reconnect);
  }

  again(connection: TcpConnection): void {
    const delay = this.#delay;
    this.#delay = Math.min(Math.max(1, 2 * delay), this.#longest);
    connection.after(delay, () => {
      // Not awaited: the process handles its messages meanwhile.
      connection.connect(this.#options).catch((error) => {
        if (connection._process.exited || connection.connected) return;
        if (delay === this.#first) {
          connection._core.fault("Cannot connect again, trying on", error);
        }
        this.again(connection);
      });
    });
  }
}
