import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { Platform } from "../../platform/contract.ts";
import type { Process } from "../process/process.ts";
import { Burst } from "./burst.ts";
import type { LogEvent, LogFilter, LogSink, LogSinkOptions } from "./event.ts";
import { checkLevel, LEVELS, type LogLevel, type LogThreshold, severityOf } from "./level.ts";
import { LevelLogger } from "./level_logger.ts";
import { platformLog } from "./sinks.ts";

/** How a node logs. */
export interface LogOptions {
  /** From which level on. Default "info". */
  readonly level?: LogThreshold;
  /** Where events are written, by names of your own. Default: one, `default`, to standard error. */
  readonly sinks?: Readonly<Record<string, LogSink | LogSinkOptions>>;
  /** What looks at each event before all sinks, in this order. */
  readonly filters?: Readonly<Record<string, LogFilter>>;
  /** Events in a second; what is beyond is left out, and counted in a line. Default 500. */
  readonly burst?: number;
}

const OPTIONS: FieldsOf<LogOptions> = { level: 0, sinks: 0, filters: 0, burst: 0 };
const SINK_OPTIONS: FieldsOf<LogSinkOptions> = { write: 0, level: 0, filter: 0 };

interface Sink {
  readonly write: LogSink;
  readonly severity: number;
  readonly filter: LogFilter | null;
}

/** What a process has set for itself. */
interface ProcessSettings {
  level: LogThreshold | null;
  fields: Readonly<Record<string, unknown>>;
}

const NO_FIELDS: Readonly<Record<string, unknown>> = {};

/**
 * The log of a node: what its processes log, what the node itself has to tell (crashes, refused peers), and what other nodes send here
 * because it was done for a process of this one. An event passes the level of its process, or else of the node, then the filters, then
 * each sink with its own level and filter.
 *
 * @example
 * ```ts
 * import { jsonLog, type LogEvent, startNode } from "@ergo-ts/ergo";
 *
 * const hide = { secrets: (event: LogEvent) => ({ ...event, message: event.message.replace(/token=\S+/, "token=...") }) };
 * await using node = await startNode("demo@localhost", {
 *   cookie: "secret",
 *   log: { level: "notice", sinks: { json: jsonLog() }, filters: hide },
 * });
 * node.logger.warning("disk is filling", { free: 0.03 });
 * node.logger.level = "debug"; // at run time
 * ```
 */
export class NodeLogger extends LevelLogger {
  /** @ignore @internal The platform, whose `log` comes here. */
  readonly _platform: Platform;
  readonly #outside: Platform;
  #node: string;
  #level: LogThreshold;
  #severity: number;
  readonly #sinks: Map<string, Sink> = new Map();
  readonly #filters: Map<string, LogFilter> = new Map();
  readonly #burst: Burst;
  /** What other nodes log has half of the room: else they could keep our own lines out. */
  readonly #foreignBurst: Burst;
  #settings: WeakMap<Process, ProcessSettings> | null = null;
  #writing = false;

  /** @ignore @internal */
  constructor(node: string, platform: Platform, options: LogOptions = {}) {
    super();
    checkOptions(options);
    this.#node = node;
    this.#outside = platform;
    this.#level = options.level ?? "info";
    this.#severity = severityOf(this.#level);
    const tell = (text: string): void => this.#write(this.#event("warning", text, null, NO_FIELDS));
    const most = options.burst ?? 500;
    this.#burst = new Burst(platform, most, tell);
    const tellForeign = (text: string): void => tell(`What other nodes log: ${text}`);
    this.#foreignBurst = new Burst(platform, Math.ceil(most / 2), tellForeign);
    const { sinks = { default: platformLog(platform) }, filters = {} } = options;
    for (const name of Object.keys(sinks)) this.addSink(name, sinks[name]);
    for (const name of Object.keys(filters)) this.addFilter(name, filters[name]);
    this._platform = withLog(platform, (level, message) => this._log(level, message));
  }

  /** From which level on the node logs; a process may have a level of its own. A worker keeps that which the node had when its thread began. */
  get level(): LogThreshold {
    return this.#level;
  }

  set level(level: LogThreshold) {
    this.#severity = severityOf(level);
    this.#level = level;
  }

  /** The names of the sinks. */
  get sinks(): string[] {
    return [...this.#sinks.keys()];
  }

  /**
   * Writes events to one more place.
   *
   * @throws {Error} if there is a sink of that name.
   */
  addSink(name: string, sink: LogSink | LogSinkOptions): void {
    const { write, level = "all", filter = null } = typeof sink === "function"
      ? { write: sink }
      : sink ?? {};
    if (typeof write !== "function" || (filter !== null && typeof filter !== "function")) {
      throw new TypeError(
        `Cannot log to ${name}: a function is needed, or { write, level, filter }`,
      );
    }
    if (typeof sink !== "function") checkFields(`log to ${name}`, sink, SINK_OPTIONS);
    if (this.#sinks.has(name)) {
      throw new Error(`Cannot log to ${name}: there is a sink of that name, remove it first`);
    }
    this.#sinks.set(name, { write, severity: severityOf(level), filter });
  }

  /**
   * Writes no more there.
   *
   * @returns whether there was one of that name.
   */
  removeSink(name: string): boolean {
    return this.#sinks.delete(name);
  }

  /** Adds a filter behind the others. @throws {Error} if there is one of that name. */
  addFilter(name: string, filter: LogFilter): void {
    if (typeof filter !== "function") {
      throw new TypeError(`Cannot filter by ${name}: a function of the event is needed`);
    }
    if (this.#filters.has(name)) {
      throw new Error(`Cannot filter by ${name}: there is a filter of that name, remove it first`);
    }
    this.#filters.set(name, filter);
  }

  /**
   * Takes a filter away.
   *
   * @returns whether there was one of that name.
   */
  removeFilter(name: string): boolean {
    return this.#filters.delete(name);
  }

  /** Logs in the name of the node. */
  override log(
    level: LogLevel,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): void {
    this._log(checkLevel(level), message, null, fields);
  }

  /** @ignore @internal Nodes that are named by others learn their name late. */
  _named(node: string): void {
    this.#node = node;
  }

  /** @ignore @internal Whether an event of that level is logged at all. */
  _admits(level: LogLevel, process: Process | null): boolean {
    const own = process === null ? undefined : this.#settings?.get(process);
    const severity = own === undefined || own.level === null
      ? this.#severity
      : severityOf(own.level);
    return LEVELS[level] <= severity;
  }

  /** @ignore @internal */
  _settings(process: Process): ProcessSettings {
    this.#settings ??= new WeakMap();
    let settings = this.#settings.get(process);
    if (settings === undefined) {
      this.#settings.set(process, settings = { level: null, fields: NO_FIELDS });
    }
    return settings;
  }

  /** @ignore @internal What is always said of a process. */
  _fieldsOf(process: Process): Readonly<Record<string, unknown>> {
    return this.#settings?.get(process)?.fields ?? NO_FIELDS;
  }

  /** @ignore @internal */
  _log(
    level: LogLevel,
    message: string,
    process: Process | null = null,
    fields: Readonly<Record<string, unknown>> = NO_FIELDS,
    meta: Readonly<Record<string, unknown>> = NO_FIELDS,
  ): void {
    if (!this._admits(level, process)) return;
    this._emit(this.#event(level, message, process, fields, meta));
  }

  /** @ignore @internal An event that has passed its level. */
  _emit(event: LogEvent): void {
    if (this.#burst.admit()) this.#write(event);
  }

  /** @ignore @internal An event of another node, or one whose process is not at hand. */
  _foreign(event: Omit<LogEvent, "time"> & { readonly time?: number }): void {
    if (!this._admits(event.level, null) || !this.#foreignBurst.admit()) return;
    this._emit({ ...event, time: event.time ?? this.#outside.systemTime() });
  }

  #event(
    level: LogLevel,
    message: string,
    process: Process | null,
    fields: Readonly<Record<string, unknown>>,
    meta: Readonly<Record<string, unknown>> = NO_FIELDS,
  ): LogEvent {
    return {
      level,
      time: this.#outside.systemTime(),
      node: this.#node,
      pid: process?.pid ?? null,
      name: process?.name ?? null,
      message: String(message),
      fields: process === null ? fields ?? NO_FIELDS : { ...this._fieldsOf(process), ...fields },
      meta,
    };
  }

  #write(event: LogEvent): void {
    // A sink or filter that logs itself would go on for ever.
    if (this.#writing) return this.#outside.log("error", event.message);
    this.#writing = true;
    try {
      const seen = this.#filtered(event);
      if (seen !== null) { for (const [name, sink] of this.#sinks) this.#give(name, sink, seen); }
    } finally {
      this.#writing = false;
    }
  }

  #filtered(event: LogEvent): LogEvent | null {
    let seen: LogEvent | null = event;
    for (const [name, filter] of this.#filters) {
      seen = this.#pass(name, filter, seen);
      if (seen === null) return null;
    }
    return seen;
  }

  #give(name: string, { write, severity, filter }: Sink, event: LogEvent): void {
    if (LEVELS[event.level] > severity) return;
    const seen = filter === null ? event : this.#pass(name, filter, event);
    if (seen === null) return;
    try {
      const result: unknown = write(seen);
      if (isThenable(result)) {
        result.then(null, (error: unknown) => this.#failed("sink", name, error));
      }
    } catch (error) {
      this.#failed("sink", name, error);
    }
  }

  #failed(what: "sink" | "filter", name: string, error: unknown): void {
    const text = (error as Error)?.message ?? error;
    this.#outside.log("error", `The log ${what} ${name} failed: ${text}`);
  }

  /** What a filter makes of an event; one that fails leaves it as it is: rather too much is logged than nothing. */
  #pass(name: string, filter: LogFilter, event: LogEvent): LogEvent | null {
    try {
      const result: unknown = filter(event);
      if (result === true) return event;
      if (result === false || result === null || result === undefined) return null;
      if (isEvent(result)) return result;
      if (isThenable(result)) result.then(null, () => {});
      throw new TypeError("it returned neither an event nor whether to log it");
    } catch (error) {
      this.#failed("filter", name, error);
      return event;
    }
  }
}

/** @throws {TypeError} or {RangeError} that names the option. */
function checkOptions(options: LogOptions): void {
  checkFields("log", options, OPTIONS);
  for (const name of ["sinks", "filters"] as const) {
    const table: unknown = options[name];
    if (
      table !== undefined && (typeof table !== "object" || table === null || Array.isArray(table))
    ) {
      throw new TypeError(
        `Cannot log: ${name} must be an object of functions by name, as { ${name}: { mine: (event) => ... } }`,
      );
    }
  }
  const { burst = 1 } = options;
  if (typeof burst !== "number" || !(burst >= 1)) {
    throw new RangeError(`Cannot log: burst is ${String(burst)}, 1 or more is needed`);
  }
}

function isEvent(value: unknown): value is LogEvent {
  return typeof value === "object" && value !== null && "message" in value && "level" in value &&
    typeof value.level === "string" && Object.hasOwn(LEVELS, value.level);
}

/** The platform, with another log. */
function withLog(platform: Platform, log: Platform["log"]): Platform {
  const prototype: unknown = Object.getPrototypeOf(platform);
  if (prototype === Object.prototype || prototype === null) return { ...platform, log };
  // An instance of a class: its methods need it as `this`.
  const own: Record<string, unknown> = {};
  for (let part: object = platform; part !== Object.prototype; part = Object.getPrototypeOf(part)) {
    for (const key of Object.getOwnPropertyNames(part)) {
      if (key in own || key === "constructor") continue;
      const value = (platform as unknown as Record<string, unknown>)[key];
      own[key] = typeof value === "function"
        ? (...args: unknown[]) =>
          (platform as unknown as Record<string, (...args: unknown[]) => unknown>)[key](...args)
        : value;
    }
  }
  return { ...own, log } as unknown as Platform;
}
