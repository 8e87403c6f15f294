// Three members of a Raft under load, one on each runtime, whose leader is killed by SIGKILL: 100 times, or as many as are asked for. What was
// acknowledged has to be there at the end. Prints how long it took until the next leader had answered.
//
//     node scripts/run.mjs deno run -A tests/long/raft_kill.ts [KILLS]
import process from "node:process";
import { command, runtimeNames } from "../../scripts/runtimes/runtimes.mjs";
import { killLeaders } from "../gen/raft/_kill.ts";

const kills = Number(process.argv[2] ?? 100);
const member = "tests/gen/raft/_raft_member.ts";
const commands = (runtimeNames as string[]).map((name) => [
  ...(command(name) as string[]),
  ...(name === "deno" ? ["run", "-A", "--no-check"] : []),
  member,
]);
const { acknowledged, unknown, recovery } = await killLeaders(commands, kills, console.log);
const sorted = [...recovery].sort((a, b) => a - b);
const at = (part: number): number => Math.round(sorted[Math.floor(part * (sorted.length - 1))]);
console.log(
  `${kills} kills: ${acknowledged} acknowledged, none lost, none twice; ${unknown} unknown to their clients`,
);
console.log(
  `recovery in ms: median ${at(0.5)}, 90% ${at(0.9)}, longest ${
    at(1)
  } (election timeout 300 to 600)`,
);
