import { Atom, atom } from "../../etf/atom.ts";
import { equal } from "../../etf/equal.ts";
import type { Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { nameOf } from "../../node/core.ts";
import type { Statem } from "./statem.ts";
import { shown, statusData } from "../sys/shown.ts";
import type { Engine } from "./_engine.ts";
import { nameTerm } from "./event.ts";

/** Whether two states are the same: as terms, and objects by their fields. */
export function sameState(a: unknown, b: unknown): boolean {
  if (a === b || equal(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameState(a[key], b[key]));
}

/** A state as others see it: the atom of its name, with its own data `{Name, Map}`, or the term that it is. */
export function stateTerm(state: unknown): Term {
  if (isPlain(state) && typeof state.name === "string") {
    const { name, ...data } = state;
    return tuple(nameTerm(name), shown(data)) as Term;
  }
  return shown(nameTerm(state));
}

/** `{State, Data}`. */
export function stateAndData(state: unknown, data: unknown): unknown {
  return tuple(stateTerm(state), data);
}

/** What `sys:replace_state` has made of `{State, Data}`. */
export function readState(
  replaced: unknown,
  old: unknown,
): { readonly state: unknown; readonly data: Term } {
  if (!isTuple(replaced) || replaced.length !== 2) {
    throw new TypeError("Cannot replace the state: {State, Data} is needed");
  }
  const [term, data] = replaced as unknown as [Term, Term];
  if (equal(term, stateTerm(old))) return { state: old, data };
  return { state: stateOf(term, old), data };
}

/** The state that a term stands for, in the form that the machine's states have. */
function stateOf(term: Term, old: unknown): unknown {
  if (isAtom(term) && typeof old === "string") return nameOf(term);
  if (isPlain(old) && isTuple(term) && term.length === 2) {
    const [name, data] = term as unknown as [Term, Term];
    if (isAtom(name) && (data instanceof TermMap || data instanceof Map)) {
      const fields = Array.from(
        data as Iterable<[Term, Term]>,
        ([key, value]) => [isAtom(key) ? nameOf(key) : String(key), value],
      );
      return { ...Object.fromEntries(fields), name: nameOf(name) };
    }
  }
  return term;
}

/** What `sys:get_status` shows of a machine behind the header. */
export function statusItems(
  machine: Statem<unknown>,
  engine: Engine,
  status: Term,
  parent: Term,
  events: readonly Term[],
): readonly unknown[] {
  const timeouts = engine.timeouts.list.map((event) => shown(event.term));
  return [
    statusData([
      ["Status", status],
      ["Parent", parent],
      ["Modules", [atom(machine.constructor.name || "anonymous")]],
      ["Time-outs", tuple(timeouts.length, timeouts)],
      ["Logged Events", events],
      // The newest first, as gen_statem keeps them.
      ["Postponed", engine.postponed.map((event) => shown(event.term)).reverse()],
    ]),
    statusData([["State", shownState(machine)]]),
  ];
}

function shownState(machine: Statem<unknown>): Term {
  try {
    return shown(machine.formatState());
  } catch {
    return `${machine.constructor.name}:formatData crashed`;
  }
}

function isAtom(term: unknown): term is Atom | boolean | null {
  return term instanceof Atom || term === null || typeof term === "boolean";
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
