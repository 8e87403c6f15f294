import type { Core } from "../core.ts";
import type { Process } from "../process/process.ts";
import { logElsewhere } from "./elsewhere.ts";
import { checkLevel, LEVELS, type LogLevel, type LogThreshold, severityOf } from "./level.ts";
import { LevelLogger } from "./level_logger.ts";

/**
 * The log of one process: events carry its pid, its name and its fields. Where its group leader is on another node, as of a process that
 * Erlang has spawned here, they are logged there, as in OTP.
 */
export class ProcessLogger extends LevelLogger {
  readonly #core: Core;
  readonly #process: Process;

  /** @ignore @internal */
  constructor(core: Core, process: Process) {
    super();
    this.#core = core;
    this.#process = process;
  }

  /** From which level on this process logs; `null` (the default) is the node's level. */
  get level(): LogThreshold | null {
    return this.#core.logger._settings(this.#process).level;
  }

  set level(level: LogThreshold | null) {
    if (level !== null) severityOf(level);
    this.#core.logger._settings(this.#process).level = level;
  }

  /** What each event of this process says besides its own fields, as the request that it works on. */
  get fields(): Readonly<Record<string, unknown>> {
    return this.#core.logger._fieldsOf(this.#process);
  }

  set fields(fields: Readonly<Record<string, unknown>>) {
    this.#core.logger._settings(this.#process).fields = fields;
  }

  /** Logs a text, and what else there is to say by name. Costs next to nothing where the level is not logged. */
  override log(
    level: LogLevel,
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): void {
    const core = this.#core;
    const process = this.#process;
    checkLevel(level);
    if (process.groupLeader._node !== core.name) {
      const meta = { ...this.fields, ...fields };
      const own = this.level;
      const admitted = own === null || LEVELS[level] <= severityOf(own); // else the level there decides
      if (!admitted || logElsewhere(core, process, level, [message], meta)) return;
    }
    core.logger._log(level, message, process, fields);
  }
}
