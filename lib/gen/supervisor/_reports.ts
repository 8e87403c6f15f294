import { format } from "../../etf/format.ts";
import type { Term } from "../../etf/term.ts";
import type { Core } from "../../node/core.ts";
import type { Process } from "../../node/process/process.ts";
import { isTuple } from "../../etf/tuple.ts";
import type { Entry } from "./_table.ts";
import type { Running } from "./_start.ts";

/** What goes wrong with children, in OTP's words. */
export type Trouble = "start_error" | "child_terminated" | "shutdown_error" | "shutdown";

const WORDS: Readonly<Record<Trouble, string>> = {
  start_error: "cannot start",
  child_terminated: "has lost",
  shutdown_error: "has ended, not as it was told,",
  shutdown: "ends after too many restarts, the last of",
};

/** Writes supervisor reports to the node's log. */
export class Reports {
  readonly #core: Core;
  readonly #process: Process;
  readonly #kind: string | null;

  /** @param kind the name of the supervisor's class, where it says something. */
  constructor(core: Core, process: Process, kind: string | null) {
    this.#core = core;
    this.#process = process;
    this.#kind = kind;
  }

  /** @param running the child's process, where it has or had one. */
  trouble(what: Trouble, reason: Term, entry: Entry, running: Running | null): void {
    if (!this.#core.logger._admits("error", this.#process)) return;
    const { _id: id, restart } = entry.spec;
    const pid = running?.pid;
    const child = `${format(id, SHORT)}${pid === undefined ? "" : ` ${format(pid)}`} (${restart})`;
    this.#log(`${WORDS[what]} child ${child}: ${inShort(reason)}`, {
      report: what,
      child: id,
      ...(pid === undefined ? {} : { child_pid: pid }),
      restart,
      reason,
    });
  }

  /** Children that are all alike have ended, not as they were told. */
  shutdownErrors(reason: Term, entry: Entry, count: number): void {
    const { _id: id } = entry.spec;
    const children = `${count} children ${format(id, SHORT)}`;
    this.#log(`${WORDS.shutdown_error} ${children}: ${inShort(reason)}`, {
      report: "shutdown_error",
      child: id,
      count,
      reason,
    });
  }

  unexpected(message: Term): void {
    this.#log(`got a message that it does not handle: ${format(message, SHORT)}`, {});
  }

  /** @param meta what the text says, for those who read it by a program. */
  #log(text: string, meta: Readonly<Record<string, unknown>>): void {
    const who = this.#process.name ?? format(this.#process.pid);
    const named = this.#kind === who || this.#kind === null ? who : `${this.#kind} ${who}`;
    this.#core.logger._log("error", `Supervisor ${named} ${text}`, this.#process, {}, meta);
  }
}

const SHORT = { maxLength: 1_000 };

/** A reason without the stack of an error, which the process that has crashed reports itself. */
function inShort(reason: Term): string {
  const error = isTuple(reason) && reason.length === 2 ? reason[0] as Term : null;
  if (isTuple(error) && error.tag === "js_error" && error.length === 3) {
    return `${error[1]}: ${error[2]}`.slice(0, 1_000);
  }
  return format(reason, SHORT);
}
