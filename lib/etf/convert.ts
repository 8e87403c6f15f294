import { atom } from "./atom.ts";
import { EncodeError } from "./errors.ts";
import { elementPath, refusal } from "./_refusal.ts";
import type { Encodable, Term } from "./term.ts";
import { TermMap } from "./term_map.ts";
import { isTuple, Tuple } from "./tuple.ts";

/** What {@linkcode atomMap} and {@linkcode stringMap} take as a value: terms, plain objects, and arrays of them; `never` for the rest. */
export type Convertible<Value> = Value extends Encodable ? Value
  : Value extends (...args: never[]) => unknown ? never
  : Value extends readonly (infer Item)[] ? [Item] extends [Convertible<Item>] ? Value : never
  : Value extends object ? { readonly [Key in keyof Value]: Convertible<Value[Key]> }
  : never;

/**
 * The map of a plain object's own fields whose keys are atoms, as Elixir writes `%{name: 1}`.
 *
 * - Plain objects inside, in arrays and tuples too, become maps of the same kind; other values stay as they are.
 * - Each new name is an atom for the rest of the program, here and at the receiver: do not use it for names from outside.
 *
 * @throws {EncodeError} if the object is not a plain one, holds itself, or has a field that is `undefined`.
 */
export function atomMap<Fields extends object>(object: Fields & Convertible<Fields>): TermMap {
  return convert(object, atomKey, false) as TermMap;
}

/**
 * The map of a plain object's own fields whose keys are binaries, as Elixir writes `%{"name" => 1}`, and as JSON arrives there.
 *
 * Plain objects inside, in arrays and tuples too, become maps of the same kind; other values stay as they are.
 *
 * @throws {EncodeError} if the object is not a plain one, holds itself, or has a field that is `undefined`.
 */
export function stringMap<Fields extends object>(object: Fields & Convertible<Fields>): TermMap {
  return convert(object, textKey, false) as TermMap;
}

/**
 * @internal A value with the plain objects in it as maps, wherever they are, so that what `objects` of {@linkcode DecodeOptions} gives
 * can be sent back. What is no term stays, for the encoder to refuse.
 */
export function withMaps(value: unknown, keys: "atoms" | "binaries"): unknown {
  if (typeof value !== "object" || value === null || !isContainer(value)) return value;
  return convert(value, keys === "atoms" ? atomKey : textKey, true);
}

function atomKey(name: string): Term {
  return name === "true" ? true : name === "false" ? false : name === "nil" ? null : atom(name);
}

function textKey(name: string): Term {
  return name;
}

/** How deep the fast way goes. */
const DEPTH = 64;
/** What is thrown where that does not do; no error of its own, for that costs a stack. */
const OTHERWISE: Error = new Error("Cannot convert");

/** The same as `convertDeep`, by recursion. */
function convert(object: object, key: (name: string) => Term, lenient: boolean): unknown {
  if (!lenient && !isPlain(object)) throw new EncodeError(refusal(object), "");
  try {
    return quickly(object, key, lenient, DEPTH);
  } catch (error) {
    if (error !== OTHERWISE) throw error;
    return convertDeep(object, key, lenient);
  }
}

function quickly(
  value: unknown,
  key: (name: string) => Term,
  lenient: boolean,
  depth: number,
): unknown {
  if (typeof value !== "object" || value === null) {
    if (value === undefined && !lenient) throw OTHERWISE;
    return value;
  }
  if (depth === 0) throw OTHERWISE;
  depth--;
  if (Array.isArray(value)) {
    const { length } = value;
    const made: unknown[] = isTuple(value) ? new Tuple<unknown[]>(length) : [];
    for (let i = 0; i < length; i++) made[i] = quickly(value[i], key, lenient, depth);
    return made;
  }
  if (lenient && value instanceof TermMap) {
    const flat = value._flat.slice();
    for (let i = 1; i < flat.length; i += 2) flat[i] = quickly(flat[i], key, true, depth) as Term;
    return TermMap._of(flat);
  }
  if (lenient && value instanceof Map) {
    const made: Map<unknown, unknown> = new Map();
    for (const [at, item] of value) made.set(at, quickly(item, key, true, depth));
    return made;
  }
  if (!isPlain(value)) return value;
  const names = Object.keys(value);
  const flat: unknown[] = new Array(names.length * 2);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    flat[2 * i] = key(name);
    flat[2 * i + 1] = quickly((value as Record<string, unknown>)[name], key, lenient, depth);
  }
  return TermMap._of(flat as Term[]);
}

/** A container that is being converted. */
interface Frame {
  readonly source: object;
  /** The names of a plain object, or the keys of a map; `null` where it is an array. */
  readonly keys: readonly unknown[] | null;
  readonly items: readonly unknown[];
  readonly made: unknown[];
}

/**
 * Iterative, as all that goes through terms is.
 *
 * @param lenient any container may be the root, maps are looked into, and what is no term is left to the encoder.
 */
function convertDeep(object: object, key: (name: string) => Term, lenient: boolean): unknown {
  const frames: Frame[] = [open(object)];
  for (;;) {
    const frame = frames[frames.length - 1];
    if (frame.made.length < frame.items.length) {
      const value = frame.items[frame.made.length];
      if (value === undefined && !lenient) throw new EncodeError(refusal(value), pathOf(frames));
      if (!isPlain(value) && !Array.isArray(value) && !(lenient && isMap(value))) {
        frame.made.push(value);
        continue;
      }
      // A value that holds itself repeats on the path to it: it meets the container at the last power of two (Brent).
      const depth = frames.length;
      if (depth > 1 && frames[1 << (31 - Math.clz32(depth - 1))].source === value) {
        throw new EncodeError("the value holds itself; a term cannot", pathOf(frames));
      }
      frames.push(open(value));
      continue;
    }
    frames.pop();
    const made = close(frame, key);
    if (frames.length === 0) return made;
    frames[frames.length - 1].made.push(made);
  }
}

function open(source: object): Frame {
  if (Array.isArray(source)) return { source, keys: null, items: source, made: [] };
  if (isMap(source)) {
    const entries = [...source as Iterable<[unknown, unknown]>];
    const keys = entries.map(([key]) => key);
    return { source, keys, items: entries.map(([, value]) => value), made: [] };
  }
  return { source, keys: Object.keys(source), items: Object.values(source), made: [] };
}

function close(frame: Frame, key: (name: string) => Term): unknown {
  const { source, keys, made } = frame;
  if (keys === null) {
    if (!isTuple(source)) return made;
    const elements = new Tuple<unknown[]>(made.length);
    for (let i = 0; i < made.length; i++) elements[i] = made[i];
    return elements;
  }
  if (source instanceof Map) return new Map(made.map((value, i) => [keys[i], value]));
  const flat: Term[] = [];
  const named = isPlain(source);
  for (let i = 0; i < keys.length; i++) {
    flat.push(named ? key(keys[i] as string) : keys[i] as Term, made[i] as Term);
  }
  return TermMap._of(flat);
}

function isContainer(value: object): boolean {
  return Array.isArray(value) || isMap(value) || isPlain(value);
}

function isMap(value: unknown): value is Map<unknown, unknown> | TermMap {
  return value instanceof TermMap || value instanceof Map;
}

/** @internal Whether a value is an object that has no class. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function pathOf(frames: readonly Frame[]): string {
  return frames.map(({ source, keys, made }) => {
    if (keys === null) return elementPath(made.length);
    return isPlain(source) ? `.${keys[made.length]}` : `{value ${made.length}}`;
  }).join("");
}
