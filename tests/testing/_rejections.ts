/** A program: what becomes of rejections that nobody handles, in a process without a test runner, which would look for them by itself. */

import { simulate, SimulationError, withVirtualTime } from "../../mod.ts";

async function told(name: string, run: () => Promise<unknown>): Promise<void> {
  const error: unknown = await run().then(() => null, (thrown) => thrown);
  const first = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
  const isWhole = !(error instanceof SimulationError) ||
    error.message.includes("what happened last:") && error.seed === 7 && error.trace !== "";
  console.log(`${name}: ${isWhole ? first : "without its seed or trace"}`);
}

const lose = (text: string): void => void Promise.reject(new TypeError(text));

await told("a process", () =>
  simulate({ seed: 7 }, async (sim) => {
    const node = await sim.startNode("a@sim");
    node.spawn(() => lose("of a process"));
    await sim.sleep(1_000);
    lose("too late");
  }));
await told("later", () =>
  simulate({ seed: 7 }, async (sim) => {
    const node = await sim.startNode("a@sim");
    node.spawn(() =>
      void setTimeout(() =>
        void (async () => {
          await null;
          throw new Error("in a timer");
        })(), 5)
    );
    await sim.sleep(1_000);
  }));
await told("at the end", () =>
  simulate({ seed: 7 }, async (sim) => {
    sim.note("begins");
    await sim.sleep(1);
    lose("of the script");
  }));
await told("what is handled", () =>
  simulate({ seed: 7 }, async (sim) => {
    const lost = Promise.reject(new Error("known"));
    lost.catch(() => {});
    await sim.sleep(10);
  }));
await told("virtual time", () =>
  withVirtualTime(async (time) => {
    await time.settle();
    lose("of a test");
  }));
console.log("goes on");
lose("outside");
setTimeout(() => console.log("never"), 1_000);
