import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertEquals } from "@std/assert";

/** What this process holds open, as far as it can be seen from inside. */
export interface Open {
  /** Sockets of any kind: native, node:net, listening. Linux only, else 0. */
  readonly sockets: number;
  /** Child processes, ended ones that nobody has waited for among them. Linux only, else 0. */
  readonly children: number;
  /** Timers of node:timers that keep the process alive. Always 0 in Bun, which does not tell. */
  readonly timers: number;
}

/** Counts what is open now. */
export function openNow(): Open {
  return {
    sockets: openSockets(),
    children: children().length,
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  };
}

/** Fails unless all that was opened since `before` is closed again within `patience` milliseconds. */
export async function assertNothingLeft(before: Open, patience = 30_000): Promise<void> {
  let now = openNow();
  for (let waited = 0; waited < patience && !isWithin(now, before); waited += 20) {
    await sleep(20);
    now = openNow();
  }
  if (!isWithin(now, before)) assertEquals(now, before, "something was left open");
}

/** The last test of a file: what its other tests have opened is closed again. */
export function testNothingIsLeft(): void {
  const before = openNow();
  test("nothing is left open", () => assertNothingLeft(before));
}

function isWithin(now: Open, before: Open): boolean {
  return now.sockets <= before.sockets && now.children <= before.children &&
    now.timers <= before.timers;
}

/** How many sockets a process has open, this one unless told otherwise. Linux only, else 0. */
export function openSockets(pid: number | "self" = "self"): number {
  return list(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      return false; // closed in the meantime
    }
  }).length;
}

function children(): string[] {
  return list("/proc/self/task").flatMap((task) => {
    try {
      const pids = readFileSync(`/proc/self/task/${task}/children`, "utf8").trim();
      return pids === "" ? [] : pids.split(" ");
    } catch {
      return [];
    }
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
