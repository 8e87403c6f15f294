import { nodeOfMember } from "./_members.ts";
import type { MemberId } from "./_types.ts";

/**
 * How a group comes to be. A member with an empty storage is nobody's yet: it says so to the nodes that are to found the group. The first
 * of them by name founds it, when it has heard from every one that it is new as well: a group that is there already is not founded a second time, whoever has
 * lost its storage. All others wait until the leader takes them in.
 */
export class Founding {
  readonly #id: MemberId;
  readonly #nodes: readonly string[];
  readonly #new: Map<string, MemberId> = new Map();
  #isOver = false;

  /** @param nodes those of the founders. */
  constructor(id: MemberId, nodes: readonly string[]) {
    this.#id = id;
    this.#nodes = [...nodes].sort();
    this.#new.set(nodeOfMember(id), id);
  }

  /** A member has said who it is. */
  heard(id: MemberId, group: string | null): void {
    if (group !== null) this.#isOver = true;
    else this.#new.set(nodeOfMember(id), id);
  }

  /** The founders, where it is this member's to found the group now; `null` where it is not. */
  get founders(): readonly MemberId[] | null {
    if (this.#isOver || this.#nodes[0] !== nodeOfMember(this.#id)) return null;
    const founders = this.#nodes.map((node) => this.#new.get(node));
    return founders.every((id) => id !== undefined) ? founders : null;
  }
}
