// A receiver that cannot be quicker: what real nodes send to it shows how much they can send. `ideal.ts far NAME` is a node of ours whose
// connections do their handshake; what comes then never reaches the node. Messages are thrown away without a look, but for the
// last of a chunk, which may be the {seen, Count} that is to be answered; calls are answered by one ready-made reply, in which the reference is
// changed, all that came in a chunk with one write.

import process from "node:process";
import { startNode } from "../../mod.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import type { Stream, StreamHandler, Transport } from "../../lib/transport/contract.ts";
import { OPTIONS } from "../remote.ts";
import { task } from "../workloads/_report.ts";

// Tags of the external term format, and the control messages that matter here.
const [SMALL_TUPLE, SMALL_INTEGER, INTEGER, CACHED, REF, PID, LIST] = [
  104,
  97,
  98,
  82,
  90,
  88,
  108,
];
const [REG_SEND, ALIAS_SEND] = [6, 33];
const TRUE = [119, 4, 116, 114, 117, 101];
/** A part of the atom cache that no node uses before it has used the others. */
const SEGMENT = 7;
/** More bytes than the end of a request has, from its reference on. */
const REQUEST = 64;

/** One connection of a caller. */
class Ideal {
  readonly #name: string;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #cache: Map<number, Uint8Array> = new Map();
  /** The atoms of the frame that was looked at last. */
  #atoms: (Uint8Array | undefined)[] = [];
  #rest: Uint8Array = new Uint8Array(0);
  #replies: { readonly five: Reply; readonly done: Reply } | null = null;
  /** Whether messages come that nobody answers. */
  #throwsAway = false;

  constructor(name: string, write: (bytes: Uint8Array) => void) {
    this.#name = name;
    this.#write = write;
  }

  data(bytes: Uint8Array): void {
    const isWhole = this.#throwsAway && bytes.length >= REQUEST;
    if (this.#rest.length > 0 && !isWhole) bytes = joined(this.#rest, bytes);
    if (this.#throwsAway) {
      this.#rest = bytes.slice(-REQUEST);
      const end = bytes.length;
      if (isSeen(bytes, end)) this.#write(this.#replies!.done.to(bytes, [end - 9]));
      return;
    }
    const end = this.#frames(bytes);
    this.#rest = end === bytes.length ? NONE : bytes.slice(end);
  }

  /** Answers the calls among whole frames. @returns where the rest begins. */
  #frames(bytes: Uint8Array): number {
    const calls: number[] = [];
    let at = 0;
    while (at + 4 <= bytes.length) {
      const end = at + 4 + u32(bytes, at);
      if (end > bytes.length) break;
      if (end > at + 4) this.#frame(bytes, at + 4, end, calls);
      at = end;
    }
    if (calls.length > 0) this.#write(this.#replies!.five.to(bytes, calls));
    return at;
  }

  #frame(bytes: Uint8Array, at: number, end: number, calls: number[]): void {
    const control = this.#header(bytes, at);
    if (bytes[control + 3] !== REG_SEND) return;
    const seen = isSeen(bytes, end);
    // Behind the reference: the request, which is an atom or {seen, Count}.
    const behind = end - (seen ? 9 : 2);
    const words = [5, 3].find((words) => isRef(bytes, behind - 9 - 4 * words, words));
    if (words === undefined) return;
    if (this.#replies === null) {
      const caller = this.#atoms[bytes[behind - 9 - 4 * words + 4]];
      if (caller === undefined) throw new Error("Cannot answer: the caller's node is not known");
      const parts = { near: caller, far: new TextEncoder().encode(this.#name), words };
      this.#replies = {
        five: new Reply({ ...parts, value: [SMALL_INTEGER, 5] }),
        done: new Reply({ ...parts, value: TRUE }),
      };
      this.#write(this.#replies.five.introduction());
    }
    if (!seen) return void calls.push(behind);
    this.#throwsAway = true;
    this.#write(this.#replies.done.to(bytes, [behind]));
  }

  /** The atoms before a control message. @returns where that begins. */
  #header(bytes: Uint8Array, at: number): number {
    const count = bytes[at + 2];
    if (count === 0) return at + 3;
    const flags = at + 3;
    const flag = (i: number): number => bytes[flags + (i >> 1)] >> ((i & 1) * 4) & 15;
    const wide = (flag(count) & 1) === 1;
    at = flags + (count >> 1) + 1;
    for (let i = 0; i < count; i++) {
      const bits = flag(i);
      const key = (bits & 7) << 8 | bytes[at++];
      if ((bits & 8) !== 0) {
        const size = wide ? bytes[at] << 8 | bytes[at + 1] : bytes[at];
        at += wide ? 2 : 1;
        this.#cache.set(key, bytes.slice(at, at + size));
        at += size;
      }
      if (this.#replies === null) this.#atoms[i] = this.#cache.get(key);
    }
    return at;
  }
}

const NONE = new Uint8Array(0);

interface Parts {
  readonly near: Uint8Array;
  readonly far: Uint8Array;
  /** 32-bit words of a reference. */
  readonly words: number;
  readonly value: readonly number[];
}

/** `{[alias | Ref], Value}`, sent to the alias: everything but the reference is ready. */
class Reply {
  readonly #parts: Parts;
  readonly #frame: Uint8Array;
  /** Where the reference's creation begins, in the control message and in the message. */
  readonly #places: readonly number[];
  readonly #size: number;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#size = 4 + 4 * parts.words;
    this.#frame = this.#build(false);
    const behind = this.#frame.length - parts.value.length;
    // {[alias | Ref], ...: 2 bytes of tuple, 7 of the list and its atom, 5 of the reference before its creation.
    this.#places = [behind - 2 * this.#size - 14, behind - this.#size];
  }

  /** Tells the names of the atoms: a reply to a reference that never was, which is dropped. */
  introduction(): Uint8Array {
    return this.#build(true);
  }

  /** The replies to the requests whose references end there, in one piece. */
  to(bytes: Uint8Array, ends: readonly number[]): Uint8Array {
    const { length } = this.#frame;
    const size = this.#size;
    const out = new Uint8Array(ends.length * length);
    for (let i = 0; i < ends.length; i++) {
      const base = i * length;
      out.set(this.#frame, base);
      const from = ends[i] - size;
      const [first, second] = this.#places;
      for (let k = 0; k < size; k++) {
        out[base + first + k] = out[base + second + k] = bytes[from + k];
      }
    }
    return out;
  }

  #build(named: boolean): Uint8Array {
    const { near, far, words, value } = this.#parts;
    const atoms = [far, near, new TextEncoder().encode("alias")];
    const bits = named ? 8 | SEGMENT : SEGMENT;
    const creation = [0, 0, 0, 1];
    const ref = [REF, 0, words, CACHED, 1, ...creation, ...new Array(4 * words).fill(0)];
    const pid = [PID, CACHED, 0, 0, 0, 0, 77, 0, 0, 0, 0, ...creation];
    const frame = [
      131,
      68,
      atoms.length,
      bits << 4 | bits,
      bits,
      ...atoms.flatMap((text, i) => named ? [i, text.length, ...text] : [i]),
      ...[SMALL_TUPLE, 3, SMALL_INTEGER, ALIAS_SEND, ...pid, ...ref],
      ...[SMALL_TUPLE, 2, LIST, 0, 0, 0, 1, CACHED, 2, ...ref, ...value],
    ];
    return Uint8Array.from([0, 0, frame.length >> 8, frame.length & 255, ...frame]);
  }
}

/** Whether `{seen, Count}` ends there. */
function isSeen(bytes: Uint8Array, end: number): boolean {
  return bytes[end - 9] === SMALL_TUPLE && bytes[end - 8] === 2 && bytes[end - 7] === CACHED &&
    bytes[end - 5] === INTEGER;
}

function isRef(bytes: Uint8Array, at: number, words: number): boolean {
  return bytes[at] === REF && bytes[at + 1] === 0 && bytes[at + 2] === words &&
    bytes[at + 3] === CACHED;
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]) >>> 0;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** The runtime's sockets, of which the node sees the handshake. */
function tapped(inner: Transport, name: string): Transport {
  const tap = (stream: Stream): Stream => {
    const start = stream.start.bind(stream);
    stream.start = (handler: StreamHandler) => {
      let ideal: Ideal | null = null;
      start({
        data: (bytes) => {
          // Frames of the handshake have two bytes of length, which is never 0; those behind it four.
          if (ideal === null && bytes[0] === 0 && bytes[1] === 0) {
            ideal = new Ideal(name, (reply) => void stream.write(reply));
          }
          if (ideal === null) handler.data(bytes);
          else ideal.data(bytes);
        },
        drain: () => handler.drain(),
        end: () => handler.end(),
        close: (error) => handler.close(error),
      });
    };
    return stream;
  };
  return {
    name: inner.name,
    connect: (options) => inner.connect(options),
    listen: (options, accept) => inner.listen(options, (stream) => accept(tap(stream))),
    bind: (options) => inner.bind(options),
  };
}

const [, name] = task().names;
const node = await startNode(name, {
  ...OPTIONS,
  transport: tapped(await defaultTransport(), name),
});
console.log("ready");
process.stdin.resume().on("end", () => node.stop());
