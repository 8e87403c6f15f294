// The cases of OTP's supervisor_SUITE that tell of starts, stops and what a supervisor is asked; their names are the titles. The
// cases about restarts are in suite_restarts.test.ts.
//
// | left out | why |
// | --- | --- |
// | code_change, code_change_map, code_change_simple, code_change_simple_map, significant_upgrade_* (7) | no code is changed while it runs: a program is started anew |
// | format_log_1, format_log_2 | the texts of OTP's log reports; ours are plain lines, see supervisor.test.ts |
// | external_start_no_progress_log | ours writes no progress reports |
// | do_not_save_start_parameters_for_temporary_children | looks into OTP's state record for memory; ours shares one specification, see scale.test.ts |
// | faulty_application_shutdown | is a case of applications |
// | simple_one_for_one_corruption | a bug of OTP's table of pids, which ours has not |
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { isTuple, tuple } from "../../../lib/etf/tuple.ts";
import { child, type ChildId } from "../../../lib/gen/supervisor/child.ts";
import { SupervisorError } from "../../../lib/gen/supervisor/errors.ts";
import type { SupervisorSpec } from "../../../lib/gen/supervisor/flags.ts";
import { Supervisor, supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import type { SupervisorRef } from "../../../lib/gen/supervisor/supervisor_ref.ts";
import { ExitError, NameError } from "../../../lib/node/errors.ts";
import { ignore, IgnoredError } from "../../../lib/node/process/ignore.ts";
import { BOOM, ended, nodeTest, SHUTDOWN } from "../../node/_nodes.ts";
import {
  counts,
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

// sup_start

nodeTest("sup_start_normal", async ({ node }) => {
  const sup = await tree(node, {});
  const down = ended(node, sup.pid);
  node.exit(sup.pid, SHUTDOWN);
  await sup.stop(SHUTDOWN).catch(() => {}); // it is not its parent who sends that signal: it goes on
  assertEquals(await down, SHUTDOWN);
});

class Unwilling extends Supervisor {
  override init(): typeof ignore {
    return ignore;
  }
}

nodeTest("sup_start_ignore_init", async ({ node }) => {
  await assertRejects(() => node.start(Unwilling, []), IgnoredError, "does not want to run");
  const sup = await tree(node, {}, [child(Unwilling, [], { id: "inner" })]);
  assertEquals(await states(sup), { inner: "stopped" });
});

nodeTest("sup_start_ignore_child", async ({ node }) => {
  const [plan, sup] = [new Plan(), await tree(node, {})];
  plan.next("child1", "ignore");
  assertEquals(await sup.startChild(worker(plan, "child1")), null);
  await sup.startChild(worker(plan, "child2"));
  assertEquals(await states(sup), { child1: "stopped", child2: "running" });
  assertEquals(await counts(sup), [2, 1, 0, 2]);
});

nodeTest("sup_start_ignore_temporary_child", async ({ node }) => {
  const plan = new Plan();
  plan.next("child1", "ignore");
  const all = ["child1", "child2"].map((name) => worker(plan, name, { restart: "temporary" }));
  const sup = await tree(node, {}, all);
  assertEquals(await states(sup), { child2: "running" });
  assertEquals(await counts(sup), [1, 1, 0, 1]);
});

nodeTest("sup_start_ignore_temporary_child_start_child", async ({ node }) => {
  const [plan, sup] = [new Plan(), await tree(node, {})];
  plan.next("child1", "ignore");
  assertEquals(await sup.startChild(worker(plan, "child1", { restart: "temporary" })), null);
  await sup.startChild(worker(plan, "child2", { restart: "temporary" }));
  assertEquals(await states(sup), { child2: "running" });
  assertEquals(await counts(sup), [1, 1, 0, 1]);
});

for (const restart of ["temporary", "permanent"] as const) {
  nodeTest(`sup_start_ignore_${restart}_child_start_child_simple`, async ({ node }) => {
    const plan = new Plan();
    const sup = await tree(node, { strategy: "simple_one_for_one" }, [
      worker(plan, "child1", { restart }),
    ]);
    plan.next("child1", "ignore");
    assertEquals(await sup.startChild([]), null);
    await sup.startChild([]);
    assertEquals(await counts(sup), [1, 1, 0, 1]);
    await sup.stop(SHUTDOWN);
  });
}

class Invalid extends Supervisor {
  override init(what: unknown): SupervisorSpec {
    if (what === "fail") throw new Error("fail");
    return what as SupervisorSpec;
  }
}

nodeTest("sup_start_error_return", async ({ node }) => {
  assertEquals(
    await reasonOf(node.start(Invalid, [atom("invalid")])),
    "{bad_return,{'Invalid',init,invalid}}",
  );
});

nodeTest("sup_start_fail", async ({ node }) => {
  assertStringIncludes(
    await reasonOf(node.start(Invalid, ["fail"])),
    '{{js_error,<<"Error">>,<<"fail">>}',
  );
});

nodeTest("sup_start_child_returns_error", async ({ node }) => {
  const [plan, sup] = [new Plan(), await tree(node, {})];
  plan.next("child1", new ExitError(atom("reason")));
  assertEquals(await reasonOf(sup.startChild(worker(plan, "child1"))), "reason");
  assertEquals(await states(sup), {});
});

nodeTest("sup_start_restart_child_returns_error", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, {}, [worker(plan, "child1")]);
  await sup.terminateChild("child1");
  plan.next("child1", new ExitError(atom("reason")));
  assertEquals(await reasonOf(sup.restartChild("child1")), "reason");
  assertEquals(await states(sup), { child1: "stopped" });
});

nodeTest("sup_start_child_returns_error_simple", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, { strategy: "simple_one_for_one" }, [worker(plan, "child1")]);
  plan.next("child1", new ExitError(atom("reason")));
  assertEquals(await reasonOf(sup.startChild([])), "reason");
  assertEquals(await sup.whichChildren(), []);
});

// sup_start_map

nodeTest("sup_start_map", async ({ node }) => {
  const sup = await tree(node, {}, [
    child(Simple, [], { id: "child1" }),
    child(Simple, [], { id: "child2", shutdown: "brutal_kill" }),
    child(Simple, [], { id: "child3", type: "supervisor" }),
  ]);
  const shown = async (id: ChildId): Promise<unknown> => {
    const { restart, shutdown, type, significant } = await sup.getChildSpec(id);
    return { restart, shutdown, type, significant };
  };
  const defaults = { restart: "permanent", shutdown: 5_000, type: "worker", significant: false };
  assertEquals(await shown("child1"), defaults);
  assertEquals(await shown("child2"), { ...defaults, shutdown: "brutal_kill" });
  assertEquals(await shown("child3"), { ...defaults, shutdown: Infinity, type: "supervisor" });
  assertEquals(await reasonOf(sup.getChildSpec("child4")), "not_found");
});

nodeTest("sup_start_map_simple", async ({ node }) => {
  const only = child(Simple, [], { restart: "temporary" });
  const sup = await tree(node, { strategy: "simple_one_for_one" }, [only]);
  await sup.startChild([]);
  const [{ pid, id }] = await sup.whichChildren();
  assertEquals([await sup.getChildSpec(pid!), id], [only, null]);
  assertEquals(await sup.getChildSpec("Simple"), only);
  assertEquals(await reasonOf(sup.getChildSpec("child2")), "not_found");
});

nodeTest("sup_start_map_faulty_specs", async ({ node }) => {
  const start = (children: unknown): Promise<string> =>
    reasonOf(node.start(Invalid, [{ children }]));
  assertEquals(await start([atom("child4")]), "{start_spec,{invalid_child_spec,child4}}");
  assertStringIncludes(await start("all"), "{start_spec,{invalid_child_spec");
  assertEquals(
    await start([child(Simple, [], { id: "a" }), child(Simple, [], { id: "a" })]),
    "{start_spec,{duplicate_child_name,a}}",
  );
});

// sup_stop

nodeTest("sup_stop_infinity", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, {}, [
    worker(plan, "child1", { shutdown: Infinity, type: "supervisor" }),
    worker(plan, "child2", { shutdown: Infinity }),
  ]);
  plan.take();
  await sup.stop(SHUTDOWN);
  assertEquals(plan.take(), ["end child2 shutdown", "end child1 shutdown"]);
});

nodeTest("sup_stop_timeout", async ({ node, platform }) => {
  const plan = new Plan();
  const sup = await tree(node, {}, [
    worker(plan, "child1", { shutdown: 1_000 }),
    worker(plan, "child2", { shutdown: 1_000 }),
  ]);
  plan.take();
  node.send(await pidOf(sup, "child2"), atom("hang"));
  const stopped = sup.stop(SHUTDOWN);
  await platform.elapse(999);
  assertEquals(plan.take(), []);
  await platform.elapse(33); // deadlines of a second and more may be 32 ms late
  await stopped;
  assertEquals(plan.take(), ["end child2 killed", "end child1 shutdown"]);
});

nodeTest("sup_stop_timeout_dynamic", async ({ node, platform }) => {
  const plan = new Plan();
  const sup = await tree(node, { strategy: "simple_one_for_one" }, [
    worker(plan, "child", { shutdown: 900 }),
  ]);
  for (let i = 0; i < 4; i++) await sup.startChild([]);
  const pids = (await sup.whichChildren()).map(({ pid }) => pid!);
  node.send(pids[0], atom("hang"));
  node.send(pids[1], atom("hang"));
  plan.take();
  const stopped = sup.stop(SHUTDOWN);
  await platform.elapse(899);
  assertEquals(plan.take(), ["end child shutdown", "end child shutdown"]);
  await platform.elapse(1); // one time for all of them together
  await stopped;
  assertEquals(plan.take(), ["end child killed", "end child killed"]);
});

nodeTest("sup_stop_brutal_kill", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, {}, [
    worker(plan, "child1", { shutdown: 1_000 }),
    worker(plan, "child2", { shutdown: "brutal_kill" }),
  ]);
  plan.take();
  await sup.stop(SHUTDOWN);
  assertEquals(plan.take(), ["end child2 killed", "end child1 shutdown"]);
});

nodeTest("sup_stop_brutal_kill_dynamic", async ({ node, platform }) => {
  const plan = new Plan();
  const sup = await tree(node, { strategy: "simple_one_for_one" }, [
    worker(plan, "child", { shutdown: "brutal_kill" }),
  ]);
  for (let i = 0; i < 3; i++) await sup.startChild([]);
  plan.take();
  await sup.stop(SHUTDOWN);
  assertEquals(plan.take(), new Array(3).fill("end child killed"));
  assertEquals(platform.logs, []); // a child that is to be killed is killed in order
});

nodeTest("sup_stop_race", async ({ node, platform }) => {
  // Children that have ended by themselves when the supervisor ends, which has not heard of it yet.
  const plan = new Plan();
  const sup = await tree(node, {}, [
    worker(plan, "child1", { restart: "transient" }),
    worker(plan, "child2"),
  ]);
  const pids = [await pidOf(sup, "child1"), await pidOf(sup, "child2")];
  for (const pid of pids) node._core.process(pid)!.exit(pid === pids[0] ? SHUTDOWN : BOOM);
  node._core.process(sup.pid)!.stop(SHUTDOWN); // before its next message
  await ended(node, sup.pid);
  const lines = platform.logs.map(({ message }) => message);
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0], "not as it was told, child child2");
  assertStringIncludes(lines[0], "boom");
});

nodeTest("sup_stop_non_shutdown_exit_dynamic", async ({ node, platform }) => {
  const sup = await tree(node, { strategy: "simple_one_for_one" }, [
    child(
      async (self) => {
        self.trapExit = true;
        await self.receive();
        throw new ExitError(BOOM);
      },
      [],
      { id: "child" },
    ),
  ]);
  for (let i = 0; i < 3; i++) await sup.startChild([]);
  await sup.stop(SHUTDOWN);
  assertEquals(platform.logs.length, 1); // one report for all that are alike
  assertStringIncludes(platform.logs[0].message, "3 children child: boom");
});

// What it is asked

nodeTest("child_adm", async ({ node }) => {
  const plan = new Plan();
  const sup = await tree(node, {}, [worker(plan, "child1", { shutdown: 1_000 })]);
  const one = worker(plan, "child1");
  assertEquals(await states(sup), { child1: "running" });
  const failure = await assertRejects(() => sup.startChild(one), SupervisorError);
  assertEquals([failure.code, failure.pid], ["already_started", await pidOf(sup, "child1")]);
  assertEquals(await reasonOf(sup.deleteChild("child1")), "running");
  assertEquals(await reasonOf(sup.restartChild("child1")), "running");
  await sup.terminateChild("child1");
  assertEquals(await states(sup), { child1: "stopped" });
  assertEquals(await reasonOf(sup.startChild(one)), "already_present");
  await sup.terminateChild("child1"); // once more is no error
  await sup.restartChild("child1");
  assertEquals(await states(sup), { child1: "running" });
  await sup.terminateChild("child1");
  await sup.deleteChild("child1");
  for (const ask of ["terminateChild", "restartChild", "deleteChild"] as const) {
    assertEquals(await reasonOf(sup[ask]("child1")), "not_found");
  }
  await sup.startChild(one);
  assertEquals(await counts(sup), [1, 1, 0, 1]);
});

nodeTest("child_adm_simple", async ({ node }) => {
  const sup = await tree(node, { strategy: "simple_one_for_one" }, [child(Simple, [])]);
  for (let i = 0; i < 2; i++) await sup.startChild([]);
  const [{ pid }, other] = await sup.whichChildren();
  await sup.terminateChild(pid!);
  assertEquals(await sup.whichChildren(), [other]);
  await sup.terminateChild(pid!); // it may have ended by itself: that is no error
  assertEquals(await reasonOf(sup.terminateChild("Simple")), "simple_one_for_one");
  assertEquals(await reasonOf(sup.restartChild("Simple")), "simple_one_for_one");
  assertEquals(await reasonOf(sup.deleteChild("Simple")), "simple_one_for_one");
  assertEquals(await reasonOf(sup.terminateChild(node.pid)), "not_found");
  await assertRejects(() => sup.startChild(child(Simple, [])), TypeError, "give the missing");
  await assertRejects(
    async () => await (await tree2(node)).startChild([]),
    TypeError,
    "give child(...)",
  );
});

async function tree2(node: Parameters<typeof tree>[0]): Promise<SupervisorRef> {
  return await node.start(supervisor({ children: [] }), []);
}

nodeTest("extra_return", async ({ node }) => {
  const sup = await tree(node, {});
  const extra = tuple(atom("extra"), atom("info"));
  node.provide("mod", {
    start: async () => tuple(atom("ok"), (await node.start(Simple, [])).pid, extra),
  });
  const mfa = tuple(atom("mod"), atom("start"), []);
  const spec = tuple(atom("one"), mfa, atom("permanent"), 1_000, atom("worker"), []);
  const ask = (request: unknown): Promise<Term> => node.call("sup", request as Term);
  const info = (reply: Term): Term => isTuple(reply) && reply.length === 3 ? reply[2] : null;
  assertEquals(info(await ask(tuple(atom("start_child"), spec))), extra);
  await endWith(node, await pidOf(sup, "one"), BOOM);
  assertEquals(await states(sup), { one: "running" });
  await sup.terminateChild("one");
  assertEquals(info(await ask(tuple(atom("restart_child"), atom("one")))), extra);
});

nodeTest("child_specs, child_specs_map", async ({ node }) => {
  const sup = await tree(node, {});
  const start = (options: object): Promise<string> =>
    reasonOf(sup.startChild(child(Simple, [], { id: "a", ...options })));
  assertEquals(await start({ restart: "prmanent" }), "{invalid_restart_type,prmanent}");
  assertEquals(await start({ shutdown: -10 }), "{invalid_shutdown,-10}");
  assertEquals(await start({ type: "wrker" }), "{invalid_child_type,wrker}");
  assertEquals(await start({ significant: 1 }), "{invalid_significant,1}");
  const bad = "{bad_combination,[{auto_shutdown,never},{significant,true}]}";
  assertEquals(await start({ significant: true, restart: "transient" }), bad);
  await assertRejects(() => sup.startChild({} as never), TypeError, "child(...) is needed");
  assertEquals(await states(sup), {});
});

nodeTest("sup_flags", async ({ node }) => {
  const start = (flags: object): Promise<string> =>
    reasonOf(node.start(Invalid, [{ children: [], ...flags }]));
  const wrong = (what: string): string => `{supervisor_data,{invalid_${what}}}`;
  assertEquals(await start({ strategy: "none_for_one" }), wrong("strategy,none_for_one"));
  assertEquals(await start({ intensity: -1 }), wrong("intensity,-1"));
  assertEquals(await start({ intensity: 1.5 }), wrong("intensity,1.5"));
  assertEquals(await start({ period: 0 }), wrong("period,0"));
  assertEquals(await start({ autoShutdown: "some" }), wrong("auto_shutdown,some"));
  assertStringIncludes(await start({ intensities: 1 }), "invalid_flag");
  await assertRejects(
    () => node.start(Invalid, [{ children: [], intensty: 1 }]),
    ExitError,
    "intensity may be meant",
  );
  assertEquals(
    await start({ strategy: "simple_one_for_one" }),
    "{bad_start_spec,[]}",
  );
});

nodeTest("already_started_outside_supervisor", async ({ node }) => {
  const { pid } = await node.start(Simple, [], { register: "taken" });
  const sup = await tree(node, {});
  const named = child(Simple, [], { register: "taken", id: "a" });
  assertEquals(await reasonOf(sup.startChild(named)), `{already_started,${format(pid)}}`);
  const failure = await assertRejects(() => sup.startChild(named), SupervisorError);
  assertEquals([failure.pid, (failure.cause as Error).name], [pid, NameError.name]);
});

nodeTest("which_children, which_children_simple_one_for_one", async ({ node }) => {
  const sup = await tree(node, {}, [
    child(Simple, [], { id: "a" }),
    child(Worker, [new Plan(), ""]),
  ]);
  const pids = (await sup.whichChildren()).map(({ pid }) => format(pid!));
  assertEquals(
    format(await node.call("sup", atom("which_children"))),
    `[{'Worker',${pids[1]},worker,['Worker']},{a,${pids[0]},worker,['Simple']}]`,
  );
  await sup.terminateChild("a");
  assertEquals(
    format(await node.call("sup", atom("which_children"))),
    `[{'Worker',${pids[1]},worker,['Worker']},{a,undefined,worker,['Simple']}]`,
  );
  await sup.stop();
  const simple = await tree(node, { strategy: "simple_one_for_one" }, [child(Simple, [])]);
  await simple.startChild([]);
  const [{ pid }] = await simple.whichChildren();
  const one = async (id: Term): Promise<string> =>
    format(await node.call("sup", tuple(atom("which_child"), id) as Term));
  assertEquals(await one(pid!), `{ok,{undefined,${format(pid!)},worker,['Simple']}}`);
  assertEquals(await one(atom("Simple")), "{error,simple_one_for_one}");
  assertEquals(await one(node.pid), "{error,not_found}");
  assertEquals(
    format(await node.call("sup", atom("which_children"))),
    `[{undefined,${format(pid!)},worker,['Simple']}]`,
  );
});

nodeTest("get_callback_module", async ({ node }) => {
  class Callback extends Supervisor {
    override init(): SupervisorSpec {
      return { children: [] };
    }
  }
  await node.start(Callback, [], { register: "sup" });
  const status = format(
    await node._core.systemCall(node._core.main, "sup", atom("get_status"), {}) as Term,
  );
  assertStringIncludes(status, "{supervisor,[{\"Callback\",'Callback'}]}");
});
