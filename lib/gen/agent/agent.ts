import { Atom, atom } from "../../etf/atom.ts";
import { EncodeError } from "../../etf/errors.ts";
import { format } from "../../etf/format.ts";
import { ExternalFun, Fun } from "../../etf/fun.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { isThenable } from "../../_util/thenable.ts";
import { UNDEF } from "../../node/atoms.ts";
import { Call, type From, type Request, requestTerm } from "../../node/call.ts";
import { ExitError, exitReasonOf } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import type { Self } from "../../node/process/self.ts";
import { NO_FUNS } from "../../node/provided/apply.ts";
import type { Target } from "../../node/target.ts";
import { badRequest } from "../server/requests.ts";
import { Server } from "../server/server.ts";
import { AgentRef } from "./agent_ref.ts";

const OK = atom("ok");
const BADFUN = atom("badfun");
const BAD_REPLY = atom("bad_reply");
const SHORT = { maxLength: 200 };

type Operation = "get" | "update" | "get_and_update" | "cast";

/** What is to be done with the state. */
type Change = (state: unknown) => unknown;

/** The processes that are agents. */
const agents: WeakSet<Process> = new WeakSet();

/**
 * A process that keeps a state for others, as Elixir's `Agent`: they give it functions, which it runs one at a time.
 *
 * | on a reference | from Elixir, with provided functions | |
 * | --- | --- | --- |
 * | `ref.get((state) => ...)` | `Agent.get(agent, M, :f, args)` | what the function makes of the state |
 * | `ref.update((state) => ...)` | `Agent.update(agent, M, :f, args)` | it returns the new state |
 * | `ref.getAndUpdate((state) => [reply, ...])` | `Agent.get_and_update(agent, M, :f, args)`, which returns `{Reply, State}` | both |
 * | `ref.cast((state) => ...)` | `Agent.cast(agent, M, :f, args)` | as update, and nobody waits |
 *
 * - A function that throws ends the agent, and whoever asked is told: put into the functions what is quick and cannot fail, and into the caller all
 *   else. While an async one waits, all others wait.
 * - From other nodes only functions run that `node.provide` offers, with the state in front of their arguments, for whom the option `access` lets. Functions
 *   without a name (`fn -> ... end`) cannot be run, for their code is on the node that made them: the caller exits with `badfun`. The agent lives on.
 * - `sys:get_state` shows the state, where it is a term or a plain object.
 *
 * @example
 * ```ts
 * import { Agent, startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const visits = await node.start(Agent<ReadonlyMap<string, number>>, [() => new Map()]);
 * await visits.update((map) => new Map(map).set("home", 1));
 * await visits.get((map) => map.get("home")); // 1
 * ```
 *
 * Not for more than that: a state with rules, or with messages of its own, is a {@linkcode GenServer}, whose protocol can be read. And within one
 * program a variable often does: an agent is for what is supervised, or shared with other nodes.
 */
export class Agent<S = unknown> extends Server {
  /** @ignore @internal */
  declare readonly _refType: AgentRef<S>;
  #state!: S;

  /** @ignore @internal An agent of this node by its pid or name, looked for each time. */
  static override _refer<S>(node: Node, target: Target): AgentRef<S> {
    return new AgentRef<S>(node, target, node._core.main, {});
  }

  /** @ignore @internal */
  static _is(process: Process): boolean {
    return agents.has(process);
  }

  /** @ignore @internal What a peer may run is decided by its connection. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.asksOrigin = true;
    agents.add(process);
  }

  /** Makes the first state. */
  override init(make: () => S | PromiseLike<S>): void | Promise<void> {
    if (typeof make !== "function") {
      throw new TypeError(
        `Cannot start an agent: a function that makes its state is needed, ${typeof make} came`,
      );
    }
    const made = make();
    if (!isThenable(made)) {
      this.#state = made;
      return;
    }
    return Promise.resolve(made).then((state) => {
      this.#state = state as S;
    });
  }

  /** The state. */
  override formatState(): unknown {
    return this.#state;
  }

  /** Takes another state. */
  override replaceState(state: unknown): void {
    this.#state = state as S;
  }

  /** @ignore @internal */
  _reference(node: Node, pid: Pid): AgentRef<S> {
    return new AgentRef<S>(node, pid, node._core.main, {});
  }

  /** @ignore @internal */
  _called(from: From, request: Request): unknown {
    if (request.name !== null && typeof request.args[0] === "function") {
      return this.#perform(request.name as Operation, request.args[0] as Change, from);
    }
    const term = requestTerm(request) as Term;
    const asked = this.#asked(term, ["get", "update", "get_and_update"]);
    if (typeof asked !== "function") return from.refuse(asked);
    try {
      return this.#perform((term as unknown as { tag: Operation }).tag, asked, from);
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      from.refuse(badRequest(error.path, error.message)); // what was asked does not fit the function
    }
  }

  /** @ignore @internal */
  _casted(request: Request): unknown {
    if (request.name !== null && typeof request.args[0] === "function") {
      return this.#perform("cast", request.args[0] as Change, null);
    }
    const term = requestTerm(request) as Term;
    const asked = this.#asked(term, ["cast"]);
    if (typeof asked !== "function") return this.#dropped("cast", asked);
    try {
      return this.#perform("cast", asked, null);
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      this.#dropped("cast", badRequest(error.path, error.message));
    }
  }

  /** @ignore @internal */
  _informed(message: Term): void {
    this.#dropped("message", message);
  }

  /** What somebody elsewhere wants to be run; a term that says why it is not. */
  #asked(term: Term, operations: readonly string[]): Change | Term {
    const isAsked = isTuple(term) && term.length === 2 && operations.includes(term.tag!);
    const what: Term = isAsked ? (term as Term[])[1] : null;
    if (what instanceof Fun) return tuple(BADFUN, NO_FUNS) as Term;
    if (what instanceof ExternalFun) return this.#provided(what.module, what.function, []);
    if (isTuple(what) && what.length === 3) {
      const [module, name, args] = what as Term[];
      if (module instanceof Atom && name instanceof Atom && isList(args)) {
        return this.#provided(module, name, args);
      }
    }
    return badRequest(
      [],
      `Cannot serve the request ${format(term, SHORT)}: an agent takes {${
        operations.join(" | ")
      }, {Module, Function, Args}}`,
    );
  }

  #provided(module: Term, name: Term, args: readonly Term[]): Change | Term {
    const { _provided: provided } = this.node;
    const peer = this._process.origin;
    const find = (state: unknown): ((self: Self) => unknown) | null => {
      const [m, f] = [module as Atom, name as Atom];
      return provided.find(m.name, f.name, [state as Term, ...args], peer);
    };
    if (find(null) === null || provided.isProcess({ module, name })) {
      const mfa = tuple(module, name, args.length + 1, []);
      return tuple(UNDEF, [mfa]) as unknown as Term;
    }
    return (state) => find(state)!(null as never);
  }

  #perform(operation: Operation, change: Change, from: From | null): unknown {
    let result: unknown;
    try {
      result = change(this.#state);
    } catch (error) {
      return this.#failed(error, from);
    }
    if (!isThenable(result)) return this.#done(operation, result, from);
    return Promise.resolve(result).then(
      (value) => this.#done(operation, value, from),
      (error) => this.#failed(error, from),
    );
  }

  #done(operation: Operation, result: unknown, from: From | null): void {
    if (operation === "get") return this.#reply(from, result);
    if (operation !== "get_and_update") {
      this.#state = result as S;
      return this.#reply(from, OK);
    }
    if (!Array.isArray(result) || result.length !== 2) {
      this.#failed(
        new TypeError("Cannot update an agent: its function gave no [reply, state]"),
        from,
      );
    }
    const [reply, state] = result as [unknown, S];
    this.#state = state;
    this.#reply(from, reply);
  }

  #reply(from: From | null, value: unknown): void {
    try {
      from?.reply(value as Encodable);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      from!.refuse(tuple(BAD_REPLY, error.message) as Term);
    }
  }

  /** A caller of this node gets what was thrown, too. */
  #failed(error: unknown, from: From | null): never {
    if (error instanceof SchemaError && !(from instanceof Call)) throw error;
    if (from instanceof Call) {
      from.fail(new ExitError(exitReasonOf(error), undefined, { cause: error }));
    }
    throw error;
  }

  #dropped(what: string, term: Term): void {
    const who = `Agent ${this._process.name ?? format(this.pid)}`;
    this._core.logger._log(
      "warning",
      `${who} dropped a ${what}: ${format(term, SHORT)}`,
      this._process,
    );
  }
}
