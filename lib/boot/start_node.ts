import type { DecodeOptions } from "../etf/options.ts";
import { LocalEpmd } from "../dist/epmd_local.ts";
import { EpmdClient } from "../dist/epmd_client.ts";
import { splitNodeName } from "../dist/node_name.ts";
import { startKernel } from "../kernel/kernel.ts";
import { Network, type NetworkOptions, type NodeAddress } from "../node/remote/network.ts";
import { Node } from "../node/node.ts";
import type { Platform } from "../platform/contract.ts";
import { defaultPlatform } from "../platform/default.ts";
import type { Listener, Transport } from "../transport/contract.ts";
import { defaultTransport } from "../transport/default.ts";

/** How a node is started. Everything that it takes from outside enters here. */
export interface NodeOptions {
  /**
   * The secret that nodes of a cluster share; for some peers another one where it is a function of the peer's name. Needed
   * unless `network` is false. One of under 12 bytes is refused where the node listens beyond this machine.
   */
  readonly cookie?: string | ((peer: string) => string);
  /** Accept a short cookie beyond this machine. Default false. */
  readonly allowWeakCookie?: boolean;
  /** `false`: no sockets at all; the node is alone. Default true. */
  readonly network?: boolean;
  /**
   * `true`: a full member of a visible cluster, which is drawn into its full mesh and takes part in `global`. Default: hidden.
   */
  readonly published?: boolean;
  /** Where the node listens. Default: on loopback, at a port that the system chooses. `false`: it only connects. */
  readonly listen?: { readonly host?: string; readonly port?: number } | false;
  /**
   * Whether the node is registered with EPMD and looks others up there. Default: with the daemon of this machine, which is
   * embedded in this program where none runs. `false`: only `routes` are known.
   */
  readonly epmd?: { readonly port?: number; readonly hosts?: readonly string[] } | false;
  /** Where some nodes listen, by name; these are not looked up. */
  readonly routes?: Readonly<Record<string, NodeAddress>>;
  /**
   * Milliseconds without a sign of life after which a peer is taken for dead and its connection closed, up to a quarter more:
   * `net_ticktime` of Erlang, where it counts seconds. Should be the same on both ends. Default 60,000.
   */
  readonly tickTime?: number;
  /**
   * Bytes that a message may have, both ways. A larger one is refused where it is sent (`send` throws), and closes the connection
   * where it is received. Default 134,217,728 (128 MiB).
   */
  readonly maxMessage?: number;
  /** How messages from other nodes are decoded. Default: each type of term as itself, see {@linkcode DecodeOptions}. */
  readonly terms?: DecodeOptions;
  /** Sends local messages through the codec too, so that tests find out who relies on sharing. Default false. */
  readonly copyMessages?: boolean;
  /** SIGTERM stops the node in order. Default true. */
  readonly signals?: boolean;
  /** Clock, timers, randomness and signals. Default: the runtime's. */
  readonly platform?: Platform;
  /** Sockets. Default: the runtime's. */
  readonly transport?: Transport;
}

/** The options' names, so that a misspelt one is not taken for the default. */
const OPTIONS: Readonly<Record<keyof NodeOptions, true>> = {
  cookie: true,
  allowWeakCookie: true,
  network: true,
  published: true,
  listen: true,
  epmd: true,
  routes: true,
  tickTime: true,
  maxMessage: true,
  terms: true,
  copyMessages: true,
  signals: true,
  platform: true,
  transport: true,
};

const WEAK_COOKIE = 12;

/**
 * Starts a node: a full member of an Erlang cluster, hidden, so that it joins without being drawn into the full mesh.
 *
 * - Under Deno `--allow-net` is enough.
 * - The program stays alive while the node runs, unless `node.unref()` says otherwise.
 * - `await using` stops it at the end of the block.
 *
 * @example
 * ```ts
 * import { startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * console.log(await node.rpc("app@localhost", "erlang", "node"));
 * ```
 *
 * @param name `name@host`, where the host is how others reach this machine; `@localhost` where all are on it.
 * @throws {TypeError} if there is no cookie, or an option that does not exist.
 * @throws {RangeError} if the name is none, or the cookie too short for a node that others can reach.
 * @throws {EpmdError} if another node of that name is registered on this machine.
 * @throws {TransportError} if the port cannot be bound.
 */
export async function startNode(name: string, options: NodeOptions = {}): Promise<Node> {
  const { name: alive } = splitNodeName(name);
  checkNames(options);
  const cookie = cookieOf(options);
  const platform = options.platform ?? await defaultPlatform();
  const node = new Node(name, platform, options);
  const keep = new KeepAlive(platform);
  const stops: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  const transport = cookie === null ? null : options.transport ?? await defaultTransport();
  const network = transport === null
    ? null
    : makeNetwork(node, { ...options, platform, transport, cookie: cookie! });
  node._join({ network, stop, keepAlive: (on) => keep.set(on) });
  try {
    // Whoever finds the node finds its kernel processes.
    await startKernel(node);
    if (network !== null && options.listen !== false) {
      const listener = await listen(network, transport!, options);
      stops.push(() => listener.close());
      node._listensAt(listener.address);
      if (options.epmd !== false) {
        const epmd = await LocalEpmd.register(
          {
            transport: transport!,
            platform,
            port: options.epmd?.port,
            hosts: epmdHosts(platform, options),
          },
          { name: alive, port: listener.address.port, hidden: !(options.published ?? false) },
        );
        epmd.unref();
        stops.push(() => epmd.close());
      }
    }
    if (options.signals ?? true) {
      const handler = platform.onSignal("SIGTERM", () => void node.stop());
      stops.push(() => handler[Symbol.dispose]());
    }
  } catch (error) {
    await node.stop();
    throw error;
  }
  keep.set(true);
  return node;
}

function makeNetwork(
  node: Node,
  options: NodeOptions & Pick<NetworkOptions, "platform" | "transport" | "cookie">,
): Network {
  const { platform, transport, cookie, tickTime, maxMessage, routes = {}, epmd } = options;
  const { published = false } = options;
  const client = epmd === false ? null : new EpmdClient({ transport, platform, port: epmd?.port });
  return new Network(node, {
    transport,
    platform,
    cookie,
    published,
    tickTime,
    maxMessage,
    resolve: (peer, signal) => resolve(peer, routes, client, signal),
  });
}

/** Where an embedded EPMD listens besides loopback: where the node does, unless the options or ERL_EPMD_ADDRESS say otherwise. */
function epmdHosts(platform: Platform, options: NodeOptions): readonly string[] | undefined {
  const { epmd, listen } = options;
  if (epmd !== false && epmd?.hosts !== undefined) return epmd.hosts;
  const host = listen === false ? undefined : listen?.host;
  if (host === undefined || isLoopback(host) || platform.env("ERL_EPMD_ADDRESS")) return undefined;
  return [host];
}

/** One handle that keeps the program alive; the node's sockets and timers do not. */
class KeepAlive {
  readonly #platform: Platform;
  #handle: Disposable | null = null;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  set(on: boolean): void {
    if (on) {
      this.#handle ??= this.#platform.keepAlive();
    } else {
      this.#handle?.[Symbol.dispose]();
      this.#handle = null;
    }
  }
}

async function listen(
  network: Network,
  transport: Transport,
  options: NodeOptions,
): Promise<Listener> {
  const { host = "127.0.0.1", port = 0 } = options.listen || {};
  const listener = await transport.listen({ host, port }, (stream) => void network.accept(stream));
  listener.unref();
  return listener;
}

async function resolve(
  peer: string,
  routes: Readonly<Record<string, NodeAddress>>,
  client: EpmdClient | null,
  signal: AbortSignal,
): Promise<NodeAddress> {
  if (Object.hasOwn(routes, peer)) return routes[peer];
  if (client === null) throw new Error("there is no route to it, and no EPMD is asked");
  const { name, host } = splitNodeName(peer);
  const found = await client.lookup(name, { host, signal });
  if (found === null) {
    throw new Error(
      `no node ${name} is registered with EPMD at ${host}, check its name and that it runs`,
    );
  }
  return { host, port: found.port };
}

function checkNames(options: NodeOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, name)) continue;
    const known = Object.keys(OPTIONS).join(", ");
    throw new TypeError(
      `Cannot start a node with option ${name}: there is no such option, there are ${known}`,
    );
  }
}

function cookieOf(options: NodeOptions): ((peer: string) => string) | null {
  const { cookie, listen } = options;
  if (options.network === false) return null;
  if (cookie === undefined || cookie === "") {
    throw new TypeError(
      "Cannot start a node without a cookie: give { cookie }, the secret that its cluster shares, or { network: false }",
    );
  }
  if (typeof cookie === "function") return cookie;
  const beyond = listen !== false && listen?.host !== undefined && !isLoopback(listen.host);
  if (beyond && cookie.length < WEAK_COOKIE && !options.allowWeakCookie) {
    throw new RangeError(
      `Cannot start a node on ${listen.host} with a cookie of under ${WEAK_COOKIE} bytes: it can be guessed, take a longer one or { allowWeakCookie: true }`,
    );
  }
  return () => cookie;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
