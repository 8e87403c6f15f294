import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import {
  application,
  type ApplicationContext,
  atom,
  child,
  equal,
  exit,
  format,
  GenServer,
  isTuple,
  startNode,
} from "../../../mod.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { app, fault, faultOf, names, placeTest, Root, until } from "./_support.ts";

// The environment

placeTest(
  "get_env, set_env: own values, those of the node's config, and what is set",
  ({ node, log }) => {
    const { applications } = node;
    const env = { port: 80, hosts: ["a"], name: null as string | null };
    const a = app(log, "a", { env });
    applications.setEnv("a", "early", 1);
    applications.setEnv("a", "port", 1);
    assertEquals([applications.getEnv("a", "early"), applications.getEnv("a", "none")], [
      1,
      undefined,
    ]);
    applications.load(a); // as in OTP: it overrides what was set before
    assertEquals(applications.getAllEnv("a"), {
      early: 1,
      port: 8080,
      hosts: ["a"],
      name: "x",
      more: true,
    });
    applications.setEnv("a", "port", 81);
    applications.setEnv("a", "hosts", ["b"], { persistent: true });
    applications.unsetEnv("a", "more");
    assertEquals(applications.getAllEnv("a"), { early: 1, port: 81, hosts: ["b"], name: "x" });
    applications.unload("a");
    assertEquals(applications.getAllEnv("a"), {});
    applications.load(a);
    assertEquals(applications.getAllEnv("a"), { port: 8080, hosts: ["b"], name: "x", more: true });
    assertStrictEquals(applications.getEnv("a", "toString"), undefined);
  },
  { config: { a: { port: 8080, name: "x", more: true } } },
);

placeTest(
  "a value of config that is of another kind than the application's own is refused",
  async ({ node, log }) => {
    const error = await faultOf(() => node.applications.load(app(log, "a", { env: { port: 80 } })));
    assertMatch(
      error.message,
      /Cannot load application a: its env port is of type number, config gives string/,
    );
    assertEquals(node.applications.loaded(), []);
  },
  { config: { a: { port: "80" } } },
);

// What is told

placeTest(
  "info tells all that there is, of finds a process's application",
  async ({ node, platform, log }) => {
    const { applications } = node;
    const a = app(log, "a", {
      group: "web",
      tags: ["blue"],
      weight: 3,
      registered: ["a_root"],
      mode: "transient",
      env: { k: 1 },
    });
    applications.load(a);
    const loaded = applications.info("a");
    assertEquals([
      loaded.state,
      loaded.type,
      loaded.pid,
      loaded.root,
      loaded.processes,
      loaded.uptime,
    ], ["loaded", null, null, null, 0, 0]);
    await applications.start("a");
    await platform.elapse(500);
    const info = applications.info("a");
    assertEquals([info.state, info.type, info.mode, info.group, info.weight], [
      "running",
      "transient",
      "transient",
      "web",
      3,
    ]);
    assertEquals([info.tags, info.registered, info.env, info.processes, info.uptime], [
      ["blue"],
      ["a_root"],
      { k: 1 },
      1,
      500,
    ]);
    assert(info.root!.equals(node.whereis("a_root")!));
    assertStrictEquals(applications.of(info.root!), "a");
    assertStrictEquals(applications.of(info.pid!), "a");
    assertStrictEquals(applications.of(node.whereis("rex")!), undefined);
    assertStrictEquals(applications.of(node.pid), undefined);
  },
);

placeTest("a library has no processes: others can depend on it", async ({ node, log }) => {
  const { applications } = node;
  const library = application({ name: "library", env: { k: 1 } });
  await applications.ensureAllStarted(app(log, "a", { applications: [library] }));
  assertEquals(names(applications.which()), ["a", "library"]);
  assertEquals([applications.info("library").pid, applications.info("library").state], [
    null,
    "running",
  ]);
  await applications.stop("library");
  assertEquals(names(applications.which()), ["a"]);
});

placeTest(
  "a root that the application did not start by its context is taken as well",
  async ({ node, log }) => {
    await node.applications.start(app(log, "a", { start: () => node.start(Root, [log, "a"]) }));
    const { root, pid } = node.applications.info("a");
    assertStrictEquals(node.applications.of(root!), "a");
    assert(node._core.process(root!)!.parent!.equals(pid!));
    await node.applications.stop("a");
    assertEquals(log, ["a starts", "a prepares", "a ends with shutdown", "a stops"]);
  },
);

test("startNode starts applications in their order, and stops again where one fails", async () => {
  const log: string[] = [];
  const platform = new FakePlatform();
  const options = { network: false, platform } as const;
  const [a, b] = [app(log, "a"), app(log, "b", { applications: ["a"] })];
  const node = await startNode("apps@localhost", {
    ...options,
    applications: [a, { application: b, type: "permanent" }],
  });
  assertEquals(names(node.applications.which()), ["b", "a"]);
  assertEquals([node.applications.info("a").type, node.applications.info("b").type], [
    "temporary",
    "permanent",
  ]);
  await node.stop();
  log.length = 0;
  const bad = app(log, "bad", { start: () => exit(atom("nope")) });
  const error = await fault(startNode("apps@localhost", { ...options, applications: [a, bad] }));
  assert(isTuple(error.reason) && equal(error.reason[0], atom("bad")));
  assertEquals(log, ["a starts", "a prepares", "a ends with shutdown", "a stops"]);
  assertEquals([platform.keptAlive, platform.pendingTimers], [0, 0]);
});

placeTest("one application runs on several nodes", async ({ node, log }) => {
  const a = app(log, "a", { start: (app) => app.start(Root, [log, app.node.name]) });
  await using other = await startNode("other@localhost", { network: false, signals: false });
  await Promise.all([node.applications.start(a), other.applications.start(a)]);
  assertEquals(log.toSorted(), ["other@localhost starts", "place@localhost starts"]);
  await other.applications.stop("a");
  assertEquals(names(node.applications.which()), ["a"]);
});

placeTest("the processes of an application inherit its environment", async ({ node }) => {
  class Reads extends GenServer {
    override readonly calls = { size: () => this.env.get("size") };
  }
  await node.applications.start(application({
    name: "env",
    env: { size: 3 },
    children: [child(Reads, [], { register: "reads" })],
  }));
  assertStrictEquals(await node.call("reads", atom("size")), 3);
});

placeTest(
  "a transient application whose start exits with normal does not stop the node",
  async ({ node, log }) => {
    const quiet = app(log, "quiet", { start: () => exit(atom("normal")), mode: "transient" });
    const error = await fault(node.applications.start(quiet));
    assertStrictEquals(format(error.reason), "{{'EXIT',normal},{quiet,start,[normal,[]]}}");
    await node.applications.start(app(log, "a")); // it goes on
  },
);

placeTest(
  "who starts an application that starts already, and fails, gets the same error",
  async ({ node, log }) => {
    let fail: ((error: unknown) => void) | null = null;
    const bad = app(log, "bad", { start: () => new Promise((_, reject) => fail = reject) });
    const starts = [fault(node.applications.start(bad)), fault(node.applications.start("bad"))];
    await until(() => node.applications.info("bad").state === "starting");
    await until(() => fail !== null);
    fail!(new RangeError("no disk"));
    const [one, two] = await Promise.all(starts);
    assertStrictEquals(one, two);
    assertStrictEquals(node.applications.info("bad").state, "loaded");
  },
);

placeTest(
  "nothing can be started by the context of an application that has ended",
  async ({ node, log }) => {
    const kept: ApplicationContext<Record<string, unknown>>[] = [];
    await node.applications.start(app(log, "a", {
      start: (app) => {
        kept.push(app);
        return app.start(Root, [log, "a"]);
      },
    }));
    await node.applications.stop("a");
    const words = /Cannot start a process of application a: it has ended/;
    assertMatch((await fault(kept[0].start(Root, [log, "late"]))).message, words);
    assertMatch((await faultOf(() => kept[0].spawn(() => {}))).message, words);
  },
);

testNothingIsLeft();
