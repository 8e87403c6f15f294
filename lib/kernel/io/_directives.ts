import { Float } from "../../etf/float.ts";
import { isTuple } from "../../etf/tuple.ts";
import { nameOf } from "../../node/core.ts";
import { character, charDataText, type Encoding, graphemes, lengthOf } from "./char_data.ts";
import { isAtom } from "./_leaves.ts";
import { measured, MOST_PARTS, onOneLine } from "./_layout.ts";
import { exponentText, fixedText, generalText, integerText } from "./_numbers.ts";
import { pretty } from "./_pretty.ts";
import { format } from "../../etf/format.ts";
import type { Encodable } from "../../etf/term.ts";
import type { Atom } from "../../etf/atom.ts";

/** One control sequence of a format: `~F.P.PadModC`. */
export interface Directive {
  readonly control: string;
  readonly width: number | null;
  readonly isLeft: boolean;
  readonly precision: number | null;
  readonly pad: string;
  readonly encoding: Encoding;
  /** False where the modifier `l` is given: no list or binary is printed as text. */
  readonly strings: boolean;
}

/** A format and its arguments do not fit: Erlang's `badarg`. */
export class FormatError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "FormatError";

  /** @ignore @internal */
  constructor(what: string, options?: ErrorOptions) {
    super(`Cannot format: ${what}`, options);
  }
}

/** How many arguments a control sequence takes; `undefined` where there is none of that letter. */
export const ARGUMENTS: Readonly<Record<string, number | undefined>> = {
  ...{ w: 1, p: 1, W: 2, P: 2, s: 1, c: 1, e: 1, f: 1, g: 1, b: 1, B: 1, x: 2, X: 2 },
  ...{ "+": 1, "#": 1, i: 1, n: 0, "~": 0 },
};

/** The text of one control sequence, which begins in that column, counted from 0. */
export function directiveText(
  directive: Directive,
  args: readonly unknown[],
  column: number,
): string {
  const { control, width, precision } = directive;
  const [value, second] = args;
  switch (control) {
    case "w":
      return field(termText(directive, value, -1), directive);
    case "W":
      return field(termText(directive, value, depthOf(second)), directive);
    case "p":
      return prettyText(directive, value, -1, column);
    case "P":
      return prettyText(directive, value, depthOf(second), column);
    case "s":
      return textField(textOf(directive, value), directive);
    case "c":
      return characterText(directive, value);
    case "~":
      return repeated("~", directive);
    case "n":
      if (directive.isLeft) throw new FormatError("~n has no negative width");
      return "\n".repeat(width ?? 1);
    case "e":
      return floatField(exponentText(floatOf(directive, value), digits(directive, 2)), directive);
    case "f":
      return floatField(fixedText(floatOf(directive, value), digits(directive, 1)), directive);
    case "g":
      return floatField(generalText(floatOf(directive, value), digits(directive, 1)), directive);
    case "b":
    case "B":
      return integerField(directive, value, "", control === "b");
    case "x":
    case "X":
      return integerField(directive, value, prefixText(second), control === "x");
    case "+":
    case "#":
      return integerField(directive, value, `${precision ?? 10}#`, control === "+");
    default: // ~i
      return "";
  }
}

// Terms

function termText({ encoding }: Directive, value: unknown, depth: number): string {
  if (depth === 0) return "...";
  return guarded(
    value,
    (room) => onOneLine(measured(value, depth, { encoding, strings: false, plain: true, room })),
  );
}

function prettyText(directive: Directive, value: unknown, depth: number, column: number): string {
  const { width, isLeft, precision, encoding, strings, control } = directive;
  if (isLeft) throw new FormatError(`~${control} has no negative width`);
  if (depth === 0) return "...";
  return guarded(value, (room) => {
    return pretty(
      measured(value, depth, { encoding, strings, plain: false, room }),
      precision ?? column + 1,
      width ?? 80,
    );
  });
}

/** A term so deep that the stack does not suffice is printed on one line. */
function guarded(value: unknown, print: (room: { left: number }) => string): string {
  try {
    return print({ left: MOST_PARTS });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return format(value as Encodable, { maxLength: 16 * MOST_PARTS });
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== "number") throw new FormatError("a depth is an integer");
  return value;
}

// Numbers

function floatOf({ control }: Directive, value: unknown): number {
  if (value instanceof Float) return value.value;
  if (typeof value === "number" && !Number.isInteger(value)) return value;
  throw new FormatError(`~${control} takes a float, float(1) is one`);
}

function digits({ precision, control }: Directive, least: number): number {
  const count = precision ?? 6;
  if (count < least) throw new FormatError(`~${control} needs a precision of ${least} or more`);
  return count;
}

/** In a field that is too small a number is shown as asterisks. */
function floatField(text: string, directive: Directive): string {
  return field(text, { ...directive, precision: directive.width });
}

function integerField(
  directive: Directive,
  value: unknown,
  prefix: string,
  isLower: boolean,
): string {
  const { control, precision } = directive;
  const base = precision ?? 10;
  if (!(typeof value === "bigint" || Number.isSafeInteger(value))) {
    throw new FormatError(`~${control} takes an integer`);
  }
  if (base < 2 || base > 36) throw new FormatError("the base of an integer is 2 to 36");
  const text = integerText(value as number | bigint, base, prefix, isLower);
  return field(text, { ...directive, precision: null });
}

function prefixText(prefix: unknown): string {
  return isAtom(prefix) ? nameOf(prefix as Atom) : charDataText(prefix, "unicode");
}

// Text

function textOf({ control, encoding }: Directive, value: unknown): string {
  if (isAtom(value)) {
    const text = nameOf(value as Atom);
    return encoding === "unicode" ? text : charDataText(Array.from(text, pointOf), "latin1");
  }
  if (typeof value === "string" && encoding === "latin1") {
    return charDataText(new TextEncoder().encode(value), "latin1");
  }
  if (isTuple(value)) throw new FormatError(`~${control} takes text or an atom`);
  return charDataText(value, encoding, true);
}

function pointOf(text: string): number {
  return text.codePointAt(0)!;
}

function characterText(directive: Directive, value: unknown): string {
  const { encoding } = directive;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new FormatError("~c takes a character");
  }
  const text = encoding === "unicode"
    ? character(value, encoding)
    : character(((value % 256) + 256) % 256, encoding);
  return repeated(text, directive);
}

/** As often as the precision says, or the width where there is none. */
function repeated(text: string, { width, precision, pad, isLeft }: Directive): string {
  if (precision === null) return text.repeat(width ?? 1);
  if (width === null) return text.repeat(precision);
  if (width < precision) throw new FormatError("a field is at least as wide as its precision");
  return adjusted(text.repeat(precision), pad.repeat(width - precision), isLeft);
}

function textField(text: string, directive: Directive): string {
  const { width, precision, pad, isLeft, encoding } = directive;
  if (width === null && precision === null) return text;
  const length = lengthOf(text, Math.max(width ?? 0, precision ?? 0));
  const fill = (to: number, left: boolean): string => {
    if (length > to) return cut(text, to, encoding);
    return adjusted(text, pad.repeat(to - length), left);
  };
  if (precision === null) return fill(width!, isLeft);
  if (width === null) return fill(precision, true);
  if (width < precision) throw new FormatError("a field is at least as wide as its precision");
  if (width === precision) return fill(width, isLeft);
  return adjusted(fill(precision, true), pad.repeat(width - precision), isLeft);
}

function cut(text: string, length: number, encoding: Encoding): string {
  return encoding === "latin1" ? text.slice(0, length) : graphemes(text, length).join("");
}

/** A text in a field: padded where it is shorter, asterisks where it is longer. */
function field(text: string, { width, precision, pad, isLeft }: Directive): string {
  const wide = width ?? precision;
  if (wide === null) return text;
  const length = lengthOf(text, wide);
  const most = Math.min(length, Math.min(precision ?? wide, wide));
  return length > most
    ? adjusted("*".repeat(most), pad.repeat(wide - most), isLeft)
    : adjusted(text, pad.repeat(Math.max(0, wide - length)), isLeft);
}

function adjusted(text: string, padding: string, isLeft: boolean): string {
  return isLeft ? text + padding : padding + text;
}
