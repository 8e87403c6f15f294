import type { Pid } from "../../etf/identifiers.ts";
import { type Process, processId } from "../process/process.ts";
import { RemoteLink } from "./_far_ends.ts";
import type { Peer } from "./peer.ts";

/** The links between our processes and those of a peer, and those that were taken back. */
export class PeerLinks {
  /** How many of them the peer has made. */
  theirs = 0;
  readonly #peer: Peer;
  readonly #links: Map<string, RemoteLink> = new Map();
  /** Links that were taken back, with the ids of the UNLINK_ID that the peer has not acknowledged: their exit signals do not count. */
  readonly #unlinking: Map<string, number> = new Map();
  #unlinks = 0;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** @param theirs whether the peer has made it. */
  add(process: Process, to: Pid, theirs: boolean): void {
    const key = linkKey(process.pid, to);
    this.#drop(key);
    const link = new RemoteLink(this.#peer, process, to, theirs);
    this.#links.set(key, link);
    if (theirs) this.theirs++;
    process.addLink(link);
  }

  /** One of our processes makes a link. */
  make(process: Process, to: Pid): void {
    // An unlink that is not acknowledged is forgotten with it: what comes from now on is of the new link.
    this.#unlinking.delete(linkKey(process.pid, to));
    this.add(process, to, false);
  }

  forget(process: Process, to: Pid): void {
    this.#drop(linkKey(process.pid, to));
  }

  /** One of our processes takes its link back. @returns the id that the peer is to acknowledge. */
  unlink(process: Process, to: Pid): number {
    const key = linkKey(process.pid, to);
    this.#drop(key);
    const id = ++this.#unlinks;
    this.#unlinking.set(key, id);
    return id;
  }

  /** The peer has acknowledged an unlink, or never will. One that was followed by another LINK of ours is forgotten already. */
  acknowledged(id: number | bigint, from: Pid, to: Pid): void {
    const key = linkKey(to, from);
    if (this.#unlinking.get(key) === Number(id)) this.#unlinking.delete(key);
  }

  /**
   * Whether a LINK of the peer makes a link: not where there is one, and not while it has not acknowledged our unlink, which it
   * will get behind its LINK.
   */
  mayBeMade(process: Process, to: Pid): boolean {
    return !process.isLinked(to) && !this.#unlinking.has(linkKey(process.pid, to));
  }

  /** An exit signal of a link has come: whether it counts, or has crossed an unlink of ours. */
  mayEnd(from: Pid, to: Pid): boolean {
    const crossed = this.#unlinking.delete(linkKey(to, from));
    return !crossed;
  }

  /** Takes all of them out. */
  take(): RemoteLink[] {
    const links = [...this.#links.values()];
    this.#links.clear();
    this.#unlinking.clear();
    this.theirs = 0;
    return links;
  }

  #drop(key: string): void {
    if (this.#links.get(key)?.theirs) this.theirs--;
    this.#links.delete(key);
  }
}

function linkKey(ours: Pid, theirs: Pid): string {
  return `${processId(ours)}:${theirs.key}`;
}
