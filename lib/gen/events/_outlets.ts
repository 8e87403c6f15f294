import { format } from "../../etf/format.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable } from "../../etf/term.ts";
import { BusyError } from "../../node/errors.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { NodeEvent } from "../../node/remote/events.ts";
import { Outlet, type OutletHome } from "./_outlet.ts";

/** Subscriptions that one other node may have here: all of them are served in one turn, and end in one. */
const MAX_SUBSCRIPTIONS = 10_000;

/** The subscribers of a server that get messages, and how busy the connections with their nodes are. */
export class Outlets implements OutletHome {
  readonly #server: ProcessContext;
  readonly #maxWaiting: number;
  /** One gets nothing more, and its event has to know. */
  readonly #left: (outlet: Outlet) => void;
  readonly #outlets: Map<string, Outlet> = new Map();
  /** How many of them each node has. */
  readonly #counts: Map<string, number> = new Map();
  readonly #busy: Set<string> = new Set();

  constructor(server: ProcessContext, maxWaiting: number, left: (outlet: Outlet) => void) {
    this.#server = server;
    this.#maxWaiting = maxWaiting;
    this.#left = left;
    const network = server.node._onNetwork((event) => this.#network(event));
    if (network !== null) server._process.own(network);
  }

  get(ref: Ref): Outlet | undefined {
    return this.#outlets.get(ref.key);
  }

  /** Whether a node has as many subscriptions as it may. */
  isFull(node: string): boolean {
    return (this.#counts.get(node) ?? 0) >= MAX_SUBSCRIPTIONS;
  }

  /** A process subscribes; its end takes the subscription back. */
  add(event: string, pid: Pid, ref: Ref): Outlet {
    const outlet = new Outlet(this, pid, ref, event, this.#maxWaiting);
    this.#outlets.set(ref.key, outlet);
    this.#counts.set(pid.node, (this.#counts.get(pid.node) ?? 0) + 1);
    outlet.monitor = this.#server.monitor(pid, () => this.remove(outlet));
    return outlet;
  }

  /** A process has enough, or has ended. */
  remove(outlet: Outlet): void {
    this.closed(outlet);
    this.#left(outlet);
  }

  closed(outlet: Outlet): void {
    if (!this.#outlets.delete(outlet.ref.key)) return;
    outlet.monitor?.[Symbol.dispose]();
    const { node } = outlet.pid;
    const left = this.#counts.get(node)! - 1;
    if (left > 0) this.#counts.set(node, left);
    else this.#counts.delete(node);
  }

  isBusy(node: string): boolean {
    return this.#busy.has(node);
  }

  sent(to: Pid | { readonly name: string; readonly node: string }, message: Encodable): boolean {
    const { _process: own, _core: core } = this.#server;
    // A server that has ended says in the name of the node what is still to be said.
    const from = own.exited ? core.main : own;
    if (from.exited) return true;
    try {
      core.send(from, to, message);
      return true;
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      if (!own.exited) this.#wait(to.node);
      return false;
    }
  }

  losing(outlet: Outlet): void {
    this.#server._core.logger._log(
      "warning",
      `Event ${outlet.event}: ${
        format(outlet.pid)
      } takes its values too slowly, the oldest of more than ${this.#maxWaiting} are dropped`,
      this.#server._process,
    );
  }

  #network(event: NodeEvent): void {
    if (event.type === "busy" && event.busy) this.#wait(event.node);
    if (event.type !== "nodedown") return;
    this.#busy.delete(event.node);
    // At once: what is sent there from now on would connect again.
    for (const outlet of this.#of(event.node)) this.remove(outlet);
  }

  /** Until the node takes more. */
  #wait(node: string): void {
    if (this.#busy.has(node)) return;
    this.#busy.add(node);
    const ready = (): void => {
      if (this.#server._process.exited || !this.#busy.delete(node)) return;
      for (const outlet of this.#of(node)) outlet.flush();
    };
    const { signal } = this.#server;
    this.#server.node.sendReady(node, { signal }).then(ready, () => this.#busy.delete(node));
  }

  #of(node: string): Outlet[] {
    return [...this.#outlets.values()].filter(({ pid }) => pid.node === node);
  }
}
