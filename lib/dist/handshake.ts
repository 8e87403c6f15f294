/**
 * The handshake of version 6, both roles, as state machines that know no socket, clock or randomness: frames and answers
 * go in, effects come out.
 *
 *     initiator                                acceptor
 *     name             ------------------->    checks the name and the flags, asks its owner
 *                      <-------------------    status: ok, ok_simultaneous, alive, named: | nok, not_allowed (the end)
 *     (status_reply    - - - - - - - - - ->)   only after alive: true, or false (the end)
 *                      <-------------------    challenge
 *     (complement      - - - - - - - - - ->)   only of one that began with version 5
 *     challenge_reply  ------------------->    checks the cookie
 *     checks the cookie <------------------    challenge_ack
 *
 * https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-handshake
 */

import type { HandshakeError, HandshakeReason } from "./handshake_error.ts";

/** Bytes that a frame of the handshake may have, its length not counted. */
export const MAX_HANDSHAKE_FRAME = 1024;

/** Who we are, and what we ask of a peer. */
export interface HandshakeOptions {
  /** Our node's name; the host alone when we ask for a name (flag NAME_ME). */
  readonly name: string;
  /** Tells apart the lives of a node of one name; 0 when we ask for a name. */
  readonly creation: number;
  /** What we announce: `announcedFlags()`. */
  readonly flags: bigint;
  /** What a peer must announce. Default `REQUIRED_FLAGS`. */
  readonly required?: bigint;
  /** The cookie that is shared with a peer, asked for when the peer's name is known. */
  readonly cookie: (peer: string) => string;
  readonly md5: (bytes: Uint8Array) => Uint8Array;
  /** An unsigned 32-bit random number, another one for every connection. */
  readonly challenge: number;
}

/** What a peer says of itself before anything is proven. */
export interface PeerIntroduction {
  /** Its node name; its host alone if it is `dynamic`. */
  readonly name: string;
  /** With MANDATORY_25_DIGEST spelled out. */
  readonly flags: bigint;
  /** 0 as long as the peer has told none. */
  readonly creation: number;
  /** It asks for a name (flag NAME_ME): the answer is a name or a refusal. */
  readonly dynamic: boolean;
}

/**
 * What an acceptor's owner answers to a peer that introduces itself. The owner looks for the peer among its connections:
 *
 * - none: `ok`
 * - our own attempt is pending: what {@linkcode simultaneous} says; with `ok_simultaneous` the owner gives up its attempt
 * - connected: `alive`. If the peer insists, and only when it has proven to know the cookie, the result has `replaces`
 *   and the owner closes the old connection
 * - not wanted: `not_allowed`, as net_kernel:allow/1, or because one has a long name and the other a short one
 * - `dynamic`: a name for the peer and the creation that it is to use, or `not_allowed`
 */
export type HandshakeDecision =
  | "ok"
  | "ok_simultaneous"
  | "nok"
  | "not_allowed"
  | "alive"
  | { readonly named: string; readonly creation: number };

/** Two nodes that know each other's cookie. */
export interface HandshakeResult {
  readonly role: "initiator" | "acceptor";
  /** The peer's node name. */
  readonly peer: string;
  /** Tells apart the lives of that node. */
  readonly peerCreation: number;
  /** What the peer announced, with MANDATORY_25_DIGEST spelled out. */
  readonly peerFlags: bigint;
  /** What both announced: the features of this connection. */
  readonly flags: bigint;
  /** Whether one of the two is hidden, so that `nodes()` of neither lists the other. */
  readonly hidden: boolean;
  /** Our name and creation: as in the options, or what the peer has assigned. */
  readonly name: string;
  readonly creation: number;
  /** An older connection with this peer is to be closed now. */
  readonly replaces: boolean;
}

/** What the owner of a machine is to do, in this order. */
export type HandshakeEffect =
  /** Send a frame, with its length before it. */
  | { readonly type: "send"; readonly frame: Uint8Array }
  /** Acceptor: give `decide` an answer. */
  | { readonly type: "decide"; readonly peer: PeerIntroduction }
  /** Initiator: the peer thinks that we are connected. Give `insist` an answer. */
  | { readonly type: "alive" }
  /** The connection is up: what comes next on the stream is no handshake any more. */
  | { readonly type: "done"; readonly result: HandshakeResult }
  /** Close the stream, when what was sent is out. */
  | { readonly type: "failed"; readonly error: HandshakeError };

/** What goes into an error besides its reason. */
export interface HandshakeFailure extends ErrorOptions {
  /** Takes the place of the reason's own sentence. */
  readonly detail?: string;
  readonly missing?: readonly string[];
}

/** What the two roles have in common. After `done` or `failed` a machine is not to be used any more. */
export interface Handshake {
  /** To be called once, first. */
  start(): HandshakeEffect[];
  /** A frame came, without its length. */
  frame(frame: Uint8Array): HandshakeEffect[];
  /** The error for an end that comes from outside. */
  fail(reason: HandshakeReason, details?: HandshakeFailure): HandshakeError;
}

/**
 * Who of two nodes that connect to each other at the same time goes on: the attempt of the greater name, compared byte by
 * byte. To be asked by an acceptor whose own attempt to `peer` is pending.
 */
export function simultaneous(name: string, peer: string): "nok" | "ok_simultaneous" {
  return name > peer ? "nok" : "ok_simultaneous";
}
