import { atom } from "../etf/atom.ts";
import type { Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import { NOCONNECTION } from "../node/atoms.ts";
import type { ProcessContext } from "../node/process/context.ts";
import { BusyError } from "../node/errors.ts";
import type { Target } from "../node/target.ts";

const DISCOVER = atom("discover");
/** Milliseconds until a scope that was not there is looked for again; doubled each time. */
const FIRST_RETRY = 100;

/**
 * The nodes on which a scope looks for its other halves.
 *
 * A scope of OTP makes itself known to the visible nodes when it starts and when they come up, but it never hears of a hidden
 * one. So we say who we are, and on a connection that is hidden we watch the scope's name there: where nobody has it yet, or
 * its process ends, we ask again, less and less often.
 */
export class Nodes {
  readonly #scope: ProcessContext;
  readonly #name: string;
  readonly #longestRetry: number;
  /** Connected nodes, with how they are watched; `null` where they need not be. */
  readonly #nodes: Map<string, Watch | null> = new Map();

  constructor(scope: ProcessContext, name: string, longestRetry: number) {
    this.#scope = scope;
    this.#name = name;
    this.#longestRetry = longestRetry;
  }

  has(node: string): boolean {
    return this.#nodes.has(node);
  }

  /** A node is connected. */
  up(node: string, hidden: boolean): void {
    this.down(node);
    this.#nodes.set(node, null);
    if (hidden) this.#nodes.set(node, new Watch(this, node, this.#longestRetry));
    else this.discover(node);
  }

  /** A node is no longer connected. */
  down(node: string): void {
    this.#nodes.get(node)?.[Symbol.dispose]();
    this.#nodes.delete(node);
  }

  /** The scope of that node is there. */
  found(node: string): void {
    this.#nodes.get(node)?.found();
  }

  /** Says who we are to a scope of that node, which is answered by all members there. OTP 25 understands no other form. */
  discover(node: string, target: Target = { name: this.#name, node }): void {
    const scope = this.#scope;
    if (scope._process.exited || !this.has(node)) return;
    try {
      scope.send(target, tuple(DISCOVER, scope.pid) as Term);
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      scope.node.sendReady(target, { signal: scope.signal })
        .then(() => this.discover(node, target), () => {}); // or it is gone
    }
  }

  _watch(node: string, ended: (reason: Term) => void): Disposable {
    return this.#scope.monitor({ name: this.#name, node }, ({ reason }) => ended(reason));
  }

  _after(ms: number, fn: () => void): Disposable {
    return this.#scope.after(ms, fn);
  }
}

/** Watches the scope of a node by its name. */
class Watch implements Disposable {
  readonly #nodes: Nodes;
  readonly #node: string;
  readonly #longestRetry: number;
  #retry = FIRST_RETRY;
  /** The monitor, or the timer of the next attempt. */
  #waiting: Disposable | null = null;

  constructor(nodes: Nodes, node: string, longestRetry: number) {
    this.#nodes = nodes;
    this.#node = node;
    this.#longestRetry = longestRetry;
    this.#try();
  }

  found(): void {
    this.#retry = FIRST_RETRY;
  }

  #try(): void {
    this.#waiting = this.#nodes._watch(this.#node, (reason) => this.#ended(reason));
    this.#nodes.discover(this.#node);
  }

  #ended(reason: Term): void {
    if (reason === NOCONNECTION) return; // the node is gone, and this with it
    const ms = Math.min(this.#retry, this.#longestRetry);
    this.#retry = ms * 2;
    this.#waiting = this.#nodes._after(ms, () => this.#try());
  }

  [Symbol.dispose](): void {
    this.#waiting?.[Symbol.dispose]();
    this.#waiting = null;
  }
}
