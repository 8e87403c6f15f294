import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { atom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { float } from "../../lib/etf/float.ts";
import { format } from "../../lib/etf/format.ts";
import { ExternalFun, Fun, LocalTerm, NativeRecord } from "../../lib/etf/fun.ts";
import { Pid, Port, Ref } from "../../lib/etf/identifiers.ts";
import { charlist, ImproperList } from "../../lib/etf/list.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { tagged, tuple } from "../../lib/etf/tuple.ts";
import { processorTime } from "../_support/processor.ts";

const n = atom("app@host");
const pid = new Pid(n, 12, 0, 3);
const bytes = (...values: number[]) => Binary.from(values) as Binary;
const struct = new TermMap([[atom("__struct__"), atom("Elixir.App.User")], [atom("name"), "Zoë"]]);
const fun = new Fun(
  { module: atom("erl_eval"), arity: 1, index: 42, oldUniq: 3316493, pid, free: [] },
  new Uint8Array(),
);

/** A value, in Erlang's words, in Elixir's. */
const rows: [unknown, string, string][] = [
  [tagged("ok", "bob"), '{ok,<<"bob">>}', '{:ok, "bob"}'],
  [1, "1", "1"],
  [2n ** 64n, "18446744073709551616", "18446744073709551616"],
  [float(1), "1.0", "1.0"],
  [1.5, "1.5", "1.5"],
  [-0, "-0.0", "-0.0"],
  [float(1e22), "1.0e22", "1.0e22"],
  [float(1e15), "1.0e15", "1000000000000000.0"],
  [float(123456789), "123456789.0", "123456789.0"],
  [float(1e16), "1.0e16", "1.0e16"],
  [0.0001, "0.0001", "0.0001"],
  [1e-5, "1.0e-5", "1.0e-5"],
  [5e-324, "5.0e-324", "5.0e-324"],
  [true, "true", "true"],
  [null, "nil", "nil"],
  [atom("undefined"), "undefined", ":undefined"],
  [atom("hello world"), "'hello world'", ':"hello world"'],
  [atom("Elixir.Foo.Bar"), "'Elixir.Foo.Bar'", "Foo.Bar"],
  [atom("Elixir.foo"), "'Elixir.foo'", ':"Elixir.foo"'],
  [atom("Elixir"), "'Elixir'", "Elixir"],
  [atom(""), "''", ':""'],
  [atom("a@b"), "a@b", ":a@b"],
  [atom("a?"), "'a?'", ":a?"],
  [atom("it's"), "'it\\'s'", ':"it\'s"'],
  [atom("end"), "'end'", ":end"],
  [atom("maybe"), "'maybe'", ":maybe"],
  [atom("é"), "é", ":é"],
  [atom("日本"), "'日本'", ":日本"],
  [atom("+"), "'+'", ":+"],
  [[], "[]", "[]"],
  [[1, 2], "[1,2]", "[1, 2]"],
  [charlist("abc"), '"abc"', '~c"abc"'],
  [charlist('it\'s "x"\n'), '"it\'s \\"x\\"\\n"', '~c"it\'s \\"x\\"\\n"'],
  [charlist("é"), '"é"', "[233]"],
  [[65.5], "[65.5]", "[65.5]"],
  [[97, atom("b")], "[97,b]", "[97, :b]"],
  [new ImproperList([1, 2], 3), "[1,2|3]", "[1, 2 | 3]"],
  [tuple(), "{}", "{}"],
  [tuple(tuple(1), []), "{{1},[]}", "{{1}, []}"],
  [[tuple(atom("a"), 1), tuple(atom("b c"), 2)], "[{a,1},{'b c',2}]", '[a: 1, "b c": 2]'],
  [[tuple(atom("a"), 1), 2], "[{a,1},2]", "[{:a, 1}, 2]"],
  [[tuple(atom("Elixir.Foo"), 1)], "[{'Elixir.Foo',1}]", "[{Foo, 1}]"],
  [new TermMap(), "#{}", "%{}"],
  [new TermMap([[atom("a"), 1]]), "#{a => 1}", "%{a: 1}"],
  [new TermMap([[atom("a"), 1], ["b", []]]), '#{a => 1,<<"b">> => []}', '%{:a => 1, "b" => []}'],
  [new Map([["k", true]]), '#{<<"k">> => true}', '%{"k" => true}'],
  [
    struct,
    "#{'__struct__' => 'Elixir.App.User',name => <<\"Zoë\"/utf8>>}",
    '%App.User{name: "Zoë"}',
  ],
  ["", "<<>>", '""'],
  ["Zoë", '<<"Zoë"/utf8>>', '"Zoë"'],
  ['a"b\\\n#{x}', '<<"a\\"b\\\\\\n#{x}">>', '"a\\"b\\\\\\n\\#{x}"'],
  [bytes(1, 2, 255), "<<1,2,255>>", "<<1, 2, 255>>"],
  [bytes(200, 201), '<<"ÈÉ">>', "<<200, 201>>"],
  [bytes(97, 0), "<<97,0>>", "<<97, 0>>"],
  [new Uint8Array([104, 105]), '<<"hi">>', '"hi"'],
  [new Bitstring(new Uint8Array([97, 0b101_00000]), 3), "<<97,5:3>>", "<<97, 5::size(3)>>"],
  [new Bitstring(new Uint8Array([32]), 3), "<<1:3>>", "<<1::size(3)>>"],
  [pid, "<app@host.12.0>", "#PID<app@host.12.0>"],
  [new Port(n, 7, 3), "#Port<app@host.7>", "#Port<app@host.7>"],
  [new Ref(n, 3, [1, 2, 3]), "#Ref<app@host.3.2.1>", "#Reference<app@host.3.2.1>"],
  [new ExternalFun(atom("lists"), atom("map"), 2), "fun lists:map/2", "&:lists.map/2"],
  [
    new ExternalFun(atom("Elixir.Enum"), atom("map!"), 2),
    "fun 'Elixir.Enum':'map!'/2",
    "&Enum.map!/2",
  ],
  [fun, "#Fun<erl_eval.42.3316493>", "#Function<42.3316493 in :erl_eval>"],
  [new LocalTerm(new Uint8Array(9)), "#Local<9 bytes>", "#Local<9 bytes>"],
  [new NativeRecord(atom("m"), atom("r"), 0, [[atom("x"), 1]]), "#m:r{x = 1}", "#:m:r{x: 1}"],
  // No terms, but nothing throws.
  [tuple(undefined), "{#js<undefined>}", "{#js<undefined>}"],
  [
    [new Date(0), Symbol("x"), NaN],
    "[#js<Date>,#js<symbol>,#js<NaN>]",
    "[#js<Date>, #js<symbol>, #js<NaN>]",
  ],
  [[{ a: 1 }], '[#js{<<"a">> => 1}]', '[#js{"a" => 1}]'],
];

test("terms as Erlang and as Elixir print them", () => {
  for (const [value, erlang, elixir] of rows) {
    assertEquals(format(value as never), erlang);
    assertEquals(format(value as never, { style: "elixir" }), elixir);
  }
});

test("what has no more room is left out, and brackets are closed", () => {
  assertEquals(format([1000, 2000, 3000], { maxLength: 7 }), "[1000,2...]");
  assertEquals(format(charlist("日本")), "[26085,26412]");
  assertEquals(format(tuple(atom("ok"), [1, 2, [3]]), { maxLength: 8 }), "{ok,[1,2...]}");
  assertEquals(format("abcdefgh", { maxLength: 5 }), '<<"ab...');
  assertEquals(
    format("\u{1F600}\u{1F600}\u{1F600}", { maxLength: 5, style: "elixir" }),
    '"\u{1F600}\u{1F600}...',
  );
  assertEquals(format([1, 2], { maxLength: 5 }), "[1,2]");
});

test("a limit bounds the work too", () => {
  const start = processorTime();
  format(Binary.from(new Uint8Array(5_000_000).fill(97)) as Binary, { maxLength: 100 });
  format(new Array(5_000_000).fill(97), { maxLength: 100 });
  format(new Array(5_000_000).fill(1000), { maxLength: 100 });
  format("a".repeat(50_000_000), { maxLength: 100 });
  format(2n ** 1_000_000n, { maxLength: 100 });
  assert(processorTime() - start < 3000);
});

test("a value that holds itself ends", () => {
  const list: unknown[] = [];
  list.push(tuple(list));
  assert(format(list as never).length < 1000);
  assert(format(list as never, { style: "elixir" }).length < 1000);
});

test("pids, ports and references are printed so in a text, too", () => {
  for (const term of [pid, new Port(n, 5, 1), new Ref(n, 1, [1, 2, 3])]) {
    assertEquals(`${term}`, format(term));
  }
  assertEquals(String(pid), "<app@host.12.0>");
});
