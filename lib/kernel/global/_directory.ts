import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { equal } from "../../etf/equal.ts";
import type { Charges } from "./_charges.ts";
import { Locks, type Watch } from "./_locks.ts";
import { GlobalNamesTable } from "./_names.ts";
import type { ExternalName, NamedPid, Operation } from "./_protocol.ts";

/** Who changes a name: a process that has the lock of `global`, or whoever had it when parts of the cluster met. */
export type Changer = { readonly pid: Pid } | { readonly requester: Term | undefined };

/** Names, and the locks under which they change. */
export class Directory {
  readonly locks: Locks;
  readonly names: GlobalNamesTable;

  constructor(watch: Watch, charges: Charges) {
    this.locks = new Locks(watch, charges);
    this.names = new GlobalNamesTable(watch, charges);
  }

  /**
   * Gives a name to a process. Where its changer has lost the lock, by the loss of his node, the message was late and the name is not
   * to be: others do not have it.
   *
   * @param speaker which other node says so; `null` where it is this one.
   */
  insert(
    named: NamedPid,
    external: string | null,
    by: Changer,
    speaker: string | null,
  ): void {
    this.names.insert(named, external, speaker);
    const permitted = this.locks.permits(by) ?? !this.locks.globalLockDown;
    if (!permitted) this.names.delete(named.name);
  }

  /**
   * A node is lost, and with it the locks and names of its processes.
   *
   * Their monitors tell the same, but for those of messages that were handled only after the loss: these monitors have connected again.
   * Nobody else knows of such locks, not even who has them, so that they would never be freed.
   */
  lose(node: string): void {
    this.locks.deleteNode(node);
    this.names.deleteNode(node);
  }

  /** Does what was agreed upon when parts of the cluster have met. */
  apply(
    operations: readonly Operation[],
    external: readonly ExternalName[],
    by: Changer,
    speaker: string,
  ): void {
    for (const operation of operations) {
      if (operation.type !== "insert") continue;
      const { named } = operation;
      const way = external.find(({ name, pid }) =>
        equal(name, named.name) && pid.equals(named.pid)
      );
      this.insert(named, way?.node ?? null, by, speaker);
    }
    for (const operation of operations) {
      if (operation.type === "delete") this.names.delete(operation.name);
    }
  }
}
