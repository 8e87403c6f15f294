// More cases of OTP's gen_server_SUITE, see the table in gen_server_suite.test.ts: casts and all that is no call, and a server's state.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  CallTimeoutError,
  type Encodable,
  ExitError,
  format,
  GenServer,
  NodeDownError,
  NoProcessError,
  type Pid,
  sys,
  type Term,
} from "../../../mod.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { BOOM, ended, forever, KILLED, nodeTest, NORMAL, until } from "../../node/_nodes.ts";
import { exitReason, failure, logs, pair, untyped } from "../_servers.ts";
import { linked, Names, OK, STOPPED, Suite } from "./_suite.ts";

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
