import { Names } from "../node/process/names.ts";
import type { Process } from "../node/process/process.ts";
import type { Hub } from "./hub.ts";

/** The names of a part of a node: those of its own processes. The node decides who gets one. */
export class PartNames extends Names {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    super();
    this.#hub = hub;
  }

  override register(name: string, process: Process): void {
    process.mustLive("register");
    if (typeof name !== "string") return super.register(name, process); // which tells what is wrong
    this.#hub.register(process, name);
    super.register(name, process);
  }

  /** The node has given a process a name, or has taken it back. */
  named(process: Process, name: string | null): void {
    if (process.name === name) return;
    if (process.name !== null) super.unregister(process.name);
    if (name !== null) super.register(name, process);
  }
}
