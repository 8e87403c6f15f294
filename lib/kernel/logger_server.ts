import { Atom } from "../etf/atom.ts";
import { format } from "../etf/format.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { TermMap } from "../etf/term_map.ts";
import { sizeOf } from "../etf/term_size.ts";
import { type AnyTuple, isTuple } from "../etf/tuple.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import { LEVELS, type LogLevel } from "../node/log/level.ts";
import type { Node } from "../node/node.ts";
import type { Process } from "../node/process/process.ts";
import { charDataText } from "./io/char_data.ts";
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

  /** @ignore @internal */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.asksOrigin = true;
  }

  override handleInfo(message: Term): void {
    if (!isTuple(message) || message.tag !== "log") return;
    if (message.length !== 4 && message.length !== 5) return;
    const { logger } = this._core;
    const level = isLevel(message[1]) ? message[1].name : "info";
    if (!logger._admits(level, null)) return; // a text is not made of what nobody reads
    const meta = metaOf(message[message.length - 1]);
    const { origin } = this._process;
    // A node speaks for its own processes only: else its lines would pass for ours.
    const own = meta.pid instanceof Pid && (origin === null || meta.pid.node === origin);
    const pid = own ? meta.pid as Pid : null;
    const name = pid === null ? origin ?? "another node" : null;
    const event = { level, node: pid?.node ?? origin ?? this.node.name, pid, name, fields: {} };
    for (const key of LEFT_OUT) delete meta[key];
    const unknown = isLevel(message[1]) ? "" : `[${format(message[1] as Term, SHORT)}] `;
    logger._foreign({ ...event, message: unknown + textOf(message), meta });
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
/** About how many bytes what is to be formatted takes at most: some thousand parts, which print within milliseconds. */
const MOST_FORMATTED = 2 ** 17;
/** The same for texts, whose characters are parts. */
const MOST_TEXT = 2 ** 21;
/** Characters of what is larger. */
const CUT = { maxLength: 10_000 };

/** Any peer may log: what is large is not made pretty, and cut. */
function textOf(message: AnyTuple): string {
  const [, , first, second] = message as unknown as Term[];
  if (message.length === 5) {
    return sizeOf([first, second], MOST_FORMATTED) > MOST_FORMATTED
      ? `${format(first, SHORT)} ${format(second, CUT)}`
      : formattedText(first, second);
  }
  if (sizeOf(first, MOST_FORMATTED) <= MOST_FORMATTED) return messageText(first);
  if (sizeOf(first, MOST_TEXT) > MOST_TEXT) return format(first, CUT);
  try {
    return charDataText(first, "unicode");
  } catch {
    return format(first, CUT);
  }
}

function metaOf(term: unknown): Record<string, unknown> {
  const meta: Record<string, unknown> = Object.create(null);
  if (!(term instanceof TermMap)) return meta;
  const isLarge = sizeOf(term, MOST_FORMATTED) > MOST_FORMATTED; // sinks write it, too
  for (const [key, value] of term) {
    if (key instanceof Atom && (!isLarge || key.name === "pid")) meta[key.name] = value;
  }
  return meta;
}
