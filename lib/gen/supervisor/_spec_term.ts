import { Atom, atom } from "../../etf/atom.ts";
import { isList } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { Child, type ChildType, idOf, type Restart, type Shutdown } from "./child.ts";
import { startOf } from "./_start_asked.ts";
import type { Failure, Supervision } from "./_supervision.ts";

const INFINITY: Term = atom("infinity");
const DYNAMIC: Term = atom("dynamic");
const FIELDS = ["id", "start", "restart", "shutdown", "type", "modules"] as const;

/**
 * The child that Erlang's specification stands for, a map or the old tuple of six; or what is wrong with it, in OTP's terms.
 *
 * @param peer the node that has sent it; `null` for this one.
 */
export function childOf(
  supervision: Supervision,
  term: Term,
  peer: string | null,
): { readonly child: Child<never>; readonly extra: readonly unknown[] } | Failure {
  const fields = fieldsOf(term);
  if (fields === null) return fault("invalid_child_spec", term);
  const { id, start, restart, shutdown, type, modules, significant } = fields;
  if (id === undefined) return { error: atom("missing_id") };
  if (start === undefined) return { error: atom("missing_start") };
  if (!isMfa(start)) return fault("invalid_mfa", start);
  const restartName = nameOf(restart) ?? (restart === undefined ? "permanent" : null);
  if (!["permanent", "transient", "temporary"].includes(restartName!)) {
    return fault("invalid_restart_type", restart!);
  }
  if (significant !== undefined && typeof significant !== "boolean") {
    return fault("invalid_significant", significant);
  }
  const typeName = nameOf(type) ?? (type === undefined ? "worker" : null);
  if (typeName !== "worker" && typeName !== "supervisor") {
    return fault("invalid_child_type", type!);
  }
  const time = shutdownOf(shutdown);
  if (time === null) return fault("invalid_shutdown", shutdown!);
  const wrong = modules === undefined ? null : modulesFault(modules);
  if (wrong !== null) return wrong;
  const made = startOf(supervision, start, peer);
  const child = new Child<never>(
    made.start,
    {
      id: idOf(id),
      restart: restartName as Restart,
      significant: significant ?? false,
      type: typeName as ChildType,
      ...(time === undefined ? {} : { shutdown: time }),
    },
    "worker",
    modules ?? [start[0] as Term],
  );
  return { child, extra: made.extra };
}

interface Fields {
  readonly id?: Term;
  readonly start?: Term;
  readonly restart?: Term;
  readonly shutdown?: Term;
  readonly type?: Term;
  readonly modules?: Term;
  readonly significant?: Term;
}

function fieldsOf(term: Term): Fields | null {
  if (isTuple(term) && term.length === FIELDS.length) {
    return Object.fromEntries(FIELDS.map((name, i) => [name, term[i] as Term]));
  }
  if (!(term instanceof TermMap)) return null;
  return Object.fromEntries(
    [...FIELDS, "significant"].map((name) => [name, term.get(atom(name))]),
  );
}

function isMfa(term: Term): term is Tuple<[Term, Term, Term[]]> & Term {
  return isTuple(term) && term.length === 3 && isName(term[0]) && isName(term[1]) &&
    isList(term[2]);
}

function isName(term: Term): boolean {
  return term instanceof Atom || term === null || typeof term === "boolean";
}

function nameOf(term: Term | undefined): string | null {
  return term instanceof Atom ? term.name : null;
}

/** `undefined` where it is not given, `null` where it is wrong. */
function shutdownOf(term: Term | undefined): Shutdown | undefined | null {
  if (term === undefined) return undefined;
  if (term === INFINITY) return Infinity;
  if (term instanceof Atom && term.name === "brutal_kill") return "brutal_kill";
  return typeof term === "number" && Number.isInteger(term) && term >= 0 ? term : null;
}

function modulesFault(term: Term): Failure | null {
  if (term === DYNAMIC) return null;
  if (!isList(term)) return fault("invalid_modules", term);
  const wrong = term.find((one) => !isName(one));
  return wrong === undefined ? null : fault("invalid_module", wrong);
}

function fault(name: string, term: Term): Failure {
  return { error: tuple(atom(name), term) as Term, refused: true };
}
