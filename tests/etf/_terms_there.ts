import { fileURLToPath } from "node:url";
import fc from "fast-check";
import {
  Atom,
  atom,
  Binary,
  Bitstring,
  encode,
  ExternalFun,
  float,
  ImproperList,
  isList,
  type Node,
  Pid,
  Ref,
  startNode,
  type Term,
  TermMap,
  tuple,
} from "../../mod.ts";
import { type ErlangNode, startEpmd, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { anyTerm } from "./_arbitrary.ts";

const MODULE = fileURLToPath(new URL("./terms_there.erl", import.meta.url));

/** An Erlang node that is asked about terms. */
export class TermsThere implements AsyncDisposable {
  readonly #node: Node;
  readonly #erl: ErlangNode;
  readonly #end: () => Promise<void>;

  private constructor(node: Node, erl: ErlangNode, end: () => Promise<void>) {
    this.#node = node;
    this.#erl = erl;
    this.#end = end;
  }

  static async start(): Promise<TermsThere> {
    const epmd = await startEpmd();
    const options = { cookie: COOKIE, epmd: { port: epmd.port } };
    const node = await startNode("ours@localhost", options);
    const name = "theirs@localhost";
    const erl = await startErlang({ name, cookie: COOKIE, epmdPort: epmd.port });
    const file = JSON.stringify(MODULE);
    await erl.eval(`begin
      {ok, Module, Code} = compile:file(${file}, [binary, return_errors]),
      code:load_binary(Module, "terms_there", Code)
    end`);
    return new TermsThere(node, erl, async () => {
      await node.stop();
      await erl.kill();
      await epmd.kill();
    });
  }

  /** Its release, as 25. */
  async release(): Promise<number> {
    return Number((await this.#erl.eval("erlang:system_info(otp_release)")).replaceAll('"', ""));
  }

  /** `null` where that release refuses the bytes. */
  async hashes(terms: readonly Uint8Array[], range?: number): Promise<(number | null)[]> {
    const args = range === undefined ? [terms] : [terms, range];
    return numbers(await this.#ask("hashes", args));
  }

  /** The places of the terms when they are sorted. */
  async order(terms: readonly Uint8Array[]): Promise<(number | null)[]> {
    return numbers(await this.#ask("order", [terms]));
  }

  /** How each term compares with the next. */
  async signs(terms: readonly Uint8Array[]): Promise<(number | null)[]> {
    return numbers(await this.#ask("signs", [terms]));
  }

  #ask(name: string, args: readonly unknown[]): Promise<Term> {
    return this.#node.rpc(this.#erl.name, "terms_there", name, args as Term[], { timeout: 60_000 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}

function numbers(term: Term): (number | null)[] {
  return (term as Term[]).map((value) => typeof value === "number" ? value : null);
}

const numbersThatAreClose = [
  ...[0, 1, -1, 255, 256, 2 ** 27, 2 ** 27 - 1, -(2 ** 27), -(2 ** 27) - 1, 2 ** 31, 2 ** 32],
  ...[2 ** 53 - 1, -(2 ** 53 - 1)],
  ...[53n, 59n, 60n, 63n, 64n, 128n, 1023n, 1024n].flatMap((bits) =>
    [-1n, 0n, 1n].flatMap((more) => [2n ** bits + more, -(2n ** bits) + more])
  ),
  ...[0, -0, 1, -1, 0.5, 1.5, 255, 2 ** 53, 2 ** 53 + 2, 2 ** 59, 2 ** 60, 2 ** 64, -(2 ** 64)].map(
    float,
  ),
  ...[2 ** 128, 2 ** 1023, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE].map(float),
] as Term[];

const nodes = fc.constantFrom("a@b", "a@c").map((name) => atom(name));
const few = fc.integer({ min: 0, max: 2 });
const leaf: fc.Arbitrary<Term> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...numbersThatAreClose) },
  fc.constantFrom<Term>(true, false, null),
  fc.constantFrom(
    "",
    "a",
    "a\0",
    "ab",
    "b",
    "é",
    "ÿ",
    "\uffff",
    "\u{10000}",
    "日本",
    "x".repeat(255),
    "é".repeat(255),
  )
    .map((name) => atom(name) as Term),
  fc.array(fc.constantFrom(0, 1, 127, 128, 255), { maxLength: 14 }).map((bytes) =>
    Binary.from(bytes) as Binary
  ),
  fc.tuple(
    fc.array(fc.constantFrom(0, 64, 128, 255), { minLength: 1, maxLength: 3 }),
    fc.integer({ min: 1, max: 7 }),
  )
    .map(([bytes, bits]) => new Bitstring(Uint8Array.from(bytes), bits)),
  fc.tuple(nodes, few, few, few).map(([node, id, serial, creation]) =>
    new Pid(node, id + 1, serial, creation + 4)
  ),
  fc.tuple(nodes, few, fc.array(few, { maxLength: 4 }))
    // Two that differ only by words that are zero are equal for Erlang in some places, and not in others.
    .map(([node, creation, words]) => new Ref(node, creation + 4, [...words, 1])),
  fc.tuple(few, few, few).map(([module, name, arity]) =>
    new ExternalFun(atom("ab"[module] ?? "c"), atom("ab"[name] ?? "c"), arity)
  ),
  fc.constant<Term>([]),
);

/** Terms of few different parts, so that what is deep inside of two of them decides. */
const closeTerm: fc.Arbitrary<Term> = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("term"), { maxLength: 3 }),
    fc.array(tie("term"), { maxLength: 2 }).map((elements) => tuple(...elements) as Term),
    fc.tuple(fc.array(tie("term"), { minLength: 1, maxLength: 2 }), leaf)
      .map(([elements, tail]) => isList(tail) ? elements : new ImproperList(elements, tail)),
    fc.array(fc.tuple(tie("term"), tie("term")), { maxLength: 3 }).map(mapOf),
    // More than 32 keys: Erlang keeps, and compares, such maps in another way.
    // None inside of another: comparing such has killed OTP 25.2.3.
    fc.tuple(fc.array(fc.tuple(leaf, leaf), { maxLength: 2 }), leaf)
      .map(([pairs, value]) =>
        mapOf([...MANY.map((key) => [key, value] as [Term, Term]), ...pairs])
      ),
  ),
})).term;

const MANY = Array.from({ length: 33 }, (_, i) => i % 2 === 0 ? i : float(i));

function mapOf(pairs: readonly [Term, Term][]): Term {
  return new TermMap(pairs);
}

/** Encoded terms, and what they are. */
export interface Sample {
  readonly terms: readonly Term[];
  readonly bytes: readonly Uint8Array[];
}

/** So many generated terms, half of them of few different parts; fewer where some are sorted out, and those that end a node of OTP 25. */
export function sampleTerms(
  count: number,
  seed: number,
  keep: (term: Term) => boolean = () => true,
): Sample {
  const terms = [
    ...fc.sample(anyTerm, { numRuns: count >> 1, seed }),
    ...fc.sample(closeTerm, { numRuns: count - (count >> 1), seed }),
  ].filter((term) => isHarmless(term) && keep(term));
  return { terms, bytes: terms.map((term) => encode(term)) };
}

/**
 * Whether the order of a term is the same on every Erlang node of that release.
 *
 * - OTP 26 and later compare maps that are keys of maps by the numbers of their atoms, which are others on every node.
 * - OTP 25 has two zeros as one key, and goes wrong, or on for ever, when it compares certain maps of more than 32.
 */
export function hasOrder(term: Term, release: number, isKey = false): boolean {
  const within = (value: Term): boolean => hasOrder(value, release, isKey);
  if (term instanceof ImproperList) return term.elements.every(within) && within(term.tail);
  if (Array.isArray(term)) return term.every(within);
  if (!(term instanceof TermMap)) return true;
  if (release < 26 && (term.size > 32 || term.has(float(-0)))) return false;
  for (const [key, value] of term) {
    if (isKey && isAtomic(key)) return false;
    if (!hasOrder(key, release, true) || !within(value)) return false;
  }
  return true;
}

/**
 * Whether OTP 25 survives a term: a map of more than 32 keys, two of them references of which one begins as the other does and goes on,
 * has it hash them for ever, until its stack ends.
 */
function isHarmless(term: Term): boolean {
  if (term instanceof ImproperList) return term.elements.every(isHarmless) && isHarmless(term.tail);
  if (Array.isArray(term)) return term.every(isHarmless);
  if (!(term instanceof TermMap)) return true;
  if (term.size > 32) {
    const lengths = new Set(
      [...term.keys()].map((key) => key instanceof Ref ? key.words.length : 0),
    );
    lengths.delete(0);
    if (lengths.size > 1) return false;
  }
  return [...term].every(([key, value]) => isHarmless(key) && isHarmless(value));
}

function isAtomic(term: Term): boolean {
  return term instanceof Atom || term === null || typeof term === "boolean";
}
