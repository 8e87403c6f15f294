// All figures of the gate on the runtime that runs this, as one line of JSON.

import process from "node:process";
import { exactFigures } from "./exact.ts";
import { heapFigures } from "./heap.ts";

console.log(JSON.stringify([...await exactFigures(), ...await heapFigures()]));
process.exit();
