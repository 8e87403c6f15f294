import { checkPid } from "../../node/target.ts";
import { checkFields } from "../../_util/fields.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { format } from "../../etf/format.ts";
import type { Term } from "../../etf/term.ts";
import {
  type AllowOptions,
  type AnyApplication,
  APPLICATION_TIME,
  type ApplicationConfig,
  ApplicationError,
  type ApplicationInfo,
  type Applications,
  type ApplicationType,
  type ListedApplication,
  type ShutdownOptions,
  TOTAL_TIME,
} from "../../node/applications.ts";
import { NORMAL } from "../../node/atoms.ts";
import type { Node } from "../../node/node.ts";
import { Application } from "./application.ts";
import { isType } from "./_check.ts";
import { Environment } from "./_environment.ts";
import * as faults from "./_faults.ts";
import { infoOf, namesOf } from "./_info.ts";
import { Master } from "./_master.ts";
import { provideApplication, startOn } from "./_remote.ts";
import { Rights } from "./_rights.ts";

/** What a controller is made with. */
export interface ControllerOptions {
  readonly config?: ApplicationConfig;
  /** The end of an application stops the node. */
  readonly onFailure?: () => void;
}

/** The applications of a node: OTP's application controller. */
export class ApplicationController implements Applications {
  readonly #node: Node;
  readonly #environment: Environment;
  readonly #rights: Rights = new Rights();
  readonly #onFailure: () => void;
  readonly #loaded: Map<string, Application> = new Map();
  /** Those that were started and not stopped, also where they have ended by themselves: OTP's `started`. */
  readonly #started: Map<string, ApplicationType> = new Map();
  /** In the order in which they were started; `null` where no process runs. */
  readonly #running: Map<string, Master | null> = new Map();
  readonly #starting: Map<string, { readonly done: Promise<void>; master: Master | null }> =
    new Map();
  #stops = false;

  constructor(node: Node, { config, onFailure = () => {} }: ControllerOptions = {}) {
    this.#node = node;
    this.#environment = new Environment(config);
    this.#onFailure = onFailure;
    provideApplication(node, this, this.#rights);
  }

  load(application: AnyApplication): void {
    if (this.#loaded.has(application?.name)) throw faults.alreadyLoaded(application.name);
    this.#load(applicationOf("load", application));
  }

  unload(name: string): void {
    if (this.#running.has(name) || this.#starting.has(name)) throw faults.running(name);
    const application = this.#loaded.get(name);
    if (application === undefined) throw faults.notLoaded("unload", name);
    for (const one of [application, ...application._included()]) {
      this.#loaded.delete(one.name);
      this.#environment.unload(one.name);
    }
  }

  // deno-lint-ignore require-await -- a fault is to be a rejection
  async start(application: AnyApplication | string, type?: ApplicationType): Promise<void> {
    const loaded = this.#ensureLoaded(application);
    const { name } = loaded;
    if (type !== undefined && !isType(type)) throw faults.invalidType(name, type);
    if (this.#stops) throw faults.nodeStops(name);
    const under = this.#starting.get(name);
    if (under !== undefined) return under.done;
    if (this.#running.has(name)) throw faults.alreadyStarted(name);
    this.#checkDependencies(loaded);
    const starting = { done: Promise.resolve(), master: null as Master | null };
    this.#starting.set(name, starting);
    starting.done = this.#start(loaded, type ?? loaded.mode, (master) => starting.master = master)
      .finally(() => this.#starting.delete(name));
    return starting.done;
  }

  async ensureAllStarted(
    applications: AnyApplication | string | readonly (AnyApplication | string)[],
    type?: ApplicationType,
  ): Promise<string[]> {
    const started: string[] = [];
    const list = Array.isArray(applications) ? applications : [applications];
    try {
      for (const one of list) await this.#ensureStarted(one, type, started, []);
    } catch (error) {
      for (const name of started.reverse()) await this.stop(name).catch(() => {}); // it has ended
      throw error instanceof ApplicationError ? faults.inChain(error) : error;
    }
    return started;
  }

  async stop(name: string, { timeout = Infinity }: { timeout?: number } = {}): Promise<void> {
    const master = this.#running.get(name);
    if (master === undefined) {
      // As in OTP: one that has ended by itself counts as started until it is stopped.
      if (this.#started.delete(name)) return;
      throw faults.notStarted(name);
    }
    this.#started.delete(name);
    if (master !== null) await master.stop(timeout); // which takes it out
    else this.#running.delete(name);
    this.#log("info", name, "was stopped");
  }

  which(): ListedApplication[] {
    return [...this.#running.keys()].reverse().map((name) => listed(this.#loaded.get(name)!));
  }

  loaded(): ListedApplication[] {
    return [...this.#loaded.values()].map(listed);
  }

  info(name: string): ApplicationInfo {
    const application = this.#loaded.get(name);
    if (application === undefined) throw faults.notLoaded("tell of", name);
    const running = this.#running.has(name);
    const master = this.#running.get(name) ?? this.#starting.get(name)?.master ?? null;
    const now = this.#node._core.platform.now();
    return infoOf(application, master, {
      state: running ? "running" : this.#starting.has(name) ? "starting" : "loaded",
      type: this.#started.get(name) ?? master?.type ?? null,
      env: this.#environment.all(name),
      now,
    });
  }

  of(pid: Pid): string | undefined {
    const leader = this.#node._core.process(checkPid("look for an application", pid))?.groupLeader;
    return leader === undefined ? undefined : this.#ledBy(leader)?.application.name;
  }

  getEnv(name: string, key: string): unknown {
    return this.#environment.get(name, key);
  }

  getAllEnv(name: string): Record<string, unknown> {
    return this.#environment.all(name);
  }

  setEnv(
    name: string,
    key: string,
    value: unknown,
    options: { readonly persistent?: boolean } = {},
  ): void {
    checkFields("set a setting", options, { persistent: true });
    const { persistent = false } = options;
    this.#environment.set(name, key, value, persistent);
  }

  unsetEnv(name: string, key: string, options: { readonly persistent?: boolean } = {}): void {
    checkFields("unset a setting", options, { persistent: true });
    const { persistent = false } = options;
    this.#environment.unset(name, key, persistent);
  }

  allow(name: string, options: AllowOptions = {}): Disposable {
    checkFields("allow that", options, { peers: true, actions: true });
    return this.#rights.allow(name, options);
  }

  startOn(node: string, name: string, type?: ApplicationType): Promise<void> {
    return node === this.#node.name
      ? this.start(name, type)
      : startOn(this.#node, node, name, type);
  }

  /** @ignore @internal */
  get _busy(): boolean {
    return this.#running.size > 0 || this.#starting.size > 0;
  }

  /** @ignore @internal */
  async _shutDown(times: ShutdownOptions): Promise<void> {
    this.#stops = true;
    const { platform } = this.#node._core;
    const { application = APPLICATION_TIME, total = TOTAL_TIME } = times;
    const end = platform.now() + total;
    for (const { done, master } of [...this.#starting.values()].reverse()) {
      master?.giveUp();
      await done.catch(() => {}); // whoever has asked for it is told
    }
    for (const [name, master] of [...this.#running].reverse()) {
      const left = Math.max(0, end - platform.now());
      await master?.stop(Math.min(application, left));
      this.#running.delete(name);
      this.#started.delete(name);
    }
  }

  #load(application: Application): void {
    const { name } = application;
    this.#environment.load(name, application._options.env ?? {});
    this.#loaded.set(name, application);
    const { applications = [], optionalApplications = [] } = application._options;
    const others = [...applications, ...optionalApplications, ...application._included()];
    for (const other of others) {
      if (typeof other === "string" || this.#loaded.has(other.name)) continue;
      this.#load(applicationOf("load", other));
    }
  }

  #ensureLoaded(application: AnyApplication | string): Application {
    if (typeof application === "string") {
      const loaded = this.#loaded.get(application);
      if (loaded === undefined) throw faults.unknown("start", application);
      return loaded;
    }
    const given = applicationOf("start", application);
    const loaded = this.#loaded.get(given.name);
    if (loaded === undefined) this.#load(given);
    else if (loaded !== given) throw faults.alreadyLoaded(given.name);
    return given;
  }

  #checkDependencies({ name, _options: options }: Application): void {
    for (const on of namesOf(options.applications)) {
      if (!this.#started.has(on)) throw faults.dependsOn(name, on, false);
      if (!this.#running.has(on)) throw faults.dependsOn(name, on, true);
    }
    for (const on of namesOf(options.optionalApplications)) {
      if (this.#loaded.has(on) && !this.#running.has(on)) throw faults.dependsOn(name, on, false);
    }
  }

  async #start(
    application: Application,
    type: ApplicationType,
    made: (master: Master) => void,
  ): Promise<void> {
    const { name } = application;
    let master: Master | null = null;
    if (application._runs) {
      const ended = (reason: Term): void => this.#ended(name, master!, reason);
      master = new Master(this.#node, application, type, this.#environment, ended);
      made(master);
      try {
        await master.start();
      } catch (error) {
        this.#failed(name, type, error as ApplicationError);
        throw error;
      }
    }
    this.#started.set(name, type);
    this.#running.set(name, master);
    this.#log("debug", name, "was started");
    if (master?.process.exited) this.#ended(name, master, master.process.reason);
  }

  async #ensureStarted(
    one: AnyApplication | string,
    type: ApplicationType | undefined,
    started: string[],
    above: readonly string[],
  ): Promise<void> {
    const { name, _options: options } = this.#ensureLoaded(one);
    if (this.#running.has(name)) return;
    if (above.includes(name)) {
      throw new ApplicationError(
        `Cannot start application ${name}: it depends on itself, by ${[...above, name].join(", ")}`,
        name,
        faults.circular(name),
      );
    }
    const inner = [...above, name];
    for (const on of namesOf(options.applications)) {
      await this.#ensureStarted(on, type, started, inner);
    }
    for (const on of namesOf(options.optionalApplications)) {
      if (this.#loaded.has(on)) await this.#ensureStarted(on, type, started, inner);
    }
    if (this.#running.has(name)) return; // by somebody else, meanwhile
    await this.start(name, type);
    started.push(name);
  }

  /** A start has failed. */
  #failed(name: string, type: ApplicationType, error: ApplicationError): void {
    if (this.#stops) return;
    this.#log(type === "temporary" ? "warning" : "error", name, `cannot start: ${error.message}`);
    if (type === "temporary" || type === "transient" && faults.isNormal(error)) return;
    this.#fail(name, `(${type}) cannot start`);
  }

  /** All of it has ended, by itself or because it was stopped. */
  #ended(name: string, master: Master, reason: Term): void {
    if (this.#running.get(name) !== master) return;
    this.#running.delete(name);
    const { type } = master;
    if (this.#stops || !this.#started.has(name)) return;
    const how = format(reason, { maxLength: 1_000 });
    if (type === "temporary" || type === "transient" && reason === NORMAL) {
      const level = reason === NORMAL ? "info" : "warning";
      return this.#log(level, name, `has ended with ${how}`);
    }
    this.#fail(name, `(${type}) has ended with ${how}`);
  }

  #fail(name: string, what: string): void {
    this.#log("error", name, `${what}: the node stops`);
    this.#onFailure();
    void this.#node.stop();
  }

  #ledBy(leader: Pid): Master | null {
    for (const master of this.#running.values()) {
      if (master?.process.pid.equals(leader)) return master;
    }
    for (const { master } of this.#starting.values()) {
      if (master?.process.pid.equals(leader)) return master;
    }
    return null;
  }

  #log(level: "debug" | "info" | "warning" | "error", name: string, text: string): void {
    this.#node._core.logger.log(level, `Application ${name} ${text}`, { application: name });
  }
}

function listed({ name, description, version }: Application): ListedApplication {
  return { name, description, version };
}

/** The types say so too; a program without them is told what to do. */
function applicationOf(verb: string, value: AnyApplication): Application {
  if (value instanceof Application) return value;
  throw new TypeError(
    `Cannot ${verb} an application: what application({...}) has made is needed, ${typeof value} came`,
  );
}
