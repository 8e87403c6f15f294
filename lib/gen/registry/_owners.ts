import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Linked, Process, Watcher } from "../../node/process/process.ts";

/** A process that has entries in a registry: it is watched while it has some. */
export interface Owner<E> {
  readonly entries: Set<E>;
  /** It has no entries any more. */
  release(): void;
}

/**
 * A process of this node. It is linked to the registry, so that it does not live on where nobody finds it when the registry crashes; but its own end is
 * not one of the registry's, which does not even get a message of it.
 */
export class LocalOwner<E> implements Owner<E>, Watcher, Linked {
  readonly entries: Set<E> = new Set();
  readonly #registry: Process;
  readonly #process: Process;
  readonly #ended: () => void;

  constructor(registry: Process, process: Process, ended: () => void) {
    this.#registry = registry;
    this.#process = process;
    this.#ended = ended;
    process.addWatcher(this);
    process.addLink(this);
    registry.addLink(process);
  }

  /** What its process is linked to. */
  get pid(): Pid {
    return this.#registry.pid;
  }

  down(): void {
    this.#registry.removeLink(this.#process.pid);
    this.#ended();
  }

  linkBroken(_from: Pid, _reason: Term): void {}

  /** The registry has ended: its links tell the process. */
  forget(): void {
    this.#process.removeWatcher(this);
  }

  release(): void {
    this.#process.removeWatcher(this);
    this.#process.removeLink(this.#registry.pid);
    this.#registry.removeLink(this.#process.pid);
  }
}

/** A process of another node, which is watched only. */
export class RemoteOwner<E> implements Owner<E> {
  readonly entries: Set<E> = new Set();
  readonly #monitor: Disposable;

  constructor(registry: ProcessContext, pid: Pid, ended: () => void) {
    this.#monitor = registry.monitor(pid, ended);
  }

  release(): void {
    this.#monitor[Symbol.dispose]();
  }
}
