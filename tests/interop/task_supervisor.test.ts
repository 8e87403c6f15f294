/** Elixir's Task.Supervisor with a supervisor of ours. */
import { after, test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Atom,
  atom,
  exit,
  type ExitReason,
  type Node,
  on,
  type Pid,
  raise,
  startNode,
  t,
  TaskSupervisor,
  type Term,
  withSelf,
} from "../../mod.ts";
import { startElixir } from "../_support/elixir.ts";
import { type ErlangNode, freePort, poll } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl", "elixir");
const opened = openNow();

interface Sides {
  readonly node: Node;
  readonly elixir: ErlangNode;
}

const noted: Term[] = [];
let sides: Sides | null = null;

async function start(): Promise<Sides> {
  if (sides !== null) return sides;
  const epmdPort = await freePort();
  const node = await startNode("ours@localhost", { cookie: COOKIE, epmd: { port: epmdPort } });
  node.provide("Elixir.Demo", {
    sum: on(t.integer, t.integer, (a, b) => a + b),
    note: (term: Term) => void noted.push(term),
    wait: on(t.integer, async (ms) => {
      await node.sleep(ms);
      return atom("waited");
    }),
    hang: withSelf(async (self, note) => {
      noted.push(note);
      await self.receive();
    }),
    stubborn: withSelf(async (self, to) => {
      self.trapExit = true;
      self.send(to as Pid, atom("trapping"));
      for (;;) await self.receive();
    }),
    exits: (reason) => exit(reason as ExitReason),
    raises: (kind, reason) => raise((kind as Atom<"error">).name, reason as ExitReason),
    throws: () => {
      throw new RangeError("too far");
    },
    flaky: (note, reason) => {
      noted.push(note);
      exit(reason as ExitReason);
    },
  });
  const elixir = await startElixir({ name: "theirs@localhost", cookie: COOKIE, epmdPort });
  return sides = { node, elixir };
}

after(async () => {
  await sides?.elixir.kill();
  await sides?.node.stop();
});

let supervisors = 0;

function check(
  title: string,
  body: (eval_: (text: string) => Promise<string>, node: Node) => Promise<void>,
  options: ConstructorParameters<typeof Object>[0] = {},
): void {
  test(title, { skip }, async () => {
    const { node, elixir } = await start();
    noted.length = 0;
    const name = `Elixir.Tasks${++supervisors}`;
    const supervisor = await node.start(TaskSupervisor, [options as never], { register: name });
    const prelude = `
      alias Task.Supervisor, as: TS
      sup = {:"${name}", :ours@localhost}
      _ = Demo
      caught = fn fun -> try do {:ok, fun.()} catch kind, reason -> {kind, reason} end end
      `;
    await body((text) => elixir.eval(prelude + text), node);
    if (node.isAlive(supervisor.pid)) await supervisor.stop();
  });
}

check("async and await", async (run) => {
  assertEquals(await run("TS.async(sup, Demo, :sum, [1, 2]) |> Task.await()"), "3");
  assertEquals(await run("TS.async_nolink(sup, Demo, :sum, [1, 2]) |> Task.await()"), "3");
  assertEquals(await run("TS.async(sup, Demo, :note, [:here]) |> Task.await()"), "nil");
  assertEquals(noted, [atom("here")]);
  assertEquals(await run("TS.async(sup, Demo, :wait, [30]) |> Task.await()"), ":waited");
  assertEquals(
    await run(
      "for(n <- 1..100, do: TS.async(sup, Demo, :sum, [n, 1])) |> Task.await_many() |> Enum.sum()",
    ),
    "5150",
  );
});

check("a function by its name", async (run) => {
  assertEquals(
    await run("TS.async(sup, :erlang, :apply, [&Demo.sum/2, [1, 2]]) |> Task.await()"),
    "3",
  );
  assertEquals(
    await run("TS.async_nolink(sup, &Demo.nothing/0) |> Task.yield(50_000)"),
    "{:exit, {:undef, [{Demo, :nothing, [], []}]}}",
  );
});

check("tasks that fail", async (run) => {
  const nolink = (call: string): Promise<string> =>
    run(`TS.async_nolink(sup, Demo, ${call}) |> Task.yield(50_000)`);
  assertEquals(await nolink(":exits, [:boom]"), "{:exit, :boom}");
  assertEquals(await nolink(":exits, [:normal]"), "{:exit, :normal}");
  assertEquals(await nolink(":exits, [{:shutdown, 1}]"), "{:exit, {:shutdown, 1}}");
  assertEquals(
    await nolink(":raises, [:error, :badarith]"),
    "{:exit, {:badarith, [{Demo, :raises, 2, []}]}}",
  );
  assertEquals(
    await nolink(":raises, [:throw, :ball]"),
    "{:exit, {{:nocatch, :ball}, [{Demo, :raises, 2, []}]}}",
  );
  assertEquals(
    await nolink(":throws, []"),
    '{:exit, {{:js_error, "RangeError", "too far"}, [{Demo, :throws, 0, []}]}}',
  );
  assertEquals(
    await nolink(":nothing, [1]"),
    "{:exit, {:undef, [{Demo, :nothing, [1], []}]}}",
  );
  assertStringIncludes(
    await nolink(":sum, [1, :two]"),
    '{:exit, {{:js_error, "SchemaError", "Cannot parse value at [1]',
  );
  assertEquals(
    await run("caught.(fn -> TS.async_nolink(sup, Demo, :exits, [:boom]) |> Task.await() end)")
      .then((text) => text.slice(0, 15)),
    "{:exit, {:boom,",
  );
});

check("a task's failure is its caller's, where they are linked", async (run) => {
  assertEquals(
    await run(`
      {pid, ref} = spawn_monitor(fn -> TS.async(sup, Demo, :exits, [:boom]) |> Task.await() end)
      receive do {:DOWN, ^ref, _, ^pid, reason} -> reason end`),
    ":boom",
  );
});

check("funs are refused at once, with the reason", async (run) => {
  const reason = await run("TS.async_nolink(sup, fn -> :secret end) |> Task.yield(50_000)");
  assertStringIncludes(
    reason,
    '{:exit, {{:badfun, "Cannot run a fun: this node has no Erlang code',
  );
  assertStringIncludes(
    await run(
      "{:exit, reason} = TS.async_nolink(sup, fn -> :secret end) |> Task.yield(50_000); Exception.format_exit(reason)",
    ),
    "Cannot run a fun: this node has no Erlang code, give the module and name of a function",
  );
});

check("async_stream", async (run) => {
  assertEquals(
    await run(
      "TS.async_stream(sup, 1..20, Demo, :sum, [1], max_concurrency: 4) |> Enum.to_list() |> Enum.map(&elem(&1, 1)) |> Enum.sum()",
    ),
    "230",
  );
  assertEquals(
    await run("TS.async_stream_nolink(sup, [:a, :b], Demo, :exits, []) |> Enum.to_list()"),
    "[exit: :a, exit: :b]",
  );
  assertEquals(
    await run(
      "TS.async_stream_nolink(sup, [1, 100_000], Demo, :wait, [], timeout: 2000, on_timeout: :kill_task) |> Enum.to_list()",
    ),
    "[ok: :waited, exit: :timeout]",
  );
  assertEquals(await run("TS.children(sup)"), "[]");
});

check("a task that takes too long is shut down", async (run, node) => {
  assertEquals(
    await run(`
      task = TS.async_nolink(sup, Demo, :hang, [:hanging])
      nil = Task.yield(task, 50)
      {Task.shutdown(task), TS.children(sup), Process.info(self(), :messages)}`),
    "{nil, [], {:messages, []}}",
  );
  assertEquals(
    await run(`
      task = TS.async_nolink(sup, Demo, :stubborn, [self()])
      receive do :trapping -> :ok end
      {Task.shutdown(task, 50), TS.children(sup)}`),
    "{{:exit, :killed}, []}",
  );
  assertEquals(
    await run(`
      task = TS.async_nolink(sup, Demo, :hang, [:hanging])
      Task.shutdown(task, :brutal_kill)`),
    "nil",
  );
  assertEquals(
    await run("caught.(fn -> TS.async_nolink(sup, Demo, :hang, [1]) |> Task.await(20) end)")
      .then((text) => text.slice(0, 18)),
    "{:exit, {:timeout,",
  );
  void node;
});

check("a task ends with its caller", async (run) => {
  assertEquals(
    await run(`
      me = self()
      caller = spawn(fn -> send(me, TS.async(sup, Demo, :hang, [:hanging])); Process.sleep(:infinity) end)
      task = receive do task -> task end
      ref = Process.monitor(task.pid)
      Process.exit(caller, :kill)
      receive do {:DOWN, ^ref, _, _, reason} -> reason end`),
    ":killed",
  );
});

check("start_child, children and terminate_child", async (run) => {
  assertEquals(
    await run(`
      {:ok, pid} = TS.start_child(sup, Demo, :hang, [:alone])
      [^pid] = TS.children(sup)
      counts = DynamicSupervisor.count_children(sup) |> Enum.sort()
      ref = Process.monitor(pid)
      :ok = TS.terminate_child(sup, pid)
      reason = receive do {:DOWN, ^ref, _, _, reason} -> reason end
      {counts, reason, TS.children(sup), TS.terminate_child(sup, pid)}`),
    "{[active: 1, specs: 1, supervisors: 0, workers: 1], :shutdown, [], {:error, :not_found}}",
  );
  assertEquals(
    await run(`
      {:ok, pid} = TS.start_child(sup, Demo, :stubborn, [self()], shutdown: 20)
      receive do :trapping -> :ok end
      ref = Process.monitor(pid)
      :ok = TS.terminate_child(sup, pid)
      receive do {:DOWN, ^ref, _, _, reason} -> reason end`),
    ":killed",
  );
  assertEquals(
    await run(`
      {:ok, pid} = TS.start_child(sup, Demo, :hang, [:alone], shutdown: :brutal_kill)
      ref = Process.monitor(pid)
      :ok = TS.terminate_child(sup, pid)
      receive do {:DOWN, ^ref, _, _, reason} -> reason end`),
    ":killed",
  );
  assertEquals(await run("{:ok, _} = TS.start_child(sup, Demo, :note, [7]); :ok"), ":ok");
  await poll(() => noted.includes(7));
});

check("which children are started again", async (run) => {
  await run("{:ok, _} = TS.start_child(sup, Demo, :flaky, [1, :boom])");
  await run("{:ok, _} = TS.start_child(sup, Demo, :flaky, [2, :normal], restart: :transient)");
  await run("{:ok, _} = TS.start_child(sup, Demo, :flaky, [3, :boom], restart: :transient)");
  await poll(() => noted.filter((n) => n === 3).length === 4); // 3 restarts in 5 s are borne, one more ends it
  await poll(() => noted.length === 6);
  assertEquals(noted.filter((n) => n !== 3).toSorted(), [1, 2]);
  assertEquals(
    await run("caught.(fn -> TS.children(sup) end) |> elem(1) |> elem(0)"),
    ":noproc",
  );
});

check("max_children", async (run) => {
  assertEquals(
    await run(`
      tasks = for n <- 1..2, do: TS.async_nolink(sup, Demo, :hang, [n])
      refused = caught.(fn -> TS.async_nolink(sup, Demo, :sum, [1, 2]) end)
      also = TS.start_child(sup, Demo, :sum, [1, 2])
      for task <- tasks, do: Task.shutdown(task)
      {refused |> elem(1) |> Map.get(:__struct__), also, TS.async(sup, Demo, :sum, [1, 2]) |> Task.await()}`),
    "{RuntimeError, {:error, :max_children}, 3}",
  );
}, { maxChildren: 2 });

check("its end is the end of its tasks", async (run) => {
  assertEquals(
    await run(`
      tasks = for n <- 1..3, do: TS.async_nolink(sup, Demo, :hang, [n])
      :ok = GenServer.stop(sup, :normal)
      for task <- tasks, do: Task.yield(task, 50_000)`),
    "[exit: :shutdown, exit: :shutdown, exit: :shutdown]",
  );
});

check("other children, and rubbish", async (run) => {
  assertStringIncludes(
    await run("DynamicSupervisor.start_child(sup, {Agent, fn -> 1 end}) |> inspect()"),
    ":error, {:notsup",
  );
  assertStringIncludes(
    await run("caught.(fn -> GenServer.call(sup, {:start_task, 1, 2, 3}) end) |> inspect()"),
    "bad_request",
  );
  assertEquals(await run("TS.async(sup, Demo, :sum, [1, 2]) |> Task.await()"), "3");
});

test("nothing is left open", async () => {
  await sides?.elixir.kill();
  await sides?.node.stop();
  sides = null;
  await assertNothingLeft(opened);
});
