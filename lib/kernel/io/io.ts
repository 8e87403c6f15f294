import { selfOf } from "../../node/caller.ts";
import { atom } from "../../etf/atom.ts";
import { charlist } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { type Tuple, tuple } from "../../etf/tuple.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import { charDataText } from "./char_data.ts";
import { formatText } from "./format.ts";
import { IoError, IoRequest } from "./io_request.ts";

/**
 * What a process prints and reads by its group leader, as Erlang's module `io`.
 *
 * A process that another node has spawned here has its group leader there: what it prints appears where it was called from. `console.log`
 * stays here. All functions wait for the group leader, which may wait for a user.
 *
 * @example
 * ```ts
 * import { io, startNode, withSelf } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * node.provide("demo", {
 *   greet: withSelf(async (self) => {
 *     const name = await io.getLine(self, "Your name? ");
 *     await io.format(self, "Hello ~ts!~n", [name?.trim() ?? "nobody"]);
 *   }),
 * });
 * // From an Erlang shell: rpc:call(demo@localhost, demo, greet, []).
 * await node.stopped;
 * ```
 *
 * @module
 */

const UNICODE = atom("unicode");
const IO_LIB = atom("io_lib");
const FORMAT = atom("format");

/**
 * Prints a text.
 *
 * @throws {IoError} if the group leader refuses, or is gone.
 */
export async function putChars(self: ProcessContext, text: string): Promise<void> {
  if (typeof text !== "string") {
    throw new TypeError(
      `Cannot print: a string is needed, ${typeof text} came; io.format prints terms`,
    );
  }
  await request(self, tuple(atom("put_chars"), UNICODE, text));
}

/**
 * Prints a format with its arguments, as `io:format/2`; they are put together where they are printed.
 *
 * @param format see {@linkcode formatText}.
 * @throws {FormatError} if the arguments do not fit the format.
 * @throws {IoError} if the group leader refuses, or is gone.
 */
export async function format(
  self: ProcessContext,
  format: string,
  args: readonly Encodable[] = [],
): Promise<void> {
  if (typeof format !== "string" || !Array.isArray(args)) {
    throw new TypeError("Cannot print: a format is needed, and its arguments as an array");
  }
  formatText(format, args); // it would only answer that it could not
  const call = [charlist(format), args] as Encodable;
  await request(self, tuple(atom("put_chars"), UNICODE, IO_LIB, FORMAT, call));
}

/**
 * Reads a line.
 *
 * @returns the line with its line break; `null` at the end of the input, or where there is none.
 * @throws {IoError} if the group leader refuses, or is gone.
 */
export async function getLine(self: ProcessContext, prompt = ""): Promise<string | null> {
  return textOf(await request(self, tuple(atom("get_line"), UNICODE, prompt)));
}

/**
 * Reads so many characters.
 *
 * @returns fewer at the end of the input, `null` where there are none.
 * @throws {IoError} if the group leader refuses, or is gone.
 */
export async function getChars(
  self: ProcessContext,
  prompt: string,
  count: number,
): Promise<string | null> {
  return textOf(await request(self, tuple(atom("get_chars"), UNICODE, prompt, count)));
}

/** How wide the group leader's terminal is, in characters; `null` where it has none. */
export function columns(self: ProcessContext): Promise<number | null> {
  return geometry(self, "columns");
}

/** How many lines the group leader's terminal has; `null` where it has none. */
export function rows(self: ProcessContext): Promise<number | null> {
  return geometry(self, "rows");
}

async function geometry(self: ProcessContext, which: "columns" | "rows"): Promise<number | null> {
  try {
    const reply = await request(self, tuple(atom("get_geometry"), atom(which)));
    return typeof reply === "number" ? reply : null;
  } catch (error) {
    if (error instanceof IoError && error.reason === atom("enotsup")) return null;
    throw error;
  }
}

function request(self: ProcessContext, request: Tuple<readonly unknown[]>): Promise<Term> {
  const process = selfOf(self, "print or read", 'io.putChars(this, "text")')._process;
  return new IoRequest(self._core, process, process.groupLeader, request as Encodable).promise;
}

function textOf(reply: Term): string | null {
  return reply === atom("eof") ? null : charDataText(reply, "unicode");
}
