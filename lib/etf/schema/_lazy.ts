import { noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

/**
 * How deep shapes may stand in each other. Measured in Node, whose stack is the smallest of the three: it overflows 1,600 objects
 * (which count twice), 3,100 maps or 6,000 lists deep.
 */
const MAX_DEPTH = 1_000;

/** From how many readings in one parse on results are remembered. */
const MANY = 16_384;

/** A shape that is made when it is first needed, so that it may hold itself. */
export class LazyShape extends Shape {
  readonly expected: string;
  readonly #make: () => Shape;
  #shape: Shape | undefined;
  #open = 0;
  #readings = 0;
  // A recursive union whose choices begin alike reads the same part twice per level, so a small hostile term would cost 2^depth
  // readings. From MANY on each part is read once. Values do not change while they are parsed.
  #known: Map<unknown, unknown> | undefined;

  constructor(make: () => Shape, expected: string) {
    super();
    this.#make = make;
    this.expected = expected;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    if (depth > MAX_DEPTH) {
      return trace === null ? noMatch : trace.miss("a term that is less deeply nested", value);
    }
    const shape = this.#shape ??= this.#make();
    this.#open++;
    try {
      return ++this.#readings < MANY
        ? shape.read(value, trace, depth + 1)
        : this.#remember(shape, value, trace, depth);
    } finally {
      if (--this.#open === 0) {
        this.#readings = 0;
        this.#known = undefined;
      }
    }
  }

  #remember(shape: Shape, value: unknown, trace: Trace | null, depth: number): unknown {
    if (typeof value !== "object" || value === null) return shape.read(value, trace, depth + 1);
    const known = this.#known ??= new Map();
    let read = known.get(value);
    if (read === undefined) {
      read = shape.read(value, trace, depth + 1);
      known.set(value, read);
    } else if (read === noMatch) {
      return this.miss(value, trace);
    }
    return read;
  }

  override write(input: unknown): unknown {
    return (this.#shape ??= this.#make()).write(input);
  }

  override get parts(): readonly Shape[] {
    return [this.#shape ??= this.#make()];
  }
}
