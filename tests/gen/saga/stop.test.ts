// Sagas that end in order while transactions are going on.
import { assertEquals, assertRejects } from "@std/assert";
import { atom, ProcessExitedError, Saga, SagaWorker, sys, type Transaction } from "../../../mod.ts";
import type { Node } from "../../../lib/node/node.ts";
import { TransactionCancelledError } from "../../../lib/gen/saga/errors.ts";
import { nodeTest, SHUTDOWN, until } from "../../node/_nodes.ts";
import { gate } from "../_servers.ts";

type Body = (tx: Transaction, saga: Ending) => unknown;

/** Writes down what becomes of its part, and when it ends. */
class Ending extends Saga {
  #name = "";
  #body: Body = () => null;
  log: string[] = [];
  /** Its `handleDone` waits for that. */
  decides: Promise<unknown> = Promise.resolve();
  override init(name: string, log: string[], body: Body): void {
    [this.#name, this.log, this.#body] = [name, log, body];
  }
  override handleTransaction(tx: Transaction): unknown {
    this.says("began");
    tx.compensate(() => this.says("taken back"));
    return this.#body(tx, this);
  }
  override async handleDone(_tx: Transaction, result: unknown): Promise<unknown> {
    this.says("decides");
    await this.decides;
    return result;
  }
  override handleCommit(): void {
    this.says("committed");
  }
  override handleCancel(_tx: Transaction, reason: string): void {
    this.says(`cancelled ${reason}`);
  }
  override terminate(): void {
    this.says("ends");
  }
  says(what: string): void {
    this.log.push(`${this.#name} ${what}`);
  }
}

const start = (node: Node, log: string[], name: string, body: Body) =>
  node.start(Ending, [name, log, body], { register: name });

function of(name: string, log: readonly string[]): string[] {
  return log.filter((line) => line.startsWith(`${name} `)).map((l) => l.slice(name.length + 1));
}

nodeTest(
  "a saga that is stopped takes its part back first, and the others theirs",
  async ({ node }) => {
    const log: string[] = [];
    const open = gate();
    const first = await start(node, log, "first", (tx) => tx.next("mid", 1));
    const mid = await start(node, log, "mid", async (tx, saga) => {
      await tx.next("below", 1);
      tx.compensate(async () => {
        await Promise.resolve();
        saga.says("taken back, the last");
      });
      await open.promise;
    });
    await start(node, log, "below", () => 1);
    const run = first.run(1);
    await until(() => of("mid", log).length === 1 && of("below", log).length === 1);
    void assertRejects(() => run, TransactionCancelledError);
    await until(() => mid.running === 1);
    const stopped = mid.stop();
    open.open();
    await stopped;
    const error = await assertRejects(() => run, TransactionCancelledError);
    assertEquals(error.reason, "the saga has ended");
    const back = ["began", "taken back", "cancelled the saga has ended"];
    await until(() => of("below", log).length === 3);
    assertEquals(of("mid", log), ["began", "taken back, the last", ...back.slice(1), "ends"]);
    assertEquals([of("first", log), of("below", log)], [back, back]);
  },
);

nodeTest("a result that is out is taken back, too, and the work of jobs", async ({ node }) => {
  const log: string[] = [];
  class Work extends SagaWorker<string, number> {
    override handleJob(): number {
      return 1;
    }
    override handleCancel(reason: string): void {
      log.push(`work cancelled ${reason}`);
    }
  }
  const open = gate();
  const first = await start(node, log, "first", async (tx) => {
    await tx.next("part", 1);
    log.push("first has it");
    await open.promise;
  });
  const part = await start(node, log, "part", (tx) => tx.job(Work, "x"));
  const run = first.run(1);
  void run.catch(() => {});
  await until(() => log.includes("first has it"));
  await part.stop();
  assertEquals(of("part", log), ["began", "taken back", "cancelled the saga has ended", "ends"]);
  assertEquals(of("work", log), ["cancelled the saga has ended"]);
  open.open();
  await assertRejects(() => run, TransactionCancelledError, "the saga has ended");
  assertEquals(of("first", log).slice(-2), ["taken back", "cancelled the saga has ended"]);
});

nodeTest("the first saga ends while the others are asked whether they agree", async ({ node }) => {
  const log: string[] = [];
  const open = gate();
  const first = await start(node, log, "first", async (tx, saga) => {
    saga.decides = open.promise;
    return [await tx.next("part", 1), await tx.next("slow", 1)];
  });
  await start(node, log, "part", () => 1);
  const slow = await start(node, log, "slow", () => 1);
  const run = first.run(1);
  void run.catch(() => {});
  await until(() => of("first", log).includes("decides"));
  await sys.suspend(node, slow); // it does not say that it is prepared
  open.open();
  await sys.getState(node, "part");
  assertEquals(of("part", log), ["began"]);
  await first.stop();
  await assertRejects(() => run, TransactionCancelledError, "the saga has ended");
  await until(() => of("part", log).length === 3);
  await sys.resume(node, slow);
  await until(() => of("slow", log).length === 3);
  const back = ["began", "taken back", "cancelled the saga has ended"];
  assertEquals(of("first", log), ["began", "decides", ...back.slice(1), "ends"]);
  assertEquals([of("part", log), of("slow", log)], [back, back]);
});

nodeTest("what is committed stays, and a crash takes nothing back", async ({ node }) => {
  const log: string[] = [];
  const calm = await start(node, log, "calm", () => 1);
  assertEquals(await calm.run(1), 1);
  await calm.stop();
  assertEquals(log, ["calm began", "calm decides", "calm committed", "calm ends"]);
  log.length = 0;
  const open = gate();
  const crashes = await start(node, log, "crashes", () => open.promise);
  const run = crashes.run(1);
  void run.catch(() => {});
  await until(() => log.length === 1);
  await crashes.stop(atom("broken")).catch(() => {});
  await assertRejects(() => run, TransactionCancelledError, "the saga has ended");
  assertEquals(log, ["crashes began", "crashes ends"]);
  open.open();
});

nodeTest(
  "a saga that traps exits does so where its supervisor, or its node, ends it",
  async ({ node }) => {
    const log: string[] = [];
    const open = gate();
    const traps = await start(node, log, "traps", (_tx, saga) => {
      saga.trapExit = true;
      return open.promise;
    });
    const run = traps.run(1);
    void run.catch(() => {});
    await until(() => log.length === 1);
    const process = node._core.process(traps.pid)!;
    process.shutDown(node.pid, SHUTDOWN);
    open.open();
    await assertRejects(() => run, TransactionCancelledError, "the saga has ended");
    await until(() => process.exited);
    assertEquals(of("traps", log), ["began", "taken back", "cancelled the saga has ended", "ends"]);
    await assertRejects(() => traps.run(2), ProcessExitedError);
  },
);

nodeTest("nothing keeps a saga from its end for long", async ({ node, platform }) => {
  const log: string[] = [];
  const stuck = await start(node, log, "stuck", (tx, saga) => {
    tx.compensate(() => {
      saga.says("tries");
      return new Promise(() => {});
    });
    return new Promise(() => {});
  });
  const run = stuck.run(1);
  void run.catch(() => {});
  await until(() => log.length === 1);
  const stopped = stuck.with({ timeout: 60_000 }).stop();
  for (let i = 0; i < 6; i++) await platform.elapse(1_000);
  await stopped;
  await assertRejects(() => run, TransactionCancelledError, "the saga has ended");
  assertEquals(log.slice(0, 3), ["stuck began", "stuck tries", "stuck ends"]);
});
