/**
 * Jobs at the times of crontab expressions, in the time zone of whoever wrote them: what comes when, also on the days on which the
 * clocks are set.
 *
 *     deno run -A examples/cron.ts        bun examples/cron.ts        node examples/cron.ts
 */

import { atom, Cron, GenServer, startNode } from "../mod.ts";

class Reports extends GenServer {
  #made = 0;
  override readonly calls = {
    daily: () => {
      console.log(`  [reports] report ${++this.#made}`);
    },
  };
}

await using node = await startNode("cron@localhost", { cookie: "only for this example" });
await node.start(Reports, [], { register: "reports" });

// A Cron is a process as others are: under a supervisor it would be child(Cron, [{ ... }]).
const cron = await node.start(Cron, [{
  timeZone: "Europe/Berlin",
  jobs: [
    { name: "report", schedule: "30 2 * * *", call: "reports", request: atom("daily") },
    { name: "sweep", schedule: "*/20 1-3 * * *", spawn: () => console.log("  [sweep] done") },
    { name: "payday", schedule: "0 9 L * *", send: "accounts" },
  ],
}], { register: "cron" });

const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Berlin",
  dateStyle: "medium",
  timeStyle: "short",
});

console.log("The jobs, and when each is due next:");
for (const { name, schedule, next } of await cron.jobs()) {
  console.log(`  ${name.padEnd(8)} ${schedule.padEnd(16)} ${clock.format(next!)}`);
}

console.log(
  "\nOn 29 March 2026 the clocks go from 2:00 to 3:00. The report of 2:30 is made at 3:00:",
);
for (const { at, job } of await cron.schedule(Date.UTC(2026, 2, 29), Date.UTC(2026, 2, 29, 3))) {
  console.log(`  ${clock.format(at)}  ${job}`);
}

console.log("\nNobody waits until the night: two jobs are run now.");
await cron.run("report");
await cron.run("sweep");
await node.sleep(50);

console.log("\nWith a mistake in a schedule the caller is told, and the other jobs go on:");
await cron.add({ name: "typo", schedule: "30 25 * * *", send: "accounts" }).catch((error) =>
  console.log(`  ${error.message}`)
);
