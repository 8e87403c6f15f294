// Events that go through three stages: a producer here, a producer-consumer in another process, and a consumer here. `stages.ts flow
// --far NODE`; `stages.ts far NODE` is the other side, until its standard input ends.

import process from "node:process";
import { Consumer, type Node, Producer, ProducerConsumer, startNode, t } from "../../mod.ts";
import type { Work } from "../_measure.ts";
import { OPTIONS } from "../remote.ts";
import { ownName, report, task } from "./_report.ts";

class Doubler extends ProducerConsumer<number, number> {
  override readonly events = t.integer;
  override handleEvents(events: readonly number[]): readonly number[] {
    return events.map((n) => 2 * n);
  }
}

/** Counts to what is wanted: by then all that came has come in order. */
class Counting extends Consumer<number> {
  override readonly events = t.integer;
  #next = 0;
  #wanted = 0;
  #done: () => void = () => {};

  override handleEvents(events: readonly number[]): void {
    for (const n of events) {
      if (n !== 2 * this.#next) throw new Error(`Cannot go on: ${n} came, not ${2 * this.#next}`);
      if (++this.#next === this.#wanted) this.#done();
    }
  }

  override readonly calls = {
    more: (count: number, done: () => void) => {
      this.#wanted = this.#next + count;
      this.#done = done;
    },
  };
}

const COUNT = 20_000;

/** A producer that has no end; each run takes the time in which so many more events come through. */
async function flow(node: Node, far: string): Promise<Work> {
  const numbers = function* (): Generator<number> {
    for (let i = 0;; i++) yield i;
  };
  const producer = await node.start(Producer.from(numbers), [], { register: "numbers" });
  const consumer = await node.start(Counting, []);
  const doubler = { name: "doubler", node: far };
  await consumer.subscribe(doubler, { cancel: "temporary" });
  await node.ref(ProducerConsumer, doubler).subscribe(producer, { cancel: "temporary" });
  return () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    return consumer.call("more", COUNT, () => resolve(COUNT)).then(() => promise);
  };
}

const it = task();
const [name, farName] = it.names;
if (name === "far") {
  const node = await startNode(farName, OPTIONS);
  await node.start(Doubler, [], { register: "doubler" });
  console.log("ready");
  process.stdin.resume().on("end", () => node.stop());
} else {
  const node = await startNode(ownName("near"), OPTIONS);
  await report(it, await flow(node, it.far ?? ""));
  await node.stop();
}
