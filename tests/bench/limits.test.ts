import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Result } from "../../bench/compare/report.ts";
import { chosen, roundsOf } from "../../bench/compare/rounds.ts";
import type { Cell, Row } from "../../bench/compare/rows.ts";
import { type Peer, WORKLOADS } from "../../bench/compare/workloads.ts";
import { LIMITS } from "../../bench/limits/limits.ts";
import { best, report } from "../../bench/limits/report.ts";

function cell(peer: Peer | null, runtime: string | null, value: number, processor = 0): Cell {
  const label = [peer, runtime].filter((part) => part !== null).join(" on ");
  const times = processor === 0 ? [] : [processor];
  return { label, peer, runtime, samples: [value], processor: times, missing: null };
}

const CALLS: Row = {
  name: "calls-from-erlang",
  title: "calls from Erlang",
  group: "erlang",
  unit: "/s",
  targets: [{ peer: "otp", times: 1.5 }],
  cells: [
    cell(null, "deno", 100_000, 5),
    cell(null, "bun", 110_000, 5),
    cell("otp", null, 100_000, 10),
    cell("ideal", "deno", 120_000, 8),
    cell("ideal", "bun", 130_000, 5),
  ],
};

function encoding(name: string, ours: number, bare: number): Row {
  const cells = [cell(null, "bun", ours), cell("otp", null, 1), cell("bare", "bun", bare)];
  const targets = [{ peer: "otp", times: 1 } as const];
  return { name, title: name, group: "codec", unit: "/s", targets, cells };
}

test("the best of the runtimes, of ours and of a floor", () => {
  assertEquals(best(CALLS, null, "otp"), { label: "bun", ratio: 1.1 });
  assertEquals(best(CALLS, "ideal", "otp"), { label: "bun", ratio: 1.3 });
  assertEquals(best(CALLS, "bare", "otp"), null);
});

test("the page says of each target whether its floor would reach it, and who keeps how many processors busy", () => {
  const rows = [CALLS, encoding("encode-call", 0.5, 2), encoding("encode-pids", 2, 4)];
  const result: Result = {
    date: "2026-11-21T12:00:00Z",
    machine: { cpu: "x", cores: 2, memory: 2 ** 30, system: "linux", load: [0, 0] },
    versions: { bun: "1" },
    ...{ rounds: 1, warm: 1, ms: 1, count: 0, rows },
  };
  const page = report(result, LIMITS);
  const lines = page.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(lines.slice(2, 5), [
    "| calls from Erlang | 1.5 x otp | 1.10 (bun) | Erlang to who answers by ready-made bytes (ideal) | 1.30 (bun) | 0.867 | out of reach here |",
    "| encode-call | 1 x otp | 0.500 (bun) | an array for the result, and its bytes copied from where they are ready (bare) | 2.00 (bun) | 2.00 | the floor would reach it |",
    "| encode-pids | 1 x otp | 2.00 (bun) | an array for the result, and its bytes copied from where they are ready (bare) | 4.00 (bun) | 4.00 | reached |",
  ]);
  // 8 microseconds for each of 120,000 in a second.
  assertStringIncludes(page, "|  | ideal on deno | 8.00 | 0.96 |");
});

test("each limit is a row of the comparison, with a far side for each program that needs one", () => {
  assertEquals(new Set(LIMITS.map(({ workload }) => workload.name)).size, LIMITS.length);
  for (const { workload, floors } of LIMITS) {
    const { name, programs, far, targets = [] } = workload;
    assert(WORKLOADS.some((one) => one.name === name), name);
    assert(targets.length > 0, name);
    for (const floor of Object.keys(floors)) {
      assert(floor in programs, `${name}: ${floor}`);
      if (far !== undefined) assert(floor in far, `${name}: the far side of ${floor}`);
    }
    for (const target of targets) assert("peer" in target && target.peer in programs, name);
  }
});

test("all samples where a target is about it, a third of them for what stands beside, one of memory", () => {
  const rounds = (name: string, peer: Peer | null): number => {
    const workload = WORKLOADS.find((one) => one.name === name)!;
    return roundsOf(workload, { peer, runtime: "bun" }, 5);
  };
  assertEquals([rounds("call", null), rounds("call", "otp"), rounds("send", "ergo2")], [5, 5, 2]);
  assertEquals([rounds("encode-call", "otp"), rounds("encode-call", "erlang_js")], [5, 2]);
  assertEquals([rounds("remote-calls-one-process", null), rounds("memory-server", null)], [2, 1]);
});

test("rows are chosen by name, or by how their names begin", () => {
  assertEquals(chosen(WORKLOADS, undefined), WORKLOADS);
  assertEquals(chosen(WORKLOADS, "call,calls").map(({ name }) => name), ["call", "calls"]);
  assert(chosen(WORKLOADS, "remote-send").every(({ name }) => name.startsWith("remote-send-")));
  assertThrows(() => chosen(WORKLOADS, "nothing"), Error, "Cannot measure nothing: there are call");
});
