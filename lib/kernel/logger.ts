import { Atom } from "../etf/atom.ts";
import { TermMap } from "../etf/term_map.ts";
import type { Encodable } from "../etf/term.ts";
import { logElsewhere } from "../node/log/elsewhere.ts";
import { checkLevel, type LogLevel } from "../node/log/level.ts";
import { ProcessContext } from "../node/process/context.ts";
import { reportText } from "./_log_text.ts";

/**
 * Log events, as Erlang's module `logger`: those of processes here whose group leader is on another node go there.
 *
 * @module
 */

/**
 * Logs an event in the name of a process: here, or where the process's group leader is on another node there and not here.
 *
 * @param message a text, or a report: a map of what there is to say, which is also what the event's fields say.
 * @param meta what else is known, by atoms, for handlers there; process, group leader and time are added.
 */
export function log(
  self: ProcessContext,
  level: LogLevel,
  message: string | TermMap | ReadonlyMap<Encodable, Encodable>,
  meta: Readonly<Record<string, Encodable>> = {},
): void {
  if (!(self instanceof ProcessContext)) {
    throw new TypeError(
      "Cannot log: a process is needed, `this` of a server or `self` of a function; node.logger logs for the node",
    );
  }
  checkLevel(level);
  if (typeof message !== "string" && !(message instanceof TermMap || message instanceof Map)) {
    const given = (message as unknown) instanceof Uint8Array ? "binary" : typeof message;
    const hint = given === "binary" ? ", as the binary's text is" : "";
    throw new TypeError(
      `Cannot log what is of type ${given}: a text${hint} or a report (a map) is needed`,
    );
  }
  const { _core: core, _process: process } = self;
  process.mustLive("log");
  if (logElsewhere(core, process, level, [message], meta)) return; // where that node's level decides
  if (!core.logger._admits(level, process)) return;
  if (typeof message === "string") return core.logger._log(level, message, process, {}, meta);
  const report = Object.fromEntries(
    [...message].flatMap(([key, value]) => key instanceof Atom ? [[key.name, value]] : []),
  );
  core.logger._log(level, reportText(message), process, {}, { ...report, ...meta });
}
