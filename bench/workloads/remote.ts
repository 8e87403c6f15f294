// What goes between two nodes: `remote.ts call --far NODE`, see REMOTE; without --far both nodes are in this process.
// `remote.ts far NODE` is the other side, until its standard input ends.

import { REMOTE, serveFar, startFar, startNear } from "../remote.ts";
import { ownName, pick, report, task } from "./_report.ts";

const it = task();
const [name, farName] = it.names;
if (name === "far") {
  await serveFar(farName);
} else {
  const far = it.far === undefined ? await startFar(ownName("far")) : null;
  const near = await startNear(ownName("near"));
  await report(it, pick(REMOTE, name)(near, far?.name ?? it.far ?? ""));
  await near.stop();
  await far?.stop();
}
