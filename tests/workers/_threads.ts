import { test } from "node:test";
import { type Node, type Pid, startNode, type Term } from "../../mod.ts";

/** A test on a node without a network that has so many workers. */
export function nodeTest(
  title: string,
  workers: number,
  body: (node: Node, logs: string[]) => Promise<void>,
): void {
  test(title, async () => {
    const logs: string[] = [];
    const log = { sinks: { list: ({ message }: { message: string }) => void logs.push(message) } };
    const node = await startNode("threads@localhost", { network: false, workers, log });
    try {
      await body(node, logs);
    } finally {
      await node.stop();
    }
  });
}

/** The reason that a process ends with. */
export function endOf(node: Node, pid: Pid): Promise<Term> {
  return new Promise((resolve) => node.monitor(pid, ({ reason }) => resolve(reason)));
}
