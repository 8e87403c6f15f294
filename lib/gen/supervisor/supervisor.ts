import { atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { Pid as PidClass } from "../../etf/identifiers.ts";
import { charlist } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { EXIT } from "../../node/atoms.ts";
import { type From, type Request, requestTerm } from "../../node/call.ts";
import { checkLocal } from "../../node/referring.ts";
import type { Node } from "../../node/node.ts";
import type { ignore } from "../../node/process/ignore.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import type { Child } from "./child.ts";
import { checkSpec, type SupervisorFlags, type SupervisorSpec } from "./flags.ts";
import { Server } from "../server/server.ts";
import { shown, statusData } from "../sys/shown.ts";
import { Reports } from "./_reports.ts";
import { answer } from "./_requests.ts";
import { Supervision } from "./_supervision.ts";
import { type SimpleSupervisorRef, SupervisorCall, SupervisorRef } from "./supervisor_ref.ts";
import { stateOf } from "./_state.ts";

/**
 * Starts processes, its children, ends them when it ends, and starts again those that end: OTP's supervisor.
 *
 * | | |
 * | --- | --- |
 * | `init(...args)` | says which children, and how they are restarted; `supervisor({...})` makes a class where nothing depends on arguments |
 * | start | the children in their order, each when the one before has done its `init`. Where one fails those before it are ended, and the start fails with `{shutdown, {failed_to_start_child, Id, Reason}}` |
 * | a child ends | by its `restart` it is started again, and with it others by the `strategy`; else it is forgotten (`temporary`) or kept stopped |
 * | a restart fails | it is tried again, each attempt counts |
 * | more than `intensity` restarts within `period` | all children are ended, and the supervisor ends with `shutdown`: whoever supervises it may start it anew |
 * | it ends | the children get the exit signal `shutdown`, the last that was started first, each has its `shutdown` time and is killed then |
 *
 * - It answers what OTP's `supervisor` asks: `supervisor:which_children({tree, Node})`, `Supervisor.count_children`, `start_child` and the rest.
 * - `node.ref(Shards, "shards")` refers to whoever has that name now, and so for children that are started under names: a supervisor that
 *   starts one again gives it a new pid.
 * - It waits where OTP's waits: while a child is being started or ended, nothing else is done. A child that asks its own supervisor in
 *   its `init` waits for ever.
 * - What happens is written to the node's log, the crash of a child by the child itself, with its stack.
 *
 * @example
 * ```ts
 * import { child, GenServer, startNode, Supervisor, type SupervisorSpec } from "@ergo-ts/ergo";
 *
 * class Shard extends GenServer {
 *   override init(_number: number): void {}
 * }
 * class Shards extends Supervisor {
 *   override init(count: number): SupervisorSpec {
 *     const numbers = Array.from({ length: count }, (_, i) => i);
 *     return { intensity: 10, children: numbers.map((i) => child(Shard, [i], { id: `shard_${i}` })) };
 *   }
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const shards = await node.start(Shards, [4], { register: "shards" });
 * console.log(await shards.countChildren());
 * // From Elixir: Supervisor.which_children({:shards, :demo@localhost})
 * ```
 *
 * Not for errors that a program expects: those are handled where they happen. A supervisor is for what nobody expects, and a restart
 * helps only where the state after `init` is a good one.
 */
export abstract class Supervisor<R = SupervisorRef> extends Server {
  /** @ignore @internal */
  declare readonly _refType: R;
  #supervision: Supervision | null = null;
  #reports: Reports | null = null;

  /** @ignore @internal A supervisor of this node by its pid or name, looked for each time. */
  static override _refer(node: Node, target: Target): SupervisorRef {
    checkLocal(node._core, target, this.name);
    return new SupervisorRef(node, target, node._core.main, { timeout: Infinity });
  }

  /** @ignore @internal Such a child is a supervisor. */
  get _supervises(): boolean {
    return true;
  }

  /** @ignore @internal Whether `supervisor` has made the class, whose name says nothing then. */
  get _isStatic(): boolean {
    return false;
  }

  /** Says which children it has and how it restarts them. What it takes is what `node.start` takes. */
  abstract override init(
    ...args: never[]
  ): SupervisorSpec | typeof ignore | Promise<SupervisorSpec | typeof ignore>;

  /** @ignore @internal */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.trapExit = true;
    process.asksOrigin = true; // what others may start here is decided by their connection
    // Specifications are read as Erlang means them, however the node reads other messages.
    const { objects: _1, binaries: _2, ...terms } = this._core.terms;
    process.terms = terms;
  }

  /** @ignore @internal */
  override _initialized(result: unknown): Promise<void> {
    const name = this.constructor.name || "Supervisor";
    const kind = this._isStatic ? null : name;
    const { flags, children } = checkSpec(result, name);
    this.#reports = new Reports(this._core, this._process, kind);
    const parent = { node: this.node, process: this._process };
    const supervision = new Supervision(parent, flags, children, this.#reports);
    this.#supervision = supervision;
    return supervision.template === null ? supervision.startAll() : Promise.resolve();
  }

  /** Ends the children. A class that overrides it calls this one. */
  override terminate(): Promise<void> {
    return this.#supervision?.endChildren() ?? Promise.resolve();
  }

  /** @ignore @internal As OTP's, which tell the callback module too: its release handler asks for it. */
  override _statusItems(state: Term, parent: Term, events: readonly Term[]): readonly unknown[] {
    return [
      statusData([["Status", state], ["Parent", parent], ["Logged events", events]]),
      statusData([["State", shown(this.formatState())]]),
      tuple(atom("supervisor"), [tuple(charlist("Callback"), atom(this.constructor.name))]),
    ];
  }

  /** The strategy and the children. */
  override formatState(): unknown {
    return this.#supervision === null ? {} : stateOf(this.#supervision);
  }

  /** @ignore @internal */
  override async _called(from: From, request: Request): Promise<void> {
    const supervision = this.#supervision!;
    if (from instanceof SupervisorCall) {
      let result: unknown;
      try {
        result = await from.ask(supervision);
      } catch (error) {
        return from.fail(error);
      }
      return from.reply(result);
    }
    const { origin } = this._process;
    const term = request.name === null ? request.term : requestTerm(request);
    const reply = await answer(this, supervision, term as Term, origin);
    if (reply !== null) return from.reply(reply);
    const text = "a supervisor does not answer that, it answers what OTP's module supervisor asks";
    from.refuse(tuple(atom("bad_request"), [], text) as unknown as Term);
  }

  /** @ignore @internal */
  override _casted(request: Request): void {
    this.#reports!.unexpected(request.name === null ? request.term as Term : atom(request.name));
  }

  /** @ignore @internal */
  override _informed(message: Term): unknown {
    if (isTuple(message) && message.length === 3 && message[0] === EXIT) {
      const [, pid, reason] = message;
      if (pid instanceof PidClass) return this.#supervision!.exited(pid, reason);
    }
    this.#reports!.unexpected(message);
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): R {
    return new SupervisorRef(node, pid, node._core.main, { timeout: Infinity }) as R;
  }
}

/**
 * Makes the class of a supervisor whose children depend on no arguments: `node.start(supervisor({...}), [])`, or a child of another
 * supervisor: `child(supervisor({...}), [], { id: "workers" })`.
 *
 * @example
 * ```ts
 * import { child, GenServer, startNode, supervisor } from "@ergo-ts/ergo";
 *
 * class Room extends GenServer {
 *   override init(_name: string): void {}
 * }
 * const Rooms = supervisor({
 *   strategy: "simple_one_for_one", //     any number of children that are all alike
 *   children: [child(Room, [], { restart: "transient" })],
 * });
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const rooms = await node.start(Rooms, []);
 * const lobby = await rooms.startChild(["lobby"]); // a ServerRef<Room>
 * await lobby.stop();
 * ```
 */
export function supervisor<E extends readonly unknown[], R>(
  spec: SupervisorFlags & {
    readonly strategy: "simple_one_for_one";
    readonly children: readonly [Child<E, R>];
  },
): new () => Supervisor<SimpleSupervisorRef<E, R>> & { init(): SupervisorSpec };
/** Makes the class of a supervisor with these children. */
export function supervisor(
  spec: SupervisorSpec,
): new () => Supervisor & { init(): SupervisorSpec };
export function supervisor(
  spec: unknown,
): new () => Supervisor<never> & { init(): SupervisorSpec } {
  return class StaticSupervisor extends Supervisor<never> {
    override get _isStatic(): boolean {
      return true;
    }

    override init(): SupervisorSpec {
      return spec as SupervisorSpec;
    }
  };
}
