import { Atom } from "./atom.ts";
import { format } from "./format.ts";

/** Why a value is no term, and what to write instead. */
export function refusal(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return `undefined is no term; null is Erlang's nil, atom("undefined") Erlang's undefined`;
    case "number":
      return `${value} is no term, Erlang has only finite floats; use an atom, or leave it out`;
    case "function":
      return "a function cannot be sent; name one that the receiver has with new ExternalFun(module, name, arity)";
    case "symbol":
      return "a symbol is no term; use atom(name)";
    case "string":
      return "the string holds half a surrogate pair, which has no UTF-8; use text.toWellFormed()";
  }
  if (value instanceof Date) {
    return "a Date has no single form as a term; use date.getTime() or date.toISOString()";
  }
  if (value instanceof Set) return "a Set is no term; use [...set]";
  if (value instanceof Promise) return "a promise is no term; await it";
  if (value instanceof Error) return "an Error is no term; use its message";
  if (value instanceof ArrayBuffer) return "an ArrayBuffer is no term; use new Uint8Array(buffer)";
  if (ArrayBuffer.isView(value)) {
    return `${
      nameOf(value)
    } has no single form as a term; use Array.from(it) for a list of numbers, ` +
      "new Uint8Array(it.buffer, it.byteOffset, it.byteLength) for its bytes";
  }
  if (value === null) return "null is the atom nil; an object is needed here";
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return "a plain object does not say what its keys are; use atomMap(object) for atoms, stringMap(object) for text";
  }
  return `${
    nameOf(value)
  } is no term; use atomMap({ ...object }) or stringMap({ ...object }) for its fields`;
}

/** The path of an element of a list or tuple. */
export function elementPath(index: number): string {
  return `[${index}]`;
}

/** The path of what stands at that place of a map's flat entries. */
export function entryPath(flat: readonly unknown[], index: number): string {
  const isKey = index % 2 === 0;
  const key = flat[isKey ? index : index - 1];
  const name = key instanceof Atom ? key.name : typeof key === "string" ? key : undefined;
  if (isKey) return `{key ${index / 2}}`;
  return name !== undefined && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name)
    ? `.${name}`
    : `[${format(key as never, { maxLength: 40 })}]`;
}

function nameOf(value: unknown): string {
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? `an object of class ${name}` : "an object";
}
