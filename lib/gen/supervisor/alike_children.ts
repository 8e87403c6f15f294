import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Server } from "../server/server.ts";
import type { Child } from "./child.ts";
import type { ChildCounts } from "./child_info.ts";
import { checkSpec, type SupervisorFlags } from "./flags.ts";
import { Reports } from "./_reports.ts";
import { stateOf } from "./_state.ts";
import { Supervision } from "./_supervision.ts";
import { Entry } from "./_table.ts";
import { countChildren, startedTerm, whichChildrenTerm } from "./_terms.ts";

/** One of them, and whom its end concerns. */
class Tied extends Entry {
  readonly #onGone: (() => void) | null;

  constructor(
    spec: Child<never>,
    extra: readonly unknown[],
    peer: string | null,
    onGone: (() => void) | null,
  ) {
    super(spec, extra, peer);
    this.#onGone = onGone;
  }

  override gone(): void {
    this.#onGone?.();
  }
}

/** How a child is started. */
export interface AlikeStart {
  /** What is missing of its arguments. */
  readonly extra: readonly unknown[];
  /** Called when it has ended and is not started again. */
  readonly onGone?: () => void;
  /** The node that has asked for it. */
  readonly peer?: string | null;
}

/** @internal The children of a behaviour that has one specification for all, as a simple_one_for_one supervisor. */
export class AlikeChildren {
  readonly #supervision: Supervision;
  readonly #reports: Reports;
  /** How each of them is started. */
  readonly spec: Child<never>;

  /** @throws {ExitError} if these are no such flags, or `children` is not one specification. */
  constructor(
    server: Server,
    flags: Omit<SupervisorFlags, "strategy">,
    children: readonly [Child<never>],
  ) {
    const name = server.constructor.name;
    const strategy = "simple_one_for_one";
    const checked = checkSpec({ ...flags, strategy, children }, name);
    const parent = { node: server.node, process: server._process };
    this.#reports = new Reports(server._core, server._process, name);
    this.#supervision = new Supervision(parent, checked.flags, checked.children, this.#reports);
    this.spec = checked.children[0];
  }

  /** Starts one. @returns what `start_child` answers: `{ok, Pid}`, or `{ok, undefined}` where it did not want to start; or why not. */
  async start(
    { extra, onGone = () => {}, peer = null }: AlikeStart,
  ): Promise<{ readonly started: Term; readonly runs: boolean } | { readonly error: Term }> {
    const entry = new Tied(this.spec, extra, peer, onGone);
    const failure = await this.#supervision.start(entry);
    if (failure === null) return { started: startedTerm(entry), runs: entry.running !== null };
    this.#reports.trouble("start_error", failure.error, entry, null);
    return { error: failure.error };
  }

  /** Ends one. @returns `false` where there is none of that pid; a promise holds the mailbox. */
  end(pid: Pid): boolean | Promise<boolean> {
    const entry = this.#supervision.children.byPid(pid);
    if (entry === undefined) return false;
    const ended = this.#supervision.end(entry);
    return ended === undefined ? true : ended.then(() => true);
  }

  /** An exit signal has come. */
  exited(pid: Pid, reason: Term): void | Promise<void> {
    return this.#supervision.exited(pid, reason);
  }

  /** Ends all of them. */
  endAll(): Promise<void> {
    return this.#supervision.endChildren();
  }

  /** How many a node has asked for. */
  askedBy(peer: string | null): number {
    return peer === null ? 0 : this.#supervision.children.askedBy(peer);
  }

  /** What `which_children` answers. */
  which(): Term {
    return whichChildrenTerm(this.#supervision);
  }

  count(): ChildCounts {
    return countChildren(this.#supervision);
  }

  /** What sys and observer show. */
  state(): unknown {
    return stateOf(this.#supervision);
  }
}
