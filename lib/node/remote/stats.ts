/** Figures of a connection with another node, counted since it came up. Bytes are those of the distribution protocol. */
export interface PeerStats {
  /** The node's name. */
  readonly node: string;
  /** Whether one of the two ends is hidden. */
  readonly hidden: boolean;
  /** When the connection came up, in milliseconds since 1970 UTC. */
  readonly since: number;
  /** Whether more waits to be sent than the connection takes, see {@linkcode NodeEvent}. */
  readonly busy: boolean;
  /** Bytes that came, ticks included. */
  readonly bytesIn: number;
  /** Bytes that were handed to the socket, which may hold some of them. */
  readonly bytesOut: number;
  /** Signals that came: messages, links, monitors, exits and all others. */
  readonly messagesIn: number;
  /** Signals that were sent, those included that wait. */
  readonly messagesOut: number;
  /** Pieces that large messages came in. */
  readonly fragmentsIn: number;
  /** Pieces that large messages went in. */
  readonly fragmentsOut: number;
  /** Ticks that came: a peer that sends nothing else tells so that it lives. */
  readonly ticksIn: number;
  /** Ticks that were sent. */
  readonly ticksOut: number;
  /** Large messages of which a part has come. */
  readonly sequencesIn: number;
  /** Large messages of which a part is out. */
  readonly sequencesOut: number;
  /** Bytes that wait to be sent. Beyond `maxQueue` of {@linkcode NodeOptions} `send` throws. */
  readonly queued: number;
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
