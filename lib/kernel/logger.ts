import { format } from "../etf/format.ts";
import type { Encodable } from "../etf/term.ts";
import type { TermMap } from "../etf/term_map.ts";
import type { ProcessContext } from "../node/process/context.ts";
import { logElsewhere, type LogLevel } from "../node/remote_log.ts";
import { LEVELS, reportText, writeEvent } from "./_log_text.ts";

/**
 * Log events, as Erlang's module `logger`: those of processes here whose group leader is on another node go there.
 *
 * @module
 */

/**
 * Logs an event in the name of a process: here, or where the process's group leader is on another node there and not here.
 *
 * @param message a text, or a report: a map of what there is to say.
 * @param meta what else is known, by atoms, for handlers there; process, group leader and time are added.
 */
export function log(
  self: ProcessContext,
  level: LogLevel,
  message: string | TermMap | ReadonlyMap<Encodable, Encodable>,
  meta: Readonly<Record<string, Encodable>> = {},
): void {
  if (!Object.hasOwn(LEVELS, level)) {
    const known = Object.keys(LEVELS).join(", ");
    throw new RangeError(`Cannot log at level ${level}: there is none, there are ${known}`);
  }
  const process = self._process;
  process.mustLive("log");
  if (logElsewhere(self._core, process, level, [message], meta)) return;
  const text = typeof message === "string" ? message : reportText(message);
  writeEvent(self._core.platform, level, process.name ?? format(process.pid), text);
}
