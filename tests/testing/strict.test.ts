import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { atom, explore, simulate, type Simulation, SimulationError, tuple } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { selfCommand } from "../_support/runtime.ts";

async function failureOf(
  script: (sim: Simulation) => unknown,
  options: object = {},
): Promise<SimulationError> {
  return await assertRejects(() => simulate({ seed: 1, ...options }, script), SimulationError);
}

const once = { twice: false, shrink: 0 };

test("an invariant and a condition that are async are refused", async () => {
  const error = await failureOf(async (sim) => {
    // @ts-expect-error: a promise would come too late
    sim.invariant("all is well", async () => await Promise.resolve(false));
    await sim.sleep(10);
  });
  assertMatch(error.message, /Cannot watch over all is well: its check gives a promise/);
  const rejected = await failureOf(async (sim) => {
    // @ts-expect-error: the same
    sim.invariant("all is well", () => Promise.reject(new Error("lost")));
    await sim.sleep(10);
  });
  assertMatch(rejected.message, /its check gives a promise, a function is needed/);
  const waits = await failureOf(
    (sim) => sim.until((() => Promise.resolve(false)) as never),
  );
  assertMatch(waits.message, /Cannot wait until then: the condition gives a promise/);
});

test("options of a simulation that cannot be meant are refused by name", async () => {
  const refused: [object, RegExp][] = [
    [{ network: { latency: -1 } }, /latency is -1, milliseconds of at least 0/],
    [{ network: { latency: "x" } }, /latency is "x", milliseconds/],
    [{ network: { latency: [5, 1] } }, /latency must be \[from, to\]/],
    [{ network: { latency: [1, 2, 3] } }, /latency must be \[from, to\]/],
    [{ network: { loss: 7 } }, /loss is 7, a number from 0 to 1/],
    [{ network: { lateness: NaN } }, /lateness is NaN/],
    [{ network: { duplicates: -0.5 } }, /duplicates is -0.5/],
    [{ network: { late: "200" } }, /late is "200"/],
    [{ network: { window: 0 } }, /window is 0, a number of at least 1/],
    [{ faults: { crash: { every: 5, storage: "lost" } } }, /no storage "lost".*lose may be meant/],
    [{ faults: { crash: { every: 5, storage: ["keep", "all"] } } }, /no storage "all"/],
    [{ faults: { crash: { every: 5, storage: [] } } }, /storage is an empty list/],
    [{ faults: { crash: { every: 5, silent: 7 } } }, /silent is 7, a number from 0 to 1/],
    [{ faults: { crash: { every: "5" } } }, /every is "5"/],
    [{ faults: { partition: { every: 5, oneWay: true } } }, /oneWay is true, a number from 0 to 1/],
    [{ faults: { skew: { every: 5 } } }, /by is undefined, milliseconds/],
    [{ faults: { pause: { every: 5, lasts: ["a", "b"] } } }, /lasts must be \[from, to\]/],
    [{ faults: { nodes: "a@sim" } }, /"a@sim" came, a list of node names is needed/],
    [{ faults: { nodes: [] } }, /nodes is an empty list/],
    [{ faults: { nodes: [5] } }, /nodes has 5, names are needed/],
    [{ faults: { maxDown: -1 } }, /maxDown is -1/],
    [{ faults: { from: -5 } }, /from is -5/],
    [{ faults: { until: "x" } }, /until is "x"/],
    [{ shrink: -1 }, /shrink is -1/],
    [{ twice: "no" }, /twice is "no", true or false is needed/],
    [{ maxTime: "5" }, /maxTime/],
    [{ maxSteps: "x" }, /maxSteps is "x"/],
    [{ drift: "0.1" }, /drift/],
    [{ nodes: [7] }, /such nodes: give a list of names/],
    [{ nodes: { "a@sim": 5 } }, /Cannot start a@sim: its boot is 5, a function is needed/],
    [{ nodeOptions: 5 }, /nodeOptions must be an object/],
  ];
  for (const [options, message] of refused) {
    const error = await assertRejects(
      () => simulate({ seed: 1, ...options } as never, () => {}),
      Error,
    );
    assert(!(error instanceof SimulationError), String(message));
    assertMatch(error.message, /^Cannot /);
    assertMatch(error.message, message);
  }
});

test("seeds that cannot be meant are refused", async () => {
  const refused: [object, RegExp][] = [
    [{ seeds: [] }, /^Cannot explore no seeds: the list is empty/],
    [{ seeds: 2, from: "x" }, /^Cannot explore from "x": a whole number is needed/],
    [{ seeds: 2, from: 0.5 }, /^Cannot explore from 0.5/],
    [{ seeds: [1], from: 2 }, /from goes with a number of seeds/],
    [{ seeds: 2.5 }, /^Cannot explore 2.5 seeds/],
    [{ seeds: 2, seed: 1 }, /option seed: there is no such option.*seeds may be meant/],
  ];
  for (const [options, message] of refused) {
    const error = await assertRejects(() => explore(options as never, () => {}), Error);
    assertMatch(error.message, message);
  }
});

test("what a script asks of the simulation is looked at", async () => {
  const refused: [(sim: Simulation) => unknown, RegExp][] = [
    [
      (sim) => sim.crash("a@sim", { storage: "lost" } as never),
      /Cannot crash a@sim: there is no storage "lost".*lose may be meant/,
    ],
    [(sim) => sim.crash("a@sim", { silent: 1 } as never), /silent is 1, true or false is needed/],
    [(sim) => sim.crash("a@sim", { quiet: true } as never), /option quiet: there is no such/],
    [
      (sim) => sim.partition(["a@sim"], ["b@sim"], { oneway: true } as never),
      /Cannot part nodes with option oneway: .*oneWay may be meant/,
    ],
    [(sim) => sim.partition(["a@sim"], [], { oneWay: 1 } as never), /oneWay is 1, true or false/],
    [(sim) => sim.partition("a@sim" as never), /Cannot part nodes: "a@sim" came, a list of nodes/],
    [(sim) => sim.partition(["a@sim"], "b@sim" as never), /"b@sim" came, a list of nodes/],
    [(sim) => sim.heal("a@sim" as never), /Cannot heal the network: "a@sim" came, a list of nodes/],
    [(sim) => sim.until(() => true, { timeout: "x" } as never), /timeout is "x"/],
    [(sim) => sim.until(() => true, { timout: 5 } as never), /timeout may be meant/],
    [(sim) => sim.startNode("c@sim", {}, 5 as never), /its boot is 5, a function is needed/],
    [(sim) => sim.restart("a@sim", "boot" as never), /its boot is "boot", a function is needed/],
  ];
  await simulate({ seed: 1, nodes: ["a@sim", "b@sim"] }, async (sim) => {
    for (const [asks, message] of refused) {
      const error = await assertRejects(async () => void await asks(sim), Error);
      assertMatch(error.message, message);
    }
    assert(sim.node("a@sim") !== null);
  });
});

test("faults on nodes that never were are told of", async () => {
  const faults = { crash: { every: 500 }, nodes: ["zz@sim"] };
  const error = await failureOf(async (sim) => {
    await sim.startNode("a@sim");
    await sim.sleep(3_000);
  }, { faults });
  assertMatch(
    error.message,
    /Cannot make faults on zz@sim: no node of such a name was started, there are a@sim/,
  );
  const result = await simulate(
    { seed: 1, faults: { crash: { every: 500 }, nodes: ["a@sim", "later@sim"] } },
    async (sim) => {
      await sim.startNode("a@sim");
      await sim.sleep(3_000);
    },
  );
  assert(result.faults.length > 0);
});

test("what is returned has to be the same twice, as far as it is data", async () => {
  let runs = 0; // of the module, as it were
  const different: [(run: number) => unknown, RegExp][] = [
    [(run) => run, /in the first run, the value is 1\n.*in the second, it is 2/],
    [(run) => ({ list: [{ run }] }), /run of item 0 of list of the value is/],
    [(run) => new Map([["a", run]]), /item 1 of item 0 of the value/],
    [(run) => new Set([run]), /item 0 of the value/],
    [(run) => new Uint8Array([run]), /item 0 of the value/],
    [(run) => Array.from({ length: run }), /the value is 1 items\n.*2 items/],
    [(run) => ({ [`key${run}`]: 1 }), /what the value has is "key1"/],
    [(run) => new Date(run), /the value is 1\n/],
    [(run) => new Error(`${run}`), /"Error: 1"\n/],
    [(run) => atom(`a${run}`), /the value is a1\n/],
    [(run) => run === 1 ? [] : {}, /the value is a list\n.*an object/],
    [(run) => run === 1 ? [7] : tuple(7), /the value is a list\n.*a tuple/],
    [(run) => run === 1 ? undefined : null, /undefined\n.*null/],
  ];
  for (const [valueOf, message] of different) {
    runs = 0;
    const error = await failureOf(() => valueOf(++runs));
    assertEquals(error.kind, "diverged");
    assertMatch(error.message, /^Simulation with seed 1 does not return the same twice/);
    assertMatch(error.message, message);
    runs = 0;
    await simulate({ seed: 1, ...once }, () => valueOf(++runs));
  }
});

test("where two runs part it is told whether one has failed, and why", async () => {
  let runs = 0;
  const error = await failureOf(async (sim) => {
    await sim.sleep(1);
    sim.note(`run ${++runs}`);
    if (runs === 2) throw new TypeError("for another reason");
  });
  assertEquals(error.kind, "diverged");
  assertMatch(error.message, /the second run has failed: TypeError: for another reason$/);
  assert(error.cause instanceof TypeError);
});

test("what is no data, or holds itself, may be returned", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const node = await sim.startNode("a@sim");
    const own: Record<string, unknown> = { node, pid: node.spawn(() => {}), ref: node._core };
    const list: unknown[] = [own, own, () => {}, Symbol("one"), NaN, -0, 10n, new (class Odd {})()];
    own.again = list;
    own.own = own;
    return list;
  });
});

test("a rejection that nobody handles fails the run, with its seed; outside it does what it did", () => {
  const program = fileURLToPath(new URL("./_rejections.ts", import.meta.url));
  const [command, ...args] = selfCommand(program);
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  const run = (after: string): RegExp =>
    new RegExp(
      `^${after}: Simulation with seed 7 failed after .* a promise was rejected, which nobody handles`,
    );
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.length, 6, stdout + stderr);
  assertMatch(lines[0], run("a process"));
  assertMatch(lines[0], /: TypeError: of a process$/);
  assertMatch(lines[1], run("later"));
  assertMatch(lines[1], /: Error: in a timer$/);
  assertMatch(lines[2], run("at the end"));
  assertMatch(lines[2], /: TypeError: of the script$/);
  assertEquals(lines[3], "what is handled: null");
  assertMatch(lines[4], /^virtual time: a promise was rejected.*: TypeError: of a test$/);
  assertEquals(lines[5], "goes on");
  assertMatch(stderr, /outside/);
  assert(status !== 0);
});

testNothingIsLeft();
