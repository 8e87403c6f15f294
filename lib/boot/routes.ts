import { namesInstead } from "../_util/fields.ts";
import type { EpmdClient } from "../dist/epmd_client.ts";
import { splitNodeName } from "../dist/node_name.ts";
import type { Destination } from "../node/remote/attempts.ts";
import { NodePattern } from "../node/remote/node_pattern.ts";
import type { Platform } from "../platform/contract.ts";
import type { TlsOptions } from "../transport/contract.ts";
import { Certificates, checkTlsOption } from "../node/certificates.ts";
import type { TlsOption } from "../node/remote/tls_option.ts";

/** The way to a node, or to all of a pattern. What is left out is as for every other node. */
export interface Route {
  /** Default: the host of the node's name. */
  readonly host?: string;
  /** Default: what EPMD at that host says. */
  readonly port?: number;
  /** The secret that is shared with that node. */
  readonly cookie?: string;
  /** TLS with that node; `false`: none. */
  readonly tls?: TlsOption | false;
  /** Milliseconds for an attempt to connect. Default 7,000. */
  readonly timeout?: number;
}

/** Finds the way to a node; `null` where it knows none. Gives up at the signal. */
export type Resolver = (node: string, signal: AbortSignal) => Promise<Route | null> | Route | null;

/** What the ways to other nodes are found by. */
export interface RoutesOptions {
  /** By node name or pattern; may change while the node runs. */
  readonly routes: Readonly<Record<string, Route>>;
  readonly resolver: Resolver | undefined;
  /** `null`: EPMD is not asked. */
  readonly epmd: EpmdClient | null;
  /** TLS with nodes whose route says nothing of it. */
  readonly tls: Certificates | null;
  readonly platform: Platform;
}

const NAMES: Readonly<Record<keyof Route, true>> = {
  host: true,
  port: true,
  cookie: true,
  tls: true,
  timeout: true,
};

/** The ways to other nodes: static routes, then the resolver, then EPMD. */
export class Routes {
  readonly #options: RoutesOptions;
  /** Of static routes with TLS settings of their own, by name or pattern. */
  readonly #certificates: Map<string, Loaded> = new Map();

  /** @throws {TypeError | RangeError} if a route cannot be used. */
  constructor(options: RoutesOptions) {
    this.#options = options;
    checkRoutes(options.routes);
  }

  /** @throws where there is no way, or none can be found. */
  async destination(node: string, signal: AbortSignal): Promise<Destination> {
    const key = this.#key(node);
    const route = key === null
      ? await this.#resolved(node, signal) ?? {}
      : checked(key, this.#options.routes[key]);
    const { name, host: own } = splitNodeName(node);
    const { host = own, cookie, timeout } = route;
    const port = route.port ?? await this.#lookup(name, host, signal);
    return { host, port, cookie, timeout, tls: await this.#tls(route, key, own) };
  }

  /** Reads the certificates of all routes again. */
  async reload(): Promise<void> {
    const all = [...this.#certificates.values()];
    await Promise.all(all.map(async ({ certificates }) => (await certificates).reload()));
  }

  /** The name or the pattern of the static route to a node. */
  #key(node: string): string | null {
    const { routes } = this.#options;
    if (Object.hasOwn(routes, node)) return node;
    const fits = (key: string): boolean => key.includes("*") && new NodePattern(key).matches(node);
    return Object.keys(routes).find(fits) ?? null;
  }

  async #resolved(node: string, signal: AbortSignal): Promise<Route | undefined> {
    const route = await this.#options.resolver?.(node, signal);
    return route ? checked(node, route) : undefined;
  }

  async #lookup(name: string, host: string, signal: AbortSignal): Promise<number> {
    const { epmd, resolver } = this.#options;
    if (epmd === null) {
      const unknown = resolver === undefined ? "" : ", { resolve } knows none";
      throw new Error(`there is no route to it${unknown}, and no EPMD is asked`);
    }
    const found = await epmd.lookup(name, { host, signal });
    if (found !== null) return found.port;
    throw new Error(
      `no node ${name} is registered with EPMD at ${host}, check its name and that it runs`,
    );
  }

  /** The name in the certificate is that of the node's host, whatever address its route leads to: as inet_tls_dist checks it. */
  async #tls(route: Route, key: string | null, host: string): Promise<TlsOptions | undefined> {
    if (route.tls === false) return undefined;
    const certificates = route.tls === undefined ? this.#options.tls : await this.#load(route, key);
    if (certificates === null) return undefined;
    const current = await certificates.current();
    return { ...current, serverName: current.serverName ?? host };
  }

  /** What a resolver gives is not kept: it may be another one each time. */
  #load(route: Route, key: string | null): Promise<Certificates> {
    const known = key === null ? undefined : this.#certificates.get(key);
    if (known?.route === route) return known.certificates;
    const what = "connect with the TLS of its route";
    const option = route.tls as TlsOption;
    const certificates = Certificates.load(what, option, ["client"], this.#options.platform);
    if (key === null) return certificates;
    this.#certificates.set(key, { route, certificates });
    certificates.catch(() => this.#certificates.delete(key));
    return certificates;
  }
}

/** The certificates of a route, as long as it is the same one. */
interface Loaded {
  readonly route: Route;
  readonly certificates: Promise<Certificates>;
}

/** @throws {TypeError | RangeError} if one cannot be used. */
export function checkRoutes(routes: unknown): void {
  if (typeof routes !== "object" || routes === null || Array.isArray(routes)) {
    throw new TypeError(
      'Cannot start a node with these routes: give them by node name, as { "app@localhost": { port: 4000 } }',
    );
  }
  for (const [node, route] of Object.entries(routes)) {
    new NodePattern(node);
    checked(node, route);
  }
}

function checked(node: string, route: Route): Route {
  const what = `use the route to ${node}`;
  if (typeof route !== "object" || route === null) {
    throw new TypeError(`Cannot ${what}: ${String(route)} is none, give { host, port }`);
  }
  for (const name of Object.keys(route)) {
    if (Object.hasOwn(NAMES, name)) continue;
    const instead = namesInstead(name, Object.keys(NAMES));
    throw new TypeError(`Cannot ${what}: a route has no ${name}, ${instead}`);
  }
  const { host, port, cookie, tls, timeout } = route;
  if (host !== undefined && (typeof host !== "string" || host === "")) {
    throw new TypeError(`Cannot ${what}: its host must be a name or an address`);
  }
  if (port !== undefined) checkPort(what, port, 1);
  if (cookie !== undefined && (typeof cookie !== "string" || cookie === "")) {
    throw new TypeError(`Cannot ${what}: its cookie must be a text`);
  }
  if (tls !== undefined && tls !== false) checkTlsOption(what, tls);
  if (timeout !== undefined && !(Number.isInteger(timeout) && timeout > 0 && timeout < 2 ** 31)) {
    throw new RangeError(`Cannot ${what}: its timeout must be milliseconds, 1 to 2147483647`);
  }
  return route;
}

/** @throws {RangeError} if it is no port. */
export function checkPort(what: string, port: unknown, lowest: 0 | 1): void {
  if (Number.isInteger(port) && port as number >= lowest && port as number <= 65535) return;
  throw new RangeError(`Cannot ${what}: ${String(port)} is no port, it must be ${lowest} to 65535`);
}
