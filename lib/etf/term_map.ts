import { Atom, existingAtom } from "./atom.ts";
import { equal } from "./equal.ts";
import { inspectable } from "./_inspect.ts";
import type { Encodable, Term } from "./term.ts";
import { termKey } from "./term_key.ts";

// Above this size keys are found by an index, below by looking at each; measured for keys that are binaries.
const SCANNED = 16;

const NONE: readonly Term[] = [];

/**
 * An Erlang map.
 *
 * - Keys are compared as Erlang compares them: `1` and `float(1)` are two keys, a string and the binary of its UTF-8 are one.
 * - Entries keep the order they were given in, or came in. A map does not change: {@linkcode TermMap.with} and {@linkcode TermMap.without} make another.
 *
 * @example
 * ```ts
 * import { atom, atomMap, float, TermMap } from "@ergo-ts/ergo";
 *
 * const user = atomMap({ name: "Zoë", age: 31 }); //   %{name: "Zoë", age: 31}
 * user.field("age"); //                                31, as user.get(atom("age"))
 *
 * const prices = new TermMap([["tea", 2], [float(1), 3]]);
 * prices.get("tea"); //                                2: a string is a binary key
 * prices.get(1); //                                    undefined: 1.0 is another key
 * prices.with(atom("milk"), 1).size; //                3; prices itself stays as it is
 * ```
 */
export class TermMap implements Iterable<[Term, Term]> {
  /** @ignore @internal Keys at even places, each followed by its value. */
  _flat: readonly Term[] = NONE;
  /** @ignore @internal Positions of the keys, once a large map has been asked for one. */
  _index: Map<unknown, number> | null = null;

  /** A map of these entries; of several with one key the last value counts, at the first one's place. */
  constructor(entries?: Iterable<readonly [Term, Term]>) {
    if (entries === undefined) return;
    const flat: Term[] = [];
    const index: Map<unknown, number> = new Map();
    for (const [key, value] of entries) {
      const name = termKey(key);
      const at = index.get(name);
      if (at !== undefined) {
        flat[at + 1] = value;
      } else {
        index.set(name, flat.length);
        flat.push(key, value);
      }
    }
    this._flat = flat;
    if (flat.length > SCANNED * 2) this._index = index;
  }

  /** @ignore @internal A map of a flat array, which becomes its own; the caller knows that no two keys are equal. */
  static _of(flat: readonly Term[]): TermMap {
    const made = new TermMap();
    made._flat = flat;
    return made;
  }

  /** How many entries there are. */
  get size(): number {
    return this._flat.length >> 1;
  }

  /** The name of the Elixir struct (`__struct__`), without `Elixir.`; `undefined` where it is none. */
  get struct(): string | undefined {
    const name = this.field("__struct__");
    if (!(name instanceof Atom)) return undefined;
    return name.name.startsWith("Elixir.") ? name.name.slice(7) : name.name;
  }

  /** The value under that key, `undefined` where there is none; text is a binary key, see {@linkcode TermMap.field} for atoms. */
  get(key: Encodable): Term | undefined {
    const at = this._find(key);
    return at < 0 ? undefined : this._flat[at + 1];
  }

  /** Whether there is a value under that key. */
  has(key: Encodable): boolean {
    return this._find(key) >= 0;
  }

  /** The value under the atom key of that name. */
  field(name: string): Term | undefined {
    const key = name === "true"
      ? true
      : name === "false"
      ? false
      : name === "nil"
      ? null
      : existingAtom(name);
    return key === undefined ? undefined : this.get(key);
  }

  /** The keys, in the order of the entries. */
  *keys(): IterableIterator<Term> {
    for (let i = 0; i < this._flat.length; i += 2) yield this._flat[i];
  }

  /** The values, in the order of the entries. */
  *values(): IterableIterator<Term> {
    for (let i = 1; i < this._flat.length; i += 2) yield this._flat[i];
  }

  /** `[key, value]` of each entry, in the order in which they were given or came; Erlang promises none. */
  *entries(): IterableIterator<[Term, Term]> {
    for (let i = 0; i < this._flat.length; i += 2) yield [this._flat[i], this._flat[i + 1]];
  }

  /** The same as {@linkcode TermMap.entries}: a map can be spread, and given to `new Map`. */
  [Symbol.iterator](): IterableIterator<[Term, Term]> {
    return this.entries();
  }

  /** A map that has this value under this key besides the entries of this one. */
  with(key: Term, value: Term): TermMap {
    const at = this._find(key);
    const flat = this._flat.slice();
    if (at < 0) flat.push(key, value);
    else flat[at + 1] = value;
    return TermMap._of(flat);
  }

  /** A map that has the entries of this one but that under this key. */
  without(key: Encodable): TermMap {
    const at = this._find(key);
    return at < 0 ? this : TermMap._of(this._flat.toSpliced(at, 2));
  }

  /** @ignore @internal Where the key stands in the flat array, -1 where it does not. */
  _find(key: Encodable): number {
    const flat = this._flat;
    if (flat.length > SCANNED * 2) return this.#find(key);
    // Atoms, integers and booleans are found by identity; only what may be equal in another way is looked at twice.
    for (let i = 0; i < flat.length; i += 2) {
      if (flat[i] === key && key !== 0) return i;
    }
    if (key === null || typeof key === "boolean" || key instanceof Atom) return -1;
    for (let i = 0; i < flat.length; i += 2) {
      if (equal(flat[i], key)) return i;
    }
    return -1;
  }

  #find(key: Encodable): number {
    let index = this._index;
    if (index === null) {
      index = this._index = new Map();
      for (let i = 0; i < this._flat.length; i += 2) index.set(termKey(this._flat[i]), i);
    }
    return index.get(termKey(key)) ?? -1;
  }

  static {
    inspectable(this.prototype);
  }
}
