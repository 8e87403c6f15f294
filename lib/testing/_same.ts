import { isTuple } from "../etf/tuple.ts";
import { Digest } from "./_digest.ts";

/** Where two values are not the same. */
export interface Difference {
  /** As it would be written: `value.count`. */
  readonly path: string;
  readonly a: string;
  readonly b: string;
}

/** More objects than these are not looked at. */
const MOST = 2_000;
const SHOWN = 200;

/**
 * The first place at which two values are not the same; `null` where there is none. Looks into lists, plain objects, maps, sets, dates, errors and
 * bytes; of other objects the class is enough, and what a digest says of terms.
 */
export function differenceOf(a: unknown, b: unknown): Difference | null {
  return different(a, b, "the value", new Map());
}

/** What was looked at already, with what it was compared to: values may hold themselves. */
type Seen = Map<object, object>;

function different(a: unknown, b: unknown, path: string, seen: Seen): Difference | null {
  if (Object.is(a, b)) return null;
  if (!isObject(a) || !isObject(b)) {
    // Functions and symbols are made anew in each run.
    const isData = typeof a !== "function" && typeof a !== "symbol";
    return typeof a === typeof b && !isData ? null : { path, a: textOf(a), b: textOf(b) };
  }
  if (seen.get(a) === b || seen.size === MOST) return null;
  seen.set(a, b);
  if (kindOf(a) !== kindOf(b)) return { path, a: kindOf(a), b: kindOf(b) };
  if (a instanceof Date) return different(a.getTime(), (b as Date).getTime(), path, seen);
  if (a instanceof Error) {
    const { name, message } = b as Error;
    return different(`${a.name}: ${a.message}`, `${name}: ${message}`, path, seen);
  }
  if (a instanceof Map || a instanceof Set) {
    return inside([...a], [...b as Iterable<unknown>], path, seen);
  }
  if (Array.isArray(a) || ArrayBuffer.isView(a) && "length" in a) {
    return inside(a as ArrayLike<unknown>, b as unknown as ArrayLike<unknown>, path, seen);
  }
  if (!isPlain(a)) return ofClass(a, b, path);
  const [names, others] = [Object.keys(a), Object.keys(b)];
  const parted = different(names.join(), others.join(), `what ${path} has`, seen);
  if (parted !== null) return parted;
  for (const name of names) {
    const [one, other] = [(a as Fields)[name], (b as Fields)[name]];
    const found = different(one, other, `${name} of ${path}`, seen);
    if (found !== null) return found;
  }
  return null;
}

type Fields = Readonly<Record<string, unknown>>;

function inside(
  a: ArrayLike<unknown>,
  b: ArrayLike<unknown>,
  path: string,
  seen: Seen,
): Difference | null {
  if (a.length !== b.length) return { path, a: `${a.length} items`, b: `${b.length} items` };
  for (let i = 0; i < a.length; i++) {
    const found = different(a[i], b[i], `item ${i} of ${path}`, seen);
    if (found !== null) return found;
  }
  return null;
}

/** Pids, references and atoms are told apart by what goes into a trace of them. */
function ofClass(a: object, b: object, path: string): Difference | null {
  const [one, other] = [new Digest(), new Digest()];
  one.any(a);
  other.any(b);
  return one.value === other.value ? null : { path, a: nameOf(a), b: nameOf(b) };
}

function nameOf(value: object): string {
  const { key, name } = value as { readonly key?: unknown; readonly name?: unknown };
  return typeof key === "string" ? key : typeof name === "string" ? name : kindOf(value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function kindOf(value: object): string {
  if (Array.isArray(value)) return isTuple(value) ? "a tuple" : "a list";
  return isPlain(value) ? "an object" : String(value.constructor?.name);
}

function textOf(value: unknown): string {
  const text = typeof value === "string"
    ? JSON.stringify(value)
    : isObject(value)
    ? kindOf(value)
    : String(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}...`;
}
