import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import { IgnoredError } from "../../node/process/ignore.ts";
import type { Self } from "../../node/process/self.ts";
import type { ProcessOptions, StartOptions } from "../../node/local_node.ts";
import { shown } from "../sys/shown.ts";
import { type ChildStart, LocalRunning, type Parent, type Running } from "./_start.ts";

const START_LINK = atom("start_link");
const SPAWN_LINK = atom("spawn_link");

/** Starts a process of a behaviour, and waits for its `init`. */
export class BehaviourStart implements ChildStart {
  readonly name: string;
  readonly #behaviour: (new () => Behaviour) | URL;
  readonly #args: readonly unknown[];
  readonly #options: StartOptions;

  /** @param behaviour its class, or the module that has it, for a process on a worker. */
  constructor(
    behaviour: (new () => Behaviour) | URL,
    name: string,
    args: readonly unknown[],
    { link: _, ...options }: StartOptions,
  ) {
    this.name = name || "anonymous";
    this.#behaviour = behaviour;
    this.#args = args;
    this.#options = options;
  }

  get modules(): Term[] {
    return [atom(this.name)];
  }

  mfa(extra: readonly unknown[]): Term {
    return tuple(atom(this.name), START_LINK, shown([...this.#args, ...extra])) as Term;
  }

  start({ node, process: parent }: Parent, extra: readonly unknown[]): Promise<Running | null> {
    return new Promise((resolve, reject) => {
      const options = { ...this.#options, link: parent.pid };
      const args = extra.length === 0 ? this.#args : [...this.#args, ...extra];
      const { process, instance } = node._start(this.#behaviour, args, options, (error) => {
        if (error instanceof IgnoredError) return resolve(null);
        if (error !== null) return reject(error);
        resolve(new LocalRunning(parent, process, instance._reference(node, process.pid)));
      });
    });
  }
}

/** Spawns a process that runs a function. */
export class FunctionStart implements ChildStart {
  readonly name: string;
  readonly #fn: (self: Self, ...args: never[]) => unknown;
  readonly #args: readonly unknown[];
  readonly #options: StartOptions;

  constructor(
    fn: (self: Self, ...args: never[]) => unknown,
    args: readonly unknown[],
    options: StartOptions,
  ) {
    this.name = fn.name || "anonymous";
    this.#fn = fn;
    this.#args = args;
    this.#options = options;
    if (options.register !== undefined && typeof options.register !== "string") {
      throw new TypeError(
        `Cannot make a child of ${this.name}: a function can be registered under a name of its node only, make it a GenServer`,
      );
    }
  }

  get modules(): Term[] {
    return [atom(this.name)];
  }

  mfa(extra: readonly unknown[]): Term {
    return tuple(atom(this.name), SPAWN_LINK, shown([...this.#args, ...extra])) as Term;
  }

  // deno-lint-ignore require-await -- a fault is to be a rejection
  async start({ node, process: parent }: Parent, extra: readonly unknown[]): Promise<Running> {
    const args = [...this.#args, ...extra] as never[];
    const { timeout: _, ...options } = this.#options as ProcessOptions & StartOptions;
    const process = node._spawn((self) => this.#fn(self, ...args), { ...options, link: parent });
    return new LocalRunning(parent, process, process.pid);
  }
}
