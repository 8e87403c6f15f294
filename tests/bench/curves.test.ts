import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Curve, CURVES } from "../../bench/curves/curves.ts";
import { drawKept, keepMeasured, kept } from "../../bench/curves/files.ts";
import { growsTooFast, growth } from "../../bench/curves/growth.ts";
import { labelOf, LogScale } from "../../bench/curves/scale.ts";
import { page, picture } from "../../bench/curves/page.ts";
import { draw, labelPlaces, type Series } from "../../bench/curves/svg.ts";
import { RESULTS } from "../../bench/compare/results.ts";

test("a logarithmic axis begins and ends at powers of ten", () => {
  const scale = new LogScale([3, 2_000], 100, 500);
  assertEquals(scale.decades, [1, 10, 100, 1_000, 10_000]);
  assertEquals([scale.at(1), scale.at(100), scale.at(10_000)], [100, 300, 500]);
  assertEquals(scale.between.slice(0, 9), [2, 3, 4, 5, 6, 7, 8, 9, 20]);
  assertEquals(scale.between.length, 32);
  // Where there are many decades the lines between them are fewer.
  assertEquals(new LogScale([1, 1e6], 0, 1).between.slice(0, 4), [2, 5, 20, 50]);
  // Downwards, as heights are.
  const height = new LogScale([0.5, 5], 400, 0);
  assertEquals([height.decades, height.at(0.1), height.at(10)], [[0.1, 1, 10], 400, 0]);
  assertEquals(new LogScale([100], 0, 1).decades, [100, 1_000]);
  assertEquals(new LogScale([20, 30], 0, 1, 2).decades, [10, 100, 1_000]);
});

test("figures have short labels", () => {
  assertEquals(
    [0.2, 0.000_5, 1, 15.25, 999.96, 1_000, 2_500_000].map((us) => labelOf(us, "us")),
    ["200 ns", "0.5 ns", "1 µs", "15.3 µs", "1 ms", "1 ms", "2.5 s"],
  );
  assertEquals([1, 1_000, 300, 1e6].map((n) => labelOf(n, "count")), ["1", "1k", "300", "1M"]);
  assertEquals([10, 1e4, 1e8, 2e9].map((n) => labelOf(n, "B")), [
    "10 B",
    "10 kB",
    "100 MB",
    "2 GB",
  ]);
});

function points(...costs: readonly (readonly [number, number])[]) {
  return costs.map(([size, cost]) => ({ size, samples: [cost] }));
}

test("growth is the exponent over the last two powers of ten", () => {
  assertAlmostEquals(growth(points([1, 9], [10, 2], [100, 2], [1_000, 2]))!, 0);
  assertAlmostEquals(growth(points([1, 1], [10, 10], [100, 100]))!, 1);
  assertAlmostEquals(growth(points([1, 1], [10, 100], [100, 10_000]))!, 2);
  assertEquals(growth(points([1, 1], [10, 100])), null);
  assertEquals(growth([{ size: 1, samples: [] }, { size: 100, samples: [1] }]), null);
  const [flat] = CURVES.filter(({ grows }) => grows === "not");
  const [linear] = CURVES.filter(({ grows }) => grows === "linearly");
  assertEquals([0, 0.5, 1].map((exponent) => growsTooFast(flat, exponent)), [false, false, true]);
  assertEquals([1, 1.2, 2].map((exponent) => growsTooFast(linear, exponent)), [false, false, true]);
});

test("labels beside the ends of lines do not lie on each other", () => {
  assertEquals(labelPlaces([100, 200, 300]), [100, 200, 300]);
  assertEquals(labelPlaces([300, null, 100]), [300, null, 100]);
  for (const ends of [[100, 100, 100], [102, 100, 101], [100, 104, 180], [50, 100, 101]]) {
    const sorted = labelPlaces(ends).map(Number).sort((a, b) => a - b);
    for (let i = 1; i < sorted.length; i++) assert(sorted[i] - sorted[i - 1] >= 15, String(sorted));
  }
  assertEquals(labelPlaces([100, 100, 100]), [85, 100, 115]);
});

const CURVE: Curve = {
  name: "x",
  title: "Calls & <more>",
  along: "servers",
  sizes: [1, 10],
  of: "time of a call",
  unit: "us",
  grows: "not",
  because: "Whatever it is.",
};

test("a picture is well-formed and has axes, a line and a label for each runtime", () => {
  const series: Series[] = [
    { label: "deno", points: [{ size: 1, samples: [2, 1, 3] }, { size: 10, samples: [4] }] },
    { label: "bun", points: [{ size: 1, samples: [5] }, { size: 10, samples: [] }] },
    { label: "node", points: [{ size: 1, samples: [] }] },
  ];
  const svg = draw(CURVE, series, "about");
  assertMatch(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assertMatch(svg, /prefers-color-scheme: dark/);
  assertMatch(svg, /Calls &amp; &lt;more&gt;/);
  // Lines of those that have points; the legend names all.
  assertEquals(svg.match(/<polyline/g)?.length, 2);
  assertEquals(svg.match(/>(deno|bun|node)</g)?.sort(), [
    ">bun<",
    ">bun<",
    ">deno<",
    ">deno<",
    ">node<",
  ]);
  for (const label of ["1", "10", "1 µs", "10 µs", "servers", "time of a call"]) {
    assert(svg.includes(`>${label}<`), label);
  }
  assert(!/NaN|Infinity|undefined/.test(svg));
  const open = svg.match(/<[a-z]+/g)?.length;
  assertEquals(open, (svg.match(/\/>/g)?.length ?? 0) + (svg.match(/<\/[a-z]+>/g)?.length ?? 0));
  assertThrows(() => draw(CURVE, [], ""), Error, "Cannot draw x: it has no points");
});

test("a page shows each curve with its sentence, its picture and a table of the medians", () => {
  const sizes = [1, 10, 100];
  const machine = { cpu: "x", cores: 2, memory: 1, system: "linux", load: [0, 0] } as const;
  const measured = {
    date: "2026-11-21T12:00:00Z",
    machine,
    versions: { bun: "1.2" },
    rounds: 1,
    series: [{
      label: "bun",
      points: sizes.map((size) => ({ size, samples: [size, 2 * size, 3 * size] })),
      failed: null,
    }, { label: "node", points: [], failed: "at 1: it ended" }],
  };
  const text = page([[{ ...CURVE, sizes }, measured]], "curves");
  assertEquals(
    text.split("\n\n").slice(3),
    [
      "## Calls & <more>",
      "Whatever it is.",
      "![time of a call by servers](curves/x.svg)",
      "| time of a call, by servers | 1 | 10 | 100 | growth |\n" +
      "| --- | ---: | ---: | ---: | ---: |\n" +
      "| bun | 2 µs | 20 µs | 200 µs | 1.00, too fast |\n" +
      "| node |  |  |  |  |",
      "- node failed at 1: it ended",
    ],
  );
  assertMatch(picture(CURVE, measured), /medians of 3 samples, bars from least to greatest</);
});

function inFolder(body: (folder: string) => void): void {
  const above = mkdtempSync(join(tmpdir(), "ergo-curves-"));
  const folder = join(above, "curves");
  mkdirSync(folder);
  try {
    body(folder);
  } finally {
    rmSync(above, { recursive: true });
  }
}

/** All that was written for curves: the page, and what is in the folder. */
function written(folder: string): Record<string, string> {
  const files = readdirSync(folder).sort().map((file) => join("curves", file));
  return Object.fromEntries(
    ["curves.md", ...files].map((file) => [file, readFileSync(join(folder, "..", file), "utf8")]),
  );
}

test("the pictures and the page that are kept are what `bench:curves --draw` makes", () => {
  const before = written(join(RESULTS, "curves"));
  inFolder((folder) => {
    for (const file of Object.keys(before).filter((file) => file.endsWith(".json"))) {
      copyFileSync(join(RESULTS, file), join(folder, "..", file));
    }
    drawKept(folder, CURVES);
    const after = written(folder);
    assertEquals(Object.keys(after), Object.keys(before));
    for (const [file, text] of Object.entries(after)) {
      assert(text === before[file], `${file} is not what is drawn: run bench:curves --draw`);
    }
  });
});

test("what was measured is drawn as it is kept, so that drawing again changes nothing", () => {
  const [curve] = CURVES;
  const points = curve.sizes.map((size) => ({ size, samples: [1.234_567, 2.345_678, 98_765.432] }));
  const machine = { cpu: "x", cores: 2, memory: 1, system: "linux", load: [0.123_456, 0] } as const;
  const series = [{ label: "bun", points, failed: null }];
  inFolder((folder) => {
    const measured = { date: "2026-11-21", machine, versions: {}, rounds: 1, series };
    keepMeasured(folder, curve, measured);
    drawKept(folder, [curve]);
    assertEquals(kept(folder, curve)?.series[0].points[0].samples, [1.235, 2.346, 98_770]);
    const first = written(folder);
    assertEquals(Object.keys(first).length, 3);
    keepMeasured(folder, curve, kept(folder, curve)!);
    drawKept(folder, [curve]);
    assertEquals(written(folder), first);
  });
});

test("each curve has a name of its own, and sizes that grow", () => {
  assertEquals(new Set(CURVES.map(({ name }) => name)).size, CURVES.length);
  for (const { name, sizes } of CURVES) {
    assertEquals([...sizes], sizes.toSorted((a, b) => a - b), name);
    assert(growth(sizes.map((size) => ({ size, samples: [1] }))) === 0, `${name} is too short`);
  }
});
