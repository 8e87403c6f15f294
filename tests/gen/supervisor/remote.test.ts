/** Supervisors and children on two nodes: ours over processes of Erlang, and those of Erlang and Elixir over ours. */
import { after, test } from "node:test";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  atom,
  type Child,
  child,
  type ExitReason,
  format,
  GenServer,
  ignore,
  type Node,
  on,
  type Pid,
  remoteChild,
  Starter,
  supervisor,
  type SupervisorRef,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { startElixir } from "../../_support/elixir.ts";
import { type ErlangNode, poll } from "../../_support/erlang.ts";
import { COOKIE } from "../../_support/interop.ts";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { OurSide, startDemo, THEIRS } from "../../_support/our_side.ts";
import { needs } from "../../_support/runtime.ts";
import { ended } from "../../node/_nodes.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { endWith, pidOf, states } from "./_workers.ts";

const skip = needs("erl", "epmd");
const before = openNow();
const ourSide = new OurSide((kind, epmdPort) =>
  kind === "elixir"
    ? startElixir({ name: THEIRS, cookie: COOKIE, epmdPort })
    : startDemo(kind, epmdPort)
);
after(() => ourSide.close());

/** A start function of demo.erl: a gen_server of that name, linked to its parent. */
function demo(name: string): Parameters<typeof remoteChild>[0] {
  return { node: THEIRS, module: "demo", function: "start_link", args: [atom(name)] };
}

async function start(
  node: Node,
  ...children: ReturnType<typeof remoteChild>[]
): Promise<SupervisorRef> {
  return await node.start(supervisor({ intensity: 20, period: 60_000, children }), []);
}

test("a gen_server of Erlang is a child of ours", { skip }, async () => {
  const { node } = await ourSide.get("visible");
  const sup = await start(node, remoteChild(demo("counter"), { id: "there" }));
  const pid = await pidOf(sup, "there");
  assertEquals(pid.node, THEIRS);
  assertEquals(await node.call(pid, tuple(atom("add"), 5)), 5);
  assertEquals(await sup.countChildren(), { specs: 1, active: 1, supervisors: 0, workers: 1 });

  await node.call(pid, tuple(atom("stop"), atom("boom")) as Term); // it crashes, and is started again
  await poll(async () => (await sup.whichChildren())[0].pid?.equals(pid) === false);
  const again = await pidOf(sup, "there");
  assertEquals(await node.call(again, atom("get")), 0);

  const down = ended(node, again);
  await sup.terminateChild("there");
  assertEquals(await down, atom("shutdown"));
  await sup.restartChild("there");
  const last = ended(node, await pidOf(sup, "there"));
  await sup.stop();
  assertEquals(await last, atom("shutdown"));
});

test("one that traps exits ends in order, as its parent's exit signal is the supervisor's", {
  skip,
}, async () => {
  const { node } = await ourSide.get("visible");
  const sup = await start(node, remoteChild(demo("echo"), { id: "echo" }));
  const down = ended(node, await pidOf(sup, "echo"));
  await sup.stop(); // `echo` takes no other exit signal for its end
  assertEquals(await down, atom("shutdown"));
});

test(
  "the process of a function is a child, which is killed where it does not stop",
  { skip },
  async () => {
    const { node } = await ourSide.get("visible");
    const loop = { node: THEIRS, module: "demo", function: "loop", spawn: true };
    const sup = await start(
      node,
      remoteChild(loop, { id: "loop", shutdown: 50, restart: "transient" }),
    );
    const pid = await pidOf(sup, "loop");
    const trapping = new Promise<void>((resolve) => {
      node.spawn(async (self) => {
        self.send(pid, tuple(atom("trap"), self.pid));
        await self.receive();
        resolve();
      });
    });
    await trapping;
    const down = ended(node, pid);
    await sup.terminateChild("loop");
    assertEquals(await down, atom("killed"));
    await sup.restartChild("loop");
    await endWith(node, await pidOf(sup, "loop"), atom("normal"));
    await poll(async () => (await states(sup)).loop === "stopped");
    await sup.stop();
  },
);

test("what a start function returns instead is the reason of the start", { skip }, async () => {
  const { node, peer } = await ourSide.get("visible");
  const sup = await start(node);
  const reason = async (module: string, name: string, args: Term[]): Promise<string> => {
    const what = remoteChild({ node: THEIRS, module, function: name, args });
    return await sup.startChild(what).then((pid) => String(pid), ({ reason }) => format(reason));
  };
  assertStringIncludes(await reason("nobody", "start", []), "{'EXIT',{undef,[{nobody,start,[],[]}");
  assertEquals(await reason("erlang", "list_to_tuple", [[atom("error"), 7]]), "7");
  assertEquals(await reason("erlang", "abs", [-7]), "7");
  assertEquals(
    await reason("erlang", "list_to_atom", [Array.from("ignore", (c) => c.charCodeAt(0))]),
    "null",
  );
  // The process that has called the function ends behind its answer.
  await poll(async () =>
    await peer.eval(
      "length([P || P <- processes(), P =/= self(), {current_function, {erl_eval, _, _}} <- [process_info(P, current_function)]])",
    ) === "0"
  );
  await sup.stop();
});

test("children of a node that is lost have ended with noconnection", { skip }, async () => {
  const { node, peer } = await ourSide.get("visible");
  const sup = await start(node, remoteChild(demo("counter"), { id: "there" }));
  const pid = await pidOf(sup, "there");
  const lost = ended(node, pid);
  node.disconnect(THEIRS);
  assertEquals(await lost, atom("noconnection"));
  await poll(async () => (await states(sup)).there === "running"); // and are started again
  const again = await pidOf(sup, "there");
  assertNotEquals(format(again), format(pid));
  // The first one has ended there, too: its supervisor was gone.
  await poll(async () =>
    (await peer.eval(`is_process_alive(list_to_pid("<0.${pid.id}.${pid.serial}>"))`)) === "false"
  );
  const down = ended(node, sup.pid);
  await peer.kill();
  assertEquals(await down, atom("shutdown")); // each attempt counts
  await ourSide.close();
});

test("one with retryAfter waits for its node, and is started when that is back", {
  skip,
}, async () => {
  const { node, peer } = await ourSide.get("visible once more");
  const there = remoteChild(demo("counter"), { id: "there", retryAfter: 50 });
  const local = (id: string): Child => child(Counter, [1], { id, restart: "temporary" });
  const sup = await node.start(
    supervisor({ strategy: "rest_for_one", children: [local("before"), there, local("behind")] }),
    [],
  );
  const pid = await pidOf(sup, "there");
  const [before, behind] = [await pidOf(sup, "before"), await pidOf(sup, "behind")];
  const end = ended(node, behind);
  await peer.kill();
  assertEquals(await end, atom("shutdown")); // as rest_for_one has it
  await poll(async () => (await states(sup)).there === "restarting");
  await sup.startChild(local("more")); // it does other things meanwhile
  await sup.terminateChild("more");
  await ourSide.restartPeer(); // whose module comes some time after its node
  await poll(async () => (await states(sup)).there === "running");
  const again = await pidOf(sup, "there");
  assertNotEquals(format(again), format(pid));
  assertEquals(await node.call(again, atom("get")), 0);
  assertEquals(format(await pidOf(sup, "before")), format(before));

  await sup.stop();
});

test("one with retryAfter that is terminated is not waited for any more", { skip }, async () => {
  const { node, peer } = await ourSide.get("visible once more");
  const sup = await start(
    node,
    remoteChild(demo("counter"), { id: "one", retryAfter: 50 }),
    remoteChild(demo("echo"), { id: "two", retryAfter: 50 }),
  );
  await peer.kill();
  await poll(async () => Object.values(await states(sup)).every((state) => state === "restarting"));
  await sup.terminateChild("one");
  await ourSide.restartPeer();
  await poll(async () => (await states(sup)).two === "running");
  assertEquals(await states(sup), { one: "stopped", two: "running" });
  await sup.restartChild("one");
  const last = ended(node, await pidOf(sup, "one"));
  await sup.stop();
  assertEquals(await last, atom("shutdown"));
  await ourSide.close();
});

test("what retryAfter must be", () => {
  for (const retryAfter of [0, -1, NaN, "1s" as never]) {
    assertThrows(
      () => remoteChild(demo("counter"), { retryAfter }),
      RangeError,
      `its retryAfter is ${retryAfter}, 1 or more milliseconds are needed`,
    );
  }
});

class Counter extends GenServer {
  #count = 0;
  override init(from: number): typeof ignore | void {
    if (from < 0) return ignore;
    if (from > 100) throw new RangeError("too much");
    this.#count = from;
    this.trapExit = true;
  }
  override readonly calls = {
    next: () => ++this.#count,
    stop: on(t.term, (reason) => this.stop(reason as ExitReason)),
  };
}

async function serve(node: Node): Promise<Pid> {
  const children = { counter: child(Counter, [], { accept: [t.integer] }) };
  const { pid } = await node.start(Starter, [children], { register: "starter" });
  return pid;
}

for (const [kind, program] of [["visible again", "erl"], ["elixir", "elixir"]] as const) {
  test(
    `a supervisor of ${
      kind === "elixir" ? "Elixir" : "Erlang"
    } starts a process of ours, and starts it again`,
    {
      skip: needs("erl", "epmd", program),
    },
    async () => {
      const { node, peer } = await ourSide.get(kind);
      const starter = await serve(node);
      const calls = kind === "elixir" ? elixir(peer) : erlang(peer);
      await calls.start(5);
      const one = await childPid(node, starter);
      assertEquals(await calls.next(), "6");
      assertEquals(await calls.counts(), "1");
      await node.call(one, tuple(atom("stop"), atom("boom")) as Term);
      await poll(async () => await calls.next().then((n) => n === "6", () => false));
      const two = await childPid(node, starter);
      assertNotEquals(format(two), format(one));
      const down = ended(node, two);
      await calls.terminate();
      assertEquals(await down, atom("shutdown"));
      await calls.restart();
      const last = ended(node, await childPid(node, starter));
      assertStringIncludes(await calls.startOther("counter", 101), "too much");
      assertStringIncludes(await calls.startOther("counter", -1), "undefined");
      assertStringIncludes(await calls.startOther("nothing", 1), "not_found");
      await calls.stop();
      assertEquals(await last, atom("shutdown"));
      node.exit(starter, atom("kill"));
    },
  );
}

test("a child of a supervisor whose node is gone ends with noconnection", {
  skip: needs("erl", "epmd"),
}, async () => {
  const { node, peer } = await ourSide.get("visible at last");
  const starter = await serve(node);
  await erlang(peer).start(1);
  const down = ended(node, await childPid(node, starter));
  await peer.kill();
  assertEquals(await down, atom("noconnection"));
  node.exit(starter, atom("kill"));
  await ourSide.close();
});

/** The one process of ours that is a counter. */
async function childPid(node: Node, starter: Pid): Promise<Pid> {
  assert(node.isAlive(starter));
  const found = (): Pid | undefined =>
    node.processes().find((pid) => node._core.process(pid)?.body instanceof Counter);
  await poll(() => Promise.resolve(found() !== undefined));
  return found()!;
}

interface Calls {
  start(from: number): Promise<string>;
  next(): Promise<string>;
  counts(): Promise<string>;
  terminate(): Promise<string>;
  restart(): Promise<string>;
  startOther(name: string, from: number): Promise<string>;
  stop(): Promise<string>;
}

function erlang(peer: ErlangNode): Calls {
  const spec = (id: string, name: string, from: number): string =>
    `#{id => ${id}, start => {gen_server, call, [{starter, 'ours@localhost'}, {start_link, ${name}, [${from}]}]}}`;
  return {
    // Its init is one of demo.erl, which takes no other module.
    start: (from) =>
      peer.eval(`begin
        {ok, S} = supervisor:start_link({local, their_sup}, demo, {specs, [${
        spec("pdf", "counter", from)
      }]}),
        unlink(S) end`),
    next: () =>
      peer.eval(
        "begin [{pdf, P, worker, _}] = supervisor:which_children(their_sup), gen_server:call(P, next) end",
      ),
    counts: () =>
      peer.eval(
        "proplists:get_value(active, [{A, B} || {A, B} <- [{active, length([P || {_, P, _, _} <- supervisor:which_children(their_sup), is_pid(P)])}]])",
      ),
    terminate: () => peer.eval("supervisor:terminate_child(their_sup, pdf)"),
    restart: () => peer.eval("supervisor:restart_child(their_sup, pdf)"),
    startOther: (name, from) =>
      peer.eval(
        `supervisor:start_child(their_sup, (${spec("other", name, from)})#{restart => temporary})`,
      ),
    stop: () => peer.eval("gen_server:stop(their_sup)"),
  };
}

function elixir(peer: ErlangNode): Calls {
  const spec = (id: string, name: string, from: number): string =>
    `%{id: ${id}, start: {GenServer, :call, [{:starter, :ours@localhost}, {:start_link, :${name}, [${from}]}]}}`;
  return {
    start: (from) =>
      peer.eval(`
        {:ok, sup} = Supervisor.start_link([${
        spec(":pdf", "counter", from)
      }], strategy: :one_for_one, name: :their_sup)
        Process.unlink(sup)
      `),
    next: () =>
      peer.eval(
        "[{:pdf, pid, :worker, _}] = Supervisor.which_children(:their_sup); GenServer.call(pid, :next)",
      ),
    counts: () =>
      peer.eval(
        "for({_, pid, _, _} <- Supervisor.which_children(:their_sup), is_pid(pid), do: pid) |> length()",
      ),
    terminate: () => peer.eval("Supervisor.terminate_child(:their_sup, :pdf)"),
    restart: () => peer.eval("Supervisor.restart_child(:their_sup, :pdf)"),
    startOther: (name, from) =>
      peer.eval(
        `Supervisor.start_child(:their_sup, Map.put(${
          spec(":other", name, from)
        }, :restart, :temporary))`,
      ),
    stop: () => peer.eval("Supervisor.stop(:their_sup)"),
  };
}

clusterTest("a supervisor of ours has children on another node of ours", async (a, b) => {
  await serve(b);
  const there = { node: b.name, starter: "starter", name: "counter" };
  const sup = await a.start(
    supervisor({
      intensity: 5,
      children: [remoteChild({ ...there, args: [7] }, { id: "there" })],
    }),
    [],
  );
  const pid = await pidOf(sup, "there");
  assertEquals([pid.node, await a.call(pid, atom("next"))], [b.name, 8]);
  await a.call(pid, tuple(atom("stop"), atom("boom")) as Term);
  await poll(async () => (await sup.whichChildren())[0].pid?.equals(pid) === false);
  const again = await pidOf(sup, "there");
  assertEquals(await a.call(again, atom("next")), 8);
  const failed = await sup.startChild(remoteChild({ ...there, args: [101] }, { id: "other" }))
    .then(String, ({ reason }) => format(reason));
  assertStringIncludes(failed, "too much");
  const down = ended(b, again);
  await sup.stop();
  assertEquals(await down, atom("shutdown"));
});

test("nothing is left open", async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
