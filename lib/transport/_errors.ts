import { tlsFault } from "./_tls_faults.ts";
import { type SocketAddress, TransportError } from "./contract.ts";

/** What the system's codes say, and what to do where that is known. */
const TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused, nothing listens there",
  ECONNRESET: "reset by the peer",
  ECONNABORTED: "aborted",
  EPIPE: "the peer has closed it",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOTFOUND: "the name cannot be resolved",
  EADDRINUSE: "the port is in use, choose another or 0",
  EADDRNOTAVAIL: "the address is not one of this machine",
  EACCES: "not permitted",
  EMFILE: "too many open files, raise the limit",
  EMSGSIZE: "it is larger than one can be, some 65,000 bytes",
};

/** Deno's error classes, for the faults that carry no code there. */
const CODES: Readonly<Record<string, string>> = {
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  ConnectionAborted: "ECONNABORTED",
  NotConnected: "ENOTCONN",
  AddrInUse: "EADDRINUSE",
  AddrNotAvailable: "EADDRNOTAVAIL",
  BrokenPipe: "EPIPE",
  TimedOut: "ETIMEDOUT",
  UnexpectedEof: "ECONNRESET",
  NotCapable: "EACCES",
  PermissionDenied: "EACCES",
};

/** The system's code of whatever a runtime threw; "EIO" where it names none. */
export function codeOf(error: unknown): string {
  const { code, name, message } = (error ?? {}) as Partial<Error> & { code?: unknown };
  // EAI_AGAIN, EAI_NONAME, ...: three runtimes have three ways to say that a name cannot be resolved.
  if (typeof code === "string" && code.startsWith("EAI_")) return "ENOTFOUND";
  if (/failed to lookup address/.test(message ?? "")) return "ENOTFOUND";
  if (typeof code === "string") return /^E[A-Z0-9]+$/.test(code) ? code : "EPROTO";
  return CODES[name ?? ""] ?? "EIO";
}

export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function connectError(host: string, port: number, error: unknown): TransportError {
  return wrapped(`connect to ${hostAndPort(host, port)}`, error);
}

export function listenError(host: string, port: number, error: unknown): TransportError {
  return wrapped(`listen on ${hostAndPort(host, port)}`, error);
}

export function bindError(host: string, port: number, error: unknown): TransportError {
  return wrapped(`bind a datagram socket to ${hostAndPort(host, port)}`, error);
}

/** For a datagram that the system did not take. */
export function unsentError(to: SocketAddress, error: unknown): TransportError {
  return wrapped(`send a datagram to ${hostAndPort(to.host, to.port)}`, error);
}

export function brokenSocketError(at: SocketAddress, error: unknown): TransportError {
  return wrapped(`keep the datagram socket at ${hostAndPort(at.host, at.port)}`, error);
}

/** For a stream that broke after it was connected. */
export function brokenError(remote: SocketAddress, error: unknown): TransportError {
  return wrapped(`keep the connection to ${hostAndPort(remote.host, remote.port)}`, error);
}

/** For a TLS handshake of a peer that came to us. */
export function handshakeError(remote: SocketAddress, error: unknown): TransportError {
  return wrapped(`shake hands with ${hostAndPort(remote.host, remote.port)} over TLS`, error);
}

/** A fault that no runtime raised, by its code. */
export function codedError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** For an option that this runtime cannot honour. */
export function unsupported(runtime: string, option: string, way: string): TransportError {
  return new TransportError(
    `Cannot use the option \`${option}\`: ${runtime} does not support it, ${way}`,
    "ENOTSUP",
  );
}

/** An address as it is reported; IPv4 that came in over an IPv6 socket is shown as IPv4. */
export function address(host: string | undefined, port: number | undefined): SocketAddress {
  return { host: (host ?? "").replace(/^::ffff:(?=\d+\.)/, ""), port: port ?? 0 };
}

function wrapped(verb: string, error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const code = codeOf(error);
  const message = (error as Error | undefined)?.message;
  const text = TEXTS[code] ?? tlsFault(error) ?? (message ? message : "the reason is not known");
  return new TransportError(`Cannot ${verb}: ${text} (${code})`, code, { cause: error });
}
