// Options and transports of the nodes that the tests start.
import { GenServer, type NodeOptions, type Transport } from "../../mod.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";

export const platform = await defaultPlatform();
export const transport = await defaultTransport();

export class Server extends GenServer {
  override readonly calls = { get: () => 1 };
}

/** Options of a node that touches nothing of the machine. */
export function inMemory(network: Transport = memoryNetwork()): NodeOptions {
  return {
    cookie: "secret",
    epmd: false,
    transport: network,
    signals: false,
    listen: { port: 4000 },
  };
}

/** A transport that writes down where nodes listen. */
export function watched(
  of: Transport,
): { readonly transport: Transport; readonly bound: { host: string; port: number }[] } {
  const bound: { host: string; port: number }[] = [];
  return {
    bound,
    transport: {
      ...of,
      listen: async (options, accept) => {
        const listener = await of.listen(options, accept);
        bound.push(listener.address);
        return listener;
      },
    },
  };
}
