import { atom } from "../etf/atom.ts";
import type { Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import { UNDEF } from "./atoms.ts";
import type { Self } from "./self.ts";

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

  /** @ignore @internal */
  constructor(fn: (self: Self, ...args: Term[]) => unknown) {
    this.fn = fn;
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
  return new WithSelf(fn);
}

/** The functions of a node that others may spawn or call by rpc; nothing else can be. */
export class ProvidedFunctions {
  #modules: Map<string, Map<string, Provided>> = new Map();

  add(module: string, functions: Readonly<Record<string, Provided>>): Disposable {
    const table = this.#modules.get(module) ?? new Map<string, Provided>();
    this.#modules.set(module, table);
    const added = Object.entries(functions);
    for (const [name, fn] of added) table.set(name, fn);
    return {
      [Symbol.dispose]: () => {
        for (const [name, fn] of added) if (table.get(name) === fn) table.delete(name);
        if (table.size === 0 && this.#modules.get(module) === table) this.#modules.delete(module);
      },
    };
  }

  /** What runs `module:name` with these arguments; `null` where nothing of that name takes so many. */
  find(module: string, name: string, args: readonly Term[]): ((self: Self) => unknown) | null {
    const fn = this.#modules.get(module)?.get(name);
    if (fn === undefined) return null;
    if (fn instanceof WithSelf) {
      return fn.fn.length === args.length + 1 ? (self) => fn.fn(self, ...args) : null;
    }
    if (typeof fn === "function") return fn.length === args.length ? () => fn(...args) : null;
    return fn.takes(args.length) ? () => fn.invoke(args) : null;
  }
}

/** What a process exits with on Erlang that was to run a function which is not there. */
export function undefinedFunction(module: string, name: string, args: readonly Term[]): Term {
  return tuple(UNDEF, [tuple(atom(module), atom(name), [...args], [])]);
}
