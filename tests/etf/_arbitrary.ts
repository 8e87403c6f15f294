import fc from "fast-check";
import { atom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { float } from "../../lib/etf/float.ts";
import { ExternalFun } from "../../lib/etf/fun.ts";
import { Pid, Port, Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList, isList } from "../../lib/etf/list.ts";
import type { Term } from "../../lib/etf/term.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { tuple } from "../../lib/etf/tuple.ts";

// Few names: a run of properties must not fill the table of atoms.
const atoms = fc.constantFrom(
  "",
  "ok",
  "a",
  "é",
  "日本",
  "hello world",
  "Elixir.User",
  "__struct__",
  "undefined",
)
  .map((name) => atom(name));
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const binary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Binary.from(bytes) as Binary);

const leaf: fc.Arbitrary<Term> = fc.oneof(
  atoms,
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 600n), max: 2n ** 600n }).map(normal),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => float(value)),
  binary,
  fc.string({ unit: "binary" }).map((text) =>
    Binary.from(new TextEncoder().encode(text)) as Binary
  ),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 7 }))
    .map(([bytes, bits]) => new Bitstring(bytes, bits)),
  fc.tuple(u32, u32, u32).map(([id, serial, creation]) =>
    new Pid(atom("a@b"), id, serial, creation)
  ),
  fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), u32)
    .map(([id, creation]) => new Port(atom("a@b"), normal(id), creation)),
  fc.tuple(u32, fc.array(u32, { minLength: 1, maxLength: 5 }))
    .map(([creation, words]) => new Ref(atom("a@b"), creation, words)),
  fc.tuple(atoms, atoms, fc.integer({ min: 0, max: 255 }))
    .map(([module, name, arity]) => new ExternalFun(module, name, arity)),
);

/** Any term that the decoder can give with `floats: "wrap"`, but for funs. */
export const anyTerm: fc.Arbitrary<Term> = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("term"), { maxLength: 6 }),
    fc.array(fc.integer({ min: 0, max: 260 }), { maxLength: 6 }),
    fc.array(tie("term"), { maxLength: 6 }).map((elements) => tuple(...elements) as Term),
    fc.tuple(fc.array(tie("term"), { minLength: 1, maxLength: 4 }), tie("term")).map(improper),
    fc.array(fc.tuple(tie("term"), tie("term")), { maxLength: 6 }).map((pairs) =>
      new TermMap(pairs)
    ),
    fc.array(fc.tuple(leaf, leaf), { maxLength: 40 }).map((pairs) => new TermMap(pairs)),
  ),
})).term;

function normal(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function improper([elements, tail]: [Term[], Term]): Term {
  return isList(tail) || tail instanceof ImproperList
    ? [...elements, tail]
    : new ImproperList(elements, tail);
}
