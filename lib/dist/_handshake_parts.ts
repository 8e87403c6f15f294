import { hasFlag } from "./flags.ts";
import type { HandshakeEffect, HandshakeOptions, HandshakeResult } from "./handshake.ts";
import { isHostName, isNodeName } from "./node_name.ts";

/** One of the two nodes, when all of it is known. */
export interface Side {
  readonly name: string;
  readonly creation: number;
  readonly flags: bigint;
}

export function result(
  role: "initiator" | "acceptor",
  us: Side,
  peer: Side,
  replaces: boolean,
): HandshakeResult {
  const flags = us.flags & peer.flags;
  return {
    role,
    peer: peer.name,
    peerCreation: peer.creation,
    peerFlags: peer.flags,
    flags,
    hidden: !hasFlag(flags, "PUBLISHED"),
    name: us.name,
    creation: us.creation,
    replaces,
  };
}

export function send(frame: Uint8Array): HandshakeEffect {
  return { type: "send", frame };
}

/** @throws {RangeError} if a name, a number or a flag is out of range. */
export function checkOptions({ name, creation, flags, challenge }: HandshakeOptions): void {
  const dynamic = hasFlag(flags, "NAME_ME");
  if (!(dynamic ? isHostName(name) : isNodeName(name))) {
    throw new RangeError(
      dynamic
        ? `Cannot ask for a node name at ${name}: that must be our host alone`
        : `Cannot be node ${name}: a node name must be name@host, of Latin-1 characters, at most 255`,
    );
  }
  if (flags < 0n || flags > 0xffff_ffff_ffff_ffffn) {
    throw new RangeError(`Cannot announce flags ${flags}: they must fit 64 bits`);
  }
  for (const [what, value] of [["creation", creation], ["challenge", challenge]] as const) {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      throw new RangeError(`Cannot use ${what} ${value}: it must be an unsigned 32-bit integer`);
    }
  }
}
