import type { Atom } from "../etf/atom.ts";
import type { Pid, Ref } from "../etf/identifiers.ts";
import { NOCONNECTION } from "./atoms.ts";
import type { Process, Watcher } from "./process.ts";
import type { RemoteNode, RemoteNodes } from "./remote_node.ts";

/** Every other node where there is no network: it is down. */
class Unreachable implements RemoteNode {
  readonly name: string;
  readonly plainTags = false;

  constructor(name: string) {
    this.name = name;
  }

  send(): void {}

  mustSend(): void {}

  admit(): void {}

  monitor(_from: Pid, _to: Pid | Atom, _ref: Ref, watcher: Watcher): void {
    watcher.down(NOCONNECTION);
  }

  demonitor(): void {}

  link(process: Process, to: Pid): void {
    process.exitSignal(to, NOCONNECTION, true);
  }

  unlink(): void {}

  exit(): void {}

  setGroupLeader(): void {}

  failCaller(): void {}
}

/** What a node without a network sees of the others. */
export const NO_NETWORK: RemoteNodes = { remote: (node) => new Unreachable(node) };
