import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { geometricMean, ratio, summary } from "../../bench/compare/statistics.ts";
import { type Cell, ratioTo, type Row, tables } from "../../bench/compare/table.ts";
import { type Peer, WORKLOADS } from "../../bench/compare/workloads.ts";

function cell(peer: Peer | null, runtime: string | null, ...samples: number[]): Cell {
  const label = [peer, runtime].filter((part) => part !== null).join(" on ");
  return { label, peer, runtime, samples, missing: null };
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

test("the geometric mean", () => {
  assertEquals(Math.round(geometricMean([1, 10, 100])), 10);
  assertThrows(() => geometricMean([]), Error, "Cannot take the mean of no values");
});

test("ours is compared with a peer of the same runtime where it runs on one", () => {
  const row: Row = {
    name: "x",
    title: "x",
    group: "remote",
    unit: "us",
    cells: [
      cell(null, "deno", 10),
      cell(null, "bun", 20),
      cell("otp", null, 40),
      cell("tcp", "deno", 5),
      cell("tcp", "bun", 2),
      cell("ergo2", null),
    ],
  };
  const [deno, bun] = row.cells;
  assertEquals([ratioTo(row, deno, "otp"), ratioTo(row, bun, "otp")], [4, 2]);
  assertEquals([ratioTo(row, deno, "tcp"), ratioTo(row, bun, "tcp")], [0.5, 0.1]);
  assertEquals(ratioTo(row, deno, "ergo2"), null);
});

test("the tables show medians, spread and ratios, and say what is missing", () => {
  const without: Cell = { ...cell("ergo3", null), missing: "there is no go on PATH" };
  const rows: Row[] = [
    {
      name: "call",
      title: "local call",
      group: "local",
      unit: "us",
      cells: [cell(null, "node", 1, 3, 2), cell("otp", null, 4), without],
    },
    {
      name: "encode-x",
      title: "encode x",
      group: "codec",
      unit: "/s",
      cells: [cell(null, "node", 12_000), cell("otp", null, 3_000)],
    },
    {
      name: "decode-x",
      title: "decode x",
      group: "codec",
      unit: "/s",
      cells: [cell(null, "node", 9), cell("otp", null, 9)],
    },
  ];
  assertEquals(
    tables(rows),
    `| workload | system | median | quartiles | x otp | x ergo3 |
| --- | --- | ---: | ---: | ---: | ---: |
| local call (us) | node | 2.00 | 1.50 to 2.50 | 2.00 |  |
|  | otp | 4.00 | 4.00 to 4.00 |  |  |

| workload | system | median | quartiles | x otp |
| --- | --- | ---: | ---: | ---: |
| encode x (/s) | node | 12,000 | 12,000 to 12,000 | 4.00 |
|  | otp | 3,000 | 3,000 to 3,000 |  |
| decode x (/s) | node | 9.00 | 9.00 to 9.00 | 1.00 |
|  | otp | 9.00 | 9.00 to 9.00 |  |

- codec, node x otp: 2.00, the geometric mean of 2

- no figure of ergo3: there is no go on PATH (call)`,
  );
});

test("each row has a name of its own, ours, and a far side for each program that needs one", () => {
  assertEquals(new Set(WORKLOADS.map(({ name }) => name)).size, WORKLOADS.length);
  for (const { name, programs, far } of WORKLOADS) {
    assert(programs.ours !== undefined, name);
    assert(Object.keys(programs).length > 1, `${name} has no peer`);
    if (far === undefined) continue;
    for (const system of Object.keys(programs)) assert(system in far, `${name}: ${system}`);
    assertStringIncludes(Object.values(far).flat().join(" "), "far");
  }
});
