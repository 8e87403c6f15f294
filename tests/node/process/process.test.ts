import { test } from "node:test";
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
  forever,
  idler,
  KILL,
  KILLED,
  loneNode,
  nodeTest,
  NOPROC,
  NORMAL,
  processOf,
  SHUTDOWN,
  spawned,
} from "../_nodes.ts";

// The rules are those of "Processes" in Erlang's reference manual, and of erlang:exit/2.

nodeTest("a spawned function runs later, in a process of its own", async ({ node, platform }) => {
  let ran = false;
  const pid = node.spawn(() => {
    ran = true;
  });
  assertStrictEquals(ran, false);
  assert(node.isAlive(pid));
  await platform.settle();
  assertStrictEquals(ran, true);
  assertStrictEquals(node.isAlive(pid), false);
});

nodeTest("a process ends with normal when its function is done", async ({ node }) => {
  assertStrictEquals(await ended(node, node.spawn(() => {})), NORMAL);
  assertStrictEquals(await ended(node, node.spawn(async () => await Promise.resolve(5))), NORMAL);
});

nodeTest("every pid is another one", ({ node }) => {
  const keys = new Set(Array.from({ length: 1000 }, () => idler(node).key));
  assertStrictEquals(keys.size, 1000);
});

nodeTest("pids keep to 15 bits of id for old peers, and go on in the serial", ({ node }) => {
  for (let i = 0; i < 40_000; i++) {
    const pid = node.spawn(() => {});
    assert(pid.id < 32_768);
    node.exit(pid, KILL);
  }
  const pid = idler(node);
  assertStrictEquals(pid.serial, 1);
  assertStrictEquals(node.isAlive(pid), true);
});

nodeTest("messages arrive in the order in which they were sent", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  for (let i = 0; i < 10_000; i++) node.send(pid, i);
  await platform.settle();
  assertEquals(got, Array.from({ length: 10_000 }, (_, i) => i));
});

nodeTest("messages of several senders keep each sender's order", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  for (let sender = 0; sender < 10; sender++) {
    node.spawn(async (self) => {
      for (let i = 0; i < 100; i++) {
        self.send(pid, tuple(sender, i));
        if (i % 7 === sender % 7) await Promise.resolve();
      }
    });
  }
  await platform.settle();
  assertStrictEquals(got.length, 1000);
  for (let sender = 0; sender < 10; sender++) {
    const own = got.filter((message) => (message as Term[])[0] === sender).map((message) =>
      (message as Term[])[1]
    );
    assertEquals(own, Array.from({ length: 100 }, (_, i) => i));
  }
});

nodeTest("ten thousand processes pass a message round", async ({ node, platform }) => {
  let next = collector(node);
  const { got } = next;
  for (let i = 0; i < 10_000; i++) {
    const { pid } = next;
    next = {
      got,
      pid: node.spawn(async (self) => self.send(pid, (await self.receive() as number) + 1)),
    };
  }
  node.send(next.pid, 0);
  await platform.settle();
  assertEquals(got, [10_000]);
});

nodeTest("what is sent to a process that has ended is dropped", async ({ node, platform }) => {
  const pid = node.spawn(() => {});
  await platform.settle();
  node.send(pid, 1);
  node.send("nobody", 1);
  node.cast(pid, 1);
  await platform.settle();
});

nodeTest("undefined is no message, and the mailbox goes on", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  await platform.settle();
  assertThrows(() => node.send(pid, undefined as unknown as null), TypeError, "nil");
  node.send(pid, 1);
  node.send(pid, null);
  node.send(pid, false);
  await platform.settle();
  assertEquals(got, [1, null, false]);
});

nodeTest(
  "a message is passed by reference, unless the node is to copy",
  async ({ node, platform }) => {
    const { pid, got } = collector(node);
    const map = new TermMap([[atom("a"), 1]]);
    node.send(pid, map);
    await platform.settle();
    assertStrictEquals(got[0], map);
  },
);

nodeTest("a node that copies sends what another node would get", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  const list = [1, 2];
  node.send(pid, list);
  list.push(3);
  await platform.settle();
  assertEquals(got, [[1, 2]]);
  assertThrows(() => node.send(pid, { plain: 1 } as unknown as Term), Error);
}, { copyMessages: true });

// Ends

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

// Exit signals

nodeTest("exit/2 ends a process at once, with that reason", async ({ node }) => {
  for (const reason of [BOOM, SHUTDOWN, tuple(1, 2) as unknown as Term]) {
    const pid = idler(node);
    const down = ended(node, pid);
    node.exit(pid, reason as never);
    assertStrictEquals(node.isAlive(pid), false);
    assertStrictEquals(await down, reason);
  }
});

nodeTest(
  "normal from another process is ignored, also as a message unless exits are trapped",
  async ({ node, platform }) => {
    const plain = collector(node);
    const trapping = collector(node, (self) => void (self.trapExit = true));
    await platform.settle();
    node.exit(plain.pid, NORMAL);
    node.exit(trapping.pid, NORMAL);
    await platform.settle();
    assert(node.isAlive(plain.pid));
    assertEquals(plain.got, []);
    assertEquals(trapping.got, [tuple(atom("EXIT"), node.pid, NORMAL)]);
  },
);

nodeTest("normal from the process itself ends it", async ({ node }) => {
  const pid = node.spawn(async (self) => {
    self.exit(self.pid, NORMAL);
    await forever(self);
  });
  assertStrictEquals(await ended(node, pid), NORMAL);
});

nodeTest(
  "normal from the process itself is a message where it traps exits",
  async ({ node, platform }) => {
    const { pid, got } = collector(node, (self) => {
      self.trapExit = true;
      self.exit(self.pid, NORMAL);
    });
    await platform.settle();
    assertEquals(got, [tuple(atom("EXIT"), pid, NORMAL)]);
  },
);

nodeTest("kill ends a process that traps exits, with killed", async ({ node, platform }) => {
  const { pid, got } = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  const down = ended(node, pid);
  node.exit(pid, KILL);
  assertStrictEquals(await down, KILLED);
  assertEquals(got, []);
});

nodeTest("killed is a reason as any other", async ({ node, platform }) => {
  const trapping = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  node.exit(trapping.pid, KILLED);
  await platform.settle();
  assertEquals(trapping.got, [tuple(atom("EXIT"), node.pid, KILLED)]);
});

nodeTest("a trapped exit signal keeps its place among the messages", async ({ node, platform }) => {
  const { pid, got } = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  node.send(pid, 1);
  node.exit(pid, BOOM);
  node.send(pid, 2);
  await platform.settle();
  assertEquals(got, [1, tuple(atom("EXIT"), node.pid, BOOM), 2]);
});

nodeTest(
  "an exit signal comes before messages that wait: they are never handled",
  async ({ node, platform }) => {
    const { pid, got } = collector(node);
    await platform.settle();
    node.send(pid, 1);
    node.exit(pid, BOOM);
    await platform.settle();
    assertEquals(got, []);
  },
);

nodeTest("whether exits are trapped counts when the signal arrives", async ({ node, platform }) => {
  const { pid, value: self } = await spawned(node, (self) => self);
  self.trapExit = true;
  node.exit(pid, BOOM);
  assert(node.isAlive(pid));
  self.trapExit = false;
  node.exit(pid, BOOM);
  assertStrictEquals(node.isAlive(pid), false);
  await platform.settle();
});

nodeTest(
  "an exit signal to a process that is not there does nothing",
  async ({ node, platform }) => {
    const pid = node.spawn(() => {});
    await platform.settle();
    node.exit(pid, KILL);
  },
);

nodeTest("a text as a reason is refused where the atom is meant", async ({ node }) => {
  const pid = idler(node);
  for (const reason of ["normal", "shutdown", "kill"]) {
    assertThrows(() => node.exit(pid, reason as never), TypeError, `atom("${reason}")`);
  }
  const { value: self } = await spawned(node, (self) => self);
  assertThrows(() => self.stop("normal" as never), TypeError, "atom");
});

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

test("two nodes of one program have nothing to do with each other", async () => {
  const [one, two] = [loneNode({}, "one@localhost"), loneNode({}, "two@localhost")];
  const pid = idler(one.node);
  assertStrictEquals(two.node.isAlive(pid), false);
  two.node.exit(pid, KILL);
  two.node.send(pid, 1);
  assert(one.node.isAlive(pid));
  await one.node.stop();
  const alive = idler(two.node);
  assert(two.node.isAlive(alive));
  await two.node.stop();
});

nodeTest("a pid of another life of the node is a pid of nobody", ({ node }) => {
  const pid = idler(node);
  const earlier = new (pid.constructor as new (...args: unknown[]) => typeof pid)(
    pid._node,
    pid.id,
    pid.serial,
    pid.creation + 1,
  );
  assertStrictEquals(node.isAlive(earlier), false);
  node.exit(earlier, KILL);
  assert(node.isAlive(pid));
});

nodeTest(
  "a link to a process of an earlier life is a link to nobody",
  async ({ node, platform }) => {
    const pid = idler(node);
    const earlier = new (pid.constructor as new (...args: unknown[]) => typeof pid)(
      pid._node,
      9999,
      7,
      pid.creation + 1,
    );
    const linking = collector(node, (self) => {
      self.trapExit = true;
      self.link(earlier);
    });
    await platform.settle();
    assertEquals(linking.got, [tuple(atom("EXIT"), earlier, NOPROC)]);
  },
);
