import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { application, atom, child, exit, format, GenServer, tuple } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { app, fault, names, placeTest, Root, until } from "./_support.ts";

// The end of an application

for (
  const [type, reason, stops] of [
    ["temporary", "normal", false],
    ["temporary", "boom", false],
    ["transient", "normal", false],
    ["transient", "shutdown", true],
    ["transient", "boom", true],
    ["permanent", "normal", true],
    ["permanent", "shutdown", true],
    ["permanent", "boom", true],
  ] as const
) {
  placeTest(
    `a ${type} application that ends with ${reason} ${stops ? "stops" : "does not stop"} the node`,
    async ({ node, platform, log }) => {
      const { applications } = node;
      await applications.start(app(log, "other"));
      await applications.start(app(log, "a"), type);
      assertStrictEquals(applications.info("a").type, type);
      await node.call("a_root", tuple(atom("end"), atom(reason))).catch(() => {});
      if (stops) {
        await node.stopped;
        assertStrictEquals(platform.exitCode, 1);
      } else {
        await until(() => !names(applications.which()).includes("a"));
        assertEquals(names(applications.which()), ["other"]);
        assertStrictEquals(platform.exitCode, 0);
        await applications.start("a", type); // it can be started again
      }
      assertEquals(log.slice(0, 5), [
        "other starts",
        "a starts",
        `a ends with ${reason}`,
        "a prepares",
        "a stops",
      ]);
      assertEquals(
        log.slice(5),
        stops ? ["other prepares", "other ends with shutdown", "other stops"] : ["a starts"],
      );
      assert(
        platform.logs.some(({ message }) =>
          new RegExp(`Application a.* has ended with ${reason}`).test(message)
        ),
      );
    },
  );
}

placeTest(
  "a transient or permanent application whose start fails stops the node",
  async ({ node, platform, log }) => {
    const bad = app(log, "bad", { start: () => exit(atom("nope")), mode: "transient" });
    await fault(node.applications.start(bad));
    await node.stopped;
    assertStrictEquals(platform.exitCode, 1);
  },
);

placeTest(
  "an application that crashes too often ends with its supervisor",
  async ({ node, platform, log }) => {
    await node.applications.start(application({
      name: "crashes",
      mode: "permanent",
      intensity: 1,
      children: [child(Root, [log, "child"], { register: "child" })],
    }));
    for (let i = 0; i < 2; i++) {
      await node.call("child", atom("fail")).catch(() => {});
      await platform.settle();
    }
    await node.stopped;
    assertEquals(log.filter((line) => line === "child starts").length, 2);
  },
);

placeTest(
  "stop is no end that stops a node, whatever the type",
  async ({ node, platform, log }) => {
    await node.applications.start(app(log, "a"), "permanent");
    await node.applications.stop("a");
    assertStrictEquals(platform.exitCode, 0);
    await node.applications.start("a");
  },
);

placeTest(
  "lifespan: an application stops by itself after its time, with normal",
  async ({ node, platform, log }) => {
    const { applications } = node;
    await applications.start(app(log, "short", { lifespan: 5_000 }), "transient");
    await platform.elapse(4_999);
    assertEquals(names(applications.which()), ["short"]);
    await platform.elapse(60);
    await until(() => applications.which().length === 0);
    assertEquals(log, [
      "short starts",
      "short prepares",
      "short ends with shutdown",
      "short stops",
    ]);
    assert(
      platform.logs.some(({ message }) =>
        message.startsWith("Application short has ended with normal")
      ),
    );
  },
);

placeTest(
  "what is left of an application's processes is killed when its root has ended",
  async ({ node, log }) => {
    class Parent extends GenServer {
      override init(): void {
        this.node.spawn(async (self) => {
          self.trapExit = true; // a link does not end it
          self.register("orphan");
          for await (const _ of self);
        }, { link: this.pid });
      }
    }
    await node.applications.start(app(log, "a", { start: (app) => app.start(Parent, []) }));
    await until(() => node.whereis("orphan") !== undefined);
    assertStrictEquals(node.applications.of(node.whereis("orphan")!), "a");
    await node.applications.stop("a");
    assertStrictEquals(node.whereis("orphan"), undefined);
  },
);

placeTest(
  "shutdown_timeout: an application that does not stop in its time is killed",
  async ({ node, platform, log }) => {
    const never = (): Promise<never> => new Promise(() => {});
    for (
      const [options, timeout] of [
        [{ prepStop: never, shutdown: 3_000 }, undefined],
        [{ stop: never, shutdown: 3_000 }, 9_000],
        [{ stop: never, shutdown: 9_000 }, 3_000],
        [{ stop: never }, 3_000],
      ] as const
    ) {
      const a = app(log, "a", options);
      await node.applications.start(a);
      const root = node.whereis("a_root")!;
      let stopped = false;
      const stopping = node.applications.stop("a", { timeout }).then(() => stopped = true);
      await platform.elapse(2_999);
      assertStrictEquals(stopped, false);
      await platform.elapse(60);
      await stopping;
      assertStrictEquals(node.isAlive(root), false);
      node.applications.unload("a");
    }
  },
);

placeTest("prepStop and stop that fail do not stop the stop", async ({ node, platform, log }) => {
  const bad = (): never => {
    throw new Error("no");
  };
  await node.applications.start(app(log, "a", { prepStop: bad, stop: bad }));
  await node.applications.stop("a");
  assertEquals(log, ["a starts", "a ends with shutdown"]);
  const logged = platform.logs.filter(({ level }) => level === "error").map(({ message }) =>
    message
  );
  assertMatch(logged[0], /^Application a has failed in prepStop: /);
  assertMatch(logged[1], /^Application a has failed in stop: /);
});

placeTest(
  "shutdown_deadlock: an application may use the others while it stops",
  async ({ node, log }) => {
    const { applications } = node;
    await applications.start(app(log, "b"));
    await applications.start(app(log, "a", {
      prepStop: async () => {
        const [pid, name] = [node.whereis("b_root")!, atom("application")];
        log.push(`prepares with ${await node.call(pid, name)}`);
        await (await node.start(Root, [log, "helper"])).stop();
      },
      stop: () => void log.push(`which: ${names(applications.which())}`),
    }));
    await node.stop();
    assertEquals(log, [
      "b starts",
      "a starts",
      "prepares with b",
      "helper starts",
      "helper ends with normal",
      "a ends with shutdown",
      "which: a,b",
      "b prepares",
      "b ends with shutdown",
      "b stops",
    ]);
    const error = await fault(applications.start("a"));
    assertMatch(error.message, /the node stops/);
  },
);

placeTest(
  "a start that has failed, and is being undone, is given up when the node stops",
  async ({ node, log }) => {
    const undone: string[] = [];
    const never = app(log, "never", {
      startPhases: { bad: () => exit(atom("nope")) },
      stop: () => {
        undone.push("stop");
        return new Promise(() => {});
      },
    });
    const starting = fault(node.applications.start(never));
    await until(() => undone.length > 0);
    await node.stop();
    assertMatch((await starting).message, /Cannot start application never: the node stops/);
  },
);

placeTest(
  "a start that fails says why, though it cannot be undone in its time",
  async ({ node, platform, log }) => {
    const stuck = app(log, "stuck", {
      startPhases: { bad: () => exit(atom("nope")) },
      shutdown: 2_000,
      stop: () => new Promise(() => {}),
    });
    const starting = fault(node.applications.start(stuck));
    await until(() => log.includes("stuck ends with shutdown"));
    await platform.elapse(2_100);
    assertStrictEquals(
      format((await starting).reason),
      "{nope,{stuck,start_phase,[bad,normal,[]]}}",
    );
  },
);

placeTest("an application that starts while the node stops is given up", async ({ node, log }) => {
  const never = app(log, "never", { start: () => new Promise(() => {}) });
  const starting = fault(node.applications.start(never));
  await until(() => node.applications.info("never").state === "starting");
  await node.stop();
  assertMatch((await starting).message, /Cannot start application never: the node stops/);
});

testNothingIsLeft();
