import process from "node:process";
import { processorTime } from "../_support/processor.ts";
import { caseSeed, Random } from "./random.ts";

/** Milliseconds of processor time that one input may take. */
export const SLOW = 50;
/** MiB that the heap may grow by. */
const GROWTH = 400;
const MIB = 2 ** 20;
/** Cases between two looks at the heap. */
const HEAP_EVERY = 2_000;

/** Something that reads what others send. */
export interface Target {
  readonly name: string;
  /** Makes an input: the same for the same numbers. */
  make(random: Random): readonly Uint8Array[];
  /**
   * Reads it.
   *
   * @returns how many milliseconds of processor time that took, where more is done than to read it.
   * @throws only where it did what it must not.
   */
  read(input: readonly Uint8Array[]): void | Promise<number>;
}

/** A case that went wrong. */
export class FuzzFailure extends Error {
  override readonly name = "FuzzFailure";
}

/** What a run came to. */
export interface FuzzFigures {
  readonly target: string;
  readonly cases: number;
  readonly bytes: number;
  /** Milliseconds of the slowest input, measured again where it was slow. */
  readonly slowest: number;
  /** MiB by which the heap was larger at most, garbage collected where the runtime lets us. */
  readonly heap: number;
}

/** How long a run goes on. */
export interface FuzzLimits {
  readonly seed: number;
  readonly cases?: number;
  /** Milliseconds. */
  readonly time?: number;
  /** Runs this case alone. */
  readonly only?: number;
}

/** Runs cases of a target until a limit is reached. @throws {FuzzFailure} at the first one that goes wrong. */
export async function fuzz(target: Target, limits: FuzzLimits): Promise<FuzzFigures> {
  const { seed, cases = Infinity, time = Infinity, only } = limits;
  const began = performance.now();
  const heapBefore = heap();
  const figures = { target: target.name, cases: 0, bytes: 0, slowest: 0, heap: 0 };
  for (let index = only ?? 0; figures.cases < cases && performance.now() - began < time; index++) {
    const input = target.make(new Random(caseSeed(seed, target.name, index)));
    const fail = (why: string, cause?: unknown): never => {
      throw new FuzzFailure(described(target, seed, index, input, why), { cause });
    };
    let took = 0;
    try {
      took = await measured(target, input);
      // The machine may have been busy: what is slow is slow again.
      for (let again = 0; took > SLOW && again < 5; again++) {
        took = Math.min(took, await measured(target, input));
      }
    } catch (error) {
      fail(error instanceof Error ? error.stack ?? String(error) : String(error), error);
    }
    if (took > SLOW) fail(`it took ${Math.round(took)} ms, at most ${SLOW} are allowed`);
    figures.slowest = Math.max(figures.slowest, took);
    figures.cases++;
    for (const { length } of input) figures.bytes += length;
    if (figures.cases % HEAP_EVERY === 0) {
      figures.heap = Math.max(figures.heap, heap() - heapBefore);
      if (figures.heap > GROWTH) fail(`the heap has grown by ${Math.round(figures.heap)} MiB`);
    }
    if (only !== undefined) break;
  }
  figures.heap = Math.max(figures.heap, heap() - heapBefore);
  return figures;
}

async function measured(target: Target, input: readonly Uint8Array[]): Promise<number> {
  const began = processorTime();
  const reading = target.read(input);
  const took = processorTime() - began;
  return await reading ?? took;
}

function described(
  target: Target,
  seed: number,
  index: number,
  input: readonly Uint8Array[],
  why: string,
): string {
  const hex = input.map((bytes) => {
    const text = Array.from(bytes.subarray(0, 300), (byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    return bytes.length > 300 ? `${text}... (${bytes.length} bytes)` : text;
  });
  return `${target.name}, case ${index}: ${why}
input: ${hex.join("\n       ")}
again: deno task fuzz --target ${target.name} --seed ${seed} --case ${index}`;
}

/** MiB of the heap, after a collection where it can be asked for. */
function heap(): number {
  (globalThis as { gc?: () => void }).gc?.();
  (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc(true);
  return process.memoryUsage().heapUsed / MIB;
}
