import type { Pid } from "../../etf/identifiers.ts";
import type { AnyApplication, ApplicationType } from "../../node/applications.ts";
import type { ApplicationContext } from "./context.ts";
import { checkApplication } from "./_check.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { type ApplicationTree, treeOf } from "./tree.ts";

/** A process that an application starts: what `app.start` gives, or a pid. */
export type ApplicationRoot = Pid | { readonly pid: Pid };

/** What an application's `start` gives: the root of its tree, and what its other functions get. */
export type ApplicationStarted<S> = ApplicationRoot | {
  readonly root: ApplicationRoot;
  readonly state: S;
};

/**
 * What an application consists of.
 *
 * @typeParam E its environment.
 * @typeParam S what its `start` gives to `startPhases`, `prepStop` and `stop`.
 */
export interface ApplicationOptions<E, S> extends ApplicationTree<E> {
  /** The application's name, an atom in Erlang. */
  readonly name: string;
  /** Default `"0.0.0"`. */
  readonly version?: string;
  /** What it is for, in a few words. */
  readonly description?: string;
  /**
   * The environment, which `app.env(key)` and `node.applications.getEnv(name, key)` give. The node's option `config` overrides it, with values of the
   * same kind.
   */
  readonly env?: E;
  /** What has to run before it: names, or the applications themselves, which are then loaded with it. */
  readonly applications?: readonly (AnyApplication | string)[];
  /** What has to run before it where it is loaded. */
  readonly optionalApplications?: readonly (AnyApplication | string)[];
  /**
   * Applications that are loaded with it, and whose trees this one starts as a part of its own: see {@linkcode Application.tree}. Their start phases run
   * with its own.
   */
  readonly includedApplications?: readonly Application[];
  /**
   * Starts the root of the tree by `app.start`; in place of `children`. The application ends with its root.
   *
   * @returns the root, or `{ root, state }`.
   */
  readonly start?: (
    app: ApplicationContext<E>,
  ) => ApplicationStarted<S> | Promise<ApplicationStarted<S>>;
  /**
   * What happens once the tree is up, one after the other in this order. For each phase those of the same name of included applications run behind it, as in OTP.
   * A throw makes the start fail, and the tree ends.
   */
  readonly startPhases?: Readonly<
    Record<string, (app: ApplicationContext<E>, state: S) => unknown>
  >;
  /** Called before the tree ends, also where its root has ended by itself. What it returns takes the place of the state. */
  readonly prepStop?: (state: S, app: ApplicationContext<E>) => S | void | Promise<S | void>;
  /** Called when the tree has ended, to undo what `start` has done. */
  readonly stop?: (state: S, app: ApplicationContext<E>) => unknown;
  /** Milliseconds that it has to stop in, from `prepStop` on; what is left then is killed. Default `Infinity`, as in OTP: its supervisors have limits of their own. */
  readonly shutdown?: number;
  /** Milliseconds that it runs for; it then stops with `normal`: OTP's `maxT`. Default `Infinity`. */
  readonly lifespan?: number;
  /** As what it is started where nobody says. Default `"temporary"`. */
  readonly mode?: ApplicationType;
  /** Names that its processes register, for those who read. */
  readonly registered?: readonly string[];
  /** What it belongs to, for those who read. */
  readonly group?: string;
  /** Whatever there is to say about it, for those who read. */
  readonly tags?: readonly string[];
  /** How much of the work it is to get beside others of its name on other nodes, for those who read. Default 0. */
  readonly weight?: number;
}

/** A start phase: its name, whose it is, and what runs. */
export type Phase = readonly [
  name: string,
  of: Application,
  run: (app: ApplicationContext<never>, state: never) => unknown,
];

/** An application, made by {@linkcode application}: a part of a program that is started and stopped as one, with what it depends on. */
export class Application implements AnyApplication {
  /** The application's name. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** What it is for. */
  readonly description: string;
  /** As what it is started where nobody says. */
  readonly mode: ApplicationType;
  /** Milliseconds that it has to stop in. */
  readonly shutdown: number;
  /** Milliseconds that it runs for. */
  readonly lifespan: number;
  /** @ignore @internal */
  declare readonly _application: true;
  /** @ignore @internal */
  readonly _options: ApplicationOptions<never, never>;

  /** @ignore @internal Use {@linkcode application}. */
  constructor(options: ApplicationOptions<never, never>) {
    checkApplication(options);
    this._options = options;
    this.name = options.name;
    this.version = options.version ?? "0.0.0";
    this.description = options.description ?? "";
    this.mode = options.mode ?? "temporary";
    this.shutdown = options.shutdown ?? Infinity;
    this.lifespan = options.lifespan ?? Infinity;
  }

  /**
   * The class of the supervisor of its `children`, for an application that includes this one: `child(inner.tree(app), [])`, as one of its own children.
   *
   * @param app the context of the one that includes it; this one's environment is its own.
   */
  tree(app: ApplicationContext<unknown>): new () => Supervisor {
    if (this._options.children === undefined) {
      throw new TypeError(`Cannot include application ${this.name}: it has no children`);
    }
    return treeOf(this._options, app._of(this.name));
  }

  /** @ignore @internal Whether processes belong to it; a library only has an environment, and others can depend on it. */
  get _runs(): boolean {
    return this._options.start !== undefined || this._options.children !== undefined;
  }

  /** @ignore @internal */
  async _start(app: ApplicationContext<never>): Promise<{ root: unknown; state: unknown }> {
    const { start } = this._options;
    if (start === undefined) {
      return { root: await app.start(treeOf(this._options, app), []), state: undefined };
    }
    const started = await start(app) as ApplicationStarted<unknown>;
    return typeof started === "object" && started !== null && "root" in started
      ? started
      : { root: started, state: undefined };
  }

  /** @ignore @internal All start phases in their order, those of included applications among them. */
  _phases(): Phase[] {
    const all = [this as Application, ...this._included()];
    return Object.keys(this._options.startPhases ?? {}).flatMap((name) =>
      all.flatMap((of): Phase[] => {
        const phases = of._options.startPhases ?? {};
        return Object.hasOwn(phases, name) ? [[name, of, phases[name]]] : [];
      })
    );
  }

  /** @ignore @internal Those that it includes, and those that they include. */
  _included(): Application[] {
    const { includedApplications = [] } = this._options;
    return includedApplications.flatMap((one) => [one, ...one._included()]);
  }

  /** @ignore @internal */
  _prepStop(state: unknown, app: ApplicationContext<never>): unknown {
    return this._options.prepStop?.(state as never, app);
  }

  /** @ignore @internal */
  _stop(state: unknown, app: ApplicationContext<never>): unknown {
    return this._options.stop?.(state as never, app);
  }
}

/**
 * Makes an application: a tree of processes with an environment, which a node starts behind what it depends on, and stops before that.
 *
 * | what | when |
 * | --- | --- |
 * | `children`, or `start(app)` | first; the root of the tree, which the application ends with |
 * | `startPhases` | when the tree is up, in their order; then `start` of the node resolves |
 * | `prepStop(state)` | before the tree ends, or when its root has ended by itself |
 * | `stop(state)` | when the tree has ended |
 *
 * - What the end of an application means for its node is its {@linkcode ApplicationType}.
 * - Without `children` and `start` it is a library: it has an environment, and can be depended on.
 * - Nothing happens before a node starts it: one value can run on several nodes of a program.
 *
 * @throws {TypeError} if an option does not exist or cannot be meant.
 *
 * @example
 * ```ts
 * import { application, child, GenServer, startNode } from "@ergo-ts/ergo";
 *
 * class Stock extends GenServer {
 *   #left = 0;
 *   override init(left: number): void { this.#left = left; }
 *   override readonly calls = { take: () => --this.#left };
 * }
 *
 * const shop = application({
 *   name: "shop",
 *   version: "1.2.0",
 *   env: { left: 10 },
 *   children: (app) => [child(Stock, [app.env("left")], { register: "stock" })],
 *   stop: () => console.log("closed"),
 * });
 *
 * await using node = await startNode("demo@localhost", {
 *   cookie: "secret",
 *   applications: [shop],
 *   config: { shop: { left: 3 } },
 * });
 * console.log(node.applications.which()); // [{ name: "shop", description: "", version: "1.2.0" }]
 * ```
 *
 * A program with one tree and nothing to configure does without: `node.start(Tree, [])`.
 */
export function application<E extends object = Record<string, unknown>, S = undefined>(
  options: ApplicationOptions<E, S>,
): Application {
  return new Application(options as unknown as ApplicationOptions<never, never>);
}
