import { equal } from "../../etf/equal.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import type { Directory } from "./_directory.ts";
import type { Locker } from "./_locker.ts";
import { LostConnections } from "./_lost.ts";
import { Messages, type NewNodes, type Resolved } from "./_messages.ts";
import {
  type KnownNode,
  type NamedPid,
  type Operation,
  PARTITIONS_VERSION,
  VERIFY_VERSION,
  VERSION,
} from "./_protocol.ts";
import type { Resolver } from "./_resolve.ts";
import { Syncers } from "./_syncers.ts";

/** What a membership needs of its process and its node. */
export interface Surroundings {
  /** The node's name. */
  readonly own: string;
  /** Tells this life of the node from others. */
  readonly creation: number;
  /** Nodes connect with all that they hear of. */
  readonly connectAll: boolean;
  /** Whoever has lost a node makes the others lose it, too, so that no two parts of the cluster overlap. */
  readonly preventOverlappingPartitions: boolean;
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  cast(node: string, message: Encodable): void;
  /** Sends a message where there is a connection, and never makes one. */
  send(node: string, message: Encodable): void;
  connect(node: string): Promise<void>;
  disconnect(node: string): void;
  /** Runs `fn` as a message of its own. */
  post(fn: () => void): void;
  warn(message: string): void;
}

/** What is known of an exchange of names with one node, from when it has connected. */
interface Session {
  /** Ours; `undefined` while only he has begun. */
  myTag?: number;
  hisTag?: Term;
  version?: number;
  /** The requester of the lock under which names are exchanged, once both parts of the cluster are locked. */
  lock?: Term;
  /** His names, where they have come before the lock was known to be set. */
  names?: readonly NamedPid[];
  /** Set once names are compared; aborts where that is in vain. */
  exchanging?: AbortController;
  /** What is to be done here, once his names were compared with ours. */
  ours?: readonly Operation[];
  /** What he has found. */
  his?: Resolved;
  /** His `init_connect`, where it has come before we knew that he is up. */
  early?: () => void;
}

/**
 * Which nodes have the same names as this one, and how more of them do: what happens when nodes connect and are lost.
 *
 * | between A and B, which have connected | does |
 * | --- | --- |
 * | `init_connect`, `init_connect_ack` | tells the other's locker, and the tag of this session |
 * | `lock_set`, by the lockers | both parts of the cluster are locked |
 * | `exchange` | the names of each part |
 * | `resolved` | what was decided on names that both had, and whom each knows |
 * | `new_nodes`, to the rest of one's part | the same, for those who have not taken part |
 * | `in_sync` | from each to each new node, once they are connected |
 * | `cancel_connect` | the session is void, another one begins |
 * | `lost_connection` | one node has lost another, so all are to lose it |
 * | `remove_connection` | asks a node to end its connection with the sender |
 */
export class Membership {
  readonly #around: Surroundings;
  readonly #directory: Directory;
  readonly #resolver: Resolver;
  readonly #locker: Locker;
  readonly #messages: Messages;
  readonly #lost: LostConnections;
  readonly #connected: Set<string> = new Set();
  /** Those of our part of the cluster, with their versions. */
  readonly #known: Map<string, number> = new Map();
  /** Those that names are being exchanged with. */
  readonly #pending: Map<string, number> = new Map();
  /** Those whose connection is about to end, of which nobody need be told. */
  readonly #removing: Set<string> = new Set();
  readonly #synced: Set<string> = new Set();
  readonly #sessions: Map<string, Session> = new Map();
  readonly #syncers: Syncers = new Syncers();
  #lastTag = 0;
  #lastLoss = 0;

  constructor(around: Surroundings, directory: Directory, resolver: Resolver, locker: Locker) {
    this.#around = around;
    this.#directory = directory;
    this.#resolver = resolver;
    this.#locker = locker;
    this.#messages = new Messages(around.own);
    this.#lost = new LostConnections(() => around.now());
  }

  get known(): KnownNode[] {
    return [...this.#known];
  }

  get synced(): string[] {
    return [...this.#synced];
  }

  // Connections

  nodeUp(node: string): void {
    if (this.#connected.has(node)) this.nodeDown(node);
    this.#connected.add(node);
    if (this.#around.connectAll) this.#begin(node);
  }

  nodeDown(node: string): void {
    this.#connected.delete(node);
    this.#lose(node);
  }

  /** A hidden node is gone, which takes no part: what it has said all the same is forgotten. */
  hiddenDown(node: string): void {
    this.#cancel(node, null);
    this.#pending.delete(node);
    this.#synced.delete(node);
  }

  /** Ends all connections, and tells nobody. */
  disconnectAll(): string[] {
    const nodes = [...this.#connected];
    for (const node of nodes) {
      this.#removing.add(node);
      this.#around.disconnect(node);
    }
    return nodes;
  }

  /** Calls `done` when those nodes have the same names as this one, or are lost, or take no part. */
  sync(nodes: readonly string[], done: () => void): void {
    const { own } = this.#around;
    const missing = nodes.filter((node) => node !== own && !this.#synced.has(node));
    this.#syncers.add(missing, done);
    for (const node of missing) {
      if (this.#connected.has(node)) continue;
      const settle = (): void => {
        this.#around.post(() => {
          if (!this.#connected.has(node)) this.#syncers.settle(node);
        });
      };
      this.#around.connect(node).then(settle, settle);
    }
  }

  // The exchange of names, in its order

  initConnect(node: string, version: number, tag: Term, locker: Pid): void {
    if (this.#pending.has(node)) {
      // He has begun anew while we are in the middle of it: neither goes on.
      if (version < VERIFY_VERSION) {
        this.#around.warn(`${node} began to exchange names twice, it is disconnected`);
        return this.#around.disconnect(node);
      }
      this.#around.send(node, this.#messages.cancelConnect(tag));
      this.#restart(node);
    }
    const session = this.#session(node);
    session.version = Math.min(version, VERSION);
    session.hisTag = tag;
    const { myTag } = session;
    if (myTag === undefined) {
      session.early = () => this.initConnect(node, version, tag, locker);
      return;
    }
    const him = { node, locker, version: session.version, myTag, hisTag: tag };
    this.#locker.push({ type: "his_the_locker", him });
    if (version >= VERIFY_VERSION) {
      this.#around.send(node, this.#messages.initConnectAck(tag, myTag));
    }
    this.#pending.set(node, version);
  }

  /** He has our `init_connect`, and confirms which session he takes it for. */
  initConnectAck(node: string, myTag: Term, hisTag: Term): void {
    const session = this.#ongoing(node, myTag);
    if (session?.hisTag !== undefined && equal(session.hisTag, hisTag)) return;
    this.#around.send(node, this.#messages.cancelConnect(hisTag));
    this.#restart(node);
  }

  cancelConnect(node: string, myTag: Term): void {
    if (this.#ongoing(node, myTag) !== null) this.#restart(node);
  }

  /** What his locker says to ours. Old versions have no tag. */
  lockSet(pid: Pid, set: boolean, tag: Term | undefined): void {
    if (tag !== undefined && this.#ongoing(pid.node, tag) === null) return;
    this.#locker.push({ type: "lock_set", pid, set, tag });
  }

  /** Our locker: both parts are locked. */
  lockIsSet(node: string, tag: number, requester: Term): void {
    const session = this.#ongoing(node, tag);
    if (session === null) return this.#unlock(node, tag);
    session.lock = requester;
    const names = this.#directory.names.values();
    this.#around.cast(node, this.#messages.exchange(names, session.hisTag ?? null));
    this.#compare(node, session);
  }

  exchange(node: string, names: readonly NamedPid[], tag: Term): void {
    const session = this.#ongoing(node, tag);
    if (session === null) return this.#unlock(node, tag);
    session.names = names;
    this.#compare(node, session);
  }

  resolved(node: string, his: Resolved, tag: Term): void {
    const session = this.#ongoing(node, tag);
    if (session === null) return this.#unlock(node, tag);
    session.his = his;
    this.#finish(node, session);
  }

  /**
   * @param node who says so.
   * @param requester whose lock it was; `undefined` where that is not told.
   */
  newNodes(
    node: string,
    { operations, external, nodes }: Omit<NewNodes, "version" | "requester">,
    requester: Term | undefined,
  ): void {
    const added = this.#addToKnown(nodes);
    this.#sayInSync(added);
    this.#directory.apply(operations, external, { requester }, node);
    this.#locker.push({ type: "add_to_known", nodes: added });
  }

  inSync(node: string): void {
    this.#pending.delete(node);
    this.#cancel(node, null);
    this.#isSynced(node);
  }

  // Overlapping partitions

  /** `from` says that it has lost `to`. Whoever has `to` still must lose it, too, or some would see it and some not. */
  lostConnection(
    from: string,
    creation: number | bigint,
    operation: number | bigint,
    to: string,
  ): void {
    if (!this.#prevents || !this.#lost.add(from, to, creation, operation)) return;
    this.#multicast(this.#messages.lostConnection(from, creation, operation, to), from);
    // Where it is us who were lost the others will remove us; `from` has to, too.
    const node = to === this.#around.own ? from : to;
    if (!this.#isKnown(node)) return;
    this.#around.warn(`asks ${node} to disconnect, for ${from} has lost ${to}`);
    if (this.#versionOf(node) < PARTITIONS_VERSION) this.#around.disconnect(node);
    else this.#around.send(node, this.#messages.removeConnection());
    this.#remove(node);
  }

  removeConnection(node: string): void {
    if (!this.#isKnown(node)) return;
    this.#around.warn(`disconnects from ${node}, which asks for it: a node has lost another one`);
    this.#remove(node);
    this.#around.disconnect(node);
  }

  // Parts of the above

  #session(node: string): Session {
    let session = this.#sessions.get(node);
    if (session === undefined) this.#sessions.set(node, session = {});
    return session;
  }

  /** The session of that tag; `null` where it is over. */
  #ongoing(node: string, tag: Term): Session | null {
    const session = this.#sessions.get(node);
    return session?.myTag !== undefined && session.myTag === tag ? session : null;
  }

  /** A node is up that we do not know: names are to be exchanged. */
  #begin(node: string): void {
    if (this.#known.has(node)) return;
    const session = this.#session(node);
    if (session.myTag !== undefined) return;
    session.myTag = ++this.#lastTag;
    if (session.early !== undefined) this.#around.post(session.early);
    session.early = undefined;
    const message = this.#messages.initConnect(session.myTag, this.known, this.#locker.pid);
    this.#around.cast(node, message);
  }

  /** Begins anew, with another tag, where this session has gone wrong. */
  #restart(node: string): void {
    const begun = this.#sessions.get(node)?.myTag !== undefined;
    this.#cancel(node, null);
    this.#pending.delete(node);
    if (begun) this.#begin(node);
  }

  /** Both sides have the lock, and his names are here: they are compared with ours. */
  #compare(node: string, session: Session): void {
    const { names, lock, myTag } = session;
    if (names === undefined || lock === undefined || session.exchanging !== undefined) return;
    const { signal } = session.exchanging = new AbortController();
    this.#resolver.exchange(names, node, signal).then(({ ours, his }) => {
      this.#around.post(() => this.#compared(node, myTag!, ours, his));
    }, (error) => this.#around.warn(`cannot compare names with ${node}: ${String(error)}`));
  }

  #compared(
    node: string,
    tag: number,
    ours: readonly Operation[],
    his: readonly Operation[],
  ): void {
    const session = this.#ongoing(node, tag);
    if (session === null) return this.#unlock(node, tag);
    const external = this.#directory.names.external();
    const resolved = { operations: his, known: this.known, external };
    const hisTag = session.hisTag ?? null;
    this.#around.cast(node, this.#messages.resolved(resolved, this.#versionOf(node), hisTag));
    session.ours = ours;
    this.#finish(node, session);
  }

  /** Both have compared: the two parts of the cluster become one. */
  #finish(node: string, session: Session): void {
    const { ours, his, version = VERSION, lock = null } = session;
    if (ours === undefined || his === undefined) return;
    const { external } = his;
    const operations = [...ours, ...his.operations];
    const nodes = [[node, 0] as const, ...his.known].map(([name, spoken]): KnownNode => [
      name,
      spoken || this.#versionOf(name),
    ]);
    const others = his.known.map(([name]) => name).filter((name) => name !== this.#around.own);
    this.#sayInSync(others);
    this.#directory.apply(operations, external, { requester: lock }, node);
    for (const other of others) {
      this.#pending.delete(other);
      this.#cancel(other, null);
    }
    // The locker tells our part, before it frees the lock: that is how they know that nothing has changed meanwhile.
    const before = this.known;
    const news = { operations, external, nodes, version, requester: lock };
    this.#pending.delete(node);
    this.#cancel(node, () => {
      for (const [other, spoken] of before) {
        this.#locker.cast(other, this.#messages.newNodes(news, spoken));
      }
    });
    this.#locker.push({ type: "add_to_known", nodes: this.#addToKnown(nodes) });
    this.#isSynced(node);
  }

  /** Ends a session: the lock is freed, once `run` was called where it is set. */
  #cancel(node: string, run: (() => void) | null): void {
    const session = this.#sessions.get(node);
    if (session === undefined) return;
    this.#sessions.delete(node);
    session.exchanging?.abort();
    if (session.myTag === undefined) return;
    this.#locker.push({ type: "cancel", node, tag: session.myTag, run });
    if ((this.#pending.get(node) ?? 0) >= VERIFY_VERSION && session.hisTag !== undefined) {
      this.#around.send(node, this.#messages.cancelConnect(session.hisTag));
    }
  }

  /** A message of a session that is over: should the locker have locked for it, that is over, too. */
  #unlock(node: string, tag: Term): void {
    if (typeof tag === "number") this.#locker.push({ type: "cancel", node, tag, run: null });
  }

  /** A node is gone, or cannot be reached. */
  #lose(node: string): void {
    if (!this.#removing.delete(node) && this.#prevents) {
      const { creation } = this.#around;
      const loss = ++this.#lastLoss;
      this.#multicast(this.#messages.lostConnection(null, creation, loss, node), node);
    }
    this.#forget(node);
  }

  /** As if the node were gone, whose connection will end by what was said. */
  #remove(node: string): void {
    if (this.#connected.has(node)) this.#removing.add(node);
    this.#forget(node);
  }

  /** Names and locks of its processes go by their monitors. */
  #forget(node: string): void {
    this.#cancel(node, null);
    this.#pending.delete(node);
    if (this.#known.delete(node)) this.#locker.push({ type: "remove_from_known", node });
    this.#synced.delete(node);
    this.#syncers.settle(node); // who waits for it waits in vain
  }

  #isSynced(node: string): void {
    this.#synced.add(node);
    this.#syncers.settle(node);
  }

  get #prevents(): boolean {
    return this.#around.connectAll && this.#around.preventOverlappingPartitions;
  }

  #multicast(message: Encodable, except: string): void {
    for (const [node, version] of [...this.#known, ...this.#pending]) {
      if (node !== except && version >= PARTITIONS_VERSION) this.#around.send(node, message);
    }
  }

  /** Tells nodes, once they are connected, that we have the same names. Those that cannot be reached are taken for lost. */
  #sayInSync(nodes: readonly string[]): void {
    for (const node of nodes) {
      const say = (): void => this.#around.cast(node, this.#messages.inSync());
      this.#around.connect(node).then(say, () => {
        this.#around.post(() => {
          if (this.#connected.has(node)) return say();
          this.#around.warn(`failed to connect to ${node}`);
          this.#lose(node);
        });
      });
    }
  }

  #isKnown(node: string): boolean {
    return this.#known.has(node) || this.#pending.has(node);
  }

  #versionOf(node: string): number {
    if (node === this.#around.own) return VERSION;
    return this.#known.get(node) ?? this.#pending.get(node) ?? 0;
  }

  /** @returns those that were not known before. */
  #addToKnown(nodes: readonly KnownNode[]): string[] {
    const added: string[] = [];
    for (const [node, version] of nodes) {
      if (node === this.#around.own) continue;
      const known = this.#known.get(node);
      if (known === undefined) added.push(node);
      if (!known) this.#known.set(node, version);
    }
    return added;
  }
}
