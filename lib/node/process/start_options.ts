import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { atom } from "../../etf/atom.ts";
import { KILLED } from "../atoms.ts";
import type { Core } from "../core.ts";
import { ExitError } from "../errors.ts";
import type { ProcessOptions, StartOptions } from "../local_node.ts";
import { Deadline } from "./deadlines.ts";
import { checkEnv } from "./env.ts";
import { checkTerms } from "../terms_option.ts";
import { unlinkProcesses } from "./links.ts";
import type { MailboxOptions } from "./mailbox.ts";
import { checkMailbox } from "./mailbox_limit.ts";
import type { Process } from "./process.ts";

/** Every option, so that a misspelt one is not taken for its default. */
const PROCESS_FIELDS: FieldsOf<ProcessOptions> & Readonly<Record<string, unknown>> = {
  register: true,
  link: true,
  terms: true,
  mailbox: true,
  env: true,
};
const START_FIELDS: FieldsOf<StartOptions> = {
  ...PROCESS_FIELDS,
  timeout: true,
  hibernateAfter: true,
};

/** @throws {TypeError} if there is no such option, or its value cannot be meant. */
export function checkSpawnOptions(options: ProcessOptions): void {
  checkFields("spawn a process", options, PROCESS_FIELDS);
  const { terms } = options;
  if (terms !== undefined) checkTerms("spawn a process", terms, "process");
  checkValues(options);
}

/**
 * @param name of the class.
 * @throws {TypeError} if there is no such option, or its value cannot be meant.
 * @throws {RangeError} if a time is none.
 */
export function checkStartOptions(name: string, options: StartOptions): void {
  checkFields(`start ${name}`, options, START_FIELDS);
  checkTimeout(`start ${name}`, options.timeout);
  checkTimeout(`start ${name}`, options.hibernateAfter, "hibernateAfter");
  const { terms } = options;
  if (terms !== undefined) checkTerms(`start ${name}`, terms, "process");
  checkValues(options);
}

/** Before there is a process, which has its name from the beginning. */
function checkValues(
  { mailbox, env }: { readonly mailbox?: MailboxOptions; readonly env?: unknown },
): void {
  if (mailbox !== undefined) checkMailbox(mailbox);
  if (env !== undefined) checkEnv(env);
}

/** @throws {RangeError} if it is no time. */
export function checkTimeout(what: string, timeout: unknown, option = "timeout"): void {
  if (timeout === undefined || (typeof timeout === "number" && timeout >= 0)) return;
  throw new RangeError(
    `Cannot ${what} with ${option} ${String(timeout)}: 0 or more milliseconds are needed`,
  );
}

/** Ends a process whose start takes too long, as OTP does: its links hear nothing of it. */
export class StartDeadline extends Deadline {
  readonly #core: Core;
  readonly #name: string;
  readonly #timeout: number;
  #process: Process | null = null;
  #link: Process | null = null;
  #started: ((error: Error | null) => void) | null;

  /** @param started is called once: with `null`, why it has not started, or that it took too long. */
  constructor(
    core: Core,
    name: string,
    timeout: number,
    started: (error: Error | null) => void,
  ) {
    super();
    this.#core = core;
    this.#name = name;
    this.#timeout = timeout;
    this.#started = started;
  }

  begin(process: Process, link: Process | null): void {
    this.#process = process;
    this.#link = link;
    this.#core.setDeadline(this, this.#timeout);
  }

  /** What the process tells. */
  readonly started = (error: Error | null): void => {
    this.#core.clearDeadline(this);
    const started = this.#started;
    this.#started = null;
    started?.(error);
  };

  override expired(): void {
    const process = this.#process!;
    const started = this.#started;
    this.#started = null;
    if (this.#link !== null) unlinkProcesses(this.#core, this.#link, process.pid);
    process.exit(KILLED);
    const text =
      `Cannot start ${this.#name}: its init was not done within ${this.#timeout} ms, and it was killed; give it a longer timeout`;
    started?.(new ExitError(atom("timeout"), text));
  }
}
