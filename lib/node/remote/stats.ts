import type { ConnectionStats } from "../../dist/connection.ts";

/** Figures of a connection with another node, counted since it came up. Bytes are those of the distribution protocol. */
export interface PeerStats extends ConnectionStats {
  /** The node's name. */
  readonly node: string;
  /** Whether one of the two ends is hidden. */
  readonly hidden: boolean;
  /** When the connection came up, in milliseconds since 1970 UTC. */
  readonly since: number;
  /** Whether more waits to be sent than the connection takes, see {@linkcode NodeEvent}. */
  readonly busy: boolean;
}

/** Figures of a node. */
export interface NodeStats {
  /** Processes that live, among them those of the node itself. */
  readonly processes: number;
  /** Names that processes are registered under. */
  readonly names: number;
  /** References that messages can be sent to: aliases, and calls that wait for a reply. */
  readonly aliases: number;
  /** Casts that were dropped because they did not parse, or no handler takes them. */
  readonly refusedCasts: number;
  /** The connections that are up. */
  readonly connections: readonly PeerStats[];
}
