import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  type From,
  GenServer,
  later,
  on,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { BOOM } from "../../node/_nodes.ts";
import {
  assertRefused,
  bothWays,
  Counter,
  failure,
  gate,
  logs,
  term,
  untyped,
} from "../_servers.ts";

// Calls

bothWays("a call gives what its handler returns", async ({ node }) => {
  const counter = await node.start(Counter, []);
  assertStrictEquals(await counter.call("add", 5), 5);
  assertStrictEquals(await counter.call("add", 2), 7);
  assertStrictEquals(await counter.call("get"), 7);
});

bothWays("the same requests are made by terms", async ({ node }) => {
  const { pid } = await node.start(Counter, [1]);
  assertStrictEquals(await node.call(pid, tuple(atom("add"), 5)), 6);
  assertStrictEquals(await node.call(pid, atom("get")), 6);
  assertStrictEquals(await node.call(pid, tuple(atom("get"))), 6); // {get} is the same request as get
  assertStrictEquals(await node.call(pid, atom("get"), t.integer), 6);
  const error = await failure(node.call(pid, atom("get"), t.text));
  assertStrictEquals((error as Error).name, "SchemaError");
});

bothWays("a server is called by its name too", async ({ node }) => {
  await node.start(Counter, [3], { register: "counter" });
  for (
    const target of ["counter", atom("counter"), { name: "counter" }, {
      name: "counter",
      node: node.name,
    }]
  ) {
    assertStrictEquals(await node.call(target, atom("get")), 3);
  }
  assertStrictEquals(await node.call(tuple(atom("counter"), atom(node.name)), atom("get")), 3);
});

bothWays("a handler that returns nothing replies nil", async ({ node }) => {
  class Silent extends GenServer {
    override readonly calls = {
      now: () => {},
      soon: async () => await Promise.resolve(),
      later: () => later(Promise.resolve()),
      undefined: () => undefined,
    };
  }
  const silent = await node.start(Silent, []);
  assertStrictEquals(await silent.call("now"), null);
  assertStrictEquals(await silent.call("soon"), null);
  assertStrictEquals(await silent.call("later"), null);
  assertStrictEquals(await silent.call("undefined"), null);
});

bothWays("a reply is never confused with a failure", async ({ node }) => {
  class Replies extends GenServer {
    override readonly calls = {
      null: () => null,
      false: () => false,
      zero: () => 0,
      error: () => tuple(atom("error"), BOOM),
      list: () => [1, [2]],
    };
  }
  const { pid } = await node.start(Replies, []);
  assertStrictEquals(await node.call(pid, atom("null")), null);
  assertStrictEquals(await node.call(pid, false), false);
  assertStrictEquals(await node.call(pid, atom("zero")), 0);
  assertEquals(await node.call(pid, atom("error")), tuple(atom("error"), BOOM));
  assertEquals(await node.call(pid, atom("list")), [1, [2]]);
});

bothWays(
  "requests whose names are true, false and nil are values of JavaScript on the wire",
  async ({ node }) => {
    class Odd extends GenServer {
      override readonly calls = { true: () => 1, false: () => 2, nil: on(t.integer, (n) => n) };
    }
    const odd = await node.start(Odd, []);
    assertStrictEquals(await odd.call("true"), 1);
    assertStrictEquals(await odd.call("false"), 2);
    assertStrictEquals(await odd.call("nil", 3), 3);
    assertStrictEquals(await node.call(odd, true), 1);
    assertStrictEquals(await node.call(odd, false), 2);
    assertStrictEquals(await node.call(odd, tuple(null, 3)), 3);
  },
);

bothWays(
  "arguments of on are parsed and converted, those left out have their defaults",
  async ({ node }) => {
    const Options = t.options({
      format: t.text.default("A4"),
      landscape: t.boolean.default(false),
    });
    class Printer extends GenServer {
      override readonly calls = {
        print: on(
          t.text,
          Options,
          (html, options) => `${html}/${options.format}/${options.landscape}`,
        ),
        page: on(
          t.text,
          t.integer.default(1),
          t.text.optional(),
          (name, n, note) => `${name}${n}${note ?? "-"}`,
        ),
      };
    }
    const printer = await node.start(Printer, []);
    const text = async (reply: Promise<unknown>): Promise<string> => String(await reply);
    assertStrictEquals(await text(printer.call("print", "x", { format: "A5" })), "x/A5/false");
    assertStrictEquals(await text(printer.call("print", "x", {})), "x/A4/false");
    assertStrictEquals(await text(printer.call("page", "p")), "p1-");
    assertStrictEquals(await text(printer.call("page", "p", 2)), "p2-");
    assertStrictEquals(await text(printer.call("page", "p", undefined)), "p1-");
    assertStrictEquals(await text(printer.call("page", "p", 2, "!")), "p2!");
    const keywords = [tuple(atom("landscape"), true)];
    assertStrictEquals(
      await text(node.call(printer, term(atom("print"), "x", keywords))),
      "x/A4/true",
    );
    assertStrictEquals(await text(node.call(printer, term(atom("page"), "p"))), "p1-");
  },
);

// Casts and other messages

bothWays("casts change the state, and come in order with calls", async ({ node }) => {
  const counter = await node.start(Counter, []);
  const replies: Promise<number>[] = [];
  for (let i = 0; i < 100; i++) {
    counter.cast("add", 2);
    replies.push(counter.call("get"));
    node.cast(counter, tuple(atom("add"), -1));
  }
  assertEquals(await Promise.all(replies), Array.from({ length: 100 }, (_, i) => i + 2));
  counter.cast("reset");
  assertStrictEquals(await counter.call("get"), 0);
});

bothWays("a cast that does not parse is logged, counted and dropped", async (lone) => {
  const { node } = lone;
  const counter = await node.start(Counter, [1], { register: "counter" });
  untyped(counter).cast("add", "x");
  untyped(counter).cast("nothing");
  node.cast(counter, 5);
  node.cast("nobody", 5);
  assertStrictEquals(await counter.call("get"), 1);
  assertStrictEquals(node._core.refusedCasts, 3);
  assertStrictEquals(logs(lone).length, 3);
  for (const line of logs(lone)) assert(line.startsWith("Counter counter dropped a cast: "), line);
});

bothWays(
  "requests outside of the tables go to handleCall and handleCast as terms",
  async ({ node }) => {
    const casts: Term[] = [];
    class Open extends GenServer {
      override readonly calls = { get: () => casts };
      override handleCall(request: Term, from: From): unknown {
        assert(from.pid.equals(node.pid));
        return tuple(atom("got"), request);
      }
      override async handleCast(request: Term): Promise<void> {
        await Promise.resolve();
        casts.push(request);
      }
    }
    const open = await node.start(Open, []);
    const got = (request: Encodable): Term => tuple(atom("got"), request) as unknown as Term;
    const requests = [
      5,
      atom("x"),
      tuple(atom("x"), 1),
      tuple(1, atom("x")),
      [1],
      null,
      2n ** 70n,
    ] as Encodable[];
    for (const request of requests) {
      assertEquals(await node.call(open, request), got(request));
      node.cast(open, request);
    }
    assertEquals(await untyped(open).call("x", 1), got(term(atom("x"), 1)));
    assertEquals(await untyped(open).call("x"), got(atom("x")));
    untyped(open).cast("y", 1);
    assertEquals(await open.call("get"), [...requests, term(atom("y"), 1)] as Term[]);
  },
);

bothWays("every other message goes to handleInfo", async ({ node, platform }) => {
  const got: Term[] = [];
  class Listener extends GenServer {
    override handleInfo(message: Term): void {
      got.push(message);
    }
  }
  const listener = await node.start(Listener, []);
  listener.send(1);
  node.send(listener, tuple(atom("a"), 2));
  node.send(listener.pid, null);
  await platform.settle();
  assertEquals(got, [1, tuple(atom("a"), 2), null] as Term[]);
});

bothWays("a message that nobody handles is logged and dropped", async (lone) => {
  const { node } = lone;
  const counter = await node.start(Counter, []);
  counter.send(tuple(atom("what"), 1));
  assertStrictEquals(await counter.call("get"), 0);
  assertStrictEquals(logs(lone).length, 1);
  assert(
    /^Counter <lone@localhost\.\d+\.0> got a message that it does not handle: \{what,1\}$/.test(
      logs(lone)[0],
    ),
    logs(lone)[0],
  );
});

// One at a time

bothWays(
  "the next message is taken when the handler's promise has settled",
  async ({ node, platform }) => {
    const log: string[] = [];
    const gates = [gate(), gate(), gate()];
    class Slow extends GenServer {
      override readonly calls = {
        step: on(t.integer, async (i) => {
          log.push(`in ${i}`);
          await gates[i].promise;
          log.push(`out ${i}`);
          return i;
        }),
      };
      override readonly casts = {
        step: on(t.integer, async (i) => {
          log.push(`in ${i}`);
          await gates[i].promise;
          log.push(`out ${i}`);
        }),
      };
      override async handleInfo(): Promise<void> {
        log.push("in info");
        await gates[2].promise;
        log.push("out info");
      }
    }
    const slow = await node.start(Slow, []);
    const call = slow.call("step", 0);
    slow.cast("step", 1);
    slow.send(1);
    const last = slow.call("step", 2);
    await platform.settle();
    assertEquals(log, ["in 0"]);
    gates[2].open();
    gates[1].open();
    await platform.settle();
    assertEquals(log, ["in 0"]);
    gates[0].open();
    assertStrictEquals(await call, 0);
    await last;
    const expected = ["in 0", "out 0", "in 1", "out 1", "in info", "out info", "in 2", "out 2"];
    assertEquals(log, expected);
  },
);

bothWays("a thousand callers are answered in the order in which they called", async ({ node }) => {
  const counter = await node.start(Counter, []);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 1000 }, async () => order.push(await counter.call("add", 1))),
  );
  assertEquals(order, Array.from({ length: 1000 }, (_, i) => i + 1));
});

// Tables of a class

class Static extends GenServer {
  static calls = {
    add: on(t.integer, function (this: Static, n: number) {
      return this.count += n;
    }),
    get(this: Static) {
      return this.count;
    },
  };
  static casts = {
    reset(this: Static) {
      this.count = 0;
    },
  };
  declare readonly calls: typeof Static.calls;
  declare readonly casts: typeof Static.casts;
  count = 0;
}

bothWays(
  "a static table serves all servers of a class, with this as the server",
  async ({ node }) => {
    const one = await node.start(Static, []);
    const two = await node.start(Static, []);
    assertStrictEquals(await one.call("add", 1), 1);
    assertStrictEquals(await two.call("add", 10), 10);
    assertStrictEquals(await one.call("get"), 1);
    two.cast("reset");
    assertStrictEquals(await two.call("get"), 0);
    assertStrictEquals(await one.call("get"), 1);
    await assertRefused(untyped(one).call("add", "x"), [0], "integer");
    await assertRefused(untyped(one).call("prototype"), [], "request prototype/0");
  },
);

bothWays("a server of no table at all refuses everything", async ({ node }) => {
  class Mute extends GenServer {}
  const mute = await node.start(Mute, []);
  await assertRefused(untyped(mute).call("get"), [], "request get/0");
  untyped(mute).cast("get");
  mute.send(1);
  await assertRefused(node.call(mute, atom("get")), [], "request get/0");
});
