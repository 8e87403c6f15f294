/** The message that a handshake was waiting for, or the question to its owner, as the specification names them. */
export type HandshakePhase =
  | "name"
  | "decision"
  | "status"
  | "status_reply"
  | "challenge"
  | "complement"
  | "challenge_reply"
  | "challenge_ack";

/**
 * Why a handshake failed.
 *
 * - `wrong_cookie`: a digest was wrong, or the peer hung up on ours.
 * - `missing_flags`: the peer cannot do what we require; {@linkcode HandshakeError.missing} names it.
 * - `not_allowed`: the acceptor's owner refused.
 * - `nok`: the acceptor goes on with its own attempt (simultaneous connect). Not a fault: wait for that one.
 * - `alive`: the two are connected already, and the initiator does not insist.
 * - `wrong_name`: another node answered than the one that was asked for, or the peer bears our own name.
 * - `bad_name`: a name that is no node name.
 * - `version`: the peer speaks only an older protocol.
 * - `garbage`: something that is no handshake.
 * - `timeout`: not done within the limit.
 * - `closed`: the peer hung up, or the network broke.
 */
export type HandshakeReason =
  | "wrong_cookie"
  | "missing_flags"
  | "not_allowed"
  | "nok"
  | "alive"
  | "wrong_name"
  | "bad_name"
  | "version"
  | "garbage"
  | "timeout"
  | "closed";

export interface HandshakeErrorOptions extends ErrorOptions {
  readonly role: "initiator" | "acceptor";
  readonly phase: HandshakePhase;
  /** The peer's name as far as it is known. */
  readonly node?: string;
  readonly reason: HandshakeReason;
  readonly missing?: readonly string[];
  /** Takes the place of the reason's own sentence. */
  readonly detail?: string;
}

/**
 * A connection to another node did not come about
 * ([handshake](https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-handshake)). Messages never hold a cookie.
 */
export class HandshakeError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "HandshakeError";
  /** Our side: the initiator has dialled, the acceptor was dialled. */
  readonly role: "initiator" | "acceptor";
  /** How far it came: what was waited for. */
  readonly phase: HandshakePhase;
  /** The peer's name, `undefined` while a peer that came to us has not said it. */
  readonly node: string | undefined;
  /** Why, to be told apart by a program. */
  readonly reason: HandshakeReason;
  /** The flags that the peer lacks, for `missing_flags`. */
  readonly missing: readonly string[];

  /** @ignore @internal */
  constructor(options: HandshakeErrorOptions) {
    const { role, node, reason, cause } = options;
    const verb = role === "initiator" ? "connect to" : "accept";
    const detail = options.detail ?? explain(options);
    super(
      `Cannot ${verb} node ${node ?? "that has not said its name"}: ${detail}`,
      cause === undefined ? undefined : { cause },
    );
    this.role = role;
    this.phase = options.phase;
    this.node = node;
    this.reason = reason;
    this.missing = options.missing ?? [];
  }
}

function explain({ role, phase, reason, missing = [] }: HandshakeErrorOptions): string {
  switch (reason) {
    case "wrong_cookie":
      return "its cookie is not ours, both nodes must be started with the same one";
    case "missing_flags":
      return `it lacks ${missing.join(", ")}, which this node requires; upgrade it`;
    case "not_allowed":
      return role === "initiator"
        ? "it does not allow us, see its log: net_kernel:allow/1 there must list our name, and it must not require flags that we lack"
        : "this node does not allow it";
    case "nok":
      return role === "initiator"
        ? "it is connecting to us at this moment, wait for that connection"
        : "we are connecting to it at this moment, and that attempt goes on";
    case "alive":
      return "the two are connected already";
    case "wrong_name":
      return role === "initiator"
        ? "another node answered, check the host and port of its name"
        : "it bears our own name, every node needs its own";
    case "bad_name":
      return "its name is not of the form name@host";
    case "version":
      return "it does not speak version 6 of the handshake, which OTP 23 and later have; upgrade it";
    case "garbage":
      return `what it sent is not a ${phase} message, check that a node and nothing else listens and connects there, and that both or none use TLS`;
    case "timeout":
      return `its ${phase} message did not come in time, check the network and that the node is not overloaded`;
    case "closed":
      return phase === "status"
        ? "it closed the connection at our name, check its log, and that both use TLS or none"
        : `it closed the connection before its ${phase} message`;
  }
}
