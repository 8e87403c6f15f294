// Looks for seeds that find the mutants of tests/gen/raft/_mutants.ts: one line for each.
//
//     deno run -A tests/long/raft_mutants.ts [--seeds N]
import process from "node:process";
import { MUTANTS } from "../gen/raft/_mutants.ts";
import { Violation, World } from "../gen/raft/_world.ts";

const at = process.argv.indexOf("--seeds");
const seeds = at < 0 ? 5_000 : Number(process.argv[at + 1]);
for (const [name, fault] of Object.entries(MUTANTS)) {
  let found = "";
  for (let seed = 1; seed <= seeds && found === ""; seed++) {
    try {
      new World({ seed, members: seed % 2 === 0 ? 5 : 3, fault }).run();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      found = `${seed}, // ${error.message.slice(0, 80)}`;
    }
  }
  console.log(`${JSON.stringify(name)}: ${found || "not found"}`);
}
