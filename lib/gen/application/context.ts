import type { Pid } from "../../etf/identifiers.ts";
import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { ApplicationError, type ApplicationType } from "../../node/applications.ts";
import type { ProcessOptions, StartOptions } from "../../node/local_node.ts";
import type { Node } from "../../node/node.ts";
import type { Behaviour, RefOf } from "../../node/process/behaviour.ts";
import type { Self } from "../../node/process/self.ts";
import type { Environment } from "./_environment.ts";
import { named } from "./_faults.ts";

/**
 * What the functions of an application get: its node, its environment, and how its root is started.
 *
 * @typeParam E the application's `env`.
 */
export class ApplicationContext<E> {
  /** The node that it runs on. */
  readonly node: Node;
  /** Its name. */
  readonly name: string;
  /** As what it was started. */
  readonly type: ApplicationType;
  /** The process that stands for it: parent of what is started here, group leader of all its processes. */
  readonly pid: Pid;
  readonly #environment: Environment;

  /** @ignore @internal */
  constructor(
    node: Node,
    name: string,
    type: ApplicationType,
    pid: Pid,
    environment: Environment,
  ) {
    this.node = node;
    this.name = name;
    this.type = type;
    this.pid = pid;
    this.#environment = environment;
  }

  /** @ignore @internal The same for an application that this one includes. */
  _of(name: string): ApplicationContext<never> {
    return new ApplicationContext(this.node, name, this.type, this.pid, this.#environment);
  }

  /** A value of its environment as it is now: its own `env`, overridden by the node's `config`, overridden by `setEnv`. */
  env<K extends keyof E & string>(key: K): E[K] {
    return this.#environment.get(this.name, key) as E[K];
  }

  /**
   * Starts a process of the application, as `node.start`. What `start` of the application returns is its root: its end is the application's.
   *
   * @throws {ApplicationError} if the application has ended, or its start was given up.
   */
  start<B extends Behaviour>(
    behaviour: new () => B,
    args: Parameters<B["init"]>,
    options: Omit<StartOptions, "link"> = {},
  ): Promise<RefOf<B>> {
    if (this.#ended) return Promise.reject(this.#gone());
    return this.node.start(behaviour, args, { ...options, link: this.pid });
  }

  /**
   * Spawns a function as a process of the application, as `node.spawn`.
   *
   * @throws {ApplicationError} if the application has ended, or its start was given up.
   */
  spawn(fn: (self: Self) => unknown, options: Omit<ProcessOptions, "link"> = {}): Pid {
    if (this.#ended) throw this.#gone();
    return this.node.spawn(fn, { ...options, link: this.pid });
  }

  get #ended(): boolean {
    return !this.node.isAlive(this.pid);
  }

  #gone(): ApplicationError {
    const { name } = this;
    const text = `Cannot start a process of application ${name}: it has ended, start it again`;
    return new ApplicationError(text, name, tuple(atom("not_running"), named(name)) as Term);
  }
}
