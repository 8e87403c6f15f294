import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  GenServer,
  type Node,
  on,
  simulate,
  type Simulation,
  t,
  tagged,
  Udp,
} from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { bootCounter, COUNTER } from "./_cluster.ts";

const quick = { latency: 1, lateness: 0 };

async function two(sim: Simulation): Promise<[Node, Node]> {
  const a = await sim.startNode("a@sim");
  const b = await sim.startNode("b@sim", {}, bootCounter);
  await a.call(COUNTER, atom("get"));
  return [a, b];
}

test("a partition holds back what is sent, until it heals", async () => {
  await simulate({ seed: 1, network: quick }, async (sim) => {
    const [a] = await two(sim);
    sim.partition(["a@sim"]);
    let reply: unknown;
    const asked = a.call(COUNTER, atom("get")).then((value) => reply = value);
    await sim.sleep(4_000);
    assertEquals(reply, undefined);
    sim.heal();
    assertEquals(await asked, 0);
    assert(sim.now < 4_100);
  });
});

test("a partition of one way lets the other way through", async () => {
  await simulate({ seed: 1, network: quick }, async (sim) => {
    const [a, b] = await two(sim);
    const seen: unknown[] = [];
    const pid = a.spawn(async (self) => {
      for await (const message of self) seen.push(message);
    });
    sim.partition(["a@sim"], ["b@sim"], { oneWay: true });
    b.send(pid, 7);
    await sim.until(() => seen.length === 1);
    await assertRejects(() => a.call(COUNTER, atom("get"), { timeout: 300 }), Error, "no reply");
  });
});

test("a partition that lasts ends the connection by its ticks, on both sides", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const [a] = await two(sim);
    sim.partition(["a@sim"]);
    const before = sim.now;
    await assertRejects(
      () => a.call(COUNTER, atom("get"), { timeout: Infinity }),
      Error,
      "Cannot reach node",
    );
    assert(sim.now - before > 40_000 && sim.now - before < 90_000);
    sim.heal();
    assertEquals(await a.call(COUNTER, atom("get")), 0);
  });
});

test("connections that break are known at once on both sides, and made anew", async () => {
  await simulate({ seed: 1, network: quick }, async (sim) => {
    const [a] = await two(sim);
    const lost = a.call(COUNTER, atom("get"));
    sim.reset("a@sim", "b@sim");
    await assertRejects(() => lost, Error, "Cannot reach node b@sim");
    assertEquals(await a.call(COUNTER, atom("get")), 0);
  });
});

test("what goes to different nodes may overtake, what goes to one does not", async () => {
  let overtaken = 0;
  class Sink extends GenServer {
    seen: string[] = [];
    override readonly casts = { put: on(t.text, (text) => void this.seen.push(text)) };
  }
  for (let seed = 1; seed <= 5; seed++) {
    await simulate({ seed }, async (sim) => {
      const a = await sim.startNode("a@sim");
      const order: string[] = [];
      for (const name of ["b@sim", "c@sim"]) {
        await sim.startNode(name, {}, async (node) => {
          const sink = await node.start(Sink, [], { register: "sink" });
          const { body } = node._core.process(sink.pid)!;
          const { seen } = body as unknown as Sink;
          seen.push = (text) => order.push(text);
        });
        await a.connect(name);
      }
      for (let i = 0; i < 20; i++) {
        a.cast({ name: "sink", node: i % 2 === 0 ? "b@sim" : "c@sim" }, tagged("put", String(i)));
        await sim.sleep(1);
      }
      await sim.until(() => order.length === 20);
      const numbers = order.map(Number);
      for (const parity of [0, 1]) {
        const of = numbers.filter((number) => number % 2 === parity);
        assertEquals(of, of.toSorted((x, y) => x - y));
      }
      if (numbers.some((number, i) => number !== i)) overtaken++;
    });
  }
  assert(overtaken > 0);
});

test("datagrams are lost, come twice and overtake; streams do not", async () => {
  await simulate({ seed: 1, network: { loss: 0.2, duplicates: 0.2 } }, async (sim) => {
    const came: number[] = [];
    class Ear extends Udp {
      override init(): unknown {
        return this.bind({ host: "0.0.0.0", port: 7000 });
      }
      override handleDatagram(bytes: Uint8Array): void {
        came.push(bytes[0]);
      }
      override readonly casts = {
        shout: () => {
          for (let i = 0; i < 100; i++) {
            this.sendDatagram(new Uint8Array([i]), { host: "b@sim", port: 7000 });
          }
        },
      };
    }
    const a = await sim.startNode("a@sim");
    await sim.startNode("b@sim", {}, (node) => node.start(Ear, []));
    (await a.start(Ear, [])).cast("shout");
    await sim.sleep(1_000);
    const different = new Set(came);
    assert(different.size < 100 && different.size > 50);
    assert(came.length > different.size);
    assert(came.some((number, i) => i > 0 && number < came[i - 1]));
  });
});

test("a node that is paused does nothing, and is late afterwards", async () => {
  await simulate({ seed: 1, network: quick }, async (sim) => {
    const [a, b] = await two(sim);
    const fired: number[] = [];
    await b.start(
      class extends GenServer {
        override init(): void {
          setTimeout(() => fired.push(performance.now()), 100);
        }
      },
      [],
    );
    const began = sim.now;
    sim.pause("b@sim");
    const asked = a.call(COUNTER, atom("get"));
    await sim.sleep(2_000);
    assertEquals(fired, []);
    sim.resume("b@sim");
    assertEquals(await asked, 0);
    assertEquals(fired.length, 1);
    assert(fired[0] >= began + 2_000);
  });
});

test("clocks are skewed and drift apart; timers keep to their own", async () => {
  await simulate({ seed: 3, drift: 0.1 }, async (sim) => {
    await two(sim);
    const times = async (): Promise<number[]> => {
      const both = ["a@sim", "b@sim"].map((name) => sim.node(name)!._core.platform);
      return await Promise.resolve(both.map((platform) => platform.systemTime()));
    };
    const [a, b] = await times();
    await sim.sleep(100_000);
    const [later, laterB] = await times();
    assert(Math.abs(later - a - (laterB - b)) > 100);
    sim.skew("a@sim", -50_000);
    assertEquals(Math.round((await times())[0] - later), -50_000);
    assertThrows(() => sim.skew("a@sim", NaN), RangeError);
  });
});

test("what a node's code knows of itself is lost in a crash, what it had on its disk is not", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const [a, b] = await two(sim);
    await b.call("counter", tagged("add", 5));
    sim.crash(b);
    assertEquals(sim.node("b@sim"), null);
    await assertRejects(() => a.call(COUNTER, atom("get")), Error, "Cannot reach node b@sim");
    await sim.restart("b@sim");
    assertEquals(await a.call(COUNTER, atom("get")), 0);
    await assertRejects(() => sim.restart("b@sim"), Error, "it runs, crash or stop it first");
  });
});

test("what the script waits for of a node that crashes fails, and its code does not go on", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const [, b] = await two(sim);
    let went = false;
    const ref = await b.start(
      class extends GenServer {
        override readonly calls = {
          slow: async () => {
            await this.sleep(1_000);
            went = true;
          },
        };
        override terminate(): void {
          went = true;
        }
      },
      [],
    );
    const asked = ref.call("slow");
    const never = sim.whileUp(b, new Promise(() => {}));
    await sim.sleep(10);
    sim.crash("b@sim");
    for (const waits of [asked, never]) {
      await assertRejects(() => waits, Error, "node b@sim has stopped");
    }
    await sim.sleep(10_000);
    assert(!went);
  });
});

test("a power failure is silent: the others find out by their ticks, or when it is back", async () => {
  await simulate({ seed: 1, network: quick }, async (sim) => {
    const [a] = await two(sim);
    sim.crash("b@sim", { silent: true });
    const lost = a.call(COUNTER, atom("get"), { timeout: Infinity });
    const began = sim.now;
    await assertRejects(() => lost, Error, "Cannot reach node b@sim");
    assert(sim.now - began > 40_000);
    await sim.restart("b@sim");
    assertEquals(await a.call(COUNTER, atom("get")), 0);
  });
});

test("nodes find each other by EPMD, too", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const options = { epmd: {}, listen: { host: "0.0.0.0" } };
    const a = await sim.startNode("a@one", options);
    await sim.startNode("b@two", options, bootCounter);
    assertEquals(await a.call({ name: "counter", node: "b@two" }, atom("get")), 0);
  });
});

test("nodes may be asked for before they are started, and are there when they are", async () => {
  await simulate({ seed: 1, network: quick }, async (sim) => {
    const a = await sim.startNode("a@sim");
    const b = { name: "counter", node: "b@sim" };
    for (const node of ["b@sim", "c@sim"]) {
      await assertRejects(() => a.call({ name: "counter", node }, atom("get")), Error, node);
    }
    assertThrows(() => sim.crash("c@sim"), RangeError, "there is no node c@sim, there are a@sim");
    await sim.startNode("b@sim", {}, bootCounter);
    await sim.startNode("c@sim", {}, bootCounter);
    assertEquals(await a.call(b, atom("get")), 0);
    assertEquals(await a.call({ name: "counter", node: "c@sim" }, atom("get")), 0);
  });
});

test("a host may be asked for before a node is there, and stands still with its node", async () => {
  await simulate({ seed: 1, network: quick }, async (sim) => {
    const options = { epmd: {}, listen: { host: "0.0.0.0" } };
    const b = { name: "counter", node: "b@two" };
    const a = await sim.startNode("a@one", options);
    await assertRejects(() => a.call(b, atom("get")), Error, "b@two");
    await sim.startNode("b@two", options, bootCounter);
    assertEquals(await a.call(b, atom("get")), 0);
    sim.pause("b@two");
    let reply: unknown;
    const asked = a.call(b, atom("get")).then((value) => reply = value);
    await sim.sleep(1_000);
    assertEquals(reply, undefined);
    sim.resume("b@two");
    assertEquals(await asked, 0);
  });
});

test("a node that was stopped can be started again, one that runs or is not known cannot", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const [, b] = await two(sim);
    await assertRejects(() => sim.startNode("b@sim"), Error, "Cannot start b@sim: it runs already");
    assertThrows(
      () => sim.crash("c@sim"),
      RangeError,
      "there is no node c@sim, there are a@sim, b@sim",
    );
    await b.stop();
    assertEquals(sim.node("b@sim"), null);
    await sim.restart("b@sim");
    assertEquals(sim.nodes, ["a@sim", "b@sim"]);
  });
});

test("a start that fails leaves the name free", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    await assertRejects(() => sim.startNode("a@sim", { cookie: "" }), TypeError, "cookie");
    await assertRejects(
      () => sim.startNode("a@sim", {}, () => Promise.reject(new Error("no boot"))),
      Error,
      "no boot",
    );
    sim.crash("a@sim");
    await sim.startNode("a@sim");
  });
});

test("nodes can be there before the script begins", async () => {
  await simulate({ seed: 1, nodes: ["a@sim", "b@sim"] }, (sim) => {
    assertEquals(sim.nodes, ["a@sim", "b@sim"]);
  });
  await simulate({ seed: 1, nodes: { "a@sim": () => {}, "b@sim": bootCounter } }, async (sim) => {
    assertEquals(await sim.node("a@sim")!.call(COUNTER, atom("get")), 0);
  });
});

test("faults without end do not keep a script alive that does not end", async () => {
  const faults = { skew: { every: 1_000, by: 1 } };
  const error = await assertRejects(() =>
    simulate({ seed: 1, faults, maxTime: 100_000, shrink: 0 }, () => new Promise(() => {}))
  );
  assertMatch(String(error), /100000 ms have passed/);
});

test("until waits for a condition, and says which one does not hold in time", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    let done = false;
    setTimeout(() => done = true, 500);
    await sim.until(() => done);
    assert(sim.now < 501);
    const error = await assertRejects(() => sim.until(() => !done, { timeout: 1_000 }), Error);
    assertMatch(error.message, /after 1000 ms this does not hold: \(\) ?=> ?!done/);
  });
});

testNothingIsLeft();
