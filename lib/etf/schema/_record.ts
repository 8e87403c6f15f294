import { type Atom, atom } from "../atom.ts";
import { isTuple, Tuple } from "../tuple.ts";
import { atomText } from "./_leaves.ts";
import { getOwn, isPlainObject, setOwn } from "./_plain_object.ts";
import { noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

// What Erlang puts into a record's field that was given no value.
const unset = atom("undefined");

/** Fields in the order of an Erlang record: a tuple with the record's name in front, a plain object here. */
export class RecordShape extends Shape {
  readonly #tag: Atom;
  readonly #fields: readonly (readonly [name: string, shape: Shape])[];

  constructor(name: string, fields: readonly (readonly [name: string, shape: Shape])[]) {
    super();
    this.#tag = atom(name);
    this.#fields = fields;
  }

  override get expected(): string {
    const fields = this.#fields.map(([name, shape]) => `${name}: ${shape.expected}`);
    return `{${[atomText(this.#tag.name), ...fields].join(", ")}}`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    const fields = this.#fields;
    const plain = isPlainObject(value);
    if (!plain) {
      if (!isTuple(value) || value.length !== fields.length + 1 || value[0] !== this.#tag) {
        return this.miss(value, trace);
      }
    }
    const made: Record<string, unknown> = {};
    for (let i = 0; i < fields.length; i++) {
      const [name, shape] = fields[i];
      const field = plain ? getOwn(value, name) : value[i + 1];
      let read = shape.read(field, trace, depth + 1);
      if (read === noMatch && field === unset && shape.omittable) {
        read = shape.read(undefined, trace, depth + 1);
      }
      if (read === noMatch) return trace === null ? noMatch : trace.at(plain ? name : i + 1);
      if (read !== undefined) setOwn(made, name, read);
    }
    return made;
  }

  override write(input: unknown): unknown {
    if (!isPlainObject(input)) return input;
    const made = new Tuple<unknown[]>(this.#fields.length + 1);
    made[0] = this.#tag;
    for (let i = 0; i < this.#fields.length; i++) {
      const [name, shape] = this.#fields[i];
      const written = shape.write(getOwn(input, name));
      made[i + 1] = written === undefined ? unset : written;
    }
    return made;
  }

  override get parts(): readonly Shape[] {
    return this.#fields.map(([, shape]) => shape);
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return true;
  }
}
