// The numbers of io_lib:format: integers to a base, floats in three forms.

/** An integer to a base of 2 to 36, with what stands between its sign and its digits. */
export function integerText(
  value: number | bigint,
  base: number,
  prefix: string,
  isLower: boolean,
): string {
  const digits = (value < 0 ? -value : value).toString(base);
  return `${value < 0 ? "-" : ""}${prefix}${isLower ? digits : digits.toUpperCase()}`;
}

/** A float's digits, 21 of them as Erlang takes them, and the place of its point behind the first of them. */
function digitsOf(value: number): { digits: string; place: number } {
  const [mantissa, exponent] = Math.abs(value).toExponential(20).split("e");
  return { digits: mantissa.replace(".", ""), place: Number(exponent) + 1 };
}

function signOf(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}

/** The first `count` digits, rounded half up; `carry` where that makes one more in front. */
function rounded(digits: string, count: number): { text: string; carry: boolean } {
  if (count >= digits.length) {
    return { text: digits + "0".repeat(count - digits.length), carry: false };
  }
  const kept = digits.slice(0, count);
  if (digits[count] < "5") return { text: kept, carry: false };
  const up = (BigInt(`1${kept}`) + 1n).toString(); // the 1 in front keeps leading zeros
  return { text: up.slice(1), carry: up[0] === "2" };
}

function withPoint(text: string, place: number): string {
  return `${text.slice(0, place)}.${text.slice(place)}`;
}

/** `1.25000e+10`, of so many digits, at least 2. */
export function exponentText(value: number, digits: number): string {
  const { digits: all, place } = digitsOf(value);
  const { text, carry } = rounded(all, digits);
  const exponent = carry ? place : place - 1;
  const mantissa = withPoint(carry ? `1${text.slice(1)}` : text, 1);
  return `${signOf(value)}${mantissa}e${exponent >= 0 ? "+" : ""}${exponent}`;
}

/** `12.500000`, with so many decimals, at least 1. */
export function fixedText(value: number, decimals: number): string {
  const { digits, place } = digitsOf(value);
  const all = place <= 0 ? "0".repeat(1 - place) + digits : digits;
  const whole = Math.max(place, 1);
  const { text, carry } = rounded(all, whole + decimals);
  return `${signOf(value)}${carry ? "1" : ""}${withPoint(text, whole)}`;
}

/** The first form that suits the size, of so many significant digits. */
export function generalText(value: number, digits: number): string {
  const size = Math.abs(value);
  const exponent = [1e-1, 1, 1e1, 1e2, 1e3, 1e4].findIndex((limit) => size < limit) - 2;
  if ((digits <= 1 && exponent === -1) || (exponent >= -1 && digits - 1 > exponent)) {
    return fixedText(value, digits - 1 - exponent);
  }
  return exponentText(value, Math.max(2, digits));
}
