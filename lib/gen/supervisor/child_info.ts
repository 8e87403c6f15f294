import type { Pid } from "../../etf/identifiers.ts";
import { type ChildId, type ChildType, idOf } from "./child.ts";
import type { Supervision } from "./_supervision.ts";
import type { Entry } from "./_table.ts";

/** How many children a supervisor has. */
export interface ChildCounts {
  /** Specifications: all children that it knows, also those that do not run; 1 for a simple_one_for_one supervisor. */
  readonly specs: number;
  /** Those that run. */
  readonly active: number;
  /** Those that are supervisors, running or not. */
  readonly supervisors: number;
  /** Those that are none, running or not. */
  readonly workers: number;
}

/** One child, as its supervisor sees it. */
export interface ChildInfo {
  /** What names it; `null` where the children have no ids (simple_one_for_one). */
  readonly id: ChildId | null;
  /** Its process; `null` where there is none at present. */
  readonly pid: Pid | null;
  /** `stopped` where it was terminated, has ended for good, or did not want to start. */
  readonly state: "running" | "restarting" | "stopped" | "disabled";
  /** Whether it is a supervisor itself. */
  readonly type: ChildType;
}

/** @internal */
export function infoOf({ template }: Supervision, entry: Entry): ChildInfo {
  const { spec, running, restarting, disabled } = entry;
  const state = restarting
    ? "restarting"
    : running !== null
    ? "running"
    : disabled
    ? "disabled"
    : "stopped";
  return {
    id: template === null ? idOf(spec._id) : null,
    pid: running?.pid ?? null,
    state,
    type: spec.type,
  };
}
