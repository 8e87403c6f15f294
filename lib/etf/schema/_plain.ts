import { Atom } from "../atom.ts";
import { Binary } from "../binary.ts";
import { Float } from "../float.ts";
import { ImproperList } from "../list.ts";
import { TermMap } from "../term_map.ts";
import { readUtf8 } from "../_utf8.ts";
import { isPlainObject, setOwn } from "./_plain_object.ts";
import { type NoMatch, noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

const MAX_DEPTH = 1_000;
const structKey = "__struct__";

/** Terms as the JavaScript that a program without Erlang would have used. See `t.plain`. */
export class PlainShape extends Shape {
  readonly expected = "plain data";

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (depth > MAX_DEPTH) {
      return trace === null ? noMatch : trace.miss("a term that is less deeply nested", value);
    }
    if (value instanceof Atom) return value.name;
    if (value instanceof Float) return value.value;
    if (value instanceof Binary) return readUtf8(value, 0, value.length) ?? value;
    if (Array.isArray(value)) return this.#readList(value, trace, depth);
    if (value instanceof TermMap) return this.#readEntries(value, trace, depth);
    if (isPlainObject(value)) return this.#readEntries(Object.entries(value), trace, depth);
    return value instanceof ImproperList ? this.miss(value, trace) : value;
  }

  override write(input: unknown): unknown {
    if (Array.isArray(input)) return input.map((item) => this.write(item));
    if (!isPlainObject(input)) return input;
    const made = new Map<string, unknown>();
    for (const [key, value] of Object.entries(input)) {
      if (value !== undefined) made.set(key, this.write(value));
    }
    return made;
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return true;
  }

  // Tuples become arrays too, so never by their own `map`.
  #readList(list: readonly unknown[], trace: Trace | null, depth: number): unknown {
    const made: unknown[] = new Array(list.length);
    for (let i = 0; i < list.length; i++) {
      const read = this.read(list[i], trace, depth + 1);
      if (read === noMatch) return trace === null ? noMatch : trace.at(i);
      made[i] = read;
    }
    return made;
  }

  #readEntries(
    entries: Iterable<[unknown, unknown]>,
    trace: Trace | null,
    depth: number,
  ): unknown {
    const made: Record<string, unknown> = {};
    let entry = 0;
    for (const [key, value] of entries) {
      const name = nameOf(key);
      if (name === undefined) {
        return this.#refuse("a key that is an atom or text", key, entry, trace);
      }
      if (!(name === structKey && value instanceof Atom)) {
        if (Object.hasOwn(made, name)) {
          return this.#refuse("a key that is not there yet", key, entry, trace);
        }
        const read = this.read(value, trace, depth + 1);
        if (read === noMatch) return trace === null ? noMatch : trace.at(entry);
        setOwn(made, name, read);
      }
      entry++;
    }
    return made;
  }

  #refuse(expected: string, key: unknown, entry: number, trace: Trace | null): NoMatch {
    if (trace === null) return noMatch;
    trace.miss(expected, key);
    return trace.at(entry);
  }
}

function nameOf(key: unknown): string | undefined {
  if (key instanceof Atom) return key.name;
  if (key === null) return "nil";
  if (typeof key === "string" || typeof key === "boolean") return `${key}`;
  return key instanceof Binary ? readUtf8(key, 0, key.length) : undefined;
}
