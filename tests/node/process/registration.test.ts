// Names that other than the node gives: global ones, and those of registries.
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  atom,
  type Encodable,
  ExitError,
  format,
  GenServer,
  NameError,
  NoProcessError,
  on,
  type Pid,
  sys,
  t,
  type Term,
  termKey,
  tuple,
  type ViaRegistry,
} from "../../../mod.ts";
import type { GlobalNames } from "../../../lib/node/global_names.ts";
import { ended, KILL, nodeTest, NOPROC } from "../_nodes.ts";
import { gate, pair } from "../../gen/_servers.ts";

/** Names in a map, given at once or when a test lets them be. */
class Rooms implements ViaRegistry {
  readonly pids: Map<unknown, Pid> = new Map();
  readonly asked: string[] = [];
  until: Promise<void> | null = null;
  onAsk: () => void = () => {};
  whereisName(name: Encodable): Pid | undefined {
    return this.pids.get(termKey(name));
  }
  registerName(name: Encodable, pid: Pid): boolean | Promise<boolean> {
    this.asked.push("register");
    this.onAsk();
    const register = (): boolean => {
      if (this.pids.has(termKey(name))) return false;
      this.pids.set(termKey(name), pid);
      return true;
    };
    return this.until === null ? register() : this.until.then(register);
  }
  unregisterName(name: Encodable): void {
    this.asked.push("unregister");
    this.pids.delete(termKey(name));
  }
}

class Room extends GenServer {
  readonly log: Term[] = [];
  override init(log: string[] = [], how: () => unknown = () => {}): unknown {
    log.push("init");
    return how();
  }
  override readonly calls = { echo: on(t.term, (term) => term), log: () => [...this.log] };
  override readonly casts = { note: on(t.term, (term) => void this.log.push(term)) };
  override handleInfo(message: Term): void {
    this.log.push(message);
  }
}

/** A registry in the place of the cluster's names. */
function globalOf(rooms: Rooms): GlobalNames {
  const key = (name: Encodable): Encodable => typeof name === "string" ? atom(name) : name;
  const names: Partial<GlobalNames> = {
    whereis: (name) => rooms.whereisName(key(name)),
    register: async (name, pid) => await rooms.registerName(key(name), pid),
  };
  return names as GlobalNames;
}

nodeTest(
  "a server is called, cast to, sent to and watched by a name of a registry",
  async ({ node }) => {
    const via = new Rooms();
    const name = pair(atom("room"), 7);
    const room = await node.start(Room, [], { register: { via, name } });
    const target = { via, name };
    assertStrictEquals(await node.call(target, pair(atom("echo"), 5)), 5);
    node.cast(target, pair(atom("note"), 1));
    node.send(target, 2);
    assertEquals(await room.call("log"), [1, 2]);
    const down = ended(node, target as never);
    assert(
      format((await sys.getStatus(node, target)).misc).includes(
        '{header,{"Status for generic server",{room,7}}}',
      ),
    );
    await room.stop();
    assertStrictEquals(await down, atom("normal"));
    assertEquals(via.asked, ["register", "unregister"]);
  },
);

nodeTest(
  "a name that nobody has ends calls, fires monitors, and drops the rest",
  async ({ node }) => {
    const targets = [{ via: new Rooms(), name: 1 }, { global: "nobody" }, tuple(atom("global"), 5)];
    for (const target of targets) {
      const error = await assertRejects(
        () => node.call(target as never, atom("get")),
        NoProcessError,
        "Cannot reach",
      );
      assertStrictEquals(error.reason, NOPROC);
      await assertRejects(() => sys.getState(node, target as never), NoProcessError);
      assertStrictEquals(await ended(node, target as never), NOPROC);
      node.send(target as never, 1);
      node.cast(target as never, 1);
    }
    const failed = await ended(
      node,
      node.spawn(async (self) => {
        await self.call({ global: "nobody" }, 1);
      }),
    );
    assertEquals(format(failed), "{noproc,{gen_server,call,[{global,nobody},1]}}");
  },
);

nodeTest("a server is reached by its global name", async ({ node }) => {
  const rooms = new Rooms();
  node._core.global = globalOf(rooms);
  const room = await node.start(Room, [], { register: { global: "leader" } });
  for (const target of [{ global: "leader" }, tuple(atom("global"), atom("leader")) as never]) {
    assertStrictEquals(await node.call(target, pair(atom("echo"), 5)), 5);
  }
  assert(
    format((await sys.getStatus(node, room)).misc).includes('"Status for generic server leader"'),
  );
  assertEquals(node.registered(), []);
});

nodeTest("init waits until the name is given", async ({ node }) => {
  const via = new Rooms();
  const { promise, open } = gate();
  via.until = promise;
  const asked = gate();
  via.onAsk = asked.open;
  const log: string[] = [];
  const started = node.start(Room, [log], { register: { via, name: 1 } });
  await asked.promise;
  assertEquals(log, []);
  open();
  const room = await started;
  assertEquals([log, via.asked], [["init"], ["register"]]);
  assert(via.whereisName(1)!.equals(room.pid));
});

for (const way of ["at once", "later"]) {
  nodeTest(
    `a name that is taken is refused ${way}, with who has it, and harms no link`,
    async ({ node }) => {
      const via = new Rooms();
      if (way === "later") via.until = Promise.resolve();
      node._core.global = globalOf(via);
      const parent = await node.start(Room, []);
      const first = await node.start(Room, [], { register: { via, name: 1 } });
      const second = await node.start(Room, [], { register: { global: "two" } });
      const ways = [
        [{ via, name: 1 }, first, "as 1 in that registry"],
        [{ global: "two" }, second, "as two in global"],
      ] as const;
      const before = node.processes().length;
      for (const [register, { pid }, words] of ways) {
        const log: string[] = [];
        const error = await assertRejects(
          () => node.start(Room, [log], { register, link: parent.pid }),
          NameError,
          `${words}: ${format(pid)} has it`,
        );
        assert(error.pid?.equals(pid));
        assertEquals(log, []);
      }
      assertEquals(node.processes().length, before);
      assert(node.isAlive(parent.pid));
      const local = await node.start(Room, [], { register: "here" });
      const error = await assertRejects(
        () => node.start(Room, [], { register: "here" }),
        NameError,
        `taken, by ${format(local.pid)}`,
      );
      assert(error.pid?.equals(local.pid));
    },
  );
}

nodeTest(
  "a server that fails to start, or ends while it is registered, keeps no name",
  async ({ node }) => {
    const via = new Rooms();
    const fail = (): never => {
      throw new Error("no");
    };
    await assertRejects(
      () => node.start(Room, [[], fail], { register: { via, name: 1 } }),
      ExitError,
    );
    assertStrictEquals(via.pids.size, 0);
    const { promise, open } = gate();
    via.until = promise;
    let pid: Pid | null = null;
    const started = node.start(Room, [], { register: { via, name: 2 } });
    pid = node.processes().at(-1)!;
    const down = ended(node, pid);
    node.exit(pid, KILL);
    await down;
    await assertRejects(() => started, ExitError, "killed");
    open();
    await promise;
    await new Promise((resolve) => resolve(null));
    assertStrictEquals(via.pids.size, 0);
  },
);

nodeTest("a name that another process has by now is left to it", async ({ node }) => {
  const via = new Rooms();
  const room = await node.start(Room, [], { register: { via, name: 1 } });
  const other = await node.start(Room, []);
  via.pids.set(termKey(1), other.pid);
  await room.stop();
  assert(via.whereisName(1)?.equals(other.pid));
});

nodeTest("what a registry throws is the start's error", async ({ node }) => {
  class Broken extends Rooms {
    override registerName(): boolean {
      throw new RangeError("out of order");
    }
  }
  await assertRejects(
    () => node.start(Room, [], { register: { via: new Broken(), name: 1 } }),
    RangeError,
    "out of order",
  );
});

nodeTest("what is no name is refused with what is needed", async ({ node }) => {
  const names: unknown[] = [5, null, true, {}, [], atom("pdf"), { global: undefined }, {
    name: "x",
  }, () => {}];
  for (const register of names) {
    await assertRejects(
      () => node.start(Room, [], { register: register as never }),
      TypeError,
      "is no name, a string, { global: name } or { via: registry, name } is needed",
    );
  }
  const finder = { whereisName: () => undefined };
  for (const via of [{}, finder, { ...finder, registerName: () => true }]) {
    await assertRejects(
      () => node.start(Room, [], { register: { via: via as never, name: 1 } }),
      TypeError,
      "Cannot use a registry",
    );
  }
  for (const register of [5, null, { global: "x" }]) {
    assertThrows(
      () => node.spawn(() => {}, { register: register as never }),
      TypeError,
      "a string is needed",
    );
  }
  await assertRejects(
    () => node.start(Room, [], { register: { global: "x" } }),
    Error,
    "has not started yet",
  );
  assertEquals(node.processes().length, 1);
});
