import { Atom, atom } from "../etf/atom.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import { format } from "../etf/format.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type AnyTuple, isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import type { GlobalName, GlobalNames } from "./global_names.ts";

const GLOBAL = atom("global");
const VIA = atom("via");

/** Something that stands for a process, as the reference to a server does. */
export interface Addressed {
  /** Where its messages go. */
  readonly target: Target;
}

/** A process by its registered name, here or on another node. */
export interface NamedTarget {
  /** The name as Erlang has it: the module `Users` of an Elixir program is `Elixir.Users`. */
  readonly name: string;
  /** The node's name, as `app@localhost`; this node where it is left out. */
  readonly node?: string;
}

/** A process by a name that the whole cluster knows, see {@linkcode Node.global}. */
export interface GlobalTarget {
  /** The name; a string is the atom of that name. */
  readonly global: GlobalName;
}

/** A process by a name that some registry knows. */
export interface ViaTarget {
  /** Who is asked for it. */
  readonly via: ViaRegistry;
  /** The name, as the registry takes it. */
  readonly name: Encodable;
}

/**
 * Something that knows processes by names, in the place of OTP's modules for `{via, Module, Name}`: a registry of your own, or of
 * another service. Names are what you make them; processes may be of any node.
 *
 * @example
 * ```ts
 * import { type Encodable, GenServer, type Pid, startNode, termKey, type ViaRegistry } from "@ergo-ts/ergo";
 *
 * class Rooms implements ViaRegistry {
 *   readonly #pids = new Map<unknown, Pid>();
 *   whereisName(name: Encodable): Pid | undefined {
 *     return this.#pids.get(termKey(name));
 *   }
 *   registerName(name: Encodable, pid: Pid): boolean {
 *     if (this.#pids.has(termKey(name))) return false;
 *     this.#pids.set(termKey(name), pid);
 *     return true;
 *   }
 *   unregisterName(name: Encodable): void {
 *     this.#pids.delete(termKey(name));
 *   }
 * }
 * class Room extends GenServer {}
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const rooms = new Rooms();
 * await node.start(Room, [], { register: { via: rooms, name: 7 } });
 * node.send({ via: rooms, name: 7 }, "hello");
 * ```
 */
export interface ViaRegistry {
  /** The process of that name; `undefined` where there is none. Asked each time that something is sent. */
  whereisName(name: Encodable): Pid | undefined;
  /** Gives a process a name; `false` where another one has it. */
  registerName(name: Encodable, pid: Pid): boolean | Promise<boolean>;
  /** Takes a name back, when its process has ended. */
  unregisterName(name: Encodable): unknown;
}

/**
 * Where a message, a call or a monitor goes: a pid, an alias, a name registered on this node, `{ name, node }`, Erlang's
 * `{Name, Node}`, `{ global: name }`, `{ via: registry, name }`, Erlang's `{global, Name}` and `{via, global, Name}`, or a reference to a server.
 *
 * A global name and one of a registry are looked up each time. Where nobody has it, a call ends with {@linkcode NoProcessError}, a
 * monitor fires with `noproc`, and messages and casts are dropped, as with all names.
 */
export type Target =
  | Pid
  | Ref
  | Atom
  | string
  | NamedTarget
  | GlobalTarget
  | ViaTarget
  | Tuple<[Atom, Atom]>
  | Tuple<[Atom<"global">, Term]>
  | Tuple<[Atom<"via">, Atom<"global">, Term]>
  | Addressed;

/** A target in one of the three forms that differ on the wire. */
export type Address = Pid | Ref | Name;

/** A registered name on some node. */
export class Name {
  readonly text: string;
  /** `null`: this node. */
  readonly node: Atom | null;

  constructor(text: string, node: Atom | null) {
    this.text = text;
    this.node = node;
  }

  /** Made when a message is to cross the wire: names that are only asked for here would fill the table of atoms. */
  get name(): Atom {
    return atom(this.text);
  }

  /** For messages. */
  get words(): string {
    return this.node === null ? this.text : `${this.text} on ${this.node.name}`;
  }

  /** As Erlang writes it. */
  get term(): Term {
    return this.node === null ? this.name : tuple(this.name, this.node) as unknown as Term;
  }
}

/** A global name, or one of a registry, that no process has: an address of this node where nobody is. */
class Nowhere extends Name {
  readonly #words: string;
  readonly #term: Term;

  constructor(words: string, term: Term) {
    super("", null);
    this.#words = words;
    this.#term = term;
  }

  override get words(): string {
    return this.#words;
  }

  override get term(): Term {
    return this.#term;
  }
}

/**
 * @param global the names of the cluster; `null` where there are none.
 * @throws {TypeError} if it is none of the forms.
 */
export function addressOf(target: Target, global: GlobalNames | null = null): Address {
  if (target instanceof Pid || target instanceof Ref) return target;
  if (target instanceof Atom) return new Name(target.name, null);
  if (typeof target === "string") return new Name(target, null);
  if (isTuple(target)) {
    const address = tupleAddress(target as AnyTuple, global);
    if (address !== null) return address;
  } else if (typeof target === "object" && target !== null) {
    if ("target" in target) return addressOf(target.target, global);
    if ("global" in target) return globalAddress(target.global, global);
    if ("via" in target) return viaAddress(target);
    if (typeof target.name === "string") {
      return new Name(target.name, target.node === undefined ? null : atom(target.node));
    }
  }
  throw new TypeError(
    "Cannot address a process: the target is no pid, alias, name, { name, node }, { global: name }, { via: registry, name } or reference to a server",
  );
}

/** As OTP reads them, `global` in front is no name: `{global, Name}` is never a process that is registered as `global`. */
function tupleAddress(target: AnyTuple, global: GlobalNames | null): Address | null {
  const [first, second, third] = [target[0], target[1], target[2]] as unknown[];
  if (target.length === 3 && first === VIA) {
    if (second === GLOBAL) return globalAddress(third as Encodable, global);
    throw new TypeError(
      "Cannot address a process by {via, Module, Name}: a module of Erlang cannot be asked here, give { via: registry, name } with an object that has whereisName",
    );
  }
  if (target.length !== 2) return null;
  if (first === GLOBAL) return globalAddress(second as Encodable, global);
  return first instanceof Atom && second instanceof Atom ? new Name(first.name, second) : null;
}

function globalAddress(name: GlobalName, global: GlobalNames | null): Address {
  const pid = global?.whereis(name);
  if (pid !== undefined) return pid;
  const term = typeof name === "string" ? atom(name) : name as Term;
  return new Nowhere(`${nameText(term)} in global`, tuple(GLOBAL, term) as Term);
}

function viaAddress({ via, name }: ViaTarget): Address {
  checkRegistry(via);
  const pid = via.whereisName(name);
  if (pid instanceof Pid) return pid;
  const registry = via.constructor?.name || "registry";
  if (pid !== undefined && pid !== null) {
    throw new TypeError(
      `Cannot address a process: whereisName of ${registry} gave no pid, a pid or undefined is needed`,
    );
  }
  const term = tuple(VIA, atom(registry), name as Term) as unknown as Term;
  return new Nowhere(`${nameText(name)} in ${registry}`, term);
}

/**
 * @param registers whether it has to give names, and not only to know them.
 * @throws {TypeError} if it is none.
 */
export function checkRegistry(via: ViaRegistry, registers = false): void {
  const isObject = typeof via === "object" && via !== null;
  if (isObject && typeof via.whereisName === "function") {
    if (!registers) return;
    if (typeof via.registerName === "function" && typeof via.unregisterName === "function") return;
  }
  throw new TypeError(
    "Cannot use a registry: { via } is none, an object with whereisName, registerName and unregisterName is needed",
  );
}

/** @throws {TypeError} where something else is given to what goes to a process itself and not to a name. */
export function checkPid(verb: string, pid: Pid): Pid {
  if (pid instanceof Pid) return pid;
  throw new TypeError(
    `Cannot ${verb}: a pid is needed, ${typeof pid} came; node.whereis(name) gives that of a name`,
  );
}

function nameText(name: Encodable): string {
  return format(name, { maxLength: 100 });
}

/** The name of the node that an address leads to; empty for a name of this node. */
export function nodeOf(address: Address): string {
  return address instanceof Name ? address.node?.name ?? "" : address.node;
}

/** The target for messages: `pdf on app@localhost`. */
export function describe(address: Address): string {
  if (address instanceof Name) return address.words;
  return address instanceof Pid
    ? `process ${address.id}.${address.serial} on ${address.node}`
    : `alias on ${address.node}`;
}

/** The target as Erlang writes it: a pid, a name, `{Name, Node}`. */
export function addressTerm(address: Address): Term {
  return address instanceof Name ? address.term : address;
}

/** What a monitor says it watches: `{Name, Node}`, also for a name of this node. */
export function objectOf(address: Name, here: Atom): Tuple {
  if (address instanceof Nowhere) return address.term as Tuple;
  return tuple(address.name, address.node ?? here) as unknown as Tuple;
}
