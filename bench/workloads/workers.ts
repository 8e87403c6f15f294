// Calls that compute, of a pool on worker threads: `workers.ts 2` has two of them.

import process from "node:process";
import { startNode } from "../../mod.ts";
import { crunch, Crunchers } from "../_crunch.ts";
import { report, task } from "./_report.ts";

const it = task();
const size = Number(it.names[0]);
const node = await startNode("bench@localhost", { network: false, workers: size });
const crunchers = await node.start(Crunchers, [size]);
await report(it, () => crunch(crunchers));
await node.stop();
process.exit();
