import { isTuple } from "./tuple.ts";
import { inspectable } from "./_inspect.ts";
import type { Term } from "./term.ts";

/** A list that does not end in the empty list, as `[alias | Ref]`. OTP puts one into the tag of every call. */
export class ImproperList {
  /** The elements before the tail; at least one. */
  readonly elements: readonly Term[];
  /** What stands after the bar; not a list. */
  readonly tail: Term;

  /**
   * The list `[...elements | tail]`.
   *
   * @throws {RangeError} if there are no elements.
   * @throws {TypeError} if the tail is a list: the whole is a proper or a longer improper list then.
   */
  constructor(elements: readonly Term[], tail: Term) {
    if (elements.length === 0) {
      throw new RangeError(
        "Cannot make an improper list: it has no elements, at least one is needed",
      );
    }
    if (isList(tail) || tail instanceof ImproperList) {
      throw new TypeError(
        "Cannot make an improper list: its tail is a list, add its elements instead",
      );
    }
    this.elements = elements;
    this.tail = tail;
  }

  static {
    inspectable(this.prototype);
  }
}

/** Whether a value is a proper Erlang list: an Array that is no tuple. */
export function isList(value: unknown): value is Term[] {
  return Array.isArray(value) && !isTuple(value);
}

/** The list of a text's code points: what Erlang writes `"text"` and Elixir `~c"text"`. */
export function charlist(text: string): number[] {
  if (typeof text !== "string") throw new TypeError("Cannot make a charlist: a text is needed");
  return Array.from(text, (character) => character.codePointAt(0)!);
}
