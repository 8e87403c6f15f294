import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { ServerRef } from "../gen/server/server_ref.ts";
import type { Node } from "../node/node.ts";
import type { GroupEvent, ProcessGroups } from "./pg.ts";

/** A reference to a scope of process groups of this node, see {@linkcode ProcessGroups}. What it does is done when it returns. */
export class ProcessGroupsRef<S extends ProcessGroups = ProcessGroups> extends ServerRef<S> {
  readonly #scope: ProcessGroups;

  /** @ignore @internal */
  constructor(node: Node, pid: Pid, scope: ProcessGroups) {
    super(node, pid, node._core.main, {});
    this.#scope = scope;
  }

  /**
   * Processes of this node join a group, also where they are in it already: who has joined twice must leave twice.
   *
   * @param group any term; text is a binary, as everywhere.
   * @throws {RangeError} if one is a process of another node.
   * @throws {ProcessExitedError} if the scope has ended.
   */
  join(group: Encodable, pids: Pid | readonly Pid[]): void {
    this.#scope._join(group, pids);
  }

  /**
   * Processes of this node leave a group, each once.
   *
   * @returns whether one of them was in it.
   * @throws {RangeError} if one is a process of another node.
   * @throws {ProcessExitedError} if the scope has ended.
   */
  leave(group: Encodable, pids: Pid | readonly Pid[]): boolean {
    return this.#scope._leave(group, pids);
  }

  /** The members of a group, on whatever node; none where there is no such group, or the scope has ended. */
  members(group: Encodable): Pid[] {
    return this.#scope._list(group, "all");
  }

  /** The members of a group that are processes of this node. */
  localMembers(group: Encodable): Pid[] {
    return this.#scope._list(group, "local");
  }

  /** All groups that have members. */
  groups(): Term[] {
    return this.#scope._names("all");
  }

  /** The groups that have members on this node. */
  localGroups(): Term[] {
    return this.#scope._names("local");
  }

  /**
   * What happens to a group from now on, as `pg:monitor/2`, until the loop is left, the signal aborts or the scope ends. Whom
   * {@linkcode ProcessGroupsRef.members} gives in the same turn, and these events together are all that there is to know.
   */
  monitorGroup(
    group: Encodable,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<GroupEvent> {
    return this.#scope._events(options.signal, group);
  }

  /** What happens to all groups, as `pg:monitor_scope/1`; see {@linkcode ProcessGroupsRef.monitorGroup}. */
  monitorScope(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<GroupEvent> {
    return this.#scope._events(options.signal);
  }
}
