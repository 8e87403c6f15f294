import { EpmdClient } from "../dist/epmd_client.ts";
import type { Established } from "../dist/establish.ts";
import { splitNodeName } from "../dist/node_name.ts";
import { DEFAULT_MAX_MESSAGE } from "../dist/connection.ts";
import { checkQueue } from "../dist/outbox.ts";
import { startKernel } from "../kernel/kernel.ts";
import { shellScope } from "../kernel/shell/remote_shell.ts";
import { Cookies } from "../node/remote/cookies.ts";
import { Network } from "../node/remote/network.ts";
import { AllowList } from "../node/remote/node_pattern.ts";
import { NodeLogger } from "../node/log/node_logger.ts";
import { TOTAL_TIME } from "../node/applications.ts";
import { Node } from "../node/node.ts";
import type { Platform } from "../platform/contract.ts";
import { defaultPlatform } from "../platform/default.ts";
import type { Transport } from "../transport/contract.ts";
import { defaultTransport } from "../transport/default.ts";
import { Certificates } from "../node/certificates.ts";
import type { TlsOption } from "../node/remote/tls_option.ts";
import { askForName, hostOf } from "./dynamic_name.ts";
import { Listening, type NodeListen, placesOf, registeredOf } from "./listening.ts";
import { checkOptions, cookieOf, type NodeOptions } from "./options.ts";
import { makeController, startApplications } from "./applications.ts";
import { register } from "./registering.ts";
import { Routes } from "./routes.ts";
import { nowRuns, stopRunning } from "./running.ts";
import { signalsOf, stopAtSignals } from "./signals.ts";
import { SHELL_SCOPE } from "./shell_scope.ts";
import { addWorkers } from "./workers.ts";

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
 * @throws {TypeError} if there is no cookie, or an option that does not exist or cannot be meant.
 * @throws {RangeError} if the name is none, or the cookie too short for a node that others can reach.
 * @throws {NodeDownError} if the node of `nameFrom` cannot be reached, or gives no name.
 * @throws {EpmdError} if another node of that name is registered on this machine.
 * @throws {TransportError} if the port cannot be bound, or the TLS settings cannot be used.
 * @throws {ApplicationError} if one of `applications` does not start; those that have are stopped again.
 */
export async function startNode(name: string, options: NodeOptions = {}): Promise<Node> {
  checkName(name);
  checkOptions(options);
  if (options.maxQueue !== undefined) checkQueue(options.maxQueue);
  checkSequences(options);
  const cookie = cookieOf(options);
  const logger = new NodeLogger(name, options.platform ?? await defaultPlatform(), options.log);
  const platform = logger._platform;
  const signals = signalsOf(options.signals);
  if (options.replace ?? platform.hot) await stopRunning(name);
  const means = cookie === null ? null : await gather(options, platform, new Cookies(cookie));
  const named = means === null ? null : await nameOf(name, options, means);
  const { name: own, creation } = named?.result ?? { name, creation: undefined };
  logger._named(own);
  const node = makeNode(own, platform, { ...options, creation, logger }, named);
  const keep = new KeepAlive(platform);
  const stops: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  const network = means === null ? null : makeNetwork(node, options, means);
  const listening = new Listening();
  const reload = async (tls?: TlsOption): Promise<void> => {
    if (tls !== undefined && !means?.tls) {
      throw new TypeError(
        "Cannot give the node other certificates: it was started without { tls }, start it with it",
      );
    }
    await Promise.all([means?.tls?.reload(tls), means?.routes.reload(), listening.reload()]);
  };
  const transport = means?.transport ?? options.transport ?? await defaultTransport();
  const keepAlive = (on: boolean): void => keep.set(on);
  const { shutdown } = options;
  node._join({
    ...{ network, transport, reload, keepAlive, shutdown },
    applications: makeController(node, platform, options, options.signals !== false),
    drain: () => listening.close(),
    stop,
    cookies: means?.cookies,
  });
  if (platform.turns === undefined) nowRuns(name, node); // nodes of a simulation are not to be found again
  try {
    stops.push(await addWorkers(node, platform, options));
    // Whoever finds the node finds its kernel processes.
    await startKernel(node, { ...options, shell: shellOf(options) });
    if (network !== null && means !== null) {
      await listening.open(means.places, { network, ...means });
      node._listensAt(listening.addresses, registeredOf(means.places));
      const port = listening.addresses[registeredOf(means.places)]?.port ?? 0;
      const epmd = await register(splitNodeName(own).name, port, options, means);
      if (epmd !== null) stops.push(() => epmd.close());
    }
    if (named !== null) network?.adopt(named);
    const total = shutdown?.total ?? TOTAL_TIME;
    const handler = stopAtSignals(platform, signals, total, () => node.stop());
    stops.push(() => handler[Symbol.dispose]());
    keep.set(true);
    await startApplications(node, options);
  } catch (error) {
    named?.stream.destroy();
    await node.stop();
    throw error;
  }
  return node;
}

/** What a remote shell has by name; `null` where there is none. */
function shellOf({ shell }: NodeOptions): Readonly<Record<string, unknown>> | null {
  return shell ? shellScope(shell === true ? {} : shell, SHELL_SCOPE) : null;
}

/** What a node reaches others with, and is reached by. */
interface Means {
  readonly platform: Platform;
  readonly transport: Transport;
  readonly cookies: Cookies;
  readonly allowed: AllowList;
  readonly tls: Certificates | null;
  readonly routes: Routes;
  readonly places: readonly NodeListen[];
}

async function gather(
  options: NodeOptions,
  platform: Platform,
  cookies: Cookies,
): Promise<Means> {
  const { epmd, allow, nameFrom, routes = {}, resolve: resolver, routesOnly } = options;
  const transport = options.transport ?? await defaultTransport();
  const places = nameFrom === undefined ? placesOf(options.listen) : [];
  const serves = places.some((place) => place.tls === undefined);
  const sides = serves ? ["client", "server"] as const : ["client"] as const;
  const tls = options.tls === undefined
    ? null
    : await Certificates.load("start a node with option tls", options.tls, sides, platform);
  const client = epmd === false || routesOnly
    ? null
    : new EpmdClient({ transport, platform, port: epmd?.port });
  return {
    platform,
    transport,
    cookies,
    allowed: new AllowList(allow),
    tls,
    routes: new Routes({ routes, resolver, epmd: client, tls, platform }),
    places,
  };
}

/** The connection to the node that gives this one its name; `null` where it has one. */
async function nameOf(
  name: string,
  options: NodeOptions,
  means: Means,
): Promise<Established | null> {
  const { nameFrom, withoutFlags } = options;
  if (nameFrom === undefined) return null;
  return await askForName(nameFrom, hostOf(name, nameFrom), { ...means, withoutFlags });
}

/** Where that fails the connection that gave the name is closed. */
function makeNode(
  name: string,
  platform: Platform,
  options: ConstructorParameters<typeof Node>[2],
  named: Established | null,
): Node {
  try {
    return new Node(name, platform, options);
  } catch (error) {
    named?.stream.destroy();
    throw error;
  }
}

/** @throws {RangeError} where less may come in parts than one message may have. */
function checkSequences({ maxMessage = DEFAULT_MAX_MESSAGE, maxSequenceBytes }: NodeOptions): void {
  if (maxSequenceBytes === undefined || maxSequenceBytes >= maxMessage) return;
  throw new RangeError(
    `Cannot use maxSequenceBytes ${maxSequenceBytes}: it must be maxMessage at least, ${maxMessage}`,
  );
}

function makeNetwork(node: Node, options: NodeOptions, means: Means): Network {
  const { platform, transport, cookies, allowed, routes } = means;
  const { published = false, tickTime, maxMessage, maxQueue, withoutFlags, handshakes } = options;
  const { maxSequences, maxSequenceBytes, busyPoll } = options;
  return new Network(node, {
    transport,
    platform,
    cookies,
    allowed,
    published,
    tickTime,
    maxMessage,
    maxQueue,
    maxSequences,
    maxSequenceBytes,
    busyPoll,
    withoutFlags,
    handshakes,
    resolve: (peer, signal) => routes.destination(peer, signal),
  });
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

/** @throws {RangeError} if nodes of OTP would not take it for a node's name. */
function checkName(name: string): void {
  const { name: alive } = splitNodeName(String(name));
  if (!alive.includes(".")) return;
  // OTP lets such a node in, and then refuses to send to it.
  throw new RangeError(
    `Cannot start node ${name}: Erlang takes no dot before the @, choose another name`,
  );
}
