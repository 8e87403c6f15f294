import { Atom } from "../../etf/atom.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable } from "../../etf/term.ts";
import { ARGUMENTS, type Directive, directiveText, FormatError } from "./_directives.ts";
import { CharDataError, charDataText, latin1Text } from "./char_data.ts";

export { FormatError } from "./_directives.ts";

/** How wide all fields of a format may be together, so that one of a few bytes cannot ask for gigabytes. */
const WIDEST = 1_000_000;
/** How long what is made for one request may become, as long as the longest message: atoms take far less there than when printed. */
export const LONGEST_TEXT = 2 ** 27;

/**
 * The text of a format with its arguments, as Erlang's `io_lib:format/2` makes it: `formatText("~p is ~.2f~n", [atom("pi"), 3.14159])`.
 *
 * All control sequences are there: `~w ~p ~W ~P ~s ~c ~e ~f ~g ~b ~B ~x ~X ~+ ~# ~i ~n ~~`, with width, precision, padding and
 * the modifiers `t` and `l`. `~p` breaks lines as Erlang does. Pids, ports and references name their node. Beyond a million parts of a
 * term dots stand for the rest.
 *
 * @throws {FormatError} if the arguments do not fit the format.
 */
export function formatText(format: string, args: readonly Encodable[]): string {
  if (typeof format !== "string" || !Array.isArray(args)) {
    throw new TypeError("Cannot format: a text and an array of what belongs into it are needed");
  }
  try {
    return formatted(new Control(Array.from(format), args));
  } catch (error) {
    if (!(error instanceof CharDataError)) throw error;
    throw new FormatError(error.message, { cause: error });
  }
}

function formatted(control: Control): string {
  let text = "";
  let column = 0;
  for (;;) {
    const piece = control.next(column);
    if (piece === null) break;
    if (text.length + piece.length > LONGEST_TEXT) {
      throw new FormatError(`the text has more than ${LONGEST_TEXT} characters`);
    }
    text += piece;
    column = columnBehind(piece, column);
  }
  return text;
}

/** The same for terms as they come from another node; a format may be an atom, a binary or a list. */
export function formatTerms(format: unknown, args: unknown): string {
  if (!isList(args)) throw new FormatError("the arguments are no list");
  const text = format instanceof Atom
    ? format.name
    : format instanceof Uint8Array
    ? latin1Text(format)
    : charDataText(format, "unicode");
  return formatText(text, args);
}

function columnBehind(text: string, column: number): number {
  for (const character of text) {
    column = character === "\n"
      ? 0
      : character === "\t"
      ? (Math.floor(column / 8) + 1) * 8
      : column + 1;
  }
  return column;
}

/** Reads a format, and takes arguments for it. */
class Control {
  readonly #format: readonly string[];
  readonly #args: readonly unknown[];
  #at = 0;
  #taken = 0;
  #wide = 0;

  constructor(format: readonly string[], args: readonly unknown[]) {
    this.#format = format;
    this.#args = args;
  }

  /** What comes next, printed from that column on; `null` at the end. */
  next(column: number): string | null {
    if (this.#at === this.#format.length) {
      if (this.#taken !== this.#args.length) throw new FormatError("there are too many arguments");
      return null;
    }
    const tilde = this.#format.indexOf("~", this.#at);
    if (tilde !== this.#at) {
      const end = tilde < 0 ? this.#format.length : tilde;
      const text = this.#format.slice(this.#at, end).join("");
      this.#at = end;
      return text;
    }
    this.#at++;
    const directive = this.#directive();
    const count = ARGUMENTS[directive.control]!;
    const args = Array.from({ length: count }, () => this.#argument());
    return directiveText(directive, args, column);
  }

  #directive(): Directive {
    const isMinus = this.#skip("-");
    const width = this.#number();
    if (isMinus && width === null) throw new FormatError("a number is missing behind ~-");
    const signed = width === null ? null : isMinus ? -width : width;
    const precision = this.#skip(".") ? this.#number() : null;
    const pad = this.#skip(".") ? this.#pad() : " ";
    let encoding: Directive["encoding"] = "latin1";
    let strings = true;
    for (;;) {
      if (this.#skip("t")) encoding = "unicode";
      else if (this.#skip("l")) strings = false;
      else break;
    }
    const control = this.#format[this.#at++];
    if (control === undefined || !Object.hasOwn(ARGUMENTS, control)) {
      throw new FormatError(`there is no control sequence ~${control ?? ""}`);
    }
    if (precision !== null && precision < 0) throw new FormatError("a precision is not negative");
    return {
      control,
      width: signed === null ? null : Math.abs(signed),
      isLeft: signed !== null && signed < 0,
      precision,
      pad,
      encoding,
      strings,
    };
  }

  #skip(character: string): boolean {
    if (this.#format[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Digits, or `*` for an argument. */
  #number(): number | null {
    if (this.#skip("*")) {
      const value = this.#argument();
      if (!Number.isSafeInteger(value)) throw new FormatError("* takes an integer");
      return this.#limited(value as number);
    }
    let text = "";
    while (/^[0-9]$/.test(this.#format[this.#at] ?? "")) text += this.#format[this.#at++];
    return text === "" ? null : this.#limited(Number(text));
  }

  #limited(value: number): number {
    this.#wide += Math.abs(value);
    if (this.#wide > WIDEST) {
      throw new FormatError(`its fields have more than ${WIDEST} characters together`);
    }
    return value;
  }

  #pad(): string {
    if (this.#skip("*")) {
      const pad = charDataText([this.#argument()], "unicode");
      // A text would be repeated a million times.
      if (Array.from(pad.slice(0, 3)).length !== 1) {
        throw new FormatError("a padding is one character");
      }
      return pad;
    }
    const pad = this.#format[this.#at++];
    if (pad === undefined) throw new FormatError("the padding is missing");
    return pad;
  }

  #argument(): unknown {
    if (this.#taken === this.#args.length) throw new FormatError("there are too few arguments");
    return this.#args[this.#taken++];
  }
}
