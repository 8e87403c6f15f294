import { Pid, Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { type Tuple, tuple } from "../../etf/tuple.ts";
import { DOWN, NOPROC, PROCESS } from "../atoms.ts";
import type { Core } from "../core.ts";
import { type Address, objectOf } from "../target.ts";
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

/**
 * A monitor on a process, of this node or of another one. It fires once, or never once it is disposed.
 *
 * It fires too where the process had ended before, or its node cannot be reached: monitoring never throws for that.
 */
export interface Monitor extends Disposable {
  /** What Erlang's `monitor/2` returns; the same as in the `DOWN` message. */
  readonly ref: Ref;
  /** The pid that is monitored, or `{Name, Node}` where the process was named. */
  readonly object: Pid | Tuple;
  /**
   * Takes the monitor back, as `demonitor(Ref, [flush])`: its handler is not called any more, also where the process has ended
   * just now. Idempotent.
   */
  [Symbol.dispose](): void;
}

/** Where a monitor is kept, so that it can be taken back. */
export interface MonitorPlace {
  demonitor(monitor: ProcessMonitor): void;
}

/** A monitor that one of this node's processes has. */
export class ProcessMonitor extends Turn implements Monitor, Watcher {
  readonly ref: Ref;
  readonly object: Pid | Tuple;
  /** `null` where it has fired or was taken back. */
  _place: MonitorPlace | null = null;
  #owner: Process;
  #handler: ((down: Down) => unknown) | null;
  #reason: Term = null;
  #over = false;

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

  /** Whose monitor it is. */
  get by(): Pid {
    return this.#owner.pid;
  }

  /** The process has ended. */
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

  run(): unknown {
    if (this.#over) return;
    this.#over = true;
    return this.#handler!({ ref: this.ref, object: this.object, reason: this.#reason });
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.disown(this);
    this._place?.demonitor(this);
    this._place = null;
  }
}

/** A process watches another one, here or elsewhere. */
export function monitorProcess(
  core: Core,
  owner: Process,
  address: Address,
  handler: ((down: Down) => unknown) | null,
): Monitor {
  owner.mustLive("monitor");
  if (address instanceof Ref) {
    throw new TypeError("Cannot monitor an alias: monitor the process by its pid or name");
  }
  const object = address instanceof Pid ? address : objectOf(address, core.name);
  const monitor = new ProcessMonitor(core.makeRef(), object, owner, handler);
  const remote = core.remoteOf(address);
  if (remote !== null) {
    monitor._place = { demonitor: (taken) => remote.demonitor(taken.ref) };
    const to = address instanceof Pid ? address : address.name;
    remote.monitor(owner.pid, to, monitor.ref, monitor);
    return monitor;
  }
  const process = core.local(address);
  if (process === undefined) {
    monitor.down(NOPROC);
  } else {
    monitor._place = process;
    process.addWatcher(monitor);
  }
  return monitor;
}
