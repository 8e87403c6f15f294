import { isList } from "../etf/list.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { TermMap } from "../etf/term_map.ts";
import { isTuple } from "../etf/tuple.ts";
import { charDataText } from "./io/char_data.ts";
import { formatTerms, formatText } from "./io/format.ts";

/** The text of a format and its arguments, as they came. */
export function formattedText(form: Term, args: Term): string {
  try {
    return formatTerms(form, args);
  } catch {
    return formatText("FORMAT ERROR: ~0tp - ~0tp", [form, args]); // as OTP's own formatter says
  }
}

/** The text of a text or report, as it came. */
export function messageText(message: Term): string {
  if (message instanceof TermMap) return reportText(message);
  if (isList(message) && isTuple(message[0])) return reportText(message);
  try {
    return charDataText(message, "unicode");
  } catch {
    return formatText("~0tp", [message]);
  }
}

/**
 * A report as text. The function that would make it readable is code of the other node and cannot run here, so it is printed as OTP
 * prints one that has none: a line for each key. Reports that are a format in disguise, as `error_logger`'s, are formatted.
 */
export function reportText(report: Encodable): string {
  if (report instanceof TermMap && report.size === 3 && report.field("label") !== undefined) {
    const [form, args] = [report.field("format"), report.field("args")];
    if (form !== undefined && args !== undefined) return formattedText(form, args);
  }
  if (report instanceof TermMap) {
    const inner = report.size === 2 && report.field("label") !== undefined &&
      report.field("report");
    if (inner instanceof TermMap || (isList(inner) && isTuple(inner[0]))) return reportText(inner);
  }
  const entries = report instanceof TermMap || report instanceof Map
    ? [...report]
    : report as Term[];
  return entries.map(lineOf).join("\n");
}

function lineOf(entry: unknown): string {
  if (!Array.isArray(entry) || entry.length !== 2) return formatText("    ~tp", [entry as Term]);
  const [key, value] = entry as [Encodable, Encodable];
  return isText(value)
    ? formatText("    ~tp: ~ts", [key, value])
    : formatText("    ~tp: ~tp", [key, value]);
}

/** Whether a value is shown as text: not empty, and all of it printable. */
function isText(value: Encodable): boolean {
  if (!isList(value) || value.length === 0) return false;
  try {
    // deno-lint-ignore no-control-regex
    return !/[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x9f]/.test(charDataText(value, "unicode"));
  } catch {
    return false;
  }
}
