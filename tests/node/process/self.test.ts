import {
  assert,
  assertEquals,
  assertIsError,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tagged, tuple } from "../../../lib/etf/tuple.ts";
import { ExitError, ProcessExitedError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { ReceiveTimeoutError, type Self } from "../../../lib/node/process/self.ts";
import { BOOM, ended, idler, KILL, nodeTest, NORMAL, processOf } from "../_nodes.ts";

const Integer = t.tagged("number", t.integer);
const Text = t.tagged("text", t.text);

/** Runs a function in a process and gives what it returns. */
function inProcess<T>(node: Node, fn: (self: Self) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    node.spawn((self) => fn(self).then(resolve, reject));
  });
}

nodeTest("messages that came before receive are kept in order", async ({ node, platform }) => {
  let self!: Self;
  const pid = node.spawn((given) => {
    self = given;
    return new Promise(() => {});
  });
  for (let i = 0; i < 5; i++) node.send(pid, i);
  await platform.settle();
  for (let i = 0; i < 5; i++) assertStrictEquals(await self.receive(), i);
});

nodeTest("receive waits for what is to come", async ({ node }) => {
  const got = inProcess(node, async (self) => {
    self.after(0, () => {});
    node.send(self.pid, 1);
    return [await self.receive(), await self.receive()];
  });
  const pid = node.processes().at(-1)!;
  node.send(pid, 2);
  assertEquals(await got, [2, 1]); // ours was in its mailbox before the function had begun
});

nodeTest(
  "a schema takes the first message that it matches, and leaves the others in their order",
  async ({ node }) => {
    const got = await inProcess(node, async (self) => {
      for (
        const message of [
          tagged("text", "a"),
          1,
          tagged("number", 1),
          tagged("text", "b"),
          tagged("number", 2),
        ]
      ) {
        self.send(self.pid, message as Term);
      }
      return [
        (await self.receive(Integer))[1],
        (await self.receive(Text))[1],
        (await self.receive(Integer))[1],
        await self.receive(),
        (await self.receive(Text))[1],
      ];
    });
    assertEquals(got, [1, "a", 2, 1, "b"]);
  },
);

nodeTest("a schema converts what it takes", async ({ node }) => {
  const got = await inProcess(node, async (self) => {
    self.send(self.pid, new TextEncoder().encode("Zoë") as never);
    return await self.receive(t.text);
  });
  assertStrictEquals(got, "Zoë");
});

nodeTest(
  "a selective receive waits past messages that do not match",
  async ({ node, platform }) => {
    let got: unknown;
    const pid = node.spawn(async (self) => {
      got = await self.receive(Integer);
    });
    for (let i = 0; i < 1000; i++) node.send(pid, i);
    await platform.settle();
    assertStrictEquals(got, undefined);
    node.send(pid, tagged("number", 7) as Term);
    await platform.settle();
    assertEquals(got, tagged("number", 7));
  },
);

nodeTest(
  "two that wait at once get one message each, in the order in which they began",
  async ({ node, platform }) => {
    const got: unknown[] = [];
    const pid = node.spawn(async (self) => {
      await Promise.all([
        self.receive(Integer).then((message) => got.push("first number", message[1])),
        self.receive().then((message) => got.push("anything", message)),
        self.receive(Integer).then((message) => got.push("second number", message[1])),
      ]);
    });
    await platform.settle();
    node.send(pid, 5);
    node.send(pid, tagged("number", 1) as Term);
    node.send(pid, tagged("number", 2) as Term);
    await platform.settle();
    assertEquals(got, ["anything", 5, "first number", 1, "second number", 2]);
  },
);

nodeTest(
  "receive gives up after its timeout, not before, and takes what comes later the next time",
  async ({ node, platform }) => {
    let error: Error | undefined;
    let later: unknown;
    const pid = node.spawn(async (self) => {
      error = await self.receive({ timeout: 50 }).catch((error) => error);
      later = await self.receive(Integer, { timeout: 50 });
    });
    await platform.elapse(49);
    assertStrictEquals(error, undefined);
    await platform.elapse(2);
    assertIsError(error, ReceiveTimeoutError, "no message that matches came within 50 ms");
    node.send(pid, tagged("number", 3) as Term);
    await platform.settle();
    assertEquals(later, tagged("number", 3));
  },
);

nodeTest(
  "a timeout of 0 still takes what has come, also what is on its way through the mailbox",
  async ({ node, platform }) => {
    const got = inProcess(node, async (self) => {
      for (let i = 0; i < 1000; i++) self.send(self.pid, i);
      self.send(self.pid, tagged("number", 1) as Term);
      const found = await self.receive(Integer, { timeout: 0 });
      const none = await self.receive(Text, { timeout: 0 }).catch((error) => error);
      return [found, none];
    });
    await platform.elapse(1);
    const [found, none] = await got;
    assertEquals(found, tagged("number", 1));
    assert(none instanceof ReceiveTimeoutError);
  },
);

nodeTest(
  "a message that was in the mailbox in time is taken, though the process was busy until too late",
  async ({ node, platform }) => {
    let got: unknown;
    let go!: () => void;
    const pid = node.spawn(async (self) => {
      self.after(5, () => new Promise<void>((resolve) => go = resolve)); // holds the mailbox
      got = await self.receive({ timeout: 10 }).catch((error) => error);
    });
    await platform.elapse(7);
    node.send(pid, 1);
    await platform.elapse(20);
    assertStrictEquals(got, undefined);
    go();
    await platform.settle();
    assertStrictEquals(got, 1);
  },
);

nodeTest("a timeout that is none is refused", async ({ node }) => {
  await inProcess(node, async (self) => {
    for (const timeout of [-1, NaN, "5" as never]) {
      await assertRejects(() => self.receive({ timeout }), RangeError, "0 or more is needed");
    }
  });
});

nodeTest("a timeout leaves no timer when the message came", async ({ node, platform }) => {
  await inProcess(node, async (self) => {
    for (let i = 0; i < 100; i++) {
      self.send(self.pid, i);
      await self.receive({ timeout: 500 + i });
    }
  });
  await platform.elapse(700);
  assertStrictEquals(platform.pendingTimers, 0);
});

nodeTest(
  "for await takes message by message, until the loop is left",
  async ({ node, platform }) => {
    const got: Term[] = [];
    let after: unknown;
    const pid = node.spawn(async (self) => {
      for await (const message of self) {
        got.push(message);
        if (message === 2) break;
      }
      after = await self.receive();
    });
    for (let i = 0; i < 4; i++) node.send(pid, i);
    await platform.settle();
    assertEquals(got, [0, 1, 2]);
    assertStrictEquals(after, 3);
  },
);

nodeTest(
  "what a function holds is given back when its process is killed",
  async ({ node, platform }) => {
    const steps: string[] = [];
    const pid = node.spawn(async (self) => {
      try {
        for await (const message of self) steps.push(String(message));
      } catch (error) {
        steps.push((error as Error).name);
        throw error;
      } finally {
        steps.push("finally");
      }
    });
    node.send(pid, 1);
    await platform.settle();
    node.exit(pid, KILL);
    await platform.settle();
    assertEquals(steps, ["1", "ProcessExitedError", "finally"]);
  },
);

nodeTest(
  "a receive that waits when the process ends is rejected, and so is every later one",
  async ({ node, platform }) => {
    let waiting!: Promise<Term>;
    let self!: Self;
    const pid = node.spawn((given) => {
      self = given;
      waiting = self.receive();
      return new Promise(() => {});
    });
    await platform.settle();
    node.exit(pid, BOOM);
    await assertRejects(() => waiting, ProcessExitedError);
    await assertRejects(() => self.receive(), ProcessExitedError);
  },
);

nodeTest("messages of a process that has ended are not taken", async ({ node, platform }) => {
  let self!: Self;
  const pid = node.spawn((given) => {
    self = given;
    return new Promise(() => {});
  });
  node.send(pid, 1);
  await platform.settle();
  node.exit(pid, BOOM);
  await assertRejects(() => self.receive(), ProcessExitedError);
});

nodeTest(
  "self.stop ends the process with a reason, normal unless told otherwise",
  async ({ node }) => {
    assertStrictEquals(await ended(node, node.spawn((self) => self.stop())), NORMAL);
    assertStrictEquals(await ended(node, node.spawn((self) => self.stop(BOOM))), BOOM);
  },
);

nodeTest(
  "a call to a function's process arrives as Erlang's message, and node.reply answers it",
  async ({ node }) => {
    const pid = node.spawn(async (self) => {
      const message = await self.receive() as Term[];
      assertStrictEquals(message[0], atom("$gen_call"));
      node.reply(message[1] as never, tuple(message[2], 1) as never);
      await self.receive();
    });
    assertEquals(await node.call(pid, atom("ask")), tuple(atom("ask"), 1));
  },
);

nodeTest(
  "a cast to a function's process arrives as Erlang's message",
  async ({ node, platform }) => {
    let got: unknown;
    const pid = node.spawn(async (self) => {
      got = await self.receive();
    });
    node.cast(pid, 5);
    await platform.settle();
    assertEquals(got, tuple(atom("$gen_cast"), 5));
  },
);

nodeTest(
  "who calls a function's process is told when that ends, whether the message was received or not",
  async ({ node, platform }) => {
    for (const receive of [true, false]) {
      const pid = node.spawn(async (self) => {
        if (receive) await self.receive();
        await new Promise(() => {});
      });
      const reply = node.call(pid, 1).catch((error) => error);
      await platform.settle();
      node.exit(pid, BOOM);
      const error = await reply;
      assert(error instanceof ExitError);
      assertStrictEquals(error.reason, BOOM);
    }
  },
);

nodeTest("who calls a function that returns without an answer is told", async ({ node }) => {
  const pid = node.spawn((self) => self.receive());
  const error = await assertRejects(() => node.call(pid, 1), ExitError);
  assertStrictEquals(error.reason, NORMAL);
});

nodeTest(
  "a timer and a monitor of a function run in turn while it waits for messages",
  async ({ node, platform }) => {
    const order: string[] = [];
    const other = idler(node);
    const pid = node.spawn(async (self) => {
      self.after(10, () => void order.push("timer"));
      self.monitor(other, () => void order.push("down"));
      for await (const message of self) order.push(String(message));
    });
    await platform.elapse(20);
    node.exit(other, BOOM);
    await platform.settle();
    node.send(pid, 1);
    await platform.settle();
    assertEquals(order, ["timer", "down", "1"]);
  },
);

nodeTest(
  "a function that is done ends its process though a handler of its own still waits",
  async ({ node, platform }) => {
    const pid = node.spawn(async (self) => {
      self.after(0, () => new Promise(() => {}));
      await self.sleep(10);
    });
    const down = ended(node, pid);
    await platform.elapse(20);
    assertStrictEquals(await down, NORMAL);
  },
);

nodeTest(
  "a hundred thousand messages that wait are received one by one, and again when some were taken from the middle",
  async ({ node, platform }) => {
    const count = 100_000;
    let sum = 0;
    const pid = node.spawn(async (self) => {
      await self.receive(t.tagged("go"));
      for (let i = 0; i < count; i++) sum += await self.receive() as number;
    });
    await platform.settle();
    for (let i = 0; i < count; i++) node.send(pid, i);
    await platform.settle();
    node.send(pid, tagged("go") as Term);
    await platform.settle();
    assertStrictEquals(sum, count * (count - 1) / 2);
  },
);

nodeTest("a schema that throws fails the receive, not the node", async ({ node, platform }) => {
  const hostile = t.integer.transform(() => {
    throw new Error("does not match");
  });
  let error: unknown;
  const pid = node.spawn(async (self) => {
    error = await self.receive(hostile, { timeout: 5 }).catch((error) => error);
  });
  node.send(pid, 1);
  await platform.elapse(10);
  assert(error instanceof ReceiveTimeoutError);
  assertStrictEquals(processOf(node, pid), undefined);
});

nodeTest(
  "a function that waits for one message ends when it has come",
  async ({ node, platform }) => {
    const pids = [
      node.spawn((self) => self.receive()),
      node.spawn((self) => self.receive(Integer)),
      node.spawn((self) => self.receive({ timeout: 10 })),
    ];
    const reasons = pids.map((pid) => ended(node, pid));
    await platform.settle();
    for (const pid of pids) node.send(pid, tuple(atom("number"), 1));
    await platform.settle();
    assertEquals(pids.map((pid) => node.isAlive(pid)), [false, false, false]);
    assertEquals(await Promise.all(reasons), [NORMAL, NORMAL, NORMAL]);
  },
);

nodeTest("one that has waited too long crashes by that", async ({ node, platform }) => {
  const pid = node.spawn((self) => self.receive({ timeout: 10 }));
  const reason = ended(node, pid);
  await platform.elapse(10);
  const [[tag, name]] = await reason as unknown as [[unknown, string]];
  assertStrictEquals(tag, atom("js_error"));
  assertStrictEquals(String(name), "ReceiveTimeoutError");
});

nodeTest(
  "receives that wait at once get their messages in turn, each what it takes",
  async ({ node, platform }) => {
    const got: string[] = [];
    const pid = node.spawn(async (self) => {
      const say = (name: string) => (message: unknown) => void got.push(`${name} ${message}`);
      const late = self.receive(Integer, { timeout: 5 }).catch(() => void got.push("late"));
      const first = self.receive(t.text).then(say("first"));
      const second = self.receive(t.integer).then(say("second"));
      const third = self.receive().then(say("third"));
      await Promise.all([late, first, second, third]);
    });
    await platform.elapse(5);
    for (const message of [7, "a", "b"]) node.send(pid, message);
    await platform.settle();
    assertEquals(got, ["late", "second 7", "first a", "third b"]);
    assertStrictEquals(node.isAlive(pid), false);
  },
);

nodeTest(
  "a function that returns no promise has ended with its first turn",
  ({ node, platform }) => {
    const downs: unknown[] = [];
    const pid = node.spawn(() => 5);
    node.monitor(pid, ({ reason }) => downs.push(reason));
    platform.turn();
    assertStrictEquals(node.isAlive(pid), false);
    assertEquals(downs, [NORMAL]);
  },
);
