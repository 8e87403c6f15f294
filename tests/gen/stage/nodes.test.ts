/** Stages of two nodes of ours. */
import { assert, assertEquals } from "@std/assert";
import { atom, Consumer, Producer, t } from "../../../mod.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { Counter, instance, Keeper } from "./_stages.ts";

class Texts extends Consumer<string> {
  override readonly events = t.text;
  readonly got: string[] = [];
  over: unknown = null;
  override handleEvents(events: readonly string[]): void {
    this.got.push(...events);
  }
  override handleCancel({ reason }: { readonly reason: unknown }): void {
    this.over = reason;
  }
}

clusterTest("a node that takes no more is waited for, and nothing is lost", async (a, b) => {
  const texts = Array.from({ length: 200 }, (_, i) => `${i} ${"x".repeat(100_000)}`);
  let busy = 0;
  await a.start(Producer.from(texts), [], { register: "texts" });
  const outbox = a._core.send.bind(a._core);
  a._core.send = (...args: Parameters<typeof outbox>): void => {
    try {
      outbox(...args);
    } catch (error) {
      busy++;
      throw error;
    }
  };
  const consumer = await b.start(Texts, []);
  const there = instance(b, consumer, Texts);
  const options = { maxDemand: 100, minDemand: 90, cancel: "temporary" } as const;
  await consumer.subscribe({ name: "texts", node: "a@localhost" }, options);
  await arrived(() => there.over === atom("normal"));
  assertEquals(there.got.length, 200);
  assert(there.got.every((text, i) => text === texts[i]));
  assert(busy > 0, "the node was never busy, so this has shown nothing");
}, { node: { maxQueue: 1024 * 1024 } });

/** A cable from a to b that can be blocked. */
class Gate {
  closed = false;
  readonly #held: (() => void)[] = [];
  readonly defer = (deliver: () => void, link: { readonly from: string }): void => {
    if (this.closed && link.from === "a") this.#held.push(deliver);
    else setImmediate(deliver);
  };
  open(): void {
    this.closed = false;
    for (const deliver of this.#held.splice(0)) setImmediate(deliver);
  }
}

for (const kind of ["an iterator", "an async iterator"] as const) {
  const gate = new Gate();
  clusterTest(
    `nothing more is read of ${kind} for a node that takes nothing, whatever it has asked for`,
    async (a, b) => {
      let taken = 0;
      const text = "x".repeat(10_000);
      const numbers = function* (): Generator<string> {
        for (;; taken++) yield text;
      };
      const later = async function* (): AsyncGenerator<string> {
        for (;; taken++) yield await Promise.resolve(text);
      };
      const source = kind === "an iterator" ? numbers : later;
      const producer = await a.start(Producer.from<string>(source), [], { register: "texts" });
      const consumer = await b.start(Texts, []);
      const there = instance(b, consumer, Texts);
      assert(await b.ping("a@localhost"));
      gate.closed = true;
      const options = { maxDemand: 2 ** 50, minDemand: 0, cancel: "temporary" } as const;
      await consumer.subscribe({ name: "texts", node: "a@localhost" }, options);
      await arrived(() => taken > 200);
      let before = -1;
      for (let i = 0; i < 100 && before !== taken; i++) {
        before = taken;
        for (let j = 0; j < 20; j++) await turn();
      }
      assertEquals(taken, before, "it reads on and on");
      assert(taken < 10_000, String(taken));
      gate.open();
      await arrived(() => there.got.length > before / 2 && taken > before);
      a.exit(producer.pid, atom("kill"));
      await arrived(() => there.over === atom("killed"));
    },
    { node: { maxQueue: 1024 * 1024 }, network: { defer: gate.defer } },
  );
}

clusterTest(
  "a connection that is lost ends subscriptions on both sides with noconnection",
  async (a, b, { reset }) => {
    const numbers = await a.start(Counter, [{}, 10], { register: "numbers" });
    const keeper = await b.start(Keeper, []);
    await keeper.subscribe({ name: "numbers", node: "a@localhost" }, { cancel: "temporary" });
    const [counter, keeps] = [instance(a, numbers, Counter), instance(b, keeper, Keeper)];
    await arrived(() => keeps.got.length === 10);
    reset();
    await arrived(() => keeps.cancelled.length === 1 && counter.cancelled.length === 1);
    const lost = { kind: "down", reason: atom("noconnection") } as const;
    assertEquals([keeps.cancelled, counter.cancelled], [[lost], [lost]]);
    await keeper.subscribe({ name: "numbers", node: "a@localhost" }, { cancel: "temporary" });
    await arrived(() => counter.consumers.length === 1);
  },
);

clusterTest(
  "a stage of another node subscribes when it is told, and says what it has",
  async (a, b) => {
    await a.start(Counter, [{}, 10], { register: "numbers" });
    await b.start(Keeper, [], { register: "keeper" });
    const keeper = a.ref(Consumer, { name: "keeper", node: "b@localhost" });
    const tag = await keeper.subscribe("numbers", { maxDemand: 4, cancel: "temporary" }); // a name of a
    const keeps = instance(b, { pid: b.whereis("keeper")! }, Keeper);
    await arrived(() => keeps.got.length === 10);
    assert(keeps.producers[0].tag.equals(tag));
    const numbers = b.ref(Producer, { name: "numbers", node: "a@localhost" });
    assertEquals([await numbers.demand(), await numbers.estimateBufferedCount()], ["forward", 0]);
    numbers.cancel(tag, atom("bye"));
    await arrived(() => keeps.cancelled.length === 1);
  },
);

/** As `until`, for what goes over a network in memory. */
async function arrived(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!isSo() && performance.now() < end) await turn();
  assert(isSo(), `it has not come to that: ${isSo}`);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
