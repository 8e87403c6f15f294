import { reality } from "../platform/simulation.ts";
import { virtualGlobals } from "../platform/virtual_globals.ts";
import { SimulationFault } from "./_fault.ts";
import type { SimFault } from "./faults.ts";
import { type Plan, Run } from "./_run.ts";
import type { Simulation, SimulationOptions } from "./simulation.ts";
import type { SimulationFailure } from "./simulation_error.ts";
import type { Trace } from "./_trace.ts";
import type { World } from "./_world.ts";

/** What has come of one run. */
export interface Outcome<T> {
  readonly value: T | undefined;
  readonly failed: boolean;
  /** What was thrown. */
  readonly error: unknown;
  readonly trace: Trace;
  readonly steps: number;
  /** Milliseconds since the beginning. */
  readonly time: number;
  readonly faults: readonly SimFault[];
  /** What the script has caused. */
  readonly caused: readonly string[];
}

/** Whether a simulation runs: it takes the globals, of which there is one set. */
let busy: World | null = null;

/** Runs something while the globals are those of a world. */
export async function inWorld<T>(world: World, run: () => Promise<T>): Promise<T> {
  if (busy !== null) {
    const where = busy.current === null ? "another one runs" : "this is one";
    throw new Error(
      `Cannot begin a simulation: ${where}, and there can be one at a time; await it first`,
    );
  }
  busy = world;
  const restore = virtualGlobals(() => world.current?.scope ?? null);
  const forget = reality.rejections((reason, isKnown) => rejected(world, reason, isKnown));
  try {
    return await run();
  } finally {
    forget();
    restore();
    busy = null;
  }
}

/** A rejection that nobody handles. @returns whether it is one of this world. */
function rejected(world: World, reason: unknown, isKnown: boolean): boolean {
  const owner = world.current;
  if (owner === null && isKnown) return false;
  if (owner !== null && !owner.alive) return true; // its program is no more
  const whose = owner === null ? "" : owner.name === "" ? " by the script" : ` by ${owner.name}`;
  const why = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason);
  world.fail(
    new SimulationFault("error", `a promise was rejected, which nobody handles${whose}: ${why}`, {
      cause: reason,
    }),
  );
  return true;
}

/** What was begun and is not over must not end in the middle of something else; and rejections that nobody handles come late. */
export async function afterwards(world: World): Promise<void> {
  await new Promise<void>((resolve) => reality.macrotask(resolve));
  if (world.fault !== null) throw world.fault;
}

/** Runs a script once. Never throws for what the script does. */
export async function once<T>(
  options: SimulationOptions,
  script: (sim: Simulation) => T,
  plan: Plan,
  inWords: boolean,
): Promise<Outcome<Awaited<T>>> {
  const run = new Run(options, plan, inWords);
  let value: Awaited<T> | undefined;
  let failed = false;
  let error: unknown;
  await inWorld(run.world, async () => {
    try {
      value = await run.run(script);
    } catch (thrown) {
      [failed, error] = [true, thrown];
    }
    await afterwards(run.world).catch((fault) => {
      if (!failed) [failed, error] = [true, fault];
    });
  });
  const { log: trace, world, faults, caused, now } = run;
  return { value, failed, error, trace, steps: world.steps, time: now, faults, caused };
}

/** What kind of failure it is that something was thrown. */
export function kindOf(error: unknown): SimulationFailure["kind"] {
  return error instanceof SimulationFault ? error.kind : "error";
}

/** What is the same where the same has gone wrong. */
export function sortOf(error: unknown): string {
  const kind = kindOf(error);
  if (kind === "limit" || kind === "stuck") return kind;
  if (!(error instanceof Error)) return `${kind} ${String(error)}`;
  return `${kind} ${error.name} ${error.message.split("\n", 1)[0].replaceAll(/[\d.]+/g, "0")}`;
}
