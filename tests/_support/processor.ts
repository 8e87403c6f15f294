import process from "node:process";

/** Milliseconds of processor time that this program has used: what else the machine does counts little in it. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
