import { atom } from "../../etf/atom.ts";
import { isList } from "../../etf/list.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { Handler } from "../server/handlers.ts";
import type { Child } from "./child.ts";

/** What others add to a child's arguments, parsed: types must not lie to the network. */
export function acceptedArgs(
  spec: Child<never>,
  extra: Term,
): { readonly args: readonly unknown[] } | { readonly error: Term } {
  if (!isList(extra)) return { error: tuple(atom("badarg"), extra) as Term };
  try {
    return { args: new Handler(spec._accept, () => {}).parse(extra) };
  } catch (thrown) {
    if (!(thrown instanceof SchemaError)) throw thrown;
    const hint = spec._accept.length === 0
      ? "; a child says by its option accept what other nodes may add to its arguments"
      : "";
    return { error: tuple(atom("bad_request"), [], thrown.message + hint) as unknown as Term };
  }
}
