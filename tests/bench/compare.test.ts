import { test } from "node:test";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { json } from "../../bench/compare/results.ts";
import { type Cell, codecMeans, ratioTo, type Row } from "../../bench/compare/rows.ts";
import { geometricMean, ratio, ratioOf, summary } from "../../bench/compare/statistics.ts";
import { tables } from "../../bench/compare/table.ts";
import { isUndecided, verdicts } from "../../bench/compare/verdicts.ts";
import { type Peer, type Target, WORKLOADS } from "../../bench/compare/workloads.ts";

function cell(peer: Peer | null, runtime: string | null, ...samples: number[]): Cell {
  const label = [peer, runtime].filter((part) => part !== null).join(" on ");
  return { label, peer, runtime, samples, processor: [], missing: null };
}

function row(more: Partial<Row> & Pick<Row, "cells">): Row {
  return { name: "x", title: "x", group: "local", unit: "us", targets: [], ...more };
}

test("the median and the quartiles of samples in any order", () => {
  assertEquals(summary([5, 1, 3, 2, 4]), { median: 3, lower: 2, upper: 4 });
  assertEquals(summary([4, 1, 3, 2]), { median: 2.5, lower: 1.75, upper: 3.25 });
  assertEquals(summary([7]), { median: 7, lower: 7, upper: 7 });
  assertThrows(() => summary([]), Error, "Cannot sum up no samples");
});

test("a ratio over 1 is better, in each unit", () => {
  assertEquals(ratio("/s", 300, 100), 3);
  assertEquals(ratio("us", 2, 8), 4);
  assertEquals(ratio("B", 500, 250), 0.5);
});

test("a ratio reaches from the worse quartiles of ours to the better ones", () => {
  const [ours, theirs] = [[1, 2, 3], [8, 10, 12]];
  // Quartiles 1.5 and 2.5, 9 and 11.
  assertEquals(ratioOf("us", ours, theirs), { median: 5, least: 9 / 2.5, most: 11 / 1.5 });
  assertEquals(ratioOf("/s", theirs, ours), { median: 5, least: 9 / 2.5, most: 11 / 1.5 });
});

test("the geometric mean", () => {
  assertEquals(Math.round(geometricMean([1, 10, 100])), 10);
  assertThrows(() => geometricMean([]), Error, "Cannot take the mean of no values");
});

test("ours is compared with a peer of the same runtime where it runs on one", () => {
  const one = row({
    cells: [
      cell(null, "deno", 10),
      cell(null, "bun", 20),
      cell("otp", null, 40),
      cell("tcp", "deno", 5),
      cell("tcp", "bun", 2),
      cell("ergo2", null),
    ],
  });
  const [deno, bun] = one.cells;
  const median = (ours: Cell, peer: Peer) => ratioTo(one, ours, peer)?.median;
  assertEquals([median(deno, "otp"), median(bun, "otp")], [4, 2]);
  assertEquals([median(deno, "tcp"), median(bun, "tcp")], [0.5, 0.1]);
  assertEquals(ratioTo(one, deno, "ergo2"), null);
});

function outcomeOf(target: Target, ours: readonly number[], theirs: readonly number[]) {
  const cells = [cell(null, "bun", ...ours), cell("otp", null, ...theirs)];
  const [verdict] = verdicts([row({ cells, targets: [target] })]);
  return verdict.outcome;
}

test("a target is reached by the median", () => {
  const target = { peer: "otp", times: 3 } as const;
  assertEquals(outcomeOf(target, [1, 1, 1], [4, 4, 4]), "yes");
  assertEquals(outcomeOf(target, [1, 1, 1.6], [4, 4, 4]), "yes");
  assertEquals(outcomeOf(target, [1, 1, 2], [4, 4, 4]), "yes");
  assertEquals(outcomeOf(target, [1, 2, 2], [4, 4, 4]), "no");
  assertEquals(outcomeOf(target, [0.5, 2, 2], [4, 4, 4]), "no");
  assertEquals(outcomeOf(target, [1, 1, 1], [2, 2, 2]), "no");
  assertEquals(outcomeOf(target, [], [2]), "no figure");
  assertEquals(outcomeOf({ peer: "ergo3", times: 5 }, [1], [2]), "no figure");
  assertEquals(outcomeOf({ most: 600 }, [599, 599, 599], []), "yes");
  assertEquals(outcomeOf({ most: 600 }, [601, 601, 601], []), "no");
});

test("the best of the runtimes counts, and the worst is to reach half of it", () => {
  const cells = [
    cell(null, "deno", 20),
    cell(null, "bun", 5),
    cell(null, "node", 10),
    cell("otp", null, 20),
  ];
  const [verdict] = verdicts([row({ cells, targets: [{ peer: "otp", times: 3 }] })]);
  assertEquals(verdict, {
    title: "x",
    target: "3 x otp",
    ratios: { deno: 1, bun: 4, node: 2 },
    outcome: "yes",
    best: { median: 4 / 3, least: 4 / 3, most: 4 / 3 },
    share: 0.25,
  });
});

test("a target is open where the quartiles of the best lie on both sides of it", () => {
  const [tcp, otp]: Target[] = [{ times: 0.8, peer: "tcp" }, { times: 2, peer: "otp" }];
  // Of bun, the best, 1.6 to 2.4 times OTP.
  const cells = [
    cell(null, "deno", 20),
    cell(null, "bun", 5, 6, 7),
    cell("otp", null, 11, 12, 13),
    cell("tcp", "deno", 1),
    cell("tcp", "bun", 6),
  ];
  assert(isUndecided(row({ cells, targets: [otp] })));
  assert(isUndecided(row({ cells, targets: [tcp, otp] })));
  assert(!isUndecided(row({ cells, targets: [tcp, { times: 1.5, peer: "otp" }] })));
  assert(!isUndecided(row({ cells, targets: [{ times: 2.5, peer: "otp" }] })));
  assert(!isUndecided(row({ cells, targets: [{ times: 1, peer: "ergo2" }] })));
  assert(isUndecided(row({ cells, targets: [{ most: 6 }] })));
  assert(!isUndecided(row({ cells })));
});

test("the means of the codec are over what both can do", () => {
  const rows = [
    row({
      name: "encode-a",
      group: "codec",
      unit: "/s",
      cells: [cell(null, "bun", 8), cell("otp", null, 2), cell("ergo2", null, 1)],
    }),
    row({
      name: "decode-a",
      group: "codec",
      unit: "/s",
      cells: [cell(null, "bun", 9), cell("otp", null, 9), cell("ergo2", null)],
    }),
    row({ name: "encode-b", cells: [cell(null, "bun", 8), cell("otp", null, 2)] }),
  ];
  const means = codecMeans(rows).map(({ title, peer, ratio, of, rows }) =>
    [title, peer, ratio.median, of, rows] as const
  );
  assertEquals(means.map(([title, peer, , of, rows]) => [title, peer, of, rows]), [
    ["encode, geometric mean", "otp", 1, 1],
    ["encode, geometric mean", "ergo2", 1, 1],
    ["decode, geometric mean", "otp", 1, 1],
    ["codec, geometric mean of both ways", "otp", 2, 2],
    ["codec, geometric mean of both ways", "ergo2", 1, 2],
  ]);
  for (const [i, value] of [4, 8, 1, 2, 8].entries()) assertAlmostEquals(means[i][2], value);
  // Where nothing decodes, there is no mean of both.
  assertEquals(codecMeans(rows.slice(0, 1)).map(({ title, peer }) => [title, peer]), [
    ["encode, geometric mean", "otp"],
    ["encode, geometric mean", "ergo2"],
  ]);
  assertEquals(verdicts(rows).map(({ title, outcome }) => [title, outcome]), [
    ["encode, geometric mean", "yes"],
    ["decode, geometric mean", "yes"],
    ["codec, geometric mean of both ways", "yes"],
  ]);
});

test("the tables show targets, medians, spread and ratios, and say what is missing", () => {
  const without: Cell = { ...cell("ergo3", null), missing: "there is no go on PATH" };
  const once: Cell = { ...cell(null, "bun", 1), missing: "failed: it ended" };
  const rows = [
    row({
      name: "call",
      title: "local call",
      targets: [{ peer: "otp", times: 3 }, { peer: "ergo3", times: 5 }],
      cells: [cell(null, "node", 1, 3, 2), once, cell("otp", null, 4), without],
    }),
    row({
      name: "encode-x",
      title: "encode x",
      group: "codec",
      unit: "/s",
      cells: [cell(null, "node", 12_000), cell("otp", null, 3_000)],
    }),
    row({
      name: "decode-x",
      title: "decode x",
      group: "codec",
      unit: "/s",
      cells: [cell(null, "node", 9), cell("otp", null, 9)],
    }),
  ];
  assertEquals(
    tables(rows),
    `| workload | target | node | bun | reached | best / target | worst / best |
| --- | --- | ---: | ---: | --- | ---: | ---: |
| local call | 3 x otp | 2.00 | 4.00 | yes | 1.33 | 0.50 |
| local call | 5 x ergo3 |  |  | no figure |  |  |
| encode, geometric mean | 1 x otp | 4.00 |  | yes | 4.00 |  |
| decode, geometric mean | 1 x otp | 1.00 |  | yes | 1.00 |  |
| codec, geometric mean of both ways | 1 x otp | 2.00 |  | yes | 2.00 |  |

| workload | system | median | quartiles | x otp | x ergo3 |
| --- | --- | ---: | ---: | ---: | ---: |
| local call (us) | node | 2.00 | 1.50 to 2.50 | 2.00 |  |
|  | bun | 1.00 | 1.00 to 1.00 | 4.00 |  |
|  | otp | 4.00 | 4.00 to 4.00 |  |  |

| workload | system | median | quartiles | x otp |
| --- | --- | ---: | ---: | ---: |
| encode x (/s) | node | 12,000 | 12,000 to 12,000 | 4.00 |
|  | otp | 3,000 | 3,000 to 3,000 |  |
| decode x (/s) | node | 9.00 | 9.00 to 9.00 | 1.00 |
|  | otp | 9.00 | 9.00 to 9.00 |  |
| encode, geometric mean | node |  |  | 4.00 |
| decode, geometric mean | node |  |  | 1.00 |
| codec, geometric mean of both ways | node |  |  | 2.00 |

- a round without a figure of bun: failed: it ended (call)
- no figure of ergo3: there is no go on PATH (call)`,
  );
});

test("results are kept small: four digits, and a line for what fits on one", () => {
  const value = { a: 1.23456789, b: { c: [1000000, 0.000123456] }, long: "x".repeat(160) };
  assertEquals(
    json(value),
    `{\n  "a": 1.235,\n  "b": {"c":[1000000,0.0001235]},\n  "long": "${"x".repeat(160)}"\n}`,
  );
  assertEquals(JSON.parse(json(value)).b.c[1], 0.0001235);
});

test("each row has a name of its own, ours, and a far side for each program that needs one", () => {
  assertEquals(new Set(WORKLOADS.map(({ name }) => name)).size, WORKLOADS.length);
  for (const { name, programs, far } of WORKLOADS) {
    assert(programs.ours !== undefined, name);
    // Nobody else has stages: see there.
    assert(Object.keys(programs).length > 1 || name === "stages", `${name} has no peer`);
    if (far === undefined) continue;
    for (const system of Object.keys(programs)) assert(system in far, `${name}: ${system}`);
    assertStringIncludes(Object.values(far).flat().join(" "), "far");
  }
});

test("each target is about a peer of its row, or a bound", () => {
  for (const { name, programs, targets = [] } of WORKLOADS) {
    for (const target of targets) {
      if ("most" in target) assert(target.most > 0, name);
      else assert(target.times > 0 && target.peer in programs, `${name}: ${target.peer}`);
    }
  }
});
