import { TermMap } from "../term_map.ts";
import { isPlainObject, setOwn } from "./_plain_object.ts";
import { noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

/** Maps of any size as `Map`. */
export class MapShape extends Shape {
  readonly #key: Shape;
  readonly #value: Shape;

  constructor(key: Shape, value: Shape) {
    super();
    this.#key = key;
    this.#value = value;
  }

  override get expected(): string {
    return `%{${this.#key.expected} => ${this.#value.expected}}`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    const map = value instanceof TermMap || value instanceof Map;
    if (!map && !isPlainObject(value)) return this.miss(value, trace);
    const made = new Map<unknown, unknown>();
    let entry = 0;
    const entries: Iterable<[unknown, unknown]> = map ? value : Object.entries(value);
    for (const [key, element] of entries) {
      const readKey = this.#key.read(key, trace, depth + 1);
      const read = readKey === noMatch ? noMatch : this.#value.read(element, trace, depth + 1);
      if (read === noMatch) return trace === null ? noMatch : trace.at(entry);
      if (made.has(readKey)) { //                         1 and 1.0 are two keys in Erlang and one here
        if (trace === null) return noMatch;
        trace.miss("a key that is not there yet", key);
        return trace.at(entry);
      }
      made.set(readKey, read);
      entry++;
    }
    return made;
  }

  override write(input: unknown): unknown {
    if (!(input instanceof Map)) return input;
    const made = new Map<unknown, unknown>();
    for (const [key, value] of input) made.set(this.#key.write(key), this.#value.write(value));
    return made;
  }

  override get parts(): readonly Shape[] {
    return [this.#key, this.#value];
  }

  override get converts(): boolean {
    return true;
  }
}

/** Maps whose keys are text, as plain objects. */
export class TextMapShape extends Shape {
  readonly #key: Shape;
  readonly #value: Shape;

  constructor(text: Shape, value: Shape) {
    super();
    this.#key = text;
    this.#value = value;
  }

  override get expected(): string {
    return `%{${this.#key.expected} => ${this.#value.expected}}`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    const map = value instanceof TermMap || value instanceof Map;
    if (!map && !isPlainObject(value)) return this.miss(value, trace);
    const made: Record<string, unknown> = {};
    // Keys at even places, each followed by its value: an iterator would make a pair for each.
    const flat: readonly unknown[] = value instanceof TermMap
      ? value._flat
      : (map ? [...value] : Object.entries(value)).flat();
    for (let i = 0; i < flat.length; i += 2) {
      const readKey = this.#key.read(flat[i], trace, depth + 1);
      const read = readKey === noMatch ? noMatch : this.#value.read(flat[i + 1], trace, depth + 1);
      if (read === noMatch) return trace === null ? noMatch : trace.at(i >> 1);
      setOwn(made, readKey as string, read);
    }
    return made;
  }

  override write(input: unknown): unknown {
    if (!isPlainObject(input)) return input;
    const made = new Map<string, unknown>();
    for (const [key, value] of Object.entries(input)) {
      if (value !== undefined) made.set(key, this.#value.write(value));
    }
    return made;
  }

  override get parts(): readonly Shape[] {
    return [this.#key, this.#value];
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return true;
  }
}
