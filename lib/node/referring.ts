import type { Pid } from "../etf/identifiers.ts";
import type { Core } from "./core.ts";
import { NoProcessError } from "./errors.ts";
import type { Process } from "./process/process.ts";
import type { Node } from "./node.ts";
import { addressOf, describe, nodeOf, type Target } from "./target.ts";

/** Something that makes references to processes, as the class of a behaviour and the value that `api` gives. */
export interface Referring<R> {
  /** @ignore @internal */
  _refer(node: Node, target: Target): R;
}

/**
 * @internal What a class says about its processes holds in this program; what is on the wire is said by a contract.
 *
 * @throws {TypeError} if the target is no process of this node.
 */
export function checkLocal(core: Core, target: Target, name: string): void {
  const address = addressOf(target, core.global);
  const node = nodeOf(address);
  if (node === "" || node === core.name.name) return;
  throw new TypeError(
    `Cannot refer to ${
      describe(address)
    } by the class ${name}, which tells of processes of this node: a contract is needed, see api()`,
  );
}

/**
 * @internal The process of this node that a target leads to now.
 *
 * @throws {NoProcessError} if there is none.
 * @throws {TypeError} if it leads to another node.
 */
export function localProcess(core: Core, target: Target): Process {
  const address = addressOf(target, core.global);
  const node = nodeOf(address);
  if (node !== "" && node !== core.name.name) {
    throw new TypeError(
      `Cannot tell the pid of ${describe(address)}: it is known by its name only, on another node`,
    );
  }
  const process = core.local(address);
  if (process === undefined) throw new NoProcessError(describe(address));
  return process;
}

/** @internal As {@linkcode localProcess}, its pid. */
export function localPid(core: Core, target: Target): Pid {
  return localProcess(core, target).pid;
}
