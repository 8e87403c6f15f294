import * as net from "node:net";
import * as tls from "node:tls";
import { connectError, hostAndPort } from "./_errors.ts";
import { connected } from "./_node_socket.ts";
import { type ConnectOptions, type Stream, TransportError } from "./contract.ts";
import { authorities, checkSettings } from "./tls_settings.ts";

// TLS is node:tls on all three runtimes. Deno's own asks for no client certificate, checks no other name than the one that is
// dialled, and sets no TCP_NODELAY on what it accepts; one implementation also means one set of rules for what is trusted.

/** Dials a TLS stream; `options.tls` is set. */
export async function connectTls(options: ConnectOptions): Promise<Stream> {
  const { host, port } = options;
  const { cert, key, ca, serverName, verify = true, minVersion, maxVersion } = options.tls!;
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
      minVersion,
      maxVersion,
      rejectUnauthorized: verify,
      // An address is no server name on the wire; what the certificate must hold is checked below all the same.
      servername: net.isIP(name) ? undefined : name,
      checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
      allowHalfOpen: true,
    } as tls.ConnectionOptions);
  } catch (error) {
    throw connectError(host, port, error);
  }
  const stream = await connected(socket, "secureConnect", options).catch((error) => {
    throw hungUp(error)
      ? new TransportError(
        `Cannot connect to ${
          hostAndPort(host, port)
        }: it hung up in the TLS handshake, so it may speak no TLS, or refuse our certificate, see its log (${error.code})`,
        error.code,
        { cause: error },
      )
      : error;
  });
  // A runtime that did not look must not pass for one that did.
  if (verify && !socket.authorized) {
    stream.destroy();
    const code = socket.authorizationError ?? "the certificate was not checked";
    throw connectError(host, port, Object.assign(new Error(String(code)), { code }));
  }
  return stream;
}

function hungUp(error: unknown): error is TransportError {
  return error instanceof TransportError && error.code === "ECONNRESET";
}
