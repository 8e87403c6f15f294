import { type NoMatch, noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

/** A shape around one other. */
abstract class Around extends Shape {
  readonly inner: Shape;

  constructor(inner: Shape) {
    super();
    this.inner = inner;
  }

  get expected(): string {
    return this.inner.expected;
  }

  override write(input: unknown): unknown {
    return this.inner.write(input);
  }

  override get parts(): readonly Shape[] {
    return [this.inner];
  }
}

/** What the inner shape takes, and nothing. */
export class OptionalShape extends Around {
  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    return value === undefined ? undefined : this.inner.read(value, trace, depth + 1);
  }

  override write(input: unknown): unknown {
    return input === undefined ? undefined : this.inner.write(input);
  }

  override get omittable(): boolean {
    return true;
  }
}

/** What the inner shape takes, and a value in the place of nothing. */
export class DefaultShape extends Around {
  readonly #value: unknown;

  constructor(inner: Shape, value: unknown) {
    super(inner);
    this.#value = value;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    return value === undefined ? this.#missing() : this.inner.read(value, trace, depth + 1);
  }

  override write(input: unknown): unknown {
    return input === undefined ? undefined : this.inner.write(input);
  }

  override get converts(): boolean {
    return true;
  }

  override get omittable(): boolean {
    return true;
  }

  #missing(): unknown {
    return typeof this.#value === "function" ? this.#value() : this.#value;
  }
}

/** What the inner shape takes, and `nil`. */
export class NilableShape extends Around {
  override get expected(): string {
    return `${this.inner.expected} | nil`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    if (value === null) return null;
    const read = this.inner.read(value, trace, depth + 1);
    if (read === noMatch && trace !== null && trace.keys.length === 0) {
      return this.miss(value, trace, trace.cause);
    }
    return read;
  }

  override write(input: unknown): unknown {
    return input === null ? null : this.inner.write(input);
  }
}

/** What the inner shape gives and a predicate likes. */
export class WhereShape extends Around {
  readonly #predicate: (value: unknown) => boolean;
  readonly #description: string;

  constructor(inner: Shape, predicate: (value: unknown) => boolean, description: string) {
    super(inner);
    this.#predicate = predicate;
    this.#description = description;
  }

  override get expected(): string {
    return this.#description;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    const read = this.inner.read(value, trace, depth + 1);
    if (read === noMatch) return noMatch;
    try {
      return this.#predicate(read) ? read : this.miss(value, trace);
    } catch (cause) {
      return this.miss(value, trace, cause);
    }
  }
}

/** What the inner shape gives, changed by a function; a function that throws does not match. */
export class TransformShape extends Around {
  readonly #change: (value: unknown) => unknown;

  constructor(inner: Shape, change: (value: unknown) => unknown) {
    super(inner);
    this.#change = change;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    const read = this.inner.read(value, trace, depth + 1);
    if (read === noMatch) return noMatch;
    try {
      return this.#change(read);
    } catch (cause) {
      return this.miss(value, trace, cause);
    }
  }

  override get converts(): boolean {
    return true;
  }
}

/** The functions of a conversion both ways. */
export interface ConvertFunctions {
  is: (value: unknown) => boolean;
  from: (parsed: unknown) => unknown;
  to: (value: unknown) => unknown;
  expected?: string;
}

/** Values of some JavaScript type, which the inner shape carries over the wire. */
export class ConvertShape extends Around {
  readonly #functions: ConvertFunctions;

  constructor(inner: Shape, functions: ConvertFunctions) {
    super(inner);
    this.#functions = functions;
  }

  override get expected(): string {
    return this.#functions.expected ?? this.inner.expected;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    const functions = this.#functions;
    try {
      if (functions.is(value)) return value;
    } catch (cause) {
      return this.miss(value, trace, cause);
    }
    const read = this.inner.read(value, trace, depth + 1);
    if (read === noMatch) return this.#refuse(value, trace);
    try {
      return functions.from(read);
    } catch (cause) {
      return this.miss(value, trace, cause);
    }
  }

  // A name that was given for the whole says more than the parts that it is carried by, unless one of them is to blame.
  #refuse(value: unknown, trace: Trace | null): NoMatch {
    if (trace === null || trace.keys.length > 0) return noMatch;
    return this.miss(value, trace, trace.cause);
  }

  override write(input: unknown): unknown {
    return this.#functions.is(input) ? this.inner.write(this.#functions.to(input)) : input;
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return true;
  }
}
