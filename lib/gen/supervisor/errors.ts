import { Atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";
import { ExitError } from "../../node/errors.ts";

/** What a supervisor refuses, or could not do. The {@linkcode ExitError.reason} is what an Erlang caller gets in `{error, Reason}`. */
export class SupervisorError extends ExitError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "SupervisorError";

  /** @ignore @internal */
  constructor(verb: string, reason: Term, options?: ErrorOptions) {
    super(reason, `Cannot ${verb}: ${why(reason, options?.cause)}`, options);
  }

  /** The reason's name, where it is an atom or begins with one: `"not_found"`, `"running"`, `"already_started"`; else `null`. */
  get code(): string | null {
    const { reason } = this;
    const head: unknown = isTuple(reason) ? reason[0] : reason;
    return head instanceof Atom ? head.name : null;
  }

  /** Who runs already, where the reason is `{already_started, Pid}`; else `null`. */
  get pid(): Pid | null {
    const { reason } = this;
    if (this.code !== "already_started" || !isTuple(reason)) return null;
    return reason[1] instanceof Pid ? reason[1] : null;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  not_found: "the supervisor has no such child",
  not_running: "it does not run at present",
  running: "it runs, terminate it first",
  restarting: "it is being restarted, terminate it first",
  disabled: "it is disabled, enable it first",
  already_present:
    "the supervisor has a child of that id, which does not run: restart it, or delete it first",
  simple_one_for_one:
    "the children of a simple_one_for_one supervisor have no ids, give the pid of one",
};

function why(reason: Term, cause: unknown): string {
  if (reason instanceof Atom && Object.hasOwn(WORDS, reason.name)) return WORDS[reason.name];
  if (isTuple(reason) && reason.tag === "already_started") {
    return `${format(reason[1] as Term)} runs already`;
  }
  return cause instanceof Error ? cause.message : format(reason, { maxLength: 1_000 });
}
