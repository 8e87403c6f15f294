// Links, monitors and exit signals against a plain model of what Erlang's reference manual says of them.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { atom } from "../../lib/etf/atom.ts";
import type { Pid } from "../../lib/etf/identifiers.ts";
import type { Term } from "../../lib/etf/term.ts";
import type { Node } from "../../lib/node/node.ts";
import type { Process } from "../../lib/node/process/process.ts";
import { collector, loneNode } from "./_nodes.ts";

const PROCESSES = 6;
const REASONS = ["normal", "kill", "shutdown", "boom"] as const;
type Reason = typeof REASONS[number] | "killed" | "noproc";

type Step =
  | {
    readonly op: "link" | "unlink" | "monitor" | "demonitor" | "send";
    readonly who: number;
    readonly to: number;
  }
  | { readonly op: "trap"; readonly who: number; readonly to: number }
  | { readonly op: "exit"; readonly who: number; readonly to: number; readonly reason: Reason }
  | { readonly op: "end"; readonly who: number; readonly to: number; readonly reason: Reason };

/** What the manual says, one process at a time. */
class Model {
  readonly alive = new Array<boolean>(PROCESSES).fill(true);
  readonly trap = new Array<boolean>(PROCESSES).fill(false);
  readonly got: string[][] = Array.from({ length: PROCESSES }, () => []);
  readonly #links = new Set<string>();
  /** How many messages each had when the step began. */
  #before: number[] = [];
  readonly #monitors: { watcher: number; of: number }[] = [];

  do(step: Step): void {
    const { who, to } = step;
    if (!this.alive[who]) return;
    this.#before = this.got.map((messages) => messages.length);
    switch (step.op) {
      case "trap":
        this.trap[who] = !this.trap[who];
        break;
      case "send":
        if (this.alive[to]) this.got[to].push(`message of ${who}`);
        break;
      case "link":
        if (who === to || this.#links.has(key(who, to))) break;
        if (this.alive[to]) this.#links.add(key(who, to));
        else this.#signal(to, who, "noproc", true);
        break;
      case "unlink":
        this.#links.delete(key(who, to));
        break;
      case "monitor":
        if (this.alive[to]) this.#monitors.push({ watcher: who, of: to });
        else this.got[who].push(`DOWN ${to} noproc`);
        break;
      case "demonitor": {
        const at = this.#monitors.findIndex(({ watcher, of }) => watcher === who && of === to);
        if (at >= 0) this.#monitors.splice(at, 1);
        break;
      }
      case "exit":
        this.#signal(who, to, step.reason, false);
        break;
      case "end":
        this.#end(who, step.reason);
        break;
    }
  }

  #signal(from: number, to: number, reason: Reason, byLink: boolean): void {
    if (!this.alive[to]) return;
    if (reason === "kill" && !byLink) this.#end(to, "killed");
    else if (this.trap[to]) this.got[to].push(`EXIT ${from} ${reason}`);
    else if (reason !== "normal" || (!byLink && from === to)) this.#end(to, reason);
  }

  #end(who: number, reason: Reason): void {
    this.alive[who] = false;
    // What reached it in the very step that ends it waits in a mailbox that nobody reads any more.
    this.got[who].length = this.#before[who];
    for (const { watcher, of } of this.#monitors) {
      if (of === who && this.alive[watcher]) this.got[watcher].push(`DOWN ${who} ${reason}`);
    }
    for (let other = 0; other < PROCESSES; other++) {
      if (this.#links.delete(key(who, other))) this.#signal(who, other, reason, true);
    }
  }
}

function key(one: number, other: number): string {
  return [one, other].sort().join();
}

/** The same on a node. */
class Real {
  readonly got: Term[][];
  readonly #node: Node;
  readonly #pids: Pid[];
  readonly #processes: Process[];
  readonly #monitors: { watcher: number; of: number; dispose: () => void }[] = [];

  constructor(node: Node) {
    this.#node = node;
    const made = Array.from({ length: PROCESSES }, () => collector(node));
    this.#pids = made.map(({ pid }) => pid);
    this.got = made.map(({ got }) => got);
    this.#processes = this.#pids.map((pid) => node._core.process(pid)!);
  }

  get alive(): boolean[] {
    return this.#pids.map((pid) => this.#node.isAlive(pid));
  }

  do(step: Step): void {
    const core = this.#node._core;
    const process = this.#processes[step.who];
    const pid = this.#pids[step.to];
    if (process.exited) return;
    switch (step.op) {
      case "trap":
        process.trapExit = !process.trapExit;
        break;
      case "send":
        core.send(process, pid, step.who);
        break;
      case "link":
        core.link(process, pid);
        break;
      case "unlink":
        core.unlink(process, pid);
        break;
      case "monitor": {
        const monitor = core.monitor(process, pid, null);
        this.#monitors.push({
          watcher: step.who,
          of: step.to,
          dispose: () => monitor[Symbol.dispose](),
        });
        break;
      }
      case "demonitor": {
        const at = this.#monitors.findIndex(({ watcher, of }) =>
          watcher === step.who && of === step.to
        );
        if (at >= 0) this.#monitors.splice(at, 1)[0].dispose();
        break;
      }
      case "exit":
        core.exit(process, pid, atom(step.reason));
        break;
      case "end":
        process.exit(atom(step.reason));
        break;
    }
  }

  /** What has arrived, in the model's words. */
  words(of: number): string[] {
    const number = (pid: Term): number => this.#pids.findIndex((known) => known.equals(pid));
    return this.got[of].map((message) => {
      if (typeof message === "number") return `message of ${message}`;
      const parts = message as Term[];
      return parts[0] === atom("EXIT")
        ? `EXIT ${number(parts[1])} ${parts[2]}`
        : `DOWN ${number(parts[3])} ${parts[4]}`;
    });
  }
}

const index = fc.nat({ max: PROCESSES - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("link" as const), who: index, to: index }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "unlink" as const,
        "monitor" as const,
        "demonitor" as const,
        "send" as const,
      ),
      who: index,
      to: index,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("trap" as const), who: index, to: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("exit" as const, "end" as const),
      who: index,
      to: index,
      reason: fc.constantFrom<Reason>(...REASONS),
    }),
  },
);

test("processes that are linked, monitored and ended at random do what the manual says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { node, platform } = loneNode();
      const real = new Real(node);
      const model = new Model();
      // All are in their loops before the first step.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      for (const one of steps) {
        model.do(one);
        real.do(one);
        // A message that has arrived is handled before the next step: one that ends takes none with it that it had.
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        assertEquals(real.alive, model.alive);
      }
      for (let i = 0; i < PROCESSES; i++) {
        // What one end sends to several receivers is ordered for each of them; ends of several processes at once are not.
        assertEquals(real.words(i).toSorted(), model.got[i].toSorted());
      }
      for (const pid of node.processes()) node.exit(pid, atom("kill"));
      await node.stop();
      assertEquals([node._core.processes.size, platform.pendingTimers], [0, 0]);
    }),
    { numRuns: 500, seed: 1828 },
  );
});
