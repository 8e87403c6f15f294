import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { atom } from "../../lib/etf/atom.ts";
import { format } from "../../lib/etf/format.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import { SchemaError } from "../../lib/etf/schema/errors.ts";
import * as t from "../../lib/etf/schema/t.ts";
import type { Term } from "../../lib/etf/term.ts";
import { type Tuple, tuple } from "../../lib/etf/tuple.ts";
import { isMultiCall, monitorRef, replyAddress, requestTerm, tagRef } from "../../lib/node/call.ts";
import { CallTimeoutError, ExitError, NoProcessError } from "../../lib/node/errors.ts";
import type { Node } from "../../lib/node/node.ts";
import {
  BOOM,
  idler,
  KILL,
  KILLED,
  loneNode,
  nodeTest,
  NOPROC,
  NORMAL,
  processOf,
} from "./_nodes.ts";

const GEN_CALL = t.tuple(t.atom("$gen_call"), t.tuple(t.pid, t.term), t.term);

/** A server that answers with what it is asked; `{later, T}` it answers when it is sent `go`. */
function echo(node: Node): Pid {
  return node.spawn(async (self) => {
    for (;;) {
      const [, from, request] = await self.receive(GEN_CALL);
      node.reply(from as never, request);
    }
  });
}

/** A process that takes calls and never answers. */
const silent = idler;

nodeTest("a call gives the reply", async ({ node }) => {
  const pid = echo(node);
  assertStrictEquals(await node.call(pid, 5), 5);
  assertEquals(await node.call(pid, tuple(atom("a"), [1])), tuple(atom("a"), [1]));
  assertStrictEquals(await node.call(pid, null), null);
});

nodeTest("a schema parses the reply, and says where it does not fit", async ({ node }) => {
  const pid = echo(node);
  assertStrictEquals(await node.call(pid, "text", t.text), "text");
  await assertRejects(() => node.call(pid, 5, t.text), SchemaError);
  assertStrictEquals(await node.call(pid, 5, t.integer, { timeout: 10 }), 5);
});

nodeTest("a thousand calls at once get their own replies", async ({ node }) => {
  const pid = echo(node);
  const replies = await Promise.all(Array.from({ length: 1000 }, (_, i) => node.call(pid, i)));
  assertEquals(replies, Array.from({ length: 1000 }, (_, i) => i));
});

nodeTest("a call ends after its timeout, 5 s unless told otherwise", async ({ node, platform }) => {
  const pid = silent(node);
  const outcomes: unknown[] = [];
  node.call(pid, 1, { timeout: 100 }).catch((error) => outcomes.push(error));
  node.call(pid, 1).catch((error) => outcomes.push(error));
  await platform.elapse(99);
  assertEquals(outcomes, []);
  await platform.elapse(1);
  assertStrictEquals(outcomes.length, 1);
  await platform.elapse(4_899);
  assertStrictEquals(outcomes.length, 1);
  await platform.elapse(40);
  assertStrictEquals(outcomes.length, 2);
  for (const [i, timeout] of [100, 5_000].entries()) {
    const error = outcomes[i];
    assert(error instanceof CallTimeoutError);
    assertStrictEquals(error.timeout, timeout);
    assert(
      error.message.includes(`process ${pid.id}.${pid.serial} on lone@localhost`),
      error.message,
    );
    assertStrictEquals(error.exitReason, atom("timeout"));
  }
});

nodeTest(
  "a timeout of 0 ends a call that is not answered in the same turn",
  async ({ node, platform }) => {
    const error = node.call(silent(node), 1, { timeout: 0 }).catch((error) => error);
    await platform.elapse(1);
    assert(await error instanceof CallTimeoutError);
  },
);

nodeTest("a timeout of Infinity waits for ever", async ({ node, platform }) => {
  let settled = false;
  const pid = silent(node);
  const call = node.call(pid, 1, { timeout: Infinity }).catch((error) => {
    settled = true;
    return error;
  });
  await platform.elapse(1e9);
  assertStrictEquals(settled, false);
  node.exit(pid, BOOM);
  assert(await call instanceof ExitError);
});

nodeTest("a timeout that is none is a rejection", async ({ node }) => {
  for (const timeout of [-1, NaN]) {
    await assertRejects(
      () => node.call(silent(node), 1, { timeout }),
      RangeError,
      "0 or more is needed",
    );
  }
});

nodeTest("a reply that comes too late is dropped", async ({ node, platform }) => {
  let from!: Tuple<[Pid, Term]>;
  const pid = node.spawn(async (self) => {
    from = (await self.receive(GEN_CALL))[1] as never;
    await self.receive();
  });
  const error = node.call(pid, 1, { timeout: 10 }).catch((error) => error);
  await platform.elapse(10);
  assert(await error instanceof CallTimeoutError);
  assertStrictEquals(node._core.aliasCount, 0);
  node.reply(from, 1);
  await platform.settle();
  assert(node.isAlive(pid));
});

nodeTest("only the first of two replies counts", async ({ node }) => {
  const pid = node.spawn(async (self) => {
    const [, from] = await self.receive(GEN_CALL);
    node.reply(from as never, 1);
    node.reply(from as never, 2);
    await self.receive();
  });
  assertStrictEquals(await node.call(pid, 1), 1);
});

nodeTest("another process may answer", async ({ node }) => {
  const clerk = node.spawn(async (self) => {
    const message = await self.receive() as Term[];
    node.reply(message[0] as never, tuple(self.pid, message[1]) as never);
  });
  const pid = node.spawn(async (self) => {
    const [, from, request] = await self.receive(GEN_CALL);
    self.send(clerk, tuple(from, request) as Term);
    await self.receive();
  });
  assertEquals(await node.call(pid, 7), tuple(clerk, 7) as Term);
});

nodeTest("a signal gives a call up, with its own reason", async ({ node, platform }) => {
  const pid = silent(node);
  const controller = new AbortController();
  const call = node.call(pid, 1, { signal: controller.signal }).catch((error) => error);
  await platform.settle();
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await call, reason);
  assertStrictEquals(
    await node.call(pid, 1, { signal: controller.signal }).catch((error) => error),
    reason,
  );
  assertStrictEquals(node._core.aliasCount, 0);
  await platform.elapse(40);
  assertStrictEquals(platform.pendingTimers, 0);
});

nodeTest(
  "a signal that aborts after the reply does nothing, and is not listened to any more",
  async ({ node }) => {
    const pid = echo(node);
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [
      signal.addEventListener.bind(signal),
      signal.removeEventListener.bind(signal),
    ];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    for (let i = 0; i < 100; i++) assertStrictEquals(await node.call(pid, i, { signal }), i);
    assertStrictEquals(listeners, 0);
  },
);

nodeTest(
  "a call to what is not there says so, and what may have been meant",
  async ({ node, platform }) => {
    const dead = node.spawn(() => {});
    await platform.settle();
    const error = await assertRejects(() => node.call(dead, 1), NoProcessError);
    assertStrictEquals(error.reason, NOPROC);
    await assertRejects(
      () => node.call("nobody", 1),
      NoProcessError,
      "Cannot reach nobody: no such process",
    );
    await assertRejects(
      () => node.call("Users", 1),
      NoProcessError,
      "an Elixir module is registered as Elixir.Users",
    );
    await assertRejects(
      () => node.call({ name: "My.App.Users", node: node.name }, 1),
      NoProcessError,
      "Elixir.My.App.Users",
    );
    const plain = await assertRejects(() => node.call("Elixir.Users", 1), NoProcessError);
    assert(!plain.message.includes("registered as"));
  },
);

nodeTest(
  "the end of a process is told to all whose calls it has: handled, waiting or answered later",
  async ({ node, platform }) => {
    const pid = node.spawn(async (self) => {
      await self.receive();
      await new Promise(() => {});
    });
    const calls = Array.from({ length: 10 }, (_, i) => node.call(pid, i).catch((error) => error));
    await platform.settle();
    node.exit(pid, KILL);
    for (const error of await Promise.all(calls)) {
      assert(error instanceof ExitError);
      assertStrictEquals(error.reason, KILLED);
    }
    assertStrictEquals(node._core.aliasCount, 0);
  },
);

nodeTest("a server that ends with noproc has ended, and was there", async ({ node }) => {
  const pid = silent(node);
  const call = node.call(pid, 1).catch((error) => error);
  node.exit(pid, NOPROC);
  const error = await call;
  assert(error instanceof ExitError);
  assert(!(error instanceof NoProcessError));
  assertStrictEquals(error.reason, NOPROC);
});

nodeTest("a process that calls itself is told at once", async ({ node, platform }) => {
  let error: unknown;
  const pid = node.spawn(async (self) => {
    error = await self.call(self.pid, 1).catch((error) => error);
    await self.receive();
  });
  await platform.settle();
  assert((error as Error).message.includes("a process that calls itself would wait for ever"));
  assert(node.isAlive(pid));
});

nodeTest(
  "a process's call comes from its pid, the node's from the pid that stands for it",
  async ({ node }) => {
    const whose = node.spawn(async (self) => {
      for (;;) {
        const [, from] = await self.receive(GEN_CALL);
        node.reply(from as never, from[0]);
      }
    });
    assertStrictEquals(await node.call(whose, 1), node.pid);
    const [pid, answer] = await new Promise<[Pid, Term]>((resolve) => {
      node.spawn(async (self) => resolve([self.pid, await self.call(whose, 1)]));
    });
    assertStrictEquals(answer, pid);
  },
);

nodeTest(
  "a call of a process that was not caught ends it with what went wrong, and with the call",
  async ({ node }) => {
    const server = silent(node);
    const reasons = await Promise.all([
      new Promise<Term>((resolve) => {
        const pid = node.spawn((self) => self.call("nobody", 1));
        node.monitor(pid, ({ reason }) => resolve(reason));
      }),
      new Promise<Term>((resolve) => {
        const pid = node.spawn((self) => self.call(server, 1));
        node.monitor(pid, ({ reason }) => resolve(reason));
        node.spawn((self) => self.exit(server, BOOM));
      }),
    ]);
    assertEquals(reasons.map((reason) => format(reason)), [
      "{noproc,{gen_server,call,[nobody,1]}}",
      `{boom,{gen_server,call,[${format(server)},1]}}`,
    ]);
  },
);

nodeTest("calls by the hundred thousand leave nothing", async ({ node, platform }) => {
  const pid = echo(node);
  for (let i = 0; i < 100; i++) {
    await Promise.all(Array.from({ length: 1000 }, (_, j) => node.call(pid, j)));
  }
  assertStrictEquals(node._core.aliasCount, 0);
  await platform.elapse(6_000);
  assertStrictEquals(platform.pendingTimers, 0);
  assertStrictEquals(processOf(node, pid).queued, 0);
});

nodeTest(
  "an address that is none is a rejection of a call, and a throw of everything that gives no promise",
  async ({ node }) => {
    for (const target of [5, null, undefined, {}, { name: 5 }, tuple(1, 2), []]) {
      await assertRejects(
        () => node.call(target as never, 1),
        TypeError,
        "Cannot address a process",
      );
    }
  },
);

test("a call on a stopped node is a rejection that says so", async () => {
  const { node } = loneNode();
  const pid = echo(node);
  await node.stop();
  await assertRejects(
    () => node.call(pid, 1),
    Error,
    "Cannot call: node lone@localhost has stopped",
  );
});

test("calls that wait when the node stops end with the server's exit", async () => {
  const { node } = loneNode();
  const pid = silent(node);
  const call = node.call(pid, 1).catch((error) => error);
  await node.stop();
  const error = await call;
  assert(error instanceof ExitError);
  assertStrictEquals(error.reason, atom("shutdown"));
});

// gen.erl: reply/2

test("a reply goes to the alias in the tag, or in its head, and else to the pid", () => {
  const pid = new Pid(atom("a@b"), 1, 2, 3);
  const ref = new Ref(atom("a@b"), 3, [1, 2, 3]);
  const alias = new ImproperList([atom("alias")], ref);
  const cases: [Term, Pid | Ref][] = [
    [ref, pid],
    [alias, ref],
    [[alias, 1], ref],
    [new ImproperList([alias], 5), ref],
    [[ref], pid],
    [[], pid],
    [tuple(ref, atom("node")) as Term, pid],
    [5, pid],
    [new ImproperList([atom("alias")], 5), pid],
    [new ImproperList([atom("other")], ref), pid],
    [new ImproperList([atom("alias"), 1], ref), pid],
  ];
  for (const [tag, address] of cases) {
    assertStrictEquals(replyAddress(tuple(pid, tag) as Tuple<[Pid, Term]>), address);
  }
  assertStrictEquals(tagRef(ref), ref);
  assertStrictEquals(tagRef(alias), ref);
  assertStrictEquals(tagRef([alias]), null);
  assertStrictEquals(tagRef(5), null);
});

test("the caller's monitor is the reference of its tag, or what stands behind an alias of its own", () => {
  const [alias, monitor] = [1, 2].map((n) => new Ref(atom("theirs@localhost"), 1, [n, 2, 3]));
  const head = new ImproperList([atom("alias")], alias);
  assertStrictEquals(monitorRef(monitor), monitor);
  assertStrictEquals(monitorRef(head), alias);
  assertStrictEquals(monitorRef(new ImproperList([head], monitor)), monitor);
  assertStrictEquals(monitorRef(new ImproperList([5], monitor)), null);
  assertStrictEquals(monitorRef(new ImproperList([head], 5)), null);
  assertStrictEquals(monitorRef([head]), null);
  const own = atom("ours@localhost");
  assert(isMultiCall(tuple(alias, own) as Term, own));
  const others = [tuple(alias, atom("x@localhost")), tuple(5, own), tuple(alias), alias, own];
  for (const tag of others) assert(!isMultiCall(tag as Term, own), format(tag as Term));
});

test("a request's term is an atom, or a tuple with its arguments; what was left out at the end is not in it", () => {
  assertStrictEquals(requestTerm({ name: "get", args: [] }), atom("get"));
  assertEquals(requestTerm({ name: "add", args: [1, "x"] }), tuple(atom("add"), 1, "x") as never);
  assertStrictEquals(requestTerm({ name: "get", args: [undefined, undefined] }), atom("get"));
  assertEquals(requestTerm({ name: "add", args: [1, undefined] }), tuple(atom("add"), 1) as never);
  assertStrictEquals(requestTerm({ name: "nil", args: [] }), null);
  assertEquals(requestTerm({ name: "true", args: [1] }), tuple(true, 1) as never);
  assertStrictEquals(requestTerm({ name: null, term: 5 }), 5);
});

nodeTest("a caller that exits with normal is told as any other", async ({ node }) => {
  const pid = node.spawn((self) => self.receive());
  const error = await node.call(pid, 1).catch((error) => error);
  assert(error instanceof ExitError);
  assertStrictEquals(error.reason, NORMAL);
});
