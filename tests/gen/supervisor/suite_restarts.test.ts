// The cases of OTP's supervisor_SUITE that tell of restarts; their names are the titles. What is left out, and why, stands in
// suite_starts.test.ts.
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { child } from "../../../lib/gen/supervisor/child.ts";
import type { Strategy, SupervisorSpec } from "../../../lib/gen/supervisor/flags.ts";
import { Supervisor, supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import type { SupervisorRef } from "../../../lib/gen/supervisor/supervisor_ref.ts";
import { ExitError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { BOOM, ended, nodeTest, NORMAL, SHUTDOWN } from "../../node/_nodes.ts";
import {
  counts,
  endWith,
  pidOf,
  Plan,
  reasonOf,
  RESTARTS,
  Simple,
  states,
  tree,
  Worker,
  worker,
} from "./_workers.ts";

const SHUTDOWN_TERM = tuple(SHUTDOWN, atom("some_info")) as Term;

// normal_termination, shutdown_termination, abnormal_termination: what becomes of a child that ends so.
const REASONS: readonly [string, readonly Term[], Readonly<Record<string, unknown>>][] = [
  ["normal", [NORMAL], { permanent: "running", transient: "stopped", temporary: undefined }],
  ["shutdown", [SHUTDOWN, SHUTDOWN_TERM], {
    permanent: "running",
    transient: "stopped",
    temporary: undefined,
  }],
  ["abnormal", [BOOM, atom("killed")], {
    permanent: "running",
    transient: "running",
    temporary: undefined,
  }],
];
for (const [name, reasons, becomes] of REASONS) {
  for (const restart of RESTARTS) {
    nodeTest(`${restart}_${name}`, async ({ node }) => {
      for (const reason of reasons) {
        const plan = new Plan();
        const sup = await tree(node, {}, [worker(plan, "child1", { restart })]);
        const pid = await pidOf(sup, "child1");
        await endWith(node, pid, reason);
        assertEquals((await states(sup)).child1, becomes[restart]);
        if (becomes[restart] === "running") assertNotEquals(await pidOf(sup, "child1"), pid);
        await sup.stop();
      }
    });
  }
}

nodeTest("temporary_bystander", async ({ node }) => {
  // A temporary child is ended with its siblings, and not started with them.
  for (const strategy of ["one_for_all", "rest_for_one"] as const) {
    const plan = new Plan();
    const sup = await tree(node, { strategy }, [
      worker(plan, "child1"),
      worker(plan, "child2", { restart: "temporary" }),
    ]);
    await endWith(node, await pidOf(sup, "child1"), BOOM);
    assertEquals(await states(sup), { child1: "running" });
    await sup.stop();
  }
});

nodeTest("multiple_restarts", async ({ node, platform }) => {
  const plan = new Plan();
  const sup = await tree(node, { intensity: 3, period: 1_000 }, [worker(plan, "child1")]);
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 3; i++) {
      await endWith(node, await pidOf(sup, "child1"), BOOM);
      assertEquals(await states(sup), { child1: "running" });
    }
    await platform.elapse(1_001); // as many as are allowed, in each period anew
  }
});

// The strategies

/** Which of three children are ended and started where the second of them crashes. */
const STRATEGIES: readonly [Strategy, string[]][] = [
  ["one_for_one", ["end 2 boom", "start 2"]],
  ["rest_for_one", ["end 2 boom", "end 3 shutdown", "start 2", "start 3"]],
  ["one_for_all", [
    "end 2 boom",
    "end 3 shutdown",
    "end 1 shutdown",
    "start 1",
    "start 2",
    "start 3",
  ]],
];
for (const [strategy, events] of STRATEGIES) {
  nodeTest(strategy, async ({ node }) => {
    const plan = new Plan();
    const all = ["1", "2", "3"].map((name) => worker(plan, name));
    const sup = await tree(node, { strategy, intensity: 2 }, all);
    plan.take();
    for (let i = 0; i < 2; i++) {
      await endWith(node, await pidOf(sup, "2"), BOOM);
      assertEquals(await counts(sup), [3, 3, 0, 3]);
      assertEquals(plan.take(), events);
    }
    const down = ended(node, sup.pid);
    await endWith(node, await pidOf(sup, "2"), BOOM);
    assertEquals(await down, SHUTDOWN);
    assertEquals(plan.take(), ["end 2 boom", "end 3 shutdown", "end 1 shutdown"]);
  });

  nodeTest(`${strategy}_escalation`, async ({ node }) => {
    const plan = new Plan();
    const all = ["1", "2"].map((name) => worker(plan, name));
    const sup = await tree(node, { strategy, intensity: 4 }, all);
    const down = ended(node, sup.pid);
    plan.take();
    plan.next("1", ...new Array(10).fill(new ExitError(atom("error"))));
    await endWith(node, await pidOf(sup, "1"), BOOM);
    assertEquals(await down, SHUTDOWN);
    // Four attempts; the fifth is one too many.
    assertEquals(plan.ways.get("1")!.length, 6);
    assertEquals(plan.take(), ["end 1 boom", "end 2 shutdown"]);
  });
}

for (const strategy of ["one_for_all", "rest_for_one"] as const) {
  nodeTest(`${strategy}_other_child_fails_restart`, async ({ node }) => {
    const plan = new Plan();
    const all = ["1", "2", "3"].map((name) => worker(plan, name));
    const sup = await tree(node, { strategy, intensity: 3 }, all);
    plan.take();
    plan.next("2", new ExitError(atom("error")));
    await endWith(node, await pidOf(sup, "1"), BOOM);
    // Where the second fails the first runs already: what is restarted then is seen from the second.
    assertEquals(await states(sup), { 1: "running", 2: "restarting", 3: "stopped" });
    assertEquals(await states(sup), { 1: "running", 2: "running", 3: "running" });
    const again = strategy === "one_for_all" ? ["end 1 shutdown", "start 1"] : [];
    assertEquals(plan.take(), [
      "end 1 boom",
      "end 3 shutdown",
      "end 2 shutdown",
      "start 1",
      ...again,
      "start 2",
      "start 3",
    ]);
  });
}

async function simple(node: Node, plan: Plan, intensity = 2): Promise<[SupervisorRef, Pid[]]> {
  const flags = { strategy: "simple_one_for_one", intensity } as const;
  const sup = await tree(node, flags, [worker(plan, "child")]);
  for (let i = 0; i < 2; i++) await sup.startChild([]);
  plan.take();
  return [sup, (await sup.whichChildren()).map(({ pid }) => pid!)];
}

nodeTest("simple_one_for_one", async ({ node }) => {
  const plan = new Plan();
  const [sup, pids] = await simple(node, plan, 1);
  await endWith(node, pids[0], BOOM);
  assertEquals(await counts(sup), [1, 2, 0, 2]);
  assertEquals((await sup.whichChildren()).some(({ pid }) => pid!.equals(pids[1])), true);
  assertEquals(plan.take(), ["end child boom", "start child"]);
  const down = ended(node, sup.pid);
  await endWith(node, pids[1], BOOM);
  assertEquals(await down, SHUTDOWN);
  assertEquals(plan.take(), ["end child boom", "end child shutdown"]);
});

nodeTest("simple_one_for_one_shutdown", async ({ node, platform }) => {
  const plan = new Plan();
  const [sup, pids] = await simple(node, plan);
  node.send(pids[1], atom("hang"));
  const stopped = sup.stop(SHUTDOWN);
  await platform.elapse(4_999);
  assertEquals(plan.take(), ["end child shutdown"]);
  await platform.elapse(33);
  await stopped;
  assertEquals(plan.take(), ["end child killed"]);
});

nodeTest("simple_one_for_one_extra", async ({ node }) => {
  const plan = new Plan();
  const sup = await node.start(
    supervisor({ strategy: "simple_one_for_one", children: [child(Worker, [plan])] }),
    [],
  );
  const { pid } = await sup.startChild(["one"]);
  await sup.startChild(["two"]);
  await endWith(node, pid, BOOM);
  assertEquals(await sup.countChildren(), { specs: 1, active: 2, supervisors: 0, workers: 2 });
  assertEquals(plan.take(), ["start one", "start two", "end one boom", "start one"]);
});

nodeTest("simple_one_for_one_escalation", async ({ node }) => {
  const plan = new Plan();
  const [sup, pids] = await simple(node, plan, 4);
  const down = ended(node, sup.pid);
  plan.next("child", ...new Array(10).fill(new ExitError(atom("error"))));
  await endWith(node, pids[0], BOOM);
  assertEquals(await down, SHUTDOWN);
  assertEquals(plan.ways.get("child")!.length, 6);
});

nodeTest("simple_one_for_one_restart_ignore", async ({ node }) => {
  const plan = new Plan();
  const [sup, pids] = await simple(node, plan);
  plan.next("child", "ignore");
  await endWith(node, pids[0], BOOM);
  assertEquals(await counts(sup), [1, 1, 0, 1]);
});

// significant

nodeTest("nonsignificant_temporary, nonsignificant_transient", async ({ node }) => {
  for (const autoShutdown of ["never", "any_significant", "all_significant"] as const) {
    for (const restart of ["temporary", "transient"] as const) {
      const plan = new Plan();
      const sup = await tree(node, { autoShutdown }, [worker(plan, "child1", { restart })]);
      await endWith(node, await pidOf(sup, "child1"), NORMAL);
      assertEquals((await counts(sup))[1], 0);
      await sup.stop();
    }
  }
});

nodeTest("significant_temporary", async ({ node }) => {
  for (const reason of [NORMAL, SHUTDOWN, SHUTDOWN_TERM, BOOM]) {
    await endsBySignificant(node, "temporary", reason);
  }
});

nodeTest("significant_transient", async ({ node }) => {
  for (const reason of [NORMAL, SHUTDOWN, SHUTDOWN_TERM]) {
    await endsBySignificant(node, "transient", reason);
  }
  const plan = new Plan();
  const one = worker(plan, "child1", { restart: "transient", significant: true });
  const sup = await tree(node, { autoShutdown: "any_significant" }, [one]);
  await endWith(node, await pidOf(sup, "child1"), BOOM); // it is started again: that is no end
  assertEquals(await states(sup), { child1: "running" });
});

async function endsBySignificant(
  node: Node,
  restart: "temporary" | "transient",
  reason: Term,
): Promise<void> {
  const all = (plan: Plan): ReturnType<typeof worker>[] =>
    ["1", "2"].map((name) => worker(plan, name, { restart, significant: true }));
  const any = await tree(node, { autoShutdown: "any_significant" }, all(new Plan()));
  const down = ended(node, any.pid);
  await endWith(node, await pidOf(any, "1"), reason);
  assertEquals(await down, SHUTDOWN);
  const last = await tree(node, { autoShutdown: "all_significant" }, all(new Plan()));
  const over = ended(node, last.pid);
  await endWith(node, await pidOf(last, "1"), reason);
  assertEquals((await states(last))[2], "running");
  await endWith(node, await pidOf(last, "2"), reason);
  assertEquals(await over, SHUTDOWN);
}

nodeTest("significant_simple", async ({ node }) => {
  for (const autoShutdown of ["any_significant", "all_significant"] as const) {
    const only = child(Simple, [], { restart: "transient", significant: true });
    const spec = { strategy: "simple_one_for_one", autoShutdown, children: [only] };
    assertEquals(
      await reasonOf(node.start(supervisor(spec as unknown as SupervisorSpec), [])),
      `{supervisor_data,{bad_combination,[{auto_shutdown,${autoShutdown}},{strategy,simple_one_for_one}]}}`,
    );
  }
});

nodeTest("significant_bystander", async ({ node }) => {
  // One that is ended with others, or by whoever asks for it, has not ended by itself.
  const plan = new Plan();
  const flags = { strategy: "one_for_all", autoShutdown: "any_significant" } as const;
  const sup = await tree(node, flags, [
    worker(plan, "child1"),
    worker(plan, "child2", { restart: "transient", significant: true }),
  ]);
  await endWith(node, await pidOf(sup, "child1"), BOOM);
  assertEquals(await states(sup), { child1: "running", child2: "running" });
  await sup.terminateChild("child2");
  assertEquals(await states(sup), { child1: "running", child2: "stopped" });
});

nodeTest("significant_escalation", async ({ node }) => {
  // A supervisor that ends by itself is a significant child that has ended in order.
  const plan = new Plan();
  const significant = { restart: "transient", significant: true } as const;
  const inner = supervisor({
    autoShutdown: "any_significant",
    children: [worker(plan, "leaf", significant)],
  });
  const sup = await tree(node, { autoShutdown: "any_significant" }, [
    child(inner, [], { id: "inner", ...significant }),
  ]);
  const down = ended(node, sup.pid);
  const pid = await pidOf(sup, "inner");
  const [leaf] = node._core.process(pid)!.links.filter((linked) => !linked.equals(sup.pid));
  await endWith(node, leaf, NORMAL);
  assertEquals(await down, SHUTDOWN);
});

// The rest

nodeTest("child_unlink", async ({ node, platform }) => {
  // A child that has taken its link back is ended all the same.
  const sup = await tree(node, {});
  await sup.startChild(child(
    async (self) => {
      self.unlink(sup.pid);
      for await (const _ of self);
    },
    [],
    { id: "naughty" },
  ));
  const pid = await pidOf(sup, "naughty");
  await sup.terminateChild("naughty");
  assertEquals([node.isAlive(pid), platform.logs], [false, []]);
});

class Branch extends Supervisor {
  override init(plan: Plan, name: string): SupervisorSpec {
    const names = [`${name}1`, `${name}2`];
    return { intensity: 1, children: names.map((leaf) => worker(plan, leaf)) };
  }
}

nodeTest("tree", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, { intensity: 1 }, [
    child(Branch, [plan, "a"], { id: "a" }),
    child(Branch, [plan, "b"], { id: "b" }),
  ]);
  plan.take();
  const down = ended(node, sup.pid);
  const leaf = async (): Promise<Pid> =>
    node._core.process(await pidOf(sup, "b"))!.links.find((one) => !one.equals(sup.pid))!;
  await endWith(node, await leaf(), BOOM); // the branch restarts its leaf
  await states(sup);
  assertEquals(plan.take(), ["end b1 boom", "start b1"]);
  const branch = await pidOf(sup, "b");
  await endWith(node, await leaf(), BOOM); // and gives up, so that it is restarted itself
  await endOf(node, branch);
  assertEquals(await states(sup), { a: "running", b: "running" });
  assertEquals(plan.take().slice(1).sort(), ["end b1 shutdown", "start b1", "start b2"]);
  await endWith(node, await leaf(), BOOM);
  const second = await pidOf(sup, "b");
  await endWith(node, await leaf(), BOOM);
  await endOf(node, second);
  assertEquals(await down, SHUTDOWN); // the root gives up, too
  assertEquals(node.processes().length, 1);
});

async function endOf(node: Node, pid: Pid): Promise<void> {
  if (node.isAlive(pid)) await ended(node, pid);
}

nodeTest("count_children, count_children_supervisor", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, {}, [
    worker(plan, "child1"),
    worker(plan, "child2"),
    child(supervisor({ children: [] }), [], { id: "child3" }),
  ]);
  assertEquals(await counts(sup), [3, 3, 1, 2]);
  await sup.terminateChild("child1");
  assertEquals(await counts(sup), [3, 2, 1, 2]);
  await sup.deleteChild("child1");
  await sup.terminateChild("child3");
  assertEquals(await counts(sup), [2, 1, 1, 1]);
});

nodeTest("count_restarting_children", async ({ node }) => {
  const plan = new Plan();
  const [sup, pids] = await simple(node, plan, 10);
  plan.next("child", new ExitError(BOOM), new ExitError(BOOM));
  await endWith(node, pids[0], BOOM);
  assertEquals(await counts(sup), [1, 1, 0, 2]);
  assertEquals((await sup.whichChildren()).map(({ state }) => state), ["restarting", "running"]);
  assertEquals(await counts(sup), [1, 2, 0, 2]);
});

nodeTest("do_not_save_child_specs_for_temporary_children", async ({ node }) => {
  for (const strategy of ["one_for_one", "one_for_all", "rest_for_one"] as const) {
    const plan = new Plan();
    const sup = await tree(node, { strategy });
    await sup.startChild(worker(plan, "child1", { restart: "temporary" }));
    await endWith(node, await pidOf(sup, "child1"), BOOM);
    assertEquals(await states(sup), {});
    await sup.startChild(worker(plan, "child1", { restart: "temporary" }));
    await sup.terminateChild("child1");
    assertEquals(await states(sup), {});
    await sup.stop();
  }
});

nodeTest("simple_one_for_one_scale_many_temporary_children", async ({ node }) => {
  // The time of a start and of an end does not depend on how many there are: ten thousand are as good as ten. See scale.test.ts.
  const sup = await tree(node, { strategy: "simple_one_for_one" }, [
    child(Simple, [], { restart: "temporary" }),
  ]);
  for (let i = 0; i < 10_000; i++) await sup.startChild([]);
  for (const { pid } of await sup.whichChildren()) node.exit(pid!, BOOM);
  assertEquals(await counts(sup), [1, 0, 0, 0]);
});

for (const strategy of ["one_for_one", "rest_for_one", "simple_one_for_one"] as const) {
  const suffix = strategy === "one_for_one" ? "" : `_${strategy.replace("_one_for_one", "")}`;
  nodeTest(`hanging_restart_loop${suffix}`, async ({ node }) => {
    // A restart that fails again and again holds nobody up: what is asked meanwhile is answered, and a terminated child is left alone.
    const plan = new Plan();
    const sup = await tree(node, { strategy, intensity: 1_000 }, [worker(plan, "child1")]);
    const pid = strategy === "simple_one_for_one"
      ? (await sup.startChild([]) as { pid: Pid }).pid
      : await pidOf(sup, "child1");
    plan.next("child1", ...new Array(2_000).fill(new ExitError(BOOM)));
    await endWith(node, pid, BOOM);
    assertEquals((await sup.whichChildren())[0].state, "restarting");
    if (strategy === "simple_one_for_one") {
      await sup.terminateChild(pid);
      assertEquals(await sup.whichChildren(), []);
    } else {
      await assertRestarting(sup);
      await sup.terminateChild("child1");
      assertEquals(await states(sup), { child1: "stopped" });
    }
    const left = plan.ways.get("child1")!.length;
    for (let i = 0; i < 10; i++) await sup.whichChildren();
    assertEquals(plan.ways.get("child1")!.length, left);
  });
}

async function assertRestarting(sup: SupervisorRef): Promise<void> {
  for (const ask of [sup.restartChild("child1"), sup.deleteChild("child1")]) {
    const text = await (ask as Promise<unknown>).then(String, String);
    assertStringIncludes(text, "it is being restarted");
  }
}

clusterTest("simple_global_supervisor", async (a) => {
  // Supervisors and children that the whole cluster knows by name.
  const plan = new Plan();
  const children = [
    worker(plan, "server1", { register: { global: "server1" } }),
    child(
      supervisor({ children: [worker(plan, "leaf", { register: { global: "leaf" } })] }),
      [],
      { id: "supervisor2", register: { global: "supervisor2" } },
    ),
  ];
  const sup = await a.start(supervisor({ children }), [], { register: { global: "root" } });
  assertEquals(a.global.whereis("root"), sup.pid);
  const pids = ["server1", "supervisor2", "leaf"].map((name) => a.global.whereis(name)!);
  await endWith(a, pids[0], BOOM);
  await endWith(a, pids[2], BOOM);
  await states(await sup.getChild<SupervisorRef>("supervisor2"));
  assertEquals(await states(sup), { server1: "running", supervisor2: "running" });
  const again = ["server1", "supervisor2", "leaf"].map((name) => a.global.whereis(name)!);
  assertEquals(again.map((pid, i) => a.isAlive(pid) && pid.equals(pids[i])), [false, true, false]);
  await sup.stop();
});

nodeTest("scale_start_stop_many_children", async ({ node }) => {
  const sup = await tree(node, {});
  for (let i = 0; i < 2_000; i++) await sup.startChild(child(Simple, [], { id: i }));
  for (let i = 0; i < 2_000; i++) await sup.terminateChild(i);
  for (let i = 0; i < 2_000; i++) await sup.deleteChild(i);
  assertEquals(await counts(sup), [0, 0, 0, 0]);
});

nodeTest("order_of_children", async ({ node }) => {
  const plan = new Plan();
  const names = Array.from({ length: 40 }, (_, i) => String(i));
  const sup = await tree(node, {}, names.map((name) => worker(plan, name)));
  await endWith(node, await pidOf(sup, "7"), BOOM);
  assertEquals((await sup.whichChildren()).map(({ id }) => id), names);
  plan.take();
  await sup.stop();
  assertEquals(plan.take(), names.map((name) => `end ${name} shutdown`).reverse());
});
