// How a process ends, what ends with it in which order, and what its code may do behind that.
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { exit, ExitError, ProcessExitedError } from "../../../lib/node/errors.ts";
import type { Self } from "../../../lib/node/process/self.ts";
import {
  BOOM,
  collector,
  ended,
  idler,
  KILL,
  nodeTest,
  NORMAL,
  processOf,
  spawned,
} from "../_nodes.ts";

nodeTest("a process ends with any term as its reason", async ({ node }) => {
  const reasons = [
    BOOM,
    5,
    1.5,
    null,
    [1, 2],
    tuple(atom("shutdown"), atom("x")),
    new TermMap([[1, 2]]),
  ];
  for (const reason of reasons) {
    assertStrictEquals(await ended(node, node.spawn(() => exit(reason as never))), reason);
  }
});

nodeTest(
  "a throw ends a process with the error's name, message and stack",
  async ({ node, platform }) => {
    const reason = await ended(
      node,
      node.spawn(() => {
        throw new RangeError("too far");
      }),
    ) as [[unknown, unknown, unknown], unknown];
    assertEquals(reason[0][0], atom("js_error"));
    assertEquals(String(reason[0][1]), "RangeError");
    assertEquals(String(reason[0][2]), "too far");
    assert(String(reason[1]).includes("too far"));
    assertStrictEquals(platform.logs.filter(({ level }) => level === "error").length, 1);
  },
);

class Unprintable extends Error {
  override get name(): string {
    return Symbol("name") as never;
  }

  override get stack(): string {
    throw new Error("no stack");
  }
}

nodeTest("whatever is thrown ends one process and nothing else", async ({ node }) => {
  const hostile = [
    undefined,
    null,
    5,
    "text",
    Symbol("symbol"),
    Object.create(null),
    { toString: () => exit(BOOM) },
    new Unprintable(),
    new Proxy({}, {
      get() {
        throw new Error("hostile");
      },
      getPrototypeOf() {
        throw new Error("hostile");
      },
    }),
  ];
  for (const thrown of hostile) {
    const reason = await ended(
      node,
      node.spawn(() => {
        throw thrown;
      }),
    );
    assertStrictEquals((reason as unknown as Term[][])[0][0], atom("js_error"));
  }
  assertStrictEquals(await ended(node, node.spawn(() => {})), NORMAL);
});

nodeTest(
  "a plain process that exits in words is not reported, one that throws is",
  async ({ node, platform }) => {
    await ended(node, node.spawn(() => exit(BOOM)));
    assertEquals(platform.logs, []);
    await ended(
      node,
      node.spawn(() => {
        throw new Error("nobody expected this");
      }),
    );
    assertStrictEquals(platform.logs.length, 1);
    assert(platform.logs[0].message.includes("nobody expected this"));
  },
);

nodeTest(
  "what a function returns like a promise is waited for, even a hostile one",
  async ({ node }) => {
    const thenables: [unknown, unknown][] = [
      [{ then: (resolve: () => void) => resolve() }, NORMAL],
      [{
        then: (resolve: () => void, reject: (error: unknown) => void) => {
          resolve();
          reject(new Error("late"));
        },
      }, NORMAL],
      [{
        then: () => {
          throw new ExitError(BOOM);
        },
      }, BOOM],
    ];
    for (const [thenable, reason] of thenables) {
      assertStrictEquals(await ended(node, node.spawn(() => thenable)), reason);
    }
  },
);

// What ends with a process, and in which order

nodeTest(
  "at its end a process is gone before anybody is told, and told are its signal, watchers and links",
  async ({ node, platform }) => {
    const order: string[] = [];
    const { pid, value: self } = await spawned(node, (self) => {
      self.register("ordered");
      self.signal.addEventListener(
        "abort",
        () => order.push(`signal, alive: ${node.isAlive(pid)}`),
      );
      return self;
    });
    const observer = collector(node, (observer) => {
      observer.trapExit = true;
      observer.link(pid);
      observer.monitor(pid, () => void order.push(`down, name: ${node.whereis("ordered")}`));
    });
    await platform.settle();
    node.exit(pid, BOOM);
    assertEquals(order, ["signal, alive: false"]);
    assertStrictEquals(self.signal.reason.reason, BOOM);
    await platform.settle();
    assertEquals(order, ["signal, alive: false", "down, name: undefined"]);
    assertEquals(observer.got, [tuple(atom("EXIT"), pid, BOOM)]);
  },
);

nodeTest(
  "a watcher that fails does not keep the others from being told",
  async ({ node, platform }) => {
    const pid = idler(node);
    const process = processOf(node, pid);
    process.addWatcher({
      down() {
        throw new Error("cannot be encoded");
      },
    });
    const down = ended(node, pid);
    const linked = idler(node);
    process.addLink({
      pid: node.pid,
      linkBroken() {
        throw new Error("cannot be encoded either");
      },
    });
    node._core.link(process, linked);
    node.exit(pid, BOOM);
    assertStrictEquals(await down, BOOM);
    assertStrictEquals(node.isAlive(linked), false);
    assertStrictEquals(platform.logs.length, 2);
    // The node goes on.
    assertStrictEquals(await ended(node, node.spawn(() => {})), NORMAL);
  },
);

nodeTest("the signal is there after the end too, aborted", async ({ node, platform }) => {
  const { pid, value: self } = await spawned(node, (self) => self);
  node.exit(pid, BOOM);
  assert(self.signal.aborted);
  assert(self.signal.reason instanceof ProcessExitedError);
  await platform.settle();
});

nodeTest("code that outlives its process cannot act in its name", async ({ node, platform }) => {
  const other = collector(node);
  const { pid, value: self } = await spawned(node, (self: Self) => self);
  node.exit(pid, BOOM);
  const acts: (() => unknown)[] = [
    () => self.send(other.pid, 1),
    () => self.cast(other.pid, 1),
    () => self.monitor(other.pid),
    () => self.link(other.pid),
    () => self.unlink(other.pid),
    () => self.exit(other.pid, KILL),
    () => self.after(1, () => {}),
    () => self.every(1, () => {}),
    () => self.alias(),
    () => self.register("late"),
  ];
  for (const act of acts) {
    const error = assertThrows(act, ProcessExitedError, "this process has exited with boom");
    assertStrictEquals(error.reason, BOOM);
  }
  const waits: (() => Promise<unknown>)[] = [
    () => self.call(other.pid, 1),
    () => self.sleep(1),
    () => self.receive(),
  ];
  for (const wait of waits) {
    const error = await wait().then(() => null, (error) => error); // a rejection, not a throw
    assert(error instanceof ProcessExitedError);
  }
  await platform.settle();
  assertEquals(other.got, []);
  assert(node.isAlive(other.pid));
});

nodeTest(
  "a process that acts after its end by mistake is not reported",
  async ({ node, platform }) => {
    let failed: unknown;
    const pid = node.spawn(async (self) => {
      await Promise.resolve();
      node.exit(self.pid, BOOM);
      try {
        self.send(self.pid, 1);
      } catch (error) {
        failed = error;
        throw error;
      }
    });
    assertStrictEquals(await ended(node, pid), BOOM);
    await platform.settle();
    assert(failed instanceof ProcessExitedError);
    assertEquals(platform.logs, []);
  },
);

nodeTest(
  "an error that an end causes in the code that was running is not unhandled",
  async ({ node, platform }) => {
    let cleaned = 0;
    for (let i = 0; i < 10; i++) {
      const pid = node.spawn(async (self) => {
        const floating = self.receive(); // nobody waits for this one when the end comes
        try {
          await self.sleep(1000);
        } finally {
          cleaned++;
        }
        await floating;
      });
      await platform.settle();
      node.exit(pid, BOOM);
    }
    await platform.settle();
    assertStrictEquals(cleaned, 10);
  },
);

nodeTest(
  "a hundred thousand processes that come and go leave nothing",
  async ({ node, platform }) => {
    const before = node.processes().length;
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 1000; i++) {
        const pid = node.spawn(i % 2 === 0 ? () => {} : (self) => self.receive(), {
          ...(i % 10 === 0 ? { register: `p${i}` } : {}),
        });
        if (i % 3 === 0) node.monitor(pid, () => {});
        if (i % 5 === 0) node._core.addAlias(processOf(node, pid));
        if (i % 2 === 1) node.exit(pid, KILL);
      }
      await platform.settle();
    }
    const core = node._core;
    assertStrictEquals(node.processes().length, before);
    assertEquals(node.registered(), []);
    assertStrictEquals(core.aliasCount, 0);
  },
);
