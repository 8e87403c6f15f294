import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { explore, simulate, type Simulation, SimulationError } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { ALL_FAULTS, busy } from "./_cluster.ts";

/** Fails where b is down while c is paused, for a moment only. */
async function needsTwo(sim: Simulation): Promise<void> {
  for (const name of ["a@sim", "b@sim", "c@sim"]) await sim.startNode(name);
  let paused = 0;
  for (;;) {
    // A node that stands still does not see its timers.
    const before = sim.now;
    const c = sim.node("c@sim");
    if (c !== null) await sim.whileUp(c, c.sleep(20)).catch(() => {});
    paused = sim.now - before > 60 ? paused + 1 : paused;
    const down = sim.node("b@sim") === null;
    if (paused > 0 && down) throw new Error("b is down, and c was paused");
    if (sim.now > 200_000) return;
    await sim.sleep(20);
  }
}

test("of many faults those are left that are enough", async () => {
  const error = await assertRejects(
    () => simulate({ seed: 5, faults: ALL_FAULTS, shrink: 60 }, needsTwo),
    SimulationError,
  );
  assertMatch(error.message, /b is down, and c was paused\n {2}with \d+ of \d+ faults:/);
  assertEquals(error.faults.map((fault) => fault.kind).sort(), ["crash", "pause"]);
  const nodes = error.faults.map((fault) => "node" in fault ? fault.node : "");
  assertEquals(nodes.sort(), ["b@sim", "c@sim"]);
});

test("faults of the script are left out as well, where they are not needed", async () => {
  const error = await assertRejects(() =>
    simulate({ seed: 1 }, async (sim) => {
      for (const name of ["a@sim", "b@sim"]) await sim.startNode(name);
      sim.partition(["a@sim"]);
      sim.heal();
      sim.reset();
      sim.pause("a@sim");
      sim.resume("a@sim");
      sim.skew("a@sim", 5);
      sim.crash("b@sim");
      await sim.restart("b@sim");
      sim.crash("a@sim");
      if (sim.node("a@sim") === null) throw new Error("a is gone");
    }), SimulationError);
  assertMatch(error.message, /with 1 of 6 faults:\n.*: crash of a@sim, by the script\n/);
});

test("a failure that needs no fault says so, and shrinking can be left out", async () => {
  const options = { seed: 2, faults: ALL_FAULTS };
  const fails = async (sim: Simulation): Promise<void> => {
    await busy(sim);
    throw new Error("in any case");
  };
  const error = await assertRejects(() => simulate(options, fails), SimulationError);
  assertMatch(error.message, /none of the \d+ faults is needed/);
  assertEquals(error.faults, []);
  const whole = await assertRejects(
    () => simulate({ ...options, shrink: 0 }, fails),
    SimulationError,
  );
  assert(whole.faults.length > 3);
});

test("explore runs seeds one after another, and stops at the first that fails", async () => {
  const seen: (number | string)[] = [];
  const result = await explore({ seeds: 3, from: 10, twice: false }, async (sim) => {
    seen.push(sim.seed);
    await sim.sleep(10);
  });
  assertEquals(seen, [10, 11, 12]);
  assertEquals([result.seeds, Math.round(result.time)], [3, 30]);
  const error = await assertRejects(
    () =>
      explore({ seeds: ["x", "y", "z"] }, (sim) => {
        if (sim.seed === "y") throw new Error("y is bad");
      }),
    SimulationError,
  );
  assertEquals(error.seed, "y");
  await assertRejects(() => explore({ seeds: 0 }, () => {}), TypeError, "Cannot explore 0 seeds");
  await assertRejects(() => explore(undefined as never, () => {}), TypeError, "{ seeds: 100 }");
});

testNothingIsLeft();
