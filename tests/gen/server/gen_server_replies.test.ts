// Replies that come later, from elsewhere or never, and replies that are no terms.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  ExitError,
  format,
  type From,
  GenServer,
  isTuple,
  later,
  noReply,
  on,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { BOOM, ended, nodeTest } from "../../node/_nodes.ts";
import {
  assertJsError,
  assertRefused,
  bothWays,
  callByHand,
  Counter,
  exitReason,
  failure,
  type Gate,
  gate,
  term,
} from "../_servers.ts";

// Replies that come later

bothWays(
  "later replies when its promise settles, and the mailbox goes on meanwhile",
  async ({ node }) => {
    const gates: Gate<number>[] = [];
    class Slow extends GenServer {
      override readonly calls = {
        slow: () => {
          const made = gate<number>();
          gates.push(made);
          return later(made.promise);
        },
        slowLater: async () => await Promise.resolve(later(Promise.resolve(9))),
        count: () => gates.length,
      };
    }
    const slow = await node.start(Slow, []);
    const order: number[] = [];
    const first = slow.call("slow").then((n) => order.push(n));
    const second = slow.call("slow").then((n) => order.push(n));
    assertStrictEquals(await slow.call("count"), 2);
    assertStrictEquals(await slow.call("slowLater"), 9);
    gates[1].open(2);
    await second;
    gates[0].open(1);
    await first;
    assertEquals(order, [2, 1]);
  },
);

bothWays("a later that is rejected crashes the server", async ({ node }) => {
  const failing = gate<number>();
  class Slow extends GenServer {
    override readonly calls = { slow: () => later(failing.promise), count: () => 1 };
  }
  const slow = await node.start(Slow, []);
  const call = failure(slow.call("slow"));
  assertStrictEquals(await slow.call("count"), 1);
  const down = ended(node, slow.pid);
  failing.fail(new RangeError("too slow"));
  const error = await call;
  assertInstanceOf(error, ExitError);
  assertJsError(error.reason, "RangeError", "too slow");
  assertJsError(await down, "RangeError", "too slow");
});

bothWays("who waits for a later is told when the server ends before", async ({ node }) => {
  const never = gate<number>();
  class Slow extends GenServer {
    override readonly calls = { slow: () => later(never.promise), count: () => 1 };
  }
  const slow = await node.start(Slow, []);
  const reason = exitReason(slow.call("slow"));
  await slow.call("count");
  node.exit(slow.pid, BOOM);
  assertStrictEquals(await reason, BOOM);
  never.open(1); // too late, and nobody minds
});

bothWays("a server may keep from and answer when it likes, once", async ({ node }) => {
  class Gatekeeper extends GenServer {
    #waiting: From[] = [];
    override handleCall(request: Term, from: From): unknown {
      if (request !== atom("enter")) return super.handleCall(request, from);
      this.#waiting.push(from);
      return noReply;
    }
    override readonly calls = { waiting: () => this.#waiting.length };
    override readonly casts = {
      open: on(t.text, (word) => {
        for (const from of this.#waiting) {
          from.reply(word);
          from.reply("twice");
        }
      }),
      bar: () => {
        for (const from of this.#waiting) from.refuse(BOOM);
      },
    };
  }
  const keeper = await node.start(Gatekeeper, []);
  const calls = [node.call(keeper, atom("enter")), node.call(keeper, atom("enter"))];
  assertStrictEquals(await keeper.call("waiting"), 2);
  keeper.cast("open", "in");
  assertEquals((await Promise.all(calls)).map(String), ["in", "in"]);
  const refused = exitReason(node.call(keeper, atom("enter")));
  await keeper.call("waiting");
  keeper.cast("bar");
  assertStrictEquals(await refused, BOOM);
  await assertRefused(node.call(keeper, atom("exit")), [], "request exit/0");
});

bothWays("who waits for a kept from is told when the server ends", async ({ node }) => {
  class Forgetful extends GenServer {
    override handleCall(): unknown {
      return noReply;
    }
    override readonly calls = { stop: () => this.stop(BOOM) };
  }
  const forgetful = await node.start(Forgetful, []);
  const waiting = [1, 2, 3].map((n) => exitReason(node.call(forgetful, n)));
  assertStrictEquals(await forgetful.call("stop"), null);
  assertEquals(await Promise.all(waiting), [BOOM, BOOM, BOOM]);
});

bothWays(
  "from.term goes to another process, which answers in the server's place",
  async ({ node }) => {
    const worker = node.spawn(async (self) => {
      for await (const message of self) {
        const [from, n] = message as [never, number];
        node.reply(from, n * 2);
        node.reply(from, n * 3); // only the first counts
      }
    });
    class Front extends GenServer {
      override handleCall(request: Term, from: From): unknown {
        this.send(worker, tuple(from.term, request) as unknown as Encodable);
        return noReply;
      }
    }
    const front = await node.start(Front, []);
    assertEquals(await Promise.all([1, 2, 3].map((n) => node.call(front, n))), [2, 4, 6]);
    assertStrictEquals(node._core.aliasCount, 0);
  },
);

nodeTest(
  "a call as gen makes it by hand is answered by its tag, whatever that is",
  async ({ node }) => {
    const { pid } = await node.start(Counter, [4]);
    for (
      const tag of [atom("tag"), 7, [1, 2], tuple(1, 2) as unknown as Term, node._core.makeRef()]
    ) {
      assertEquals(await callByHand(node, pid, atom("get"), tag), tuple(tag, 4) as unknown as Term);
    }
  },
);

nodeTest(
  "what looks like a call or a cast but is none is a message",
  async ({ node, platform }) => {
    const got: Term[] = [];
    class Listener extends GenServer {
      override handleInfo(message: Term): void {
        got.push(message);
      }
    }
    const { pid } = await node.start(Listener, []);
    const [call, cast] = [atom("$gen_call"), atom("$gen_cast")];
    const messages = [
      term(call, 1, 2),
      term(call, tuple(pid), 2),
      term(call, tuple(atom("pid"), 1), 2),
      term(call, tuple(pid, 1)),
      term(call, tuple(pid, 1), 2, 3),
      term(cast),
      term(cast, 1, 2),
      tuple(),
      call,
      [cast, 1],
    ] as Encodable[];
    for (const message of messages) node.send(pid, message);
    await platform.settle();
    assertEquals(got, messages as Term[]);
  },
);

// Replies that are no terms

class Bad extends GenServer {
  #kept: From | null = null;
  override readonly calls = {
    plain: () => ({ user: 1 }),
    deep: () => tuple(atom("ok"), [1, { user: 1 }]),
    soon: async () => await Promise.resolve([new Date(0)]),
    later: () => later(Promise.resolve(() => {})),
    text: () => "ok",
    answer: () => this.#kept!.reply(tuple(1, { a: 1 }) as never),
  };
  override handleCall(request: Term, from: From): unknown {
    if (request !== atom("keep")) return new Set([1]);
    this.#kept = from;
    return noReply;
  }
}

nodeTest(
  "a reply that is no term ends the call with what to do, and the server lives on",
  async (lone) => {
    const { node } = lone;
    const bad = await node.start(Bad, [], { register: "bad" });
    const replies: [name: string, handler: string, words: string][] = [
      ["plain", "plain", "Cannot encode value: a plain object does not say what its keys are"],
      ["deep", "deep", "Cannot encode value at [1][1]: a plain object"],
      ["soon", "soon", "Cannot encode value at [0]: a Date has no single form"],
      ["later", "later", "Cannot encode value: a function cannot be sent"],
      ["other", "handleCall", "Cannot encode value: a Set is no term; use [...set]"],
    ];
    for (const [name, handler, words] of replies) {
      const reason = await exitReason(node.call(bad, atom(name)));
      assert(isTuple(reason), format(reason));
      assertEquals([reason[0], reason[1]], [atom("bad_reply"), atom(handler)]);
      const message = `Cannot send the reply of ${handler}: ${words}`;
      assert(String(reason[2]).startsWith(message), String(reason[2]));
      const [line] = lone.platform.logs.splice(0);
      assertStrictEquals(line.level, "error");
      assert(line.message.startsWith(`Bad bad: ${message}`), line.message);
    }
    assertEquals(String(await bad.call("text")), "ok");
    assertEquals(lone.platform.logs, []);
    assertStrictEquals(node._core.aliasCount, 0);
  },
  { copyMessages: true },
);

nodeTest("a caller of this node gets any value, by reference", async ({ node }) => {
  const bad = await node.start(Bad, []);
  assertEquals(await bad.call("plain"), { user: 1 });
  assertEquals(await bad.call("soon"), [new Date(0)]);
});

nodeTest(
  "a kept caller that is answered with no term is an error where it is answered",
  async ({ node }) => {
    const bad = await node.start(Bad, []);
    const waiting = exitReason(node.call(bad, atom("keep")));
    const reason = await exitReason(bad.call("answer"));
    assertStrictEquals(String((reason as Term[][])[0][1]), "EncodeError");
    const message = String((reason as Term[][])[0][2]);
    assert(message.startsWith("Cannot encode value at [1]: a plain object"), message);
    assertEquals(await waiting, reason);
  },
  { copyMessages: true },
);
