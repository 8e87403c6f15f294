import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { Core } from "../core.ts";
import { NameError } from "../errors.ts";
import type { GlobalNames } from "../global_names.ts";
import type { Process } from "./process.ts";
import { checkRegistry, type GlobalTarget, type ViaTarget } from "../target.ts";

/** A name that a process gets where it is started: one of this node, one of the whole cluster, or one of a registry. */
export type RegisterAs = string | GlobalTarget | ViaTarget;

/**
 * A process's name that is not this node's to give. It is registered before `init` runs, as in OTP, and goes with the process.
 */
export class Registration implements Disposable {
  readonly #core: Core;
  readonly #as: GlobalTarget | ViaTarget;
  #pid: Pid | null = null;

  constructor(core: Core, as: GlobalTarget | ViaTarget) {
    this.#core = core;
    this.#as = as;
  }

  /** The name, as OTP has it where it names a server. */
  get name(): Term {
    const name = "global" in this.#as ? this.#as.global : this.#as.name;
    return typeof name === "string" && "global" in this.#as ? atom(name) : name as Term;
  }

  /**
   * Registers the process.
   *
   * @throws {NameError} that names who has the name, if it is taken; also as a rejection.
   */
  register(process: Process): void | Promise<void> {
    const done = (given: boolean): void => this.#registered(process, given);
    const given = "global" in this.#as
      ? this.#global.register(this.#as.global, process.pid)
      : this.#as.via.registerName(this.#as.name, process.pid);
    return isThenable(given) ? Promise.resolve(given).then(done) : done(given);
  }

  /** The process has ended. Names of the cluster know that themselves. */
  [Symbol.dispose](): void {
    if (this.#pid === null || "global" in this.#as) return;
    const { via, name } = this.#as;
    if (!via.whereisName(name)?.equals(this.#pid)) return; // another process has it by now
    const gone = via.unregisterName(name);
    if (isThenable(gone)) {
      Promise.resolve(gone).then(
        undefined,
        (error) => this.#core.fault("Cannot take a name back", error),
      );
    }
  }

  #registered(process: Process, given: boolean): void {
    if (!given) throw this.#taken();
    this.#pid = process.pid;
    if (process.exited) this[Symbol.dispose]();
    else process.own(this);
  }

  #taken(): NameError {
    const name = format(this.name as Encodable, { maxLength: 100 });
    const pid = "global" in this.#as
      ? this.#global.whereis(this.#as.global)
      : this.#as.via.whereisName(this.#as.name);
    const whose = pid === undefined ? "it is taken" : `${format(pid)} has it`;
    const where = "global" in this.#as ? "in global" : "in that registry";
    return new NameError(
      `Cannot register a process as ${name} ${where}: ${whose}, choose another`,
      pid ?? null,
    );
  }

  get #global(): GlobalNames {
    const { global } = this.#core;
    if (global === null) {
      throw new Error("Cannot register a global name: the node has not started yet");
    }
    return global;
  }
}

/**
 * What a start's `register` asks for besides a name of this node.
 *
 * @throws {TypeError} if it is no name.
 */
export function registrationOf(core: Core, as: RegisterAs | undefined): Registration | null {
  if (as === undefined || typeof as === "string") return null;
  if (typeof as === "object" && as !== null) {
    if ("global" in as && as.global !== undefined) return new Registration(core, as);
    if ("via" in as) {
      checkRegistry(as.via, true);
      return new Registration(core, as);
    }
  }
  throw new TypeError(
    `Cannot register a process: ${
      describe(as)
    } is no name, a string, { global: name } or { via: registry, name } is needed`,
  );
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? "such an object" : `a ${typeof value}`;
}
