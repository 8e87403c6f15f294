import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { termKey } from "../../etf/term_key.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { Schema } from "../../etf/schema/schema.ts";
import { shown } from "../sys/shown.ts";
import { Child } from "./child.ts";
import type { AutoShutdown } from "./flags.ts";

/** What is wrong with a child's specification. */
export interface SpecFault {
  /** As OTP's `check_childspecs` says it. */
  readonly term: Term;
  readonly text: string;
}

/**
 * Checks what the types say too, and what they cannot say.
 *
 * @param seen the keys of the ids of its siblings, to which its own is added.
 */
export function specFault(
  spec: unknown,
  autoShutdown: AutoShutdown,
  seen: Set<unknown> = new Set(),
): SpecFault | null {
  if (!(spec instanceof Child)) {
    return fault(
      "invalid_child_spec",
      spec,
      "a child must be made by child(...) or remoteChild(...)",
    );
  }
  const { restart, shutdown, type, significant, _accept: accept } = spec as Child<never>;
  const name = format(spec._id, { maxLength: 100 });
  if (!["permanent", "transient", "temporary"].includes(restart)) {
    return fault(
      "invalid_restart_type",
      restart,
      `the restart of child ${name} must be permanent, transient or temporary`,
    );
  }
  if (typeof significant !== "boolean") {
    return fault(
      "invalid_significant",
      significant,
      `significant of child ${name} must be true or false`,
    );
  }
  if (significant && autoShutdown === "never") {
    return bad(
      "auto_shutdown",
      "never",
      `child ${name} is significant, but its supervisor has no autoShutdown`,
    );
  }
  if (significant && restart === "permanent") {
    return bad(
      "restart",
      "permanent",
      `child ${name} is significant and permanent, which never ends by itself`,
    );
  }
  if (type !== "worker" && type !== "supervisor") {
    return fault(
      "invalid_child_type",
      type,
      `the type of child ${name} must be worker or supervisor`,
    );
  }
  if (shutdown !== "brutal_kill" && !(typeof shutdown === "number" && shutdown >= 0)) {
    return fault(
      "invalid_shutdown",
      shutdown,
      `the shutdown of child ${name} must be milliseconds, Infinity or brutal_kill`,
    );
  }
  if (!Array.isArray(accept) || !accept.every((one) => one instanceof Schema)) {
    return fault("invalid_accept", accept, `accept of child ${name} must be an array of schemas`);
  }
  const key = termKey(spec._id);
  if (seen.has(key)) {
    return {
      term: tuple(atom("duplicate_child_name"), spec._id) as Term,
      text: `two children have the id ${name}, give one of them another by the option id`,
    };
  }
  seen.add(key);
  return null;
}

function fault(name: string, value: unknown, text: string): SpecFault {
  const term = typeof value === "string" ? atom(value) : shown(value);
  return { term: tuple(atom(name), term) as Term, text };
}

function bad(name: string, value: string, text: string): SpecFault {
  const pairs = [tuple(atom(name), atom(value)), tuple(atom("significant"), true)];
  return { term: tuple(atom("bad_combination"), pairs) as unknown as Term, text };
}
