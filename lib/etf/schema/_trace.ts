import { kindOf } from "./_kind.ts";
import { type NoMatch, noMatch } from "./_shape.ts";

/** Where and why a value did not match. Filled only on the second reading, after a first one has failed. */
export class Trace {
  /** Keys from the value that did not match outward. */
  readonly keys: PropertyKey[] = [];
  expected = "";
  found = "";
  cause: unknown = undefined;

  /** Notes a value that did not match; keys are then added by what holds it. */
  miss(expected: string, value: unknown, cause?: unknown): NoMatch {
    this.keys.length = 0;
    this.expected = expected;
    this.found = kindOf(value);
    this.cause = cause;
    return noMatch;
  }

  /** Notes under which key that value was. */
  at(key: PropertyKey): NoMatch {
    this.keys.push(key);
    return noMatch;
  }

  /** Takes over what another trace has noted. */
  take(other: Trace): NoMatch {
    this.keys.length = 0;
    this.keys.push(...other.keys);
    this.expected = other.expected;
    this.found = other.found;
    this.cause = other.cause;
    return noMatch;
  }
}
