// Run by platform.test.ts: tells of the first SIGTERM, then listens no more and waits for the second.
import process from "node:process";
import { defaultPlatform } from "../../lib/platform/default.ts";

const platform = await defaultPlatform();
const alone = process.argv.includes("unref");
if (!alone) platform.keepAlive();
if (alone) platform.setTimer(60_000, () => {}, { unref: true });
const listening = platform.onSignal("SIGTERM", () => {
  console.log("heard");
  listening[Symbol.dispose]();
  listening[Symbol.dispose]();
  // By then the runtime has given the signal back to the system.
  platform.setTimer(50, () => console.log("disposed"));
});
console.log("ready");
