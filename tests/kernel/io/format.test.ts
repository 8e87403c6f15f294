import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  atom,
  Bitstring,
  charlist,
  type Encodable,
  float,
  FormatError,
  formatText,
  ImproperList,
  type Node,
  startNode,
  type Term,
  Tuple,
  tuple,
} from "../../../mod.ts";
import { charDataText } from "../../../lib/kernel/io/char_data.ts";
import { type ErlangNode, freePort, needsErlang, startErlang } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

const THEIRS = "theirs@localhost";

/** Our node, and one of Erlang's that formats what ours has formatted. */
let sides: Promise<{ node: Node; erl: ErlangNode }> | null = null;

function start(): Promise<{ node: Node; erl: ErlangNode }> {
  return sides ??= (async () => {
    const epmdPort = await freePort();
    const node = await startNode("ours@localhost", {
      cookie: "format",
      epmd: { port: epmdPort },
      terms: { floats: "wrap" },
    });
    const erl = await startErlang({ name: THEIRS, cookie: "format", epmdPort });
    return { node, erl };
  })();
}

/** What Erlang's io_lib makes of it; an error for all that it refuses. */
async function theirs(node: Node, format: string, args: Encodable): Promise<string> {
  try {
    const chars = await node.rpc(THEIRS, "io_lib", "format", [charlist(format), args], {
      timeout: 50_000,
    });
    return charDataText(chars, "unicode");
  } catch {
    return "refused";
  }
}

function ours(format: string, args: Term): string {
  try {
    return formatText(format, args as Encodable[]);
  } catch (error) {
    if (error instanceof FormatError) return "refused";
    throw error;
  }
}

/** Compares a pair, in which the terms are as Erlang gives them back: the keys of maps have its order. */
async function compare(format: string, args: readonly Encodable[]): Promise<void> {
  const { node } = await start();
  const sent = await node.rpc(THEIRS, "erlang", "hd", [[args]]);
  assertEquals(
    ours(format, sent),
    await theirs(node, format, sent as Encodable),
    `${JSON.stringify(format)} with ${printed(sent)}`,
  );
}

function printed(term: Term): string {
  return ours("~0tp", [term] as Term);
}

/** Random numbers that are the same in each run. */
class Random {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  below(limit: number): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(this.#seed / 2 ** 32 * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  many<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

const ATOMS = ["ok", "error", "Ok", "a b", "don't", "æøå", "日本", "receive", "x@y_1", ""];
const TEXTS = [
  "",
  "hello",
  "Zoë",
  'say "hi"',
  "line\nbreak\ttab",
  "日本語",
  "a\\b",
  "\x01\x7f",
  "e\u0301x",
];

function name(random: Random): Encodable {
  return random.below(6) === 0 ? random.pick([true, false, null]) : atom(random.pick(ATOMS));
}

function integer(random: Random): number | bigint {
  return random.pick<() => number | bigint>([
    () => random.below(10),
    () => random.below(1000) - 500,
    () => random.below(2 ** 31),
    () => -(2n ** BigInt(random.below(200))),
  ])();
}

function floating(random: Random): Encodable {
  const value = (random.below(2_000_000) - 1_000_000) / random.pick([1, 8, 3, 1e4, 1e10, 1e-10]);
  return float(
    random.pick([
      value,
      value,
      value,
      0,
      -0,
      0.1,
      9.9999999,
      0.05,
      99999.5,
      1e15,
      1e300,
      2.5e-8,
      1,
    ]),
  );
}

/** ASCII, or what is no text: with `~tp` OTP 29 does not print as text any more what is text in Latin-1 only. */
function bytes(random: Random, most: number): Uint8Array {
  return new Uint8Array(
    random.pick([
      random.many(most, () => 32 + random.below(100)),
      [1, ...random.many(most, () => random.below(256))],
    ]),
  );
}

function text(random: Random): Encodable {
  const chosen = random.pick(TEXTS);
  return random.pick<Encodable>([
    charlist(chosen),
    chosen,
    [chosen, charlist(chosen), 10],
    name(random),
    bytes(random, 9),
  ]);
}

function term(random: Random, depth: number): Encodable {
  const leaf = random.below(depth <= 0 ? 7 : 13);
  const inner = (): Encodable => term(random, depth - 1);
  switch (leaf) {
    case 0:
      return integer(random);
    case 1:
      return floating(random);
    case 2:
      return name(random);
    case 3:
      return text(random);
    case 4:
      return bytes(random, 60);
    case 5:
      return "words ".repeat(random.below(20));
    case 6:
      return new Bitstring(new Uint8Array([1, 2, random.below(256)]), 1 + random.below(7));
    case 7:
    case 8:
      return random.many(12, inner);
    case 9:
      return tuple(...random.many(8, inner)) as Encodable;
    case 10:
      return tuple(name(random), ...random.many(6, inner)) as Encodable;
    case 11:
      return new Map(
        random.many(6, inner).map((key, i) => [random.pick([i, tuple(i, key) as Encodable]), key]),
      );
    default:
      return new ImproperList([inner() as Term, atom("x")], random.pick([atom("tail"), 5]));
  }
}

/** A control sequence, and arguments that suit it most of the time. */
function directive(random: Random): [string, Encodable[]] {
  const control = random.pick([..."wpWPscefgbBxX+#i~n", "p", "p", "p", "w", "s"]);
  const width = random.pick(["", "", "", "", "5", "-8", "12", "0", "30", "100"]);
  const precision = random.pick(["", "", "", ".3", ".1", ".8", ".16"]);
  const pad = precision === "" ? random.pick(["", "", "..0", "..*"]) : random.pick(["", ".x"]);
  const modifier = random.pick(["", "", "t", "t", "l", "lt"]);
  const args: Encodable[] = pad === "..*" ? [45] : [];
  const value = (): Encodable => term(random, 3);
  if ("wpi".includes(control)) args.push(value());
  else if ("WP".includes(control)) args.push(value(), random.below(12));
  else if (control === "s") args.push(text(random));
  else if (control === "c") args.push(32 + random.below(random.pick([90, 1000])));
  else if ("efg".includes(control)) args.push(floating(random));
  else if ("bB+#".includes(control)) args.push(integer(random));
  else if ("xX".includes(control)) {
    args.push(integer(random), random.pick<Encodable>([charlist("0x"), atom("p")]));
  }
  return [`~${width}${precision}${pad}${modifier}${control}`, args];
}

test(
  "hundreds of random formats come out as Erlang's io_lib makes them",
  { skip: needsErlang },
  async () => {
    const random = new Random(4711);
    for (let i = 0; i < 1_000; i++) {
      let format = random.pick(["", "text ", "a\tb ", "line\n  "]);
      const args: Encodable[] = [];
      for (let n = 1 + random.below(3); n > 0; n--) {
        const [sequence, taken] = directive(random);
        format += sequence + random.pick(["", " ", "~n", ", "]);
        args.push(...taken);
      }
      await compare(format, args);
    }
  },
);

test("large terms are broken into lines as Erlang breaks them", { skip: needsErlang }, async () => {
  const random = new Random(42);
  for (let i = 0; i < 100; i++) {
    const value = tuple(
      atom("state"),
      ...Array.from({ length: 4 }, () => term(random, 5)),
    ) as Encodable;
    for (const format of ["~p", "~tp", "value: ~60p", "~lp", "~40.10tp", "~0p", "~w", "~tw"]) {
      await compare(format, [value]);
    }
    await compare("~P ~W", [value, 2 + random.below(30), value, random.below(30)]);
  }
});

test("a large map is printed in the order of Erlang", { skip: needsErlang }, async () => {
  await compare("~p", [new Map(Array.from({ length: 100 }, (_, i) => [i, atom(`v${i}`)]))]);
});

test("what Erlang refuses is refused", { skip: needsErlang }, async () => {
  const refused: [string, Encodable[]][] = [
    ["~p", []],
    ["", [1]],
    ["~q", [1]],
    ["~", []],
    ["~d", [1]],
    ["~B", [float(1)]],
    ["~f", [1]],
    ["~s", [[1000]]],
    ["~s", [5]],
    ["~s", [atom("日本")]],
    ["~s", [tuple(97, 98)] as Encodable[]],
    ["~1e", [float(1)]],
    ["~.1e", [float(1)]],
    ["~.0f", [float(1)]],
    ["~.37B", [1]],
    ["~-5n", []],
    ["~-80p", [1]],
    ["~*p", [atom("x"), 1]],
    ["~tc", [0xd800]],
  ];
  for (const [format, args] of refused) await compare(format, args);
});

test("what a format gives needs no Erlang", () => {
  assertEquals(formatText("~p is ~.2f~n", [atom("pi"), 3.14159]), "pi is 3.14\n");
  assertEquals(formatText("~ts|~6s|~-6s|", ["zoë", "ab", "ab"]), "zoë|    ab|ab    |");
  assertEquals(formatText("~8..0B ~.16b ~.2#", [42, 255, 5]), "00000042 ff 2#101");
  assertEquals(formatText("~w ~W", [charlist("ab"), charlist("abcdef"), 3]), "[97,98] [97,98|...]");
});

test("a message says what does not fit", () => {
  assertThrows(() => formatText("~p", []), FormatError, "too few arguments");
  assertThrows(() => formatText("~f", [1]), FormatError, "takes a float");
  assertThrows(() => formatText("~999999999s", ["x"]), FormatError, "more than");
});

test("a term that is nested without end is printed all the same", () => {
  let deep: Term = [];
  for (let i = 0; i < 200_000; i++) deep = new Tuple<[Term]>(1).fill(deep) as unknown as Term;
  assertEquals(formatText("~p", [deep]).length, 400_002);
});

test("the nodes stop", { skip: needsErlang }, async () => {
  const { node, erl } = await start();
  await erl.kill();
  await node.stop();
});

testNothingIsLeft();
