import * as net from "node:net";
import { accepted } from "./_accepted.ts";
import { NodeDriver, type NodeSocket } from "./_node_driver.ts";
import { NodeReader } from "./_node_reader.ts";
import { connected, listening } from "./_node_socket.ts";
import type { ConnectOptions, Listener, ListenOptions, Stream, Transport } from "./contract.ts";
import type { BindOptions, DatagramSocket } from "./datagrams.ts";

/** Sockets of `node:net` and `node:tls`. Made for Node; works in Deno and Bun too. */
export function nodeTransport(): Transport {
  return { name: "node", connect, listen, bind };
}

async function connect(options: ConnectOptions): Promise<Stream> {
  options.signal?.throwIfAborted();
  if (options.tls !== undefined) return (await import("./_node_tls.ts")).connectTls(options);
  const { host, port } = options;
  const reader = NodeReader.forDialling();
  const socket = net.connect({ host, port, allowHalfOpen: true, onread: reader?.onread });
  if (reader !== undefined) socket.pause();
  return connected(socket, "connect", options, reader);
}

async function bind(options: BindOptions): Promise<DatagramSocket> {
  return await (await import("./_node_datagrams.ts")).bindDatagrams(options);
}

async function listen(
  options: ListenOptions,
  accept: (stream: Stream) => void,
): Promise<Listener> {
  if (options.tls !== undefined) {
    return (await import("./_tls_listener.ts")).listenTls(options, accept);
  }
  return listening(
    net.createServer({ allowHalfOpen: true, pauseOnConnect: true }),
    options,
    (accepting: NodeSocket) => {
      const { socket, reader } = NodeReader.forAccepted(accepting);
      accepted(accept, new NodeDriver(socket, reader).stream);
    },
  );
}
