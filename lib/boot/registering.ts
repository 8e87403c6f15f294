import { EpmdClient } from "../dist/epmd_client.ts";
import { EpmdError } from "../dist/epmd_error.ts";
import { LocalEpmd, type LocalEpmdOptions } from "../dist/epmd_local.ts";
import type { Platform } from "../platform/contract.ts";
import type { Transport } from "../transport/contract.ts";
import { isBeyond, type NodeListen, registeredOf } from "./listening.ts";
import type { NodeOptions } from "./options.ts";

/** Milliseconds that a name is waited for whose node takes no connections any more. */
const PATIENCE = 2_000;
/** Milliseconds between two attempts. */
const STEP = 50;

/** What a node is registered with. */
export interface Registering {
  readonly platform: Platform;
  readonly transport: Transport;
  readonly places: readonly NodeListen[];
}

/**
 * The node's place at EPMD; `null` where it takes none.
 *
 * A name may be that of a node which has just been killed, or stops: EPMD frees it in a moment, which is waited for. So a program that is
 * started again at once gets its name. Where somebody takes connections under that name it is taken.
 *
 * @throws {EpmdError}
 */
export async function register(
  name: string,
  port: number,
  options: NodeOptions,
  { platform, transport, places }: Registering,
): Promise<LocalEpmd | null> {
  const { epmd, published = false } = options;
  if (epmd === false || registeredOf(places) < 0) return null;
  const hosts = epmdHosts(platform, options, places);
  const local = { transport, platform, port: epmd?.port, hosts };
  for (let waited = 0;; waited += STEP) {
    try {
      const made = await LocalEpmd.register(local, { name, port, hidden: !published });
      made.unref();
      return made;
    } catch (error) {
      const taken = error instanceof EpmdError && error.reason === "duplicate_name";
      if (!taken || waited >= PATIENCE || await isThere(name, local)) throw error;
    }
    await new Promise<void>((resolve) => platform.setTimer(STEP, resolve));
  }
}

/** Whether the node that has the name takes connections. */
async function isThere(name: string, options: LocalEpmdOptions): Promise<boolean> {
  const { transport, platform, port } = options;
  try {
    const client = new EpmdClient({ transport, platform, port });
    const found = await client.lookup(name);
    if (found === null) return false;
    (await transport.connect({ host: client.host, port: found.port })).destroy();
    return true;
  } catch {
    return false;
  }
}

/** Where an embedded EPMD listens besides loopback: where the node does, unless the options or ERL_EPMD_ADDRESS say otherwise. */
function epmdHosts(
  platform: Platform,
  { epmd }: NodeOptions,
  places: readonly NodeListen[],
): readonly string[] | undefined {
  if (epmd && epmd.hosts !== undefined) return epmd.hosts;
  const place = places[registeredOf(places)];
  if (!isBeyond(place) || platform.env("ERL_EPMD_ADDRESS")) return undefined;
  return [place.host as string];
}
