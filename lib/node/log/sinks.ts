import { format } from "../../etf/format.ts";
import type { Term } from "../../etf/term.ts";
import type { Platform } from "../../platform/contract.ts";
import type { LogEvent, LogSink } from "./event.ts";
import type { LogLevel } from "./level.ts";

/** Longer texts are cut: they may come from anywhere. */
const LONGEST = 100_000;

/** What the platform makes of OTP's levels. */
const PLATFORM_LEVELS: Readonly<Record<LogLevel, Parameters<Platform["log"]>[0]>> = {
  emergency: "error",
  alert: "error",
  critical: "error",
  error: "error",
  warning: "warning",
  notice: "info",
  info: "info",
  debug: "debug",
};

/** What is written where no sink is given: a line to the platform's log, standard error. */
export function platformLog(platform: Pick<Platform, "log">): LogSink {
  return (event) => {
    const { level } = event;
    const kind = PLATFORM_LEVELS[level];
    // The platform has four levels, the text names the one that was meant where it is another.
    platform.log(kind, `${kind === level ? "" : `[${level}] `}${textOf(event)}`);
  };
}

/**
 * Writes events as lines of text: time, level, process, message, and the fields as `name=value`.
 *
 * @param write takes a line, without its end. Default: `console.error`.
 */
export function textLog(write: (line: string) => void = console.error): LogSink {
  return (event) => {
    const time = new Date(event.time).toISOString();
    write(`${time} ${event.level} ${oneLine(textOf(event))}`);
  };
}

/**
 * Writes events as JSON, one object in a line: `time` (ISO 8601), `level`, `node`, `pid`, `name`, `message`, and the fields beside them; a
 * field of one of those names is `field_NAME`. Terms are written as Erlang prints them, errors with their stack.
 *
 * @param write takes a line, without its end. Default: `console.log`.
 */
export function jsonLog(write: (line: string) => void = console.log): LogSink {
  return ({ level, time, node, pid, name, message, fields, meta }) => {
    const line: Record<string, unknown> = {
      time: new Date(time).toISOString(),
      level,
      node,
      ...pid === null ? {} : { pid: format(pid) },
      ...name === null ? {} : { name },
      message: cut(message),
    };
    const all = { ...meta, ...fields };
    for (const field of Object.keys(all)) {
      const key = RESERVED.has(field) ? `field_${field}` : field;
      Object.defineProperty(line, key, { value: all[field], enumerable: true, writable: true });
    }
    write(jsonOf(line));
  };
}

/** What JSON cannot say, as a value that contains itself, does not take the rest with it. */
function jsonOf(line: Record<string, unknown>): string {
  try {
    return JSON.stringify(line, plain);
  } catch {
    for (const key of Object.keys(line)) {
      if (!RESERVED.has(key)) line[key] = plainly(line[key]);
    }
    return JSON.stringify(line);
  }
}

function plainly(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value, plain) ?? "null");
  } catch (error) {
    return `cannot be written: ${(error as Error)?.message?.split("\n")[0] ?? error}`;
  }
}

const RESERVED = new Set(["time", "level", "node", "pid", "name", "message"]);

/** Makes JSON of what has none. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return String(value);
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) {
    return { error: value.name, message: value.message, stack: value.stack };
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) {
    return value;
  }
  return format(value as Term, { maxLength: LONGEST });
}

function textOf({ pid, name, message, fields }: LogEvent): string {
  const who = name ?? (pid === null ? null : format(pid));
  // Some messages name it already.
  let text = who === null || message.includes(who) ? message : `${who}: ${message}`;
  for (const field of Object.keys(fields)) text += ` ${field}=${valueText(fields[field])}`;
  return cut(text);
}

function valueText(value: unknown): string {
  if (typeof value === "string") return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  try {
    return JSON.stringify(value, plain) ?? "null";
  } catch (error) {
    return `(cannot be written: ${(error as Error)?.message?.split("\n")[0] ?? error})`;
  }
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

/** Messages quote what peers sent: a line break or an escape sequence in it must not pass for our own. */
export function oneLine(text: string): string {
  return text.replace(CONTROL, escape);
}

// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

function escape(character: string): string {
  if (character === "\n") return "\\n";
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
