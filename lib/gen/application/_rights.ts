import type { AllowOptions, ApplicationAction } from "../../node/applications.ts";
import { Globs } from "../../node/globs.ts";

const ACTIONS: readonly ApplicationAction[] = ["start", "stop", "env"];

interface Right {
  readonly name: string;
  readonly peers: Globs;
  readonly actions: readonly ApplicationAction[];
}

/** What other nodes may do with applications: nothing, unless it was allowed. */
export class Rights {
  readonly #rights: Set<Right> = new Set();

  allow(name: string, { peers = "*", actions = ["start"] }: AllowOptions): Disposable {
    const unknown = actions.find((action) => !ACTIONS.includes(action));
    if (unknown !== undefined) {
      throw new TypeError(
        `Cannot allow ${unknown} for application ${name}: there are ${ACTIONS.join(", ")}`,
      );
    }
    const right = { name, peers: new Globs(typeof peers === "string" ? [peers] : peers), actions };
    this.#rights.add(right);
    return { [Symbol.dispose]: () => void this.#rights.delete(right) };
  }

  /** @param peer the node that asks; `null` where it is this one, which may all. */
  may(peer: string | null, action: ApplicationAction, name: string): boolean {
    if (peer === null) return true;
    for (const right of this.#rights) {
      if (right.name === name && right.actions.includes(action) && right.peers.fit(peer)) {
        return true;
      }
    }
    return false;
  }
}
