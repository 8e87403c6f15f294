import { isTuple, Tuple } from "../tuple.ts";
import { noMatch, Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

/** Tuples of a fixed number of elements. Those at the end that may be left out may be missing. */
export class TupleShape extends Shape {
  readonly #elements: readonly Shape[];
  readonly #least: number;

  constructor(elements: readonly Shape[]) {
    super();
    this.#elements = elements;
    let least = elements.length;
    while (least > 0 && elements[least - 1].omittable) least--;
    this.#least = least;
  }

  override get expected(): string {
    const print = (element: Shape, i: number) =>
      i < this.#least ? element.expected : `${element.expected}?`;
    return `{${this.#elements.map(print).join(", ")}}`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    if (!isTuple(value)) return this.miss(value, trace);
    const elements = this.#elements;
    const length = value.length;
    if (length !== elements.length && (length > elements.length || length < this.#least)) {
      return this.miss(value, trace);
    }
    let made: unknown[] | null = null;
    for (let i = 0; i < elements.length; i++) {
      const element = i < length ? value[i] : undefined;
      const read = elements[i].read(element, trace, depth + 1);
      if (read === noMatch) return trace === null ? noMatch : trace.at(i);
      if (made !== null) made[i] = read;
      else if (read !== element) {
        made = copyOf(value, i, elements.length);
        made[i] = read;
      }
    }
    return made ?? value;
  }

  override write(input: unknown): unknown {
    if (!isTuple(input)) return input;
    let length = input.length;
    while (length > this.#least && input[length - 1] === undefined) length--;
    let made: unknown[] | null = length === input.length ? null : copyOf(input, length, length);
    for (let i = 0; i < length && i < this.#elements.length; i++) {
      const written = this.#elements[i].write(input[i]);
      if (made === null) {
        if (written === input[i]) continue;
        made = copyOf(input, length, length);
      }
      made[i] = written;
    }
    return made ?? input;
  }

  override get parts(): readonly Shape[] {
    return this.#elements;
  }

  override get writes(): boolean {
    return this.#least < this.#elements.length;
  }
}

/** Proper lists of any length. */
export class ListShape extends Shape {
  readonly #item: Shape;

  constructor(item: Shape) {
    super();
    this.#item = item;
  }

  override get expected(): string {
    return `[${this.#item.expected}]`;
  }

  override read(value: unknown, trace: Trace | null, depth: number): unknown {
    if (!Array.isArray(value) || isTuple(value)) return this.miss(value, trace);
    const item = this.#item;
    let made: unknown[] | null = null;
    for (let i = 0; i < value.length; i++) {
      const read = item.read(value[i], trace, depth + 1);
      if (read === noMatch) return trace === null ? noMatch : trace.at(i);
      if (made !== null) made.push(read);
      else if (read !== value[i]) {
        made = value.slice(0, i);
        made.push(read);
      }
    }
    return made ?? value;
  }

  override write(input: unknown): unknown {
    if (!Array.isArray(input) || isTuple(input)) return input;
    let made: unknown[] | null = null;
    for (let i = 0; i < input.length; i++) {
      const written = this.#item.write(input[i]);
      if (made !== null) made.push(written);
      else if (written !== input[i]) {
        made = input.slice(0, i);
        made.push(written);
      }
    }
    return made ?? input;
  }

  override get parts(): readonly Shape[] {
    return [this.#item];
  }
}

function copyOf(from: readonly unknown[], upTo: number, length: number): unknown[] {
  const made = new Tuple<unknown[]>(length);
  for (let i = 0; i < upTo; i++) made[i] = from[i];
  return made;
}
