import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";

/**
 * A name that a whole cluster knows: any term. A string is the atom of that name, as with all names of processes; a name that is
 * a binary is given as bytes.
 */
export type GlobalName = Encodable;

/**
 * Which of two processes keeps a name that both have when two parts of a cluster meet: that pid, or `null` for none.
 *
 * It is called on one node only, with the other process first, and must give one of the two. Where it fails the other process keeps
 * the name. Until it has settled no names are registered in the cluster.
 */
export type Resolve = (name: Term, other: Pid, own: Pid) => Pid | null | Promise<Pid | null>;

/** How a global name is registered. */
export interface GlobalOptions {
  /**
   * What happens to a name that two processes have when two parts of a cluster meet. Where the two were registered with different ways, that of
   * the process on the node whose name sorts first counts. In OTP's words:
   *
   * - `"random_exit_name"` (default): one of the two is killed.
   * - `"random_notify_name"`: one of the two loses the name and gets the message `{global_name_conflict, Name}`.
   * - `"notify_all_name"`: both lose it, and get `{global_name_conflict, Name, OtherPid}`.
   * - a function, for a process of this node only.
   */
  readonly resolve?: "random_exit_name" | "random_notify_name" | "notify_all_name" | Resolve;
}

/** How a global lock is taken. */
export interface LockOptions {
  /** On which nodes. Whoever is to be kept out must ask for the lock on one of them. Default: this node and all visible ones. */
  readonly nodes?: readonly string[];
  /** How often it is tried again where somebody else has the lock. The times between grow up to 8 seconds. Default: for ever. */
  readonly retries?: number;
  /**
   * Who asks, as any term: the same requester gets the lock as often as it asks, so that two processes can share it. Default: a
   * reference of its own for each lock.
   */
  readonly requester?: Encodable;
  /** The process of this node that has the lock: its end frees it. Default: the node. */
  readonly owner?: Pid;
  /** Gives the lock up while it is waited for. */
  readonly signal?: AbortSignal;
}

/** A lock that was taken. */
export interface GlobalLock extends AsyncDisposable {
  /** What is locked. */
  readonly resource: Term;
  /** Who has it locked. */
  readonly requester: Term;
  /** The nodes that it was taken on. */
  readonly nodes: readonly string[];
  /** Gives the lock back, and resolves when the nodes that can be reached have taken note. Idempotent. */
  unlock(): Promise<void>;
}

/**
 * The names that a whole cluster knows, and its locks: Erlang's `global`. It is `node.global`.
 *
 * - A node that is `published` is part of it: all nodes have the same names, and each name goes with its process, or the process's node.
 * - A hidden node knows only the names that it registers itself, as in OTP.
 * - Reading is local and immediate; registering takes a lock of the whole cluster, so it takes time, and should be rare.
 *
 * @example
 * ```ts
 * import { startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret", published: true });
 * const pid = node.spawn(async (self) => console.log(await self.receive()));
 * if (await node.global.register("leader", pid)) console.log("We lead");
 * // From Elixir: send(:global.whereis_name(:leader), :hello)
 * ```
 */
export interface GlobalNames {
  /**
   * Registers a process, here or on another node, under a name that the whole cluster knows.
   *
   * @returns whether it was registered; `false` where the name is taken.
   * @throws {NameError} if the process has a global name already.
   * @throws {ReferenceError} if it is to be a process of this node that is not there.
   * @throws {RangeError} if `resolve` is a function, and the process one of another node.
   */
  register(name: GlobalName, pid: Pid, options?: GlobalOptions): Promise<boolean>;
  /** As `register`, but takes the name from the process that has it. That process is not told. */
  reregister(name: GlobalName, pid: Pid, options?: GlobalOptions): Promise<void>;
  /** Takes a name back. Nothing happens where there is none. */
  unregister(name: GlobalName): Promise<void>;
  /** The process of that name, as far as this node knows; `undefined` where there is none. */
  whereis(name: GlobalName): Pid | undefined;
  /** All names that this node knows. */
  names(): Term[];
  /**
   * Sends a message to the process of that name.
   *
   * @returns that process.
   * @throws {NameError} if there is no such name.
   */
  send(name: GlobalName, message: Encodable): Pid;
  /**
   * Locks a resource, which is any term, so that nobody else has it locked at the same time. Waits until it is free.
   *
   * @returns `null` where it was not to be had with as many `retries` as were given.
   */
  lock(resource: GlobalName, options?: LockOptions): Promise<GlobalLock | null>;
  /**
   * Runs `fn` while a resource is locked.
   *
   * @returns what `fn` returns.
   * @throws {LockError} where the lock was not to be had with as many `retries` as were given; `fn` was not called.
   */
  transaction<T>(
    resource: GlobalName,
    fn: () => T | Promise<T>,
    options?: LockOptions,
  ): Promise<T>;
  /**
   * Resolves when this node has the names of those nodes, or they are lost: by default of all visible ones that it is connected to.
   *
   * @param options `signal` ends the wait.
   */
  sync(nodes?: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** A lock was not to be had with as many retries as were given. */
export class LockError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "LockError";

  /** @ignore @internal */
  constructor(resource: string, retries: number) {
    super(
      `Cannot lock ${resource}: somebody else has it after ${retries} retries, give more of them or try later`,
    );
  }
}
