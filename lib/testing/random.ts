/**
 * Random numbers that follow from a seed, the same on every runtime: what decides in a simulation.
 */
export interface SimRandom {
  /** At least 0, under 1. */
  next(): number;
  /** A whole number of at least 0, under `below`. */
  int(below: number): number;
  /** A whole number between the two, both of which may come. */
  between(from: number, to: number): number;
  /** Whether something happens that happens so often: 0 never, 1 always. */
  chance(probability: number): boolean;
  /** One of the list. @throws {RangeError} if it is empty. */
  pick<T>(list: readonly T[]): T;
  /** The list in another order; the list itself stays as it is. */
  shuffle<T>(list: readonly T[]): T[];
  /** That many bytes. */
  bytes(length: number): Uint8Array;
  /** Numbers of their own, which do not depend on how many are taken here. */
  fork(name: string): SimRandom;
}

/** @ignore @internal sfc32, which passes the usual tests and needs nothing but whole numbers of 32 bits. */
export class SeededRandom implements SimRandom {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.#seed = seed;
    this.#a = hashText(seed, 0x9e3779b9);
    this.#b = hashText(seed, 0x243f6a88);
    this.#c = hashText(seed, 0xb7e15162);
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** 32 random bits, as a whole number of at least 0. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21 | this.#c >>> 11) + sum) | 0;
    return sum >>> 0;
  }

  next(): number {
    return this.bits() / 2 ** 32;
  }

  int(below: number): number {
    if (!(below >= 1 && below <= 2 ** 32)) {
      throw new RangeError(`Cannot draw a number under ${String(below)}: 1 to 2 ** 32 is needed`);
    }
    return Math.floor(this.next() * below);
  }

  between(from: number, to: number): number {
    if (!(to >= from)) {
      throw new RangeError(
        `Cannot draw a number between ${String(from)} and ${
          String(to)
        }: the second must not be less`,
      );
    }
    return Math.ceil(from) + Math.floor(this.next() * (Math.floor(to) - Math.ceil(from) + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (!(list?.length > 0)) {
      throw new RangeError("Cannot pick one of an empty list: something must be in it");
    }
    return list[this.int(list.length)];
  }

  shuffle<T>(list: readonly T[]): T[] {
    const other = [...list];
    for (let i = other.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [other[i], other[j]] = [other[j], other[i]];
    }
    return other;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.bits() >>> 8;
  }

  fork(name: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${name}`);
  }
}

/** FNV-1a over the text's code units, with its bits mixed at the end. */
export function hashText(text: string, start: number): number {
  let hash = start | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}
