import { checkFields, type FieldsOf } from "../_util/fields.ts";
import { Atom, atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import { isList } from "../etf/list.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { termKey } from "../etf/term_key.ts";
import { type AnyTuple, isTuple, tuple } from "../etf/tuple.ts";

import { GenServer } from "../gen/server/gen_server.ts";
import { GEN_CAST } from "../node/atoms.ts";
import { BusyError } from "../node/errors.ts";
import type { Node } from "../node/node.ts";
import type { Process } from "../node/process/process.ts";
import { Events, type NodeEvent } from "../node/remote/events.ts";
import { LocalMembers, type Membership } from "./_pg_local.ts";
import { Groups } from "./_pg_members.ts";
import { Nodes } from "./_pg_peers.ts";
import { RemoteScope } from "./_pg_remote.ts";
import { ProcessGroupsRef } from "./pg_ref.ts";

const SYNC = atom("sync");
const JOIN = atom("join");
const LEAVE = atom("leave");
const DISCOVER = atom("discover");
const LONGEST_RETRY = 1_000;
const MAX_MEMBERS = 1_048_576;
/** Halves of a scope that one node may have at a time: each but the last is about to end. */
const MAX_HALVES = 4;

/** The scopes of this program, by the process that each is. */
const scopes: WeakMap<Process, ProcessGroups> = new WeakMap();

/** @internal The scope that a process of this program is. */
export function scopeOf(process: Process): ProcessGroups | undefined {
  return scopes.get(process);
}

/** How a scope behaves. */
export interface ProcessGroupsOptions {
  /**
   * Milliseconds after which the scope of a node is looked for again at the latest, where a connection is hidden and the scope was
   * not there. Default 1,000.
   */
  readonly retry?: number;
  /**
   * Members that one other node may tell of; one more closes the connection with it. A group counts as one more, and as several where its
   * name is long: one for each 256 bytes. Default 1,048,576.
   */
  readonly maxMembers?: number;
}

/** Every option, so that a misspelt one is not taken for its default. */
const FIELDS: FieldsOf<ProcessGroupsOptions> = { retry: true, maxMembers: true };

/** What happens to a group, on any node of the scope. A process that joins several times is told, and named, as often. */
export type GroupEvent = {
  readonly type: "joined" | "left";
  readonly group: Term;
  readonly pids: readonly Pid[];
};

/**
 * A scope of process groups, as OTP's `pg`: processes join groups on their own node, and every node of the scope knows all members.
 *
 * Start it under the scope's name. It finds the scopes of that name on all nodes that are connected, be they of Erlang, Elixir or
 * ergo-ts, visible or hidden, and in whatever order they start; `pg` itself is the scope `"pg"`. A group is any term, and exists
 * while it has members. The order of members means nothing; one that has joined twice is there twice.
 *
 * A process that ends has left; so have those of a node that is lost, and of a scope that ends. Where the node's option `access` limits
 * the names that a peer may send to, the scope's name must be among them.
 *
 * @example
 * ```ts
 * import { atom, ProcessGroups, startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const scope = await node.start(ProcessGroups, [], { register: "workers" });
 * const worker = node.spawn(async (self) => {
 *   for await (const message of self) console.log(message);
 * });
 * scope.join(atom("resize"), worker);
 * // From Elixir: :pg.start(:workers); for pid <- :pg.get_members(:workers, :resize), do: send(pid, :hello)
 * for await (const { type, group, pids } of scope.monitorScope()) console.log(type, group, pids);
 * ```
 *
 * Phoenix.PubSub is made of such groups: see {@linkcode PubSub}.
 *
 * Not for one process that must be the only one in the cluster, nor for a lookup that must be right at every moment: what other
 * nodes do is known when their message has come.
 */
export class ProcessGroups extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: ProcessGroupsRef<this>;
  readonly #groups: Groups = new Groups();
  readonly #members: LocalMembers = new LocalMembers(
    (pid, ended) => this.monitor(pid, ended),
    (pid, groups) => this.#ended(pid, groups),
  );
  readonly #scopes: Map<string, RemoteScope> = new Map();
  readonly #events: Events<GroupEvent> = new Events();
  #nodes!: Nodes;
  #maxMembers = MAX_MEMBERS;
  /** Nodes that have told of too much, until they are lost. */
  readonly #closing: Set<string> = new Set();

  /** Looks for the scope on the nodes that are connected. */
  override init(options: ProcessGroupsOptions = {}): void {
    checkFields("start a scope", options, FIELDS);
    this.#maxMembers = options.maxMembers ?? MAX_MEMBERS;
    if (!(this.#maxMembers >= 1)) {
      throw new RangeError(
        `Cannot start a scope with maxMembers ${this.#maxMembers}: 1 or more are needed`,
      );
    }
    const { name } = this._process;
    if (name === null) {
      throw new Error(
        'Cannot start a scope without a name: start it with { register: "name" }, by which its other nodes know it',
      );
    }
    // A group is the term that it is, whatever the node's way: 1.0 is not 1.
    this._process.terms = { floats: "wrap" };
    this.#nodes = new Nodes(this, name, options.retry ?? LONGEST_RETRY);
    const { node } = this;
    const subscribed = node._onNetwork((event) => this.#network(event));
    if (subscribed !== null) this._process.own(subscribed);
    this._process.own({ [Symbol.dispose]: () => this.#events.close() });
    for (const hidden of [false, true]) {
      for (const name of node.nodes(hidden ? "hidden" : "visible")) this.#nodes.up(name, hidden);
    }
  }

  /** @ignore @internal Which node speaks is told by its connection. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    scopes.set(process, this);
    process.asksOrigin = true;
  }

  /** `{Group, Members, MembersElsewhere}` of each group. */
  override formatState(): unknown {
    return {
      groups: Array.from(
        this.#groups,
        ({ name, local, remote }) => tuple(name, [...local], [...remote]),
      ),
    };
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): ProcessGroupsRef<this> {
    return new ProcessGroupsRef<this>(node, pid, this);
  }

  // What the processes of this node do

  /** @ignore @internal */
  _join(group: Encodable, pids: Pid | readonly Pid[]): void {
    this._process.mustLive("join a group");
    const joining = this.#local("join", pids);
    if (joining.length === 0) return;
    const name = this.#termOf(group);
    const key = termKey(name);
    for (const pid of joining) this.#members.join(pid, key, name);
    this.#joined("local", key, name, joining);
    this.#broadcast(tuple(JOIN, this.pid, name, oneOrMore(joining)) as Term);
  }

  /** @ignore @internal @returns whether one of them was in the group. */
  _leave(group: Encodable, pids: Pid | readonly Pid[]): boolean {
    this._process.mustLive("leave a group");
    const name = this.#termOf(group);
    const key = termKey(name);
    const left = this.#local("leave", pids).filter((pid) => this.#members.leave(pid, key));
    if (left.length === 0) return false;
    this.#left("local", key, name, left);
    this.#broadcast(tuple(LEAVE, this.pid, oneOrMore(left), [name]) as Term);
    return true;
  }

  /** @ignore @internal */
  _list(group: Encodable, where: "all" | "local" | "remote"): Pid[] {
    if (this._process.exited) return [];
    const found = this.#groups.get(termKey(group));
    if (found === undefined) return [];
    return [
      ...where === "remote" ? [] : found.local,
      ...where === "local" ? [] : found.remote,
    ];
  }

  /** @ignore @internal */
  _names(where: "all" | "local"): Term[] {
    if (this._process.exited) return [];
    const names: Term[] = [];
    for (const { name, local } of this.#groups) {
      if (where === "all" || !local.isEmpty) names.push(name);
    }
    return names;
  }

  /** @ignore @internal @param group all groups where it is left out. */
  _events(
    signal: AbortSignal | undefined,
    group?: Encodable,
  ): AsyncIterableIterator<GroupEvent> {
    if (group === undefined) return this.#events.listen(signal);
    const key = termKey(group);
    return this.#events.listen(signal, (event) => termKey(event.group) === key);
  }

  /** A process of this node has ended: it leaves all its groups. */
  #ended(pid: Pid, groups: Iterable<Membership>): void {
    const names: Term[] = [];
    for (const { key, name, count } of groups) {
      const left = new Array<Pid>(count).fill(pid);
      this.#left("local", key, name, left);
      for (const _ of left) names.push(name);
    }
    this.#broadcast(tuple(LEAVE, this.pid, pid, names) as Term);
  }

  #joined(where: "local" | "remote", key: unknown, name: Term, pids: readonly Pid[]): void {
    this.#groups.add(key, name, where, pids);
    this.#events.emit({ type: "joined", group: name, pids });
  }

  #left(where: "local" | "remote", key: unknown, name: Term, pids: readonly Pid[]): void {
    this.#groups.remove(key, where, pids);
    this.#events.emit({ type: "left", group: name, pids });
  }

  #local(verb: string, pids: Pid | readonly Pid[]): Pid[] {
    const list = pids instanceof Pid ? [pids] : [...pids];
    for (const pid of list) {
      if (!(pid instanceof Pid)) {
        throw new TypeError(`Cannot ${verb} a group: what was given is no pid`);
      }
      if (pid.node !== this.node.name) {
        throw new RangeError(
          `Cannot ${verb} a group with a process of ${pid.node}: only its own node can do that`,
        );
      }
    }
    return list;
  }

  /** A name that stays what it is. @throws {EncodeError} if it is no term. */
  #termOf(group: Encodable): Term {
    return typeof group === "object" && group !== null && !(group instanceof Atom)
      ? this._core.copy(group, this.pid)
      : this.#checked(group);
  }

  #checked(group: Encodable): Term {
    termKey(group);
    return group as Term;
  }

  // What the scope's halves on other nodes do

  /** @ignore @internal */
  override handleCast(request: Term): unknown {
    if (isTuple(request) && request.length === 3 && request[0] === SYNC) {
      const peer = this.#speaker(request[1]);
      const groups = peer === null ? null : groupsOf(request[2], peer);
      if (groups !== null) return this.#synced(peer!, groups);
    }
    return super.handleCast(request);
  }

  /** @ignore @internal */
  override handleInfo(message: Term): unknown {
    const peer = isTuple(message) ? this.#speaker(message[1]) : null;
    if (peer === null) return super.handleInfo(message);
    const [tag, , first, second] = message as AnyTuple;
    const { length } = message as AnyTuple;
    const scope = this.#scopes.get(peer.key); // one that is not known has left, or never was in it
    if (tag === DISCOVER) return this.#discovered(peer, scope); // {discover, Pid, Version} of OTP 29 too
    if (tag === JOIN && length === 4) {
      const pids = pidsOf(second, peer);
      if (pids !== null) return scope && this.#keep(peer, () => scope.join(first, pids));
    }
    if (tag === LEAVE && length === 4) {
      const pids = pidsOf(first, peer);
      if (pids !== null && isList(second)) {
        for (const name of second) scope?.leave(name, pids);
        return;
      }
    }
    return super.handleInfo(message);
  }

  /** A pid of the node whose message is handled now; `null` for anything else: nodes speak for themselves. */
  #speaker(term: Term): Pid | null {
    return term instanceof Pid && term.node === this._process.origin ? term : null;
  }

  /** The half of another node makes itself known: it is told our members, and asked for its own. */
  #discovered(peer: Pid, known: RemoteScope | undefined): void {
    if (!this.#nodes.has(peer.node)) return; // gone in the meantime
    const scope = known ?? this.#newScope(peer);
    if (scope === null) return;
    this.#tellAll(scope);
    if (known === undefined) this.#nodes.discover(peer.node, peer);
  }

  /** Tells all our members: what the other half knew of them before is replaced. */
  #tellAll(scope: RemoteScope): void {
    const list = this.#members.groups().map(([name, pids]) => tuple(name, pids) as Term);
    scope.told = true;
    this.#tell(scope, tuple(GEN_CAST, tuple(SYNC, this.pid, list)) as Term);
  }

  /** Another node tells all its members. */
  #synced(peer: Pid, groups: readonly (readonly [name: Term, pids: readonly Pid[]])[]): void {
    if (!this.#nodes.has(peer.node)) return;
    this.#nodes.found(peer.node);
    const scope = this.#scopes.get(peer.key) ?? this.#newScope(peer);
    if (scope !== null) this.#keep(peer, () => scope.sync(groups));
  }

  /** What is not kept would be missing: rather nothing of that node is. */
  #keep({ node, key }: Pid, keep: () => boolean): void {
    if (this.#closing.has(node) || keep()) return;
    this.#scopes.get(key)?.sync([]);
    this.#scopes.delete(key); // what waits of it is not looked at
    this.#close(node, `more than ${this.#maxMembers} members`);
  }

  #close(node: string, what: string): void {
    this.#closing.add(node);
    this._core.platform.log(
      "error",
      `Connection with ${node} closed: it has told of ${what} of the process groups of ${this._process.name}; see option maxMembers`,
    );
    this.node.disconnect(node);
  }

  /** @returns `null` where its node has too many. */
  #newScope(peer: Pid): RemoteScope | null {
    if (this.#closing.has(peer.node)) return null;
    let halves = 0;
    for (const { pid } of this.#scopes.values()) if (pid.node === peer.node) halves++;
    if (halves >= MAX_HALVES) {
      this.#close(peer.node, `more than ${MAX_HALVES} halves`);
      return null;
    }
    const scope = new RemoteScope(
      peer,
      this.#maxMembers,
      (key, name, pids) => this.#joined("remote", key, name, pids),
      (key, name, pids) => this.#left("remote", key, name, pids),
    );
    this.monitor(peer, () => {
      this.#scopes.delete(peer.key);
      scope.sync([]);
    });
    this.#scopes.set(peer.key, scope);
    return scope;
  }

  /**
   * Tells those who know our members. OTP's pg crashes when it is told that somebody leaves a group of which it has not heard
   * (leave_remote/3), so nobody is told anything before the first sync.
   */
  #broadcast(message: Term): void {
    for (const scope of this.#scopes.values()) if (scope.told) this.#tell(scope, message);
  }

  /** A node that takes nothing more is told all of it at once when it does again. */
  #tell(scope: RemoteScope, message: Term): void {
    const peer = scope.pid;
    try {
      this.send(peer, message);
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      scope.told = false;
      const again = (): void => {
        if (this._process.exited || !this.#isUp(peer)) return;
        this.after(0, () => {
          if (this.#isUp(peer) && !scope.told) this.#tellAll(scope);
        });
      };
      this.node.sendReady(peer, { signal: this.signal }).then(again, () => {}); // or it is gone, as the monitor tells
    }
  }

  #isUp(peer: Pid): boolean {
    return this.#nodes.has(peer.node) && this.#scopes.has(peer.key);
  }

  #network(event: NodeEvent): void {
    if (event.type === "nodeup") {
      this.#nodes.up(event.node, event.hidden);
    } else if (event.type === "nodedown") {
      this.#nodes.down(event.node);
      this.#closing.delete(event.node);
      // Nothing more is sent there, which would connect again: the monitor's turn comes later.
      for (const scope of this.#scopes.values()) {
        if (scope.pid.node === event.node) scope.told = false;
      }
    }
  }
}

/** As pg sends them: one pid for itself, several as a list. */
function oneOrMore(pids: readonly Pid[]): Pid | readonly Pid[] {
  return pids.length === 1 ? pids[0] : pids;
}

/** A pid, or a list of pids, of the peer's node; `null` where it is something else. */
function pidsOf(term: Term, peer: Pid): Pid[] | null {
  const pids = isList(term) ? term : [term];
  return pids.every((pid) => pid instanceof Pid && pid.node === peer.node) ? pids as Pid[] : null;
}

/** `[{Group, Pids}]`; `null` where it is something else. */
function groupsOf(term: Term, peer: Pid): [Term, Pid[]][] | null {
  if (!isList(term)) return null;
  const groups: [Term, Pid[]][] = [];
  for (const entry of term) {
    if (!isTuple(entry) || entry.length !== 2 || !isList(entry[1])) return null;
    const pids = pidsOf(entry[1], peer);
    if (pids === null) return null;
    groups.push([entry[0], pids]);
  }
  return groups;
}
