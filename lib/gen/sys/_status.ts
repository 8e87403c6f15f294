import { atom } from "../../etf/atom.ts";
import { Pid } from "../../etf/identifiers.ts";
import { charlist } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import { debugOf, nameTerm } from "./debug.ts";
import { eventTerm } from "./_debug_options.ts";
import { shown, statusData } from "./shown.ts";

const RUNNING = atom("running");
const SUSPENDED = atom("suspended");

/**
 * What `sys:get_status/1` gives, as a gen_server of OTP gives it:
 * `{status, Pid, {module, M}, [PDict, SysState, Parent, Dbg, [{header, H}, {data, [...]}, {data, [{"State", S}]}]]}`.
 */
export function statusOf(behaviour: Behaviour): Term {
  const process = behaviour._process;
  const { module, title } = behaviour._system;
  const debugged = debugOf(behaviour);
  const name = nameTerm(behaviour);
  const state = process.suspended ? SUSPENDED : RUNNING;
  const parent = process.parent ?? process.pid;
  const dictionary = [
    tuple(atom("$initial_call"), tuple(initialModule(behaviour), atom("init"), 1)),
    tuple(atom("$ancestors"), ancestors(behaviour)),
  ];
  const options = debugged?.options.map((option) => option.term(name)) ?? [];
  const events = debugged?.log?.events.map(eventTerm) ?? [];
  const misc = [
    tuple(atom("header"), header(title, name)),
    ...behaviour._statusItems?.(state, parent, events) ?? [
      statusData([["Status", state], ["Parent", parent], ["Logged events", events]]),
      statusData([["State", shownState(behaviour)]]),
    ],
  ];
  const items = [dictionary, state, parent, options, misc];
  const made = tuple(atom("status"), process.pid, tuple(atom("module"), atom(module)), items);
  return made as unknown as Term;
}

function shownState(behaviour: Behaviour): Term {
  try {
    return shown(behaviour.formatState());
  } catch {
    return charlist(`${initialName(behaviour)}:formatState crashed`);
  }
}

/** As gen.erl writes it: a text where the name is a pid or an atom, else a pair. */
function header(title: string, name: Term): Term {
  if (name instanceof Pid) return charlist(`${title} <0.${name.id}.${name.serial}>`);
  return typeof name === "object" && name !== null && "name" in name
    ? charlist(`${title} ${name.name}`)
    : tuple(charlist(title), name) as unknown as Term;
}

function ancestors(behaviour: Behaviour): Term {
  const { parent } = behaviour._process;
  if (parent === null) return [];
  const name = behaviour._core.process(parent)?.name ?? null;
  return [name === null ? parent : atom(name)];
}

/** The class, in the place of Erlang's callback module. */
export function initialModule(behaviour: Behaviour): Term {
  return atom(initialName(behaviour));
}

export function initialName(behaviour: Behaviour): string {
  return behaviour.constructor.name || "anonymous";
}
