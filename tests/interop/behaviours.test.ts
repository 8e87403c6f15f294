/** Pool, Registry, Agent, Events and Task beside Elixir: what it does with ours, and that ours mean what its own do. */
import { after, test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  Agent,
  type AgentRef,
  atom,
  event,
  Events,
  type EventsRef,
  exit,
  format,
  GenServer,
  later,
  NameError,
  type Node,
  on,
  type Pid,
  pool,
  type PoolRef,
  Registry,
  type Self,
  startNode,
  t,
  Task,
  type Term,
  tuple,
} from "../../mod.ts";
import { startElixir } from "../_support/elixir.ts";
import { type ErlangNode, freePort, poll } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl", "elixir");
const opened = openNow();
const prices = event("prices", t.integer);

/** A worker that waits for what never comes, and dies when it is told to. */
class Worker extends GenServer {
  override readonly calls = {
    pid: () => this.pid,
    add: on(t.integer, t.integer, (a, b) => a + b),
    hang: () => later(new Promise(() => {})),
    block: () => new Promise(() => {}),
    exit: on(t.term, (reason) => exit(reason as Exclude<Term, string>)),
  };
}

interface Sides {
  readonly node: Node;
  readonly elixir: ErlangNode;
  readonly workers: PoolRef<Worker>;
  readonly events: EventsRef;
  readonly counter: AgentRef<number>;
}

let sides: Sides | null = null;

async function start(): Promise<Sides> {
  if (sides !== null) return sides;
  const epmdPort = await freePort();
  const node = await startNode("ours@localhost", { cookie: COOKIE, epmd: { port: epmdPort } });
  const options = { size: 2, maxPerWorker: 1, maxWaiting: 2, intensity: 100 };
  const workers = await node.start(pool(Worker, [], options), [], { register: "workers" });
  const events = await node.start(Events, [], { register: "events" });
  const counter = await node.start(Agent<number>, [() => 0], { register: "counter" });
  node.provide("Elixir.Counter", {
    value: (n: Term) => n,
    add: on(t.integer, t.integer, (n, m) => n + m),
    take: (n: Term) => tuple(n, 0) as Term,
  });
  const elixir = await startElixir({ name: "theirs@localhost", cookie: COOKIE, epmdPort });
  await elixir.eval(`
    defmodule Ask do
      def call(name, request), do: GenServer.call({name, :ours@localhost}, request)
      def reason(fun) do
        try do
          {:returned, fun.()}
        catch
          :exit, {reason, _} -> reason
        end
      end
      def next do
        receive do
          message -> message
        after
          50_000 -> :nothing
        end
      end
    end`);
  return sides = { node, elixir, workers, events, counter };
}

after(async () => {
  await sides?.elixir.kill();
  await sides?.node.stop();
});

function check(title: string, fn: (sides: Sides) => Promise<void>): void {
  test(title, { skip }, async () => await fn(await start()));
}

check("Elixir calls a pool, whose workers answer", async ({ elixir, workers }) => {
  const pids = await elixir.eval("for _ <- 1..4, do: Ask.call(:workers, :pid)");
  assertEquals(new Set(pids.match(/#PID<[^>]*>/g)).size, 2);
  assertEquals(await elixir.eval("Ask.call(:workers, {:add, 1, 2})"), "3");
  const sums = await elixir.eval(`
    1..50
    |> Task.async_stream(fn n -> Ask.call(:workers, {:add, n, n}) end, max_concurrency: 4)
    |> Enum.map(fn {:ok, sum} -> sum end) |> Enum.sum()`);
  assertEquals(sums, "2550");
  assertEquals(workers.stats().waiting, 0);
});

check(
  "a worker's end is told to its callers in Elixir at once",
  async ({ elixir, workers, node }) => {
    const exited = await elixir.eval("Ask.reason(fn -> Ask.call(:workers, {:exit, :boom}) end)");
    assertEquals(exited, ":boom");
    const hanging = elixir.eval(`Ask.reason(fn ->
    GenServer.call({:workers, :ours@localhost}, :block, :infinity)
  end)`);
    const busy = (): Pid | undefined => workers.stats().workers.find(({ load }) => load > 0)?.pid;
    await poll(() => busy() !== undefined);
    node.exit(busy()!, atom("killed_by_test"));
    assertEquals(await hanging, ":killed_by_test");
    assertEquals(await elixir.eval("Ask.call(:workers, {:add, 1, 2})"), "3");
  },
);

check("a pool that is full refuses callers of Elixir", async ({ elixir, workers, node }) => {
  const blocked = elixir.eval(`
    for _ <- 1..4 do
      Task.async(fn -> Ask.reason(fn -> GenServer.call({:workers, :ours@localhost}, :hang, :infinity) end) end)
    end |> Task.await_many(:infinity)`);
  await poll(() => workers.stats().waiting === 2);
  const refused = await elixir.eval("Ask.reason(fn -> Ask.call(:workers, :pid) end)");
  assertStringIncludes(refused, "{:system_limit,");
  assertStringIncludes(refused, "2 wait already, which is the limit (maxWaiting)");
  for (const pid of workers.workers()) node.exit(pid, atom("enough"));
  await poll(() => workers.stats().waiting === 0 && workers.workers().length === 2);
  for (const pid of workers.workers()) node.exit(pid, atom("enough"));
  assertEquals(await blocked, "[:enough, :enough, :enough, :enough]");
});

check("a process of Elixir subscribes to an event", async ({ elixir, events, node }) => {
  const publisher = events.registerEvent(node, prices, { buffer: 2 });
  for (const n of [1, 2, 3]) publisher.publish(n);
  const got = elixir.eval(`
    {:ok, ref} = Ask.call(:events, {:subscribe, :prices})
    got = for _ <- 1..4 do
      {:event, ^ref, :prices, value} = Ask.next()
      value
    end
    {:event_down, ^ref, :prices, reason} = Ask.next()
    {got, reason, Ask.call(:events, {:unsubscribe, ref}), Ask.call(:events, {:subscribe, :prices})}`);
  await poll(() => publisher.subscribers === 1);
  publisher.publish(4);
  publisher.publish(5);
  publisher.close(atom("closed"));
  assertEquals(await got, "{[2, 3, 4, 5], :closed, :ok, {:error, :no_event}}");
});

check(
  "a subscriber in Elixir that ends, or unsubscribes, is forgotten",
  async ({ elixir, events, node }) => {
    const publisher = events.registerEvent(node, prices);
    await elixir.eval(`
    {:ok, ref} = Ask.call(:events, {:subscribe, :prices})
    {:ok, _} = Ask.call(:events, {:subscribe, :prices})
    Ask.call(:events, {:unsubscribe, ref})`); // and the process ends
    await poll(() => publisher.subscribers === 0);
    publisher.close();
  },
);

check("Elixir's Agent with an agent of ours", async ({ elixir, counter }) => {
  const agent = "{:counter, :ours@localhost}";
  assertEquals(await elixir.eval(`Agent.update(${agent}, Counter, :add, [5])`), ":ok");
  assertEquals(await elixir.eval(`Agent.get(${agent}, Counter, :value, [])`), "5");
  assertEquals(await elixir.eval(`Agent.get(${agent}, &Counter.value/1)`), "5");
  assertEquals(await elixir.eval(`Agent.get_and_update(${agent}, Counter, :take, [])`), "5");
  assertEquals(await elixir.eval(`Agent.cast(${agent}, Counter, :add, [7])`), ":ok");
  assertEquals(await elixir.eval(`Agent.get(${agent}, Counter, :value, [])`), "7");
  const refused = await elixir.eval(`Ask.reason(fn -> Agent.get(${agent}, fn n -> n end) end)`);
  assertStringIncludes(refused, '{:badfun, "Cannot run a fun');
  const nothing = await elixir.eval(
    `Ask.reason(fn -> Agent.get(${agent}, Counter, :nothing, []) end)`,
  );
  assertStringIncludes(nothing, "{:undef, [{Counter, :nothing, 1, []}]}");
  assertEquals(await elixir.eval(`:sys.get_state(${agent})`), "7");
  assertEquals(await counter.get((n) => n), 7);
});

check("a process of Elixir by a name of our registry", async ({ elixir, node }) => {
  const names = await node.start(Registry<unknown>, [{ keys: "unique" }], { register: "names" });
  const started = await elixir.eval(`
    {:ok, pid} = Agent.start(fn -> 41 end)
    Process.register(pid, :their_agent)
    :ok`);
  assertEquals(started, ":ok");
  const pid = await node.rpc("theirs@localhost", "erlang", "whereis", [atom("their_agent")]);
  assert(names.registerName(["agent", 1], pid as Pid));
  const request = tuple(atom("get"), tuple(atom("erlang"), atom("abs"), [])) as Term;
  assertEquals(await node.call({ via: names, name: ["agent", 1] }, request), 41);
  assertEquals(
    await elixir.eval(`
      pid = Process.whereis(:their_agent)
      {:ok, ^pid} = {:ok, Ask.call(:names, {:whereis_name, ["agent", 1]})}
      [{^pid, nil}] = Ask.call(:names, {:lookup, ["agent", 1]})
      {Ask.call(:names, {:keys, pid}), Ask.call(:names, :count), Ask.call(:names, {:whereis_name, 1})}`),
    '{[["agent", 1]], 1, :undefined}',
  );
  await elixir.eval("Agent.stop(:their_agent)");
  await poll(() => names.count() === 0);
  await names.stop();
});

check("our registry means what Elixir's does", async ({ elixir, node }) => {
  const theirs = await elixir.eval(`
    listener = spawn_link(fn -> loop = fn loop, got ->
      receive do
        {:all, to} -> send(to, {:all, Enum.reverse(got)})
        {kind, _registry, key, _pid} -> loop.(loop, [{kind, key} | got])
        {kind, _registry, key, _pid, value} -> loop.(loop, [{kind, key, value} | got])
      end
    end
    loop.(loop, []) end)
    Process.register(listener, :their_listener)
    {:ok, _} = Registry.start_link(keys: :unique, name: Unique, listeners: [:their_listener])
    {:ok, _} = Registry.start_link(keys: :duplicate, name: Duplicate)
    {:ok, _} = Registry.register(Unique, "a", 1)
    again = match?({:error, {:already_registered, _}}, Registry.register(Unique, "a", 2))
    updated = Registry.update_value(Unique, "a", & &1 + 10)
    none = Registry.update_value(Unique, "b", & &1)
    Registry.unregister(Unique, "a")
    gone = Registry.lookup(Unique, "a")
    {:ok, _} = Registry.register(Unique, "c", 3)
    for value <- [1, 2, 3], do: Registry.register(Duplicate, "d", value)
    Registry.register(Duplicate, "e", 4)
    before = {Registry.count(Duplicate), Enum.sort(Registry.keys(Duplicate, self())), Enum.sort(Registry.values(Duplicate, "d", self()))}
    matched = Registry.count_match(Duplicate, "d", :_)
    Registry.unregister_match(Duplicate, "d", 2)
    left = Enum.sort(Registry.values(Duplicate, "d", self()))
    send(:their_listener, {:all, self()})
    {:all, told} = Ask.next()
    {again, updated, none, gone, before, matched, left, told}`);
  const listener: Term[] = [];
  const ours = await new Promise<string>((resolve) => {
    node.spawn(async (told) => {
      for await (const message of told) listener.push(message);
    }, { register: "our_listener" });
    node.spawn(async (self: Self) => {
      const unique = await node.start(Registry<number>, [
        { keys: "unique", listeners: ["our_listener"] },
      ]);
      const duplicate = await node.start(Registry<number>, [{ keys: "duplicate" }]);
      unique.register(self, "a", 1);
      let again = false;
      try {
        unique.register(self, "a", 2);
      } catch (error) {
        again = error instanceof NameError;
      }
      const updated = unique.updateValue(self, "a", (value) => value + 10);
      const none = unique.updateValue(self, "b", (value) => value) ?? "error";
      unique.unregister(self, "a");
      const gone = unique.lookup("a");
      unique.register(self, "c", 3);
      for (const value of [1, 2, 3]) duplicate.register(self, "d", value);
      duplicate.register(self, "e", 4);
      const keys = duplicate.keys(self.pid).map(String).sort();
      const before = [duplicate.count(), keys, duplicate.values("d", self.pid)];
      const matched = duplicate.countMatch("d", () => true);
      duplicate.unregisterMatch(self, "d", (value) => value === 2);
      const left = duplicate.values("d", self.pid);
      while (listener.length < 3) await self.sleep(1); // the listener has its messages
      const told = listener.map((message) => {
        const [kind, , key, , value] = message as Term[];
        return [format(kind), String(key), ...value === undefined ? [] : [value]];
      });
      resolve(JSON.stringify([again, updated, none, gone, before, matched, left, told]));
    });
  });
  assertEquals(
    theirs,
    '{true, {11, 1}, :error, [], {4, ["d", "d", "d", "e"], [1, 2, 3]}, 3, [1, 3], ' +
      '[{:register, "a", 1}, {:unregister, "a"}, {:register, "c", 3}]}',
  );
  assertEquals(
    ours,
    '[true,11,"error",[],[4,["d","d","d","e"],[1,2,3]],3,[1,3],' +
      '[["register","a",1],["unregister","a"],["register","c",3]]]',
  );
});

check("our tasks mean what Elixir's do", async ({ elixir, node }) => {
  const theirsSay = elixir.eval(`
    Process.flag(:trap_exit, true)
    slow = Task.async(fn -> Process.sleep(:infinity) end)
    none = Task.yield(slow, 10)
    shut = Task.shutdown(slow)
    killed = Task.shutdown(Task.async(fn -> Process.sleep(:infinity) end), :brutal_kill)
    done = Task.async(fn -> 1 end)
    ended = Process.monitor(done.pid)
    receive do {:DOWN, ^ended, _, _, _} -> :ok end
    value = Task.shutdown(done)
    exited = Task.yield(Task.async(fn -> exit(:boom) end), 50_000)
    stream = Task.async_stream([30, 1, 20], fn ms -> Process.sleep(ms); ms end, max_concurrency: 3) |> Enum.to_list()
    killing = Task.async_stream([1, :infinity], fn ms -> Process.sleep(ms); ms end, timeout: 2000, on_timeout: :kill_task) |> Enum.to_list()
    {none, shut, killed, value, exited, stream, killing}`);
  const ours = await new Promise<unknown>((resolve, reject) => {
    node.spawn(async (self) => {
      try {
        self.trapExit = true;
        const forever = (task: Self): Promise<Term> => task.receive();
        const slow = Task.async(self, forever);
        const none = await slow.yield({ timeout: 10 });
        const shut = await slow.shutdown();
        const killed = await Task.async(self, forever).shutdown("brutal_kill");
        const done = Task.async(self, () => 1);
        await done.result;
        const value = await done.shutdown();
        const exited = await Task.async(self, () => exit(atom("boom"))).yield();
        const wait = async (ms: number, task: Self): Promise<number> => {
          await task.sleep(ms);
          return ms;
        };
        const list = async (items: AsyncIterable<unknown>): Promise<unknown[]> => {
          const all = [];
          for await (const item of items) all.push(item);
          return all;
        };
        const stream = await list(Task.asyncStream(self, [30, 1, 20], wait));
        const limits = { timeout: 2000, onTimeout: "kill_task" } as const;
        const killing = await list(Task.asyncStream(self, [1, 100_000], wait, limits));
        resolve([none, shut, killed, value, exited, stream, killing].map(told));
      } catch (error) {
        reject(error as Error);
      }
    });
  });
  assertEquals(
    await theirsSay,
    "{nil, nil, nil, {:ok, 1}, {:exit, :boom}, [ok: 30, ok: 1, ok: 20], [ok: 1, exit: :timeout]}",
  );
  assertEquals(ours, [
    null,
    null,
    null,
    1,
    "boom",
    [30, 1, 20],
    [1, "timeout"],
  ]);
});

/** What came of a task: its value, or its reason as a text. */
function told(result: unknown): unknown {
  if (result === null) return null;
  if (Array.isArray(result)) return result.map(told);
  const { ok, value, error } = result as {
    readonly ok: boolean;
    readonly value: unknown;
    readonly error: { readonly exitReason: Term };
  };
  return ok ? value : format(error.exitReason);
}

test("nothing is left open", async () => {
  await sides?.elixir.kill();
  await sides?.node.stop();
  await assertNothingLeft(opened);
});
