import { BusyError } from "../node/errors.ts";
import type { Node } from "../node/node.ts";

/**
 * What processes of another thread have sent to nodes that take no more at present. Those threads are told, and send no more to that node;
 * what has come before they knew waits here, in its order.
 */
export class Held {
  readonly #node: Node;
  readonly #tell: (node: string, busy: boolean) => void;
  readonly #waiting: Map<string, (() => void)[]> = new Map();

  constructor(node: Node, tell: (node: string, busy: boolean) => void) {
    this.#node = node;
    this.#tell = tell;
  }

  /** Sends something to a node, now or when it takes more. */
  send(to: string, send: () => void): void {
    const waiting = this.#waiting.get(to);
    if (waiting !== undefined) return void waiting.push(send);
    try {
      send();
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      this.#waiting.set(to, [send]);
      this.#tell(to, true);
      this.#wait(to);
    }
  }

  /** What waits will not be sent any more. */
  clear(): void {
    this.#waiting.clear();
  }

  #wait(to: string): void {
    this.#node.sendReady(to).then(() => this.#go(to), () => this.#end(to));
  }

  #go(to: string): void {
    const waiting = this.#waiting.get(to) ?? [];
    while (waiting.length > 0) {
      try {
        waiting[0]();
      } catch (error) {
        if (error instanceof BusyError) return this.#wait(to);
        this.#node._core.fault(`Cannot send to ${to}`, error);
      }
      waiting.shift();
    }
    this.#end(to);
  }

  /** The node takes more, or is gone, and with it what was for it. */
  #end(to: string): void {
    if (this.#waiting.delete(to)) this.#tell(to, false);
  }
}
