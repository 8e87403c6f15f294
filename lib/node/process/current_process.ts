import type { AsyncContext } from "../../platform/contract.ts";
import type { Body, ExitReason, Home } from "./body.ts";
import type { ProcessContext } from "./context.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { Process } from "./process.ts";

/** Where nodes keep whose code runs; empty where no node was asked to. All nodes of a program share one, but for those of simulations. */
const contexts: AsyncContext[] = [];

/**
 * The process whose code runs this, also behind an `await`, and in libraries that know nothing of processes; `null` outside of any.
 * So code far below a handler finds out in whose name it works: for logs, for the environment, to send and call as that process.
 *
 * The node has to be started with the option `currentProcess: true`, because the runtimes charge for it: a call within a node then takes
 * 1.1 times as long on Bun, 1.7 times on Node and 3 times on Deno. Other nodes pay nothing.
 *
 * - What a handler begins and does not wait for still belongs to its process. When that has ended, its methods throw {@linkcode ProcessExitedError}.
 * - A function that is handed to something which calls it later on its own account, as an event emitter, may run as no process.
 *
 * @throws {Error} if no node of this program was started so.
 *
 * @example
 * ```ts
 * import { currentProcess, format, GenServer, startNode } from "@ergo-ts/ergo";
 *
 * function log(text: string): void {
 *   const process = currentProcess();
 *   console.log(process === null ? "outside" : format(process.pid), text);
 * }
 *
 * class Fetcher extends GenServer {
 *   override readonly calls = {
 *     fetch: async () => {
 *       await Promise.resolve();
 *       log("fetched"); // <demo@localhost.9.0> fetched
 *     },
 *   };
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret", currentProcess: true });
 * await (await node.start(Fetcher, [])).call("fetch");
 * ```
 */
export function currentProcess(): ProcessContext | null {
  if (contexts.length === 0) {
    throw new Error(
      "Cannot tell the current process: no node was started with the option currentProcess: true",
    );
  }
  for (const context of contexts) {
    const current = context.get();
    if (current instanceof TrackedProcess) return current.context;
  }
  return null;
}

/** Has `currentProcess` look at this, too. */
export function keepTrack(context: AsyncContext): AsyncContext {
  if (!contexts.includes(context)) contexts.push(context);
  return context;
}

/** A process whose code knows that it is its. */
export class TrackedProcess extends Process {
  context: ProcessContext | null = null;
  readonly #async: AsyncContext;

  constructor(home: Home, pid: Pid, body: Body, async: AsyncContext) {
    super(home, pid, body);
    this.#async = async;
  }

  override _attached(context: ProcessContext): void {
    this.context = context;
  }

  override _handle(message: unknown): unknown {
    return this.#async.run(this, () => super._handle(message));
  }

  override _ends(reason: ExitReason): unknown {
    return this.#async.run(this, () => super._ends(reason));
  }
}
