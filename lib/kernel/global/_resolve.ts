import { atom } from "../../etf/atom.ts";
import { equal } from "../../etf/equal.ts";
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
/** What a function gives that has failed with `badarg`. */
const REFUSED: Term = tuple(EXIT, atom("badarg")) as Term;
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

/** A function of this program that decides on a name. */
interface Kept {
  readonly name: Term;
  readonly resolve: Resolve;
}

/** Decides what becomes of names that two processes have. */
export class Resolver {
  readonly #node: Node;
  readonly #names: GlobalNamesTable;
  /** The functions of this program, by the pid that they were given with: some of a process which has more than one name. */
  readonly #functions: Map<string, readonly Kept[]> = new Map();

  constructor(node: Node, names: GlobalNamesTable) {
    this.#node = node;
    this.#names = names;
  }

  /** Keeps the function that decides on that name of a process of this node, as long as it has the name. */
  keep(name: Term, pid: Pid, resolve: Resolve): void {
    const known = this.#functions.get(pid.key);
    const others = (known ?? []).filter((kept) =>
      !equal(kept.name, name) && this.#names.get(kept.name)?.pid.equals(pid)
    );
    this.#functions.set(pid.key, [...others, { name, resolve }]);
    if (known === undefined) this.#node.monitor(pid, () => void this.#functions.delete(pid.key));
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
        // Which of the processes of this node has a name is known here.
        const keeps = this.#isOurs(named.pid) && this.#isOurs(own.pid)
          ? own
          : await this.#decided(named, own, signal);
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
   * Whoever asks could else have any process killed: where that name is not our process's, or `one` is ours too, nothing is done, and
   * what is done is what was agreed upon when the name was registered.
   */
  async asked(name: Term, one: Pid, other: Pid): Promise<Term> {
    const own = this.#names.get(name);
    if (own?.pid.equals(other) && this.#isOurs(other) && !this.#isOurs(one)) {
      return await this.#resolve(own.method, name, one, other);
    }
    return REFUSED;
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
      if (!this.#mayReach(name, loses, false)) return REFUSED;
      this.#node.send(loses, tuple(NAME_CONFLICT, name) as Encodable);
      return keeps;
    }
    if (module === GLOBAL && fn === "notify_all_name") {
      if (![one, other].every((pid) => this.#mayReach(name, pid, false))) return REFUSED;
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
    const resolve = this.#functionOf(name, other) ?? this.#functionOf(name, one);
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

  #functionOf(name: Term, pid: Pid): Resolve | undefined {
    return this.#functions.get(pid.key)?.find((kept) => equal(kept.name, name))?.resolve;
  }

  #exit(name: Term, one: Pid, other: Pid): Term {
    const [keeps, loses] = inOrder(one, other);
    if (!this.#mayReach(name, loses, true)) return REFUSED;
    this.#log("info", `Name conflict: ${format(loses)} is killed for ${format(name)}`);
    this.#node.exit(loses, KILL);
    return keeps;
  }

  /**
   * Whether a conflict over that name may reach a process: one of this node only where the name is its own. Where another node has given
   * it the name, that node must be one which may send to it, and may end it where it is to be killed.
   */
  #mayReach(name: Term, pid: Pid, kill: boolean): boolean {
    if (!this.#isOurs(pid)) return true;
    const own = this.#names.get(name);
    if (own === undefined || !own.pid.equals(pid)) return false;
    const process = this.#node._core.process(pid);
    if (own.speaker === null || process === undefined) return true;
    const access = this.#node._access.of(own.speaker);
    return access.mayReachPid(process) && (!kill || access.maySignal(process, "exit signals"));
  }

  #isOurs(pid: Pid): boolean {
    return pid.node === this.#node.name;
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
