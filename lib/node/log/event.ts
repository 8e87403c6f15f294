import type { Pid } from "../../etf/identifiers.ts";
import type { LogLevel, LogThreshold } from "./level.ts";

/** Something that is logged. */
export interface LogEvent {
  /** How grave it is. */
  readonly level: LogLevel;
  /** Milliseconds since 1970 UTC. */
  readonly time: number;
  /** The node it happened on: of events that others send here, theirs. */
  readonly node: string;
  /** The process it is about; `null` where it is the node itself. */
  readonly pid: Pid | null;
  /** The registered name of that process, where it has one. */
  readonly name: string | null;
  /** What is to be said, as text. */
  readonly message: string;
  /** What else there is to say, by name: any value, terms too. */
  readonly fields: Readonly<Record<string, unknown>>;
  /**
   * What Erlang's loggers know besides (`mfa`, `file`, `line`, `domain`), and what a report says, which is in `message` already. Texts leave it
   * out, JSON does not.
   */
  readonly meta: Readonly<Record<string, unknown>>;
}

/**
 * Looks at events before they are written: `false` or `null` leaves one out, an event takes its place (as to hide a secret). One that fails, or
 * returns something else (a promise), is told of elsewhere, and the event stays as it is.
 */
export type LogFilter = (event: LogEvent) => LogEvent | boolean | null;

/** Where events are written. What it throws, and a promise of its that rejects, is told elsewhere, and hurts nobody. */
export type LogSink = (event: LogEvent) => void;

/** A sink with what it leaves out. */
export interface LogSinkOptions {
  /** Where it writes. */
  readonly write: LogSink;
  /** From which level on. Default "all": what the node and its processes let through. */
  readonly level?: LogThreshold;
  /** What it leaves out or changes, of what has passed the filters of the node. Default: nothing. */
  readonly filter?: LogFilter;
}
