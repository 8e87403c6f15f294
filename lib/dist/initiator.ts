import { digest, sameDigest } from "./_digest.ts";
import {
  type ChallengeMessage,
  decodeAck,
  decodeChallenge,
  decodeStatus,
  encodeName,
  encodeReply,
  encodeStatus,
  MESSAGE,
} from "./_handshake_messages.ts";
import { checkOptions, result, send } from "./_handshake_parts.ts";
import { expandFlags, hasFlag, missingFlags, REQUIRED_FLAGS } from "./flags.ts";
import type {
  Handshake,
  HandshakeEffect,
  HandshakeFailure,
  HandshakeOptions,
} from "./handshake.ts";
import { HandshakeError, type HandshakePhase, type HandshakeReason } from "./handshake_error.ts";
import { isNodeName } from "./node_name.ts";

/** The side that connects. */
export class Initiator implements Handshake {
  readonly #options: HandshakeOptions;
  readonly #peer: string;
  readonly #dynamic: boolean;
  #phase: HandshakePhase = "name";
  #name: string;
  #creation: number;
  #challenge: ChallengeMessage | null = null;

  /**
   * @param peer The node name that must answer.
   * @throws {RangeError} if a name, a number or a flag is out of range.
   */
  constructor(peer: string, options: HandshakeOptions) {
    checkOptions(options);
    if (!isNodeName(peer)) {
      throw new RangeError(`Cannot connect to node ${peer}: its name must be name@host`);
    }
    if (peer === options.name) {
      throw new RangeError(`Cannot connect to node ${peer}: that is this node`);
    }
    this.#peer = peer;
    this.#options = options;
    this.#dynamic = hasFlag(options.flags, "NAME_ME");
    this.#name = options.name;
    this.#creation = options.creation;
  }

  start(): HandshakeEffect[] {
    this.#phase = "status";
    return [send(encodeName(this.#options.flags, this.#creation, this.#name))];
  }

  frame(frame: Uint8Array): HandshakeEffect[] {
    switch (this.#phase) {
      case "status":
        return this.#status(frame);
      case "challenge":
        return this.#answer(frame);
      case "challenge_ack":
        return this.#check(frame);
      default:
        return this.#failed("garbage"); // it speaks before its turn
    }
  }

  /** Answers `alive`: `true` if the connection that the peer knows of is dead here, `false` to give up this one. */
  insist(yes: boolean): HandshakeEffect[] {
    const reply = send(encodeStatus(yes ? "true" : "false"));
    if (!yes) return [reply, ...this.#failed("alive")];
    this.#phase = "challenge";
    return [reply];
  }

  fail(reason: HandshakeReason, details?: HandshakeFailure): HandshakeError {
    const [role, phase, node] = ["initiator" as const, this.#phase, this.#peer];
    if (reason === "closed" && phase === "challenge_ack") {
      // An acceptor that finds a wrong digest says nothing, it hangs up (dist_util of every release).
      const detail = "it did not accept our cookie, both nodes must be started with the same one";
      return new HandshakeError({ ...details, role, phase, node, reason: "wrong_cookie", detail });
    }
    return new HandshakeError({ ...details, role, phase, node, reason });
  }

  #status(frame: Uint8Array): HandshakeEffect[] {
    const message = decodeStatus(frame);
    if (message === null) return this.#failed("garbage");
    if (message.status === "not_allowed") return this.#failed("not_allowed");
    if ("name" in message) {
      const ours = this.#dynamic && isNodeName(message.name) &&
        message.name.endsWith(`@${this.#options.name}`);
      if (!ours) return this.#failed("garbage");
      this.#name = message.name;
      this.#creation = message.creation;
    } else if (this.#dynamic) {
      const detail =
        "it gives no names, start it with OTP 23 or later and let it accept dynamic names";
      return this.#failed("not_allowed", { detail });
    } else if (message.status === "nok") {
      return this.#failed("nok");
    } else if (message.status === "alive") {
      this.#phase = "decision";
      return [{ type: "alive" }];
    } else if (message.status !== "ok" && message.status !== "ok_simultaneous") {
      return this.#failed("garbage");
    }
    this.#phase = "challenge";
    return [];
  }

  #answer(frame: Uint8Array): HandshakeEffect[] {
    if (frame[0] === MESSAGE.NAME_5) return this.#failed("version"); // a challenge of version 5 begins with 'n' too
    const message = decodeChallenge(frame);
    if (message === null) return this.#failed("garbage");
    if (message.name !== this.#peer) return this.#failed("wrong_name");
    const missing = missingFlags(message.flags, this.#options.required ?? REQUIRED_FLAGS);
    if (missing.length > 0) return this.#failed("missing_flags", { missing });
    this.#challenge = message;
    this.#phase = "challenge_ack";
    const { md5, challenge } = this.#options;
    return [send(encodeReply(challenge, digest(md5, this.#cookie(), message.challenge)))];
  }

  #check(frame: Uint8Array): HandshakeEffect[] {
    const { md5, challenge } = this.#options;
    const theirs = decodeAck(frame);
    if (theirs === null) return this.#failed("garbage");
    if (!sameDigest(theirs, digest(md5, this.#cookie(), challenge))) {
      return this.#failed("wrong_cookie");
    }
    const { flags, creation } = this.#challenge as ChallengeMessage;
    const peer = { name: this.#peer, flags: expandFlags(flags), creation };
    const us = { name: this.#name, creation: this.#creation, flags: this.#options.flags };
    return [{ type: "done", result: result("initiator", us, peer, false) }];
  }

  #cookie(): string {
    return this.#options.cookie(this.#peer);
  }

  #failed(reason: HandshakeReason, details?: HandshakeFailure): HandshakeEffect[] {
    return [{ type: "failed", error: this.fail(reason, details) }];
  }
}
