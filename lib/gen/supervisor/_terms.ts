import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Child, Shutdown } from "./child.ts";
import type { ChildCounts } from "./child_info.ts";
import type { Supervision } from "./_supervision.ts";
import type { Entry } from "./_table.ts";

const OK = atom("ok");
const UNDEFINED = atom("undefined");
const RESTARTING = atom("restarting");

/** `[{Id, Pid | restarting | undefined, Type, Modules}]`, the last that was started first, as in OTP. */
export function whichChildrenTerm({ children, template }: Supervision): Term {
  return Array.from(children, (entry) => childTerm(entry, template !== null)).reverse();
}

/** `{Id, Pid | restarting | undefined, Type, Modules}`. */
export function childTerm({ spec, running, restarting }: Entry, isNameless: boolean): Term {
  const pid = restarting ? RESTARTING : running?.pid ?? UNDEFINED;
  const id = isNameless ? UNDEFINED : spec._id;
  return tuple(id, pid, atom(spec.type), spec._modules) as Term;
}

export function countChildren({ children, template }: Supervision): ChildCounts {
  if (template !== null) {
    const { size } = children;
    const isSupervisor = template.spec.type === "supervisor";
    return {
      specs: 1,
      active: size - children.restarting,
      supervisors: isSupervisor ? size : 0,
      workers: isSupervisor ? 0 : size,
    };
  }
  let active = 0;
  let supervisors = 0;
  for (const { spec, running } of children) {
    if (running !== null && running.reason === undefined) active++;
    if (spec.type === "supervisor") supervisors++;
  }
  return { specs: children.size, active, supervisors, workers: children.size - supervisors };
}

export function countChildrenTerm(supervision: Supervision): Term {
  const counts = Object.entries(countChildren(supervision));
  return counts.map(([name, count]) => tuple(atom(name), count)) as unknown as Term;
}

/** What `start_child` and `restart_child` answer. */
export function startedTerm({ running }: Entry): Term {
  const pid = running?.pid ?? UNDEFINED;
  const info = running?.info;
  return (info === undefined ? tuple(OK, pid) : tuple(OK, pid, info)) as Term;
}

/** The map of a specification, as `get_childspec` gives it. */
export function specTerm({ spec, extra }: Entry): Term {
  return new TermMap([
    [atom("id"), spec._id],
    [atom("start"), spec._start.mfa(extra)],
    [atom("restart"), atom(spec.restart)],
    [atom("significant"), spec.significant],
    [atom("shutdown"), shutdownTerm(spec.shutdown)],
    [atom("type"), atom(spec.type)],
    [atom("modules"), spec._modules],
  ]);
}

/** The record `#child{}`, which OTP puts into `{error, {Reason, Child}}` where a child could not be started. */
export function recordTerm(spec: Child<never>, extra: readonly unknown[]): Term {
  return tuple(
    atom("child"),
    UNDEFINED,
    spec._id,
    spec._start.mfa(extra),
    atom(spec.restart),
    spec.significant,
    shutdownTerm(spec.shutdown),
    atom(spec.type),
    spec._modules,
  ) as Term;
}

function shutdownTerm(shutdown: Shutdown): Term {
  if (shutdown === Infinity) return atom("infinity");
  return typeof shutdown === "string" ? atom(shutdown) : shutdown;
}
