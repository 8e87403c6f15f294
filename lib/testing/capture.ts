import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { requestTerm } from "../node/call.ts";
import type { LogEvent } from "../node/log/event.ts";
import { Node } from "../node/node.ts";
import type { Process } from "../node/process/process.ts";
import type { Target } from "../node/target.ts";

/** A message that a process has sent. */
export interface CapturedSend {
  /** How: `send`, `cast` or `call`. */
  readonly kind: "send" | "cast" | "call";
  /** Who has sent it; the node's own pid where it was no process. */
  readonly from: Pid;
  /** To whom, as it was written. */
  readonly to: Target;
  /** The message; of a call or cast the request. */
  readonly message: Encodable;
}

/** A process that was started. */
export interface CapturedSpawn {
  /** Its pid. */
  readonly pid: Pid;
  /** Its class, or the name of its function. */
  readonly kind: string;
  /** The name that it was registered by from the start. */
  readonly name: string | null;
  /** Who it was linked to when it began. */
  readonly parent: Pid | null;
}

/** A process that has ended. */
export interface CapturedExit {
  /** Its pid. */
  readonly pid: Pid;
  /** The name that it was registered by at the end. */
  readonly name: string | null;
  /** Why it has ended. */
  readonly reason: Term;
}

/** The names of what a capture has replaced. */
type Replaced = "send" | "cast" | "call" | "spawn" | "forget";

/**
 * Writes down what the processes of a node do from now on, until it is disposed: what they send, start and log, and how they end. It changes
 * nothing.
 *
 * @example
 * ```ts
 * import { atom, capture, startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("test@localhost", { network: false });
 * const seen = capture(node);
 * const pid = node.spawn((self) => self.send("nobody", atom("hello")));
 * await node.sleep(0);
 * console.log(seen.sends.length, seen.spawns[0].pid.equals(pid), seen.exits[0].reason);
 * ```
 */
export function capture(node: Node): Capture {
  return new Capture(node);
}

/** What the processes of a node have done, see {@linkcode capture}. */
export class Capture implements Disposable {
  /** What was sent, in order. */
  readonly sends: CapturedSend[] = [];
  /** Processes that were started. */
  readonly spawns: CapturedSpawn[] = [];
  /** Processes that have ended. */
  readonly exits: CapturedExit[] = [];
  /** What was logged, of the levels that the node logs. */
  readonly logs: LogEvent[] = [];
  readonly #undo: (() => void)[] = [];

  /** @ignore @internal Use {@linkcode capture}. */
  constructor(node: Node) {
    if (!(node instanceof Node)) {
      throw new TypeError("Cannot capture: the node is needed whose processes are looked at");
    }
    const { _core: core } = node;
    const put = <K extends Replaced>(name: K, value: typeof core[K]): void => {
      const own = Object.getOwnPropertyDescriptor(core, name);
      core[name] = value;
      this.#undo.push(() => {
        if (own === undefined) delete (core as Partial<Pick<typeof core, K>>)[name];
        else Object.defineProperty(core, name, own);
      });
    };
    const { send, cast, call, spawn, forget } = core;
    put("send", (from, to, message, priority) => {
      this.sends.push({ kind: "send", from: from.pid, to, message });
      send.call(core, from, to, message, priority);
    });
    put("cast", (from, to, request, priority) => {
      this.sends.push({ kind: "cast", from: from.pid, to, message: requestTerm(request) });
      cast.call(core, from, to, request, priority);
    });
    put("call", (from, to, request, options) => {
      this.sends.push({ kind: "call", from: from.pid, to, message: requestTerm(request) });
      return call.call(core, from, to, request, options);
    });
    put("spawn", (makeBody, options) => {
      const process = spawn.call(core, makeBody, options);
      const { pid, name, parent } = process;
      this.spawns.push({ pid, name, parent, kind: kindOf(process) });
      return process;
    });
    put("forget", (process, reason) => {
      const { pid, name } = process;
      this.exits.push({ pid, name, reason });
      forget.call(core, process, reason);
    });
    const { sinks } = node.logger;
    let sink = "capture";
    while (sinks.includes(sink)) sink += "'"; // a node may be captured several times
    node.logger.addSink(sink, (event) => void this.logs.push(event));
    this.#undo.push(() => void node.logger.removeSink(sink));
  }

  /** Forgets what was written down so far. */
  clear(): void {
    this.sends.length =
      this.spawns.length =
      this.exits.length =
      this.logs.length =
        0;
  }

  /** Writes down nothing more. */
  [Symbol.dispose](): void {
    for (const one of this.#undo.splice(0).reverse()) one();
  }
}

function kindOf({ body }: Process): string {
  return body._class ?? body.constructor.name;
}
