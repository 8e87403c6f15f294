import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable } from "../../etf/term.ts";
import { Child, type ChildOptions } from "./child.ts";
import { RemoteSpawn, RemoteStart, StarterStart } from "./_start_remote.ts";

/** How a process of another node is started: by a start function of Erlang's, as the process of a function, or by a {@linkcode Starter}. */
export type RemoteChildStart =
  | {
    /** The node's name, as `app@localhost`. */
    readonly node: string;
    /** The module, as Erlang has it: `Users` of an Elixir program is `Elixir.Users`. */
    readonly module: string;
    /** A start function, as `start_link`: it returns `{ok, Pid}`, `{ok, Pid, Info}`, `ignore` or `{error, Reason}`. */
    readonly function: string;
    /** Its arguments. Default none. */
    readonly args?: readonly Encodable[];
    /** Whether the function is no start function, but what the process runs, as for `spawn_link`. Default false. */
    readonly spawn?: boolean;
  }
  | {
    readonly node: string;
    /** The name of a {@linkcode Starter} on that node. */
    readonly starter: string;
    /** What that is to start. */
    readonly name: string;
    /** What is added to its arguments. Default none. */
    readonly args?: readonly Encodable[];
  };

/** How a supervisor keeps a process of another node: what is about its start is said there. */
export interface RemoteChildOptions
  extends Pick<ChildOptions, "id" | "restart" | "shutdown" | "significant" | "type"> {
  /**
   * Milliseconds until a restart that has failed is tried again; while the node cannot be reached it is only looked for, as often. The
   * supervisor does other things meanwhile, and these attempts do not count as restarts: the end of the child has. Default: at once, and each
   * attempt counts, as in OTP.
   */
  readonly retryAfter?: number;
}

/** Every option, so that a misspelt one is not taken for its default. */
const FIELDS: FieldsOf<RemoteChildOptions> = {
  id: true,
  restart: true,
  shutdown: true,
  significant: true,
  type: true,
  retryAfter: true,
};

/**
 * Says how a supervisor starts a process of another node, and when it starts it again: a child as any other.
 *
 * - A start function needs a node of Erlang. It runs there in a process of its own, which is the child's parent and passes exit
 *   signals on, both ways: a child that traps exits ends in order when its supervisor tells it to.
 * - Where the connection is lost the child has ended with `noconnection`, there as well as here. As in OTP each attempt to start it again
 *   counts as a restart, and while its node is gone they follow each other at once: the supervisor soon ends, and whoever supervises it decides.
 *   With `retryAfter` it waits for the node instead, and so do the children that its `strategy` starts behind this one.
 * - The first start does not wait: where the node cannot be reached then, it fails, and with it that of the supervisor.
 *
 * @param options as of {@linkcode child}; the default id is the module's or the child's name.
 *
 * @example
 * ```ts
 * import { remoteChild, startNode, supervisor } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const Tree = supervisor({
 *   intensity: 10,
 *   children: [
 *     remoteChild(
 *       { node: "app@localhost", module: "Elixir.App.Cache", function: "start_link", args: [[]] },
 *       { retryAfter: 1_000 },
 *     ),
 *   ],
 * });
 * await node.start(Tree, []);
 * ```
 */
export function remoteChild(
  start: RemoteChildStart,
  options: RemoteChildOptions = {},
): Child<[], Pid> {
  if (typeof start !== "object" || start === null) {
    throw new TypeError("Cannot make a child: { node, module, function, args } is needed");
  }
  const { node, args = [] } = start;
  const names = "starter" in start
    ? [node, start.starter, start.name]
    : [node, start.module, start.function];
  if (names.some((name) => typeof name !== "string") || !Array.isArray(args)) {
    throw new TypeError(
      "Cannot make a child of another node: the names of its node, module and function are needed, or those of its node, its starter and what that is to start; and the arguments as an array",
    );
  }
  checkFields("make a child of another node", options, FIELDS);
  const { retryAfter = 1 } = options;
  if (typeof retryAfter !== "number" || !(retryAfter >= 1)) {
    throw new RangeError(
      `Cannot make a child of another node: its retryAfter is ${retryAfter}, 1 or more milliseconds are needed`,
    );
  }
  if ("starter" in start) {
    return new Child(new StarterStart(node, start.starter, start.name, args), options, "worker");
  }
  const mfa = [start.module, start.function, args] as const;
  return start.spawn === true
    ? new Child(new RemoteSpawn(node, mfa), options, "worker")
    : new Child(new RemoteStart(node, mfa), options, "worker");
}
