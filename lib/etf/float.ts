import { inspectable } from "./_inspect.ts";

/** A float as an object, where a number would not say that it is one: `float(1)` is Erlang's `1.0`, `1` its `1`. */
export class Float {
  /** The number; never NaN or infinite. */
  readonly value: number;

  /**
   * What {@linkcode float} makes.
   *
   * @throws {RangeError} if the value is not finite: Erlang has no NaN and no infinity.
   */
  constructor(value: number) {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot make a float of ${value}: Erlang has only finite floats`);
    }
    this.value = value;
  }

  /** The number, so that arithmetic and `<` take a float as it is; `===` compares objects, see {@linkcode equal}. */
  valueOf(): number {
    return this.value;
  }

  /** The number: JSON does not tell floats from integers. */
  toJSON(): number {
    return this.value;
  }

  static {
    inspectable(this.prototype);
  }
}

/**
 * A number that is sent as a float whatever its value is; bare integral numbers are sent as integers as far as they are safe
 * ones (2^53-1), beyond that as floats: give a bigint where an integer is meant.
 *
 * @throws {RangeError} if the value is not finite.
 */
export function float(value: number): Float {
  return new Float(value);
}
