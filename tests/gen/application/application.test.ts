/*
 * The cases of OTP's application_SUITE (kernel) by name, where they make sense here:
 *
 * | case | here, in end.test.ts and in environment.test.ts |
 * | --- | --- |
 * | load, load_use_cache, otp_1586 (recursive load) | "load", "what an application depends on and includes"; the distributed part is left out |
 * | ensure_started, ensure_all_started, optional_applications, start_phases | the tests that begin so; start by Erlang in erlang.test.ts |
 * | otp_2718 (a transient application that fails during its start) | "a transient or permanent application whose start fails", "a transient application whose start exits with normal" |
 * | otp_2973 (two start the same application at once) | "who starts an application that starts already", with success and with a failure |
 * | otp_4227 (what is depended on has crashed) | "an application needs what it depends on to run" |
 * | otp_5363 (processes by their group leader are killed) | "what is left of an application's processes" |
 * | otp_3002 (illegal settings) | "a value of config that is of another kind" |
 * | get_env, set_env, set_env_persistent, persistent_env | "get_env, set_env" |
 * | get_key, get_supervisor | erlang.test.ts |
 * | shutdown_timeout, shutdown_deadlock | the same names, and tests/boot/signals.test.ts |
 *
 * Left out: failover, failover_comp, permissions, permit_false_start_local, permit_false_start_dist, nodedown_start, distr_changed_tc1, distr_changed_tc2, otp_2078,
 * otp_3184, otp_4066, otp_5606 are of distributed applications (dist_ac), which there are none of; config_change, change_config_data, otp_2012 of changes of
 * code in a running node; script_start, handle_many_config_files, config_relative_paths, configfd_bash, configfd_port_program, os_env of boot scripts and
 * files; shutdown_func of a hook in place of which there is `node.stopped`; format_log_1, format_log_2, set_env_errors of the form of OTP's own reports.
 */
import { assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import {
  application,
  type ApplicationContext,
  atom,
  child,
  exit,
  format,
  GenServer,
  Supervisor,
  type SupervisorSpec,
} from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { app, fault, faultOf, names, placeTest, Root, until } from "./_support.ts";

// What is refused

test("an application of which something is wrong is refused by the name of what that is", async () => {
  for (
    const [options, words] of [
      [undefined, /Cannot make an application: an object is needed/],
      [{}, /its name must be a text/],
      [{ name: "" }, /its name must be a text/],
      [
        { name: "a", childs: [] },
        /application a with option childs: there is no such option, there are name, /,
      ],
      [{ name: "a", version: 1 }, /option version: it must be of type string/],
      [{ name: "a", mode: "eternal" }, /option mode: it is one of temporary, transient, permanent/],
      [{ name: "a", start: () => 1, children: [] }, /option start: it has children too/],
      [
        { name: "a", stop: () => 1 },
        /option stop: no process runs, give \{ children \} or \{ start \}/,
      ],
      [
        { name: "a", strategy: "one_for_one" },
        /option strategy: only a supervisor of \{ children \} has it/,
      ],
      [{ name: "a", children: [], lifespan: -1 }, /option lifespan: it counts milliseconds/],
      [
        { name: "a", children: [], startPhases: { 1: () => 1 } },
        /option startPhases: 1 must begin with a letter/,
      ],
      [
        { name: "a", children: [], startPhases: { go: 1 } },
        /option startPhases: go must be a function/,
      ],
      [{ name: "a", applications: [1] }, /option applications: names or applications are needed/],
      [
        { name: "a", includedApplications: ["b"] },
        /option includedApplications: applications are needed/,
      ],
    ] as const
  ) {
    assertMatch(String(await faultOf(() => application(options as never)).catch(String)), words);
  }
});

// load, unload

placeTest("load makes an application known, unload forgets it", async ({ node, log }) => {
  const { applications } = node;
  const a = app(log, "a");
  assertEquals(applications.loaded(), []);
  applications.load(a);
  assertEquals(applications.loaded(), [{ name: "a", description: "the a", version: "1.0" }]);
  assertEquals(applications.which(), []);
  const twice = await faultOf(() => applications.load(a));
  assertStrictEquals(format(twice.reason), "{already_loaded,a}");
  applications.unload("a");
  assertEquals(applications.loaded(), []);
  assertStrictEquals(
    format((await faultOf(() => applications.unload("a"))).reason),
    "{not_loaded,a}",
  );
  assertStrictEquals(
    format((await faultOf(() => applications.info("a"))).reason),
    "{not_loaded,a}",
  );
  const none = await fault(applications.start("a"));
  assertStrictEquals(format(none.reason), '{"no such file or directory","a.app"}');
  assertMatch(none.message, /it is not loaded, give what application\(\{...\}\) has made/);
  await applications.start(a);
  assertStrictEquals(format((await faultOf(() => applications.unload("a"))).reason), "{running,a}");
});

placeTest(
  "what an application depends on and includes is loaded with it, where it holds it",
  ({ node, log }) => {
    const inner = app(log, "inner");
    const included = app(log, "included", { applications: [inner] });
    const a = app(log, "a", {
      applications: [app(log, "b"), "c"],
      optionalApplications: [app(log, "d")],
      includedApplications: [included as never],
    });
    node.applications.load(a);
    assertEquals(names(node.applications.loaded()), ["a", "b", "d", "included", "inner"]);
    node.applications.unload("a"); // as in OTP: with what it includes
    assertEquals(names(node.applications.loaded()), ["b", "d", "inner"]);
  },
);

placeTest("two applications of one name are told apart", async ({ node, log }) => {
  await node.applications.start(app(log, "a"));
  const other = await fault(node.applications.start(app(log, "a")));
  assertStrictEquals(format(other.reason), "{already_loaded,a}");
  assertMatch(
    String(await fault(node.applications.start({ name: "a" } as never)).catch(String)),
    /what application\(\{...\}\) has made is needed/,
  );
});

// start, stop

placeTest("start brings up the root, stop ends it in OTP's order", async ({ node, log }) => {
  const { applications } = node;
  await applications.start(app(log, "a"));
  assertEquals(names(applications.which()), ["a"]);
  const root = node.whereis("a_root")!;
  assertStrictEquals(await node.call(root, atom("application")), "a");
  await applications.stop("a");
  assertEquals(log, ["a starts", "a prepares", "a ends with shutdown", "a stops"]);
  assertEquals(applications.which(), []);
  assertStrictEquals(node.isAlive(root), false);
  assertStrictEquals(format((await fault(applications.stop("a"))).reason), "{not_started,a}");
  await applications.start("a"); // by its name, since it is loaded still
  assertStrictEquals(format((await fault(applications.start("a"))).reason), "{already_started,a}");
});

placeTest("the state goes from start to the phases, prepStop and stop", async ({ node, log }) => {
  await node.applications.start(application({
    name: "counts",
    start: async (app) => ({ root: await app.start(Root, [log, "root"]), state: { n: 1 } }),
    startPhases: { one: (_app, state) => log.push(`one ${state.n}`) },
    prepStop: (state) => ({ n: state.n + 1 }),
    stop: (state) => log.push(`stop ${state.n}`),
  }));
  await node.applications.stop("counts");
  assertEquals(log, ["root starts", "one 1", "root ends with shutdown", "stop 2"]);
});

placeTest("children are the children of a supervisor, which is the root", async ({ node, log }) => {
  const tree = application({
    name: "tree",
    env: { names: ["x", "y"] },
    strategy: "rest_for_one",
    children: (app) => app.env("names").map((name) => child(Root, [log, name], { id: name })),
  });
  await node.applications.start(tree);
  const info = node.applications.info("tree");
  assertStrictEquals(info.processes, 3);
  const children = await node.call(info.root!, atom("which_children")) as unknown[];
  assertStrictEquals(children.length, 2);
  await node.applications.stop("tree");
  assertEquals(log, ["x starts", "y starts", "y ends with shutdown", "x ends with shutdown"]);
});

placeTest("an application needs what it depends on to run", async ({ node, log }) => {
  const { applications } = node;
  const b = app(log, "b");
  const a = app(log, "a", { applications: [b] });
  const error = await fault(applications.start(a));
  assertStrictEquals(format(error.reason), "{not_started,b}");
  assertMatch(error.message, /it depends on b, which does not run, use ensureAllStarted/);
  await applications.start(b);
  await applications.start(a);
  await applications.stop("a");
  node.exit(node.whereis("b_root")!, atom("kill"));
  await until(() => !names(applications.which()).includes("b"));
  // As in OTP one that has ended by itself counts as started, but does not run.
  assertStrictEquals(format((await fault(applications.start(a))).reason), "{not_running,b}");
  await applications.stop("b");
  assertStrictEquals(format((await fault(applications.stop("b"))).reason), "{not_started,b}");
});

placeTest(
  "ensure_started, ensure_all_started: what runs is left alone, the rest is started in order",
  async ({ node, log }) => {
    const { applications } = node;
    const c = app(log, "c");
    const b = app(log, "b", { applications: [c] });
    const d = app(log, "d", { applications: ["c"] });
    const a = app(log, "a", { applications: [b, d, "c"] });
    assertEquals(await applications.ensureAllStarted(a), ["c", "b", "d", "a"]);
    assertEquals(await applications.ensureAllStarted([a, "b"]), []);
    assertEquals(names(applications.which()), ["a", "d", "b", "c"]);
    await applications.stop("a");
    assertEquals(await applications.ensureAllStarted(["a"]), ["a"]);
  },
);

placeTest(
  "ensure_all_started: where one fails, those that were started are stopped again",
  async ({ node, log }) => {
    const { applications } = node;
    const c = app(log, "c");
    await applications.start(c);
    const bad = app(log, "bad", { start: () => exit(atom("nope")), applications: ["c"] });
    const a = app(log, "a", { applications: [app(log, "b"), bad] });
    const error = await fault(applications.ensureAllStarted(a));
    assertStrictEquals(format(error.reason), "{bad,{nope,{bad,start,[normal,[]]}}}");
    assertEquals(names(applications.which()), ["c"]);
    assertEquals(log, ["c starts", "b starts", "b prepares", "b ends with shutdown", "b stops"]);
    const unknown = await fault(
      applications.ensureAllStarted(app(log, "e", { applications: ["f"] })),
    );
    assertStrictEquals(format(unknown.reason), '{f,{"no such file or directory","f.app"}}');
    const x = app(log, "x", { applications: ["y"] });
    applications.load(app(log, "y", { applications: [x] }));
    const circular = await fault(applications.ensureAllStarted("y"));
    assertMatch(circular.message, /Cannot start application y: it depends on itself, by y, x, y/);
  },
);

placeTest(
  "optional_applications: they are started before it where they are there",
  async ({ node, log }) => {
    const { applications } = node;
    const a = app(log, "a", { optionalApplications: ["b"] });
    assertEquals(await applications.ensureAllStarted(a), ["a"]);
    await applications.stop("a");
    applications.load(app(log, "b"));
    assertStrictEquals(format((await fault(applications.start("a"))).reason), "{not_started,b}");
    assertEquals(await applications.ensureAllStarted(a), ["b", "a"]);
  },
);

placeTest(
  "who starts an application that starts already waits for the same start",
  async ({ node, log }) => {
    const { applications } = node;
    let open: (() => void) | null = null;
    const slow = app(log, "slow", {
      start: async (app: ApplicationContext<Record<string, unknown>>) => {
        await new Promise<void>((resolve) => open = resolve);
        return app.start(Root, [log, "slow"]);
      },
    });
    const starts = [applications.start(slow), applications.start("slow")];
    await until(() => open !== null);
    assertStrictEquals(applications.info("slow").state, "starting");
    assertStrictEquals(
      format((await fault(applications.stop("slow"))).reason),
      "{not_started,slow}",
    );
    open!();
    await Promise.all(starts);
    assertEquals(log, ["slow starts"]);
  },
);

placeTest("a start that fails says so as OTP does, and leaves nothing", async ({ node, log }) => {
  const { applications } = node;
  const before = node.processes().length;
  for (
    const [start, reason, words] of [
      [() => exit(atom("nope")), "{nope,{bad,start,[normal,[]]}}", /Process exited: nope/],
      [
        () => undefined,
        /^\{bad_return,\{\{bad,start,\[normal,\[\]\]\},\{'EXIT',\{\{js_error,<<"TypeError">>/,
        /its start must return the root/,
      ],
      [
        () => Promise.reject(new RangeError("no disk")),
        /^\{bad_return,\{\{bad,start,\[normal,\[\]\]\},\{'EXIT',\{\{js_error,<<"RangeError">>,<<"no disk">>/,
        /Cannot start application bad: no disk/,
      ],
    ] as [() => unknown, string | RegExp, RegExp][]
  ) {
    const bad = app(log, "bad", { start: start as never });
    const error = await fault(applications.start(bad));
    if (typeof reason === "string") assertStrictEquals(format(error.reason), reason);
    else assertMatch(format(error.reason), reason);
    assertMatch(error.message, words);
    assertStrictEquals(node.processes().length, before);
    assertEquals(applications.which(), []);
    applications.unload("bad");
  }
});

placeTest(
  "a child that does not start makes the application fail with the reason of its supervisor",
  async ({ node, log }) => {
    class Bad extends GenServer {
      override init(): void {
        exit(atom("nope"));
      }
    }
    const bad = application({
      name: "bad",
      children: [child(Root, [log, "good"]), child(Bad, [], { id: "worse" })],
    });
    const error = await fault(node.applications.start(bad));
    assertMatch(
      format(error.reason),
      /^\{\{shutdown,\{failed_to_start_child,worse,nope\}\},\{bad,start,\[normal,\[\]\]\}\}$/,
    );
    assertEquals(log, ["good starts", "good ends with shutdown"]);
  },
);

// start_phases

placeTest(
  "start_phases: they run in their order when the tree is up, those of included applications behind",
  async ({ node, log }) => {
    const phase = (text: string) => (app: ApplicationContext<unknown>) => {
      log.push(`${text} of ${app.name}`);
    };
    const deep = app(log, "deep", { startPhases: { go: phase("go"), other: phase("other") } });
    const included = application({
      name: "included",
      env: { size: 3 },
      children: (app) => [child(Root, [log, `inner ${app.env("size")}`])],
      includedApplications: [deep as never],
      startPhases: { init: (app) => log.push(`init of ${app.name} ${app.env("size")}`) },
    });
    class Top extends Supervisor {
      override init(app: ApplicationContext<unknown>): SupervisorSpec {
        return {
          children: [child(Root, [log, "own"]), child(included.tree(app), [], { id: "inc" })],
        };
      }
    }
    await node.applications.start(application({
      name: "top",
      start: (app) => app.start(Top, [app]),
      includedApplications: [included],
      startPhases: {
        init: phase("init"),
        go: async (app) => {
          await Promise.resolve();
          phase("go")(app);
        },
      },
    }));
    assertEquals(log, [
      "own starts",
      "inner 3 starts",
      "init of top",
      "init of included 3",
      "go of top",
      "go of deep",
    ]);
    assertEquals(names(node.applications.which()), ["top"]); // it is a part of that one
    assertEquals(node.applications.info("top").startPhases, ["init", "go"]);
  },
);

placeTest(
  "start_phases: one that fails makes the start fail, and the tree ends",
  async ({ node, log }) => {
    const a = app(log, "a", {
      startPhases: {
        first: () => log.push("first"),
        bad: () => exit(atom("nope")),
        last: () => log.push("last"),
      },
    });
    const error = await fault(node.applications.start(a));
    assertStrictEquals(format(error.reason), "{nope,{a,start_phase,[bad,normal,[]]}}");
    assertEquals(log, ["a starts", "first", "a ends with shutdown", "a stops"]);
    assertStrictEquals(node.whereis("a_root"), undefined);
  },
);

placeTest(
  "start_phases: a root that ends meanwhile makes the start fail",
  async ({ node, log }) => {
    const a = app(log, "a", {
      startPhases: { bad: () => node.exit(node.whereis("a_root")!, atom("kill")) },
    });
    const error = await fault(node.applications.start(a));
    assertStrictEquals(format(error.reason), "{killed,{a,start_phase,[bad,normal,[]]}}");
  },
);

testNothingIsLeft();
