import type { ConnectOptions } from "../../transport/contract.ts";
import type { TlsOption } from "../../node/remote/tls_option.ts";
import { checkFraming, type Framing } from "../framing/framing.ts";
import { MAX_PACKET } from "../framing/unpacker.ts";

/** How a {@linkcode TcpConnection} treats its socket. Durations are milliseconds, sizes bytes. */
export interface TcpOptions {
  /** How what comes is cut into packets, and how what is written becomes bytes. Default `"raw"`. */
  readonly packet?: Framing;
  /** Bytes that a packet of the peer may have. A larger one ends the connection with EMSGSIZE. Default 1,048,576. */
  readonly maxPacket?: number;
  /**
   * Bytes that may wait to be sent, besides the packet that goes over it: a peer that takes nothing does not fill our memory. What is
   * written beyond it is dropped, and ends the connection with ENOBUFS. Default 16,777,216.
   */
  readonly maxWrite?: number;
  /** After so long without a byte in either direction `handleTimeout("idle")` is called. Default: never. */
  readonly idleTimeout?: number;
  /** When a packet has begun and is not complete after so long `handleTimeout("packet")` is called. Default: never. */
  readonly packetTimeout?: number;
  /** Where of what was written nothing at all was sent for so long the connection ends with ETIMEDOUT. Default 30,000. */
  readonly writeTimeout?: number;
}

/** Where and how a {@linkcode TcpConnection} dials. */
export interface TcpConnectOptions extends Omit<ConnectOptions, "signal" | "tls"> {
  /** TLS, in PEM texts or paths of their files, or a function that is asked for it each time. Default: plain TCP. */
  readonly tls?: TlsOption;
  /** Milliseconds that the attempt may take, TLS among it. Default 10,000. */
  readonly connectTimeout?: number;
  /**
   * Dials again where the connection is lost, until the process ends; with `true` after 500 ms, then each time after twice as long, up to
   * 30,000. The first attempt is not repeated. Default: the process ends with its connection, and a supervisor may start it again.
   */
  readonly reconnect?: boolean | ReconnectOptions;
}

/** When to dial again. */
export interface ReconnectOptions {
  /** Milliseconds before the first attempt; each further one waits twice as long. Default 500. */
  readonly delay?: number;
  /** The longest wait in milliseconds. Default 30,000. */
  readonly maxDelay?: number;
}

/** The options with their defaults. */
export interface TcpSettings {
  readonly packet: Framing;
  readonly maxPacket: number;
  readonly maxWrite: number;
  readonly idleTimeout: number;
  readonly packetTimeout: number;
  readonly writeTimeout: number;
}

const DEFAULTS: TcpSettings = {
  packet: "raw",
  maxPacket: MAX_PACKET,
  maxWrite: 16 * 1024 * 1024,
  idleTimeout: Infinity,
  packetTimeout: Infinity,
  writeTimeout: 30_000,
};

/** @throws {TypeError} if there is no such option, or it cannot be meant so. */
export function tcpSettings(options: TcpOptions = {}): TcpSettings {
  if (options === DEFAULTS) return DEFAULTS;
  const verb = "use the connection";
  checkNames(verb, options, Object.keys(DEFAULTS));
  const settings = { ...DEFAULTS, ...defined(options) };
  checkFraming(verb, settings.packet);
  for (const name of ["maxPacket", "maxWrite"] as const) atLeast(verb, name, settings[name], 1);
  for (const name of ["idleTimeout", "packetTimeout", "writeTimeout"] as const) {
    atLeast(verb, name, settings[name], 1);
  }
  return settings;
}

/** @throws {TypeError} if there is an option that does not exist. */
export function checkNames(verb: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(
      `Cannot ${verb}: there is no option ${name}, there are ${known.join(", ")}`,
    );
  }
}

/** @throws {RangeError} if it is no number of at least `least`. */
export function atLeast(verb: string, name: string, value: unknown, least: number): void {
  if (typeof value === "number" && value >= least) return;
  throw new RangeError(`Cannot ${verb}: ${name} is ${String(value)}, ${least} or more is needed`);
}

/** @throws {RangeError} if it is no port. */
export function checkPort(verb: string, port: unknown, least: number): void {
  if (Number.isInteger(port) && (port as number) >= least && (port as number) <= 65535) return;
  throw new RangeError(`Cannot ${verb}: port is ${String(port)}, ${least} to 65535 is needed`);
}

/** Without what is given as `undefined`, which is as if it were left out. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
