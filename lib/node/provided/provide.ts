import { checkFields } from "../../_util/fields.ts";
import { Atom, atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { UNDEF } from "../atoms.ts";
import { Globs } from "../globs.ts";
import type { AccessPolicy } from "../remote/access.ts";
import type { Self } from "../process/self.ts";

/** A function that says how many arguments it takes and parses them, as `on(t.integer, ...)` makes it. */
export interface Parsing {
  /** Whether it takes so many arguments. */
  takes(count: number): boolean;
  /**
   * Parses the arguments and calls the function with them.
   *
   * @throws where they do not parse: whoever called gets that as an error of the function.
   */
  invoke(args: readonly unknown[]): unknown;
}

/** A function that is given its process, made by {@linkcode withSelf}. */
export class WithSelf {
  /** Takes the process, and exactly as many arguments as it declares behind it. */
  readonly fn: (self: Self, ...args: Term[]) => unknown;
  /** @ignore @internal How many arguments it takes. */
  readonly _arities: readonly number[];

  /** @ignore @internal */
  constructor(
    fn: (self: Self, ...args: Term[]) => unknown,
    arities: readonly number[] = [fn.length - 1],
  ) {
    this.fn = fn;
    this._arities = arities;
  }
}

/** What other nodes may run here: a plain function of terms, one made by `on`, or one made by {@linkcode withSelf}. */
export type Provided = ((...args: Term[]) => unknown) | Parsing | WithSelf;

/**
 * Gives a provided function its process as the first argument, so that it can receive messages and live on.
 *
 * @example
 * ```ts
 * import { startNode, withSelf } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * node.provide("demo", {
 *   loop: withSelf(async (self) => {
 *     for await (const message of self) console.log(message);
 *   }),
 * });
 * // From Elixir: Node.spawn(:"demo@localhost", :demo, :loop, []) |> send(:hello)
 * await node.stopped;
 * ```
 */
export function withSelf(fn: (self: Self, ...args: Term[]) => unknown): WithSelf {
  if (typeof fn !== "function") {
    throw new TypeError("Cannot give a process to a function: a function is needed");
  }
  return new WithSelf(fn);
}

/** How functions are provided. */
export interface ProvideOptions {
  /**
   * The nodes that may spawn and call them, by name; `*` stands for any characters, as in `"web*@10.0.0.5"`. For all others they
   * do not exist. Default `"*"`: every peer that the node's option `access` lets.
   */
  readonly peers?: string | readonly string[];
}

/** One function, and who may run it: `null` for all. */
interface Entry {
  readonly fn: Provided;
  readonly peers: Globs | null;
}

/** The functions of a node that others may spawn or call by rpc; nothing else can be. */
export class ProvidedFunctions {
  readonly #modules: Map<string, Map<string, Entry>> = new Map();
  readonly #access: AccessPolicy;

  /** @param access what else decides about who may run them. */
  constructor(access: AccessPolicy) {
    this.#access = access;
  }

  add(
    module: string,
    functions: Readonly<Record<string, Provided>>,
    options: ProvideOptions = {},
  ): Disposable {
    checkProvided(module, functions);
    checkFields("provide functions", options, { peers: true });
    const { peers = "*" } = options;
    const globs = peers === "*" ? null : new Globs(typeof peers === "string" ? [peers] : peers);
    const table = this.#modules.get(module) ?? new Map<string, Entry>();
    this.#modules.set(module, table);
    const added = Object.entries(functions).map(([name, fn]) =>
      [name, { fn, peers: globs }] as const
    );
    for (const [name, entry] of added) table.set(name, entry);
    return {
      [Symbol.dispose]: () => {
        for (const [name, entry] of added) if (table.get(name) === entry) table.delete(name);
        if (table.size === 0 && this.#modules.get(module) === table) this.#modules.delete(module);
      },
    };
  }

  /** Whether there are functions of that module. */
  has(module: string): boolean {
    return this.#modules.has(module);
  }

  /** Whether what is provided under that name is the code of a process, made by {@linkcode withSelf}. */
  isProcess({ module, name }: { readonly module: Term; readonly name: Term }): boolean {
    if (!(module instanceof Atom) || !(name instanceof Atom)) return false;
    return this.#modules.get(module.name)?.get(name.name)?.fn instanceof WithSelf;
  }

  /**
   * What runs `module:name` with these arguments; `null` where nothing of that name takes so many, or the peer may not run it.
   *
   * @param peer the node that asks; `null` where it is this one, which may run all.
   */
  find(
    module: string,
    name: string,
    args: readonly Term[],
    peer: string | null = null,
  ): ((self: Self) => unknown) | null {
    const entry = this.#modules.get(module)?.get(name);
    if (entry === undefined) return null;
    const { fn, peers } = entry;
    if (peer !== null) {
      if (peers !== null && !peers.fit(peer)) return null;
      if (!this.#access.of(peer).mayRun(module, name)) return null;
    }
    if (fn instanceof WithSelf) {
      return fn._arities.includes(args.length) ? (self) => fn.fn(self, ...args) : null;
    }
    if (typeof fn === "function") return fn.length === args.length ? () => fn(...args) : null;
    return fn.takes(args.length) ? () => fn.invoke(args) : null;
  }
}

/** @throws {TypeError} where nobody could ever call it. */
function checkProvided(module: string, functions: Readonly<Record<string, Provided>>): void {
  if (typeof module !== "string" || typeof functions !== "object" || functions === null) {
    throw new TypeError(
      "Cannot provide functions: the name of their module is needed, and an object with them",
    );
  }
  for (const [name, fn] of Object.entries(functions)) {
    if (typeof fn === "function" || fn instanceof WithSelf || isParsing(fn)) continue;
    throw new TypeError(
      `Cannot provide ${module}:${name}: a function, on(...) or withSelf(...) is needed, ${typeof fn} came`,
    );
  }
}

function isParsing(value: Parsing | null | undefined): boolean {
  return typeof value?.takes === "function" && typeof value.invoke === "function";
}

/** What a process exits with on Erlang that was to run a function which is not there. */
export function undefinedFunction(module: string, name: string, args: readonly Term[]): Term {
  return tuple(UNDEF, [tuple(named(module), named(name), [...args], [])]);
}

/** The atom of that name, three of which are JavaScript values. */
function named(name: string): Term {
  return name === "nil" ? null : name === "true" ? true : name === "false" ? false : atom(name);
}
