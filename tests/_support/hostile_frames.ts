/** What a peer that knows the cookie may send to do harm. Each kind is one that OTP's own suites try, or that has broken some node. */
import { deflateSync } from "node:zlib";
import { CONTROL, CONTROL_MESSAGES, hasPayload } from "../../lib/dist/control.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import { atom, type Encodable, Pid, Ref, tagged, type Term, tuple } from "../../mod.ts";
import type { HandMade } from "./hand_made.ts";

/** What makes frames in the name of a peer. */
export type Maker = Pick<HandMade, "name" | "pid" | "ref" | "frame" | "packet">;

/** One kind of attack. */
export interface Hostile {
  readonly title: string;
  /** Whether the peer has announced fragments and the atom cache, which give every packet a header. */
  readonly header?: boolean;
  /** What becomes of its connection; `unfinished`: the node has to wait for more. */
  readonly ends: "closes" | "lives" | "unfinished";
  /** @param ours a process of the node, or of an earlier life of it. */
  bytes(peer: Maker, ours: Pid): Uint8Array | readonly Uint8Array[];
}

const THIRD = new Pid(atom("third@localhost"), 1, 2, 3);
const HELLO = encode(atom("hello"));
const EMPTY = atom("");

function bytes(...parts: readonly (number | ArrayLike<number>)[]): Uint8Array {
  const arrays = parts.map((part) => typeof part === "number" ? [part] : part);
  const all = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

function u32(n: number): number[] {
  return [n >>> 24, n >>> 16 & 255, n >>> 8 & 255, n & 255];
}

function u64(n: number | bigint): number[] {
  const wide = BigInt(n);
  return [...u32(Number(wide >> 32n)), ...u32(Number(wide & 0xffff_ffffn))];
}

function text(words: string): number[] {
  return [...new TextEncoder().encode(words)];
}

function smallAtom(name: string): number[] {
  return [119, name.length, ...text(name)];
}

/** A message to a server, so that its receiver's way of decoding is used, too. */
function toEcho(peer: Maker): Encodable {
  return tuple(CONTROL.REG_SEND, peer.pid(), EMPTY, atom("echo"));
}

// Frames

// deno-fmt-ignore
const FRAMES: readonly Hostile[] = [
  ...[0xffff_ffff, 0x8000_0000, 128 * 1024 * 1024 + 1].map((length): Hostile => (
    { title: `a frame of ${length} bytes is announced`, ends: "closes", bytes: () => bytes(u32(length)) })),
  { title: "a frame of 128 MiB is announced and does not come", ends: "unfinished", bytes: () => bytes(u32(128 * 1024 * 1024), 112) },
  ...[0, 1, 111, 113, 130, 132, 255].map((type): Hostile => (
    { title: `a packet of type ${type}`, ends: "closes", bytes: (peer) => peer.frame(bytes(type, 131, 106)) })),
  { title: "a packet with nothing in it", ends: "closes", bytes: (peer) => peer.frame(bytes(112)) },
  { title: "a packet that ends behind the version", ends: "closes", bytes: (peer) => peer.frame(bytes(112, 131)) },
  { title: "a control message without version", ends: "closes", bytes: (peer) => peer.frame(bytes(112, 104, 1, 97, 5)) },
  { title: "a control message of version 130", ends: "closes", bytes: (peer) => peer.frame(bytes(112, 130, 104, 1, 97, 5)) },
  { title: "two control messages in one packet", ends: "closes", bytes: (peer) => peer.frame(bytes(112, 131, 104, 1, 97, 5, 131, 104, 1, 97, 5)) },
  { title: "a header nobody agreed on", ends: "closes", bytes: (peer) => peer.frame(bytes(131, 68, 0, 104, 1, 97, 5)) },
  { title: "a fragment nobody agreed on", ends: "closes", bytes: (peer) => peer.frame(bytes(131, 69, u64(1), u64(2), 0)) },
  { title: "a reference to an atom cache nobody agreed on", ends: "closes", bytes: (peer) => peer.packet(toEcho(peer), bytes(131, 82, 0)) },
  { title: "half a length, then nothing", ends: "unfinished", bytes: () => bytes(0, 0) },
  { title: "ten thousand ticks at once", ends: "lives", bytes: () => new Uint8Array(40_000) },
  { title: "ten thousand frames of one byte", ends: "closes", bytes: () => bytes(...Array.from({ length: 10_000 }, () => [0, 0, 0, 1, 112])) },
];

// Control messages

// deno-fmt-ignore
const NO_CONTROL: readonly (readonly [title: string, term: Encodable])[] = [
  ["an atom", atom("hello")], ["a list", [1, 2]], ["a map", new Map([[1, 2]]) as Encodable], ["a number", 6], ["a float", 1.5],
  ["a text", "hello"], ["an empty tuple", tuple()], ["a tuple of 255 elements", tuple(...Array.from({ length: 255 }, () => 1)) as Encodable],
  ["a tuple in a tuple", tuple(tuple(6)) as Encodable], ["operation -1", tuple(-1)], ["operation 0", tuple(0)], ["operation 38", tuple(38)],
  ["operation 2^31", tuple(2 ** 31)], ["operation 2^70", tuple(2n ** 70n)], ["operation 6.5", tuple(6.5)], ["operation nil", tuple(null)],
  ["an operation that is a list", tuple([6])], ["an operation that is a pid", tuple(THIRD)],
  ["an improper list", new ImproperList([6], 7)], ["a map of a control message", new Map([[0, 5]]) as Encodable],
];

/** A control message's fields, each with a sound value. */
function sound(peer: Maker, ours: Pid, fields: readonly string[]): Encodable[] {
  const values: Record<string, Encodable> = {
    "pid()": peer.pid(),
    "reference()": peer.ref(),
    "atom()": atom("echo"),
    "pid() | atom()": atom("echo"),
    "pid() | atom() | reference()": ours,
    "non_neg_integer()": 0,
    "1..2^64-1": 1,
    "mfa()": tuple(atom("demo"), atom("loop"), 0) as Encodable,
    "term()": [],
  };
  return fields.map((field) => {
    const [name, type] = field.split(" :: ");
    return /^To|^Proc/.test(name) && type === "pid()" ? ours : values[type];
  });
}

/** Every control message as it should be, in packets without and with a header. */
export function soundFrames(peer: Maker, ours: Pid, header: boolean): Uint8Array[] {
  return CONTROL_MESSAGES.map(({ op, fields }) => {
    const control = encode(tuple(op, ...sound(peer, ours, fields)) as Encodable);
    const payload = hasPayload(op) ? encode([tuple(atom("$gen_call"), [1, "two", 3.5])]) : bytes();
    if (!header) return peer.frame(bytes(112), control, payload);
    return peer.frame(bytes(131, 68, 0), control.subarray(1), payload.subarray(1));
  });
}

function malformed(): Hostile[] {
  const kinds: Hostile[] = [];
  for (const { op, name, fields } of CONTROL_MESSAGES) {
    const packet = (peer: Maker, elements: readonly Encodable[]): Uint8Array =>
      peer.packet(tuple(op, ...elements) as Encodable, ...hasPayload(op) ? [encode([])] : []);
    if (fields.length > 0) {
      kinds.push({
        title: `${name} with an element missing`,
        ends: "closes",
        bytes: (peer, ours) => packet(peer, sound(peer, ours, fields).slice(0, -1)),
      });
    }
    if (name !== "ALTACT_SIG_SEND") {
      kinds.push({
        title: `${name} with an element too many`,
        ends: "closes",
        bytes: (peer, ours) => packet(peer, [...sound(peer, ours, fields), 7]),
      });
    }
    for (const [i, field] of fields.entries()) {
      if (field.endsWith(" :: term()")) continue;
      kinds.push({
        title: `${name} whose ${field.split(" :: ")[0]} is a map`,
        ends: "closes",
        bytes: (peer, ours) =>
          packet(peer, sound(peer, ours, fields).with(i, new Map([[1, 2]]) as Encodable)),
      });
    }
    kinds.push({
      title: `${name} ${hasPayload(op) ? "without what must follow" : "with something behind it"}`,
      ends: "closes",
      bytes: (peer, ours) => {
        const control = tuple(op, ...sound(peer, ours, fields)) as Encodable;
        return hasPayload(op) ? peer.packet(control) : peer.packet(control, HELLO);
      },
    });
  }
  return kinds;
}

// deno-fmt-ignore
const CONTROLS: readonly Hostile[] = [
  ...NO_CONTROL.map(([what, term]): Hostile => ({ title: `${what} for a control message`, ends: "closes", bytes: (peer) => peer.packet(term, HELLO) })),
  ...malformed(),
  { title: "an unlink of id 2^64", ends: "closes", bytes: (peer, ours) => peer.packet(tuple(35, 2n ** 64n, peer.pid(), ours) as Encodable) },
  { title: "an unlink of a negative id", ends: "closes", bytes: (peer, ours) => peer.packet(tuple(35, -1, peer.pid(), ours) as Encodable) },
  { title: "an urgent message whose flags do not fit", ends: "closes", bytes: (peer, ours) => peer.packet(tuple(37, 4, peer.pid(), ours) as Encodable, HELLO) },
  { title: "an urgent message that announces a trace token and has none", ends: "closes", bytes: (peer, ours) => peer.packet(tuple(37, 2, peer.pid(), ours) as Encodable, HELLO) },
  { title: "an urgent message of flags of 8 KiB", ends: "lives", bytes: (peer, ours) => peer.packet(tuple(37, 2n ** 65_536n, peer.pid(), ours) as Encodable, HELLO) },
  { title: "an urgent message of 250 elements", ends: "lives", bytes: (peer, ours) => peer.packet(tuple(37, 0, peer.pid(), ours, ...Array.from({ length: 246 }, () => 7)) as Encodable, HELLO) },
];

// Processes of others

// deno-fmt-ignore
const FORGED: readonly Hostile[] = ([
  ["a link", (from, to) => [tuple(1, from, to)]], ["an unlink", (from, to) => [tuple(35, 1, from, to)]], ["an acknowledgement", (from, to) => [tuple(36, 1, from, to)]],
  ["the end of a link", (from, to) => [tuple(3, from, to, 1)]], ["an exit signal", (from, to) => [tuple(26, from, to), HELLO]],
  ["an urgent exit signal", (from, to) => [tuple(37, 16, from, to), HELLO]], ["a monitor", (from, to, peer) => [tuple(19, from, to, peer.ref())]],
  ["a demonitor", (from, to, peer) => [tuple(20, from, to, peer.ref())]],
] as readonly [string, (from: Pid, to: Pid, peer: Maker) => [Encodable, Uint8Array?]][]).flatMap(([what, make]): Hostile[] => {
  const packet = (peer: Maker, from: Pid, to: Pid) => {
    const [control, payload] = make(from, to, peer);
    return payload === undefined ? peer.packet(control) : peer.packet(control, payload);
  };
  return [
    { title: `${what} in the name of another node's process`, ends: "closes", bytes: (peer, ours) => packet(peer, THIRD, ours) },
    { title: `${what} in the name of a process of ours`, ends: "closes", bytes: (peer, ours) => packet(peer, ours, ours) },
    { title: `${what} for a process of another node`, ends: "closes", bytes: (peer) => packet(peer, peer.pid(), THIRD) },
    { title: `${what} for a process of an earlier life`, ends: "lives", bytes: (peer, ours) => packet(peer, peer.pid(), new Pid(ours._node, ours.id, ours.serial, ours.creation - 1)) },
    { title: `${what} for a process that never was`, ends: "lives", bytes: (peer, ours) => packet(peer, peer.pid(), new Pid(ours._node, 0xffff_ffff, 0xffff_ffff, ours.creation)) },
  ];
});

// Spawns and other requests

function spawn(peer: Maker, options: Encodable, args: Encodable = []): Uint8Array {
  const mfa = tuple(atom("demo"), atom("loop"), 0);
  return peer.packet(
    tuple(29, peer.ref(), peer.pid(), peer.pid(), mfa, options) as Encodable,
    encode(args),
  );
}

// deno-fmt-ignore
const REQUESTS: readonly Hostile[] = [
  ...([["an improper list", new ImproperList([atom("link")], atom("x"))], ["a map", new Map([[1, 2]])], ["a number", 7], ["a text", "link"],
    ["a list in a list", [[atom("link")]]], ["ten thousand links", Array.from({ length: 10_000 }, () => atom("link"))],
    ["a pair of nothing", [tuple(null, null)]], ["an option of an option", [tuple(tuple(1), 2)]], ["a monitor of an improper list", [tuple(atom("monitor"), new ImproperList([1], 2))]],
  ] as [string, Encodable][]).map(([what, options]): Hostile => ({ title: `a spawn whose options are ${what}`, ends: "lives", bytes: (peer) => spawn(peer, options) })),
  { title: "a spawn whose arguments are an improper list", ends: "lives", bytes: (peer) => spawn(peer, [], new ImproperList([1], 2)) },
  { title: "a spawn of 100,000 arguments", ends: "lives", bytes: (peer) => spawn(peer, [], Array.from({ length: 100_000 }, () => 7)) },
  { title: "a spawn whose leader is a process of another node", ends: "lives", bytes: (peer) => peer.packet(tuple(29, peer.ref(), peer.pid(), THIRD, tuple(atom("demo"), atom("boom"), 0), []) as Encodable, encode([])) },
  { title: "a spawn whose reference is ours", ends: "closes", bytes: (peer, ours) => peer.packet(tuple(29, new Ref(ours._node, ours.creation, [1, 2, 3]), peer.pid(), peer.pid(), tuple(atom("demo"), atom("loop"), 0), []) as Encodable, encode([])) },
  { title: "a spawn for a process of another node", ends: "closes", bytes: (peer) => peer.packet(tuple(29, peer.ref(), THIRD, peer.pid(), tuple(atom("demo"), atom("loop"), 0), []) as Encodable, encode([])) },
  { title: "2,000 spawns at once", ends: "lives", bytes: (peer) => Array.from({ length: 2_000 }, () => spawn(peer, [atom("monitor")], [1])) },
  { title: "an answer to a spawn of nobody, with a process of another node", ends: "closes", bytes: (peer, ours) => peer.packet(tuple(31, new Ref(ours._node, ours.creation, [1, 2, 3]), ours, 3, THIRD) as Encodable) },
  { title: "20,000 monitors with one reference", ends: "lives", bytes: (peer) => { const [from, ref] = [peer.pid(), peer.ref()]; const one = peer.packet(tuple(19, from, atom("echo"), ref) as Encodable); return Array.from({ length: 20_000 }, () => one); } },
  { title: "20,000 unlinks of what was never linked", ends: "lives", bytes: (peer, ours) => { const one = peer.packet(tuple(35, 7, peer.pid(), ours) as Encodable); return Array.from({ length: 20_000 }, () => one); } },
  { title: "20,000 exit signals that cannot end it", ends: "lives", bytes: (peer, ours) => { const one = peer.packet(tuple(8, peer.pid(), ours, atom("normal")) as Encodable); return Array.from({ length: 20_000 }, () => one); } },
  { title: "20,000 messages to nobody", ends: "lives", bytes: (peer) => { const one = peer.packet(tuple(6, peer.pid(), EMPTY, atom("nobody")) as Encodable, HELLO); return Array.from({ length: 20_000 }, () => one); } },
  { title: "a name of 255 characters", ends: "lives", bytes: (peer) => peer.packet(tuple(6, peer.pid(), EMPTY, atom("😀".repeat(255))) as Encodable, HELLO) },
  { title: "a group leader that is nobody", ends: "lives", bytes: (peer, ours) => peer.packet(tuple(7, new Pid(ours._node, 1, 1, 1), ours) as Encodable) },
  { title: "the end of a process of ours", ends: "closes", bytes: (peer, ours) => peer.packet(tuple(28, ours, ours, peer.ref()) as Encodable, HELLO) },
  { title: "a call whose tag is the caller's own trap", ends: "lives", bytes: (peer) => peer.packet(toEcho(peer), encode(tagged("$gen_call", tuple(peer.pid(), new ImproperList([atom("alias")], peer.pid()) as Term) as Term, 1))) },
];

// Terms

function nested(depth: number, open: readonly number[], close: readonly number[]): Uint8Array {
  const term = new Uint8Array(1 + depth * (open.length + close.length) + 1);
  term[0] = 131;
  for (let i = 0; i < depth; i++) term.set(open, 1 + i * open.length);
  term[1 + depth * open.length] = 106;
  for (let i = 0; i < depth; i++) term.set(close, 2 + depth * open.length + i * close.length);
  return term;
}

function compressed(size: number, claimed: number, tail: readonly number[] = []): Uint8Array {
  const inner = new Uint8Array(5 + size);
  inner.set([109, ...u32(size)]);
  return bytes(131, 80, u32(claimed), deflateSync(inner), tail);
}

const MIB = 1024 * 1024;

// deno-fmt-ignore
const TERMS: readonly (readonly [title: string, ends: Hostile["ends"], term: () => Uint8Array])[] = [
  ["a list nested a million deep", "lives", () => nested(1_000_000, [108, 0, 0, 0, 1], [106])],
  ["a tuple nested a million deep", "lives", () => nested(1_000_000, [104, 1], [])],
  ["a map nested a million deep, in its values", "lives", () => nested(1_000_000, [116, 0, 0, 0, 1, 97, 1], [])],
  ["a map nested 100,000 deep, in its keys", "lives", () => nested(100_000, [116, 0, 0, 0, 1], [97, 1])],
  ["an improper list nested a million deep, in its tail", "lives", () => nested(1_000_000, [108, 0, 0, 0, 1, 97, 1], [])],
  ["a nest that ends in the middle", "closes", () => nested(100_000, [108, 0, 0, 0, 1], []).subarray(0, -1)],
  ["a decompression bomb of 65 MiB", "closes", () => compressed(65 * MIB, 65 * MIB + 5)],
  ["a decompression bomb that claims to be small", "closes", () => compressed(16 * MIB, 100)],
  ["a decompression bomb that claims 4 GiB", "closes", () => compressed(1000, 0xffff_ffff)],
  ["a compressed term that is shorter than it claims", "closes", () => compressed(1000, 2000)],
  ["a compressed term that is no stream", "closes", () => bytes(131, 80, u32(100), text("not compressed at all"))],
  ["a compressed term that ends in the middle", "closes", () => compressed(100_000, 100_005).subarray(0, -3)],
  ["a compressed term in a compressed term", "closes", () => bytes(131, 80, u32(26), deflateSync(bytes(80, u32(1), deflateSync(bytes(106)))))],
  ["a compressed term in a list", "closes", () => bytes(131, 108, u32(1), 80, u32(1), deflateSync(bytes(106)), 106)],
  ["an atom that is no UTF-8", "closes", () => bytes(131, 119, 2, 0xc3, 0x28)],
  ["an atom in overlong UTF-8", "closes", () => bytes(131, 119, 2, 0xc0, 0x80)],
  ["an atom with half a surrogate pair", "closes", () => bytes(131, 119, 3, 0xed, 0xa0, 0x80)],
  ["an atom of 256 characters", "closes", () => bytes(131, 118, 1, 0, text("a".repeat(256)))],
  ["an atom of 65,535 bytes", "closes", () => bytes(131, 118, 255, 255, text("a".repeat(65_535)))],
  ["an atom that is longer than the message", "closes", () => bytes(131, 119, 200, 97)],
  ["5,000 atoms that were never seen", "lives", () => bytes(131, 108, u32(5000), ...Array.from({ length: 5000 }, (_, i) => smallAtom(`flood_${i}`)), 106)],
  ["names of members that every object has", "lives", () => bytes(131, 116, u32(4), ...["__proto__", "constructor", "toString", "hasOwnProperty"].flatMap((name) => [...smallAtom(name), 106]))],
  ["a binary of 4 GiB that is not there", "closes", () => bytes(131, 109, u32(0xffff_ffff))],
  ["a list of 4 G elements that are not there", "closes", () => bytes(131, 108, u32(0xffff_ffff))],
  ["a tuple of 4 G elements that are not there", "closes", () => bytes(131, 105, u32(0xffff_ffff))],
  ["a map of 4 G entries that are not there", "closes", () => bytes(131, 116, u32(0xffff_ffff))],
  ["an integer of 4 GiB", "closes", () => bytes(131, 111, u32(0xffff_ffff), 0)],
  ["an integer of 128 KiB", "lives", () => bytes(131, 111, u32(131_072), 0, new Uint8Array(131_072).fill(255))],
  ["an integer of more than 128 KiB", "closes", () => bytes(131, 111, u32(131_073), 0, new Uint8Array(131_073).fill(255))],
  ["an integer with zeros in front", "lives", () => bytes(131, 110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 0)],
  ["a bit string of 9 bits in its last byte", "closes", () => bytes(131, 77, u32(1), 9, 255)],
  ["a bit string without bits in its last byte", "closes", () => bytes(131, 77, u32(1), 0, 255)],
  ["a float that is no number", "closes", () => bytes(131, 70, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0)],
  ["a float without end", "closes", () => bytes(131, 70, 0xff, 0xf0, 0, 0, 0, 0, 0, 0)],
  ["an old float that is a text", "closes", () => bytes(131, 99, text("not a float".padEnd(31, "\0")))],
  ["a map with a key twice", "closes", () => bytes(131, 116, u32(2), 97, 1, 106, 97, 1, 106)],
  ["a map with a key twice, spelt in two ways", "closes", () => bytes(131, 116, u32(2), 97, 1, 106, 98, u32(1), 106)],
  ["a pid whose node is a number", "closes", () => bytes(131, 88, 97, 1, u32(1), u32(1), u32(1))],
  ["a pid that ends in the middle", "closes", () => bytes(131, 88, smallAtom("a@b"), u32(1), 0)],
  ["a reference of 6 words", "closes", () => bytes(131, 90, 0, 6, smallAtom("a@b"), u32(1), new Uint8Array(24))],
  ["a reference of 65,535 words", "closes", () => bytes(131, 90, 255, 255, smallAtom("a@b"), u32(1))],
  ["a port of a node that is a list", "closes", () => bytes(131, 120, 106, u64(1), u32(1))],
  ["a fun of 4 G free variables", "closes", () => bytes(131, 112, u32(60), 0, new Uint8Array(16), u32(0), u32(0xffff_ffff), smallAtom("m"), 97, 0, 97, 0, 88, smallAtom("a@b"), u32(1), u32(1), u32(1))],
  ["a fun that ends in its header", "closes", () => bytes(131, 112, u32(60), 0)],
  ["a function of a negative number of arguments", "closes", () => bytes(131, 113, smallAtom("m"), smallAtom("f"), 98, u32(0xffff_ffff))],
  ["a function of 256 arguments", "closes", () => bytes(131, 113, smallAtom("m"), smallAtom("f"), 98, u32(256))],
  ["a function whose name is a number", "closes", () => bytes(131, 113, smallAtom("m"), 97, 1, 97, 1)],
  ["a text that is longer than the message", "closes", () => bytes(131, 107, 255, 255, 1)],
  ["a term inside a term that has a version", "closes", () => bytes(131, 104, 1, 131, 106)],
  ["a local term of another node", "lives", () => bytes(131, 121, new Uint8Array(8))],
  ["something behind the message", "closes", () => bytes(131, 106, 0)],
  ["a second message behind the message", "closes", () => bytes(131, 106, 131, 106)],
  ["no message", "closes", () => bytes(131)],
  ...[0, 1, 60, 66, 71, 81, 83, 96, 121 + 1, 200, 255].map((tag) => [`a term of tag ${tag}`, "closes", () => bytes(131, tag, 0, 0, 0, 0, 0, 0, 0, 0)] as const),
];

// Headers, the atom cache and fragments

const NODE_LINK = [104, 1, 97, 5];

/** REG_SEND to `echo` as it stands behind a header. */
function regSend(peer: Maker): Uint8Array {
  return encode(toEcho(peer)).subarray(1);
}

function first(
  peer: Maker,
  id: number | bigint,
  count: number | bigint,
  data: readonly number[] = [],
): Uint8Array {
  return peer.frame(bytes(131, 69, u64(id), u64(count), 0), regSend(peer), bytes(data));
}

function next(
  peer: Maker,
  id: number | bigint,
  number: number | bigint,
  data: Uint8Array | readonly number[] = [],
): Uint8Array {
  return peer.frame(bytes(131, 70, u64(id), u64(number)), bytes(data));
}

// deno-fmt-ignore
const HEADERS: readonly Hostile[] = ([
  ["a packet without header", "closes", (p) => p.frame(bytes(112, 131, NODE_LINK))],
  ["a packet of a type that does not exist", "closes", (p) => p.frame(bytes(131, 71, 0, NODE_LINK))],
  ["a header that is not there", "closes", (p) => p.frame(bytes(131, 68))],
  ["a header that ends in its flags", "closes", (p) => p.frame(bytes(131, 68, 255, 0))],
  ["a header of 255 atoms that are not there", "closes", (p) => p.frame(bytes(131, 68, 255, new Uint8Array(128).fill(0x88)))],
  ["a header of 255 new atoms", "lives", (p) => p.frame(bytes(131, 68, 255, new Uint8Array(127).fill(0x88), 0x08, ...Array.from({ length: 255 }, (_, i) => [i, 6, ...text(`c${1000 + i}x`)]), NODE_LINK))],
  ["a header of 255 atoms that the cache does not have", "closes", (p) => p.frame(bytes(131, 68, 255, new Uint8Array(128).fill(0x77), Array.from({ length: 255 }, (_, i) => i), NODE_LINK))],
  ["one atom that the cache does not have", "closes", (p) => p.frame(bytes(131, 68, 1, 0x03, 9, NODE_LINK))],
  ["a new atom that is no UTF-8", "closes", (p) => p.frame(bytes(131, 68, 1, 0x08, 0, 2, 0xc3, 0x28, NODE_LINK))],
  ["a new atom of 256 characters", "closes", (p) => p.frame(bytes(131, 68, 1, 0x18, 0, 1, 0, text("a".repeat(256)), NODE_LINK))],
  ["a new atom that is longer than the packet", "closes", (p) => p.frame(bytes(131, 68, 1, 0x18, 0, 255, 255, 97))],
  ["the empty atom and `true` in the cache", "lives", (p) => p.frame(bytes(131, 68, 2, 0x88, 0x00, 0, 0, 1, 4, text("true"), NODE_LINK))],
  ["a reference beyond the header's atoms", "closes", (p) => p.frame(bytes(131, 68, 1, 0x08, 0, 1, 97), bytes(104, 4, 97, 6), encode(p.pid()).subarray(1), bytes(82, 1, 82, 200), bytes(106))],
  ["a reference to a header without atoms", "closes", (p) => p.frame(bytes(131, 68, 0, 104, 1, 82, 0))],
  ["a pid whose node is a reference to nothing", "closes", (p) => p.frame(bytes(131, 68, 0, 104, 3, 97, 1, 88, 82, 7, u32(1), u32(1), u32(1)))],
  ["a version in front of the control message", "closes", (p) => p.frame(bytes(131, 68, 0, 131, NODE_LINK))],
  ["no control message", "closes", (p) => p.frame(bytes(131, 68, 0))],
  ["no message", "closes", (p) => p.frame(bytes(131, 68, 0), regSend(p))],
  ["a fragment of a sequence that has not begun", "closes", (p) => next(p, 1, 1, [106])],
  ["a fragment that ends in its header", "closes", (p) => p.frame(bytes(131, 70, 0, 0, 0))],
  ["a first fragment that ends in its header", "closes", (p) => p.frame(bytes(131, 69, u64(1), 0))],
  ["a sequence of no fragments", "closes", (p) => first(p, 1, 0)],
  ["a sequence of 2^64-1 fragments", "closes", (p) => first(p, 1, 2n ** 64n - 1n)],
  ["a first fragment whose control message ends in the middle", "closes", (p) => p.frame(bytes(131, 69, u64(1), u64(2), 0, 104, 4, 97, 6))],
  ["a first fragment of what nothing follows", "closes", (p) => p.frame(bytes(131, 69, u64(1), u64(2), 0, NODE_LINK))],
  ["a first fragment whose control message is none", "closes", (p) => p.frame(bytes(131, 69, u64(1), u64(2), 0, 104, 1, 97, 99))],
  ["a sequence that begins twice", "closes", (p) => [first(p, 1, 2), first(p, 1, 2)]],
  ["a fragment left out", "closes", (p) => [first(p, 1, 3), next(p, 1, 1, [106])]],
  ["a fragment twice", "closes", (p) => [first(p, 1, 3), next(p, 1, 2), next(p, 1, 2)]],
  ["a fragment after the last", "closes", (p) => [first(p, 1, 1, [106]), next(p, 1, 1, [106])]],
  ["fragments that make no term", "closes", (p) => [first(p, 1, 2, [109, 255]), next(p, 1, 1, [255, 255, 255])]],
  ["fragments that make more than a term", "closes", (p) => [first(p, 1, 2, [106]), next(p, 1, 1, [106])]],
  ["fragments that claim 4 GiB", "closes", (p) => [first(p, 1, 3, [109]), next(p, 1, 2, [255, 255]), next(p, 1, 1, [255, 255])]],
  ["10,000 fragments of nothing", "lives", (p) => [first(p, 1, 10_001), ...Array.from({ length: 9_999 }, (_, i) => next(p, 1, 10_000 - i)), next(p, 1, 1, [106])]],
  ["1,024 sequences that never end", "lives", (p) => Array.from({ length: 1_024 }, (_, i) => first(p, i, 2))],
  ["1,025 sequences that never end", "closes", (p) => Array.from({ length: 1_025 }, (_, i) => first(p, i, 2))],
  ["a sequence whose name has 64 bits", "lives", (p) => [first(p, 2n ** 64n - 1n, 2), next(p, 2n ** 64n - 1n, 1, [106])]],
  ["sequences that bring 130 MiB and never end", "closes", (p) => {
    const piece = new Uint8Array(13 * MIB);
    return [...Array.from({ length: 10 }, (_, i) => [first(p, i, 3, [109, 127, 0, 0, 0]), next(p, i, 2, piece)]).flat(), ...[next(p, 0, 1)]];
  }],
] as readonly [string, Hostile["ends"], (peer: Maker) => Uint8Array | Uint8Array[]][]).map(([title, ends, make]) => ({ title: `with headers: ${title}`, header: true, ends, bytes: make }));

/** All kinds. */
export const HOSTILE: readonly Hostile[] = [
  ...FRAMES,
  ...CONTROLS,
  ...FORGED,
  ...REQUESTS,
  ...TERMS.map(([title, ends, term]): Hostile => ({
    title,
    ends,
    bytes: (peer) => peer.packet(toEcho(peer), term()),
  })),
  ...HEADERS,
];
