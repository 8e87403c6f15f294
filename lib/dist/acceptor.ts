import { digest, sameDigest } from "./_digest.ts";
import {
  decodeComplement,
  decodeName,
  decodeReply,
  decodeStatus,
  encodeAck,
  encodeChallenge,
  encodeNamed,
  encodeStatus,
} from "./_handshake_messages.ts";
import { checkOptions, result, send } from "./_handshake_parts.ts";
import { expandFlags, FLAGS, hasFlag, missingFlags, REQUIRED_FLAGS } from "./flags.ts";
import type {
  Handshake,
  HandshakeDecision,
  HandshakeEffect,
  HandshakeFailure,
  HandshakeOptions,
  PeerIntroduction,
} from "./handshake.ts";
import { HandshakeError, type HandshakePhase, type HandshakeReason } from "./handshake_error.ts";
import { isHostName, isNodeName } from "./node_name.ts";

/** The side that was connected to. */
export class Acceptor implements Handshake {
  readonly #options: HandshakeOptions;
  #phase: HandshakePhase = "name";
  #version: 5 | 6 = 6;
  #peer: PeerIntroduction | null = null;
  #replaces = false;

  /** @throws {RangeError} if a name, a number or a flag is out of range. */
  constructor(options: HandshakeOptions) {
    checkOptions(options);
    if (hasFlag(options.flags, "NAME_ME")) {
      throw new RangeError("Cannot accept nodes: flag NAME_ME is for a node that has no name yet");
    }
    this.#options = options;
  }

  start(): HandshakeEffect[] {
    return [];
  }

  frame(frame: Uint8Array): HandshakeEffect[] {
    switch (this.#phase) {
      case "name":
        return this.#introduce(frame);
      case "status_reply":
        return this.#insisted(frame);
      case "complement":
        return this.#complete(frame);
      case "challenge_reply":
        return this.#check(frame);
      default:
        return this.#failed("garbage"); // it speaks before its turn
    }
  }

  /**
   * Answers the question about a peer.
   *
   * @throws {TypeError} if a peer that asks for a name is answered neither with one nor with a refusal.
   */
  decide(decision: HandshakeDecision): HandshakeEffect[] {
    const peer = this.#peer as PeerIntroduction;
    if (typeof decision === "object") {
      const { named, creation } = decision;
      if (!peer.dynamic || !isNodeName(named) || !named.endsWith(`@${peer.name}`)) {
        throw new TypeError(
          `Cannot name node ${named}: the name must be one at host ${peer.name}, of a peer that asked for it`,
        );
      }
      this.#peer = { ...peer, name: named, creation };
      return [send(encodeNamed(named, creation)), ...this.#challenge()];
    }
    const status = send(encodeStatus(decision));
    if (decision === "nok" || decision === "not_allowed") {
      return [status, ...this.#failed(decision)];
    }
    if (peer.dynamic) {
      throw new TypeError(
        `Cannot answer ${decision} to a node at ${peer.name}: it asks for a name, give one or answer "not_allowed"`,
      );
    }
    if (decision === "alive") {
      this.#phase = "status_reply";
      return [status];
    }
    return [status, ...this.#challenge()];
  }

  fail(reason: HandshakeReason, details?: HandshakeFailure): HandshakeError {
    const [role, phase, node] = ["acceptor" as const, this.#phase, this.#peer?.name];
    return new HandshakeError({ ...details, role, phase, node, reason });
  }

  /** Checks in the order of dist_util: the name's form, then the flags, then the owner's table of connections. */
  #introduce(frame: Uint8Array): HandshakeEffect[] {
    const message = decodeName(frame);
    if (message === null) return this.#failed("garbage");
    const flags = expandFlags(message.flags);
    const dynamic = hasFlag(flags, "NAME_ME");
    const { name, creation } = message;
    if (!(dynamic ? isHostName(name) : isNodeName(name))) return this.#failed("bad_name");
    this.#version = message.version;
    this.#peer = { name, flags, creation, dynamic };
    const missing = this.#missing(flags);
    if (missing.length > 0) {
      return [send(encodeStatus("not_allowed")), ...this.#failed("missing_flags", { missing })];
    }
    // OTP 25 finds no room for a connection to itself and answers nok; it does not ask its owner either.
    if (name === this.#options.name) {
      return [send(encodeStatus("nok")), ...this.#failed("wrong_name")];
    }
    this.#phase = "decision";
    return [{ type: "decide", peer: this.#peer }];
  }

  #insisted(frame: Uint8Array): HandshakeEffect[] {
    const message = decodeStatus(frame);
    if (message?.status === "false") return this.#failed("alive");
    if (message?.status !== "true") return this.#failed("garbage");
    this.#replaces = true;
    return this.#challenge();
  }

  #challenge(): HandshakeEffect[] {
    this.#phase = this.#version === 5 ? "complement" : "challenge_reply";
    const { name, creation, challenge } = this.#options;
    return [send(encodeChallenge({ flags: this.#flags(), challenge, creation, name }))];
  }

  #complete(frame: Uint8Array): HandshakeEffect[] {
    const message = decodeComplement(frame);
    if (message === null) return this.#failed("garbage");
    const peer = this.#peer as PeerIntroduction;
    const flags = peer.flags | message.flags;
    this.#peer = { ...peer, flags, creation: message.creation };
    const missing = this.#missing(flags);
    if (missing.length > 0) return this.#failed("missing_flags", { missing });
    this.#phase = "challenge_reply";
    return [];
  }

  #check(frame: Uint8Array): HandshakeEffect[] {
    const message = decodeReply(frame);
    if (message === null) return this.#failed("garbage");
    const peer = this.#peer as PeerIntroduction;
    const { md5, challenge, name, creation } = this.#options;
    const cookie = this.#options.cookie(peer.name);
    if (!sameDigest(message.digest, digest(md5, cookie, challenge))) {
      return this.#failed("wrong_cookie");
    }
    const us = { name, creation, flags: this.#flags() };
    return [
      send(encodeAck(digest(md5, cookie, message.challenge))),
      { type: "done", result: result("acceptor", us, peer, this.#replaces) },
    ];
  }

  /** To a peer that asks for a name OTP sends NAME_ME back, in the place of PUBLISHED. */
  #flags(): bigint {
    const { flags } = this.#options;
    if (this.#peer?.dynamic !== true) return flags;
    return (flags & ~FLAGS.PUBLISHED.value) | FLAGS.NAME_ME.value;
  }

  #missing(flags: bigint): string[] {
    const { required = REQUIRED_FLAGS } = this.#options;
    if (this.#version === 6 || this.#phase === "complement") return missingFlags(flags, required);
    // The upper half comes with the complement. Without HANDSHAKE_23 none comes: such a peer speaks version 5 to the end.
    return missingFlags(flags, required & 0xffff_ffffn | FLAGS.HANDSHAKE_23.value);
  }

  #failed(reason: HandshakeReason, details?: HandshakeFailure): HandshakeEffect[] {
    return [{ type: "failed", error: this.fail(reason, details) }];
  }
}
