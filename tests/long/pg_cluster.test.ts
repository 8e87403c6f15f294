/**
 * Process groups of two Erlang nodes and two of ours, in trouble, at length: 200 cycles, or as many as ERGO_PG_CYCLES says, from the seed ERGO_PG_SEED where
 * one is given. After each all views agree within 2 seconds.
 */
import { after, test } from "node:test";
import process from "node:process";
import { assertEquals } from "@std/assert";
import { PgCluster, TROUBLES, VERY_LATE } from "../kernel/_pg_cluster.ts";
import { needs } from "../_support/runtime.ts";

const cycles = Number(process.env.ERGO_PG_CYCLES ?? 200);
const seed = Number(process.env.ERGO_PG_SEED ?? Date.now() % 2 ** 31);
let cluster: PgCluster | null = null;
after(async () => await cluster?.[Symbol.asyncDispose]());

for (let i = 0; i < cycles; i++) {
  const trouble = i % 40 === 39 ? VERY_LATE : TROUBLES[i % TROUBLES.length];
  test(`seed ${seed}, cycle ${i}: ${trouble}`, { skip: needs("erl", "epmd") }, async () => {
    cluster ??= await PgCluster.start(seed);
    await cluster.cycle(trouble);
    await cluster.agreed(2_000);
    assertEquals(cluster.output(), "");
  });
}
