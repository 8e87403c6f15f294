// Cases of OTP's gen_server_SUITE, see the table in gen_server_suite.test.ts: all messages that are no call, to one server and to those of several nodes, and hibernation.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  CallTimeoutError,
  format,
  GenServer,
  NodeDownError,
  type Pid,
  sys,
  type Term,
} from "../../../mod.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { ended, nodeTest, until } from "../../node/_nodes.ts";
import { failure, pair, untyped } from "../_servers.ts";
import { linked, OK, STOPPED, Suite } from "./_suite.ts";

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
