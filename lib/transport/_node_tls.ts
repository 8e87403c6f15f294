import * as net from "node:net";
import * as tls from "node:tls";
import { connectError, hostAndPort, listenError } from "./_errors.ts";
import { limitHandshakes } from "./_handshake_limit.ts";
import { connected, listening } from "./_node_socket.ts";
import { authorities, checkSettings } from "./_tls_settings.ts";
import type { ConnectOptions, Listener, ListenOptions, Stream } from "./contract.ts";

// TLS is node:tls on all three runtimes. Deno's own asks for no client certificate, checks no other name than the one that is
// dialled, and sets no TCP_NODELAY on what it accepts; one implementation also means one set of rules for what is trusted.

/** A peer has this long for its handshake, in milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000;

/** Dials a TLS stream; `options.tls` is set. */
export async function connectTls(options: ConnectOptions): Promise<Stream> {
  const { host, port } = options;
  const { cert, key, ca, serverName, verify = true } = options.tls!;
  checkSettings(`connect to ${hostAndPort(host, port)}`, "client", options.tls!);
  const name = serverName ?? host;
  let socket: tls.TLSSocket;
  try {
    socket = tls.connect({
      host,
      port,
      cert,
      key,
      ca: authorities(ca),
      rejectUnauthorized: verify,
      // An address is no server name on the wire; what the certificate must hold is checked below all the same.
      servername: net.isIP(name) ? undefined : name,
      checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
      allowHalfOpen: true,
    } as tls.ConnectionOptions);
  } catch (error) {
    throw connectError(host, port, error);
  }
  const stream = await connected(socket, "secureConnect", options);
  // A runtime that did not look must not pass for one that did.
  if (verify && !socket.authorized) {
    stream.destroy();
    const cause = socket.authorizationError ?? "the certificate was not checked";
    throw connectError(host, port, Object.assign(new Error(String(cause)), { code: "EPROTO" }));
  }
  return stream;
}

/** Listens for TLS streams; `options.tls` is set. */
// deno-lint-ignore require-await -- a fault is to be a rejection
export async function listenTls(
  options: ListenOptions,
  accept: (stream: Stream) => void,
): Promise<Listener> {
  const { cert, key, ca, requestCert = false } = options.tls!;
  const { host = "127.0.0.1", port } = options;
  checkSettings(`listen on ${hostAndPort(host, port)}`, "server", options.tls!);
  let server: tls.Server;
  try {
    server = tls.createServer({
      cert,
      key,
      ca: authorities(ca),
      requestCert,
      rejectUnauthorized: requestCert,
      allowHalfOpen: true,
    });
  } catch (error) {
    throw listenError(host, port, error);
  }
  const giveUp = limitHandshakes(server, HANDSHAKE_TIMEOUT);
  return listening(server, "secureConnection", options, accept, giveUp);
}
