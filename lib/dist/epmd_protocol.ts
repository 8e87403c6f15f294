import { concat, decodeLatin1, decodeUtf8, viewOf } from "./_octets.ts";

/**
 * The first byte of a message of EPMD, the Erlang Port Mapper Daemon:
 * https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol
 *
 * A request has its length before it (u16), a response has not: it ends where its fields end, or with the connection.
 */
// deno-fmt-ignore
export const EPMD = {
  ALIVE2_REQ:       120, // 'x' port u16, type u8, protocol u8, highest u16, lowest u16, name, extra
  PORT_PLEASE2_REQ: 122, // 'z' name
  ALIVE2_X_RESP:    118, // 'v' result u8, creation u32              to nodes of version 6 and later
  ALIVE2_RESP:      121, // 'y' result u8, creation u16              to older ones, and from older daemons
  PORT2_RESP:       119, // 'w' result u8, if it is 0: as ALIVE2_REQ
  KILL_REQ:         107, // 'k'         OK or NO
  NAMES_REQ:        110, // 'n'         the daemon's port u32, lines until the end
  DUMP_REQ:         100, // 'd'         the same
  STOP_REQ:         115, // 's' name    STOPPED or NOEXIST
} as const;

/** What kind of node it is. */
export const EPMD_NODE_TYPE = { normal: 77, hidden: 72 } as const;

/** The port of EPMD unless ERL_EPMD_PORT says otherwise. */
export const DEFAULT_EPMD_PORT = 4369;

/** Characters that a name may have. */
export const MAX_EPMD_NAME = 255;

/** What a node tells about itself, and what EPMD tells others about it. */
export interface EpmdNode {
  /** The part of the node name before the `@`. */
  readonly name: string;
  /** Where the node listens. */
  readonly port: number;
  /** 77 normal, 72 hidden; others are kept as they are. */
  readonly type: number;
  /** 0 for TCP. */
  readonly protocol: number;
  /** The highest and lowest version of the handshake that the node speaks. */
  readonly highest: number;
  readonly lowest: number;
  /** Bytes without a meaning to EPMD. */
  readonly extra: Uint8Array;
}

export type EpmdRequest =
  | { readonly type: "alive2"; readonly node: EpmdNode }
  | { readonly type: "port_please2"; readonly name: string }
  | { readonly type: "names" }
  | { readonly type: "dump" }
  | { readonly type: "kill" }
  | { readonly type: "stop"; readonly name: string };

export interface EpmdAlive {
  /** 0 for success. */
  readonly result: number;
  /** Unsigned 32 bits; 16 from an older daemon. */
  readonly creation: number;
}

/** A line of the answer to NAMES_REQ. */
export interface EpmdName {
  readonly name: string;
  readonly port: number;
}

/** A line of the answer to DUMP_REQ. `active`: the node is registered, not one that was. */
export interface EpmdDumped extends EpmdName {
  readonly active: boolean;
  readonly fd: number;
}

/** Bytes that are no message of this protocol. */
export class EpmdProtocolError extends Error {
  override readonly name = "EpmdProtocolError";
}

/** A request with its length, ready to be sent. */
export function encodeEpmdRequest(request: EpmdRequest): Uint8Array {
  switch (request.type) {
    case "alive2":
      return framed(Uint8Array.of(EPMD.ALIVE2_REQ), nodeBytes(request.node));
    case "port_please2":
      return framed(Uint8Array.of(EPMD.PORT_PLEASE2_REQ), nameBytes(request.name));
    case "stop":
      return framed(Uint8Array.of(EPMD.STOP_REQ), nameBytes(request.name));
    case "names":
      return framed(Uint8Array.of(EPMD.NAMES_REQ));
    case "dump":
      return framed(Uint8Array.of(EPMD.DUMP_REQ));
    case "kill":
      return framed(Uint8Array.of(EPMD.KILL_REQ));
  }
}

/**
 * The request at the start of `bytes`, `null` while it is not complete. What follows a request is ignored, as in epmd.
 *
 * @param limit How many bytes a request may have.
 * @throws {EpmdProtocolError} if it is none.
 */
export function decodeEpmdRequest(bytes: Uint8Array, limit = 0xffff): EpmdRequest | null {
  if (bytes.length < 2) return null;
  const length = viewOf(bytes).getUint16(0);
  if (length === 0 || length > limit) {
    throw new EpmdProtocolError(
      `Cannot read request: it has ${length} bytes, 1 to ${limit} are allowed`,
    );
  }
  if (bytes.length < 2 + length) return null;
  const tag = bytes[2];
  const body = bytes.subarray(3, 2 + length);
  switch (tag) {
    case EPMD.ALIVE2_REQ:
      return { type: "alive2", node: readNode(body) ?? truncated("ALIVE2_REQ") };
    case EPMD.PORT_PLEASE2_REQ:
      return { type: "port_please2", name: readName(body) };
    case EPMD.STOP_REQ:
      return { type: "stop", name: readName(body) };
    case EPMD.NAMES_REQ:
      return { type: "names" };
    case EPMD.DUMP_REQ:
      return { type: "dump" };
    case EPMD.KILL_REQ:
      return { type: "kill" };
    default:
      throw new EpmdProtocolError(`Cannot read request: tag ${tag} is unknown`);
  }
}

/** `wide`: ALIVE2_X_RESP, for a node whose highest version is 6 or more. */
export function encodeAliveResponse({ result, creation }: EpmdAlive, wide: boolean): Uint8Array {
  const bytes = new Uint8Array(wide ? 6 : 4);
  const view = viewOf(bytes);
  view.setUint8(0, wide ? EPMD.ALIVE2_X_RESP : EPMD.ALIVE2_RESP);
  view.setUint8(1, result);
  if (wide) view.setUint32(2, creation);
  else view.setUint16(2, creation);
  return bytes;
}

/**
 * Either response to ALIVE2_REQ, `null` while it is not complete.
 *
 * @throws {EpmdProtocolError} if it is neither.
 */
export function decodeAliveResponse(bytes: Uint8Array): EpmdAlive | null {
  if (bytes.length === 0) return null;
  const wide = bytes[0] === EPMD.ALIVE2_X_RESP;
  if (!wide) expectTag(bytes, EPMD.ALIVE2_RESP, "ALIVE2_RESP");
  if (bytes.length < (wide ? 6 : 4)) return null;
  const view = viewOf(bytes);
  return { result: bytes[1], creation: wide ? view.getUint32(2) : view.getUint16(2) };
}

/** `null`: no node of that name is registered. */
export function encodePortResponse(node: EpmdNode | null): Uint8Array {
  if (node === null) return Uint8Array.of(EPMD.PORT2_RESP, 1);
  return concat([Uint8Array.of(EPMD.PORT2_RESP, 0), nodeBytes(node)]);
}

/**
 * The response to PORT_PLEASE2_REQ, `null` while it is not complete.
 *
 * @throws {EpmdProtocolError} if it is none.
 */
export function decodePortResponse(bytes: Uint8Array): { readonly node: EpmdNode | null } | null {
  if (bytes.length === 0) return null;
  expectTag(bytes, EPMD.PORT2_RESP, "PORT2_RESP");
  if (bytes.length < 2) return null;
  if (bytes[1] !== 0) return { node: null };
  const node = readNode(bytes.subarray(2));
  return node && { node };
}

/** @param port Where the daemon listens. */
export function encodeNames(port: number, nodes: readonly EpmdName[]): Uint8Array {
  return lines(port, nodes.map((node) => `name ${node.name} at port ${node.port}\n`));
}

/**
 * The whole response to NAMES_REQ. A line that is not understood is skipped, as in OTP.
 *
 * @throws {EpmdProtocolError} if it is none.
 */
export function decodeNames(bytes: Uint8Array): { port: number; nodes: EpmdName[] } {
  const { port, text } = readLines(bytes, "NAMES_RESP");
  const nodes: EpmdName[] = [];
  for (const [, name, at] of text.matchAll(/^name (.*) at port (\d+)$/gm)) {
    nodes.push({ name, port: Number(at) });
  }
  return { port, nodes };
}

/** As the specification has it; the daemon of OTP 25 puts names in `<>` and a NUL behind each line. */
export function encodeDump(port: number, nodes: readonly EpmdDumped[]): Uint8Array {
  return lines(
    port,
    nodes.map(({ active, name, port, fd }) =>
      active
        ? `active name     ${name} at port ${port}, fd = ${fd}\n`
        : `old/unused name ${name} at port ${port}, fd = ${fd} \n`
    ),
  );
}

/**
 * The whole response to DUMP_REQ, of either form.
 *
 * @throws {EpmdProtocolError} if it is none.
 */
export function decodeDump(bytes: Uint8Array): { port: number; nodes: EpmdDumped[] } {
  const { port, text } = readLines(bytes, "DUMP_RESP");
  const nodes: EpmdDumped[] = [];
  const line = /^\0?(active|old\/unused) name +(.*?),? (?:at )?port =? ?(\d+), fd = (\d+) ?$/gm;
  for (const [, state, name, at, fd] of text.matchAll(line)) {
    const plain = name.replace(/^<(.*)>$/, "$1");
    nodes.push({ active: state === "active", name: plain, port: Number(at), fd: Number(fd) });
  }
  return { port, nodes };
}

/** KILL_REQ: whether the daemon ends. */
export function encodeKillResponse(yes: boolean): Uint8Array {
  return new TextEncoder().encode(yes ? "OK" : "NO");
}

/** STOP_REQ: whether there was a node of that name. */
export function encodeStopResponse(yes: boolean): Uint8Array {
  return new TextEncoder().encode(yes ? "STOPPED" : "NOEXIST");
}

function framed(...parts: Uint8Array[]): Uint8Array {
  const body = concat(parts);
  return concat([u16(body.length), body]);
}

function nodeBytes(node: EpmdNode): Uint8Array {
  const numbers = new Uint8Array(8);
  const view = viewOf(numbers);
  view.setUint16(0, node.port);
  view.setUint8(2, node.type);
  view.setUint8(3, node.protocol);
  view.setUint16(4, node.highest);
  view.setUint16(6, node.lowest);
  const name = nameBytes(node.name);
  return concat([numbers, u16(name.length), name, u16(node.extra.length), node.extra]);
}

/** `null` if there are too few bytes. */
function readNode(bytes: Uint8Array): EpmdNode | null {
  if (bytes.length < 10) return null;
  const view = viewOf(bytes);
  const nameEnd = 10 + view.getUint16(8);
  if (bytes.length < nameEnd + 2) return null;
  const extraEnd = nameEnd + 2 + view.getUint16(nameEnd);
  if (bytes.length < extraEnd) return null;
  return {
    port: view.getUint16(0),
    type: bytes[2],
    protocol: bytes[3],
    highest: view.getUint16(4),
    lowest: view.getUint16(6),
    name: readName(bytes.subarray(10, nameEnd)),
    extra: bytes.slice(nameEnd + 2, extraEnd),
  };
}

function nameBytes(name: string): Uint8Array {
  if (!isEpmdName(name)) {
    throw new RangeError(
      `Cannot use name ${
        JSON.stringify(name)
      } at EPMD: 1 to ${MAX_EPMD_NAME} printable characters are allowed, and no space`,
    );
  }
  return new TextEncoder().encode(name);
}

/** Names stand in lines of text, so the daemon here takes none that would make two lines of one. */
function isEpmdName(name: string): boolean {
  return [...name].length <= MAX_EPMD_NAME && /^[^\p{C}\p{Z}]+$/u.test(name);
}

function readName(bytes: Uint8Array): string {
  const name = decodeUtf8(bytes);
  if (name === null || !isEpmdName(name)) {
    throw new EpmdProtocolError(
      "Cannot read name: it is no printable UTF-8 text of 1 to 255 characters",
    );
  }
  return name;
}

function lines(port: number, text: readonly string[]): Uint8Array {
  const start = new Uint8Array(4);
  viewOf(start).setUint32(0, port);
  return concat([start, new TextEncoder().encode(text.join(""))]);
}

function readLines(bytes: Uint8Array, what: string): { port: number; text: string } {
  if (bytes.length < 4) return truncated(what);
  const rest = bytes.subarray(4);
  return { port: viewOf(bytes).getUint32(0), text: decodeUtf8(rest) ?? decodeLatin1(rest) };
}

function u16(value: number): Uint8Array {
  if (value > 0xffff) throw new RangeError(`Cannot send ${value} bytes to EPMD: at most 65535`);
  return Uint8Array.of(value >> 8, value & 0xff);
}

function expectTag(bytes: Uint8Array, tag: number, what: string): void {
  if (bytes[0] !== tag) {
    throw new EpmdProtocolError(`Cannot read ${what}: it begins with ${bytes[0]}, not ${tag}`);
  }
}

function truncated(what: string): never {
  throw new EpmdProtocolError(`Cannot read ${what}: it ends too early`);
}
