import { type Atom, atom } from "../atom.ts";
import { readUtf8 } from "../_utf8.ts";
import { Float } from "../float.ts";
import { Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

/** Values that pass a test, as they are. */
export class TestShape extends Shape {
  readonly expected: string;
  readonly #test: (value: unknown) => boolean;

  constructor(expected: string, test: (value: unknown) => boolean) {
    super();
    this.expected = expected;
    this.#test = test;
  }

  override read(value: unknown, trace: Trace | null): unknown {
    return this.#test(value) ? value : this.miss(value, trace);
  }
}

/** Safe integers, as they are. A class of its own, because a test would be one more call per element of a long list. */
export class IntegerShape extends Shape {
  readonly expected = "integer";

  override read(value: unknown, trace: Trace | null): unknown {
    return isInteger(value) ? value : this.miss(value, trace);
  }
}

/** Binaries that are valid UTF-8, as strings. */
export class TextShape extends Shape {
  readonly expected = "text";

  override read(value: unknown, trace: Trace | null): unknown {
    if (typeof value === "string") return value;
    if (!(value instanceof Uint8Array)) return this.miss(value, trace);
    const text = readUtf8(value, 0, value.length);
    return text === undefined ? this.miss(value, trace) : text;
  }

  override get converts(): boolean {
    return true;
  }
}

/** Binaries; strings are their UTF-8. */
export class BytesShape extends Shape {
  readonly expected = "bytes";

  override read(value: unknown, trace: Trace | null): unknown {
    if (value instanceof Uint8Array) return value;
    return typeof value === "string" ? new TextEncoder().encode(value) : this.miss(value, trace);
  }

  override get converts(): boolean {
    return true;
  }
}

/** Numbers and `Float`s as numbers; written as a float, or as what they are. */
export class NumberShape extends Shape {
  readonly expected: string;
  readonly #floats: boolean;

  constructor(expected: string, floats: boolean) {
    super();
    this.expected = expected;
    this.#floats = floats;
  }

  override read(value: unknown, trace: Trace | null): unknown {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    return value instanceof Float ? value.value : this.miss(value, trace);
  }

  // Number 1 would be the integer 1 on the wire, which an Erlang that matches floats does not take.
  override write(input: unknown): unknown {
    return this.#floats && isInteger(input) ? new Float(input) : input;
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return this.#floats;
  }
}

/** Integers of any size as bigint. */
export class BigintShape extends Shape {
  readonly expected = "integer of any size";

  override read(value: unknown, trace: Trace | null): unknown {
    if (typeof value === "bigint") return value;
    return isInteger(value) ? BigInt(value) : this.miss(value, trace);
  }

  override get converts(): boolean {
    return true;
  }
}

/** One of some values that `===` compares. */
export class OneOfShape extends Shape {
  readonly expected: string;
  readonly #values: ReadonlySet<unknown>;
  readonly #only: unknown;

  constructor(expected: string, values: readonly unknown[]) {
    super();
    this.expected = expected;
    this.#values = new Set(values);
    this.#only = values.length === 1 ? values[0] : undefined;
  }

  override read(value: unknown, trace: Trace | null): unknown {
    if (value === undefined) return this.miss(value, trace);
    if (value === this.#only || this.#values.has(value)) return value;
    return this.miss(value, trace);
  }
}

/** One text, as that string. */
export class LiteralTextShape extends Shape {
  readonly expected: string;
  readonly #text: string;
  readonly #bytes: Uint8Array;

  constructor(text: string) {
    super();
    this.expected = JSON.stringify(text);
    this.#text = text;
    this.#bytes = new TextEncoder().encode(text);
  }

  override read(value: unknown, trace: Trace | null): unknown {
    if (value === this.#text) return value;
    if (!(value instanceof Uint8Array) || value.length !== this.#bytes.length) {
      return this.miss(value, trace);
    }
    for (let i = 0; i < value.length; i++) {
      if (value[i] !== this.#bytes[i]) return this.miss(value, trace);
    }
    return this.#text;
  }

  override get converts(): boolean {
    return true;
  }
}

/** Atoms of some names, as their names. */
export class EnumShape extends Shape {
  readonly expected: string;
  readonly #atoms: ReadonlyMap<string, Atom>;
  readonly #names: ReadonlyMap<unknown, string>;

  constructor(names: readonly string[]) {
    super();
    this.expected = names.map(atomText).join(" | ");
    this.#atoms = new Map(names.map((name) => [name, atom(name)]));
    this.#names = new Map(names.map((name) => [atom(name), name]));
  }

  override read(value: unknown, trace: Trace | null): unknown {
    if (typeof value === "string" && this.#atoms.has(value)) return value;
    return this.#names.get(value) ?? this.miss(value, trace);
  }

  override write(input: unknown): unknown {
    return this.#atoms.get(input as string) ?? input;
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return true;
  }
}

/** Whether a number is what an Erlang integer decodes to. -0 is a float. */
export function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** An atom as Elixir writes it. */
export function atomText(name: string): string {
  if (/^(?:[\p{L}_][\p{L}\p{N}_@]*[?!]?)$/u.test(name)) return `:${name}`;
  return `:${JSON.stringify(name)}`;
}
