/**
 * OTP's gen_server_SUITE, by the names of its cases. What a case checks of a server written in Erlang is checked of ours.
 *
 * | case | |
 * | --- | --- |
 * | start, stop1 to stop10, crash, call, send_request, cast, cast_fast, continue, info, hibernate, auto_hibernate | below |
 * | abcast, multicall, multicall_down, multicall_suspended | below, by `node.abcast` and `node.multiCall` |
 * | call_remote1 to 3, call_remote_n1 to n3, calling_self, call_with_huge_message_queue, reply_by_alias_with_payload | below |
 * | spec_init, spec_init_local_registered_parent, spec_init_global_registered_parent | below as far as a process that has a name or a parent becomes a server: ours always begins as one (no `proc_lib`, no `enter_loop`) |
 * | otp_5854, otp_7669, init_fails, undef_*, format_log, error_format_status, terminate_crash_format, call_format_status, get_state, replace_state | below |
 * | send_request_receive_reqid_collection, send_request_wait_reqid_collection, send_request_check_reqid_collection | below as `send_request`: promises are combined by the language |
 * | undef_code_change | left out: code is not changed in a running program; sys answers `change_code` in tests/gen/sys |
 * | undef_init, undef_handle_call as compile errors | left out: the class has the methods, and the compiler says what is missing |
 * | format_log_1, format_log_2, format_all_status, format_log's single line and depth | left out: they are about OTP's logger templates |
 * | call_format_status on old callbacks (`format_status/2`) | left out: there is one `formatState` |
 * | start_monitor's cases | below, in start: a monitor that is set up when `start` has resolved misses nothing |
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  atom,
  CallTimeoutError,
  type Encodable,
  exit,
  ExitError,
  type ExitReason,
  format,
  type From,
  GenServer,
  ignore,
  IgnoredError,
  isTuple,
  NameError,
  type Node,
  NodeDownError,
  NoProcessError,
  noReply,
  on,
  type Pid,
  sys,
  t,
  type Term,
  type ViaRegistry,
} from "../../../mod.ts";
import { clusterTest, inbox } from "../../node/_cluster.ts";
import {
  BOOM,
  collector,
  ended,
  forever,
  KILLED,
  nodeTest,
  NORMAL,
  SHUTDOWN,
  until,
} from "../../node/_nodes.ts";
import { exitReason, failure, logs, pair, untyped } from "../_servers.ts";

const OK = atom("ok");
const STOPPED = atom("stopped");
const NOPROC = atom("noproc");

/** What the suite's module does, as far as its cases ask for it. */
class Suite extends GenServer {
  state: Term = null;
  #within: number | null = null;

  override init(how: Term = [], ...rest: unknown[]): unknown {
    void rest;
    if (how === atom("ignore")) return ignore;
    if (how === atom("stop")) exit(STOPPED);
    if (how === atom("sleep")) return this.sleep(1_000);
    if (isTuple(how) && how.tag === "state") this.state = how[1];
    if (isTuple(how) && how.tag === "continue") this.continueWith(how[1]);
    return undefined;
  }

  override readonly calls = {
    started_p: () => OK,
    delayed_answer: on(t.integer, async (ms) => {
      await this.sleep(Number(ms));
      return atom("delayed");
    }),
    call_within: on(t.integer, (ms) => {
      this.#within = Number(ms);
      this.idleTimeout = Number(ms);
      return OK;
    }),
    next_call: () => {
      const inTime = this.#within !== null;
      this.idleTimeout = Infinity;
      return inTime ? OK : false;
    },
    stop: () => {
      this.stop(STOPPED);
      return OK;
    },
    crash: () => exit(atom("crashed")),
    shutdown_reason: () => exit(pair(SHUTDOWN, atom("reason")) as ExitReason),
    stop_shutdown: () => this.stop(SHUTDOWN),
    badreturn: () => ({ no: "term" }),
    hibernate: () => this.hibernate(),
    hibernate_later: () => void this.after(100, () => this.hibernate()),
  };
  override readonly casts = {
    cast_mistery: () => {},
    stop: () => this.stop(STOPPED),
    hibernate: () => this.hibernate(),
  };

  override handleTimeout(): void {
    this.#within = null;
  }

  override handleContinue(step: unknown): unknown {
    this.state = pair(atom("continued"), step as Term);
    if (step === STOPPED) this.stop(STOPPED);
    return undefined;
  }

  override handleInfo(message: Term): unknown {
    if (isTuple(message) && message.tag === "get") return this.send(message[1] as Pid, this.state);
    if (isTuple(message) && message.tag === "call_undef_fun") {
      return (this as unknown as { undefined_fun(): void }).undefined_fun();
    }
    this.state = message;
    return undefined;
  }
}

class Names implements ViaRegistry {
  readonly #pids = new Map<unknown, Pid>();
  whereisName(name: Encodable): Pid | undefined {
    return this.#pids.get(name);
  }
  registerName(name: Encodable, pid: Pid): boolean {
    if (this.#pids.has(name)) return false;
    this.#pids.set(name, pid);
    return true;
  }
  unregisterName(name: Encodable): void {
    this.#pids.delete(name);
  }
}

/** What a linked process, which traps exits, hears of. */
function linked(node: Node): { pid: Pid; got: Term[] } {
  return collector(node, (self) => {
    self.trapExit = true;
  });
}

// start

nodeTest("start: without a name, and called when it has stopped", async ({ node }) => {
  const server = await node.start(Suite, []);
  assertStrictEquals(await server.call("started_p"), OK);
  assertStrictEquals(await server.call("stop"), OK);
  assertInstanceOf(await failure(server.call("started_p")), NoProcessError);
});

nodeTest("start: with a timeout", async ({ node, platform }) => {
  const server = await node.start(Suite, [], { timeout: 1_000 });
  assertStrictEquals(await server.call("started_p"), OK);
  const slow = exitReason(node.start(Suite, [atom("sleep")], { timeout: 100 }));
  await platform.elapse(100);
  assertStrictEquals(await slow, atom("timeout"));
});

nodeTest("start: ignore and stop", async ({ node }) => {
  await assertRejects(() => node.start(Suite, [atom("ignore")]), IgnoredError);
  assertStrictEquals(await exitReason(node.start(Suite, [atom("stop")])), STOPPED);
});

nodeTest("start: linked", async ({ node }) => {
  const { pid, got } = linked(node);
  await until(() => node.info(pid)!.trapExit);
  const server = await node.start(Suite, [], { link: pid });
  await server.call("stop");
  await until(() => got.length === 1);
  assertEquals(got, [pair(atom("EXIT"), server.pid, STOPPED)]);
});

for (const kind of ["local", "via"] as const) {
  nodeTest(`start: registered, ${kind}`, async ({ node }) => {
    const as = kind === "local" ? "my_test_name" : { via: new Names(), name: "my_test_name" };
    const first = await node.start(Suite, [], { register: as });
    assertStrictEquals(await node.call(as, atom("started_p")), OK);
    const taken = await failure(node.start(Suite, [], { register: as }));
    assertInstanceOf(taken, NameError);
    assertEquals(taken.pid, first.pid);
    assertStrictEquals(await node.call(as, atom("stop")), OK);
    await until(() => !node.isAlive(first.pid));
    assertInstanceOf(await failure(node.call(as, atom("started_p"))), NoProcessError);
    await node.start(Suite, [], { register: as });
  });
}

clusterTest("start: registered, global", async (a) => {
  const as = { global: "my_test_name" };
  const first = await a.start(Suite, [], { register: as });
  assertStrictEquals(await a.call(as, atom("started_p")), OK);
  const taken = await failure(a.start(Suite, [], { register: as }));
  assertInstanceOf(taken, NameError);
  assertEquals(taken.pid, first.pid);
  await a.call(as, atom("stop"));
  await until(() => a.global.whereis("my_test_name") === undefined);
});

nodeTest("start: who watches from the start on misses nothing", async ({ node }) => {
  const server = await node.start(Suite, []);
  const done = ended(node, server.pid);
  server.cast("stop");
  assertStrictEquals(await done, STOPPED);
});

// stop

nodeTest("stop1 and stop2: for normal, and for another reason", async ({ node }) => {
  for (const reason of [undefined, atom("other_reason")]) {
    const server = await node.start(Suite, []);
    const done = ended(node, server.pid);
    assertStrictEquals(await server.stop(reason), undefined);
    assertStrictEquals(await done, reason ?? NORMAL);
    assertStrictEquals(node.isAlive(server.pid), false);
    assertInstanceOf(await failure(server.stop()), NoProcessError);
  }
});

nodeTest("stop3: a timeout that is none is refused, and the server lives on", async ({ node }) => {
  const server = await node.start(Suite, []);
  await assertRejects(
    () => server.stop(NORMAL, { timeout: "invalid" as unknown as number }),
    RangeError,
  );
  assertStrictEquals(node.isAlive(server.pid), true);
});

clusterTest("stop4 to stop7: by its name, here", async (a) => {
  const names = new Names();
  for (
    const as of ["to_stop", { global: "to_stop" }, { via: names, name: "to_stop" }] as const
  ) {
    const { pid } = await a.start(Suite, [], { register: as });
    await sys.terminate(a, as, NORMAL);
    await until(() => !a.isAlive(pid));
    assertInstanceOf(await failure(sys.terminate(a, as, NORMAL)), NoProcessError);
  }
  const { pid } = await a.start(Suite, [], { register: "to_stop" });
  await sys.terminate(a, { name: "to_stop", node: a.name }, NORMAL);
  await until(() => !a.isAlive(pid));
});

clusterTest("stop8 to stop10: on another node, which is lost after that", async (a, b) => {
  const one = await b.start(Suite, []);
  await b.start(Suite, [], { register: "to_stop" });
  const there = { name: "to_stop", node: b.name };
  for (const target of [one.pid, there]) {
    await sys.terminate(a, target, NORMAL);
    assertInstanceOf(await failure(a.call(target, atom("started_p"))), NoProcessError);
  }
  await b.stop();
  for (const target of [one.pid, there]) {
    assertInstanceOf(await failure(sys.terminate(a, target, NORMAL)), NodeDownError);
  }
});

// crash

nodeTest("crash: only what is no shutdown is reported", async (lone) => {
  const { node } = lone;
  const shutdowns: [string, Term][] = [
    ["shutdown_reason", pair(SHUTDOWN, atom("reason"))],
    ["stop_shutdown", SHUTDOWN],
  ];
  for (const [name, reason] of shutdowns) {
    const { pid } = await node.start(Suite, []);
    const done = ended(node, pid);
    node.call(pid, atom(name)).catch(() => {});
    assertEquals(await done, reason);
  }
  assertEquals(logs(lone), []);
  const { pid } = await node.start(Suite, [pair(atom("state"), atom("state4"))]);
  assertStrictEquals(await exitReason(node.call(pid, atom("crash"))), atom("crashed"));
  assertStrictEquals(logs(lone).filter((line) => line.includes("crashed: crashed")).length, 1);
});

// call

nodeTest(
  "call: an answer that takes time, and one that takes too long",
  async ({ node, platform }) => {
    const server = await node.start(Suite, []);
    const delayed = server.call("delayed_answer", 1);
    const inTime = server.with({ timeout: 30 }).call("delayed_answer", 1);
    await platform.elapse(10);
    assertEquals(await Promise.all([delayed, inTime]), [atom("delayed"), atom("delayed")]);
    const late = failure(server.with({ timeout: 1 }).call("delayed_answer", 30));
    await platform.elapse(50);
    assertInstanceOf(await late, CallTimeoutError);
  },
);

nodeTest("call: two requests within some time", async ({ node, platform }) => {
  const server = await node.start(Suite, []);
  await server.call("call_within", 1_000);
  await platform.elapse(500);
  assertStrictEquals(await server.call("next_call"), OK);
  await server.call("call_within", 1_000);
  await platform.elapse(1_500);
  assertStrictEquals(await server.call("next_call"), false);
});

clusterTest("call: what is no reply is told to a caller elsewhere", async (a, b) => {
  const server = await b.start(Suite, []);
  const reason = await exitReason(a.call(server.pid, atom("badreturn")));
  assert(format(reason).startsWith("{bad_reply,badreturn,"), format(reason));
  assertStrictEquals(await server.call("started_p"), OK); // other than in OTP the server lives on
});

nodeTest("calling_self: a server that calls itself is told at once", async ({ node }) => {
  class Selfish extends GenServer {
    override readonly calls = { self: () => this.call(this.pid, atom("self")) };
  }
  const server = await node.start(Selfish, []);
  const reason = await exitReason(server.call("self"));
  assert(format(reason).includes("calls itself"));
});

nodeTest("send_request: answers are collected as promises", async ({ node, platform }) => {
  const servers = await Promise.all([1, 2, 3].map(() => node.start(Suite, [])));
  const answers = servers.map((server, i) => server.call("delayed_answer", 300 - 100 * i));
  const first = Promise.race(answers.map((answer, i) => answer.then(() => i)));
  await platform.elapse(100);
  assertStrictEquals(await first, 2);
  const controller = new AbortController();
  const given = servers[0].with({ signal: controller.signal }).call("delayed_answer", 1_000);
  controller.abort(new Error("no longer"));
  assertStrictEquals((await failure(given) as Error).message, "no longer");
  await platform.elapse(1_500);
  assertEquals(await Promise.all(answers), Array(3).fill(atom("delayed")));
  const gone = await Promise.allSettled([
    node.call("nobody", atom("get")),
    servers[1].call("started_p"),
  ]);
  assertEquals(gone.map(({ status }) => status), ["rejected", "fulfilled"]);
});

nodeTest(
  "call_with_huge_message_queue: a call costs no more where much waits",
  async ({ node }) => {
    const server = await node.start(Suite, []);
    const calls = 200;
    let done = false;
    const pid = node.spawn(async (self) => {
      for (let i = 0; i < calls; i++) await self.call(server.pid, atom("started_p"));
      done = true;
    });
    for (let i = 0; i < 100_000; i++) node.send(pid, i);
    await until(() => done);
    assertStrictEquals(node.info(server.pid)!.handled, calls + 1);
  },
);

// Callers and servers on different nodes

clusterTest("call_remote1 to 3: a process of another node that has ended", async (a, b) => {
  await b.start(Suite, [], { register: "hubba" });
  const byName = { name: "hubba", node: b.name };
  const pid = b.whereis("hubba")!;
  for (const target of [byName, pid]) {
    assertStrictEquals(await a.call(target, atom("started_p"), { timeout: Infinity }), OK);
  }
  a.exit(pid, BOOM);
  for (const target of [byName, pid]) {
    const reason = await exitReason(a.call(target, atom("started_p"), { timeout: Infinity }));
    assert(reason === NOPROC || reason === BOOM);
  }
});

clusterTest("call_remote_n1 to n3: a process whose node is lost", async (a, b) => {
  const { pid } = await b.start(Suite, [], { register: "hubba" });
  const waiting = failure(a.call(pid, pair(atom("delayed_answer"), 60_000), { timeout: Infinity }));
  await a.call(pid, atom("started_p"), { timeout: 1 }).catch(() => {});
  await b.stop();
  await waiting;
  for (const target of [{ name: "hubba", node: b.name }, pid]) {
    const error = await failure(a.call(target, atom("started_p"), { timeout: Infinity }));
    assertInstanceOf(error, NodeDownError);
    assertEquals(error.exitReason, pair(atom("nodedown"), atom(b.name)));
  }
});

clusterTest("reply_by_alias_with_payload: a reply goes to the alias of the call", async (a, b) => {
  let kept: From | null = null as From | null;
  class Relay extends GenServer {
    override handleCall(request: Term, from: From): unknown {
      if (request === atom("keep")) kept = from;
      // Another process, on another node, answers.
      else a.spawn(() => a.reply(from.term, "x".repeat(100_000)));
      return noReply;
    }
  }
  const { pid } = await b.start(Relay, []);
  assertStrictEquals(String(await a.call(pid, atom("get"))).length, 100_000);
  const controller = new AbortController();
  const given = failure(a.call(pid, atom("keep"), { signal: controller.signal }));
  await until(() => kept !== null);
  controller.abort(new Error("no longer"));
  await given;
  kept!.reply("too late");
  const got = await inbox(a);
  a.send(got.pid, 1);
  assertStrictEquals(await got.next(), 1); // no late reply is anywhere
});

// cast, info, continue

nodeTest("cast: changes what the next call sees, and may end the server", async ({ node }) => {
  const server = await node.start(Suite, []);
  server.cast("cast_mistery");
  assertStrictEquals(await server.call("started_p"), OK);
  const done = ended(node, server.pid);
  server.cast("stop");
  assertStrictEquals(await done, STOPPED);
  untyped(server).cast("cast_mistery"); // nobody is there, and nobody is told
});

clusterTest("cast_fast: to a node that is not there it takes no time", async (a) => {
  const started = Array.from({ length: 1_000 }, (_, i) => i);
  for (const i of started) a.cast({ name: "hopp", node: "unknown@localhost" }, i);
  assertStrictEquals(await a.ping("unknown@localhost"), false);
});

nodeTest("continue: of init, of each kind of handler, and of itself", async ({ node }) => {
  class Continues extends Suite {
    readonly did: Term[] = [];
    override readonly calls = {
      ...({} as Suite["calls"]),
      step: (step: Term) => this.continueWith(step),
      did: () => [...this.did],
    };
    override handleCast(step: Term): void {
      this.continueWith(step);
    }
    override handleInfo(step: Term): void {
      this.continueWith(step);
    }
    override handleContinue(step: unknown): void {
      this.did.push(step as Term);
      if (step === "again") this.continueWith("once more");
    }
  }
  const server = await node.start(Continues, [pair(atom("continue"), 1)]);
  await untyped(server).call("step", 2);
  node.cast(server.pid, 3);
  server.send(4);
  server.send("again");
  assertEquals(await server.call("did"), [1, 2, 3, 4, "again", "once more"]);
});

nodeTest("continue: may stop the server", async ({ node }) => {
  const { pid, got } = linked(node);
  await until(() => node.info(pid)!.trapExit);
  const server = await node.start(Suite, [pair(atom("continue"), STOPPED)], { link: pid });
  await until(() => got.length === 1);
  assertEquals(got, [pair(atom("EXIT"), server.pid, STOPPED)]);
});

nodeTest(
  "info: any message comes to handleInfo, and a timeout after it",
  async ({ node, platform }) => {
    class Informed extends GenServer {
      readonly got: Term[] = [];
      override handleInfo(message: Term): void {
        this.got.push(message);
        if (message !== atom("timeout")) this.idleTimeout = 50;
      }
      override readonly calls = { got: () => [...this.got] };
    }
    const server = await node.start(Informed, []);
    server.send(pair(atom("hello"), 1));
    await platform.elapse(50);
    assertEquals(await server.call("got"), [pair(atom("hello"), 1), atom("timeout")]);
  },
);

// hibernate

nodeTest(
  "hibernate: by every kind of handler; each message wakes it",
  async ({ node, platform }) => {
    const server = await node.start(Suite, []);
    const asleep = (): Promise<void> =>
      until(() => node.info(server.pid)!.status === "hibernating");
    await server.call("hibernate");
    await asleep();
    assertStrictEquals(await server.call("started_p"), OK);
    await until(() => node.info(server.pid)!.status === "idle");
    server.cast("hibernate");
    await asleep();
    server.send(1);
    await until(() => node.info(server.pid)!.status === "idle");
    await server.call("hibernate_later");
    await platform.elapse(100);
    await asleep();
    await sys.suspend(node, server.pid);
    assertStrictEquals(node.info(server.pid)!.status, "suspended");
    await sys.resume(node, server.pid);
    assertStrictEquals(await server.call("started_p"), OK);
  },
);

nodeTest(
  "auto_hibernate: each time when nothing has come for so long",
  async ({ node, platform }) => {
    const server = await node.start(Suite, [], { hibernateAfter: 100 });
    const status = (): string => node.info(server.pid)!.status;
    await platform.elapse(99);
    assertStrictEquals(status(), "idle");
    await platform.elapse(1);
    assertStrictEquals(status(), "hibernating");
    for (const wake of [() => server.call("started_p"), () => server.cast("cast_mistery")]) {
      await wake();
      await until(() => status() === "idle");
      await platform.elapse(60);
      await server.call("started_p"); // counts anew from here
      await platform.elapse(60);
      assertStrictEquals(status(), "idle");
      await platform.elapse(40);
      assertStrictEquals(status(), "hibernating");
    }
    await failure(node.start(Suite, [], { hibernateAfter: -1 })).then((error) =>
      assertStrictEquals(
        String(error),
        "RangeError: Cannot start Suite with hibernateAfter -1: 0 or more milliseconds are needed",
      )
    );
    // It does not begin the idle time anew.
    class Idle extends GenServer {
      times = 0;
      override init(): void {
        this.idleTimeout = 150;
      }
      override handleTimeout(): void {
        this.times++;
      }
    }
    const idle = await node.start(Idle, [], { hibernateAfter: 100 });
    await platform.elapse(150);
    assertEquals(format(await sys.getState(node, idle.pid)), "#{times => 1}");
  },
);

// Several nodes at once

clusterTest("abcast: every server of that name gets it", async (a, b) => {
  const servers: { readonly pid: Pid }[] = [];
  for (const node of [a, b]) {
    servers.push(await node.start(Suite, [], { register: "my_test_name" }));
  }
  a.abcast([a.name, b.name], "my_test_name", atom("stop"));
  for (const [i, node] of [a, b].entries()) await until(() => !node.isAlive(servers[i].pid));
});

clusterTest("multicall and multicall_down", async (a, b) => {
  for (const node of [a, b]) await node.start(Suite, [], { register: "my_test_name" });
  const nodes = [a.name, b.name, "no_node@localhost"];
  const results = await a.multiCall(nodes, "my_test_name", atom("started_p"));
  assertEquals(results.map(({ node, ok }) => [node, ok]), nodes.map((node, i) => [node, i < 2]));
  await b.stop();
  const [, down] = await a.multiCall([a.name, b.name], "my_test_name", atom("started_p"));
  assert(!down.ok);
  assertInstanceOf(down.error, NodeDownError);
});

clusterTest("multicall_suspended: who does not answer in time is told of as such", async (a, b) => {
  for (const node of [a, b]) await node.start(Suite, [], { register: "my_test_name" });
  await sys.suspend(a, { name: "my_test_name", node: b.name });
  const [one, two] = await a.multiCall([a.name, b.name], "my_test_name", atom("started_p"), {
    timeout: 50,
  });
  assert(one.ok && !two.ok);
  assertInstanceOf(two.error, CallTimeoutError);
});

// Starting in a process that exists

clusterTest(
  "spec_init: a server that has a name of any kind is started, called and stopped",
  async (a) => {
    for (const as of ["spec", { global: "spec" }, { via: new Names(), name: "spec" }] as const) {
      const server = await a.start(Suite, [], { register: as });
      assertStrictEquals(await a.call(as, atom("started_p")), OK);
      assertEquals(await server.stop(), undefined);
    }
  },
);

nodeTest(
  "spec_init_local_registered_parent: sys names the parent by its name",
  async ({ node }) => {
    const parent = node.spawn(forever, { register: "foobar" });
    const { pid } = await node.start(Suite, [], { link: parent });
    assertEquals(node.info(pid)!.parent, parent);
    const status = await sys.getStatus(node, pid);
    assert(format(status.dictionary).includes("{'$ancestors',[foobar]}"));
  },
);

clusterTest(
  "spec_init_global_registered_parent: a parent with a global name is a parent",
  async (a) => {
    const parent = a.spawn(forever);
    await a.global.register("foobar", parent);
    const { pid } = await a.start(Suite, [], { link: parent });
    const done = new Promise((resolve) => a.monitor(pid, ({ reason }) => resolve(reason)));
    a.exit(a.global.whereis("foobar")!, BOOM);
    assertStrictEquals(await done, BOOM);
  },
);

nodeTest(
  "otp_5854: a name that was taken back is nobody's, and the server lives on",
  async ({ node }) => {
    const { pid } = await node.start(Suite, [], { register: "armitage" });
    node.unregister("armitage");
    assertInstanceOf(await failure(node.call("armitage", atom("started_p"))), NoProcessError);
    assertStrictEquals(await node.call(pid, atom("started_p")), OK);
    const other = await node.start(Suite, [], { register: "armitage" });
    await node.call(pid, atom("stop"));
    await until(() => !node.isAlive(pid));
    assertEquals(node.whereis("armitage"), other.pid);
  },
);

nodeTest("otp_7669: a start that takes too long leaves no process", async ({ node, platform }) => {
  const before = node.processes().length;
  const start = exitReason(node.start(Suite, [atom("sleep")], { timeout: 10, register: "slow" }));
  const pid = node.whereis("slow")!;
  const done = ended(node, pid);
  await platform.elapse(10);
  assertStrictEquals(await start, atom("timeout"));
  assertStrictEquals(await done, KILLED);
  assertStrictEquals(node.processes().length, before);
  assertStrictEquals(node.whereis("slow"), undefined);
});

// What is not there

nodeTest(
  "undef_handle_call, _cast, _info: the caller is told, the rest is logged, the server lives on",
  async (lone) => {
    const { node } = lone;
    class Nothing extends GenServer {}
    const { pid } = await node.start(Nothing, []);
    const reason = await exitReason(node.call(pid, atom("hello")));
    assert(format(reason).startsWith("{bad_request,"));
    node.cast(pid, atom("hello"));
    node.send(pid, atom("hello"));
    await until(() => node.info(pid)!.handled === 4);
    assertStrictEquals(node.isAlive(pid), true);
    assertStrictEquals(logs(lone).filter((line) => line.includes("Nothing")).length, 2);
  },
);

nodeTest(
  "undef_terminate1 and 2: a server without terminate ends with its reason",
  async ({ node }) => {
    class Nothing extends GenServer {}
    for (const reason of [NORMAL, atom("test")]) {
      const { pid } = await node.start(Nothing, []);
      const done = ended(node, pid);
      node._core.process(pid)!.stopInTurn(reason);
      assertStrictEquals(await done, reason);
    }
  },
);

nodeTest("undef_in_terminate: an error of terminate is the reason", async ({ node }) => {
  class Bad extends GenServer {
    override terminate(): void {
      (this as unknown as { undefined_fun(): void }).undefined_fun();
    }
  }
  const server = await node.start(Bad, []);
  const done = ended(node, server.pid);
  await failure(server.stop());
  assert(format(await done).startsWith('{{js_error,<<"TypeError">>'), format(await done));
});

nodeTest(
  "undef_in_handle_info: a function that is not there is a crash, as every error",
  async ({ node }) => {
    const { pid } = await node.start(Suite, []);
    const done = ended(node, pid);
    node.send(pid, pair(atom("call_undef_fun"), 1));
    assert(format(await done).startsWith('{{js_error,<<"TypeError">>'), format(await done));
  },
);

nodeTest(
  "crash_in_init: whoever starts it is told, and nothing of it is left",
  async ({ node }) => {
    class Bad extends GenServer {
      override init(): void {
        throw new Error("no");
      }
    }
    const error = await failure(node.start(Bad, [], { register: "bad" }));
    assertInstanceOf(error, ExitError);
    assertStrictEquals((error.cause as Error).message, "no");
    assertStrictEquals(node.whereis("bad"), undefined);
  },
);

// The state as others see it

nodeTest("call_format_status: sys shows what formatState gives", async ({ node }) => {
  class Formatted extends Suite {
    override formatState(): Term {
      return atom("formatted");
    }
  }
  const { pid } = await node.start(Formatted, []);
  assertStrictEquals(await sys.getState(node, pid), atom("formatted"));
});

nodeTest(
  "error_format_status and terminate_crash_format: a crash is logged once, with what has thrown",
  async (lone) => {
    const { node } = lone;
    class Bad extends Suite {
      override terminate(): void {
        throw new Error("crash terminate");
      }
    }
    const { pid } = await node.start(Bad, [pair(atom("state"), atom("secret"))]);
    const done = ended(node, pid);
    node.call(pid, atom("stop")).catch(() => {});
    await done;
    const lines = logs(lone).filter((line) => line.includes("crash terminate"));
    assertStrictEquals(lines.length, 1);
    assert(!lines[0].includes("secret")); // the state is for those who ask for it
  },
);

nodeTest("format_log: what a peer has sent does not break a line of the log", async (lone) => {
  class Nothing extends GenServer {}
  const { pid } = await lone.node.start(Nothing, []);
  lone.node.send(pid, "x".repeat(10_000));
  await until(() => logs(lone).length === 1);
  assert(logs(lone)[0].length < 2_000);
});

nodeTest(
  "get_state: of a server, suspended or not, and of one whose formatState fails",
  async ({ node }) => {
    const { pid } = await node.start(Suite, [pair(atom("state"), atom("there"))]);
    const shown = async (): Promise<string> => format(await sys.getState(node, pid) as Encodable);
    assert((await shown()).includes("state=>there") || (await shown()).includes("state => there"));
    await sys.suspend(node, pid);
    assert((await shown()).includes("there"));
    class Bad extends GenServer {
      override formatState(): never {
        throw new Error("no state");
      }
    }
    const bad = await node.start(Bad, []);
    await failure(sys.getState(node, bad.pid));
    assertStrictEquals(node.isAlive(bad.pid), true);
  },
);

nodeTest(
  "replace_state: by a function of this program; one that throws changes nothing",
  async ({ node }) => {
    class Replaced extends GenServer {
      #state: Term = 1;
      override formatState(): Term {
        return this.#state;
      }
      override replaceState(state: Term): void {
        this.#state = state;
      }
    }
    const { pid } = await node.start(Replaced, []);
    assertStrictEquals(await sys.replaceState(node, pid, (state) => Number(state) + 1), 2);
    assertStrictEquals(await sys.getState(node, pid), 2);
    await failure(sys.replaceState(node, pid, () => {
      throw new Error("no");
    }));
    assertStrictEquals(await sys.getState(node, pid), 2);
  },
);
