// Who calls a server, as the server sees it and as it is told to.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { atom, GenServer, NoProcessError, type Pid, Ref, type ServerRef } from "../../../mod.ts";
import { BOOM, nodeTest, spawned } from "../../node/_nodes.ts";
import { bothWays, Counter, failure } from "../_servers.ts";

bothWays("a handler sees who has called, while it runs", async ({ node, platform }) => {
  const seen: (Pid | null)[] = [];
  let server!: Seer;
  class Seer extends GenServer {
    override init(): void {
      server = this;
    }
    override readonly calls = {
      see: async () => {
        seen.push(this.caller);
        await Promise.resolve();
        seen.push(this.caller);
      },
    };
    override handleInfo(): void {
      seen.push(this.caller);
    }
  }
  const seer = await node.start(Seer, []);
  await seer.call("see");
  const { value: asked, pid } = await spawned(node, (self) => seer.as(self).call("see"));
  await asked;
  const { value: asked2, pid: pid2 } = await spawned(node, (self) => self.call(seer, atom("see")));
  await asked2;
  seer.send(1);
  await seer.call("see");
  assertEquals(seen.map((who) => who?.key), [
    node.pid.key,
    node.pid.key,
    pid.key,
    pid.key,
    pid2.key,
    pid2.key,
    undefined,
    node.pid.key,
    node.pid.key,
  ]);
  await platform.settle();
  assertStrictEquals(server.caller, null);
});

bothWays("a process that calls itself is told at once", async ({ node }) => {
  const told = async (call: Promise<unknown>): Promise<string> =>
    ((await failure(call)) as Error).message;
  class Selfish extends GenServer {
    override readonly calls = {
      byPid: () => told(this.call(this.pid, atom("get"))),
      byName: () => told(this.call("selfish", atom("get"))),
      byRef: (): Promise<string> => told(own.as(this).call("get")),
      stop: (): Promise<string> => told(own.as(this).stop()),
      get: () => 1,
    };
  }
  const own: ServerRef<Selfish> = await node.start(Selfish, [], { register: "selfish" });
  for (const name of ["byPid", "byName", "byRef"] as const) {
    const message = String(await own.call(name));
    assert(message.endsWith("a process that calls itself would wait for ever"), message);
  }
  assert(String(await own.call("stop")).endsWith("call this.stop() in it"));
  assertStrictEquals(await own.call("get"), 1);
});

bothWays("a call of a process that has ended says that there is none", async ({ node }) => {
  const counter = await node.start(Counter, []);
  node.exit(counter.pid, BOOM);
  const error = await failure(counter.call("get"));
  assertInstanceOf(error, NoProcessError);
  assertStrictEquals(error.reason, atom("noproc"));
  assert(error.message.startsWith("Cannot reach process "), error.message);
  assertInstanceOf(await failure(counter.stop()), NoProcessError);
  assertStrictEquals(node._core.aliasCount, 0);
});

bothWays(
  "a call of a name that nobody has says so, and what an Elixir module is called",
  async ({ node }) => {
    let error = await failure(node.call("counter", atom("get")));
    assertInstanceOf(error, NoProcessError);
    assertStrictEquals(error.message, "Cannot reach counter: no such process");
    assertStrictEquals(error.target, "counter");
    for (const target of ["Users", "My.App.Users"]) {
      error = await failure(node.call(target, atom("get")));
      assertInstanceOf(error, NoProcessError);
      assertStrictEquals(
        error.message,
        `Cannot reach ${target}: no such process; an Elixir module is registered as Elixir.${target}`,
      );
    }
    error = await failure(node.call("Elixir.Users", atom("get")));
    assertStrictEquals((error as Error).message, "Cannot reach Elixir.Users: no such process");
  },
);

nodeTest("an alias can be sent to, and not be called or monitored", async ({ node }) => {
  const { value: alias } = await spawned(node, (self) => self.alias());
  assertInstanceOf(alias, Ref);
  assertThrows(() => node.monitor(alias, () => {}), TypeError, "by its pid or name");
  const error = await failure(node.call(alias, atom("get")));
  assertInstanceOf(error, TypeError);
  assert(error.message.startsWith("Cannot call an alias: "), error.message);
});
