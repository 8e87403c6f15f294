import { AtomLimitError } from "./errors.ts";
import { inspectable } from "./_inspect.ts";

/** How many atoms one program may hold, as in a default Erlang VM. */
export const MAX_ATOMS = 1_048_576;

/** How many characters (code points) an atom may have. */
export const MAX_ATOM_CHARACTERS = 255;

/** @internal Where atoms stand as terms: the same bytes twice. At least three follow what is used of them. */
export interface AtomSlab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const NONE: AtomSlab = {
  bytes: new Uint8Array(0),
  view: new DataView(new ArrayBuffer(0)),
};
const table: Map<string, Atom> = new Map();

/**
 * An Erlang atom. Atoms are interned, so two atoms of one name are the same object and `===` compares them.
 *
 * The name is a literal type where it is known, so that comparing `.name` narrows a union of atoms.
 */
export class Atom<Name extends string = string> {
  /** Its text, at most 255 characters, without the quotes that Erlang may print around it. */
  readonly name: Name;
  /** A slab that holds the atom as a term once it has been needed; a typed array for each would cost 100 bytes more. */
  #slab: AtomSlab = NONE;
  /** @ignore @internal Where in the slab it begins. */
  _at = 0;
  /** @ignore @internal How many bytes it has there, 0 where it has not been needed yet. */
  _size = 0;
  /** @ignore @internal Its place in the atom caches of connections, -1 where it has not been needed yet. */
  _slot = -1;
  /** @ignore @internal The last map in which the decoder saw it as a key, to find duplicate keys. */
  _seen = 0;

  /** @ignore @internal Use {@linkcode atom}: a second object of one name would not be equal to the first. */
  constructor(name: Name) {
    this.name = name;
  }

  /** @ignore @internal No field: Bun prints all fields of what an error holds, and a slab is large. */
  get _slab(): AtomSlab {
    return this.#slab;
  }

  /** @ignore @internal */
  set _slab(slab: AtomSlab) {
    this.#slab = slab;
  }

  /** The name: `${atom("ok")}` is `ok`. */
  toString(): Name {
    return this.name;
  }

  /** The name: JSON has no atoms, there it is a string like any other. */
  toJSON(): Name {
    return this.name;
  }

  static {
    inspectable(this.prototype);
  }
}

/**
 * The atom of that name.
 *
 * `true`, `false` and `nil` are JavaScript's `true`, `false` and `null`, not atoms.
 *
 * @throws {RangeError} if the name has more than 255 characters, is not well formed, or is one of the three above.
 * @throws {AtomLimitError} if the table of atoms is full.
 */
export function atom<const Name extends string>(name: Name): Atom<Name> {
  return (table.get(name) ?? create(name, MAX_ATOMS)) as Atom<Name>;
}

/** The atom of that name if one has been made, else `undefined`; makes none. */
export function existingAtom(name: string): Atom | undefined {
  return table.get(name);
}

/** How many atoms there are. */
export function atomCount(): number {
  return table.size;
}

/** @internal Makes an atom for the decoder, which has its own limit and has looked for an existing one. */
export function create(name: string, limit: number): Atom {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot make atom: its name must be a string, ${kindOf(name)} came`);
  }
  if (name === "true" || name === "false" || name === "nil") {
    const value = name === "nil" ? "null" : name;
    throw new RangeError(`Cannot make atom ${name}: it is JavaScript's ${value}, use that`);
  }
  if (isTooLong(name)) {
    throw new RangeError(
      `Cannot make atom: its name has more than the ${MAX_ATOM_CHARACTERS} characters that are allowed`,
    );
  }
  if (!name.isWellFormed()) {
    throw new RangeError(
      "Cannot make atom: its name holds half a surrogate pair, which has no UTF-8",
    );
  }
  if (table.size >= limit) throw new AtomLimitError(limit);
  const made = new Atom(name);
  table.set(name, made);
  return made;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/** @internal Whether an atom may not have that name because of its length, which is counted in code points. */
export function isTooLong(name: string): boolean {
  if (name.length <= MAX_ATOM_CHARACTERS) return false;
  return name.length > MAX_ATOM_CHARACTERS * 2 || [...name].length > MAX_ATOM_CHARACTERS;
}
