import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { atom, GenServer, later, type Pid, type ProcessInfo, tuple } from "../../../mod.ts";
import { type Gate, gate } from "../../gen/_servers.ts";
import { forever, idler, nodeTest, until } from "../_nodes.ts";

class Shown extends GenServer {
  override readonly calls = {
    hold: (held: Gate) => held.promise,
    info: () => this.info,
    link: (pid: Pid) => this.link(pid),
    monitor: (pid: Pid) => void this.monitor(pid),
    alias: () => this.alias(),
    timer: () => void this.after(1_000, () => {}),
    late: (held: Gate) => later(held.promise),
  };
  override readonly casts = { hold: (held: Gate) => held.promise };
  override handleInfo(message: unknown): unknown {
    return (message as unknown as [unknown, Gate])[1].promise;
  }
}

/** What is known of a process once it does that. */
async function when(
  node: { info(pid: Pid): ProcessInfo | undefined },
  pid: Pid,
  status: string,
): Promise<ProcessInfo> {
  let info!: ProcessInfo;
  await until(() => (info = node.info(pid)!).status === status);
  return info;
}

nodeTest("a process tells what it is and what it has", async ({ node, platform }) => {
  const parent = idler(node);
  const { pid, ...shown } = await node.start(Shown, [], {
    register: "shown",
    link: parent,
    env: { a: 1 },
    mailbox: { max: 7 },
  });
  void shown;
  const server = { pid };
  const other = idler(node);
  const call = (name: string, ...args: unknown[]): Promise<unknown> =>
    node._core.call(node._core.main, server.pid, { name, args }, {});
  await call("link", other);
  await call("monitor", other);
  const alias = await call("alias");
  await call("timer");
  const watcher = node.spawn(async (self) => {
    self.monitor(pid);
    await forever(self);
  });
  await when(node, watcher, "idle");
  await platform.elapse(500);
  const info = node.info(pid)!;
  assertEquals(info, {
    pid,
    name: "shown",
    class: "Shown",
    status: "idle",
    current: null,
    mailbox: { waiting: 0, max: 7, dropped: 0, handedOver: 0 },
    handled: 5,
    uptime: 500,
    parent,
    groupLeader: info.groupLeader,
    spawner: null,
    trapExit: false,
    links: [parent, other],
    monitors: [other],
    monitoredBy: [watcher],
    aliases: [alias as never],
    timers: 1,
    env: ["a"],
  });
  assertEquals(node.info("shown"), info);
});

nodeTest("a process of its own tells the same", async ({ node }) => {
  const server = await node.start(Shown, []);
  const info = await server.call("info");
  assertStrictEquals(info.status, "running");
  assertEquals(info.current, { kind: "call", name: "info", caller: node.pid });
  const spawned = node.spawn(function worker(self) {
    return forever(self);
  });
  assertStrictEquals(node.info(spawned)!.class, "worker");
  assertStrictEquals(node.info(node.spawn(() => {}))!.class, "function");
});

for (const copyMessages of [false, true]) {
  nodeTest(
    `what is handled now is told${copyMessages ? ", also as another node sends it" : ""}`,
    async ({ node }) => {
      class Slow extends GenServer {
        readonly gate = gate();
        override init(): unknown {
          return this.gate.promise;
        }
        override readonly calls = { wait: () => this.gate.promise };
        override readonly casts = { wait: () => this.gate.promise };
        override handleInfo(): unknown {
          return this.gate.promise;
        }
        override terminate(): unknown {
          return this.gate.promise;
        }
      }
      const servers: Slow[] = [];
      class Kept extends Slow {
        constructor() {
          super();
          servers.push(this);
        }
      }
      const starting = node.start(Kept, []);
      const [server] = servers;
      const open = (): void => {
        const { gate: last } = server;
        Object.assign(server, { gate: gate() });
        last.open();
      };
      assertEquals((await when(node, server.pid, "waiting")).current, {
        kind: "turn",
        name: null,
        caller: null,
      });
      open();
      const { pid } = await starting;
      await when(node, pid, "idle");
      const call = node.call(pid, atom("wait"));
      assertEquals((await when(node, pid, "waiting")).current, {
        kind: "call",
        name: "wait",
        caller: node.pid,
      });
      open();
      await call;
      await when(node, pid, "idle");
      node.cast(pid, atom("wait"));
      assertEquals((await when(node, pid, "waiting")).current, {
        kind: "cast",
        name: "wait",
        caller: null,
      });
      open();
      await when(node, pid, "idle");
      node.send(pid, tuple(atom("tick"), 1) as never);
      assertEquals((await when(node, pid, "waiting")).current, {
        kind: "message",
        name: "tick",
        caller: null,
      });
      node._core.process(pid)!.stop(atom("normal"));
      open();
      await when(node, pid, "terminating");
      open();
    },
    { copyMessages },
  );
}

nodeTest("a process that has ended is none", async ({ node, platform }) => {
  const pid = node.spawn(() => {});
  await platform.settle();
  assertStrictEquals(node.info(pid), undefined);
  assertStrictEquals(node.info("nobody"), undefined);
});

nodeTest("a suspended process is told to be one", async ({ node }) => {
  const { pid } = await node.start(Shown, []);
  await node._core.systemCall(node._core.main, pid, atom("suspend"), {});
  assertStrictEquals(node.info(pid)!.status, "suspended");
});

nodeTest("a node tells of all that is on it", async ({ node, platform }) => {
  await node.start(Shown, [], { register: "shown" });
  const pid = node.spawn(forever);
  await platform.elapse(100);
  node.send(pid, 1);
  const { creation, ...info } = node.info();
  assert(creation > 3);
  assertEquals(info, {
    name: "lone@localhost",
    uptime: 100,
    processes: 3,
    busy: 1,
    names: 1,
    aliases: 0,
    waiting: 1,
    dropped: 0,
    refusedCasts: 0,
  });
});
