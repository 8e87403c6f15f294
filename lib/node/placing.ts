import type { Pid } from "../etf/identifiers.ts";
import type { SpawnOptions } from "./core_options.ts";
import type { Node } from "./node.ts";
import type { Process } from "./process/process.ts";
import type { Registration } from "./process/registration.ts";

/** A process that was placed on a worker. */
export interface Placed {
  readonly process: Process;
  /** Where a process of this thread has its instance. */
  readonly instance: { _reference(node: Node, pid: Pid): unknown };
}

/** Starts processes on the node's workers: threads beside its own. */
export interface Placing {
  /**
   * @param module its default export is the class, or that which its hash names.
   * @param started is called once: with `null` when `init` is done, or with why it is not.
   * @throws {EncodeError} if the arguments are no terms.
   */
  start(
    module: URL,
    args: readonly unknown[],
    options: SpawnOptions,
    started: (error: Error | null) => void,
    registration: Registration | null,
  ): Placed;
}

/** What a process is called before its class is known: the export that it is to be, or the module's file. */
export function placedName({ pathname, hash }: URL): string {
  return hash === "" ? pathname.slice(pathname.lastIndexOf("/") + 1) : hash.slice(1);
}

/** Those of a node that has none. */
export const NO_WORKERS: Placing = {
  start() {
    throw new Error(
      "Cannot start a process on a worker: there is none here, start the node with { workers: n }, and do this where it was started",
    );
  },
};
