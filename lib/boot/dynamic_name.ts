import { type Established, HANDSHAKE_TIMEOUT, initiate } from "../dist/establish.ts";
import { announcedFlags } from "../dist/flags.ts";
import { splitNodeName } from "../dist/node_name.ts";
import { NodeDownError } from "../node/errors.ts";
import type { Cookies } from "../node/remote/cookies.ts";
import type { Platform } from "../platform/contract.ts";
import type { Transport } from "../transport/contract.ts";
import type { Routes } from "./routes.ts";

/** What a node needs before it has a name. */
export interface Nameless {
  readonly platform: Platform;
  readonly transport: Transport;
  readonly cookies: Cookies;
  readonly routes: Routes;
  readonly withoutFlags?: readonly string[];
}

/**
 * Connects to a node that gives us a name and a creation (flag NAME_ME), as OTP does for `-sname undefined`.
 *
 * @param host our host, which the name will have.
 * @throws {NodeDownError} if it cannot be reached, or gives no name.
 */
export async function askForName(
  peer: string,
  host: string,
  { platform, transport, cookies, routes, withoutFlags }: Nameless,
): Promise<Established> {
  const abort = new AbortController();
  const { signal } = abort;
  const timer = platform.setTimer(HANDSHAKE_TIMEOUT, () => {
    abort.abort(new Error(`It did not answer within ${HANDSHAKE_TIMEOUT} ms`));
  }, { unref: false });
  try {
    const destination = await routes.destination(peer, signal);
    signal.throwIfAborted();
    const { port, cookie, tls } = destination;
    const stream = await transport.connect({ host: destination.host, port, tls, signal });
    return await initiate(stream, {
      platform,
      name: host,
      creation: 0,
      flags: announcedFlags({
        nameMe: true,
        fragments: true,
        atomCache: true,
        without: withoutFlags,
      }),
      cookie: (node) => cookies.of(node, cookie),
      packet: tls === undefined ? 2 : 4,
      peer,
      signal,
    });
  } catch (error) {
    throw new NodeDownError(peer, { cause: error });
  } finally {
    timer.cancel();
  }
}

/**
 * The host of a node that is to get its name from another one.
 *
 * @throws {RangeError} if the name is more than a host, or does not go with the other node's.
 */
export function hostOf(name: string, peer: string): string {
  const { name: alive, host } = splitNodeName(name);
  const { host: theirs } = splitNodeName(peer);
  if (alive !== "undefined") {
    throw new RangeError(
      `Cannot start node ${name} with a name from ${peer}: call it undefined@${host}, or leave out \`nameFrom\``,
    );
  }
  if (host.includes(".") !== theirs.includes(".")) {
    throw new RangeError(
      `Cannot start a node at ${host} with a name from ${peer}: long names (a host with a dot) and short ones never mix`,
    );
  }
  return host;
}
