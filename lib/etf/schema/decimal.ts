import { atom as toAtom } from "../atom.ts";
import { union } from "./compound.ts";
import { struct } from "./fields.ts";
import { atom, bigint, integer, literal } from "./leaves.ts";
import type { Output, Schema } from "./schema.ts";

/** More digits than any amount has, and few enough that turning them into text takes no time worth naming. */
const MAX_DIGITS = 10_000;
const MAX_BITS = BigInt(Math.ceil(MAX_DIGITS * Math.log2(10)));

const carrier = struct("Decimal", {
  sign: union(literal(1), literal(-1)),
  coef: union(bigint, atom("NaN", "inf")),
  exp: integer,
});

const pattern = /^([+-]?)(?:(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,15}))?|(NaN)|(Infinity))$/;

/**
 * A number of Elixir's Decimal library, as text that `Decimal.new` reads again: `"1.50"`, `"-1E+30"`, `"NaN"`, `"Infinity"`.
 *
 * Nothing is lost: digits and exponent are those of the Decimal. At most 10,000 digits are taken. For arithmetic use a library of your choice and `convert`.
 */
export const decimal: Schema<string, string, true> = carrier.convert<string>({
  expected: "decimal",
  is: (value): value is string => typeof value === "string" && partsOf(value) !== undefined,
  from: textOf,
  to: (value) => partsOf(value)!,
});

function textOf({ sign, coef, exp }: Output<typeof carrier>): string {
  const minus = sign < 0 ? "-" : "";
  if (typeof coef !== "bigint") return coef.name === "NaN" ? "NaN" : `${minus}Infinity`;
  if (coef < 0n || coef >> MAX_BITS !== 0n) {
    throw new RangeError("Cannot read a decimal: too many digits");
  }
  const digits = coef.toString();
  const point = digits.length + exp; //                   where the point stands, counted from the first digit
  if (exp <= 0 && point > -6) {
    if (exp === 0) return minus + digits;
    if (point > 0) return `${minus}${digits.slice(0, point)}.${digits.slice(point)}`;
    return `${minus}0.${"0".repeat(-point)}${digits}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${minus}${digits[0]}${fraction}E${point > 0 ? "+" : ""}${point - 1}`;
}

function partsOf(text: string): Output<typeof carrier> | undefined {
  if (text.length > MAX_DIGITS + 32) return undefined;
  const parts = pattern.exec(text);
  if (parts === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0", nan, infinite] = parts;
  const signed = { sign: sign === "-" ? -1 : 1 } as const;
  if (nan !== undefined) return { ...signed, coef: toAtom("NaN"), exp: 0 };
  if (infinite !== undefined) return { ...signed, coef: toAtom("inf"), exp: 0 };
  const digits = whole + fraction;
  if (digits === "") return undefined;
  return { ...signed, coef: BigInt(digits), exp: Number(exponent) - fraction.length };
}
