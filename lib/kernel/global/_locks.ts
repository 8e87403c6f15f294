import type { Pid } from "../../etf/identifiers.ts";
import { equal } from "../../etf/equal.ts";
import type { Term } from "../../etf/term.ts";
import { termKey } from "../../etf/term_key.ts";
import type { Charge, Charges } from "./_charges.ts";
import { GLOBAL, type LockId } from "./_protocol.ts";

/** Watches a process: `fn` is called once, when it has ended. */
export type Watch = (pid: Pid, fn: () => void) => Disposable;

interface Holder {
  readonly pid: Pid;
  readonly monitor: Disposable;
  readonly charge: Charge;
}

/** One resource that is locked: by one requester, for which several processes may have it. */
interface Lock {
  readonly requester: Term;
  readonly holders: Map<string, Holder>;
}

/** The locks that this node knows of, its own and those of others. A lock ends with the last process that has it. */
export class Locks {
  readonly #watch: Watch;
  readonly #charges: Charges;
  readonly #locks: Map<unknown, Lock> = new Map();
  /** Whether the lock of `global` was last freed by the end of who had it, and not given back. */
  globalLockDown = false;

  constructor(watch: Watch, charges: Charges) {
    this.#watch = watch;
    this.#charges = charges;
  }

  get size(): number {
    return this.#locks.size;
  }

  isSet(resource: Term): boolean {
    return this.#locks.has(termKey(resource));
  }

  /** Whether this requester could have it. */
  canSet({ resource, requester }: LockId): boolean {
    const lock = this.#locks.get(termKey(resource));
    return lock === undefined || equal(lock.requester, requester);
  }

  /**
   * @param speaker who asks for it, where that is another node.
   * @returns whether the process has it now; `false` where another requester has it, or that node has too many.
   */
  set(id: LockId, pid: Pid, speaker: string | null = null): boolean {
    if (!this.canSet(id)) return false;
    const key = termKey(id.resource);
    let lock = this.#locks.get(key);
    if (lock?.holders.has(pid.key)) return true;
    const charge = this.#charges.charge(pid, [id.resource, id.requester], speaker);
    if (charge === null) return false;
    if (lock === undefined) {
      lock = { requester: id.requester, holders: new Map() };
      this.#locks.set(key, lock);
    }
    const set = lock;
    const monitor = this.#watch(pid, () => this.#remove(key, set, pid, true));
    lock.holders.set(pid.key, { pid, monitor, charge });
    return true;
  }

  /** Gives a lock back. Does nothing where the process does not have it for that requester. */
  delete(id: LockId, pid: Pid): void {
    const key = termKey(id.resource);
    const lock = this.#locks.get(key);
    if (lock === undefined || !equal(lock.requester, id.requester)) return;
    this.#remove(key, lock, pid, false);
  }

  /** Frees what processes of that node have. */
  deleteNode(node: string): void {
    for (const [key, lock] of [...this.#locks]) {
      for (const { pid } of [...lock.holders.values()]) {
        if (pid.node === node) this.#remove(key, lock, pid, true);
      }
    }
  }

  /** Whether names may change under the lock of `global` for that process, or for that requester; `null` where nobody has it. */
  permits(by: { readonly pid: Pid } | { readonly requester: Term | undefined }): boolean | null {
    const lock = this.#locks.get(GLOBAL);
    if (lock === undefined) return null;
    return "pid" in by
      ? lock.holders.has(by.pid.key)
      : by.requester !== undefined && equal(lock.requester, by.requester);
  }

  #remove(key: unknown, lock: Lock, pid: Pid, down: boolean): void {
    const holder = lock.holders.get(pid.key);
    if (holder === undefined) return;
    lock.holders.delete(pid.key);
    holder.monitor[Symbol.dispose]();
    this.#charges.refund(holder.charge);
    if (lock.holders.size > 0 || this.#locks.get(key) !== lock) return;
    this.#locks.delete(key);
    if (key === GLOBAL) this.globalLockDown = down;
  }
}
