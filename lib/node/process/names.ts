import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { NameError } from "../errors.ts";
import type { Process } from "./process.ts";

/** The names that are registered on a node, and whose they are: a process has one at most. */
export class Names {
  readonly #processes: Map<string, Process> = new Map();

  get size(): number {
    return this.#processes.size;
  }

  get(name: string): Process | undefined {
    return this.#processes.get(name);
  }

  keys(): IterableIterator<string> {
    return this.#processes.keys();
  }

  /** @throws {NameError} if the name is taken, or the process has one. */
  register(name: string, process: Process): void {
    process.mustLive("register");
    if (typeof name !== "string") {
      throw new TypeError(`Cannot register a process as a ${typeof name}: a string is needed`);
    }
    if (["", "undefined", "true", "false", "nil"].includes(name)) {
      throw new NameError(`Cannot register a process as ${JSON.stringify(name)}: that is no name`);
    }
    const other = this.#processes.get(name);
    if (other !== undefined) {
      throw new NameError(
        `Cannot register a process as ${name}: that name is taken, by ${
          format(other.pid)
        }, choose another`,
        other.pid,
      );
    }
    if (process.name !== null) {
      throw new NameError(
        `Cannot register a process as ${name}: it is registered as ${process.name} already, unregister it first`,
      );
    }
    atom(name); // or no message could name it
    process.name = name;
    this.#processes.set(name, process);
  }

  /** @returns whether a process had it. */
  unregister(name: string): boolean {
    const process = this.#processes.get(name);
    if (process === undefined) return false;
    process.name = null;
    return this.#processes.delete(name);
  }
}
