import { loadavg } from "node:os";
import { Epmd } from "./programs.ts";
import type { Result } from "./report.ts";
import { machine } from "./results.ts";
import { type Bench, measureRow, prepareAll } from "./rounds.ts";
import type { Row } from "./rows.ts";
import { versionOf } from "./systems.ts";
import type { Workload } from "./workloads.ts";

/** Measures rows one after another, with all peers that take part, and says with what and where that was. */
export async function measureAll(
  workloads: readonly Workload[],
  rounds: number,
  { most = rounds, ...how }: Omit<Bench, "ready" | "epmd">,
): Promise<Result> {
  const { runtimes, effort, say } = how;
  const ready = prepareAll(workloads, say);
  const rows: Row[] = [];
  const load = loadavg()[0];
  await using epmd = await Epmd.start();
  const bench: Bench = { ...how, ready, epmd, most };
  for (const workload of workloads) rows.push(await measureRow(workload, bench));
  return {
    date: new Date().toISOString(),
    machine: machine(load),
    versions: {
      ...Object.fromEntries(runtimes.map((runtime) => [runtime, versionOf(runtime)])),
      ...Object.fromEntries(
        Array.from(ready, ([peer, state]) => [peer, "version" in state ? state.version : null]),
      ),
    },
    rounds,
    most,
    ...effort,
    rows,
  };
}

/** Whether a program of ours has failed, so that there is a hole in the table. */
export function hasFailed({ rows }: Result): boolean {
  const ours = rows.flatMap(({ cells }) => cells).filter(({ peer }) => peer === null);
  return ours.some(({ missing }) => missing?.startsWith("failed") ?? false);
}
