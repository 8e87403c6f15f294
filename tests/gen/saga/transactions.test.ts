// Transactions of several sagas: what is done, agreed upon, and taken back.
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { Encodable } from "../../../lib/etf/term.ts";
import { TransactionCancelledError } from "../../../lib/gen/saga/errors.ts";
import { Saga, type Transaction } from "../../../mod.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { nodeTest, until } from "../../node/_nodes.ts";
import { gate, logs } from "../_servers.ts";
import { cancelled, doing, Fun, one, sagas } from "./_told_sagas.ts";

nodeTest("results go up, and all commit what the first has made of them", async ({ node }) => {
  const log: string[] = [];
  const { first } = await sagas(node, log, {
    first: async (tx, value) => {
      assertEquals([tx.parent, tx.value, tx.remaining], [null, 1, 60_000]);
      const both = await Promise.all([
        tx.next<number>("a", 2),
        tx.next("b", 3, { result: t.integer }),
      ]);
      return [value, ...both];
    },
    a: async (tx, value) => Number(await tx.next("c", 10)) + Number(value),
    b: (tx, value) => {
      assertEquals(tx.remaining, 60_000);
      return value;
    },
    c: (_tx, value) => value,
  });
  assertEquals(await first.run(1), [1, 12, 3]);
  assertEquals(await first.call("name"), "first");
  assertEquals(log.sort(), ["a", "b", "c", "first"].map((name) => `${name} committed [1,12,3]`));
  assertEquals(first.running, 0);
});

nodeTest("what was done is taken back in reverse order, over all sagas", async ({ node }) => {
  const log: string[] = [];
  const { first } = await sagas(node, log, {
    first: doing("first", async (tx, _value, saga) => {
      await tx.next("a", 1);
      tx.compensate(async () => {
        await Promise.resolve();
        saga.log.push("first, in between, taken back");
      });
      await tx.next("b", 1);
      await tx.next("c", 1);
      return 1;
    }),
    a: doing("a", async (tx) => {
      await tx.next("below", 1);
      tx.compensate(() => void log.push("a, later, taken back"));
      return 1;
    }),
    below: doing("below"),
    b: doing("b"),
    c: doing("c", () => {
      throw new Error("no");
    }),
  });
  assertEquals(await cancelled(first.run(1)), "Error: no");
  assertEquals(log, [
    "c taken back",
    "c cancelled Error: no",
    "b taken back",
    "b cancelled Error: no",
    "first, in between, taken back",
    "a, later, taken back",
    "below taken back",
    "below cancelled Error: no",
    "a taken back",
    "a cancelled Error: no",
    "first taken back",
    "first cancelled Error: no",
  ]);
});

nodeTest("a part whose cancel is trapped does not end the transaction", async ({ node }) => {
  const log: string[] = [];
  const { first } = await sagas(node, log, {
    first: async (tx) => {
      const reason = await cancelled(tx.next("fails", 1, { trapCancel: true }));
      assertEquals(
        await cancelled(tx.next("nobody", 1, { trapCancel: true })),
        "saga {nobody,lone@localhost} is down: noproc",
      );
      return [reason, await tx.next("works", 2)];
    },
    fails: doing("fails", (tx) => tx.cancel("not today")),
    works: (_tx, value) => value,
  });
  assertEquals(
    await first.run(1),
    ["not today", 2],
  );
  assertEquals(log.slice(0, 2), ["fails taken back", "fails cancelled not today"]);
});

nodeTest("limits: hops, loops, transactions at once, values", async ({ node }) => {
  const log: string[] = [];
  const open = gate();
  const { first, busy } = await sagas(node, log, {
    first: async (tx, value) => await tx.next(String(value), value as string),
    again: (tx) => tx.next("first", "again"),
    far: (tx) => tx.next("works", 1),
    works: () => 1,
    busy: () => open.promise,
  });
  assertEquals(await cancelled(first.run("again")), "loop_detected");
  assertEquals(await cancelled(first.run("far", { hopLimit: 1 })), "hop_limit");
  assertEquals(await first.run("far", { hopLimit: 2 }), 1);
  const server = node._core.process(busy.pid)!.body as Fun;
  server.maxTransactions = 1;
  const running = busy.run(1);
  assertEquals(await cancelled(busy.run(1)), "exceed_tx_limit");
  assertEquals(await cancelled(first.run("busy")), "exceed_tx_limit");
  open.open();
  await running;
  assertEquals(await first.run("busy"), null);

  class Typed extends Saga<number, number> {
    override readonly value = t.integer;
    override handleTransaction(_tx: Transaction<number>, value: number): number {
      return value;
    }
  }
  await node.start(Typed, [], { register: "typed" });
  assertEquals((await cancelled(first.run("typed"))).split(":")[0], "bad_value");
  assertThrows(() => first.run(1, { lifespan: -1 }), RangeError, "lifespan -1");
  assertThrows(() => first.run(1, { hopLimit: 1.5 }), RangeError, "hopLimit");
  assertThrows(() => first.run(1, { livespan: 1 } as never), TypeError, "lifespan may be meant");
});

nodeTest(
  "lifespan: it ends within it, also where a saga says nothing",
  async ({ node, platform }) => {
    const log: string[] = [];
    const never = new Promise(() => {});
    const { first } = await sagas(node, log, {
      first: doing("first", async (tx, value) => {
        await tx.next("a", 1);
        return await tx.next("silent", 1, value as { timeout?: number });
      }),
      a: doing("a"),
      silent: doing("silent", () => never),
    });
    const result = cancelled(first.run({}, { lifespan: 3_000 }));
    await platform.elapse(2_200);
    assertEquals(log, []);
    await platform.elapse(800);
    assertEquals(await result, "lifespan");
    assertEquals(
      log,
      ["silent", "a", "first"].flatMap((
        name,
      ) => [`${name} taken back`, `${name} cancelled lifespan`]),
    );

    log.length = 0;
    const timed = cancelled(first.run({ timeout: 100 }));
    await platform.elapse(1_500);
    assertEquals(await timed, "lifespan");
    assertEquals(log.length, 6);

    const abort = new AbortController();
    const aborted = cancelled(first.run({}, { signal: abort.signal }));
    await platform.elapse(1);
    abort.abort("enough");
    await platform.elapse(1_500);
    assertEquals(await aborted, "enough");
  },
);

nodeTest("without two-phase commit it counts when the first is done", async ({ node }) => {
  const log: string[] = [];
  const { first } = await sagas(node, log, {
    first: doing("first", async (tx, value) => {
      await tx.next("a", 1);
      if (value === 2) throw new Error("no");
      return value;
    }),
    a: doing("a"),
  });
  const options = { twoPhaseCommit: false };
  assertEquals(await first.run(1, options), 1);
  assertEquals(log, []);
  await cancelled(first.run(2, options));
  assertEquals(log, [
    "a taken back",
    "a cancelled Error: no",
    "first taken back",
    "first cancelled Error: no",
  ]);
  assertEquals((node._core.process(node.whereis("a")!)!.body as Fun)._running, 0);
});

nodeTest("what is done while others cancel it is taken back, too", async ({ node }) => {
  const log: string[] = [];
  const booking = gate();
  const { first } = await sagas(node, log, {
    first: (tx) => Promise.all([tx.next("slow", 1), tx.next("fails", 1)]),
    slow: async (tx) => {
      await booking.promise; // booked, though meanwhile it is cancelled
      tx.compensate(() => void log.push("slow taken back"));
    },
    fails: (tx) => tx.signal.aborted || tx.cancel("no"),
  });
  const result = cancelled(first.run(1));
  await until(() => log.length === 1);
  booking.open();
  assertEquals(await result, "no");
  assertEquals(log, [
    "fails cancelled no",
    "slow taken back",
    "slow cancelled no",
    "first cancelled no",
  ]);
});

nodeTest("a part whose result is bad is out, and the others agree", async ({ node }) => {
  const log: string[] = [];
  const { first } = await sagas(node, log, {
    first: async (tx) => {
      await tx.next("good", 1);
      return await cancelled(tx.next("bad", 1, { trapCancel: true, result: t.integer }));
    },
    good: () => 1,
    bad: doing("bad", () => "text"),
  });
  assertMatch(await first.run(1) as string, /^bad_result: /);
  assertEquals(log.slice(0, 2), ["bad taken back", "bad cancelled bad_result"]);
});

nodeTest("the time for a part is not that of the transaction", async ({ node, platform }) => {
  const log: string[] = [];
  const { first } = await sagas(node, log, {
    first: async (tx) => {
      for (const name of ["a", "b", "c"]) await tx.next(name, 1, { timeout: 1_000 });
      return 1;
    },
    a: () => 1,
    b: (_tx, _value, saga) => saga.sleep(900),
    c: (_tx, _value, saga) => saga.sleep(900),
  });
  const result = first.run(1);
  await platform.elapse(2_500);
  assertEquals(await result, 1);
});

nodeTest("what handleDone starts is waited for; a result that is no term cancels", async (lone) => {
  class Late extends Fun {
    override handleDone(tx: Transaction, result: unknown): unknown {
      void tx.next("part", 2);
      return result === 3 ? () => {} : result;
    }
  }
  const log: string[] = [];
  const { node } = lone;
  const late = await node.start(Late, ["late", log, (_tx: Transaction, value: unknown) => value]);
  await sagas(node, log, { part: doing("part", (_tx, value) => value) });
  assertEquals(await late.run(1), 1);
  assertEquals(log.sort(), ["late committed 1", "part committed 1"]);
});

nodeTest("what is over cannot go on, and says so", async ({ node, platform }) => {
  const log: string[] = [];
  let kept!: Transaction;
  const { first } = await sagas(node, log, {
    first: (tx, value) => {
      kept = tx;
      if (value === 2) throw new Error("no");
      tx.compensate(() => {
        throw new Error("cannot");
      });
      if (value === 3) tx.cancel("three");
      return value;
    },
  });
  await first.run(1);
  assertThrows(() => kept.next("a", 1), TypeError, "this saga has given its result");
  assertThrows(() => kept.cancel("x"), TypeError, "this saga has given its result");
  await cancelled(first.run(2));
  assert(kept.signal.aborted);
  assertThrows(() => kept.compensate(() => {}), TransactionCancelledError, "no");
  await cancelled(first.run(3));
  assert(
    logs({ node, platform }).some((line) =>
      line.includes("Cannot take back a part of a transaction")
    ),
  );
});

nodeTest(
  "messages that are none of a saga's are dropped and told of",
  async ({ node, platform }) => {
    const log: string[] = [];
    const { first } = await sagas(node, log, { first: () => 1 });
    const { tuple } = await import("../../../lib/etf/tuple.ts");
    for (const bad of [tuple(atom("$saga_next")), tuple(atom("$saga_result"), first.pid, 1)]) {
      first.send(bad as Encodable);
    }
    assertEquals(await first.run(1), 1);
    assertEquals(
      logs({ node, platform }).filter((line) => line.includes("written otherwise")).length,
      2,
    );
  },
);

clusterTest(
  "over nodes: values are terms, and a node that is lost cancels",
  async (a, b, cluster) => {
    const log: string[] = [];
    const first = await one(a, log, "first", async (tx, value) => {
      const there = await tx.next({ name: "there", node: b.name }, value as Encodable, {
        result: t.text,
      });
      return await tx.next({ name: "again", node: b.name }, there);
    });
    const open = gate();
    await one(b, log, "there", doing("there", (_tx, value) => value));
    await one(b, log, "again", (_tx, value) => String(value) === "wait" ? open.promise : "done");
    assertEquals(String(await first.run("x")), "done");
    await new Promise<void>((resolve) => {
      const look = (): void => log.length === 3 ? resolve() : void setTimeout(look, 1);
      look();
    });
    assertEquals(
      log.sort(),
      ["again", "first", "there"].map((name) => `${name} committed <<"done">>`),
    );
    log.length = 0;
    const lost = cancelled(first.run("wait"));
    while ((b._core.process(b.whereis("again")!)!.body as Fun)._running === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    cluster.reset();
    assertMatch(await lost, /the node of (again|there) on b@localhost cannot be reached/);
    while (log.length < 4) await new Promise((resolve) => setTimeout(resolve, 1));
    assert(log.includes("there taken back"));
    open.open();
  },
);
