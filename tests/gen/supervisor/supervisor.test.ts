/** What our supervisors do besides the cases of OTP's suite. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { TermMap } from "../../../lib/etf/term_map.ts";
import { isTuple, tuple } from "../../../lib/etf/tuple.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import { child } from "../../../lib/gen/supervisor/child.ts";
import { Task } from "../../../lib/gen/task/task.ts";
import { SupervisorError } from "../../../lib/gen/supervisor/errors.ts";
import type { ServerRef } from "../../../lib/gen/server/server_ref.ts";
import type { SupervisorRef } from "../../../lib/gen/supervisor/supervisor_ref.ts";
import { Starter } from "../../../lib/gen/supervisor/starter.ts";
import { remoteChild } from "../../../lib/gen/supervisor/remote_child.ts";
import { supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import { CallTimeoutError, ExitError, NoProcessError } from "../../../lib/node/errors.ts";
import type { Self } from "../../../lib/node/process/self.ts";
import type { LogEvent } from "../../../lib/node/log/event.ts";
import type { Node } from "../../../lib/node/node.ts";
import { withSelf } from "../../../lib/node/provided/provide.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { keeper } from "../../node/remote/_hand_made.ts";
import { BOOM, ended, forever, nodeTest, SHUTDOWN } from "../../node/_nodes.ts";
import {
  endWith,
  pidOf,
  Plan,
  reasonOf,
  Simple,
  states,
  tree,
  Worker,
  worker,
} from "./_workers.ts";

nodeTest(
  "a start that fails ends what was started before, the last first",
  async ({ node, platform }) => {
    const plan = new Plan();
    plan.next("3", new ExitError(BOOM));
    const names = ["1", "2", "3", "4"];
    const failed = await assertRejects(
      () => tree(node, {}, names.map((name) => worker(plan, name))),
      ExitError,
    );
    assertEquals(format(failed.reason), "{shutdown,{failed_to_start_child,'3',boom}}");
    assertEquals(plan.take(), ["start 1", "start 2", "end 2 shutdown", "end 1 shutdown"]);
    assertEquals(node.processes().length, 1);
    assertStringIncludes(platform.logs[0].message, "cannot start child '3' (permanent): boom");
  },
);

nodeTest("a disabled child is not started until it is enabled", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, { strategy: "one_for_all" }, [worker(plan, "1"), worker(plan, "2")]);
  await sup.disableChild("2");
  assertEquals(await states(sup), { 1: "running", 2: "disabled" });
  await endWith(node, await pidOf(sup, "1"), BOOM); // restarts all
  assertEquals(await states(sup), { 1: "running", 2: "disabled" });
  assertEquals(await reasonOf(sup.restartChild("2")), "disabled");
  const pid = await sup.enableChild("2");
  assertEquals(await pidOf(sup, "2"), pid!);
  assertEquals(await sup.enableChild("2"), pid); // once more changes nothing
  await endWith(node, await pidOf(sup, "1"), BOOM);
  assertEquals(await states(sup), { 1: "running", 2: "running" });
  assertEquals(await reasonOf(sup.disableChild("3")), "not_found");
  await sup.disableChild("1");
  await sup.deleteChild("1");
  assertEquals(await states(sup), { 2: "running" });
});

nodeTest("children may be functions, with their process and arguments", async ({ node }) => {
  const got: unknown[] = [];
  const sup = await tree(node, {}, [
    child(
      async (self: Self, greeting: string) => {
        got.push([greeting, self.pid, node.whereis("greeter")]);
        await forever(self);
      },
      ["hello"],
      { id: "greeter", register: "greeter" },
    ),
  ]);
  const pid = await pidOf(sup, "greeter");
  await states(sup);
  assertEquals(got, [["hello", pid, pid]]);
  assertEquals(
    await sup.startChild(child(forever, [], { id: "other" })),
    await pidOf(sup, "other"),
  );
  assertThrows(
    () => child(forever, [], { register: { global: "g" } }),
    TypeError,
    "make it a GenServer",
  );
  assertThrows(() => child("Simple" as never, []), TypeError, "Cannot make a child");
  assertThrows(() => child(Simple, 1 as never), TypeError, "as an array");
  assertThrows(
    () => child(Simple, [], { restrat: "transient" } as never),
    TypeError,
    "restart may be meant",
  );
  assertThrows(() => remoteChild({ node: "a@b" } as never), TypeError, "of another node");
});

nodeTest(
  "a reference asks in its own name, and with its own patience",
  async ({ node, platform }) => {
    const plan = new Plan();
    const sup = await tree(node, {}, [worker(plan, "1", { shutdown: 900 })]);
    node.send(await pidOf(sup, "1"), atom("hang"));
    const terminated = sup.terminateChild("1");
    const asked = sup.with({ timeout: 100 }).countChildren();
    const late = assertRejects(() => asked, CallTimeoutError);
    await platform.elapse(100);
    await late;
    await platform.elapse(800);
    await terminated;
    const down = ended(node, sup.pid);
    await sup.stop();
    assertEquals(format(await down), "normal");
    await assertRejects(() => sup.countChildren(), NoProcessError);
  },
);

nodeTest("a child is got by its id", async ({ node }) => {
  const sup = await tree(node, {}, [
    child(Simple, [], { id: "a" }),
    child(supervisor({ children: [child(Simple, [], { id: "leaf" })] }), [], { id: "inner" }),
  ]);
  const one = await sup.getChild<ServerRef<Simple>>("a");
  assertEquals(one.pid, await pidOf(sup, "a"));
  const inner = await sup.getChild<SupervisorRef>("inner");
  assertEquals(await states(inner), { leaf: "running" });
  await sup.terminateChild("a");
  assertEquals(await reasonOf(sup.getChild("a")), "not_running");
  assertEquals(await reasonOf(sup.getChild("b")), "not_found");
});

nodeTest("what cannot be done is told in words", async ({ node }) => {
  const sup = await tree(node, {}, [child(Simple, [], { id: "a" })]);
  const failed = await assertRejects(() => sup.restartChild("a"), SupervisorError);
  assertEquals(failed.message, "Cannot restart child a: it runs, terminate it first");
  assertEquals([failed.code, failed.pid], ["running", null]);
  const term = tuple(1, atom("x")) as Term;
  const unknown = await assertRejects(() => sup.deleteChild(term as never), SupervisorError);
  assertEquals(unknown.message, "Cannot delete child {1,x}: the supervisor has no such child");
});

nodeTest("a supervisor that is told to end while it starts does not go on", async ({ node }) => {
  let go!: () => void;
  const gate = new Promise<void>((resolve) => go = resolve);
  class Slow extends Simple {
    override init(): Promise<void> {
      return gate;
    }
  }
  const started: string[] = [];
  const root = node.start(
    supervisor({
      children: [
        child(Slow, [], { id: "slow" }),
        child(() => void started.push("second"), [], { id: "second" }),
      ],
    }),
    [],
    { register: "sup" },
  );
  root.catch(() => {});
  await Promise.resolve();
  node.exit(node.whereis("sup")!, atom("kill"));
  assertEquals(await reasonOf(root), "killed");
  go();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assertEquals([started, node.processes().length], [[], 1]);
});

nodeTest("children of a supervisor that is killed end with it", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, {}, [worker(plan, "1"), child(Simple, [], { id: "2" })]);
  const [one, two] = [await pidOf(sup, "1"), await pidOf(sup, "2")];
  const downs = [ended(node, one), ended(node, two)];
  node.exit(sup.pid, atom("kill"));
  assertEquals((await Promise.all(downs)).map((reason) => format(reason)), ["killed", "killed"]);
});

nodeTest("what happens to children is reported, in words and by fields", async ({ node }) => {
  const events: LogEvent[] = [];
  node.logger.addSink("test", (event) => events.push(event));
  const sup = await tree(node, { intensity: 1 }, [child(Simple, [], { id: "a" })]);
  const pid = await pidOf(sup, "a");
  await endWith(node, pid, tuple(BOOM, 1) as Term);
  const again = await pidOf(sup, "a");
  const down = ended(node, sup.pid);
  await endWith(node, again, BOOM);
  await down;
  const reports = events.filter(({ meta }) => "report" in meta);
  assertEquals(reports.map(({ message }) => message), [
    `Supervisor sup has lost child a ${format(pid)} (permanent): {boom,1}`,
    `Supervisor sup has lost child a ${format(again)} (permanent): boom`,
    `Supervisor sup ends after too many restarts, the last of child a ${
      format(again)
    } (permanent): reached_max_restart_intensity`,
  ]);
  assertEquals(reports.map(({ name, meta }) => [name, meta.report, meta.child]), [
    ["sup", "child_terminated", atom("a")],
    ["sup", "child_terminated", atom("a")],
    ["sup", "shutdown", atom("a")],
  ]);
});

nodeTest("what nobody expects is logged, and does no harm", async ({ node, platform }) => {
  const sup = await tree(node, {});
  node.send("sup", atom("hello"));
  node.cast("sup", atom("hello"));
  await assertRejects(() => node.call("sup", atom("hello")), ExitError, "bad_request");
  await assertRejects(() => node.call("sup", tuple(atom("start_child"))), ExitError, "bad_request");
  assertEquals(await states(sup), {});
  assertEquals(platform.logs.map(({ message }) => message), [
    "Supervisor sup got a message that it does not handle: hello",
    "Supervisor sup got a message that it does not handle: hello",
  ]);
});

// What other nodes may start

/** A request of another node. */
function startChild(a: Node, b: Node, start: Term, more: [string, Term][] = []): Promise<string> {
  const fields: [string, Term][] = [["id", atom("x")], ["start", start], ...more];
  const six = fields.length === 2 ? [atom("temporary"), 1_000, atom("worker"), []] : [];
  const spec = tuple(...fields.map(([, term]) => term), ...six) as Term;
  return a.call({ name: "sup", node: b.name }, tuple(atom("start_child"), spec) as Term)
    .then((reply) => format(reply));
}

function mfa(module: string, name: string, ...args: Term[]): Term {
  return tuple(atom(module), atom(name), args) as unknown as Term;
}

clusterTest("others start provided functions as children, and nothing else", async (a, b) => {
  const sup = await tree(b, {});
  b.provide("mod", {
    start: on(t.integer, async (n) => tuple(atom("ok"), (await b.start(Simple, [n])).pid)),
    pid: async () => (await b.start(Simple, [])).pid,
    none: () => atom("ignore"),
    fails: () => tuple(atom("error"), BOOM),
    raises: () => {
      throw new Error("no");
    },
    loop: withSelf(forever),
  });
  assertStringIncludes(await startChild(a, b, mfa("mod", "start", 7)), "{ok,<b@localhost.");
  const pid = await pidOf(sup, "x");
  await endWith(b, pid, SHUTDOWN);
  assertEquals(await states(sup), {}); // temporary, and its own by then
  assertEquals(await startChild(a, b, mfa("mod", "none")), "{ok,undefined}");
  assertStringIncludes(
    await startChild(a, b, mfa("mod", "fails")),
    "{error,{boom,{child,undefined,x,",
  );
  assertStringIncludes(await startChild(a, b, mfa("mod", "start", atom("no"))), "js_error");
  assertStringIncludes(await startChild(a, b, mfa("mod", "raises")), "{error,{{'EXIT',{{js_error");
  assertStringIncludes(await startChild(a, b, mfa("mod", "nothing")), "{error,{{'EXIT',{undef,");
  assertStringIncludes(await startChild(a, b, mfa("os", "cmd", [1])), "{error,{{'EXIT',{undef,");
  // A function that wants its process is the child itself.
  assertStringIncludes(await startChild(a, b, mfa("mod", "loop")), "{ok,<b@localhost.");
  await sup.terminateChild("x");
  assertStringIncludes(await startChild(a, b, mfa("mod", "pid")), "{error,{<b@localhost.");
});

clusterTest("others add to a child's arguments what it accepts", async (a, b) => {
  const plan = new Plan();
  const there = { name: "sup", node: b.name };
  const sup = await b.start(
    supervisor({
      strategy: "simple_one_for_one",
      children: [child(Worker, [plan], { accept: [t.text] })],
    }),
    [],
    { register: "sup" },
  );
  const ask = async (...args: Term[]): Promise<string> =>
    format(await a.call(there, tuple(atom("start_child"), args) as unknown as Term));
  assertStringIncludes(await ask("one"), "{ok,<b@localhost.");
  assertEquals(plan.take(), ["start one"]);
  assertStringIncludes(await ask(7), "{error,{bad_request,");
  assertStringIncludes(await ask(), "{error,{bad_request,");
  assertEquals((await sup.countChildren()).active, 1);
});

clusterTest("others start what the supervisor knows, with the same arguments", async (a, b) => {
  const sup = await tree(b, {}, [
    child(Simple, [5], { id: "five" }),
    child(forever, [], { id: "f" }),
  ]);
  assertStringIncludes(await startChild(a, b, mfa("Simple", "start_link", 5)), "{ok,<b@localhost.");
  await sup.terminateChild("x");
  assertStringIncludes(await startChild(a, b, mfa("Simple", "start_link", 6)), "undef");
  assertStringIncludes(await startChild(a, b, mfa("Simple", "start_link", 5, 6)), "undef");
  assertStringIncludes(await startChild(a, b, mfa("forever", "spawn_link")), "{ok,<b@localhost.");
});

clusterTest(
  "the option access says who may ask a supervisor, and how many processes that makes",
  async (a, b) => {
    await tree(b, {}, [child(Simple, [5], { id: "five" })]);
    assertEquals(await startChild(a, b, mfa("Simple", "start_link", 5)), "{error,max_children}");
  },
  { node: { access: [{ maxSpawned: 0 }] } },
);

clusterTest(
  "what was asked for counts also where it was started again, and where it does not run",
  async (a, b) => {
    await tree(b, { intensity: 10 }, []);
    b.provide("mod", { loop: withSelf(forever), none: () => atom("ignore") });
    const there = { name: "sup", node: b.name };
    const ask = async (what: string, id: string, ...more: Term[]): Promise<string> =>
      format(await a.call(there, tuple(atom(what), ...more, id) as Term));
    const start = async (id: string, name: string): Promise<string> => {
      const spec = new TermMap([[atom("id"), id], [atom("start"), mfa("mod", name)]]);
      return format(await a.call(there, tuple(atom("start_child"), spec) as unknown as Term));
    };
    for (const id of ["1", "2"]) assertStringIncludes(await start(id, "loop"), "{ok,<b@localhost.");
    assertEquals(await start("3", "loop"), "{error,max_children}");
    assertEquals(await ask("terminate_child", "1"), "ok");
    const [ok, pid] = await a.call(there, tuple(atom("restart_child"), "1") as Term) as [Term, Pid];
    assertEquals([ok, pid.node], [atom("ok"), b.name]);
    assertEquals(await start("3", "loop"), "{error,max_children}");
    // A crash makes another process, which counts in its place.
    b._core.process(pid)!.exit(BOOM);
    assertEquals(await start("3", "loop"), "{error,max_children}");
    // Stopped ones are kept: they may run again.
    for (const id of ["1", "2"]) await ask("terminate_child", id);
    assertEquals(await start("3", "none"), "{error,max_children}");
    assertEquals(await ask("delete_child", "1"), "ok");
    assertEquals(await start("3", "none"), "{ok,undefined}");
    assertEquals(await start("4", "none"), "{error,max_children}");
  },
  { node: { access: [{ maxSpawned: 2 }] } },
);

clusterTest(
  "a Starter counts also those that have not started yet",
  async (a, b) => {
    let begun = 0;
    const start = Promise.withResolvers<void>();
    class Slow extends GenServer {
      override init(): Promise<void> {
        begun++;
        return start.promise;
      }
    }
    await b.start(Starter, [{ slow: child(Slow, []) }], { register: "starter" });
    const { self } = await keeper(a);
    const calls = Array.from(
      { length: 50 },
      () =>
        self.call({ name: "starter", node: b.name }, tuple(atom("start_link"), atom("slow"), [])),
    );
    // The last is refused before the first has started.
    assertEquals(format(await calls[49]), "{error,max_children}");
    assertEquals(begun, 2);
    start.resolve();
    const replies = (await Promise.all(calls)).map((reply) => format(reply).slice(0, 4));
    assertEquals(replies.filter((reply) => reply === "{ok,").length, 2);
  },
  { node: { access: [{ maxSpawned: 2 }] } },
);

nodeTest(
  "where local messages are copied, supervisors are asked all the same",
  async ({ node }) => {
    const sup = await tree(node, {}, [child(Simple, [], { id: "a" })]);
    await sup.startChild(child(Simple, [], { id: "b" }));
    const reply = await node.call("sup", atom("count_children"));
    assertEquals(format(reply), "[{specs,2},{active,2},{supervisors,0},{workers,2}]");
  },
  { copyMessages: true },
);

nodeTest("a name that goes with a child is free when it is started again", async ({ node }) => {
  const sup = await tree(node, {}, [child(Simple, [], { id: "a", register: "named" })]);
  const pid = node.whereis("named")!;
  await endWith(node, pid, BOOM);
  await states(sup);
  const again: Pid | undefined = node.whereis("named");
  assertEquals([again === undefined, again?.equals(pid), isTuple(again)], [false, false, false]);
});

nodeTest("a start that fails says in words what has failed, and where", async ({ node }) => {
  class Broken extends GenServer {
    override init(): void {
      throw new RangeError("no room");
    }
  }
  const inner = supervisor({ children: [child(Broken, [], { id: "broken" })] });
  const error = await assertRejects(
    () => node.start(supervisor({ children: [child(inner, [], { id: "inner" })] }), []),
    ExitError,
  );
  const text = "Cannot start Broken: RangeError: no room";
  assertEquals(error.message, `Cannot start child inner: Cannot start child broken: ${text}`);
  const sup = await tree(node, {}, []);
  const refused = await assertRejects(() => sup.startChild(child(Broken, [])), SupervisorError);
  assertEquals(refused.message, `Cannot start a child: ${text}`);
  await assertRejects(() => node.start(Broken, []), ExitError, text);
  const thrown = await assertRejects(() =>
    Task.async(node, () => {
      throw new RangeError("none");
    }).await(), ExitError);
  assertEquals(thrown.message, "Process exited: RangeError: none");
});
