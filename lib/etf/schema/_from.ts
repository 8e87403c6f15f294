import { noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";
import type { StandardSchema } from "./standard.ts";

/** A Standard Schema of another library behind a shape of ours, which makes of the term what that library knows. */
export class FromShape extends Shape {
  readonly #schema: StandardSchema;
  readonly #term: Shape;

  constructor(schema: StandardSchema, term: Shape) {
    super();
    this.#schema = schema;
    this.#term = term;
  }

  get expected(): string {
    return `what a schema of ${this.#schema["~standard"].vendor} takes`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    // Nothing is for the library to judge: it may have a default.
    const given = value === undefined ? undefined : this.#term.read(value, trace, depth + 1);
    if (given === noMatch) return noMatch;
    const standard = this.#schema["~standard"];
    const result = standard.validate(given);
    if ("then" in result) {
      result.then(undefined, () => {}); //                nobody will look at it: its failure must not end the program
      throw new TypeError(
        `Cannot parse with this schema of ${standard.vendor}: it is asynchronous, a synchronous one is needed`,
      );
    }
    if (result.issues === undefined) return result.value;
    if (trace === null) return noMatch;
    const [issue] = result.issues;
    trace.miss(issue === undefined ? this.expected : `${this.expected} (${issue.message})`, value);
    for (const key of issue?.path?.toReversed() ?? []) {
      trace.at(typeof key === "object" ? key.key : key);
    }
    return noMatch;
  }

  override write(input: unknown): unknown {
    return input === undefined ? undefined : this.#term.write(input);
  }

  override get parts(): readonly Shape[] {
    return [this.#term];
  }

  override get converts(): boolean {
    return true;
  }
}
