import type { Pid, Ref } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { NOPROC } from "../node/atoms.ts";
import type { Core } from "../node/core.ts";
import type { Process, Watcher } from "../node/process/process.ts";
import type { Name } from "../node/target.ts";

/** What a process of another thread watches, here or on another node. */
export class OutMonitor implements Watcher, Disposable {
  readonly #owner: Process;
  readonly #ref: Ref;
  readonly #ended: (reason: Term | undefined) => void;
  #demonitor: (() => void) | null = null;
  #over = false;

  /** @param ended is called once: with why what is watched has ended, or `undefined` where the monitor was taken back. */
  constructor(owner: Process, ref: Ref, ended: (reason: Term | undefined) => void) {
    this.#owner = owner;
    this.#ref = ref;
    this.#ended = ended;
    owner.own(this);
  }

  get by(): Pid {
    return this.#owner.pid;
  }

  watch(core: Core, address: Pid | Name): void {
    const remote = core.remoteOf(address);
    if (remote !== null) {
      this.#demonitor = () => remote.demonitor(this.#ref);
      const to = "text" in address ? address.name : address;
      return void remote.monitor(this.by, to, this.#ref, this);
    }
    const process = core.local(address);
    if (process === undefined) return this.down(NOPROC);
    this.#demonitor = () => process.removeWatcher(this);
    process.addWatcher(this);
  }

  down(reason: Term): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.disown(this);
    this.#ended(reason);
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.disown(this);
    this.#demonitor?.();
    this.#ended(undefined);
  }
}
