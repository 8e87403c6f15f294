import type { LogLevel } from "./level.ts";

/** What logs, with a method for each level. */
export abstract class LevelLogger {
  /** Logs a text at a level, and what else there is to say by name. */
  abstract log(
    level: LogLevel,
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): void;

  /** Logs at level `emergency`: nothing works any more. */
  emergency(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("emergency", message, fields);
  }

  /** Logs at level `alert`: somebody has to act at once. */
  alert(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("alert", message, fields);
  }

  /** Logs at level `critical`: a large part fails. */
  critical(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("critical", message, fields);
  }

  /** Logs at level `error`: something failed. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("error", message, fields);
  }

  /** Logs at level `warning`: something may go wrong. */
  warning(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("warning", message, fields);
  }

  /** Logs at level `notice`: something out of the ordinary. */
  notice(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("notice", message, fields);
  }

  /** Logs at level `info`: what happens. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("info", message, fields);
  }

  /** Logs at level `debug`: for whoever looks for a fault. */
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("debug", message, fields);
  }
}
