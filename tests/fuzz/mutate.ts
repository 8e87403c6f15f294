import type { Random } from "./random.ts";

/** Lengths, counts and tags at which readers go wrong. */
const EDGES = [0, 1, 2, 3, 4, 5, 6, 127, 128, 254, 255];
const WIDE = [
  0,
  1,
  255,
  256,
  0x7fff,
  0x8000,
  0xffff,
  0x10000,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffe,
  0xffff_ffff,
];
/** The tags of the external term format and the types of packets. */
const TAGS = [
  67,
  68,
  69,
  70,
  77,
  80,
  82,
  88,
  89,
  90,
  97,
  98,
  99,
  100,
  101,
  102,
  103,
  104,
  105,
  106,
  107,
  108,
  109,
  110,
  111,
  112,
  113,
  114,
  115,
  116,
  117,
  118,
  119,
  120,
  121,
  131,
];

type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => changed(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => changed(bytes, random, () => random.below(256)),
  (bytes, random) => changed(bytes, random, () => random.pick(EDGES)),
  (bytes, random) => changed(bytes, random, () => random.pick(TAGS)),
  (bytes, random) => changed(bytes, random, (byte) => byte + (random.once(2) ? 1 : -1)),
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const wide = random.pick(WIDE);
    const made = bytes.slice();
    for (let i = 0; i < 4 && at + i < made.length; i++) made[at + i] = wide >>> (24 - 8 * i);
    return made;
  },
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return join(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    const times = 1 + random.below(random.once(10) ? 200 : 3);
    return join(
      bytes.subarray(0, to),
      ...Array.from({ length: times }, () => bytes.subarray(from, to)),
      bytes.subarray(to),
    );
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return join(bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at));
  },
  (bytes, random, others) => {
    const other = random.pick(others);
    const [from, to] = range(other, random);
    const at = random.below(bytes.length + 1);
    return join(
      bytes.subarray(0, at),
      other.subarray(from, to),
      bytes.subarray(random.once(2) ? at : Math.min(bytes.length, at + to - from)),
    );
  },
];

/** One of `others`, with some of its bytes changed. Now and then it is as it was, so that what is sound goes on working. */
export function mutated(random: Random, others: readonly Uint8Array[]): Uint8Array {
  let bytes = random.pick(others);
  for (let left = random.pick([0, 1, 1, 1, 2, 3, 5, 10]); left > 0; left--) {
    bytes = random.pick(MUTATIONS)(bytes, random, others);
  }
  return bytes;
}

function changed(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const made = bytes.slice();
  const at = random.below(made.length);
  made[at] = change(made[at]);
  return made;
}

function range(bytes: Uint8Array, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + random.below(random.once(4) ? 64 : 8) + 1)];
}

/** The bytes of all of them. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
