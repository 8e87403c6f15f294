import { isTuple } from "../etf/tuple.ts";

/** How deep and how far a value is looked at. */
const DEPTH = 6;
const WIDTH = 64;
const LETTERS = 256;

/**
 * A number that follows from what happens, step by step. It is the same on every runtime: no text of an engine and no stack goes
 * into it.
 */
export class Digest {
  #a = 0x811c9dc5 | 0;
  #b = 0x2545f491 | 0;

  /** What it is so far, 32 bits. */
  get value(): number {
    return this.#a ^ this.#b;
  }

  toString(): string {
    return hex(this.#a) + hex(this.#b);
  }

  number(value: number): void {
    this.#bits(value | 0);
    if (value !== (value | 0)) this.text(String(value));
  }

  text(value: string): void {
    const length = Math.min(value.length, LETTERS);
    this.#bits(value.length);
    for (let i = 0; i < length; i++) this.#bits(value.charCodeAt(i));
  }

  /** Any value, as far as it is the same everywhere. */
  any(value: unknown, depth: number = DEPTH): void {
    switch (typeof value) {
      case "number":
        return this.number(value);
      case "string":
        return this.text(value);
      case "boolean":
        return this.#bits(value ? 3 : 5);
      case "bigint":
        return this.text(String(value));
      case "object":
        return value === null ? this.#bits(7) : this.#object(value, depth);
      default:
        return this.text(typeof value);
    }
  }

  #object(value: object, depth: number): void {
    if (depth === 0) return this.#bits(11);
    if (Array.isArray(value)) return this.#list(value, depth);
    if (value instanceof Uint8Array) return this.#bytes(value);
    if (value instanceof Error) return this.text(value.name);
    if (value instanceof Promise || value instanceof AbortSignal) return this.#bits(13);
    const own = Object.getPrototypeOf(value) === Object.prototype;
    const { key, name } = value as { readonly key?: unknown; readonly name?: unknown };
    if (!own && typeof key === "string") return this.text(key); // of a pid, a reference
    if (!own && typeof name === "string") return this.text(name); // of an atom
    if (value instanceof Map || value instanceof Set) return this.#list([...value], depth);
    // Of what is no term the class is enough: it may lead anywhere.
    if (!own) return this.text(String(value.constructor?.name));
    let left = WIDTH;
    for (const field of Object.keys(value)) {
      if (left-- === 0) break;
      this.text(field);
      this.any((value as Readonly<Record<string, unknown>>)[field], depth - 1);
    }
  }

  #list(list: readonly unknown[], depth: number): void {
    this.#bits(list.length);
    const length = Math.min(list.length, WIDTH);
    const skipped = isThrown(list) ? 1 : -1; // a stack
    for (let i = 0; i < length; i++) if (i !== skipped) this.any(list[i], depth - 1);
  }

  #bytes(bytes: Uint8Array): void {
    this.#bits(bytes.length);
    const length = Math.min(bytes.length, LETTERS);
    for (let i = 0; i < length; i++) this.#bits(bytes[i]);
  }

  #bits(bits: number): void {
    this.#a = Math.imul(this.#a ^ bits, 0x01000193);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul(this.#b ^ bits, 0x85ebca6b);
    this.#b ^= this.#b >>> 13;
  }
}

/** Whether it is `{{js_error, Name, Message}, Stack}`, the reason of a process whose code has thrown. */
export function isThrown(value: unknown): boolean {
  if (!isTuple(value) || value.length !== 2) return false;
  const error: unknown = value[0];
  return isTuple(error) && error.length === 3 && error.tag === "js_error";
}

function hex(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, "0");
}
