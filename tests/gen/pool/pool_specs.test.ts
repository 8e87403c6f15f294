// What a pool is made of: classes, figures that sys shows, specs that cannot be.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { format } from "../../../lib/etf/format.ts";
import { Pool, pool } from "../../../lib/gen/pool/pool.ts";
import type { PoolSpec } from "../../../lib/gen/pool/pool_options.ts";
import type { PoolRef } from "../../../lib/gen/pool/pool_ref.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { ExitError } from "../../../lib/node/errors.ts";
import { nodeTest } from "../../node/_nodes.ts";
import { Bench, Worker } from "./_bench.ts";

nodeTest("a class of pools depends on what it is started with", async ({ node }) => {
  class Workers extends Pool<Worker> {
    override async init(size: number): Promise<PoolSpec<Worker>> {
      await Promise.resolve();
      return { worker: Worker, args: [new Bench()], size };
    }
  }
  const ref: PoolRef<Worker> = await node.start(Workers, [2]);
  assertEquals(ref.workers().length, 2);
  assertEquals(await ref.call("who"), "w0");
  // @ts-expect-error: its workers have no such call
  assertEquals(String(await ref.call("nothing")), "kept");
});

nodeTest("sys shows the figures", async ({ node }) => {
  const ref = await node.start(pool(Worker, [new Bench()], { size: 1 }), []);
  await ref.call("who");
  const state = format(await sys.getState(node, ref));
  assert(state.includes("size => 1") && state.includes("handled => 1"), state);
});

nodeTest("specs that cannot be are refused", async ({ node }) => {
  const bench = new Bench();
  const bad = (options: object): unknown => pool(Worker, [bench], options as never);
  assertThrows(() => bad({ size: -1 }), RangeError, "Cannot start a pool with size -1");
  assertThrows(() => bad({ size: Infinity }), RangeError);
  assertThrows(() => bad({ maxPerWorker: 0 }), RangeError, "a whole number from 1 on");
  assertThrows(() => bad({ sise: 1 }), TypeError, "there is none, there are strategy, size");
  assertThrows(() => bad({ strategy: "best" }), TypeError, "round_robin");
  assertThrows(() => pool(Object as never, []), TypeError);
  class Empty extends Pool {
    override init(): never {
      return undefined as never;
    }
  }
  const error = await assertRejects(() => node.start(Empty, []), ExitError);
  assert(String((error.cause as Error).message).includes("its init gave no { worker, args }"));
});
