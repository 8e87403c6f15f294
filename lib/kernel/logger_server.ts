import { Atom } from "../etf/atom.ts";
import { format } from "../etf/format.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { TermMap } from "../etf/term_map.ts";
import { isTuple } from "../etf/tuple.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import { LEVELS, type LogLevel } from "../node/log/level.ts";
import type { Node } from "../node/node.ts";
import { formattedText, messageText } from "./_log_text.ts";

/** What an event says by itself, or nobody reads. */
const LEFT_OUT = new Set(["pid", "gl", "time", "report_cb"]);

/**
 * The processes `logger_proxy`, which other nodes send the events to that belong to a group leader of this one, and `logger`, which
 * some programs send them to: `{log, Level, Format, Args, Meta}` and `{log, Level, TextOrReport, Meta}`. They go to the node's log.
 */
export class Logger extends GenServer {
  /** @ignore @internal Nobody elsewhere is to end it. */
  readonly _essential = true;

  override handleInfo(message: Term): void {
    if (!isTuple(message) || message.tag !== "log") return;
    const text = message.length === 5
      ? () => formattedText(message[2], message[3])
      : message.length === 4
      ? () => messageText(message[2])
      : null;
    if (text === null) return;
    const { logger } = this._core;
    const level = isLevel(message[1]) ? message[1].name : "info";
    if (!logger._admits(level, null)) return; // a text is not made of what nobody reads
    const meta = metaOf(message[message.length - 1]);
    const pid = meta.pid instanceof Pid ? meta.pid : null;
    const name = pid === null ? "another node" : null;
    const event = { level, node: pid?.node ?? this.node.name, pid, name, fields: {} };
    for (const key of LEFT_OUT) delete meta[key];
    const unknown = isLevel(message[1]) ? "" : `[${format(message[1] as Term, SHORT)}] `;
    logger._foreign({ ...event, message: unknown + text(), meta });
  }
}

/** Starts the processes that take other nodes' log events. */
export async function startLogger(node: Node): Promise<void> {
  const terms = { binaries: "bytes", objects: undefined, floats: "wrap" } as const;
  await node.start(Logger, [], { register: "logger_proxy", terms });
  await node.start(Logger, [], { register: "logger", terms });
}

function isLevel(term: unknown): term is Atom<LogLevel> {
  return term instanceof Atom && Object.hasOwn(LEVELS, term.name);
}

const SHORT = { maxLength: 100 };

function metaOf(term: unknown): Record<string, unknown> {
  const meta: Record<string, unknown> = Object.create(null);
  if (!(term instanceof TermMap)) return meta;
  for (const [key, value] of term) if (key instanceof Atom) meta[key.name] = value;
  return meta;
}
