import {
  atom,
  decode,
  type Encodable,
  encode,
  ImproperList,
  Pid,
  Ref,
  stringMap,
  tuple,
} from "../mod.ts";
import { perSecond, type Row, type Work } from "./_measure.ts";

const NODE = atom("app@localhost");
const pid = (i: number): Pid => new Pid(NODE, i, 0, 1_700_000_000);

/** The terms whose encoding and decoding is measured, by name. */
export const CORPUS: Readonly<Record<string, () => Encodable>> = {
  "gen_call": () => {
    const ref = new Ref(NODE, 1_700_000_000, [1, 2, 3]);
    const from = tuple(pid(77), new ImproperList([atom("alias")], ref));
    return tuple(atom("$gen_call"), from, tuple(atom("add"), 5)) as Encodable;
  },
  "1000 ints": () => Array.from({ length: 1000 }, (_, i) => i * 1_000_003 % 2_000_000_000),
  "1000 atoms": () => Array.from({ length: 1000 }, (_, i) => atom(`atom_${i % 100}`)),
  "100 pids": () => Array.from({ length: 100 }, (_, i) => pid(i)),
  "100 bignums": () => Array.from({ length: 100 }, (_, i) => 2n ** 70n + BigInt(i)),
  "1 MB document": () => people().map((person) => stringMap(person)),
};

/** The document as JavaScript has it. */
export function people(): Person[] {
  return Array.from({ length: 4000 }, (_, i) => ({
    id: i,
    name: `A person of number ${i}`,
    email: `person.${i}@example.org`,
    tags: ["one", "two", "three"],
    address: { street: "A street in a town", number: i % 200, city: "Zürich" },
    active: i % 3 === 0,
    score: i / 7,
  }));
}

type Person = Record<string, Plain>;
type Plain = string | number | boolean | string[] | { [key: string]: Plain };

/** The document from and to what JavaScript has: objects and strings, as JSON gives them, and nobody looks whether they are the right ones. */
export function documentWork(way: "encode" | "decode"): Work {
  const document = people();
  const bytes = encode(document, { objects: "binaries" });
  return () => {
    if (way === "encode") last = encode(document, { objects: "binaries" });
    else last = decode(bytes, { binaries: "text", objects: "binaries" });
    return 1;
  };
}

/** The last result, which is kept so that no engine leaves out what made it. */
export let last: unknown;

/** Encodes or decodes one term of the corpus, several times a run. */
export function codecWork(way: "encode" | "decode", name: string): Work {
  if (!(name in CORPUS)) {
    throw new Error(`Cannot ${way} ${name}: there are ${Object.keys(CORPUS).join(", ")}`);
  }
  const term = CORPUS[name]();
  const bytes = encode(term);
  const rounds = Math.max(1, Math.min(1_000, Math.floor(80_000 / bytes.length)));
  return () => {
    if (way === "encode") { for (let i = 0; i < rounds; i++) last = encode(term); }
    else for (let i = 0; i < rounds; i++) last = decode(bytes);
    return rounds;
  };
}

export async function codec(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, make] of Object.entries(CORPUS)) {
    const term = make();
    const bytes = encode(term);
    const rounds = Math.max(1, Math.min(100_000, Math.floor(8_000_000 / bytes.length)));
    rows.push(
      await perSecond(`encode ${name}`, () => {
        for (let i = 0; i < rounds; i++) last = encode(term);
        return rounds;
      }),
      await perSecond(`decode ${name}`, () => {
        for (let i = 0; i < rounds; i++) last = decode(bytes);
        return rounds;
      }),
    );
  }
  return rows;
}
