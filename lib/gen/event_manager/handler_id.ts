import { Atom, atom } from "../../etf/atom.ts";
import { equal } from "../../etf/equal.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { nameOf } from "../../node/core.ts";
import type { EventHandler } from "./event_handler.ts";

/** A class of handlers, or the name that a manager knows one by: the callback module of Erlang. */
export type HandlerModule<H extends EventHandler> = (new () => H) | string;

/** Which handler of a manager: that of a class, or where it has several, the one that was added with this id. */
export type HandlerId<H extends EventHandler> =
  | HandlerModule<H>
  | { readonly handler: HandlerModule<H>; readonly id: Encodable };

/** What `init` of a handler takes; where only the module's name is known, the one term that it takes in Erlang. */
export type EventHandlerArgs<H extends EventHandler> = [EventHandler] extends [H]
  ? readonly Encodable[]
  : Parameters<H["init"]>;

/** The classes that others may add to a manager, by the name of the module. */
export type HandlerTable = Readonly<Record<string, new () => EventHandler>>;

/** @internal A handler's name: its module, and its id; `undefined` where it has none. */
export interface HandlerName {
  readonly module: string;
  readonly id: Term | undefined;
}

/** The class and the name of a handler that a program names. */
export function nameOfHandler(
  id: HandlerId<EventHandler>,
  table: HandlerTable,
): { readonly name: HandlerName; readonly type: (new () => EventHandler) | undefined } {
  const [module, sub] = typeof id === "object" && id !== null && "handler" in id
    ? [id.handler, id.id as Term]
    : [id, undefined];
  if (typeof module === "function") {
    const known = Object.keys(table).find((name) => table[name] === module);
    return { name: { module: known ?? module.name, id: sub }, type: module };
  }
  if (typeof module !== "string") {
    throw new TypeError(
      "Cannot name an event handler: its class, or { handler: class, id } is needed",
    );
  }
  const type = Object.hasOwn(table, module) ? table[module] : undefined;
  return { name: { module, id: sub }, type };
}

/** The name that a term of Erlang is, `Module` or `{Module, Id}`; `null` where it is none. */
export function readName(term: Term): HandlerName | null {
  if (isAtom(term)) return { module: nameOf(term), id: undefined };
  if (isTuple(term) && term.length === 2) {
    const [module, id] = term as unknown as [Term, Term];
    if (isAtom(module)) return { module: nameOf(module), id };
  }
  return null;
}

/** `Module`, or `{Module, Id}`. */
export function nameTerm({ module, id }: HandlerName): Term {
  const name = atom(module);
  return id === undefined ? name : tuple(name, id) as Term;
}

export function sameName(a: HandlerName, b: HandlerName): boolean {
  if (a.module !== b.module || (a.id === undefined) !== (b.id === undefined)) return false;
  return a.id === undefined || equal(a.id, b.id);
}

function isAtom(term: unknown): term is Atom | boolean | null {
  return term instanceof Atom || term === null || typeof term === "boolean";
}
