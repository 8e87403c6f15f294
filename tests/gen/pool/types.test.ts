// What the references of Pool, Registry, Task, Agent and Events know of their types. Nothing of it runs.
import { test } from "node:test";
import {
  Agent,
  type AgentRef,
  atom,
  event,
  type EventItem,
  Events,
  GenServer,
  later,
  type Node,
  on,
  Pool,
  pool,
  type PoolRef,
  type PoolSpec,
  type Publisher,
  Registry,
  type RegistryEntry,
  type RegistryRef,
  t,
  Task,
  TaskSupervisor,
  type TaskSupervisorRef,
  type Tuple,
  tuple,
} from "../../../mod.ts";
import { sameType } from "../../etf/schema/_support.ts";

/** The compiler looks at it, and that is all. */
function compiledOnly(_body: (node: Node) => unknown): void {}

class Worker extends GenServer {
  override init(_size: number, _name?: string): void {}
  override readonly calls = {
    count: on(t.text, (text) => text.length),
    later: () => later(Promise.resolve("x")),
  };
  override readonly casts = { forget: on(t.integer, () => {}) };
}

test("a pool has the calls and casts of its workers", () => {
  compiledOnly(async (node) => {
    const Workers = pool(Worker, [1, "x"], { size: 2 });
    const ref = await node.start(Workers, []);
    sameType<typeof ref, PoolRef<Worker>>(true);
    const named = node.ref(Workers, "workers");
    sameType<typeof named, PoolRef<Worker>>(true);
    const count = await ref.call("count", "x");
    sameType<typeof count, number>(true);
    const text = await ref.with({ timeout: 1 }).call("later");
    sameType<typeof text, string>(true);
    ref.cast("forget", 1);
    // @ts-expect-error: there is no such call
    ref.call("cont", "x");
    // @ts-expect-error: a text is needed
    ref.call("count", 1);
    // @ts-expect-error: that is a call
    ref.cast("count", "x");
    // @ts-expect-error: the workers take a number
    pool(Worker, ["x"]);
    // @ts-expect-error: there is no such option
    pool(Worker, [1], { sise: 2 });
    // @ts-expect-error: nor such a strategy
    pool(Worker, [1], { strategy: "best" });
    // @ts-expect-error: it takes nothing
    node.start(Workers, [1]);
    class Sized extends Pool<Worker> {
      override init(size: number): PoolSpec<Worker> {
        return { worker: Worker, args: [1], size };
      }
    }
    const sized = await node.start(Sized, [3]);
    sameType<typeof sized, PoolRef<Worker>>(true);
    // @ts-expect-error: a size is needed
    node.start(Sized, []);
  });
});

test("a registry has the type of its values", () => {
  compiledOnly(async (node) => {
    const rooms = await node.start(Registry<{ open: boolean }>, [{ keys: "unique" }]);
    sameType<typeof rooms, RegistryRef<{ open: boolean }>>(true);
    const entry = rooms.get("lobby");
    sameType<typeof entry, RegistryEntry<{ open: boolean }> | undefined>(true);
    const names = rooms.select(({ key, value }) => value.open ? String(key) : undefined);
    sameType<typeof names, string[]>(true);
    node.spawn((self) => {
      rooms.register(self, "lobby", { open: true });
      // @ts-expect-error: a value is needed
      rooms.register(self, "lobby");
      // @ts-expect-error: another one
      rooms.register(self, "lobby", { opn: true });
      // @ts-expect-error: a process registers itself
      rooms.register(self.pid, "lobby", { open: true });
    });
    node.start(Worker, [1], { register: rooms.via("w", { open: false }) });
    node.send({ via: rooms, name: ["w", 1] }, 1);
    // @ts-expect-error: unique or duplicate
    node.start(Registry<number>, [{ keys: "both" }]);
  });
});

test("a task has the type of its value", () => {
  compiledOnly(async (node) => {
    const task = Task.async(
      node,
      async ({ signal }) => [await Promise.resolve(1), signal] as const,
    );
    sameType<typeof task, Task<readonly [number, AbortSignal]>>(true);
    const outcome = await task.yield();
    if (outcome?.ok) sameType<typeof outcome.value, readonly [number, AbortSignal]>(true);
    for await (const item of Task.asyncStream(node, ["a", "b"], (text) => text.length)) {
      sameType<typeof item.input, string>(true);
      if (item.ok) sameType<typeof item.value, number>(true);
      // @ts-expect-error: it may have failed
      item.value;
    }
    const tasks = await node.start(TaskSupervisor, []);
    sameType<typeof tasks, TaskSupervisorRef<TaskSupervisor>>(true);
    const nolink = tasks.asyncNolink(node, () => "x");
    sameType<typeof nolink, Task<string>>(true);
    // @ts-expect-error: an owner is needed
    Task.async(() => 1);
  });
});

test("an agent has the type of its state", () => {
  compiledOnly(async (node) => {
    const agent = await node.start(Agent<number>, [() => 1]);
    sameType<typeof agent, AgentRef<number>>(true);
    const text = await agent.get((n) => n.toFixed());
    sameType<typeof text, string>(true);
    const reply = await agent.getAndUpdate((n) => [String(n), n + 1]);
    sameType<typeof reply, string>(true);
    // @ts-expect-error: the state is a number
    agent.update((n) => `${n}`);
    // @ts-expect-error: and so is the first one
    node.start(Agent<number>, [() => "x"]);
  });
});

test("an event has the type of its values, for both sides", () => {
  compiledOnly(async (node) => {
    const prices = event("prices", t.tuple(t.text, t.integer));
    const events = await node.start(Events, []);
    const publisher = events.registerEvent(node, prices);
    sameType<typeof publisher, Publisher<typeof prices.schema>>(true);
    publisher.publish(tuple("x", 1));
    // @ts-expect-error: a text is needed
    publisher.publish(tuple(1, 1));
    for await (const item of events.streamEvent(prices)) {
      sameType<typeof item, EventItem<Tuple<[string, number]>>>(true);
    }
    node.spawn((self) => {
      events.linkEvent(self, prices, (item) => {
        sameType<typeof item.type, "event" | "dropped" | "invalid">(true);
      });
      // @ts-expect-error: it is subscribed to by what describes it
      events.monitorEvent(self, atom("prices"), () => {});
    });
    // @ts-expect-error: a schema is needed
    event("prices", Number);
  });
});
