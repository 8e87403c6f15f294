import { atom } from "../../etf/atom.ts";
import { isList } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { EXIT } from "../../node/atoms.ts";
import type { From } from "../../node/call.ts";
import { nameOf } from "../../node/core.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import { maySpawnFor, runsFor, startsFor } from "../../node/provided/apply.ts";
import { GenServer } from "../server/gen_server.ts";
import { later } from "../server/handlers.ts";
import { acceptedArgs } from "./_accepted.ts";
import type { Child } from "./child.ts";
import { startFailure } from "./_start.ts";

const OK = atom("ok");
const ERROR = atom("error");
const IGNORE: Term = atom("ignore");
const MAX_CHILDREN = atom("max_children");
const NOT_FOUND = atom("not_found");

/**
 * Starts processes of this node as children of supervisors on other nodes: OTP's, Elixir's, and ours.
 *
 * A supervisor's start function runs in the supervisor, and links to it what it starts. A call can do that, too: whoever calls a
 * starter is the parent of the process that is started, and linked to it. So nothing but a child specification is needed there:
 *
 * | in | the start of the child specification |
 * | --- | --- |
 * | Elixir | `{GenServer, :call, [{:starter, :"pdf@localhost"}, {:start_link, :pdf, ["A4"]}]}` |
 * | Erlang | `{gen_server, call, [{starter, 'pdf@localhost'}, {start_link, pdf, [<<"A4">>]}]}` |
 * | TypeScript | `remoteChild({ node: "pdf@localhost", starter: "starter", name: "pdf", args: ["A4"] })` |
 *
 * - The call replies `{ok, Pid}`, `{error, Reason}` or `ignore`, when the child's `init` is done. Others are served meanwhile.
 * - The child ends in order when its supervisor tells it to, and with `noconnection` when that supervisor's node is gone.
 * - Who may ask is decided by the node's option `access`, as for any name; what arguments may come, by the child's `accept`.
 * - `supervisor:count_children/1` of OTP, Elixir's `count_children` too, crashes where a child is on another node, whatever that is: `which_children` counts.
 * - By `erpc` that cannot be done: the process that calls there is one that ends at once.
 *
 * @example
 * ```ts
 * import { child, GenServer, startNode, Starter, t } from "@ergo-ts/ergo";
 *
 * class Pdf extends GenServer {
 *   override init(_format: string): void {}
 * }
 *
 * await using node = await startNode("pdf@localhost", { cookie: "secret" });
 * await node.start(Starter, [{ pdf: child(Pdf, [], { accept: [t.text] }) }], { register: "starter" });
 * await node.stopped;
 * ```
 */
export class Starter extends GenServer {
  #children: Readonly<Record<string, Child<never>>> = {};

  /**
   * Keeps what can be started.
   *
   * @param children by name. Their restart and shutdown are what the supervisor elsewhere says.
   */
  override init(children: Readonly<Record<string, Child<never>>>): void {
    this.#children = children;
    this.trapExit = true; // a child whose start fails ends with a link to this process
  }

  /** @ignore @internal What a request says of its sender can be forged. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.asksOrigin = true;
  }

  /** @ignore @internal */
  override handleCall(request: Term, from: From): unknown {
    if (!isTuple(request) || request.tag !== "start_link" || request.length !== 3) {
      return super.handleCall(request, from);
    }
    const [, name, args] = request;
    const { origin } = this._process;
    if (origin !== null && from.pid.node !== origin) return super.handleCall(request, from);
    const spec = own(this.#children, name);
    if (spec === null) return tuple(ERROR, NOT_FOUND);
    const accepted = acceptedArgs(spec, isList(args) ? args : [args]);
    if ("error" in accepted) return tuple(ERROR, accepted.error);
    if (!maySpawnFor(this.node, origin)) return tuple(ERROR, MAX_CHILDREN);
    return later(this.#start(spec, accepted.args, from, origin));
  }

  /** @ignore @internal */
  override handleInfo(message: Term): unknown {
    if (isTuple(message) && message[0] === EXIT) return undefined;
    return super.handleInfo(message);
  }

  /** The names of what can be started. */
  override formatState(): unknown {
    return { children: Object.keys(this.#children).map((name) => atom(name)) };
  }

  async #start(
    spec: Child<never>,
    extra: readonly unknown[],
    from: From,
    peer: string | null,
  ): Promise<Term> {
    const { node, _process: process, _core: core } = this;
    const started = startsFor(node, peer); // many may be asked for before the first has started
    try {
      const running = await spec._start.start({ node, process }, extra);
      if (running === null) return IGNORE;
      const child = core.process(running.pid);
      // It may have ended just now: whoever links to it hears of that.
      if (child === undefined) return tuple(OK, running.pid) as Term;
      child.parent = from.pid;
      core.unlink(process, child.pid);
      core.link(child, from.pid);
      runsFor(node, peer, child);
      return tuple(OK, child.pid) as Term;
    } catch (error) {
      return tuple(ERROR, startFailure(error)) as Term;
    } finally {
      started();
    }
  }
}

function own(table: Readonly<Record<string, Child<never>>>, name: unknown): Child<never> | null {
  const text = nameOf(name as Parameters<typeof nameOf>[0]);
  return typeof text === "string" && Object.hasOwn(table, text) ? table[text] : null;
}
