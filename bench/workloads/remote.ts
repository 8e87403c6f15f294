// What goes between two nodes: `remote.ts call --far NODE`, see REMOTE; without --far both nodes are in this process.
// `remote.ts far NODE` is the other side, until its standard input ends. Behind both `busy-poll` may stand: then the nodes look for messages
// instead of sleeping.

import { REMOTE, serveFar, startFar, startNear } from "../remote.ts";
import { ownName, pick, report, task } from "./_report.ts";

const BUSY_POLL = "busy-poll";
const it = task();
const looks = it.names.includes(BUSY_POLL);
const [name, farName] = it.names.filter((word) => word !== BUSY_POLL);
const busyPoll = looks ? 200 : 0;
if (name === "far") {
  await serveFar(farName, busyPoll);
} else {
  const far = it.far === undefined ? await startFar(ownName("far"), busyPoll) : null;
  const near = await startNear(ownName("near"), busyPoll);
  await report(it, pick(REMOTE, name)(near, far?.name ?? it.far ?? ""));
  await near.stop();
  await far?.stop();
}
