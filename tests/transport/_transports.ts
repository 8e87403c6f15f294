import { defaultTransport } from "../../lib/transport/default.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { nodeTransport } from "../../lib/transport/node.ts";
import type { Listener, Stream, TlsOptions, Transport } from "../../lib/transport/contract.ts";
import { authority, server } from "../_support/tls.ts";
import { Probe } from "./_probe.ts";

/** A transport to be tested, and the names of what it is. */
export interface Kind {
  readonly name: string;
  readonly make: () => Promise<Transport> | Transport;
  readonly tls?: { readonly listen: TlsOptions; readonly connect: TlsOptions };
}

const tls = { listen: server, connect: { ca: authority } };

/** Every kind of stream that this runtime has. */
export const kinds: readonly Kind[] = [
  ...("Deno" in globalThis || "Bun" in globalThis
    ? [{ name: "native", make: defaultTransport }]
    : []),
  { name: "node:net", make: nodeTransport },
  { name: "TLS", make: defaultTransport, tls },
  { name: "memory", make: memoryNetwork },
];

/** Two ends of one stream, with the listener that accepted it. */
export interface Pair {
  readonly near: Probe;
  readonly far: Probe;
  readonly listener: Listener;
  /** Destroys what is left and waits until all is closed. */
  finish(): Promise<void>;
}

/** A listener on a free port whose streams can be waited for. */
export async function listening(
  kind: Kind,
  transport: Transport,
): Promise<{ listener: Listener; accepted: () => Promise<Stream> }> {
  const streams: Stream[] = [];
  const waiting: ((stream: Stream) => void)[] = [];
  const listener = await transport.listen({ port: 0, tls: kind.tls?.listen }, (stream) => {
    const resolve = waiting.shift();
    if (resolve === undefined) streams.push(stream);
    else resolve(stream);
  });
  const accepted = (): Promise<Stream> => {
    const stream = streams.shift();
    if (stream !== undefined) return Promise.resolve(stream);
    return new Promise((resolve) => waiting.push(resolve));
  };
  return { listener, accepted };
}

/** Two connected ends, neither started. */
export async function pair(kind: Kind): Promise<Pair> {
  const transport = await kind.make();
  const { listener, accepted } = await listening(kind, transport);
  const { host, port } = listener.address;
  const [near, far] = (await Promise.all([
    transport.connect({ host, port, tls: kind.tls?.connect }),
    accepted(),
  ])).map((stream) => new Probe(stream));
  return { near, far, listener, finish };

  async function finish(): Promise<void> {
    for (const end of [near, far]) {
      if (!end.started) end.start();
      end.destroy();
      await end.untilClosed();
    }
    await listener.close();
  }
}
