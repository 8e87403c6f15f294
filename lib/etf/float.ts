import { inspectable } from "./_inspect.ts";

/** A float as an object, where a number would not say that it is one: `float(1)` is Erlang's `1.0`, `1` its `1`. */
export class Float {
  readonly value: number;

  /** @throws {RangeError} if the value is not finite: Erlang has no NaN and no infinity. */
  constructor(value: number) {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot make a float of ${value}: Erlang has only finite floats`);
    }
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }

  static {
    inspectable(this.prototype);
  }
}

/** A number that is a float whatever its value is. */
export function float(value: number): Float {
  return new Float(value);
}
