/** Process groups of two Erlang nodes and two of ours, in trouble; the long version is tests/long/pg_cluster.test.ts. */
import { after, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";
import { PgCluster, TROUBLES } from "./_pg_cluster.ts";

const skip = needs("erl", "epmd");
const opened = openNow();
let cluster: PgCluster | null = null;
after(async () => await cluster?.[Symbol.asyncDispose]());

for (const trouble of TROUBLES) {
  test(`members come and go everywhere: ${trouble}`, { skip }, async () => {
    cluster ??= await PgCluster.start(1828);
    await cluster.cycle(trouble);
    await cluster.agreed(50_000);
    assert(await cluster.count() > 0);
    assertEquals(cluster.output(), "");
  });
}

test("nothing is left open", async () => {
  await cluster?.[Symbol.asyncDispose]();
  cluster = null;
  await assertNothingLeft(opened);
});
