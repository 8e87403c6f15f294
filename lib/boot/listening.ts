import { namesInstead } from "../_util/fields.ts";
import type { Network } from "../node/remote/network.ts";
import type { NodeAddress } from "../node/remote/attempts.ts";
import { isLoopback } from "../node/remote/admission.ts";
import { type Listener, type Transport, TransportError } from "../transport/contract.ts";
import { HANDSHAKE_TIMEOUT } from "../dist/establish.ts";
import { Certificates, checkTlsOption } from "../node/certificates.ts";
import type { TlsOption } from "../node/remote/tls_option.ts";
import { checkPort } from "./routes.ts";
import type { Platform } from "../platform/contract.ts";

/** One of the places where a node listens. */
export interface NodeListen {
  /** The address of the interface; "0.0.0.0" or "::" for all. Default "127.0.0.1". */
  readonly host?: string;
  /** Default: one that the system chooses. */
  readonly port?: number;
  /** The first and the last of some ports, of which the first that is free is taken: for firewalls. */
  readonly ports?: readonly [from: number, to: number];
  /** The secret of those who come here, where it is not the node's. */
  readonly cookie?: string;
  /** TLS of those who come here, where it is not the node's; `false`: none. */
  readonly tls?: TlsOption | false;
  /** Whether EPMD is to tell of this one: of one at most. Default: of the first. */
  readonly register?: boolean;
}

const NAMES: Readonly<Record<keyof NodeListen, true>> = {
  host: true,
  port: true,
  ports: true,
  cookie: true,
  tls: true,
  register: true,
};

/** The places where a node is to listen, in their order. @throws {TypeError | RangeError} if one cannot be used. */
export function placesOf(listen: unknown): readonly NodeListen[] {
  if (listen === false) return [];
  const places = listen === undefined ? [{}] : Array.isArray(listen) ? listen : [listen];
  if (places.length === 0) {
    throw new TypeError(
      "Cannot start a node that listens nowhere: leave `listen` out, or give false for a node that only connects",
    );
  }
  for (const place of places) checkPlace(place);
  if (places.filter((place) => place.register).length > 1) {
    throw new TypeError("Cannot register two ports of a node: give { register: true } to one");
  }
  return places as readonly NodeListen[];
}

/** The one that EPMD is to tell of. */
export function registeredOf(places: readonly NodeListen[]): number {
  const chosen = places.findIndex((place) => place.register);
  return chosen >= 0 ? chosen : places.findIndex((place) => place.register !== false);
}

function checkPlace(place: unknown): void {
  const what = "listen there";
  if (typeof place !== "object" || place === null) {
    throw new TypeError(`Cannot ${what}: ${String(place)} is no place, give { host, port }`);
  }
  for (const name of Object.keys(place)) {
    if (Object.hasOwn(NAMES, name)) continue;
    const instead = namesInstead(name, Object.keys(NAMES));
    throw new TypeError(`Cannot ${what}: a listener has no ${name}, ${instead}`);
  }
  const { host, port, ports, cookie, tls, register } = place as NodeListen;
  if (host !== undefined && (typeof host !== "string" || host === "")) {
    throw new TypeError(`Cannot ${what}: its host must be a name or an address`);
  }
  if (port !== undefined) checkPort(what, port, 0);
  if (ports !== undefined) {
    if (port !== undefined) {
      throw new TypeError(`Cannot ${what}: it has \`port\` and \`ports\`, give one of them`);
    }
    if (!Array.isArray(ports) || ports.length !== 2 || ports[0] > ports[1]) {
      throw new RangeError(`Cannot ${what}: its ports must be [from, to], the lower one first`);
    }
    for (const end of ports) checkPort(what, end, 1);
  }
  if (cookie !== undefined && (typeof cookie !== "string" || cookie === "")) {
    throw new TypeError(`Cannot ${what}: its cookie must be a text`);
  }
  if (tls !== undefined && tls !== false) checkTlsOption(what, tls);
  if (register !== undefined && typeof register !== "boolean") {
    throw new TypeError(`Cannot ${what}: its \`register\` must be true or false`);
  }
}

/** The listeners of a node. */
export class Listening {
  readonly addresses: NodeAddress[] = [];
  readonly #listeners: Listener[] = [];
  /** Those that are not the node's. */
  readonly #certificates: Certificates[] = [];

  /** @throws {TransportError} if a port cannot be bound; then none is. */
  async open(
    places: readonly NodeListen[],
    parts: {
      readonly network: Network;
      readonly transport: Transport;
      readonly platform: Platform;
      readonly tls: Certificates | null;
    },
  ): Promise<void> {
    const { network, transport, platform } = parts;
    for (const place of places) {
      const tls = await this.#tls(place, parts.tls, platform);
      const entrance = { cookie: place.cookie, tls: tls !== null };
      const listener = await bind(place, (port) =>
        transport.listen({
          host: place.host ?? "127.0.0.1",
          port,
          tls: tls === null ? undefined : () => tls.current(),
          handshakeTimeout: HANDSHAKE_TIMEOUT,
          guard: network.guard(),
        }, (stream) => void network.accept(stream, entrance)));
      listener.unref();
      this.#listeners.push(listener);
      this.addresses.push(listener.address);
    }
  }

  /** Reads the certificates of the listeners that have their own again. */
  async reload(): Promise<void> {
    await Promise.all(this.#certificates.map((certificates) => certificates.reload()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #tls(
    { tls }: NodeListen,
    common: Certificates | null,
    platform: Platform,
  ): Promise<Certificates | null> {
    if (tls === false) return null;
    if (tls === undefined) return common;
    const own = await Certificates.load("listen with this TLS", tls, ["server"], platform);
    this.#certificates.push(own);
    return own;
  }
}

async function bind(
  { host = "127.0.0.1", port = 0, ports }: NodeListen,
  listen: (port: number) => Promise<Listener>,
): Promise<Listener> {
  if (ports === undefined) return await listen(port);
  const [from, to] = ports;
  for (let next = from; next <= to; next++) {
    try {
      return await listen(next);
    } catch (error) {
      if (!(error instanceof TransportError) || error.code !== "EADDRINUSE") throw error;
    }
  }
  throw new TransportError(
    `Cannot listen on ${host}: all ports from ${from} to ${to} are in use, give more`,
    "EADDRINUSE",
  );
}

/** Whether others than this machine can come in there. */
export function isBeyond({ host }: NodeListen): boolean {
  return host !== undefined && !isLoopback(host);
}
