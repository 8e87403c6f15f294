import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { decode } from "../../../lib/etf/decoder.ts";
import { encode } from "../../../lib/etf/encoder.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { t } from "../../../mod.ts";
import { needs } from "../../_support/runtime.ts";

const theirs = `[
  DateTime.from_naive!(~N[2024-02-29 12:34:56.789123], "Etc/UTC"),
  ~N[2024-02-29 12:34:56],
  {{2024, 2, 29}, {12, 34, 56}},
  ~D[2024-02-29],
  ~T[12:34:56.50],
  [format: "A4", pages: 3],
  %{"format" => "A4", "pages" => 3},
  1..3,
  ~c"Zoë",
  ["Zo", [0xEB, ?!]]
]`;

const Options = t.options({ format: t.text, pages: t.integer });
const Range = t.struct("Range", { first: t.integer, last: t.integer, step: t.integer });

/** What the terms above are to become. */
const read = t.list(t.term).transform((list) => [
  ...list.slice(0, 3).map((term) => t.dateTime.parse(term).toISOString()),
  t.date.parse(list[3]),
  t.time.parse(list[4]),
  Options.parse(list[5]),
  Options.parse(list[6]),
  Range.parse(list[7]),
  t.charlist.parse(list[8]),
  t.chardata.parse(list[9]),
]);

const moment = new Date("2024-02-29T12:34:56.789Z");
const ours = tuple(
  t.dateTime.toTerm(moment),
  t.naiveDateTime.toTerm(moment),
  t.erlangDateTime.toTerm(moment),
  t.date.toTerm("2024-02-29"),
  t.time.toTerm("12:34:56.50"),
  t.keyword({ format: t.text, pages: t.integer }).toTerm({ format: "A4", pages: 3 }),
  Options.toTerm({ format: "A4", pages: 3 }),
  Range.toTerm({ first: 1, last: 3, step: 1 }),
  t.charlist.toTerm("Zoë"),
  t.tuple(t.float, t.number, t.enum("png")).toTerm(tuple(1, 1, "png")),
);

function run(script: string, ...args: string[]): string {
  const ran = spawnSync("elixir", ["-e", script, ...args], { encoding: "utf8" });
  assertEquals(ran.status, 0, ran.stderr);
  return ran.stdout.trim();
}

test("what Elixir makes is read, and what we write Elixir reads", { skip: needs("elixir") }, () => {
  const sent = btoa(String.fromCharCode(...encode(ours)));
  const out = run(
    `IO.puts(Base.encode64(:erlang.term_to_binary(${theirs})))
     [sent] = System.argv()
     sent |> Base.decode64!() |> :erlang.binary_to_term() |> Tuple.to_list()
     |> Enum.each(&IO.puts(inspect(&1, charlists: :as_lists)))`,
    sent,
  ).split("\n");
  const bytes = Uint8Array.from(atob(out[0]), (character) => character.charCodeAt(0));
  assertEquals(read.parse(decode(bytes)), [
    "2024-02-29T12:34:56.789Z",
    "2024-02-29T12:34:56.000Z",
    "2024-02-29T12:34:56.000Z",
    "2024-02-29",
    "12:34:56.50",
    { format: "A4", pages: 3 },
    { format: "A4", pages: 3 },
    { first: 1, last: 3, step: 1 },
    "Zoë",
    "Zoë!",
  ]);
  assertEquals(out.slice(1), [
    "~U[2024-02-29 12:34:56.789Z]",
    "~N[2024-02-29 12:34:56.789]",
    "{{2024, 2, 29}, {12, 34, 56}}",
    "~D[2024-02-29]",
    "~T[12:34:56.50]",
    '[format: "A4", pages: 3]',
    '%{format: "A4", pages: 3}',
    "1..3",
    "[90, 111, 235]",
    "{1.0, 1, :png}",
  ]);
});
