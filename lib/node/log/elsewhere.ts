import { atom } from "../../etf/atom.ts";
import { atomMap } from "../../etf/convert.ts";
import { encode } from "../../etf/encoder.ts";
import type { Encodable } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Core } from "../core.ts";
import { errorText } from "../errors.ts";
import type { LogLevel } from "./level.ts";
import type { Process } from "../process/process.ts";
import { Name } from "../target.ts";

/**
 * Sends a log event to the node of a process's group leader, where that is another one: as in OTP, what a process does for another
 * node is logged there. OTP's loggers send each other such events under the name `logger_proxy`.
 *
 * @param message a text or a report, or a format and its arguments.
 * @returns whether it was sent.
 */
export function logElsewhere(
  core: Core,
  process: Process,
  level: LogLevel,
  message: readonly Encodable[],
  meta: Readonly<Record<string, unknown>> = {},
): boolean {
  const { groupLeader: leader } = process;
  if (leader._node === core.name) return false;
  try {
    const all = atomMap({
      pid: process.pid,
      gl: leader,
      time: Math.round(core.platform.systemTime() * 1_000),
      ...termsOf(core, meta),
    });
    const event = tuple(atom("log"), atom(level), ...message, all) as Encodable;
    core.remotes.remote(leader.node).send(
      process.pid,
      new Name("logger_proxy", leader._node),
      event,
    );
    return true;
  } catch (error) {
    core.platform.log("warning", `Cannot log on ${leader.node}: ${errorText(error)}`);
    return false;
  }
}

/** What is no term goes as a text. */
function termsOf(
  core: Core,
  meta: Readonly<Record<string, unknown>>,
): Record<string, Encodable> {
  const terms: Record<string, Encodable> = {};
  for (const name of Object.keys(meta)) {
    const value = meta[name] as Encodable;
    try {
      encode(value);
      terms[name] = value;
    } catch {
      terms[name] = core.platform.inspect(value);
    }
  }
  return terms;
}
