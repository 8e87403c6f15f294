import { Atom, atom } from "../../etf/atom.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { requestTerm } from "../../node/call.ts";
import { nameOf } from "../../node/core.ts";
import { type AnyHandler, Handler } from "./handlers.ts";

// What servers with tables of handlers have in common: whose request it is, with which arguments, and how it is refused.

export { argumentsText, type Refused, unknownError, unknownText } from "./_refusals.ts";

const BAD_REQUEST = atom("bad_request");
const NO_ARGS: readonly unknown[] = [];

/** Handlers by name. */
export type Table = Readonly<Record<string, AnyHandler>>;

/** The handler of that name, which the table has of its own. */
export function own(table: object | undefined, name: string | null): AnyHandler | undefined {
  if (table === undefined || name === null || !Object.hasOwn(table, name)) return undefined;
  return (table as Table)[name];
}

export function functionOf(handler: AnyHandler): (...args: never[]) => unknown {
  return handler instanceof Handler ? handler.fn : handler;
}

/** @throws {SchemaError} where they are not what the handler takes. */
export function parseArgs(
  handler: AnyHandler,
  name: string | null,
  args: readonly unknown[],
  typed: boolean,
): readonly unknown[] {
  if (handler instanceof Handler) return handler.parse(args);
  if (!typed && args.length > 0) {
    throw new SchemaError(
      [],
      `no arguments, as ${name} has no schemas for them (declare them with on(...))`,
      `${args.length} arguments`,
    );
  }
  return args;
}

/** The term of a typed request, which is known to have a name. */
export function termOf(name: string | null, args: readonly unknown[]): Term {
  return requestTerm({ name: name!, args }) as Term;
}

/** The name of the request that a term is; `null` where it is neither an atom nor a tuple with one in front. */
export function nameIn(term: Term): string | null {
  if (isTuple(term)) return term.length > 0 && isAtom(term[0]) ? nameOf(term[0]) : null;
  return isAtom(term) ? nameOf(term) : null;
}

export function argsIn(term: Term): readonly unknown[] {
  return isTuple(term) && term.length > 1 ? Array.prototype.slice.call(term, 1) : NO_ARGS;
}

function isAtom(term: Term): term is Atom | boolean | null {
  return term instanceof Atom || term === null || typeof term === "boolean";
}

/** What the caller of a request exits with that is refused. */
export function badRequest(path: readonly PropertyKey[], message: string): Term {
  const keys = path.map((key) => typeof key === "number" ? key : String(key));
  return tuple(BAD_REQUEST, keys, message) as unknown as Term;
}
