import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { ExternalFun, Fun } from "../../etf/fun.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { EXIT, KILL } from "../../node/atoms.ts";
import { exitReasonOf } from "../../node/errors.ts";
import type { GlobalOptions, Resolve } from "../../node/global_names.ts";
import type { Node } from "../../node/node.ts";
import { undefinedFunction } from "../../node/provided/provide.ts";
import type { GlobalNamesTable } from "./_names.ts";
import { compareNodes } from "./_order.ts";
import { GLOBAL, type NamedPid, type Operation } from "./_protocol.ts";

const NAME_CONFLICT = atom("global_name_conflict");
/** Stands for a function of this program, which other nodes cannot run: they ask us. */
const FUNCTION: ExternalFun = new ExternalFun(atom("ergo"), atom("resolve"), 3);
const METHODS = ["random_exit_name", "random_notify_name", "notify_all_name"] as const;
const FUNCTIONS: Readonly<Record<string, ExternalFun>> = Object.fromEntries(
  METHODS.map((name) => [name, new ExternalFun(GLOBAL, atom(name), 3)]),
);

/** What stands for a name's resolve function on the wire. @throws {TypeError} where it is none. */
export function methodOf(resolve: GlobalOptions["resolve"] = "random_exit_name"): ExternalFun {
  if (typeof resolve === "function") return FUNCTION;
  if (typeof resolve === "string" && Object.hasOwn(FUNCTIONS, resolve)) return FUNCTIONS[resolve];
  throw new TypeError(
    `Cannot register a name with resolve ${String(resolve)}: it must be a function, ${
      METHODS.join(", ")
    }`,
  );
}

/** Decides what becomes of names that two processes have. */
export class Resolver {
  readonly #node: Node;
  readonly #names: GlobalNamesTable;
  /** The functions of this program, by the pid that they were given with. */
  readonly #functions: Map<string, Resolve> = new Map();

  constructor(node: Node, names: GlobalNamesTable) {
    this.#node = node;
    this.#names = names;
  }

  /** Keeps the function that decides for a process of this node, until that has ended. */
  keep(pid: Pid, resolve: Resolve): void {
    const known = this.#functions.has(pid.key);
    this.#functions.set(pid.key, resolve);
    if (!known) this.#node.monitor(pid, () => void this.#functions.delete(pid.key));
  }

  /**
   * Compares the names of another node with ours.
   *
   * Where both have a name, only one of the two decides: the one whose own name is less. It asks the node of its process.
   *
   * @returns what is to be done in our part of the cluster, and what in his.
   */
  async exchange(
    his: readonly NamedPid[],
    node: string,
    signal: AbortSignal,
  ): Promise<{ readonly ours: Operation[]; readonly his: Operation[] }> {
    const both: { readonly ours: Operation[]; readonly his: Operation[] } = { ours: [], his: [] };
    for (const named of his) {
      const own = this.#names.get(named.name);
      if (own === undefined) {
        both.ours.push({ type: "insert", named });
      } else if (!own.pid.equals(named.pid) && compareNodes(this.#node.name, node) < 0) {
        const keeps = await this.#decided(named, own, signal);
        if (keeps === named) {
          both.ours.push({ type: "insert", named });
        } else if (keeps === own) {
          both.his.push({ type: "insert", named: own });
        } else {
          both.ours.push({ type: "delete", name: named.name });
          both.his.push({ type: "delete", name: named.name });
        }
      }
    }
    return both;
  }

  /**
   * What another node asks where a process of ours has a name and another process, `one`, has it too.
   *
   * Whoever asks could else have any process killed: where that name is not our process's nothing is done.
   */
  async asked(method: Term, name: Term, one: Pid, other: Pid): Promise<Term> {
    const own = this.#names.get(name);
    if (own?.pid.equals(other) && other.node === this.#node.name) {
      return await this.#resolve(method, name, one, other);
    }
    return tuple(EXIT, atom("badarg")) as Term;
  }

  /** The winner's pid, or `none`. */
  async #resolve(method: Term, name: Term, one: Pid, other: Pid): Promise<Term> {
    if (!(method instanceof ExternalFun)) {
      // The only functions that OTP's own module makes are the default.
      if (method instanceof Fun && method.module === GLOBAL) return this.#exit(name, one, other);
      return undefinedMethod(method, name, one, other);
    }
    const { module, function: { name: fn } } = method;
    if (module === FUNCTION.module && method.function === FUNCTION.function) {
      return await this.#own(name, one, other);
    }
    if (module === GLOBAL && fn === "random_exit_name") return this.#exit(name, one, other);
    if (module === GLOBAL && fn === "random_notify_name") {
      const [keeps, loses] = inOrder(one, other);
      this.#node.send(loses, tuple(NAME_CONFLICT, name) as Encodable);
      return keeps;
    }
    if (module === GLOBAL && fn === "notify_all_name") {
      this.#node.send(one, tuple(NAME_CONFLICT, name, other) as Encodable);
      this.#node.send(other, tuple(NAME_CONFLICT, name, one) as Encodable);
      return atom("none");
    }
    return undefinedMethod(method, name, one, other);
  }

  async #decided(his: NamedPid, own: NamedPid, signal: AbortSignal): Promise<NamedPid | null> {
    const { name } = his;
    const args = [own.method, name, his.pid, own.pid] as const;
    let result: Term;
    try {
      result = own.pid.node === this.#node.name
        ? await this.#resolve(...args)
        : await this.#node.rpc(own.pid.node, "global", "resolve_it", args, {
          timeout: Infinity,
          signal,
        });
    } catch (error) {
      if (signal.aborted) return his;
      result = tuple(EXIT, exitReasonOf(error)) as Term;
    }
    if (isExit(result)) {
      // As in OTP: his process keeps the name where the node of ours cannot be asked, or its function fails.
      const why = format(result, { maxLength: 200 });
      this.#log("info", `${own.pid.node} could not decide on ${format(name)}: ${why}`);
      return his;
    }
    if (his.pid.equals(result)) return his;
    if (own.pid.equals(result)) return own;
    if (result !== atom("none")) {
      this.#log("info", `The function for ${format(name)} gave ${format(result)}, not a pid`);
    }
    return null;
  }

  /** Asks the function of this program that was registered with the one of the two processes that is here. */
  async #own(name: Term, one: Pid, other: Pid): Promise<Term> {
    const resolve = this.#functions.get(other.key) ?? this.#functions.get(one.key);
    if (resolve === undefined) return atom("none");
    try {
      const keeps = await resolve(name, one, other);
      if (one.equals(keeps) || other.equals(keeps)) return keeps!;
      if (keeps === null) return atom("none");
      throw new TypeError("it must give one of the two pids, or null");
    } catch (error) {
      this.#log("error", `the resolve function for ${format(name)} failed: ${String(error)}`);
      return tuple(EXIT, exitReasonOf(error)) as Term;
    }
  }

  #exit(name: Term, one: Pid, other: Pid): Pid {
    const [keeps, loses] = inOrder(one, other);
    this.#log("info", `Name conflict: ${format(loses)} is killed for ${format(name)}`);
    this.#node.exit(loses, KILL);
    return keeps;
  }

  #log(level: "info" | "error", message: string): void {
    this.#node._core.platform.log(level, `global: ${message}`);
  }
}

/** The process on the node whose name is less comes first, and keeps the name. */
function inOrder(one: Pid, other: Pid): [Pid, Pid] {
  return compareNodes(one.node, other.node) < 0 ? [one, other] : [other, one];
}

/** What Erlang gives for a function that is not there. */
function undefinedMethod(method: Term, name: Term, one: Pid, other: Pid): Term {
  const args = [name, one, other];
  const reason = method instanceof ExternalFun
    ? undefinedFunction(method.module.name, method.function.name, args)
    : tuple(atom("badfun"), method) as Term;
  return tuple(EXIT, reason) as Term;
}

/** What a function gives that has failed: `{'EXIT', Reason}`. */
function isExit(result: Term): boolean {
  return isTuple(result) && result.length === 2 && result[0] === EXIT;
}
