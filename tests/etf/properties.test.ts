import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { decode, Decoder } from "../../lib/etf/decoder.ts";
import { encode, Encoder } from "../../lib/etf/encoder.ts";
import { equal } from "../../lib/etf/equal.ts";
import { DecodeError } from "../../lib/etf/errors.ts";
import { format } from "../../lib/etf/format.ts";
import { hash, termKey } from "../../lib/etf/term_key.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { anyTerm } from "./_arbitrary.ts";

const parameters = { numRuns: 1500, seed: 1828 };

test("decode(encode(x)) is x", () => {
  fc.assert(
    fc.property(anyTerm, (term) => {
      const again = decode(encode(term), { floats: "wrap" });
      assert(equal(again, term));
      assert(equal(term, again));
      assertEquals(format(again), format(term));
    }),
    parameters,
  );
});

test("encode(decode(b)) is b", () => {
  fc.assert(
    fc.property(anyTerm, (term) => {
      const bytes = encode(term);
      assertEquals(encode(decode(bytes, { floats: "wrap" })), bytes);
      assertEquals(encode(decode(encode(term, { compress: 1 }), { floats: "wrap" })), bytes);
    }),
    parameters,
  );
});

test("text instead of binaries is the same term, and is encoded the same", () => {
  fc.assert(
    fc.property(anyTerm, (term) => {
      const bytes = encode(term);
      const text = decode(bytes, { floats: "wrap", binaries: "text" });
      assert(equal(text, term));
      assertEquals(termKey(text), termKey(term));
      assertEquals(encode(text), bytes);
      assertEquals(format(text), format(term));
      assertEquals(format(text, { style: "elixir" }), format(term, { style: "elixir" }));
    }),
    parameters,
  );
});

test("equal terms have one key and one hash, others have two keys", () => {
  fc.assert(
    fc.property(anyTerm, anyTerm, (a, b) => {
      assert(equal(a, a));
      assertEquals(equal(a, b), equal(b, a));
      assertEquals(equal(a, b), termKey(a) === termKey(b));
      // What is equal for Erlang is what has the same canonical bytes, but for the order of a map's keys.
      if (encode(a).join() === encode(b).join()) assert(equal(a, b));
      if (equal(a, b)) assertEquals(hash(a), hash(b));
    }),
    parameters,
  );
});

test("the order of a map's entries does not count", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyTerm, anyTerm), { maxLength: 30 }),
      anyTerm,
      (pairs, other) => {
        const map = new TermMap(pairs);
        const reversed = new TermMap([...map].reverse());
        assert(equal(map, reversed));
        assertEquals(termKey(map), termKey(reversed));
        assert(equal(decode(encode(map), { floats: "wrap" }), reversed));
        for (const [key, value] of map) {
          assert(equal(reversed.get(key), value));
          assert(reversed.has(decode(encode(key), { floats: "wrap" })));
          assert(!equal(map, map.without(key)));
        }
        assertEquals(map.has(other), [...map.keys()].some((key) => equal(key, other)));
        assertEquals(map.with(other, 1).get(other), 1);
        assertEquals(map.without(other).has(other), false);
      },
    ),
    { ...parameters, numRuns: 300 },
  );
});

test("terms behind each other in one encoder come out of one decoder", () => {
  fc.assert(
    fc.property(fc.array(anyTerm, { maxLength: 20 }), (terms) => {
      const encoder = new Encoder();
      for (const term of terms) encoder.term(term);
      const decoder = new Decoder({ floats: "wrap" });
      decoder.reset(encoder.take());
      for (const term of terms) assert(equal(decoder.term(), term));
      assertEquals(decoder.position, decoder.end);
    }),
    { ...parameters, numRuns: 200 },
  );
});

test("no proper prefix of a term is a term", () => {
  fc.assert(
    fc.property(anyTerm, fc.nat(), (term, at) => {
      const bytes = encode(term);
      try {
        decode(bytes.subarray(0, at % bytes.length));
      } catch (error) {
        assert(error instanceof DecodeError);
        return;
      }
      throw new Error("accepted");
    }),
    parameters,
  );
});

test("printing with a limit keeps to it", () => {
  fc.assert(
    fc.property(
      anyTerm,
      fc.nat({ max: 50 }),
      fc.constantFrom("erlang" as const, "elixir" as const),
      (term, maxLength, style) => {
        const whole = format(term, { style });
        const short = format(term, { style, maxLength });
        if (whole.length <= maxLength) assertEquals(short, whole);
        assert(short.length <= maxLength * 4 + 20, short);
      },
    ),
    parameters,
  );
});
