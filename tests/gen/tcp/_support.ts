import type { Pid } from "../../../lib/etf/identifiers.ts";
import { format } from "../../../lib/etf/format.ts";
import { Node } from "../../../lib/node/node.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import { defaultTransport } from "../../../lib/transport/default.ts";
import { memoryNetwork } from "../../../lib/transport/memory.ts";
import type { Binary } from "../../../lib/etf/binary.ts";
import { TcpConnection } from "../../../lib/gen/tcp/tcp_connection.ts";
import type { DisconnectError } from "../../../lib/gen/tcp/socket_error.ts";
import type { SocketAddress, TlsOptions, Transport } from "../../../lib/transport/contract.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import { Probe } from "../../transport/_probe.ts";

const platform = await defaultPlatform();
export const transport: Transport = await defaultTransport();

/** A node without other nodes whose processes have this runtime's sockets, and what it has logged. */
export function socketNode(): { node: Node; logs: string[] } {
  const logs: string[] = [];
  const log = (_level: string, text: string): void => void logs.push(text);
  const node = new Node("sockets@localhost", { ...platform, log }, {});
  const alive = platform.keepAlive();
  node._join({
    network: null,
    transport,
    stop: () => Promise.resolve(),
    keepAlive: (on) => on || alive[Symbol.dispose](),
  });
  return { node, logs };
}

/** A node with a network in memory whose time stands still unless a test moves it. */
export function stillNode(): { node: Node; platform: FakePlatform; transport: Transport } {
  const platform = new FakePlatform();
  const node = new Node("still@localhost", platform, {});
  const transport = memoryNetwork({ window: 64 * 1024 });
  const stop = (): Promise<void> => Promise.resolve();
  node._join({ network: null, transport, stop, keepAlive: () => {} });
  return { node, platform, transport };
}

/** A plain client of a server, whose every event is written down. */
export async function dial(
  { host, port }: SocketAddress,
  options: { readonly tls?: TlsOptions; readonly transport?: Transport } = {},
): Promise<Probe> {
  const { tls, transport: by = transport } = options;
  return new Probe(await by.connect({ host, port, tls })).start();
}

/** What connections tell a test: each event as a text, which can be waited for. */
export class Log {
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  add(line: string): void {
    this.lines.push(line);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async until(holds: (lines: readonly string[]) => boolean): Promise<void> {
    while (!holds(this.lines)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  untilLine(line: string): Promise<void> {
    return this.until((lines) => lines.includes(line));
  }
}

/** Writes down what happens to it. */
export class Told extends TcpConnection {
  log!: Log;
  override init(log: Log): void {
    this.log = log;
  }
  override handleConnect(): unknown {
    this.log.add("connect");
    return undefined;
  }
  override handlePacket(packet: Binary): unknown {
    this.log.add(`packet ${packet.text}`);
    return undefined;
  }
  override handleDisconnect(error?: DisconnectError): void {
    this.log.add(error === undefined ? "disconnect" : `disconnect ${error.code}`);
  }
}

/** Asks again and again until it holds, with turns of the event loop in between. */
export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it has not come to that: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The reason that a connection ends with. */
export function reasonOf(node: Node, pid: Pid): Promise<string> {
  return new Promise((resolve) => node.monitor(pid, ({ reason }) => resolve(format(reason))));
}

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
