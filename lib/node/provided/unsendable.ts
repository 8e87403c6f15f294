import type { EncodeError } from "../../etf/errors.ts";
import type { Term } from "../../etf/term.ts";

/** What is said in the place of an exit reason that turns out to be no term, by that reason. */
const substitutes: WeakMap<object, (error: EncodeError) => Term> = new WeakMap();

/**
 * Says what takes the place of an exit reason where it cannot be sent. A result is not encoded twice to find out: it is known only
 * when it is sent.
 */
export function whereUnsendable(reason: Term, substitute: (error: EncodeError) => Term): void {
  if (typeof reason === "object" && reason !== null) substitutes.set(reason, substitute);
}

/** What to say in the place of that reason; `undefined` where nobody has told. */
export function substituteFor(reason: Term, error: EncodeError): Term | undefined {
  if (typeof reason !== "object" || reason === null) return undefined;
  return substitutes.get(reason)?.(error);
}
