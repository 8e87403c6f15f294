import { test } from "node:test";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import {
  atom,
  charlist,
  type Encodable,
  format,
  ImproperList,
  isTuple,
  type Term,
  Tuple,
  tuple,
} from "../../../mod.ts";
import { OutputDevice } from "../../../lib/kernel/io/output_device.ts";
import { anyTerm } from "../../etf/_arbitrary.ts";

const PUT = atom("put_chars");
const UNICODE = atom("unicode");
const IO_LIB = atom("io_lib");

/** What comes of a request, as `reply: text`. */
function outcome(...request: Encodable[]): string {
  const { reply, text } = new OutputDevice().request(tuple(...request) as Term);
  return `${format(reply)}: ${text}`;
}

/** Of `{put_chars, unicode, io_lib, Name, Args}`. */
function called(name: string, ...args: Encodable[]): string {
  return outcome(PUT, UNICODE, IO_LIB, atom(name), args);
}

test("functions of io_lib are called here", () => {
  assertEquals(called("format", charlist("~p~n"), [1]), "ok: 1\n");
  assertEquals(called("fwrite", "~ts", ["é"]), "ok: é");
  assertEquals(called("format", atom("~w"), [[97]]), "ok: [97]");
  assertEquals(
    called("format", charlist("~w"), [1], [tuple(atom("chars_limit"), 5)] as Term),
    "ok: 1",
  );
  assertEquals(called("write", [97, 98]), "ok: [97,98]");
  assertEquals(called("write", [1, 2, 3], 2), "ok: [1|...]");
  assertEquals(called("write", [1], [tuple(atom("depth"), 5)] as Term), "ok: [1]");
  assertEquals(called("print", charlist("ab")), 'ok: "ab"');
  assertEquals(called("print", [1, 2, 3], 1, 80, 2), "ok: [1|...]");
  assertEquals(called("nl"), "ok: \n");
  assertEquals(called("nonsense"), "{error,nonsense}: ");
  assertEquals(called("format", charlist("~p"), atom("no_list")), "{error,format}: ");
  assertEquals(outcome(PUT, UNICODE, IO_LIB, atom("format"), atom("no_list")), "{error,format}: ");
  assertEquals(outcome(PUT, UNICODE, 1, 2, []), "{error,2}: ");
});

test("what Latin-1 has not is refused where that is asked for", () => {
  const latin1 = atom("latin1");
  assertEquals(outcome(PUT, latin1, IO_LIB, atom("format"), ["~tc", [233]]), "ok: é");
  assertEquals(outcome(PUT, latin1, IO_LIB, atom("format"), ["~tc", [26085]]), "{error,format}: ");
  assertEquals(outcome(PUT, latin1, [26085]), "{error,put_chars}: ");
});

test("text may be nested, and end in a binary", () => {
  const nested = [[[97], "b"], new ImproperList([99, [100]], "é" as Term)] as Encodable;
  assertEquals(outcome(PUT, UNICODE, nested), "ok: abcdé");
  for (const bad of [[-1], [0xd800], [0x110000], [1.5], [atom("a")], atom("a"), 5, tuple(97)]) {
    assertEquals(outcome(PUT, UNICODE, bad as Encodable), "{error,put_chars}: ", String(bad));
  }
});

test("requests in requests are done in order, to the first that fails", () => {
  const put = (text: string): Encodable => tuple(PUT, UNICODE, text) as Encodable;
  const inner = tuple(atom("requests"), [put("b"), put("c")]) as Encodable;
  assertEquals(outcome(atom("requests"), [put("a"), inner, put("d")]), "ok: abcd");
  const failing = tuple(atom("requests"), [put("b"), atom("no"), put("c")]) as Encodable;
  assertEquals(outcome(atom("requests"), [put("a"), failing, put("d")]), "{error,request}: ab");
  assertEquals(outcome(atom("requests"), []), "ok: ");
  assertEquals(
    outcome(atom("requests"), [atom("getopts")]),
    "[{binary,false},{encoding,unicode}]: ",
  );
});

test("hostile requests end with an answer", () => {
  let deep: Term = tuple(PUT, UNICODE, "x") as Term;
  let text: Term = [120];
  for (let i = 0; i < 100_000; i++) {
    deep = tuple(atom("requests"), [deep]) as Term;
    text = [text];
  }
  assertEquals(format(new OutputDevice().request(deep).reply), "ok");
  assertEquals(outcome(PUT, UNICODE, text), "ok: x");
  const wide = called("format", "~900000s".repeat(2), Array(2).fill("x"));
  assertEquals(wide, "{error,format}: ");
  const far = called("format", "~10.900000p", [Array.from({ length: 500 }, (_, i) => i * 1000)]);
  assert(far.startsWith("ok: [0,1000,"), far.slice(0, 100));
  const large = called("format", "~w", [new Uint8Array(3_000_000)]);
  assertEquals([large.length, large.endsWith(",0,...>>")], [2_000_011, true]);
  const many = called("format", "~w", [Array(3_000_000).fill(0)]);
  assertEquals([many.length, many.endsWith(",0|...]")], [2_000_009, true]);
  const bits = new Tuple<Term[]>(1).fill(text) as unknown as Term;
  assert(called("format", "~p ~w", [bits, bits]).startsWith("ok: {["));
});

test("any term is a request that is answered", () => {
  const tags = ["put_chars", "requests", "setopts", "get_line", "get_geometry", "io_lib", "format"];
  const heads = [...tags, "unicode", "latin1"].map((name) => fc.constant<Term>(atom(name)));
  const requests = fc.array(fc.oneof(...heads, anyTerm), { maxLength: 6 })
    .map((elements) => tuple(...elements) as Term);
  fc.assert(
    fc.property(fc.oneof(requests, anyTerm), (request) => {
      const { reply, text } = new OutputDevice().request(request);
      assert(text === "" || isTuple(request), format(request));
      assert(format(reply) !== "", format(request));
    }),
    { seed: 2710 },
  );
});

test("any term can be printed", () => {
  fc.assert(
    fc.property(anyTerm, fc.integer({ min: 0, max: 20 }), (term, depth) => {
      assert(!called("format", "~p~tp~lp~w~tw", Array(5).fill(term)).startsWith("{error"));
      assert(!called("format", "~P~W", [term, depth, term, depth]).startsWith("{error"));
    }),
    { seed: 2711 },
  );
});

test("requests of a few bytes do not become gigabytes", () => {
  const wide = tuple(PUT, UNICODE, IO_LIB, atom("format"), ["~1000000c", [97]]);
  const { reply, text } = new OutputDevice().request(
    tuple(atom("requests"), new Array(3_000).fill(wide)) as Term,
  );
  assertEquals(format(reply), "{error,put_chars}");
  assert(text.length <= 2 ** 27);
  // A padding of many characters would be repeated as often as a field is wide.
  assertEquals(called("format", "~9.1.*s", ["ab", "x"]), "{error,format}: ");
  assertEquals(called("format", "~9.1.*s", ["", "x"]), "{error,format}: ");
  assertEquals(called("format", "~4.1.*s", [45, "x"]), "ok: ---x");
});
