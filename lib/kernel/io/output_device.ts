import { type Atom, atom } from "../../etf/atom.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { type AnyTuple, isTuple, tuple } from "../../etf/tuple.ts";
import { charDataText, type Encoding } from "./char_data.ts";
import { formatTerms, formatText, LONGEST_TEXT } from "./format.ts";

const OK = atom("ok");
const EOF = atom("eof");
const LATIN1 = atom("latin1");
const UNICODE = atom("unicode");

function failed(reason: Term): Term {
  return tuple(atom("error"), reason);
}

const NO_REQUEST = failed(atom("request"));
const NOT_SUPPORTED = failed(atom("enotsup"));
const TOO_LONG = failed(atom("put_chars"));

/** What comes of a request: what its sender gets, and what is to be written before it gets that. */
export interface Outcome {
  readonly reply: Term;
  readonly text: string;
}

/** Options that a device takes, though they mean nothing where there is no input. */
const OPTIONS = new Set([
  "binary",
  "list",
  "encoding",
  "unicode",
  "latin1",
  "utf8",
  "echo",
  "expand_fun",
]);

/** An io device that writes text and has no input, as "The Erlang I/O Protocol" describes one. */
export class OutputDevice {
  /** Whether lines would be read as binaries: kept for those who set it and put it back. */
  #binary = false;

  /** Acts on a request. Never throws: every sender waits for a reply. */
  request(request: Term): Outcome {
    return isTuple(request) && request.tag === "requests" ? this.#all(request) : this.#one(request);
  }

  #one(request: Term): Outcome {
    if (request === atom("getopts")) return done(this.#options());
    if (request === atom("get_password")) return done(EOF);
    if (!isTuple(request)) return done(NO_REQUEST);
    switch (request.tag) {
      case "put_chars":
        return putChars(request);
      case "get_line":
      case "get_chars":
      case "get_until":
      case "get_password":
        return done(EOF);
      case "setopts":
        return done(this.#setOptions(request[1]));
      case "get_geometry":
        return done(NOT_SUPPORTED);
      default:
        return done(NO_REQUEST);
    }
  }

  /** `{requests, List}`: one after the other, up to the first that fails; what comes of the last one is the reply. */
  #all(requests: AnyTuple): Outcome {
    const texts: string[] = [];
    let reply: Term = OK;
    let length = 0;
    const waiting: Term[] = [requests]; // the next one last: lists may hold lists, however deep
    for (let request = waiting.pop(); request !== undefined; request = waiting.pop()) {
      if (isTuple(request) && request.tag === "requests") {
        const list = request.length === 2 ? request[1] : null;
        if (!isList(list)) {
          reply = NO_REQUEST;
          break;
        }
        for (let i = list.length - 1; i >= 0; i--) waiting.push(list[i]);
        continue;
      }
      const outcome = this.#one(request);
      reply = outcome.reply;
      length += outcome.text.length;
      // A format of some bytes makes a million characters, and there may be any number of them.
      if (length > LONGEST_TEXT) {
        reply = TOO_LONG;
        break;
      }
      texts.push(outcome.text);
      if (isTuple(reply) && reply.tag === "error") break;
    }
    return { reply, text: texts.join("") };
  }

  #options(): Term {
    return [tuple(atom("binary"), this.#binary), tuple(atom("encoding"), UNICODE)] as Term;
  }

  #setOptions(options: Term | undefined): Term {
    if (!isList(options)) return NO_REQUEST;
    const pairs = options.map((option) =>
      isTuple(option) ? [option.tag, option[1]] : [(option as Atom | null)?.name, true]
    );
    if (!pairs.every(([name]) => OPTIONS.has(name as string))) return NOT_SUPPORTED;
    for (const [name, value] of pairs) {
      if (name === "binary") this.#binary = value === true;
      if (name === "list") this.#binary = value !== true;
    }
    return OK;
  }
}

function done(reply: Term): Outcome {
  return { reply, text: "" };
}

/** `{put_chars, Encoding, Chars}`, `{put_chars, Encoding, M, F, Args}`, and the forms without an encoding of old nodes. */
function putChars(request: AnyTuple): Outcome {
  const hasEncoding = request[1] === UNICODE || request[1] === LATIN1;
  const [what, name, args] = request.slice(hasEncoding ? 2 : 1);
  const encoding: Encoding = hasEncoding && request[1] === UNICODE ? "unicode" : "latin1";
  const count = request.length - (hasEncoding ? 2 : 1);
  try {
    if (count === 1) return { reply: OK, text: charDataText(what, encoding) };
    if (count === 3) return { reply: OK, text: applied(what, name, args, encoding) };
    return done(NO_REQUEST);
  } catch {
    return done(failed(count === 3 ? name : atom("put_chars")));
  }
}

/** What the function of io_lib gives that a sender wants to be called here: no code of its own crosses the wire. */
function applied(module: Term, name: Term, args: Term, encoding: Encoding): string {
  if (module !== atom("io_lib") || !isList(args)) throw new RangeError("no such function");
  const text = ioLib((name as Atom).name, args);
  if (encoding === "latin1" && !/^[\0-\xff]*$/.test(text)) throw new RangeError("not Latin-1");
  return text;
}

function ioLib(name: string, args: readonly Term[]): string {
  const [first, second, third, fourth] = args as Encodable[];
  switch (`${name}/${args.length}`) {
    case "format/2":
    case "format/3":
    case "fwrite/2":
    case "fwrite/3":
      return formatTerms(first, second);
    case "write/1":
      return formatText("~w", [first]);
    case "write/2":
      return isList(second) ? formatText("~tw", [first]) : formatText("~W", [first, second]);
    case "print/1":
      return formatText("~p", [first]);
    case "print/4":
      return formatText("~*.*P", [third, second, first, fourth]);
    case "nl/0":
      return "\n";
    default:
      throw new RangeError("no such function");
  }
}
