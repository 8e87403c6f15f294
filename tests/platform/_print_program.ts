// Run by platform.test.ts: writes much to standard output, and says so on the other when it is done, whether it is read or not.
import { defaultPlatform } from "../../lib/platform/default.ts";

const platform = await defaultPlatform();
const prints = Array.from(
  { length: 200 },
  (_, i) => platform.print(`${i} Zoë ${"x".repeat(5_000)}\n`),
);
await Promise.all(prints);
await platform.print("the end\n");
for (let i = 0; i < 20; i++) await platform.print("");
console.error("done");
