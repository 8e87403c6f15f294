import { noMatch, Shape } from "./_shape.ts";
import { Trace } from "./_trace.ts";

/** The first of several shapes that takes the value. */
export class UnionShape extends Shape {
  readonly #choices: readonly Shape[];

  constructor(choices: readonly Shape[]) {
    super();
    this.#choices = choices;
  }

  override get expected(): string {
    return this.#choices.map((choice) => choice.expected).join(" | ") || "no value";
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    if (trace !== null) return this.#explain(value, trace, depth);
    const choices = this.#choices;
    for (let i = 0; i < choices.length; i++) {
      const read = choices[i].read(value, null, depth + 1);
      if (read !== noMatch) return read;
    }
    return noMatch;
  }

  // The choice that got deepest is most likely the one that was meant: `{:error, text}` for `{error, 1}`, not the whole union.
  #explain(value: unknown, trace: Trace, depth: number): unknown {
    let deepest: Trace | undefined;
    let cause: unknown;
    for (const choice of this.#choices) {
      const attempt = new Trace();
      const read = choice.read(value, attempt, depth + 1);
      if (read !== noMatch) return read;
      cause ??= attempt.cause;
      if (attempt.keys.length > (deepest?.keys.length ?? 0)) deepest = attempt;
    }
    return deepest === undefined ? this.miss(value, trace, cause) : trace.take(deepest);
  }

  override write(input: unknown): unknown {
    for (const choice of this.#choices) {
      if (choice.read(input, null, 0) !== noMatch) return choice.write(input);
    }
    return input;
  }

  override get parts(): readonly Shape[] {
    return this.#choices;
  }

  override get omittable(): boolean {
    return this.#choices.some((choice) => choice.omittable);
  }
}
