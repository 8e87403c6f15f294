import { test } from "node:test";
import { type DecodeOptions, type Node, type Pid, startNode, type Term } from "../../mod.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { slowClock } from "../_support/clocks.ts";

/**
 * A test on a node without a network that has so many workers.
 *
 * @param slow how many times as long its milliseconds take: a thread may be held up while the others are not.
 */
export function nodeTest(
  title: string,
  workers: number,
  body: (node: Node, logs: string[]) => Promise<void>,
  { slow = 10, terms = {} }: { readonly slow?: number; readonly terms?: DecodeOptions } = {},
): void {
  test(title, async () => {
    const logs: string[] = [];
    const log = { sinks: { list: ({ message }: { message: string }) => void logs.push(message) } };
    const platform = slowClock(await defaultPlatform(), slow);
    const options = { network: false, workers, log, platform, terms } as const;
    const node = await startNode("threads@localhost", options);
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
