// What one node of ours does: `local.ts call`, see LOCAL; `local.ts memory process`, see MEMORY.

import { startNode } from "../../mod.ts";
import { LOCAL, MEMORY } from "../local.ts";
import { pick, print, report, task } from "./_report.ts";

const it = task();
await using node = await startNode("bench@localhost", { network: false });
const [name, kind] = it.names;
if (name === "memory") print(it.names, it.unit, await pick(MEMORY, kind)(node, it.count));
else await report(it, await pick(LOCAL, name)(node));
