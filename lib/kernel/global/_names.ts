import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { termKey } from "../../etf/term_key.ts";
import type { Charge, Charges } from "./_charges.ts";
import type { Watch } from "./_locks.ts";
import type { ExternalName, NamedPid } from "./_protocol.ts";

/** A name, and which other node has said so; `null` where it was this one. */
export interface HeldName extends NamedPid {
  readonly speaker: string | null;
}

interface Entry extends HeldName {
  readonly monitor: Disposable;
  /** By way of which node it was registered, where its own takes no part. */
  readonly external: string | null;
  readonly charge: Charge;
}

/** The names that this node knows of. A name ends with its process. */
export class GlobalNamesTable {
  readonly #watch: Watch;
  readonly #charges: Charges;
  readonly #entries: Map<unknown, Entry> = new Map();
  /** How many names a process has: more than one where old nodes let it. */
  readonly #names: Map<string, number> = new Map();

  constructor(watch: Watch, charges: Charges) {
    this.#watch = watch;
    this.#charges = charges;
  }

  get(name: Encodable): HeldName | undefined {
    return this.#entries.get(termKey(name));
  }

  values(): IterableIterator<NamedPid> {
    return this.#entries.values();
  }

  /** A name of that process. */
  nameOf(pid: Pid): Term | undefined {
    if (!this.#names.has(pid.key)) return undefined;
    for (const entry of this.#entries.values()) if (entry.pid.equals(pid)) return entry.name;
    return undefined;
  }

  external(): ExternalName[] {
    const names: ExternalName[] = [];
    for (const { name, pid, external } of this.#entries.values()) {
      if (external !== null) names.push({ name, pid, node: external });
    }
    return names;
  }

  /**
   * Gives a name to a process, also where another one has it. Does nothing where the process's node has too many.
   *
   * @param speaker who says so, where that is another node.
   */
  insert({ name, pid, method }: NamedPid, external: string | null, speaker: string | null): void {
    const charge = this.#charges.charge(pid, [name, method], speaker);
    if (charge === null) return;
    this.delete(name);
    const entry: Entry = {
      name,
      pid,
      method,
      speaker,
      external,
      charge,
      monitor: this.#watch(pid, () => {
        if (this.#entries.get(key) === entry) this.delete(name);
      }),
    };
    const key = termKey(name);
    this.#entries.set(key, entry);
    this.#names.set(pid.key, (this.#names.get(pid.key) ?? 0) + 1);
  }

  /** Takes the names of that node's processes back. */
  deleteNode(node: string): void {
    for (const { name, pid } of [...this.#entries.values()]) {
      if (pid.node === node) this.delete(name);
    }
  }

  delete(name: Term): void {
    const key = termKey(name);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.monitor[Symbol.dispose]();
    this.#charges.refund(entry.charge);
    const left = this.#names.get(entry.pid.key)! - 1;
    if (left === 0) this.#names.delete(entry.pid.key);
    else this.#names.set(entry.pid.key, left);
  }
}
