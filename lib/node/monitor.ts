import type { Pid, Ref } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { type Tuple, tuple } from "../etf/tuple.ts";
import { DOWN, PROCESS } from "./atoms.ts";
import type { Process, Watcher } from "./process.ts";
import { Turn } from "./turn.ts";

/** The end of a process that was monitored. */
export interface Down {
  /** The monitor's reference. */
  readonly ref: Ref;
  /** The pid that was monitored, or `{Name, Node}`. */
  readonly object: Pid | Tuple;
  /** The exit reason; `noproc` where there was no such process, `noconnection` where its node was lost. */
  readonly reason: Term;
}

/** Where a monitor is kept, so that it can be taken back. */
export interface MonitorPlace {
  demonitor(monitor: Monitor): void;
}

/** A monitor of this node on a process, here or elsewhere. It fires once, or never once disposed. */
export class Monitor extends Turn implements Watcher, Disposable {
  readonly ref: Ref;
  readonly object: Pid | Tuple;
  /** @internal `null` where it has fired or was taken back. */
  _place: MonitorPlace | null = null;
  #owner: Process;
  #handler: ((down: Down) => unknown) | null;
  #reason: Term = null;
  #over = false;

  /** @internal */
  constructor(
    ref: Ref,
    object: Pid | Tuple,
    owner: Process,
    handler: ((down: Down) => unknown) | null,
  ) {
    super();
    this.ref = ref;
    this.object = object;
    this.#owner = owner;
    this.#handler = handler;
    owner.own(this);
  }

  /** @internal The process has ended. */
  down(reason: Term): void {
    if (this.#over) return;
    this.#reason = reason;
    this._place = null;
    this.#owner.disown(this);
    if (this.#handler !== null) {
      this.#owner.deliver(this);
    } else {
      this.#over = true;
      this.#owner.deliver(tuple(DOWN, this.ref, PROCESS, this.object, reason));
    }
  }

  /** @internal */
  run(): unknown {
    if (this.#over) return;
    this.#over = true;
    return this.#handler!({ ref: this.ref, object: this.object, reason: this.#reason });
  }

  /** Takes the monitor back. Its handler is not called any more, also where the process has ended just now. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.disown(this);
    this._place?.demonitor(this);
    this._place = null;
  }
}
