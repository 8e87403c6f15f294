// What sys asks of a server of ours, from this node: its state, its status, and that it waits.
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  atom,
  ExitError,
  ExternalFun,
  format,
  GenServer,
  isTuple,
  type Pid,
  ReplyError,
  type ServerRef,
  sys,
  type Term,
  TermMap,
  tuple,
} from "../../../mod.ts";
import { ended, idler, nodeTest } from "../../node/_nodes.ts";
import { bothWays, failureOf } from "../_servers.ts";
import { Open } from "./_support.ts";

// The state

bothWays("a server's public fields are its state, without its tables", async ({ node }) => {
  const server = await node.start(Open, []);
  await server.call("add", 5);
  assertEquals(format(await sys.getState(node, server)), "#{count => 5,seen => []}");
  assertEquals(format(await sys.getState(node, server.pid)), "#{count => 5,seen => []}");
});

bothWays("formatState says what is shown instead", async ({ node }) => {
  class Hidden extends GenServer {
    #count = 7;
    secret = "secret";
    override formatState(): unknown {
      return tuple(atom("count"), this.#count);
    }
  }
  const server = await node.start(Hidden, []);
  assertEquals(format(await sys.getState(node, server)), "{count,7}");
});

bothWays(
  "what is no term is shown as a text, also deep inside, and what holds itself has an end",
  async ({ node }) => {
    class User {
      name = "Zoë";
    }
    class Odd extends GenServer {
      nothing = undefined;
      half = "\ud800";
      infinite = Infinity;
      fn = function named(): void {};
      symbol = Symbol("s");
      date = new Date(0);
      error = new RangeError("too far");
      user = new User();
      list = [1, { nested: new User(), yes: true }];
      tuple = tuple(1, () => {});
      map = new Map<unknown, unknown>([["a", new Set([1])]]);
      self: unknown[] = [];
      bare = Object.create(null);
      override init(): void {
        this.self.push(this.self);
      }
    }
    const server = await node.start(Odd, []);
    const state = await sys.getState(node, server);
    assert(state instanceof TermMap);
    const shown = Object.fromEntries(
      [...state].map(([key, value]) => [format(key), format(value, { style: "elixir" })]),
    );
    assertEquals(shown, {
      nothing: ":undefined",
      half: '"\ufffd"',
      infinite: '"Infinity"',
      fn: '"[function named]"',
      symbol: '"Symbol(s)"',
      date: '"1970-01-01T00:00:00.000Z"',
      error: '"RangeError: too far"',
      user: '"[User]"',
      list: '[1, %{nested: "[User]", yes: true}]',
      tuple: '{1, "[function without a name]"}',
      map: '%{"a" => [1]}',
      self: '["..."]',
      bare: "%{}",
    });
  },
);

nodeTest("what was shown does not change with the state afterwards", async ({ node }) => {
  const server = await node.start(Open, []);
  const before = await sys.getState(node, server);
  server.send(1);
  assertEquals(await server.call("seen"), [1]);
  assertEquals(format(before), "#{count => 0,seen => []}");
});

bothWays(
  "a formatState that throws is told to whoever asks, and the server lives on",
  async ({ node }) => {
    class Failing extends GenServer {
      override readonly calls = { get: () => 1 };
      override formatState(): unknown {
        throw new RangeError("no state");
      }
    }
    const server = await node.start(Failing, []);
    const error = await assertRejects(() => sys.getState(node, server), ReplyError, "no state");
    assert(isTuple(error.reason));
    const [tag, where, what] = error.reason as unknown as Term[];
    assertEquals([tag, format(where)], [atom("callback_failed"), "{gen_server,system_get_state}"]);
    assert(
      format(what).startsWith('{error,{{js_error,<<"RangeError">>,<<"no state">>}'),
      format(what),
    );
    const { misc } = await sys.getStatus(node, server);
    assert(format(misc).includes('{"State","Failing:formatState crashed"}'), format(misc));
    assertStrictEquals(await server.call("get"), 1);
  },
);

bothWays("a state is replaced by a function of this program, in turn", async ({ node }) => {
  const server = await node.start(Open, []);
  server.cast("add", 1);
  const made = sys.replaceState(
    node,
    server,
    (state) =>
      (state as TermMap).with(atom("count"), (state as TermMap).field("count") as number + 40),
  );
  server.cast("add", 1);
  assertEquals(format(await made), "#{count => 41,seen => []}");
  assertStrictEquals(await server.call("get"), 42);
});

bothWays("a state that cannot be replaced stays as it was", async ({ node }) => {
  class Closed extends GenServer {
    override readonly calls = { get: () => 1 };
  }
  const closed = await node.start(Closed, []);
  const server = await node.start(Open, []);
  const ways: [() => Promise<unknown>, string][] = [
    [() => sys.replaceState(node, closed, () => 1), "class Closed has no method replaceState"],
    [() => sys.replaceState(node, server, () => new TermMap()), "count must be a number"],
    [() =>
      sys.replaceState(node, server, () => {
        throw new Error("thrown");
      }), "thrown"],
    [
      () => sys.replaceState(node, server, new ExternalFun(atom("m"), atom("f"), 1)),
      "cannot be run in JavaScript",
    ],
  ];
  for (const [fail, words] of ways) {
    const error = await assertRejects(fail, ReplyError, words);
    assert(format(error.reason as Term).includes("{gen_server,system_replace_state}"));
  }
  await assertRejects(() => sys.replaceState(node, server, 5 as never), TypeError, "a function");
  assertStrictEquals(await server.call("get"), 0);
  assertStrictEquals(await closed.call("get"), 1);
});

// The status

bothWays("the status has the shape of a gen_server's", async ({ node }) => {
  const parent = idler(node);
  const server = await node.start(Open, [], { register: "open", link: parent });
  const status = await sys.getStatus(node, server);
  assert(status.pid.equals(server.pid) && status.parent.equals(parent));
  assertEquals([status.module, status.state, status.debug], ["gen_server", "running", []]);
  assertEquals(
    format([...status.dictionary]),
    `[{'$initial_call',{'Open',init,1}},{'$ancestors',[${format(parent)}]}]`,
  );
  assertEquals(
    format(status.misc),
    `[{header,"Status for generic server open"},{data,[{"Status",running},{"Parent",${
      format(parent)
    }},{"Logged events",[]}]},{data,[{"State",#{count => 0,seen => []}}]}]`,
  );
  const nameless = await node.start(Open, []);
  const { pid, misc } = await sys.getStatus(node, nameless);
  assert(format(misc).includes(`generic server <0.${pid.id}.${pid.serial}>`), format(misc));
});

// Suspended

bothWays(
  "a suspended server handles nothing but sys, and goes on in the order of its mailbox",
  async ({ node }) => {
    const server = await node.start(Open, []);
    await sys.suspend(node, server);
    await sys.suspend(node, server);
    const added = server.call("add", 5);
    server.send("one");
    server.cast("add", 1);
    server.send("two");
    const status = await sys.getStatus(node, server);
    assertStrictEquals(status.state, "suspended");
    assertEquals(format(await sys.getState(node, server)), "#{count => 0,seen => []}");
    assertStrictEquals(node._core.process(server.pid)!.queued, 4);
    const resumed = sys.resume(node, server);
    server.send("three");
    await resumed;
    assertStrictEquals(await added, 5);
    assertEquals((await server.call("seen")).map(String), ["one", "two", "three"]);
    assertStrictEquals(await server.call("get"), 6);
    await sys.resume(node, server);
    assertStrictEquals((await sys.getStatus(node, server)).state, "running");
  },
);

nodeTest("timers of a suspended server wait as its messages do", async ({ node, platform }) => {
  const fired: string[] = [];
  class Timed extends GenServer {
    override init(): void {
      this.after(10, () => fired.push("timer"));
    }
    override handleInfo(): void {
      fired.push("message");
    }
  }
  const server = await node.start(Timed, []);
  await sys.suspend(node, server);
  server.send(1);
  await platform.elapse(100);
  await sys.getState(node, server);
  assertEquals(fired, []);
  await sys.resume(node, server);
  await sys.getState(node, server);
  assertEquals(fired, ["message", "timer"]);
});

bothWays("the end of a suspended server is told to those who wait for it", async ({ node }) => {
  const server = await node.start(Open, []);
  await sys.suspend(node, server);
  const waiting = failureOf(() => server.call("get"));
  await sys.getState(node, server);
  node.exit(server.pid, atom("boom"));
  const error = await waiting;
  assert(error instanceof ExitError && error.reason === atom("boom"), String(error));
});

bothWays(
  "a suspended server is ended by stop, by sys, and by the end of its parent",
  async ({ node }) => {
    const terminated: Term[] = [];
    class Trapping extends GenServer {
      override init(): void {
        this.trapExit = true;
      }
      override terminate(reason: Term): void {
        terminated.push(reason);
      }
    }
    const ways: ((server: ServerRef<Trapping>, parent: Pid) => unknown)[] = [
      (server) => server.stop(),
      (server) => sys.terminate(node, server, tuple(atom("shutdown"), 1)),
      (_server, parent) => node.exit(parent, atom("boom")),
    ];
    for (const end of ways) {
      const parent = idler(node);
      const server = await node.start(Trapping, [], { link: parent });
      await sys.suspend(node, server);
      const down = ended(node, server.pid);
      await end(server, parent);
      await down;
    }
    assertEquals(terminated.map((reason) => format(reason)), ["normal", "{shutdown,1}", "boom"]);
  },
);
