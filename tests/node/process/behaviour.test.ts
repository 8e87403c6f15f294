import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { Behaviour } from "../../../lib/node/process/behaviour.ts";
import { exit, ExitError, NameError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { ExitReason } from "../../../lib/node/process/process.ts";
import { BOOM, collector, idler, KILL, KILLED, nodeTest, NORMAL, SHUTDOWN } from "../_nodes.ts";

/** A behaviour of its own: notes what happens to it, and does what its messages say. */
class Noting extends Behaviour {
  declare readonly _refType: Noting;
  readonly notes: unknown[] = [];
  onInit: (self: Noting) => unknown = () => {};
  onTerminate: (self: Noting) => unknown = () => {};

  override init(onInit?: (self: Noting) => unknown): unknown {
    this.notes.push("init");
    if (onInit !== undefined) this.onInit = onInit;
    return this.onInit(this);
  }

  override terminate(reason: ExitReason): unknown {
    this.notes.push(["terminate", reason]);
    return this.onTerminate(this);
  }

  _receive(message: unknown): unknown {
    if (typeof message === "function") return message(this);
    this.notes.push(message);
  }

  _reference(_node: Node, _pid: Pid): this {
    return this;
  }
}

/** Has a behaviour run something, as a message. */
function inside(node: Node, noting: Noting, fn: (self: Noting) => unknown): void {
  node.send(noting.pid, fn as never);
}

nodeTest(
  "init runs before start resolves, and before every message",
  async ({ node, platform }) => {
    const starting = node.start(Noting, [async (self) => {
      self.send(self.pid, 1);
      await Promise.resolve();
      self.notes.push("init done");
    }], { register: "noting" });
    node.send("noting", 2);
    const noting = await starting;
    await platform.settle();
    assertEquals(noting.notes, ["init", "init done", 2, 1]);
  },
);

nodeTest(
  "an init that throws is the error of start, and nothing is left of the process",
  async ({ node, platform }) => {
    for (const wait of [false, true]) {
      let seen!: Noting;
      const error = await assertRejects(
        () =>
          node.start(Noting, [async (self) => {
            seen = self;
            if (wait) await Promise.resolve();
            throw new TypeError("in init");
          }], { register: "failing" }),
        ExitError,
      );
      assert(error.cause instanceof TypeError);
      assertEquals(String((error.reason as never)[0][2]), "in init");
      assertStrictEquals(node.whereis("failing"), undefined);
      assertEquals(seen.notes, ["init"]); // as in OTP, what was not initialised is not terminated
    }
    await assertRejects(
      () =>
        node.start(Noting, [() => {
          throw new Error("at once");
        }]),
      ExitError,
    );
    await platform.settle();
  },
);

nodeTest("an init that exits fails the start with that reason, normal too", async ({ node }) => {
  for (const reason of [BOOM, NORMAL, SHUTDOWN]) {
    const error = await assertRejects(() => node.start(Noting, [() => exit(reason)]), ExitError);
    assertStrictEquals(error.reason, reason);
  }
});

nodeTest(
  "an init that stops fails the start, as {stop, Reason} does, and is not terminated",
  async ({ node }) => {
    let seen!: Noting;
    for (const reason of [BOOM, NORMAL]) {
      const error = await assertRejects(
        () =>
          node.start(Noting, [(self) => {
            seen = self;
            self.stop(reason);
          }]),
        ExitError,
      );
      assertStrictEquals(error.reason, reason);
      assertEquals(seen.notes, ["init"]);
    }
  },
);

nodeTest(
  "a process that is killed while init waits, or before it began, fails the start",
  async ({ node, platform }) => {
    let pid!: Pid;
    const waiting = node.start(Noting, [(self) => {
      pid = self.pid;
      return new Promise(() => {});
    }]).catch((error) => error);
    await platform.settle();
    node.exit(pid, KILL);
    const error = await waiting;
    assert(error instanceof ExitError);
    assertStrictEquals(error.reason, KILLED);

    const early = node.start(Noting, [], { register: "early" }).catch((error) => error);
    node.exit(node.whereis("early")!, BOOM);
    assertStrictEquals((await early).reason, BOOM);
  },
);

nodeTest("a parent that ends before init began takes the child with it", async ({ node }) => {
  const parent = idler(node);
  const starting = node.start(Noting, [], { link: parent }).catch((error) => error);
  node.exit(parent, BOOM);
  assertStrictEquals((await starting).reason, BOOM);
});

nodeTest("start fails with a rejection, whatever is wrong", async ({ node }) => {
  class Unmakeable extends Noting {
    constructor() {
      super();
      throw new Error("in the constructor");
    }
  }
  await assertRejects(() => node.start(Unmakeable, []), Error, "in the constructor");
  await node.start(Noting, [], { register: "taken" });
  await assertRejects(() => node.start(Noting, [], { register: "taken" }), NameError);
});

nodeTest("a field that needs the process says how to do it", () => {
  class Early extends Noting {
    readonly mine = this.pid;
  }
  assertThrows(() => new Early(), Error, "set up its state in init");
});

nodeTest(
  "one message is handled at a time: the next waits for the promise",
  async ({ node, platform }) => {
    const noting = await node.start(Noting, []);
    let go!: () => void;
    inside(node, noting, async (self) => {
      self.notes.push("begun");
      await new Promise<void>((resolve) => go = resolve);
      self.notes.push("done");
    });
    node.send(noting.pid, 1);
    await platform.settle();
    assertEquals(noting.notes, ["init", "begun"]);
    go();
    await platform.settle();
    assertEquals(noting.notes, ["init", "begun", "done", 1]);
  },
);

nodeTest(
  "stop ends in order when the message is done; messages that wait are dropped",
  async ({ node, platform }) => {
    const noting = await node.start(Noting, []);
    const down = new Promise((resolve) =>
      node.monitor(noting.pid, ({ reason }) => resolve(reason))
    );
    inside(node, noting, async (self) => {
      self.stop(BOOM);
      self.stop(NORMAL); // the first counts
      await Promise.resolve();
      self.notes.push("still there");
    });
    node.send(noting.pid, 1);
    await platform.settle();
    assertEquals(noting.notes, ["init", "still there", ["terminate", BOOM]]);
    assertStrictEquals(await down, BOOM);
  },
);

nodeTest("a throw ends with terminate, and with its reason", async ({ node, platform }) => {
  const noting = await node.start(Noting, []);
  inside(node, noting, () => exit(tuple(BOOM, 1) as never));
  await platform.settle();
  assertEquals(noting.notes, ["init", ["terminate", tuple(BOOM, 1)]]);
  assertStrictEquals(node.isAlive(noting.pid), false);
});

nodeTest(
  "an exit signal that is not trapped ends without terminate, also while a handler waits",
  async ({ node, platform }) => {
    for (const waits of [false, true]) {
      const noting = await node.start(Noting, []);
      if (waits) inside(node, noting, () => new Promise(() => {}));
      await platform.settle();
      node.exit(noting.pid, SHUTDOWN);
      assertStrictEquals(node.isAlive(noting.pid), false);
      await platform.settle();
      assertEquals(noting.notes, ["init"]);
    }
  },
);

nodeTest("kill ends without terminate, whatever is trapped", async ({ node, platform }) => {
  const noting = await node.start(Noting, [(self) => void (self.trapExit = true)]);
  node.exit(noting.pid, KILL);
  await platform.settle();
  assertEquals(noting.notes, ["init"]);
});

nodeTest(
  "the process lives until terminate's promise has settled, and can use everything until then",
  async ({ node, platform }) => {
    const other = collector(node);
    const noting = await node.start(Noting, [], { register: "ending" });
    noting.onTerminate = async (self) => {
      await self.sleep(100);
      self.send(other.pid, 1);
    };
    const down: Term[] = [];
    node.monitor(noting.pid, ({ reason }) => void down.push(reason));
    inside(node, noting, (self) => self.stop(BOOM));
    await platform.elapse(99);
    assertStrictEquals(node.whereis("ending"), noting.pid);
    assertEquals(down, []);
    node.send(noting.pid, "not handled any more");
    await platform.elapse(2);
    assertEquals(down, [BOOM]);
    assertEquals(other.got, [1]);
    assertEquals(noting.notes, ["init", ["terminate", BOOM]]);
  },
);

nodeTest(
  "a terminate that throws is the reason, now or later, and is reported",
  async ({ node, platform }) => {
    for (const terminate of [() => exit(KILLED), () => Promise.reject(new ExitError(KILLED))]) {
      const noting = await node.start(Noting, []);
      noting.onTerminate = terminate;
      const down: Term[] = [];
      node.monitor(noting.pid, ({ reason }) => void down.push(reason));
      platform.logs.length = 0;
      inside(node, noting, (self) => self.stop());
      await platform.settle();
      assertEquals(down, [KILLED]);
      assertStrictEquals(platform.logs.length, 1);
    }
  },
);

nodeTest("a process may be killed while terminate waits", async ({ node, platform }) => {
  const noting = await node.start(Noting, []);
  noting.onTerminate = () => new Promise(() => {});
  const down: Term[] = [];
  node.monitor(noting.pid, ({ reason }) => void down.push(reason));
  inside(node, noting, (self) => self.stop());
  await platform.settle();
  assertEquals(down, []);
  node.exit(noting.pid, BOOM);
  await platform.settle();
  assertEquals(down, [BOOM]);
});

nodeTest(
  "a handler that settles after the end changes nothing, whichever way",
  async ({ node, platform }) => {
    for (const fail of [false, true]) {
      const noting = await node.start(Noting, []);
      let finish!: (fail: boolean) => void;
      inside(
        node,
        noting,
        () =>
          new Promise<void>((resolve, reject) =>
            finish = (fail) => fail ? reject(new Error("late")) : resolve()
          ),
      );
      await platform.settle();
      node.exit(noting.pid, BOOM);
      finish(fail);
      await platform.settle();
      assertEquals(noting.notes, ["init"]);
      assertEquals(platform.logs, []);
    }
  },
);

nodeTest(
  "abnormal ends of a behaviour are reported, ends in order are not",
  async ({ node, platform }) => {
    const reasons: [ExitReason, number][] = [
      [NORMAL, 0],
      [SHUTDOWN, 0],
      [tuple(SHUTDOWN, atom("x")) as never, 0],
      [BOOM, 1],
      [KILLED, 1],
      [tuple(SHUTDOWN, 1, 2) as never, 1],
    ];
    for (const [reason, reports] of reasons) {
      const noting = await node.start(Noting, []);
      platform.logs.length = 0;
      inside(node, noting, (self) => self.stop(reason));
      await platform.settle();
      assertStrictEquals(platform.logs.length, reports, String(reason));
    }
  },
);

nodeTest("a report of a huge reason is cut", async ({ node, platform }) => {
  const noting = await node.start(Noting, []);
  inside(node, noting, (self) => self.stop(Array.from({ length: 100_000 }, (_, i) => i + 1000)));
  await platform.settle();
  assert(platform.logs[0].message.length < 11_000);
});

nodeTest(
  "a handler may end its own process; what it does after that is refused, and no terminate follows",
  async ({ node, platform }) => {
    const noting = await node.start(Noting, []);
    inside(node, noting, (self) => {
      node.exit(self.pid, KILL);
      assertThrows(() => self.send(self.pid, 1), Error, "exited");
      self.notes.push("went on");
    });
    await platform.settle();
    assertEquals(noting.notes, ["init", "went on"]);
  },
);

nodeTest("what calls back twice settles its own message only", async ({ node, platform }) => {
  const noting = await node.start(Noting, []);
  let settle!: () => void;
  let go!: () => void;
  inside(node, noting, () => ({ then: (resolve: () => void) => settle = resolve }));
  inside(node, noting, () => new Promise<void>((resolve) => go = resolve));
  node.send(noting.pid, 1);
  await platform.settle();
  settle();
  await platform.settle();
  settle(); // the second message waits now
  await platform.settle();
  assertEquals(noting.notes, ["init"]);
  go();
  await platform.settle();
  assertEquals(noting.notes, ["init", 1]);
});
