import { LocalNode } from "./local_node.ts";
import { ProcessContext } from "./process/context.ts";
import type { Process } from "./process/process.ts";

/** Where something is done from: a node, or a process in its own name. */
export type Caller = LocalNode | ProcessContext;

/**
 * The process in whose name it is done.
 *
 * @param what what cannot be done else, as `ask a server`, and how it is called.
 * @throws {TypeError} if it is neither a node nor a process.
 */
export function callerProcess(from: Caller, what: string, usage: string): Process {
  if (from instanceof ProcessContext) return from._process;
  if (from instanceof LocalNode) return from._core.main;
  throw new TypeError(
    `Cannot ${what}: first comes where it is done from, a node, or the process itself, as ${usage}`,
  );
}

/** As {@linkcode callerProcess}, for what only a process can do. @throws {TypeError} if it is none. */
export function selfOf(self: ProcessContext, what: string, usage: string): ProcessContext {
  if (self instanceof ProcessContext) return self;
  throw new TypeError(
    `Cannot ${what}: a process is needed first, \`this\` of a server or \`self\` of a spawned function, as ${usage}`,
  );
}
