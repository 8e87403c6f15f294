import {
  accept,
  type Established,
  type EstablishOptions,
  HANDSHAKE_TIMEOUT,
} from "../../dist/establish.ts";
import type { HandshakeDecision, PeerIntroduction } from "../../dist/handshake.ts";
import { HandshakeError } from "../../dist/handshake_error.ts";
import type { Platform } from "../../platform/contract.ts";
import type { HandshakeGuard, SocketAddress, Stream } from "../../transport/contract.ts";
import { Admission, type HandshakeLimits, isLoopback, type Visit } from "./admission.ts";
import { type Folded, FoldedLog } from "./folded_log.ts";

/** The part of one of a node's listeners that its handshakes need. */
export interface Entrance {
  /** In the place of the node's own cookie. */
  readonly cookie?: string;
  readonly tls: boolean;
}

/** What the acceptor's side needs of its node. */
export interface ArrivalParts {
  readonly platform: Platform;
  readonly limits: HandshakeLimits | undefined;
  /** Who we are. */
  readonly handshake: (cookie: string | undefined) => EstablishOptions;
  readonly decide: (peer: PeerIntroduction) => HandshakeDecision;
  /** A peer has shown the cookie. */
  readonly arrived: (established: Established) => void;
  /** A peer that had been let in, or not, is done: it is here or it is not. */
  readonly gone: (name: string | null) => void;
  /** Whether a connection with that node is up. */
  readonly connected: (name: string) => boolean;
  /** Is told of those who were not let in; of several at once where it is a `count`. */
  readonly refused: (node: string, error: Error, address: string, count: number) => void;
}

const STOPPED = "The node has stopped";
/** Refusals of this machine's own programs that are told each in a line of its own, within a minute: who develops wants to see them. */
const LOCAL_LINES = 1000;

/** The streams that others have opened to this node, until their handshake is done. */
export class Arrivals {
  readonly #parts: ArrivalParts;
  readonly #admission: Admission;
  readonly #folded: FoldedLog<Error>;
  /** Those in their handshake, with the name of the peer once it may come. */
  readonly #streams: Map<AbortController, string | null> = new Map();
  /** Those in their TLS handshake, and those that have just done it. */
  readonly #visits: Map<string, Visit> = new Map();
  #closed = false;

  constructor(parts: ArrivalParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts.platform, parts.limits);
    this.#folded = new FoldedLog(parts.platform, "other addresses", (folded) => this.#tell(folded));
  }

  /** Whether a peer of that name has been let in and is in the middle of its handshake. */
  has(name: string): boolean {
    for (const arriving of this.#streams.values()) if (arriving === name) return true;
    return false;
  }

  /** For a listener with TLS: its handshakes count as part of ours. */
  guard(): HandshakeGuard {
    return {
      begin: (remote, close) => {
        const key = keyOf(remote);
        const visit = this.#enter(remote, () => {
          this.#visits.delete(key);
          close();
          this.#refuse("unknown", remote, new Error(GAVE_WAY));
        });
        if (visit === null) return false;
        this.#visits.set(key, visit);
        return visit.turn ?? true;
      },
      left: (remote) => this.#leave(remote, "neither"),
      failed: (remote, error) => {
        this.#leave(remote, "failed");
        if (!this.#closed) this.#refuse("unknown", remote, error);
      },
    };
  }

  /** A stream was accepted: shakes hands, and takes the peer in if it may come. */
  async accept(stream: Stream, { cookie, tls }: Entrance): Promise<void> {
    const { platform } = this.#parts;
    const { remote } = stream;
    const abort = new AbortController();
    const key = keyOf(remote);
    const close = (): void => abort.abort(new Error(GAVE_WAY));
    const visit = this.#visits.get(key) ?? this.#enter(remote, close);
    this.#visits.delete(key);
    if (visit === null) return stream.destroy();
    visit.close = close; // from here on it is this function that gives the stream up
    this.#streams.set(abort, null);
    let introduced: string | null = null;
    try {
      if (visit.turn !== null) await visit.turn;
      const timeout = Math.max(0, HANDSHAKE_TIMEOUT - (platform.now() - visit.since));
      const established = await accept(stream, {
        ...this.#parts.handshake(cookie),
        packet: tls ? 4 : 2,
        timeout,
        signal: abort.signal,
        decide: (peer) => {
          const decision = this.#parts.decide(peer);
          introduced = peer.name;
          if (decision === "ok" || decision === "ok_simultaneous") {
            this.#streams.set(abort, peer.name);
          }
          return decision;
        },
      });
      visit.leave("succeeded");
      this.#parts.arrived(established);
    } catch (error) {
      visit.leave(isFault(error) ? "failed" : "neither");
      if (!this.#closed) this.#failed(introduced, remote, error as Error);
    } finally {
      this.#streams.delete(abort);
      this.#parts.gone(introduced);
    }
  }

  close(): void {
    this.#closed = true;
    this.#folded.close();
    for (const abort of this.#streams.keys()) abort.abort(new Error(STOPPED));
    this.#admission.close();
  }

  #leave(remote: SocketAddress, outcome: "failed" | "neither"): void {
    const key = keyOf(remote);
    this.#visits.get(key)?.leave(outcome);
    this.#visits.delete(key);
  }

  #enter(remote: SocketAddress, close: () => void): Visit | null {
    return this.#closed ? null : this.#admission.enter(remote, close);
  }

  #failed(introduced: string | null, remote: SocketAddress, error: Error): void {
    if (error instanceof HandshakeError && error.reason === "nok") return; // no fault: our own attempt goes on
    const name = introduced ?? "unknown";
    if (error instanceof HandshakeError && error.reason === "closed") {
      // Whoever only looks whether the port is open need not alarm anybody, nor a peer that gave its attempt up for ours.
      if (error.node === undefined || this.#parts.connected(name)) {
        return this.#parts.platform.log("debug", `A stream was closed: ${error.message}`);
      }
    }
    this.#refuse(name, remote, error);
  }

  #refuse(name: string, { host, port }: SocketAddress, error: Error): void {
    const local = isLoopback(host) && !this.#parts.limits?.loopback;
    if (!this.#folded.isFirst(host, error, local ? LOCAL_LINES : 1)) return;
    const who = `${name} from ${host}:${port}`;
    this.#parts.platform.log("warning", `Peer ${who} was not let in: ${error.message}`);
    this.#parts.refused(name, error, host, 1);
  }

  #tell({ key: address, count, last: error }: Folded<Error>): void {
    this.#parts.platform.log(
      "warning",
      `${count} more streams from ${address} were not let in, the last one: ${error.message}`,
    );
    this.#parts.refused("unknown", error, address, count);
  }
}

const GAVE_WAY = "Cannot accept a node: too many handshakes are under way, and it was slow";

/** Whether it speaks against whoever came: not where it only looked whether the port is open, or gave its attempt up for ours. */
function isFault(error: unknown): boolean {
  if (!(error instanceof HandshakeError)) return false; // it gave way, or the node has stopped
  if (error.reason === "nok" || error.reason === "alive") return false;
  return error.reason !== "closed" || error.node !== undefined;
}

function keyOf({ host, port }: SocketAddress): string {
  return `${host} ${port}`;
}
