import { NodeDownError } from "../../node/errors.ts";
import { ProcessTimer } from "../../node/process/timer.ts";
import type { Parent } from "./_start.ts";

/** Waits until a child is to be started again whose last start has failed: for a time, and then until its node can be reached. */
export class Retry implements Disposable {
  readonly #parent: Parent;
  readonly #ms: number;
  /** The node that could not be reached; `null` where the start has failed for another reason. */
  readonly #lost: string | null;
  readonly #again: () => unknown;
  #timer: Disposable;
  #over = false;

  /**
   * @param cause why the last start has failed.
   * @param again runs in the supervisor.
   */
  constructor(parent: Parent, ms: number, cause: unknown, again: () => unknown) {
    this.#parent = parent;
    this.#ms = ms;
    this.#lost = cause instanceof NodeDownError ? cause.node : null;
    this.#again = again;
    this.#timer = this.#after(ms, () => this.#due());
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#timer[Symbol.dispose]();
  }

  #after(ms: number, fn: () => unknown): Disposable {
    const { node, process } = this.#parent;
    return new ProcessTimer(node._core, process, ms, fn, { repeat: false });
  }

  /** The supervisor does other things while the node is looked for. */
  #due(): unknown {
    const { node, process } = this.#parent;
    if (this.#lost === null) return this.#again();
    node.connect(this.#lost).then(() => true, () => false).then((reached) => {
      if (this.#over || process.exited) return;
      this.#timer = reached
        ? this.#after(0, this.#again)
        : this.#after(this.#ms, () => this.#due());
    });
  }
}
