import { Atom } from "../etf/atom.ts";
import { format } from "../etf/format.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { TermMap } from "../etf/term_map.ts";
import { isTuple } from "../etf/tuple.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import type { Node } from "../node/node.ts";
import { formattedText, messageText, writeEvent } from "./_log_text.ts";

/**
 * The processes `logger_proxy`, which other nodes send the events to that belong to a group leader of this one, and `logger`, which
 * some programs send them to: `{log, Level, Format, Args, Meta}` and `{log, Level, TextOrReport, Meta}`. They go to the platform's log.
 */
export class Logger extends GenServer {
  /** @ignore @internal Nobody elsewhere is to end it. */
  readonly _essential = true;

  override handleInfo(message: Term): void {
    if (!isTuple(message) || message.tag !== "log") return;
    const level = message[1] instanceof Atom ? message[1].name : "";
    const meta = message[message.length - 1];
    const who = meta instanceof TermMap ? meta.field("pid") : undefined;
    const name = who instanceof Pid ? format(who) : "another node";
    if (message.length === 5) {
      writeEvent(this._core.platform, level, name, formattedText(message[2], message[3]));
    } else if (message.length === 4) {
      writeEvent(this._core.platform, level, name, messageText(message[2]));
    }
  }
}

/** Starts the processes that take other nodes' log events. */
export async function startLogger(node: Node): Promise<void> {
  const terms = { binaries: "bytes", objects: undefined, floats: "wrap" } as const;
  await node.start(Logger, [], { register: "logger_proxy", terms });
  await node.start(Logger, [], { register: "logger", terms });
}
