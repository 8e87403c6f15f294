import type { Node } from "../node/node.ts";
import type { Platform } from "../platform/contract.ts";
import type { NodeOptions } from "./options.ts";

/**
 * Gives a node its workers, threads that start when something is placed there.
 *
 * @returns ends them.
 * @throws {Error} if the platform has no threads.
 */
export async function addWorkers(
  node: Node,
  platform: Platform,
  { workers: count = 0, currentProcess = false }: NodeOptions,
): Promise<() => Promise<void>> {
  if (count === 0) return () => Promise.resolve();
  if (platform.threads === undefined) {
    throw new Error(
      `Cannot start a node with workers: there are no threads on platform ${platform.name}, leave the option out`,
    );
  }
  const { Workers } = await import("../workers/workers.ts"); // few programs need it
  const workers = new Workers(node, await platform.threads(), { count, currentProcess });
  node._placing = node._core.parts = workers;
  return () => workers.close();
}

/** @throws {RangeError} if it is no number of workers. */
export function checkWorkers(workers: number): void {
  if (Number.isInteger(workers) && workers >= 0 && workers <= MOST) return;
  throw new RangeError(
    `Cannot start a node with ${workers} workers: a whole number from 0 to ${MOST} is needed, as many as there are cores`,
  );
}

/** Far more than there are cores; one that asks for a million has meant something else. */
const MOST = 1_024;
