/** What our event managers do besides what gen_event does: references, mistakes, supervision. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  atom,
  child,
  EventHandler,
  EventManager,
  ExitError,
  GenServer,
  NoProcessError,
  supervisor,
  sys,
  type Term,
} from "../../../mod.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { ended, KILL, nodeTest } from "../../node/_nodes.ts";
import { failure, gate } from "../_servers.ts";

class Counter extends EventHandler {
  #count = 0;
  override handleEvent(_event: Term): void {
    this.#count++;
  }
  override readonly calls = { get: () => this.#count };
}

nodeTest("who adds a handler while the manager ends is told", async ({ node }) => {
  const door = gate();
  class Slow extends Counter {
    override async init(): Promise<void> {
      await door.promise;
    }
  }
  const manager = await node.start(EventManager, []);
  const running = failure(manager.addHandler(Slow, []));
  const waiting = failure(manager.addHandler(Counter, []));
  await Promise.resolve();
  node.exit(manager.pid, KILL);
  for (const error of await Promise.all([running, waiting])) assert(error instanceof ExitError);
  assert(await failure(manager.addHandler(Counter, [])) instanceof NoProcessError);
  door.open();
});

nodeTest("a suspended manager keeps what it is to do", async ({ node }) => {
  const manager = await node.start(EventManager, []);
  await sys.suspend(node, manager);
  const added = manager.addHandler(Counter, []);
  manager.notify(1);
  assertEquals(String(await sys.getState(node, manager)), "");
  await sys.resume(node, manager);
  await added;
  assertEquals(await manager.call(Counter, "get"), 1);
  await manager.stop();
});

nodeTest("mistakes say what is needed", async ({ node }) => {
  class Server extends GenServer {}
  const manager = await node.start(EventManager, []);
  const server = await node.start(Server, []);
  const wrong: [() => Promise<unknown>, string][] = [
    [() => manager.addHandler(Server as never, []), "no class that extends EventHandler"],
    [
      () => manager.addHandler(undefined as never, []),
      "its class, or { handler: class, id } is needed",
    ],
    [
      () => manager.addHandler("counter", []),
      "Cannot add handler counter: the table of handlers has none",
    ],
    [() => manager.addHandler(Counter, 5 as never), "is needed as an array, [] for nothing"],
    [() => node.ref(EventManager, server.pid).addHandler(Counter, []), "is no event manager"],
    [() => manager.addSupHandler(Counter, []), "use ref.as(this)"],
  ];
  for (const [fn, words] of wrong) await assertRejects(fn, TypeError, words);
  assertThrows(() => new Counter().pid, Error, "Cannot use an event handler that no manager has");
  assertThrows(() => node.ref(EventManager, "name").pid, TypeError, "known by its name only");
  assertEquals(await manager.whichHandlers(), []);
  await manager.stop();
});

nodeTest(
  "a supervised manager comes again without its handlers, or with those of its init",
  async ({ node }) => {
    class Beginning extends EventManager {
      override async init(): Promise<void> {
        await this.add(Counter, []);
      }
    }
    const tree = await node.start(
      supervisor({
        intensity: 2,
        children: [
          child(EventManager, [], { id: "plain", register: "plain" }),
          child(Beginning, [], { id: "own", register: "own" }),
        ],
      }),
      [],
    );
    const [plain, own] = [node.ref(EventManager, "plain"), node.ref(EventManager, "own")];
    await plain.addHandler(Counter, []);
    own.notify(1);
    assertEquals(await own.call(Counter, "get"), 1);
    for (const name of ["plain", "own"]) {
      const pid = node.whereis(name)!;
      const gone = ended(node, pid);
      node.exit(pid, atom("kill"));
      await gone;
    }
    await tree.whichChildren(); // when they have been started again
    assertEquals(await plain.whichHandlers(), []);
    assertEquals(await own.call(Counter, "get"), 0);
    await tree.stop();
  },
);

clusterTest("other nodes add handlers, but not any number of them", async (a, b) => {
  class Silent extends EventHandler {
    override handleEvent(): void {}
  }
  class Open extends EventManager {
    override readonly handlers = { silent: Silent };
  }
  const manager = await b.start(Open, [], { register: "events" });
  const there = a.ref(EventManager, { name: "events", node: b.name });
  for (let i = 0; i < 1_000; i++) await there.addHandler({ handler: "silent", id: i }, [null]);
  for (const id of [1_000, 0]) {
    const refused = await assertRejects(() => there.addHandler({ handler: "silent", id }, [null]));
    assertStringIncludes(String(refused), "system_limit");
    await assertRejects(() =>
      there.swapHandler("silent", null, { handler: "silent", id: 7 }, [null])
    );
  }
  assertEquals((await manager.whichHandlers()).length, 1_000);
  await manager.addHandler({ handler: Silent, id: 1_000 }, []); // a program of the node itself
  await there.deleteHandler({ handler: "silent", id: 1_000 });
  await there.deleteHandler({ handler: "silent", id: 0 });
  await there.addHandler({ handler: "silent", id: 0 }, [null]);
});
