import { unlessAborted } from "../../_util/unless_aborted.ts";
import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { checkPid } from "../../node/target.ts";
import { type Atom, atom } from "../../etf/atom.ts";
import { decode } from "../../etf/decoder.ts";
import { encode } from "../../etf/encoder.ts";
import { format } from "../../etf/format.ts";
import type { Pid } from "../../etf/identifiers.ts";
import * as t from "../../etf/schema/t.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { on } from "../../gen/server/handlers.ts";
import { NameError } from "../../node/errors.ts";
import {
  type GlobalLock,
  type GlobalName,
  type GlobalNames,
  type GlobalOptions,
  LockError,
  type LockOptions,
} from "../../node/global_names.ts";
import type { Node } from "../../node/node.ts";
import { Acquire } from "./_acquire.ts";
import type { Directory } from "./_directory.ts";
import { GLOBAL_NAME_SERVER, type LockId } from "./_protocol.ts";
import { methodOf } from "./_resolve.ts";
import { type GlobalSettings, NameServer } from "./name_server.ts";

const LOCK_FIELDS: FieldsOf<LockOptions> = {
  nodes: true,
  retries: true,
  requester: true,
  owner: true,
  signal: true,
};
/** Names and locks of another node, see `maxGlobalNames` of the node's options. */
const MAX_NAMES = 262_144;
const REGISTER = atom("register");
const UNREGISTER = atom("unregister");
/** Names are kept and told exactly as they are. */
const EXACT = { binaries: "bytes", objects: undefined, floats: "wrap" } as const;

/** Starts `global_name_server` and those who work for it, and gives the node its `global`. */
export async function startGlobal(
  node: Node,
  {
    connectAll = true,
    preventOverlappingPartitions = true,
    maxGlobalNames = MAX_NAMES,
  }: Partial<GlobalSettings> = {},
): Promise<void> {
  const settings: GlobalSettings = { connectAll, preventOverlappingPartitions, maxGlobalNames };
  let server!: NameServer;
  const started = (made: NameServer): void => void (server = made);
  await node.start(NameServer, [settings, started], {
    register: GLOBAL_NAME_SERVER,
    terms: EXACT,
  });
  // What another node asks where two processes have one name, of which one is here.
  node.provide("global", {
    resolve_it: on(
      t.term,
      t.term,
      t.pid,
      t.pid,
      (_method, name, one, other) => server.resolver.asked(name, one, other),
    ),
  });
  node._core.global = new Global(node, server);
}

/** What `node.global` is. */
class Global implements GlobalNames {
  readonly #node: Node;
  readonly #server: NameServer;
  readonly #directory: Directory;

  constructor(node: Node, server: NameServer) {
    this.#node = node;
    this.#server = server;
    this.#directory = server.directory;
  }

  async register(name: GlobalName, pid: Pid, options: GlobalOptions = {}): Promise<boolean> {
    const term = termOf(name);
    const register = this.#registration(term, pid, options);
    return await this.#server.registrar.run(async (acquire, nodes) => {
      if (this.whereis(name) !== undefined) return false;
      const other = this.#directory.names.nameOf(pid);
      if (other !== undefined) {
        throw new NameError(
          `Cannot register a process as ${format(term)}: it is ${format(other)} already, ` +
            "and a process can have one global name",
        );
      }
      this.#keep(term, pid, options);
      try {
        await acquire.ask(nodes, register);
      } catch (error) {
        // Or some would have the name, and some not. Whoever could not be told of it cannot be told of this either.
        await acquire.ask(nodes, unregistration(term)).catch(() => {});
        throw error;
      }
      return true;
    });
  }

  async reregister(name: GlobalName, pid: Pid, options: GlobalOptions = {}): Promise<void> {
    const term = termOf(name);
    const register = this.#registration(term, pid, options);
    await this.#server.registrar.run((acquire, nodes) => {
      this.#keep(term, pid, options);
      return acquire.ask(nodes, register);
    });
  }

  async unregister(name: GlobalName): Promise<void> {
    const unregister = unregistration(termOf(name));
    this.#node._mustRun("unregister a name");
    if (this.whereis(name) === undefined) return;
    await this.#server.registrar.run((acquire, nodes) => acquire.ask(nodes, unregister));
  }

  whereis(name: GlobalName): Pid | undefined {
    const pid = this.#directory.names.get(typeof name === "string" ? atomOf(name) : name)?.pid;
    if (pid === undefined || pid.node !== this.#node.name) return pid;
    return this.#node.isAlive(pid) ? pid : undefined;
  }

  names(): Term[] {
    return Array.from(this.#directory.names.values(), ({ name }) => name);
  }

  send(name: GlobalName, message: Encodable): Pid {
    const pid = this.whereis(name);
    if (pid === undefined) {
      throw new NameError(
        `Cannot send to ${format(termOf(name))}: no process has that global name`,
      );
    }
    this.#node.send(pid, message);
    return pid;
  }

  async lock(resource: GlobalName, options: LockOptions = {}): Promise<GlobalLock | null> {
    const node = this.#node;
    node._mustRun("lock");
    checkFields("lock", options, LOCK_FIELDS);
    const { retries = Infinity, signal, owner = node.pid } = options;
    if (typeof retries !== "number" || !(retries >= 0)) {
      throw new RangeError(`Cannot lock with ${String(retries)} retries: 0 or more are needed`);
    }
    const { nodes = [node.name, ...node.nodes("visible")] } = options;
    const requester = options.requester === undefined
      ? node._core.makeRef()
      : exact(options.requester);
    if (!Array.isArray(nodes)) throw new TypeError("Cannot lock: nodes must be a list of names");
    const id: LockId = { resource: termOf(resource), requester };
    const acquire = new Acquire(node._core, this.#directory.locks, node._local(owner));
    for (let times = 1;; times++) {
      signal?.throwIfAborted();
      if (await this.#try(acquire, id, nodes, signal)) return new Lock(acquire, id, [...nodes]);
      if (times > retries) return null;
      await acquire.pause(times, signal);
    }
  }

  async transaction<T>(
    resource: GlobalName,
    fn: () => T | Promise<T>,
    options: LockOptions = {},
  ): Promise<T> {
    const lock = await this.lock(resource, options);
    if (lock === null) throw new LockError(format(termOf(resource)), options.retries ?? 0);
    try {
      return await fn();
    } finally {
      await lock.unlock();
    }
  }

  async sync(
    nodes?: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    checkFields("synchronize names", options, { signal: true });
    if (nodes !== undefined && !Array.isArray(nodes)) {
      throw new TypeError("Cannot synchronize names: a list of nodes is needed");
    }
    const { signal } = options;
    this.#node._mustRun("synchronize names");
    signal?.throwIfAborted();
    await unlessAborted(this.#server.sync(nodes ?? this.#node.nodes("visible")), signal);
  }

  /** What the name servers are told. */
  #registration(name: Term, pid: Pid, options: GlobalOptions): Encodable {
    checkFields("register a global name", options, { resolve: true });
    checkPid("register a global name", pid);
    const { resolve } = options;
    const node = this.#node;
    node._mustRun("register a name");
    const method = methodOf(resolve);
    if (pid.node === node.name) {
      node._local(pid);
    } else if (typeof resolve === "function") {
      throw new RangeError(
        `Cannot register a process of ${pid.node} with a function of this program: that node cannot ` +
          "call it, name one of global's or register it there",
      );
    }
    return tuple(REGISTER, name, pid, method) as unknown as Encodable;
  }

  /** Keeps the function that decides on a name, once the process is about to have it. */
  #keep(name: Term, pid: Pid, { resolve }: GlobalOptions): void {
    if (typeof resolve === "function") this.#server.resolver.keep(name, pid, resolve);
  }

  /** Tries once. Where the caller waits no longer the lock is freed as soon as it is had. */
  async #try(
    acquire: Acquire,
    id: LockId,
    nodes: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const set = acquire.set(id, nodes);
    try {
      return await unlessAborted(set, signal);
    } catch (error) {
      set.then((isSet) => isSet ? acquire.delete(id, nodes) : undefined).catch(() => {});
      throw error;
    }
  }
}

class Lock implements GlobalLock {
  readonly nodes: readonly string[];
  readonly #acquire: Acquire;
  readonly #id: LockId;
  #unlocked: Promise<void> | null = null;

  constructor(acquire: Acquire, id: LockId, nodes: readonly string[]) {
    this.#acquire = acquire;
    this.#id = id;
    this.nodes = nodes;
  }

  get resource(): Term {
    return this.#id.resource;
  }

  get requester(): Term {
    return this.#id.requester;
  }

  unlock(): Promise<void> {
    return this.#unlocked ??= this.#acquire.delete(this.#id, this.nodes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unlock();
  }
}

function unregistration(name: Term): Encodable {
  return tuple(UNREGISTER, name) as unknown as Encodable;
}

/** The term that is meant by a name: a string is an atom. */
function termOf(name: GlobalName): Term {
  return typeof name === "string" ? atomOf(name) : exact(name);
}

function atomOf(name: string): Atom | boolean | null {
  return name === "nil" ? null : name === "true" ? true : name === "false" ? false : atom(name);
}

/** As other nodes get it, and a copy, so that later changes do not count. */
function exact(term: Encodable): Term {
  return decode(encode(term), { floats: "wrap" });
}
