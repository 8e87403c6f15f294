import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Acceptor } from "../../lib/dist/acceptor.ts";
import { ControlError } from "../../lib/dist/control.ts";
import { DistHeader } from "../../lib/dist/dist_header.ts";
import { announcedFlags } from "../../lib/dist/flags.ts";
import { FrameError, FrameReader } from "../../lib/dist/frames.ts";
import type { Handshake, HandshakeOptions } from "../../lib/dist/handshake.ts";
import { Initiator } from "../../lib/dist/initiator.ts";
import { PassThrough } from "../../lib/dist/pass_through.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { AtomLimitError, DecodeError } from "../../lib/etf/errors.ts";
import { atom, Pid, Ref } from "../../mod.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { HOSTILE, type Maker, soundFrames } from "../_support/hostile_frames.ts";
import type { Target } from "./fuzz.ts";
import { kernelFrames } from "./kernel_frames.ts";
import { join, mutated } from "./mutate.ts";
import type { Random } from "./random.ts";

/** Bytes of the largest frame: what is larger only takes longer. */
const LIMIT = 1 << 20;
const VECTORS = new URL("../etf/vectors/otp25.txt.gz", import.meta.url);
const PEER = "fuzz@localhost";
export const OURS = "ours@localhost";
export const CREATION = 7;

/** Makes frames as a hand-made peer does. */
export function maker(): Maker {
  let numbers = 0;
  const frame = (...parts: readonly Uint8Array[]): Uint8Array => {
    const body = join(...parts);
    const { length } = body;
    return join(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length), body);
  };
  return {
    name: PEER,
    pid: () => new Pid(atom(PEER), 1 + numbers++ % 5, 0, 77),
    ref: () => new Ref(atom(PEER), 77, [1 + numbers++ % 5, 1, 2]),
    frame,
    packet: (control, ...behind) => frame(Uint8Array.of(112), encode(control), ...behind),
  };
}

/** Frames as they should be. */
export function soundOnes(ours: Pid, header: boolean): Uint8Array[] {
  return [...soundFrames(maker(), ours, header), ...kernelFrames(maker(), ours, header)];
}

/** Frames as they should be, and those of bad peers, which are small. */
export function recorded(ours: Pid, header: boolean): Uint8Array[] {
  const frames = soundOnes(ours, header);
  for (const hostile of HOSTILE) {
    if ((hostile.header ?? false) !== header) continue;
    if (/\d,000|million|MiB|GiB|1,02/.test(hostile.title)) continue;
    const bytes = hostile.bytes(maker(), ours);
    const whole = bytes instanceof Uint8Array ? bytes : join(...bytes);
    if (whole.length < 4_096) frames.push(whole);
  }
  return frames;
}

/** Fails unless it is one of our own errors. */
function expected(
  error: unknown,
  ...classes: readonly (abstract new (...args: never[]) => Error)[]
): void {
  if (!classes.some((one) => error instanceof one)) throw error;
}

// New atoms stay for good, so most cases make none.
const SAFE = new Decoder({ atoms: "existing", floats: "wrap", maxInflated: LIMIT });
const FREE = new Decoder({ floats: "wrap", maxInflated: LIMIT });

const terms: Target = (() => {
  let vectors: Uint8Array[] | null = null;
  const load = (): Uint8Array[] =>
    gunzipSync(readFileSync(VECTORS)).toString("utf8").split("\n")
      .map((line) => Uint8Array.from(atob(line.split("\t")[1] ?? ""), (char) => char.charCodeAt(0)))
      .filter((bytes) => bytes.length > 0 && bytes.length < 2_000);
  return {
    name: "terms",
    make: (random) => [Uint8Array.of(random.once(50) ? 1 : 0), mutated(random, vectors ??= load())],
    read([free, bytes]) {
      const decoder = free[0] === 1 ? FREE : SAFE;
      let term;
      try {
        decoder.reset(bytes);
        term = decoder.versioned();
      } catch (error) {
        return expected(error, DecodeError, AtomLimitError);
      }
      // What was read is a term: it can be written, and read again.
      FREE.reset(encode(term));
      FREE.versioned();
    },
  };
})();

const frames: Target = {
  name: "frames",
  make: (random) => chunks(random, join(...several(random, recordedHere(false), 5))),
  read(chunks) {
    const reader = new FrameReader(LIMIT);
    try {
      for (const chunk of chunks) {
        reader.push(chunk);
        while (reader.next()) {
          if (reader.end < reader.start || reader.end > reader.bytes.length) {
            throw new Error("no frame");
          }
        }
      }
    } catch (error) {
      expected(error, FrameError);
    }
  },
};

function packets(name: string, header: boolean): Target {
  const flags = announcedFlags({ fragments: header, atomCache: header });
  return {
    name,
    make: (random) => several(random, recordedHere(header), 6).map((frame) => frame.subarray(4)),
    read(input) {
      const decoder = new Decoder({ atoms: "existing", maxInflated: LIMIT });
      const options = {
        decoder,
        limit: LIMIT,
        decoderFor: () => null,
        maxSequences: 8,
        maxSequenceBytes: LIMIT,
      };
      const packets = header ? new DistHeader(flags, options) : new PassThrough(options);
      try {
        for (const frame of input) packets.read(frame, 0, frame.length);
      } catch (error) {
        expected(error, FrameError, ControlError, DecodeError, AtomLimitError);
      }
    },
  };
}

function handshake(name: string, role: "acceptor" | "initiator"): Target {
  const platform = new FakePlatform();
  const options = (own: string, challenge: number): HandshakeOptions => ({
    name: own,
    creation: CREATION,
    flags: announcedFlags(),
    cookie: () => "cookie",
    md5: (bytes) => platform.md5(bytes),
    challenge,
  });
  const machine = (): Handshake & Partial<Pick<Acceptor, "decide"> & Pick<Initiator, "insist">> =>
    role === "acceptor" ? new Acceptor(options(OURS, 1)) : new Initiator(PEER, options(OURS, 1));
  const other = (): ReturnType<typeof machine> =>
    role === "acceptor" ? new Initiator(OURS, options(PEER, 2)) : new Acceptor(options(PEER, 2));
  /** Gives a machine a frame, answers what it asks, and gives what it sends. */
  const step = (one: ReturnType<typeof machine>, frame: Uint8Array | null): Uint8Array[] => {
    const sent: Uint8Array[] = [];
    const todo = frame === null ? one.start() : one.frame(frame);
    while (todo.length > 0) {
      const effect = todo.shift()!;
      if (effect.type === "send") sent.push(effect.frame);
      else if (effect.type === "decide") {
        const named = { named: `n@${effect.peer.name}`, creation: 9 };
        todo.push(...one.decide!(effect.peer.dynamic ? named : "ok"));
      } else if (effect.type === "alive") todo.push(...one.insist!(true));
      else if (effect.type === "done" || effect.type === "failed") ended = true;
    }
    return sent;
  };
  let ended = false;
  /** What the other role says to this one. */
  const talk = (): Uint8Array[] => {
    const [one, two] = [machine(), other()];
    const said: Uint8Array[] = [];
    let [to, from] = [step(two, null), step(one, null)];
    while (to.length + from.length > 0) {
      said.push(...to);
      [to, from] = [
        from.flatMap((frame) => step(two, frame)),
        to.flatMap((frame) => step(one, frame)),
      ];
    }
    return said;
  };
  let said: Uint8Array[] | null = null;
  return {
    name,
    make(random) {
      said ??= talk();
      const bad = random.below(said.length);
      return said.map((frame, i) => i === bad || random.once(4) ? mutated(random, said!) : frame);
    },
    read(input) {
      const one = machine();
      ended = false;
      step(one, null);
      for (const frame of input) {
        if (ended) return;
        step(one, frame); // an error would be ours: what is wrong with a frame is an effect
      }
    },
  };
}

const cache: Map<boolean, Uint8Array[]> = new Map();
function recordedHere(header: boolean): Uint8Array[] {
  let frames = cache.get(header);
  if (frames === undefined) {
    frames = recorded(new Pid(atom(OURS), 3, 0, CREATION), header);
    cache.set(header, frames);
  }
  return frames;
}

/** Some frames, most of them sound in their length. */
export function several(random: Random, frames: readonly Uint8Array[], most: number): Uint8Array[] {
  return Array.from({ length: 1 + random.below(most) }, () => {
    const bytes = mutated(random, frames);
    if (bytes.length < 4 || random.once(10)) return bytes;
    const made = bytes.slice();
    new DataView(made.buffer).setUint32(0, made.length - 4);
    return made;
  }).filter((bytes) => bytes.length >= 4);
}

/** The bytes in pieces. */
export function chunks(random: Random, bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + random.below(random.once(2) ? 5 : 500));
    pieces.push(bytes.slice(at, end));
    at = end;
  }
  return pieces;
}

/** What needs no node. */
export const PARSERS: readonly Target[] = [
  terms,
  frames,
  packets("packets", false),
  packets("headers", true),
  handshake("acceptor", "acceptor"),
  handshake("initiator", "initiator"),
];
