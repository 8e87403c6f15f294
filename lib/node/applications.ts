import type { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { ProcessError } from "./errors.ts";

/**
 * What the end of an application means for its node.
 *
 * | type | it ends with `normal` | it ends with any other reason |
 * | --- | --- | --- |
 * | `"temporary"` | is logged | is logged |
 * | `"transient"` | is logged | the node stops |
 * | `"permanent"` | the node stops | the node stops |
 *
 * As in OTP `shutdown` is another reason too: it is how a supervisor ends whose children crash too often. `applications.stop` is no end in
 * this sense.
 */
export type ApplicationType = "temporary" | "transient" | "permanent";

/** What the functions of {@linkcode Applications} take: the value that `application` gives. */
export interface AnyApplication {
  /** The application's name. */
  readonly name: string;
  /** @ignore @internal Nothing else is one. */
  readonly _application: true;
}

/** An application in a list: `{Name, Description, Version}` of Erlang's `which_applications`. */
export interface ListedApplication {
  /** Its name. */
  readonly name: string;
  /** What it is for. */
  readonly description: string;
  /** Its version. */
  readonly version: string;
}

/** What is known of a loaded application. */
export interface ApplicationInfo extends ListedApplication {
  /** What it does now. */
  readonly state: "loaded" | "starting" | "running" | "stopping";
  /** As what it was started last; `null` before. */
  readonly type: ApplicationType | null;
  /** As what it is started where nobody says. */
  readonly mode: ApplicationType;
  /** The applications that have to run before it. */
  readonly applications: readonly string[];
  /** Those that have to run before it where they are there. */
  readonly optionalApplications: readonly string[];
  /** Those that are a part of it. */
  readonly includedApplications: readonly string[];
  /** Its start phases, in their order. */
  readonly startPhases: readonly string[];
  /** Names that its processes register. */
  readonly registered: readonly string[];
  /** What it belongs to. */
  readonly group: string | null;
  /** Whatever there is to say about it. */
  readonly tags: readonly string[];
  /** How much of the work it is to get. */
  readonly weight: number;
  /** Milliseconds after which it is stopped. */
  readonly lifespan: number;
  /** Its environment as it is now. */
  readonly env: Readonly<Record<string, unknown>>;
  /** The process that stands for it, the group leader of its processes; `null` where none runs. */
  readonly pid: Pid | null;
  /** The root of its tree. */
  readonly root: Pid | null;
  /** How many processes it consists of, without the one that stands for it. */
  readonly processes: number;
  /** Milliseconds since it was started. */
  readonly uptime: number;
}

/** What other nodes may do with an application. */
export interface AllowOptions {
  /** The nodes that may, by name; `*` stands for any characters. Default `"*"`: all that the node's option `access` lets. */
  readonly peers?: string | readonly string[];
  /** What they may: `"start"` it, `"stop"` it, read its `"env"`. Default `["start"]`. */
  readonly actions?: readonly ApplicationAction[];
}

/** Something that another node may be allowed to do with an application. */
export type ApplicationAction = "start" | "stop" | "env";

/**
 * Something cannot be done with an application.
 *
 * {@linkcode ApplicationError.reason} is what Erlang's `application` gives in `{error, Reason}`: `{already_started, Name}`, `{not_started, Name}`,
 * `{not_loaded, Name}`, `{Reason, {Name, start, [normal, []]}}` and others.
 */
export class ApplicationError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "ApplicationError";
  /** The application's name. */
  readonly application: string;
  /** Erlang's reason. */
  readonly reason: Term;

  /** @ignore @internal */
  constructor(message: string, application: string, reason: Term, options?: ErrorOptions) {
    super(message, options);
    this.application = application;
    this.reason = reason;
  }

  /** The same reason. */
  get exitReason(): Term {
    return this.reason;
  }
}

/** The applications of a node, as `node.applications`: Erlang's module `application`. */
export interface Applications {
  /**
   * Makes an application known to the node, with those that it includes and those it depends on, as far as it holds them themselves. Sets up
   * its environment: its `env`, overridden by the node's option `config`.
   *
   * @throws {ApplicationError} if one of that name is loaded (`{already_loaded, Name}`), or `config` does not fit its `env`.
   */
  load(application: AnyApplication): void;
  /**
   * Takes it out again, with its environment and those that it includes.
   *
   * @throws {ApplicationError} if it runs (`{running, Name}`) or is not loaded (`{not_loaded, Name}`).
   */
  unload(name: string): void;
  /**
   * Starts an application, and resolves when its tree and its start phases are up. It is loaded where it is not. Where it starts already this waits for that.
   *
   * @param type what its end means for the node; default its `mode`.
   * @throws {ApplicationError} if it runs already, if one that it depends on does not (`{not_started, Name}`), or if its start fails. A `transient` or
   * `permanent` one whose start fails stops the node, as in OTP.
   */
  start(application: AnyApplication | string, type?: ApplicationType): Promise<void>;
  /**
   * Starts applications with all that they depend on and that does not run yet. Where one fails, those that this call has started are stopped again.
   *
   * @param type for all that are started; default the `mode` of each.
   * @returns the names of those that it has started, in their order.
   * @throws {ApplicationError} `{Name, Reason}` for the one that failed.
   */
  ensureAllStarted(
    applications: AnyApplication | string | readonly (AnyApplication | string)[],
    type?: ApplicationType,
  ): Promise<string[]>;
  /**
   * Stops an application: `prepStop`, then its tree from the root on, then `stop`; what is left of its processes is killed. Those that depend on it run on.
   *
   * @param options `timeout`: milliseconds after which its processes are killed without more ado; default its `shutdown`, which is for ever by default.
   * @throws {ApplicationError} if it does not run (`{not_started, Name}`).
   */
  stop(name: string, options?: { readonly timeout?: number }): Promise<void>;
  /** The applications that run, the last started first. */
  which(): ListedApplication[];
  /** Those that are loaded, whether they run or not. */
  loaded(): ListedApplication[];
  /**
   * All that is known of one.
   *
   * @throws {ApplicationError} if it is not loaded (`{not_loaded, Name}`).
   */
  info(name: string): ApplicationInfo;
  /** The application that a process of this node belongs to, by its group leader as in Erlang; `undefined` where to none. */
  of(pid: Pid): string | undefined;
  /** The value of a key of an application's environment; `undefined` where it has none. */
  getEnv(name: string, key: string): unknown;
  /** The whole environment of an application. */
  getAllEnv(name: string): Record<string, unknown>;
  /**
   * Sets a key of an application's environment, loaded or not. As in Erlang loading it sets those that it has of its own again.
   *
   * @param options `persistent`: loading it does not.
   */
  setEnv(
    name: string,
    key: string,
    value: unknown,
    options?: { readonly persistent?: boolean },
  ): void;
  /** Takes a key out of an application's environment. */
  unsetEnv(name: string, key: string, options?: { readonly persistent?: boolean }): void;
  /**
   * Lets other nodes start a loaded application by `application:start`, `ensure_started` and `ensure_all_started`, until disposed; or stop it, or read its environment. Without
   * this it does not exist for them, but for the lists that `which_applications` and `loaded_applications` give.
   */
  allow(name: string, options?: AllowOptions): Disposable;
  /**
   * Starts an application on another node, ours or Erlang's, where it has to be allowed.
   *
   * @throws {ApplicationError} with the reason that the node gives.
   * @throws {NodeDownError} if it cannot be reached.
   */
  startOn(node: string, name: string, type?: ApplicationType): Promise<void>;
  /** @ignore @internal Whether any runs or is being started. */
  readonly _busy: boolean;
  /** @ignore @internal Stops all, the last started first; the node stops. */
  _shutDown(times: ShutdownOptions): Promise<void>;
}

/** Settings of applications, by their names: what Erlang takes from `sys.config`. */
export type ApplicationConfig = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** How long a stopping node waits. */
export interface ShutdownOptions {
  /** Milliseconds that each application has, in place of for ever; its own `shutdown` counts where that is less. Default 10,000. */
  readonly application?: number;
  /** Milliseconds that all has to be over in. What is not is ended then. Default 25,000, less than what Kubernetes gives. */
  readonly total?: number;
}

/** Milliseconds that one application has to stop where its node does. */
export const APPLICATION_TIME = 10_000;
/** Milliseconds in which a node has stopped. */
export const TOTAL_TIME = 25_000;
