// The workers of a saga: their jobs, interim results, and what their end means.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { type JobContext, SagaWorker } from "../../../mod.ts";
import { ProcessExitedError } from "../../../lib/node/errors.ts";
import { nodeTest, until } from "../../node/_nodes.ts";
import { cancelled, doing, Fun, sagas, workers } from "./_told_sagas.ts";

class Add extends SagaWorker<[number, string[]], number> {
  #log: string[] = [];
  override async handleJob([n, log]: [number, string[]], job: JobContext): Promise<number> {
    this.#log = log;
    job.interim(n + 1);
    if (n === 13) throw new Error("unlucky");
    if (n < 0) await new Promise((resolve) => job.signal.addEventListener("abort", resolve));
    return n + 2;
  }
  override handleCommit(final: Term): void {
    this.#log.push(`job committed ${format(final)}`);
  }
  override handleCancel(reason: string): void {
    this.#log.push(`job cancelled ${reason}`);
  }
}

nodeTest("jobs are done by linked processes, and end with their transaction", async (lone) => {
  const { node, platform } = lone;
  const log: string[] = [];
  const parts: unknown[] = [];
  const { first } = await sagas(node, log, {
    first: async (tx, value) => {
      const job = tx.job(Add, [Number(value), log], { interim: (part) => parts.push(part) });
      assert(node.info(job.pid)!.links.some((pid) => pid.equals(node.whereis("first")!)));
      const sum = await job + await tx.job((n: number) => n * 2, 4);
      return sum;
    },
    cancels: async (tx) => {
      const job = tx.job(Add, [-1, log]);
      void Promise.resolve().then(() => job.cancel("not needed"));
      return await cancelled(job);
    },
    late: (tx) => tx.job(Add, [-1, log], { timeout: 50 }),
    unseen: (tx) => void tx.job(Add, [13, log]),
    caught: async (tx) => (await cancelled(tx.job(Add, [13, log]))).slice(0, 10),
  });
  const before = workers(lone);
  assertEquals(await first.run(1), 11);
  assertEquals(parts, [2]);
  assertEquals(log, ["first committed 11", "job committed 11"]);
  await until(() => workers(lone) === before);

  log.length = 0;
  assert((await cancelled(first.run(13))).includes("unlucky"));
  assertEquals(log.length, 1);
  assert(
    (await cancelled((await node.ref(Fun, "unseen") as unknown as typeof first).run(1))).includes(
      "unlucky",
    ),
  );
  assertEquals(await (node.ref(Fun, "caught") as unknown as typeof first).run(1), "job failed");
  log.length = 0;
  assertEquals(await (node.ref(Fun, "cancels") as unknown as typeof first).run(1), "not needed");
  assertEquals(
    log,
    ["job cancelled not needed", 'cancels committed <<"not needed">>'],
  );
  const late = cancelled((node.ref(Fun, "late") as unknown as typeof first).run(1));
  await platform.elapse(60);
  assertEquals(await late, "lifespan");
  await until(() => workers(lone) === before);
});

nodeTest(
  "a saga that ends takes its workers with it, and its transactions are told",
  async (lone) => {
    const { node } = lone;
    const log: string[] = [];
    const { first } = await sagas(node, log, {
      first: doing("first", (tx) => tx.next("ends", 1)),
      ends: (tx) => tx.job(Add, [-1, log]),
    });
    const before = workers(lone);
    const result = cancelled(first.run(1));
    while (workers(lone) === before) await new Promise((resolve) => setTimeout(resolve, 0));
    node.exit(node.whereis("ends")!, atom("kill"));
    assertEquals(await result, "saga {ends,lone@localhost} is down: killed");
    await until(() => workers(lone) === before - 1);
    const mine = first.run(2);
    node.exit(first.pid, atom("kill"));
    await assertRejects(() => mine, ProcessExitedError);
    await assertRejects(() => first.run(3), ProcessExitedError);
  },
);

nodeTest("a worker that ends with its result before the commit cancels", async ({ node }) => {
  const log: string[] = [];
  const { first } = await sagas(node, log, {
    first: async (tx) => {
      const job = tx.job(Add, [1, log]);
      await job;
      node.exit(job.pid, atom("kill"));
      await new Promise((resolve) => setTimeout(resolve, 0));
      return 1;
    },
  });
  assertEquals(await cancelled(first.run(1)), "job failed: killed");
});

nodeTest("interim results come before the result", async ({ node }) => {
  const log: string[] = [];
  const got: Term[] = [];
  const { first } = await sagas(node, log, {
    first: (tx) => tx.next("a", 1, { interim: (part) => got.push(part) }),
    a: (tx) => {
      tx.interim(1);
      tx.interim("two");
      return 3;
    },
  });
  assertEquals([await first.run(1), got as unknown[]], [3, [1, "two"]]);
});
