import { Atom, atom } from "./atom.ts";
import { inspectable } from "./_inspect.ts";
import type { Term } from "./term.ts";

/** @ignore @internal Tells a tuple's type from a list's. */
export declare const tupleBrand: unique symbol;

/** What a tuple has besides its elements. */
export interface TupleMembers<Elements extends readonly unknown[]> {
  /** @ignore @internal For the compiler only: there is no such property. */
  readonly [tupleBrand]: true;
  /** The name of the atom in front, `undefined` where there is none; narrows a union of tagged tuples. */
  readonly tag: Elements extends readonly [Atom<infer Name>, ...unknown[]] ? Name
    : string | undefined;
}

/** A tuple whose elements are only known to be terms. */
export interface AnyTuple extends Array<Term>, TupleMembers<Term[]> {}

/** An Erlang tuple: an Array that {@linkcode isTuple} tells from a list. */
export type Tuple<Elements extends readonly unknown[] = Term[]> = Elements & TupleMembers<Elements>;

/** A tuple with an atom in front, as `{ok, Value}`. */
export type Tagged<Name extends string, Rest extends readonly unknown[] = []> = Tuple<
  [Atom<Name>, ...Rest]
>;

// Built by `new TupleArray(length)` and index stores: `Array.of`, `from` and `push` are 10 to 50 times slower on a subclass.
class TupleArray extends Array<unknown> {
  get tag(): string | undefined {
    const first = this[0];
    return first instanceof Atom ? first.name : undefined;
  }

  static {
    inspectable(this.prototype);
    // What map, filter and slice make of a tuple is a list. A property, not a getter: with a getter V8 throws the code of `new` away each time (350 ns for 35).
    Object.defineProperty(this, Symbol.species, { value: Array });
  }
}

/** The class of tuples. `new Tuple(n)` makes one of `n` elements that are to be stored by index; see {@linkcode tuple}. */
export const Tuple: {
  new <Elements extends readonly unknown[] = Term[]>(length: number): Tuple<Elements>;
  readonly prototype: AnyTuple;
} = TupleArray as never;

/** The tuple of these elements. */
export function tuple<Elements extends readonly unknown[]>(...elements: Elements): Tuple<Elements> {
  const made: unknown[] = newTuple(elements.length);
  for (let i = 0; i < elements.length; i++) made[i] = elements[i];
  return made as unknown as Tuple<Elements>;
}

/** The tuple `{Name, ...Rest}` whose first element is the atom of that name. */
export function tagged<const Name extends string, Rest extends readonly unknown[]>(
  name: Name,
  ...rest: Rest
): Tagged<Name, Rest> {
  const made: unknown[] = newTuple(rest.length + 1);
  made[0] = atom(name);
  for (let i = 0; i < rest.length; i++) made[i + 1] = rest[i];
  return made as unknown as Tagged<Name, Rest>;
}

/** Whether a value is an Erlang tuple. */
export function isTuple(value: unknown): value is AnyTuple {
  return value instanceof TupleArray;
}

/** @internal A tuple whose elements are to be stored. The usual arities as literals: then V8 makes the tuple in place, without a call. */
export function newTuple(size: number): Term[] {
  switch (size) {
    case 1:
      return new Tuple<Term[]>(1);
    case 2:
      return new Tuple<Term[]>(2);
    case 3:
      return new Tuple<Term[]>(3);
    case 4:
      return new Tuple<Term[]>(4);
    case 5:
      return new Tuple<Term[]>(5);
    case 6:
      return new Tuple<Term[]>(6);
    default:
      return new Tuple<Term[]>(size);
  }
}
