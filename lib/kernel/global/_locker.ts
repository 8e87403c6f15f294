import { atom } from "../../etf/atom.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { Core } from "../../node/core.ts";
import { Acquire } from "./_acquire.ts";
import type { Locks } from "./_locks.ts";
import { bossOf, comparePids } from "./_order.ts";
import {
  GLOBAL,
  GLOBAL_NAME_SERVER,
  isAtom,
  type LockId,
  PROXY_VERSION,
  VERIFY_VERSION,
} from "./_protocol.ts";
import { Inbox, Worker } from "./_worker.ts";

const LOCK_SET = atom("lock_set");
/** Milliseconds until the first try, where no node is known yet. */
const FIRST_TRY = 200;

/** The locker of a node that is connected and not known yet. */
export interface Him {
  readonly node: string;
  readonly locker: Pid;
  readonly version: number;
  /** Of this session: ours, which comes back with what he says, and his, which goes with what we say. */
  readonly myTag: number;
  readonly hisTag: Term;
}

/** What the locker is told. */
export type LockerMessage =
  | { readonly type: "his_the_locker"; readonly him: Him }
  /** The session is over. Where the lock is set, `run` is called before it is freed. */
  | {
    readonly type: "cancel";
    readonly node: string;
    readonly tag: number;
    readonly run: (() => void) | null;
  }
  /** The other locker has his part of the cluster locked, or could not lock it. Without a tag where he speaks an old version. */
  | {
    readonly type: "lock_set";
    readonly pid: Pid;
    readonly set: boolean;
    readonly tag: Term | undefined;
  }
  | { readonly type: "add_to_known"; readonly nodes: readonly string[] }
  | { readonly type: "remove_from_known"; readonly node: string };

/** Both parts of the cluster are locked: names can be exchanged. Until the session is cancelled they stay locked. */
export type LockIsSet = (node: string, tag: number, requester: Term) => void;

/**
 * Locks this part of the cluster and, by way of the other node's locker, his part, whenever nodes of two parts have connected. It does
 * so for one such node after another.
 *
 * It is a process, for the lock is its own; and both lockers lock in the name of both, so that a node which is in both parts
 * gives them the lock together.
 */
export class Locker {
  readonly #core: Core;
  readonly #locks: Locks;
  readonly #worker: Worker;
  readonly #inbox: Inbox<LockerMessage>;
  readonly #acquire: Acquire;
  readonly #lockIsSet: LockIsSet;
  #others: Him[] = [];
  /** The nodes of our part, as of the last look: while it is being locked it must not change. */
  #known: string[] = [];
  #justSynced = false;

  constructor(core: Core, locks: Locks, lockIsSet: LockIsSet) {
    this.#core = core;
    this.#locks = locks;
    this.#lockIsSet = lockIsSet;
    this.#worker = new Worker(core, (message) => this.#received(message));
    this.#worker.process.asksOrigin = true;
    this.#inbox = new Inbox(core, this.#worker);
    this.#acquire = new Acquire(core, locks, this.#worker.process);
    void this.#run();
  }

  get pid(): Pid {
    return this.#worker.process.pid;
  }

  push(message: LockerMessage): void {
    this.#inbox.push(message);
  }

  /**
   * Sends a cast to another name server, in order with what the locker itself asks of it. What one of them is told may be too large for
   * it: the others have nothing to do with that.
   */
  cast(node: string, message: Encodable): void {
    try {
      this.#cast(node, message);
    } catch (error) {
      this.#core.fault("Cannot tell a name server", error);
    }
  }

  #cast(node: string, message: Encodable): void {
    this.#core.cast(this.#worker.process, { name: GLOBAL_NAME_SERVER, node }, {
      name: null,
      term: message,
    });
  }

  /** What was sent to the process itself: peers of old versions say `lock_set` so. */
  #received(message: unknown): void {
    if (!isTuple(message) || !isAtom(message[0] as Term, "lock_set")) return;
    const [, pid, set, , tag] = message as unknown as Term[];
    const { origin } = this.#worker.process;
    if (pid instanceof Pid && typeof set === "boolean" && (origin ?? pid.node) === pid.node) {
      this.push({ type: "lock_set", pid, set, tag });
    }
  }

  async #run(): Promise<void> {
    while (!this.#worker.process.exited) {
      try {
        const message = await this.#inbox.take(() => true, this.#patience());
        this.#justSynced = false;
        if (message !== null) await this.#handle(message);
        else if (!this.#locks.isSet(GLOBAL)) await this.#selectNode();
      } catch (error) {
        if (!this.#worker.process.exited) this.#core.fault("The locker of global failed", error);
      }
    }
  }

  /** How long it waits for messages before it tries to lock. Some time, or no other node would ever get the lock. */
  #patience(): number {
    if (this.#others.length === 0) return Infinity;
    if (this.#justSynced) return 0;
    if (this.#known.length === 0) return FIRST_TRY;
    return Math.min(1_000 + 100 * this.#known.length, 3_000);
  }

  async #handle(message: LockerMessage): Promise<void> {
    switch (message.type) {
      case "his_the_locker":
        this.#others.unshift(message.him);
        return;
      case "cancel":
        return this.#remove(message.node, message.tag);
      case "lock_set":
        if (message.set) await this.#asked(message.pid, message.tag);
        return;
      case "add_to_known":
      case "remove_from_known":
        return this.#update(message);
    }
  }

  /** Tries to lock both parts for one of the nodes that wait; those of this machine come first. */
  async #selectNode(): Promise<void> {
    this.#others = this.#others.filter((him) => !this.#known.includes(him.node));
    if (this.#others.length === 0) return;
    const near = this.#others.filter((him) => hostOf(him.node) === hostOf(this.#own));
    const him = this.#random(near.length > 0 ? near : this.#others);
    const id = this.#lockId(him.locker);
    // That he is locked in our name, too, keeps us from waiting for each other.
    if (!await this.#lockSafely(id, [him.node])) return;
    const locked = [this.#own, him.node, ...this.#known];
    try {
      this.#answer(him.locker, true, him.version, him.hisTag);
      await this.#untilBoth(him, id);
    } finally {
      await this.#acquire.deleteAll(id, locked);
    }
  }

  /** We have our part locked, and wait for what he says of his. */
  async #untilBoth(him: Him, { requester }: LockId): Promise<void> {
    const { node, myTag } = him;
    for (;;) {
      const message = await this.#inbox.take((message) =>
        message.type === "lock_set"
          ? message.pid.node === node
          : message.type === "cancel" && message.node === node && message.tag === myTag
      );
      if (message?.type === "cancel") {
        this.#remove(node, myTag);
        return message.run?.();
      }
      if (message?.type !== "lock_set") continue;
      if (message.tag !== undefined && message.tag !== myTag) continue; // of a session that is over
      if (!message.set) return;
      this.#lockIsSet(node, myTag, requester);
      await this.#untilCancelled(node, myTag);
      this.#justSynced = true;
      this.#others = this.#others.filter((other) => other !== him);
      return;
    }
  }

  /** He has his part locked and asks for ours. */
  async #asked(pid: Pid, tag: Term | undefined): Promise<void> {
    const him = this.#others.find(({ node }) => node === pid.node);
    if (him === undefined || (tag !== undefined && tag !== him.myTag)) {
      return this.#answer(pid, false, PROXY_VERSION - 1, 0);
    }
    const id = this.#lockId(pid);
    if (!await this.#lockSafely(id, [])) {
      return this.#answer(pid, false, him.version, him.hisTag);
    }
    const locked = [this.#own, ...this.#known];
    try {
      this.#answer(pid, true, him.version, him.hisTag);
      this.#lockIsSet(him.node, him.myTag, id.requester);
      await this.#untilCancelled(him.node, him.myTag);
      this.#justSynced = true;
      this.#remove(him.node, him.myTag);
    } finally {
      await this.#acquire.deleteAll(id, locked);
    }
  }

  /** Both parts are locked. They stay so until the names are exchanged, or a node is lost. */
  async #untilCancelled(node: string, tag: number): Promise<void> {
    const message = await this.#inbox.take((message) =>
      message.type === "cancel" && message.node === node && message.tag === tag
    );
    if (message?.type === "cancel") message.run?.();
  }

  /** Locks our part, and those nodes besides: the boss first, where all who want it meet. */
  async #lockSafely(id: LockId, besides: readonly string[]): Promise<boolean> {
    const boss = bossOf([this.#own, ...this.#known]);
    // To lock this node before the boss could stop one that has the boss.
    if (boss !== this.#own && !this.#locks.canSet(id)) return false;
    if (!await this.#acquire.set(id, [boss])) return false;
    const locked = [boss];
    let all = false;
    try {
      for (const message of this.#inbox.drain(isAboutKnown)) this.#update(message);
      const second = [this.#own, ...besides].filter((node) => node !== boss);
      if (!await this.#acquire.set(id, second)) return false;
      locked.push(...second);
      return all = await this.#acquire.set(id, this.#known.filter((node) => node !== boss));
    } finally {
      if (!all) await this.#acquire.delete(id, locked);
    }
  }

  #answer(to: Pid, set: boolean, version: number, tag: Term): void {
    const known = this.#known.map((node) => atom(node));
    const message = version < VERIFY_VERSION
      ? tuple(LOCK_SET, this.pid, set, known)
      : tuple(LOCK_SET, this.pid, set, known, tag);
    if (version >= PROXY_VERSION) this.#cast(to.node, message as Encodable);
    else this.#core.send(this.#worker.process, to, message as Encodable);
  }

  #lockId(locker: Pid): LockId {
    return { resource: GLOBAL, requester: [this.pid, locker].sort(comparePids) };
  }

  #update(message: LockerMessage): void {
    if (message.type === "add_to_known") {
      this.#known = [...message.nodes, ...this.#known];
    } else if (message.type === "remove_from_known") {
      this.#known = this.#known.filter((node) => node !== message.node);
    }
  }

  #remove(node: string, tag: number): void {
    this.#others = this.#others.filter((him) => him.node !== node || him.myTag !== tag);
  }

  #random<T>(list: readonly T[]): T {
    const random = new DataView(this.#core.platform.randomBytes(4).buffer).getUint32(0);
    return list[random % list.length];
  }

  get #own(): string {
    return this.#core.name.name;
  }
}

function isAboutKnown({ type }: LockerMessage): boolean {
  return type === "add_to_known" || type === "remove_from_known";
}

function hostOf(node: string): string {
  return node.slice(node.indexOf("@") + 1);
}
