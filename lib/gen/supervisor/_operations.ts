import { atom } from "../../etf/atom.ts";
import { equal } from "../../etf/equal.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Core } from "../../node/core.ts";
import type { Child } from "./child.ts";
import { specFault } from "./_spec_faults.ts";
import type { Failure, Supervision } from "./_supervision.ts";
import { Entry } from "./_table.ts";

const NOT_FOUND = atom("not_found");
const RUNNING = atom("running");
const RESTARTING = atom("restarting");
const DISABLED = atom("disabled");
const SIMPLE = atom("simple_one_for_one");
const ALREADY_PRESENT = atom("already_present");

/** A child that was started, or found. */
export interface Done {
  readonly entry: Entry;
}

/** Starts a child by its specification, as `supervisor:start_child/2`. */
export async function startChild(
  supervision: Supervision,
  spec: Child<never>,
  extra: readonly unknown[] = [],
  peer: string | null = null,
): Promise<Done | Failure> {
  const fault = specFault(spec, supervision.flags.autoShutdown);
  if (fault !== null) return { error: fault.term, cause: new TypeError(fault.text), refused: true };
  const present = supervision.children.byId(spec._id);
  if (present?.running) {
    const error = tuple(atom("already_started"), present.running.pid) as Term;
    return { error, refused: true };
  }
  if (present !== undefined) return { error: ALREADY_PRESENT, refused: true };
  return await started(supervision, new Entry(spec, extra, peer));
}

/** Starts one more child of a simple_one_for_one supervisor. */
export function startOneMore(
  supervision: Supervision,
  extra: readonly unknown[],
  peer: string | null = null,
): Promise<Done | Failure> {
  return started(supervision, new Entry(supervision.template!.spec, extra, peer));
}

async function started(supervision: Supervision, entry: Entry): Promise<Done | Failure> {
  return await supervision.start(entry) ?? { entry };
}

/** Ends a child and, unless it is temporary, keeps its specification. */
export async function terminateChild(
  supervision: Supervision,
  core: Core,
  id: Term,
): Promise<Failure | null> {
  if (supervision.template !== null && !(id instanceof Pid)) return { error: SIMPLE };
  const entry = find(supervision, id);
  if (entry === undefined) return wasThere(supervision, core, id) ? null : { error: NOT_FOUND };
  await supervision.end(entry);
  return null;
}

/** Starts a child again that was terminated, or has ended. */
export async function restartChild(supervision: Supervision, id: Term): Promise<Done | Failure> {
  const entry = stopped(supervision, id);
  if ("error" in entry) return entry;
  if (entry.disabled) return { error: DISABLED };
  return await supervision.restart(entry) ?? { entry };
}

/** Forgets a child that does not run. */
export function deleteChild(supervision: Supervision, id: Term): Failure | null {
  const entry = stopped(supervision, id);
  if ("error" in entry) return entry;
  supervision.children.remove(entry);
  return null;
}

/** Ends a child, and starts it no more until it is enabled, whatever happens to its siblings. */
export async function disableChild(supervision: Supervision, id: Term): Promise<Failure | null> {
  if (supervision.template !== null) return { error: SIMPLE };
  const entry = supervision.children.byId(id);
  if (entry === undefined) return { error: NOT_FOUND };
  entry.disabled = true;
  await supervision.end(entry);
  return null;
}

/** Starts a child that was disabled. */
export async function enableChild(supervision: Supervision, id: Term): Promise<Done | Failure> {
  if (supervision.template !== null) return { error: SIMPLE };
  const entry = supervision.children.byId(id);
  if (entry === undefined) return { error: NOT_FOUND };
  entry.disabled = false;
  if (entry.running !== null || entry.restarting) return { entry };
  return await supervision.restart(entry) ?? { entry };
}

/** What `get_childspec` tells of; a process that has ended may have been one of those that are all alike. */
export function findChild(supervision: Supervision, core: Core, id: Term): Done | Failure {
  const entry = find(supervision, id);
  if (entry !== undefined) return { entry };
  return wasThere(supervision, core, id) ? { entry: supervision.template! } : { error: NOT_FOUND };
}

/** One child, as `which_child` of OTP 28 tells of it. */
export function whichChild({ children, template }: Supervision, id: Term): Done | Failure {
  if (template !== null && !(id instanceof Pid)) return { error: SIMPLE };
  const entry = id instanceof Pid && template !== null ? children.byPid(id) : children.byId(id);
  return entry === undefined ? { error: NOT_FOUND } : { entry };
}

/** By its id; of a simple_one_for_one supervisor by its pid, or by the id that all have. */
function find(supervision: Supervision, id: Term): Entry | undefined {
  const { children, template } = supervision;
  if (template === null) return children.byId(id);
  if (id instanceof Pid) return children.byPid(id);
  return equal(template.spec._id, id) ? template : undefined;
}

/** Whoever names a child by its pid cannot know that it has ended meanwhile: as in OTP that is no error. */
function wasThere({ template }: Supervision, core: Core, id: Term): boolean {
  return template !== null && id instanceof Pid && core.remoteOf(id) === null &&
    core.process(id) === undefined;
}

function stopped({ children, template }: Supervision, id: Term): Entry | Failure {
  if (template !== null) return { error: SIMPLE };
  const entry = children.byId(id);
  if (entry === undefined) return { error: NOT_FOUND };
  if (entry.restarting) return { error: RESTARTING };
  return entry.running === null ? entry : { error: RUNNING };
}
