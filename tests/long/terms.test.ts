/**
 * phash2 and the order of terms beside Erlang's, at length: 200,000 terms at random, or as many as ERGO_TERMS says, from the seed
 * ERGO_TERMS_SEED where one is given.
 */
import { after, test } from "node:test";
import process from "node:process";
import { assertEquals } from "@std/assert";
import { compareTerms, decode, format, phash2 } from "../../mod.ts";
import { hasOrder, sampleTerms, TermsThere } from "../etf/_terms_there.ts";
import { needsErlang } from "../_support/erlang.ts";

const AT_ONCE = 4_000;
const rounds = Math.ceil(Number(process.env.ERGO_TERMS ?? 200_000) / AT_ONCE);
const seed = Number(process.env.ERGO_TERMS_SEED ?? Date.now() % 2 ** 31);

let there: TermsThere | null = null;
after(async () => await there?.[Symbol.asyncDispose]());

for (let round = 0; round < rounds; round++) {
  test(`seed ${seed + round}`, { skip: needsErlang }, async () => {
    there ??= await TermsThere.start();
    const release = await there.release();
    const sample = sampleTerms(AT_ONCE, seed + round);
    for (const [i, hash] of (await there.hashes(sample.bytes)).entries()) {
      if (hash === null) continue; // two zeros as keys, before OTP 27
      const term = sample.terms[i];
      if (phash2(term, 2 ** 32) !== hash) assertEquals(phash2(term, 2 ** 32), hash, format(term));
    }
    const { bytes } = sampleTerms(AT_ONCE, seed + round, (term) => hasOrder(term, release));
    const terms = bytes.map((one) => decode(one, { floats: "wrap" }));
    const ours = terms.map((_, i) => i).sort((i, j) => compareTerms(terms[i], terms[j]));
    for (const [i, place] of (await there.order(bytes)).entries()) {
      if (ours[i] !== place) assertEquals(format(terms[ours[i]]), format(terms[place!]), `${i}`);
    }
  });
}
