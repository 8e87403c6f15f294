// A program whose worker may not be read where the runtime asks for permissions. Prints why nothing was started.
import { startNode } from "../../mod.ts";

const node = await startNode("x@localhost", { network: false, workers: 1, log: { level: "none" } });
const guest = new URL("./_guest.ts", import.meta.url);
console.log(await node.start(guest, []).then(() => "started", (error: Error) => error.message));
await node.stop();
