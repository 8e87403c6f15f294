import { test } from "node:test";
import { promisify } from "node:util";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { phash2, simulate, type Simulation, SimulationError, tagged } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { ALL_FAULTS, bootCounter, busy, COUNTER } from "./_cluster.ts";

async function failureOf(
  script: (sim: Simulation) => unknown,
  options: object = {},
): Promise<SimulationError> {
  return await assertRejects(() => simulate({ seed: 1, ...options }, script), SimulationError);
}

// The same on every runtime. Where something that the library does on its way has changed, and that is right, so does this.
const EXPECTED = ["ddfc951760f405c8", 98236688];

test("a seed gives the same trace on every runtime", async () => {
  const { hash, faults, trace } = await simulate({ seed: "portable", faults: ALL_FAULTS }, busy);
  assert(faults.length > 5);
  assert(!/\n.* at .*:\d+:\d+/.test(trace()));
  assertEquals([hash, phash2(trace())], EXPECTED);
});

test("another seed gives another trace", async () => {
  const [a, b] = [await simulate({ seed: 1 }, busy), await simulate({ seed: 2 }, busy)];
  assertNotEquals(a.hash, b.hash);
  assertEquals((await simulate({ seed: 1 }, busy)).trace(), a.trace());
});

test("time is virtual, and passes only where nothing else is to be done", async () => {
  const real = performance.now();
  const { value, time } = await simulate({ seed: 1 }, async (sim) => {
    const before = [Date.now(), performance.now()];
    await sim.sleep(3_000_000);
    return [Date.now() - before[0], performance.now() - before[1]];
  });
  assertEquals(value.map(Math.round), [3_000_000, 3_000_000]);
  assert(time >= 3_000_000);
  assert(performance.now() - real < 1_000_000);
});

test("timers fire in order, and not before their time", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const fired: number[] = [];
    for (const ms of [30, 10, 20, 10]) setTimeout(() => fired.push(ms), ms);
    const gone = setTimeout(() => fired.push(-1), 15);
    clearTimeout(gone);
    const every = setInterval(() => fired.push(0), 12);
    setImmediate(() => fired.push(1));
    await sim.sleep(31);
    clearInterval(every);
    await sim.sleep(100);
    assertEquals(fired, [1, 10, 10, 0, 20, 0, 30]);
  });
});

test("clocks, timers and randomness are virtual for the code of nodes, and real again after it", async () => {
  const globals = (): unknown[] => [
    ...[Date, Math.random, setTimeout, setInterval, setImmediate, clearTimeout],
    ...[performance.now, crypto.getRandomValues, crypto.randomUUID, AbortSignal.timeout],
  ];
  const before = globals();
  const { value } = await simulate({ seed: 1 }, async (sim) => {
    const a = await sim.startNode("a@sim");
    await sim.startNode("b@sim", {}, bootCounter);
    assert(globals().every((one, i) => one !== before[i]));
    const signal = AbortSignal.timeout(50);
    const at = await a.call(COUNTER, tagged("wait", 1_000));
    assert(signal.aborted);
    assertEquals(new Date(0).constructor, Date);
    assert(new Date() instanceof Date);
    assertEquals(new Date().getUTCFullYear(), 2024);
    assertEquals(crypto.getRandomValues(new Uint16Array(3)).length, 3);
    return [at, Math.random(), crypto.randomUUID()];
  });
  assertEquals(globals(), before);
  assert(Number(value[0]) < Date.UTC(2024, 0, 2));
  assertMatch(
    String(value[2]),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test("what is made of the timers is virtual, and Temporal where it is there", async () => {
  const { Temporal } = globalThis as unknown as {
    Temporal?: { Now: Record<string, (zone?: string) => { toString(): string }> };
  };
  const names = ["instant", "zonedDateTimeISO", "plainDateTimeISO", "plainDateISO", "plainTimeISO"];
  const { value } = await simulate({ seed: 1 }, async (sim) => {
    await sim.startNode("a@sim");
    const sleep = promisify(setTimeout);
    assertEquals(await sleep(5_000, "slept"), "slept");
    assert(sim.now >= 5_000);
    assertEquals(await promisify(setImmediate)("done"), "done");
    return Temporal === undefined ? [] : names.map((name) => `${Temporal.Now[name]("UTC")}`);
  });
  if (Temporal !== undefined) {
    const [instant, zoned, both, date, time] = value;
    assertMatch(instant, /^2024-01-01T00:00:05(\.\d+)?Z$/);
    assertEquals([both, zoned], [instant.replace("Z", ""), instant.replace("Z", "+00:00[UTC]")]);
    assertEquals(`${date}T${time}`, both);
    assert(!Temporal.Now.instant().toString().startsWith("2024-01-01T00:00:05"));
  }
  // Outside of it they are real.
  assertEquals(await promisify(setTimeout)(1, "real"), "real");
});

test("code outside of a simulation keeps the real clock while one runs", async () => {
  const real = Date.now();
  let seen = 0;
  const outside = new Promise<void>((resolve) =>
    void setImmediate(() => {
      seen = Date.now();
      resolve();
    })
  );
  await simulate({ seed: 1 }, busy);
  await outside;
  assert(seen >= real);
});

// What fails

test("a failure names its seed, what was thrown and what happened last", async () => {
  const error = await failureOf(async (sim) => {
    await sim.startNode("a@sim", {}, bootCounter);
    sim.note("so far");
    throw new TypeError("not like that");
  }, { seed: 42 });
  assertEquals([error.seed, error.kind, error.faults], [42, "error", []]);
  assertMatch(
    error.message,
    /^Simulation with seed 42 failed after .* ms and \d+ steps: TypeError: not like that\n/,
  );
  assertMatch(error.message, /note {3}so far\n.*again: simulate\({ seed: 42, ... }\)$/s);
  assert(error.cause instanceof TypeError);
  assertMatch(error.trace, /a@sim {4}start {2}starts\n/);
});

test("an invariant is looked at after every step", async () => {
  let count = 0;
  const error = await failureOf(async (sim) => {
    let broken = false;
    sim.invariant("it stays whole", () => !broken);
    sim.invariant("another", () => void count++);
    await sim.sleep(1);
    setTimeout(() => broken = true, 10);
    setTimeout(() => broken = false, 15);
    await sim.sleep(1_000);
  });
  assertEquals(error.kind, "invariant");
  assertMatch(error.message, /steps: it stays whole does not hold\n/);
  assert(count > 0 && error.time < 13);
  const thrown = await failureOf(async (sim) => {
    sim.invariant("it stays whole", () => {
      throw new Error("a part is gone");
    });
    await sim.sleep(1);
  });
  assertMatch(thrown.message, /it stays whole does not hold: a part is gone/);
});

test("what is not the same twice is found, with where it parts", async () => {
  let runs = 0; // of the module, as it were
  const error = await failureOf(async (sim) => {
    await sim.sleep(5);
    sim.note("the same");
    sim.note(`run ${++runs}`);
  });
  assertEquals(error.kind, "diverged");
  assertMatch(
    error.message,
    /does not do the same twice.*the same\n.*first run:\n.*run 1\n.*second:\n.*run 2$/s,
  );
  await simulate({ seed: 1, twice: false }, (sim) => sim.note(`run ${++runs}`));
});

test("randomness that is real is found", async () => {
  const { getRandomValues } = Object.getPrototypeOf(crypto);
  const draw = (): number => getRandomValues.call(crypto, new Uint32Array(1))[0];
  const error = await failureOf(async (sim) => {
    const a = await sim.startNode("a@sim", {}, bootCounter);
    await a.call("counter", tagged("add", draw()));
  });
  assertEquals(error.kind, "diverged");
});

test("a script that does not end is given up", async () => {
  const late = await failureOf((sim) => sim.sleep(100_000), { maxTime: 50_000 });
  assertEquals(late.kind, "limit");
  assertMatch(late.message, /50000 ms have passed, and the script has not ended; raise maxTime/);
  const long = await failureOf(async (sim) => {
    for (;;) await sim.sleep(1);
  }, { maxSteps: 500 });
  assertMatch(long.message, /500 steps are done.*raise maxSteps/);
});

test("a script that waits for what never comes is told so", async () => {
  const error = await failureOf(() => new Promise(() => {}));
  assertEquals(error.kind, "stuck");
  assertMatch(error.message, /nothing is left to do, yet the script has not ended/);
});

test("one at a time", async () => {
  const first = simulate({ seed: 1 }, busy);
  await assertRejects(() => simulate({ seed: 2 }, busy), Error, "another one runs");
  await first;
  const inner = await failureOf(() => simulate({ seed: 2 }, busy));
  assertMatch(inner.message, /Cannot begin a simulation: this is one/);
});

test("bad options are refused by name", async () => {
  const refused: [unknown, RegExp][] = [
    [undefined, /its options must be an object/],
    [{}, /without a seed: give { seed: 1 }/],
    [{ seed: 1, sede: 1 }, /option sede: there is no such option.*seed may be meant/],
    [{ seed: 1, network: { latencies: 1 } }, /latency may be meant/],
    [{ seed: 1, faults: { crashes: {} } }, /crash may be meant/],
    [{ seed: 1, faults: { crash: { every: 0 } } }, /every is 0, milliseconds above 0/],
    [{ seed: 1, faults: { pause: { every: 5, lasts: [5, 1] } } }, /\[from, to\]/],
    [{ seed: 1, maxTime: 0 }, /maxTime/],
    [{ seed: 1, drift: 2 }, /drift/],
  ];
  for (const [options, message] of refused) {
    const error = await assertRejects(() => simulate(options as never, busy), Error);
    assertMatch(error.message, message);
  }
  await assertRejects(
    () => simulate({ seed: 1 }, null as never),
    TypeError,
    "a function is needed",
  );
});

testNothingIsLeft();
