import { test } from "node:test";
import { Node } from "../../lib/node/node.ts";
import type { CoreOptions } from "../../lib/node/core.ts";
import { atom } from "../../lib/etf/atom.ts";
import type { Pid } from "../../lib/etf/identifiers.ts";
import type { Term } from "../../lib/etf/term.ts";
import type { Process } from "../../lib/node/process/process.ts";
import type { Self } from "../../lib/node/process/self.ts";
import { FakePlatform } from "../_support/fake_platform.ts";

export const KILL = atom("kill");
export const KILLED = atom("killed");
export const NORMAL = atom("normal");
export const SHUTDOWN = atom("shutdown");
export const NOPROC = atom("noproc");
export const BOOM = atom("boom");

/** A node without a network whose time stands still unless a test moves it. */
export interface Lone {
  readonly node: Node;
  readonly platform: FakePlatform;
}

export function loneNode(options: CoreOptions = {}, name = "lone@localhost"): Lone {
  const platform = new FakePlatform();
  return { node: new Node(name, platform, options), platform };
}

/** A test on a node of its own, which is stopped and must be empty at the end. */
export function nodeTest(
  title: string,
  body: (lone: Lone) => unknown,
  options: CoreOptions = {},
): void {
  test(title, async () => {
    const lone = loneNode(options);
    try {
      await body(lone);
    } finally {
      const stopped = lone.node.stop();
      for (let i = 0; i < 20 && lone.node._core.processes.size > 0; i++) {
        await lone.platform.elapse(1_000);
      }
      await stopped;
    }
    assertEmpty(lone);
  });
}

/** Fails unless the tables of a stopped node are empty and no timer is left. */
export function assertEmpty({ node, platform }: Lone): void {
  const core = node._core;
  const left = {
    processes: core.processes.size,
    names: core.names.size,
    aliases: core.aliasCount,
    timers: platform.pendingTimers,
  };
  for (const [what, count] of Object.entries(left)) {
    if (count !== 0) throw new Error(`${count} ${what} left on a stopped node`);
  }
}

/** The process of a pid, whatever it can do. */
export function processOf(node: Node, pid: Pid): Process {
  return node._core.process(pid)!;
}

/** Resolves with the reason when that process ends. */
export function ended(node: Node, pid: Pid): Promise<Term> {
  return new Promise((resolve) => {
    node.monitor(pid, ({ reason }) => resolve(reason));
  });
}

/** Spawns a function, and gives what it has made of itself before it first waits. */
export function spawned<T>(node: Node, setUp: (self: Self) => T): Promise<{ pid: Pid; value: T }> {
  return new Promise((resolve, reject) => {
    node.spawn(async (self) => {
      try {
        resolve({ pid: self.pid, value: setUp(self) });
      } catch (error) {
        reject(error as Error);
      }
      await forever(self);
    });
  });
}

/** Spawns a process that does nothing until it is ended. */
export function idler(node: Node): Pid {
  return node.spawn(forever);
}

/** Waits until its process is ended. */
export async function forever(self: Self): Promise<void> {
  for await (const _ of self);
}

/** Spawns a process that collects what comes, exit signals among it. */
export function collector(node: Node, setUp?: (self: Self) => void): { pid: Pid; got: Term[] } {
  const got: Term[] = [];
  const pid = node.spawn(async (self) => {
    setUp?.(self);
    for await (const message of self) got.push(message);
  });
  return { pid, got };
}

/** Waits until it is so, for as long as a busy machine may need. */
export async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`it has not come to that: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
