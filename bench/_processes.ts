import type { Node, Self } from "../mod.ts";

/** What a process of the benchmarks does, and how often it did it. */
export type Task = (self: Self, index: number) => number | Promise<number>;

/** Lets a process do it, and gives what it gave. */
export function inProcess(node: Node, run: Task, index = 0): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  node.spawn(async (self) => {
    try {
      resolve(await run(self, index));
    } catch (error) {
      reject(error);
    }
  });
  return promise;
}

/** So many processes at once: the sum. */
export async function inProcesses(node: Node, count: number, run: Task): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: count }, (_, i) => inProcess(node, run, i)),
  );
  return counts.reduce((sum, one) => sum + one, 0);
}
