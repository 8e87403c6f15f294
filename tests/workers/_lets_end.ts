// A program that has nothing to do but the process on its worker, and may end though the node runs.
import { startNode } from "../../mod.ts";
import type Counter from "./_counter.ts";

const node = await startNode("x@localhost", { network: false, workers: 1 });
const counter = await node.start<Counter>(new URL("./_counter.ts", import.meta.url), []);
console.log(await counter.call("add", 3));
node.unref();
