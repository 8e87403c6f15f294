import { Atom, atom } from "../atom.ts";
import { Binary } from "../binary.ts";
import { TermMap } from "../term_map.ts";
import { isTuple, tuple } from "../tuple.ts";
import { readUtf8 } from "../_utf8.ts";
import { atomText } from "./_leaves.ts";
import { getOwn, isPlainObject, setOwn } from "./_plain_object.ts";
import { type NoMatch, noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

type AnyMap = Pick<TermMap, "get" | "keys" | "size"> | Map<unknown, unknown>;

/** What named fields may come in, and what they are written as. */
export interface FieldsForm {
  /** Takes keyword lists. */
  readonly lists: boolean;
  /** Takes maps. */
  readonly maps: boolean;
  /** Takes binaries as keys of maps, and in lists a bare atom for `{Atom, true}`. */
  readonly lenient: boolean;
  /** Takes only maps of this struct, and writes it. */
  readonly struct: Atom | undefined;
  /** Refuses fields that are not named. */
  readonly strict: boolean;
}

interface Field {
  readonly name: string;
  readonly key: Atom | boolean | null;
  readonly shape: Shape;
}

const structKey = atom("__struct__");

/** Named fields: a map with atom keys, a keyword list or a struct on the wire, a plain object here. */
export class FieldsShape extends Shape {
  readonly #fields: readonly Field[];
  readonly #indices: ReadonlyMap<unknown, number>;
  readonly #names: ReadonlySet<string>;
  readonly #form: FieldsForm;

  constructor(shapes: Iterable<readonly [name: string, shape: Shape]>, form: FieldsForm) {
    super();
    this.#fields = Array.from(shapes, ([name, shape]) => ({ name, key: keyOf(name), shape }));
    this.#indices = new Map(this.#fields.map(({ key }, index) => [key, index]));
    this.#names = new Set(this.#fields.map(({ name }) => name));
    this.#form = form;
  }

  override get expected(): string {
    const print = ({ name, shape }: Field) =>
      `${atomText(name).slice(1)}${shape.omittable ? "?" : ""}: ${shape.expected}`;
    const fields = this.#fields.map(print).join(", ");
    const { lists, maps, struct } = this.#form;
    if (lists) return maps ? `options [${fields}]` : `[${fields}]`;
    return struct === undefined ? `%{${fields}}` : `%${structName(struct)}{${fields}}`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    if (value instanceof TermMap || value instanceof Map) {
      return this.#form.maps ? this.#readMap(value, trace, depth) : this.miss(value, trace);
    }
    if (Array.isArray(value)) {
      if (!this.#form.lists || isTuple(value)) return this.miss(value, trace);
      return this.#readList(value, trace, depth);
    }
    return isPlainObject(value) ? this.#readObject(value, trace, depth) : this.miss(value, trace);
  }

  override write(input: unknown): unknown {
    if (!isPlainObject(input)) return input;
    const { lists, maps, struct } = this.#form;
    const entries: [unknown, unknown][] = [];
    if (struct !== undefined) entries.push([structKey, struct]);
    for (const { name, key, shape } of this.#fields) {
      const value = getOwn(input, name);
      // Every struct has all its keys, with `nil` where it has no value.
      const written = value === undefined && shape.omittable && struct !== undefined
        ? null
        : shape.write(value);
      if (written !== undefined) entries.push([key, written]);
    }
    return lists && !maps ? entries.map((entry) => tuple(...entry)) : new Map(entries);
  }

  override get parts(): readonly Shape[] {
    return this.#fields.map((field) => field.shape);
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return true;
  }

  #readMap(map: AnyMap, trace: Trace | null, depth: number): unknown {
    const { strict, struct, lenient } = this.#form;
    if (struct !== undefined && map.get(structKey) !== struct) return this.miss(map, trace);
    const made: Record<string, unknown> = {};
    let seen = struct === undefined ? 0 : 1;
    for (const field of this.#fields) {
      let value: unknown = map.get(field.key);
      if (value === undefined && lenient) value = map.get(field.name);
      if (value !== undefined) seen++;
      if (!readField(made, field, value, trace, depth, struct !== undefined)) return noMatch;
    }
    return strict && seen < map.size ? this.#refuse(map, trace) : made;
  }

  #readObject(from: Record<string, unknown>, trace: Trace | null, depth: number): unknown {
    const { strict, struct } = this.#form;
    // A caller writes no `__struct__`; a struct that was decoded with `objects: "atoms"` has one.
    const marked = struct !== undefined && getOwn(from, structKey.name) !== undefined;
    if (marked && getOwn(from, structKey.name) !== struct) return this.miss(from, trace);
    const made: Record<string, unknown> = {};
    for (const field of this.#fields) {
      const value = getOwn(from, field.name);
      if (!readField(made, field, value, trace, depth, marked)) return noMatch;
    }
    if (strict) {
      for (const name of Object.keys(from)) {
        if (from[name] === undefined || this.#names.has(name)) continue;
        if (!(marked && name === structKey.name)) return this.#unknown(name, from, trace);
      }
    }
    return made;
  }

  #readList(list: readonly unknown[], trace: Trace | null, depth: number): unknown {
    const { lenient, strict } = this.#form;
    const values: unknown[] = new Array(this.#fields.length).fill(undefined);
    for (let i = 0; i < list.length; i++) {
      const item = list[i];
      // `[debug]` is Erlang's short form of `[{debug, true}]`.
      const pair = lenient && item instanceof Atom ? tuple(item, true) : item;
      if (!isPair(pair)) {
        if (trace === null) return noMatch;
        trace.miss("{atom, term}", item);
        return trace.at(i);
      }
      const key = pair[0];
      const index = this.#indices.get(key);
      if (index !== undefined) {
        if (values[index] === undefined) values[index] = pair[1]; // the first of equal keys counts
      } else if (strict) return this.#unknown(nameOf(key), list, trace);
    }
    const made: Record<string, unknown> = {};
    for (let i = 0; i < values.length; i++) {
      if (!readField(made, this.#fields[i], values[i], trace, depth, false)) return noMatch;
    }
    return made;
  }

  #refuse(map: AnyMap, trace: Trace | null): NoMatch {
    const names = new Set<string | undefined>();
    for (const key of map.keys()) {
      if (key === structKey && this.#form.struct !== undefined) continue;
      const name = nameOf(key);
      const known = this.#indices.has(key) ||
        this.#form.lenient && name !== undefined && this.#names.has(name);
      if (!known || names.has(name)) return this.#unknown(name, map, trace);
      names.add(name);
    }
    return this.miss(map, trace);
  }

  #unknown(name: string | undefined, value: unknown, trace: Trace | null): NoMatch {
    if (trace === null) return noMatch;
    trace.miss(
      this.#fields.length === 0 ? "no field" : `one of ${[...this.#names].join(", ")}`,
      value,
    );
    trace.found = "an unknown field";
    // A name is told only if it looks like one: keys may be data.
    return name !== undefined && /^[\p{L}_][\p{L}\p{N}_?!]{0,63}$/u.test(name)
      ? trace.at(name)
      : noMatch;
  }
}

function readField(
  to: Record<string, unknown>,
  { name, shape }: Field,
  value: unknown,
  trace: Trace | null,
  depth: number,
  struct: boolean,
): boolean {
  // Counts twice, because it takes more stack than other shapes.
  let read = shape.read(value, trace, depth + 2);
  // A struct has every key; `nil` stands for a value that is not there.
  if (read === noMatch && value === null && struct && shape.omittable) {
    read = shape.read(undefined, trace, depth + 2);
  }
  if (read === noMatch) {
    trace?.at(name);
    return false;
  }
  if (read !== undefined) setOwn(to, name, read);
  return true;
}

function isPair(value: unknown): value is [unknown, unknown] {
  if (!isTuple(value) || value.length !== 2) return false;
  const key: unknown = value[0];
  return key instanceof Atom || key === null || typeof key === "boolean";
}

function keyOf(name: string): Atom | boolean | null {
  if (name === "true") return true;
  if (name === "false") return false;
  return name === "nil" ? null : atom(name);
}

function nameOf(key: unknown): string | undefined {
  if (key instanceof Atom) return key.name;
  if (key === null) return "nil";
  if (typeof key === "boolean" || typeof key === "string") return `${key}`;
  return key instanceof Binary ? readUtf8(key, 0, key.length) : undefined;
}

function structName(struct: Atom): string {
  return struct.name.replace(/^Elixir\./, "");
}
