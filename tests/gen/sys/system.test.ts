// What sys asks of a server of ours, from this node.
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  atom,
  Behaviour,
  equal,
  ExitError,
  ExternalFun,
  format,
  GenServer,
  ImproperList,
  isTuple,
  noReply,
  on,
  type Pid,
  ReplyError,
  type ServerRef,
  sys,
  t,
  type Term,
  TermMap,
  tuple,
} from "../../../mod.ts";
import { debugOf } from "../../../lib/gen/sys/debug.ts";
import { handledSystem } from "../../../lib/gen/sys/system.ts";
import { ended, idler, KILL, nodeTest, NORMAL } from "../../node/_nodes.ts";
import { bothWays, callByHand, failureOf, gate, logs, pair, term } from "../_servers.ts";

/** A server whose whole state is public, and can be replaced. */
class Open extends GenServer {
  count = 0;
  readonly seen: Term[] = [];
  override readonly calls = {
    add: on(t.integer, (n) => this.count += n),
    get: () => this.count,
    seen: () => [...this.seen],
    later: on(t.integer, () => noReply),
  };
  override readonly casts = {
    add: on(t.integer, (n) => {
      this.count += n;
    }),
  };
  override handleInfo(message: Term): void {
    this.seen.push(message);
  }
  override replaceState(state: unknown): void {
    const count = (state as TermMap).field("count");
    if (typeof count !== "number") throw new TypeError("count must be a number");
    this.count = count;
  }
}

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

// Debugging

bothWays("the log keeps the last events, in the form of OTP", async ({ node }) => {
  const server = await node.start(Open, [], { register: "open" });
  await sys.log(node, server, 4);
  await sys.log(node, server, 9); // it is on already
  assertStrictEquals(
    await callByHand(node, server.pid, term(atom("add"), 2), "tag") instanceof Object,
    true,
  );
  server.cast("add", 3);
  server.send("info");
  await sys.getState(node, server);
  const events = await sys.getLog(node, server);
  assertEquals(
    events.map((event) => format(event)).join("\n").replaceAll(
      /<lone@localhost\.\d+\.\d+>/g,
      "Pid",
    ),
    [
      "{in,{'$gen_cast',{add,3}}}",
      "{noreply,#{count => 5,seen => []}}",
      '{in,<<"info">>}',
      '{noreply,#{count => 5,seen => [<<"info">>]}}',
    ].join("\n"),
  );
  const { debug, misc } = await sys.getStatus(node, server);
  assert(
    format([...debug]).startsWith(
      "[{log,[[],{{in,{'$gen_cast',{add,3}}},open,fun gen_server:print_event/3},",
    ),
    format([...debug]),
  );
  assert(format(misc).includes("{\"Logged events\",[{in,{'$gen_cast',{add,3}}},"), format(misc));
  await sys.log(node, server, false);
  assertEquals(await sys.getLog(node, server), []);
});

bothWays(
  "a call is logged with its reply and the state after it, one that is not answered with its state",
  async ({ node }) => {
    const server = await node.start(Open, []);
    await sys.log(node, server, true);
    await server.call("add", 2);
    const late = failureOf(() => server.with({ timeout: 1_000_000 }).call("later", 1));
    await sys.getState(node, server);
    const [came, went, last, noreply] = await sys.getLog(node, server) as unknown as Term[][];
    assertEquals(format(came[1]).replace(/\{<.*\]\},/, "From,"), "{'$gen_call',From,{add,2}}");
    assertEquals([went[0], went[1], format(went[3])], [atom("out"), 2, "#{count => 2,seen => []}"]);
    assert(equal(went[2], (came[1] as unknown as Term[])[1]), "the same From");
    assertEquals(last[0], atom("in"));
    assertEquals(format(noreply as unknown as Term), "{noreply,#{count => 2,seen => []}}");
    const { debug } = await sys.getStatus(node, server);
    assert(/^\[\{log,\[6,\{\{noreply,/.test(format([...debug])), format([...debug]));
    await server.stop();
    await late;
  },
);

nodeTest(
  "the log of a handler that waits is in order, and of later has its reply",
  async ({ node }) => {
    const { promise, open } = gate<number>();
    class Waiting extends GenServer {
      override readonly calls = { wait: () => promise };
    }
    const server = await node.start(Waiting, []);
    await sys.log(node, server, true);
    const reply = server.call("wait");
    open(5);
    assertStrictEquals(await reply, 5);
    const log = await sys.getLog(node, server);
    assertEquals(log.map((event) => format((event as unknown as Term[])[0])), ["in", "out"]);
  },
);

nodeTest("what is logged does not change afterwards", async ({ node }) => {
  const server = await node.start(Open, []);
  const message = [1];
  await sys.log(node, server, true);
  server.send(message);
  await sys.getState(node, server);
  message.push(2);
  assertEquals(format((await sys.getLog(node, server))[0]), "{in,[1]}");
});

bothWays(
  "statistics count messages, and are none where nobody counts",
  async ({ node, platform }) => {
    const server = await node.start(Open, []);
    assertStrictEquals(await sys.getStatistics(node, server), null);
    await sys.statistics(node, server, true);
    await server.call("add", 1);
    server.cast("add", 1);
    server.send(1);
    const counted = await sys.getStatistics(node, server);
    const at = new Date(platform.systemTime());
    const two = (number: number): string => String(number).padStart(2, "0");
    const text = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${
      two(at.getHours())
    }:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    assertEquals(counted, {
      startTime: text,
      currentTime: text,
      reductions: 3,
      messagesIn: 3,
      messagesOut: 1,
    });
    await sys.statistics(node, server, false);
    assertStrictEquals(await sys.getStatistics(node, server), null);
  },
);

bothWays("a trace writes what OTP prints", async (lone) => {
  const { node } = lone;
  const server = await node.start(Open, [], { register: "open" });
  await sys.trace(node, server, true);
  await server.call("add", 1);
  server.cast("add", 1);
  server.send("info");
  await sys.trace(node, server, false);
  await server.call("add", 1);
  const main = format(node.pid);
  assertEquals(logs(lone), [
    `*DBG* open got call {add,1} from ${main}`,
    `*DBG* open sent 1 to ${main}, new state #{count => 1,seen => []}`,
    "*DBG* open got cast {add,1}",
    "*DBG* open new state #{count => 2,seen => []}",
    '*DBG* open got <<"info">>',
    '*DBG* open new state #{count => 2,seen => [<<"info">>]}',
  ]);
});

bothWays(
  "an installed function sees the events until it is done, throws or is removed",
  async ({ node }) => {
    const server = await node.start(Open, [], { register: "open" });
    const seen: string[] = [];
    const see = (last: unknown, event: Term, name: Term): unknown => {
      seen.push(`${last} ${format((event as unknown as Term[])[0])} ${format(name)}`);
      return (last as number) === 1 ? "done" : last as number + 1;
    };
    await sys.install(node, server, atom("one"), see, 0);
    await sys.install(node, server, atom("one"), see, 100); // there is one of that id
    await sys.install(node, server, atom("bad"), () => {
      throw new Error("no");
    });
    server.cast("add", 1);
    server.cast("add", 1);
    await server.call("get");
    assertEquals(seen, ["0 in open", "1 noreply open"]);
    await sys.install(node, server, atom("two"), see, 0);
    assertEquals((await sys.getStatus(node, server)).debug.length, 1);
    await sys.remove(node, server, atom("two"));
    server.cast("add", 1);
    await server.call("get");
    assertEquals(seen.length, 2);
  },
);

nodeTest("what cannot be looked at harms no server", async (lone) => {
  const hostile = new Proxy({}, {
    getPrototypeOf(): never {
      throw new Error("hostile");
    },
  });
  const server = await lone.node.start(Open, []);
  await sys.log(lone.node, server, true);
  server.send([hostile] as never);
  assertStrictEquals(await server.call("get"), 0);
  assertStrictEquals(logs(lone).length, 1);
  assert(logs(lone)[0].startsWith("Cannot debug a server: Error: hostile"), logs(lone)[0]);
  assertEquals(await sys.getLog(lone.node, server), []);
});

bothWays("a server that nobody looks at any more is as it was", async ({ node }) => {
  const server = await node.start(Open, []);
  const { _core: core } = node;
  const instance = core.process(server.pid)!.body;
  await sys.log(node, server, true);
  await sys.trace(node, server, true);
  await sys.trace(node, server, false);
  assert(core.process(server.pid)!.body !== instance);
  assertEquals(debugOf(instance as Open)?.options.length, 1);
  await sys.noDebug(node, server);
  assertStrictEquals(core.process(server.pid)!.body, instance);
  assertStrictEquals(await server.call("get"), 0);
});

bothWays("terminate of a debugged server is called", async ({ node }) => {
  const log: Term[] = [];
  class Ending extends GenServer {
    override terminate(reason: Term): void {
      log.push(reason);
    }
  }
  const server = await node.start(Ending, []);
  await sys.trace(node, server, true);
  await server.stop();
  assertEquals(log, [NORMAL]);
});

// What sys sends besides

/** What OTP answers to a request. */
const RAW: readonly [request: Term, reply: string][] = [
  [atom("nonsense"), "{error,{unknown_system_msg,nonsense}}"],
  [
    pair(atom("change_code"), atom("m"), 1, []),
    "{error,{unknown_system_msg,{change_code,m,1,[]}}}",
  ],
  [pair(atom("debug"), atom("nonsense")), "unknown_debug"],
  [pair(atom("debug"), pair(atom("trace"), atom("maybe"))), "unknown_debug"],
  [pair(atom("debug"), pair(atom("log"), pair(true, 0))), "unknown_debug"],
  [pair(atom("debug"), pair(atom("log"), atom("print"))), "ok"],
  [pair(atom("debug"), pair(atom("log"), atom("get"))), "{ok,[]}"],
  [pair(atom("debug"), pair(atom("statistics"), atom("get"))), "{ok,no_statistics}"],
  [pair(atom("debug"), pair(atom("log_to_file"), "/tmp/x")), "{error,open_file}"],
  [pair(atom("debug"), pair(atom("log_to_file"), false)), "ok"],
  [pair(atom("debug"), pair(atom("remove"), atom("x"))), "ok"],
  [pair(atom("debug"), atom("no_debug")), "ok"],
  [5, "{error,{unknown_system_msg,5}}"],
];

bothWays("every request is answered, those that are not known too", async ({ node }) => {
  const server = await node.start(Open, []);
  for (const [request, reply] of RAW) {
    assertEquals(format(await ask(node, server.pid, request)), reply);
  }
  const install = pair(
    atom("debug"),
    pair(atom("install"), pair(new ExternalFun(atom("m"), atom("f"), 3), 0)),
  );
  assert(format(await ask(node, server.pid, install)).startsWith("{error,{not_supported,<<"));
  await sys.suspend(node, server);
  const change = pair(atom("change_code"), atom("m"), 1, []);
  assertEquals(
    format(await ask(node, server.pid, change)),
    "{error,{'EXIT',{undef,[{'Open',code_change,[1,#{count => 0,seen => []},[]],[]}]}}}",
  );
  assert(node.isAlive(server.pid));
});

bothWays("a process of the node's own is looked at, not harmed", async ({ node }) => {
  class Own extends Open {
    readonly _essential = true;
  }
  const own = await node.start(Own, []);
  assertEquals(format(await sys.getState(node, own)), "#{count => 0,seen => []}");
  await sys.log(node, own, true);
  const harmful = [
    () => sys.suspend(node, own),
    () => sys.terminate(node, own),
    () => sys.replaceState(node, own, (state) => state),
  ];
  for (const harm of harmful) await assertRejects(harm, ReplyError, "belongs to the node");
  node.exit(own.pid, KILL); // nor while it is debugged
  assertStrictEquals(await own.call("add", 1), 1);
  assertEquals((await sys.getLog(node, own)).length, 2);
  await sys.noDebug(node, own);
  assertStrictEquals((await sys.getStatus(node, own)).state, "running");
  own.send("last");
  assertEquals((await own.call("seen")).map(String), ["last"]);
});

/** Requests that no sys sends, or not so. */
const HOSTILE: readonly unknown[] = [
  tuple(),
  tuple(atom("terminate")),
  tuple(atom("terminate"), 1, 2),
  tuple(atom("debug")),
  tuple(atom("debug"), tuple()),
  tuple(atom("debug"), [1, 2]),
  tuple(atom("debug"), tuple(atom("install"), 1)),
  tuple(atom("debug"), tuple(atom("install"), tuple())),
  tuple(atom("debug"), tuple(atom("install"), tuple(1, 2, 3, 4))),
  tuple(atom("debug"), tuple(atom("log"), tuple(true, -1))),
  tuple(atom("debug"), tuple(atom("log"), tuple(true, 1.5))),
  tuple(atom("debug"), tuple(atom("log"), tuple(true, 2n ** 70n))),
  tuple(atom("debug"), tuple(atom("log"), tuple(false, 5))),
  tuple(atom("debug"), tuple(atom("statistics"), [])),
  tuple(atom("debug"), tuple(atom("remove"), [new ImproperList([1], 2)])),
  tuple(atom("replace_state"), 5),
  tuple(atom("replace_state")),
  tuple(atom("change_code"), 1, 2, 3),
  new ImproperList([1], 2),
  new TermMap([[1, 2]]),
  "suspend",
  [atom("suspend")],
  1.5,
  null,
  true,
];

bothWays("whatever is asked is answered once, and harms nothing", async ({ node }) => {
  const server = await node.start(Open, []);
  for (const suspended of [false, true]) {
    if (suspended) await sys.suspend(node, server);
    for (const request of HOSTILE) {
      const reply = format(await ask(node, server.pid, request as Term));
      assert(reply === "ok" || reply === "unknown_debug" || reply.startsWith("{error,{"), reply);
    }
    assertEquals(format(await sys.getState(node, server)), "#{count => 0,seen => []}");
    assertEquals((await sys.getStatus(node, server)).debug, []);
  }
  await sys.resume(node, server);
  assertStrictEquals(await server.call("add", 1), 1);
  assertEquals(await server.call("seen"), []);
});

nodeTest("a log that a peer wants to be huge is bounded", async ({ node }) => {
  const server = await node.start(Open, []);
  await sys.log(node, server, Number.MAX_SAFE_INTEGER);
  for (let i = 0; i < 6_000; i++) server.cast("add", 1);
  assertEquals(await server.call("get"), 6_000);
  const log = await sys.getLog(node, server);
  assertEquals([log.length, format(log.at(-1)!).startsWith("{out,6000,")], [10_000, true]);
});

bothWays("a behaviour of another kind has all of it, by one line", async ({ node }) => {
  class Machine extends Behaviour {
    declare readonly _refType: Pid;
    light = "red";
    override get _system(): { readonly module: string; readonly title: string } {
      return { module: "gen_statem", title: "Status for state machine" };
    }
    override _receive(message: unknown): void {
      if (isTuple(message) && handledSystem(this, message)) return;
      this.light = String(message);
    }
    override _reference(_node: unknown, pid: Pid): Pid {
      return pid;
    }
  }
  const machine = await node.start(Machine, [], { register: "light" });
  await sys.log(node, machine, true);
  await sys.suspend(node, machine);
  node.send(machine, "green");
  assertEquals(format(await sys.getState(node, machine)), '#{light => <<"red">>}');
  const { module, state, misc } = await sys.getStatus(node, machine);
  assertEquals([module, state], ["gen_statem", "suspended"]);
  assert(format(misc).includes('"Status for state machine light"'), format(misc));
  await sys.resume(node, machine);
  assertEquals(format(await sys.getState(node, machine)), '#{light => <<"green">>}');
  const log = await sys.getLog(node, machine);
  assertEquals(log.map((event) => format(event)), [
    '{in,<<"green">>}',
    '{noreply,#{light => <<"green">>}}',
  ]);
  const down = ended(node, machine);
  await sys.terminate(node, machine);
  assertStrictEquals(await down, NORMAL);
});

bothWays("what only looks like a request of sys is a message", async ({ node }) => {
  const server = await node.start(Open, []);
  const messages = [
    pair(atom("system"), 1, atom("get_state")),
    pair(atom("system"), pair(1, 2), atom("get_state")),
    pair(atom("system"), pair(node.pid, 2)),
  ];
  for (const message of messages) server.send(message);
  assertEquals(await server.call("seen"), messages);
});

nodeTest("sys is used in a process's own name, and not on itself", async ({ node }) => {
  class Asking extends GenServer {
    override readonly calls = {
      state: on(t.pid, async (pid) => await sys.getState(this, pid)),
    };
  }
  const asking = await node.start(Asking, []);
  const server = await node.start(Open, []);
  assertEquals(format(await asking.call("state", server.pid) as Term), "#{count => 0,seen => []}");
  const error = await failureOf(() => asking.call("state", asking.pid));
  assert(String(error).includes("a process that calls itself"), String(error));
});

nodeTest("a process that is not there, and one that knows no sys", async ({ node, platform }) => {
  const gone = idler(node);
  node.exit(gone, atom("kill"));
  await assertRejects(() => sys.getState(node, gone), ExitError, "no such process");
  const asked = failureOf(() => sys.getState(node, idler(node), { timeout: 50 }));
  await platform.elapse(100);
  assertStrictEquals((await asked as Error).name, "CallTimeoutError");
  await assertRejects(() => sys.log(node, gone, 0), RangeError, "0 events");
  await assertRejects(() => sys.getState(node, {} as never), TypeError, "Cannot address");
});

nodeTest("a caller that does not catch the failure exits as OTP's do", async ({ node }) => {
  const gone = idler(node);
  node.exit(gone, atom("kill"));
  const pid = node.spawn(async (self) => {
    await sys.replaceState(self, gone, new ExternalFun(atom("m"), atom("f"), 1), { timeout: 10 });
  });
  assertEquals(
    format(await ended(node, pid)),
    `{noproc,{sys,replace_state,[${format(gone)},fun m:f/1,10]}}`,
  );
});

/** Sends `{system, {Pid, Tag}, Request}` as sys does, and gives what comes back as `{Tag, Reply}`. */
function ask(node: Parameters<typeof callByHand>[0], server: Pid, request: Term): Promise<Term> {
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      self.send(server, tuple(atom("system"), tuple(self.pid, atom("tag")), request) as Term);
      const reply = await self.receive(t.tuple(t.atom("tag"), t.term));
      resolve(reply[1]);
    });
  });
}
