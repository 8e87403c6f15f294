// One point of a curve: `point.ts NAME SIZE [--warm N] [--ms N] [--samples N]` prints what it comes to, several times; `point.ts far NAME
// SIZE ...` is the other side of some.

import process from "node:process";
import { parseArgs } from "node:util";
import { measureFor, processorTime, runFor, type Timed, wallTime, type Work } from "../_measure.ts";
import { CURVES } from "./curves.ts";
import * as connections from "./work/connections.ts";
import * as groups from "./work/groups.ts";
import * as mailbox from "./work/mailbox.ts";
import * as messages from "./work/messages.ts";
import * as monitors from "./work/monitors.ts";
import * as processes from "./work/processes.ts";

/** Makes what is repeated, or gives the figure itself. */
type Point = (size: number) => Promise<Work | number>;

const POINTS: Readonly<Record<string, Point>> = {
  ...connections.POINTS,
  ...groups.POINTS,
  ...mailbox.POINTS,
  ...messages.POINTS,
  ...monitors.POINTS,
  ...processes.POINTS,
};
const FAR: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  connections: connections.far,
  messages: messages.far,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    warm: { type: "string", default: "200" },
    ms: { type: "string", default: "100" },
    samples: { type: "string", default: "3" },
  },
});
const [name, size, ...rest] = positionals;
if (name === "far") {
  await FAR[size](rest);
} else {
  if (!Object.hasOwn(POINTS, name)) {
    throw new Error(`Cannot measure ${name}: there is no such curve`);
  }
  const clock = CURVES.find((curve) => curve.name === name)?.wall ? wallTime : processorTime;
  const made = await POINTS[name](Number(size));
  const each = ({ count, ms }: Timed): number => ms * 1000 / count;
  const found: number[] = [];
  if (typeof made === "number") found.push(made);
  else {
    const ms = Number(values.ms);
    found.push(each(await runFor(Number(values.warm), ms, made, clock)));
    while (found.length < Number(values.samples)) {
      found.push(each(await measureFor(ms, made, clock)));
    }
  }
  console.log(JSON.stringify({ values: found }));
  process.exit();
}
