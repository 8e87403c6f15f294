import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { ExitError, NoProcessError, pipe, Producer } from "../../../mod.ts";
import { BOOM, ended, nodeTest, NORMAL, until } from "../../node/_nodes.ts";
import { failure } from "../_servers.ts";
import { Counter, Doubler, instance, Keeper, Manual } from "./_stages.ts";

/** Counts what is taken of it, and whether it was closed. */
class Source {
  taken = 0;
  closed = 0;
  *numbers(limit = Infinity): Generator<number> {
    try {
      while (this.taken < limit) yield this.taken++;
    } finally {
      this.closed++;
    }
  }
  async *later(limit = Infinity): AsyncGenerator<number> {
    try {
      while (this.taken < limit) {
        await Promise.resolve();
        yield this.taken++;
      }
    } finally {
      this.closed++;
    }
  }
  stream(limit = Infinity): ReadableStream<number> {
    return new ReadableStream<number>({
      pull: (controller) => {
        if (this.taken < limit) controller.enqueue(this.taken++);
        else controller.close();
      },
      cancel: () => {
        this.closed++;
      },
    }, { highWaterMark: 0 });
  }
}

nodeTest("steps that are thenables, not promises, are waited for", async ({ node }) => {
  const thenables: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => {
      const numbers = [0, 1, 2][Symbol.iterator]();
      return {
        next: () => ({
          then: (done: (step: IteratorResult<number>) => void) => done(numbers.next()),
        }),
      } as unknown as AsyncIterator<number>;
    },
  };
  const producer = await node.start(Producer.from<number>(() => thenables), []);
  const over = ended(node, producer.pid);
  const keeper = await node.start(Keeper, []);
  await keeper.subscribe(producer, { cancel: "transient" });
  assertStrictEquals(await over, NORMAL);
  const { got } = instance(node, keeper, Keeper);
  await until(() => got.length === 3);
  assertEquals(got, [0, 1, 2]);
});

nodeTest("what came before a source has thrown arrives", async ({ node }) => {
  function* throwing(): Generator<number> {
    yield 1;
    yield 2;
    throw new Error("no more");
  }
  const producer = await node.start(Producer.from<number>(throwing), []);
  const over = ended(node, producer.pid);
  const keeper = await node.start(Keeper, []);
  await keeper.subscribe(producer, { cancel: "temporary" });
  await over;
  const { got } = instance(node, keeper, Keeper);
  await until(() => got.length === 2);
  assertEquals(got, [1, 2]);
});

for (const kind of ["numbers", "later", "stream"] as const) {
  nodeTest(`a producer from ${kind} gives all there is, and ends behind it`, async ({ node }) => {
    const source = new Source();
    const producer = await node.start(Producer.from<number>(() => source[kind](2_500)), []);
    const over = ended(node, producer.pid);
    const keeper = await node.start(Keeper, []);
    await keeper.subscribe(producer, { maxDemand: 100, cancel: "transient" });
    assertStrictEquals(await over, NORMAL);
    const { got } = instance(node, keeper, Keeper);
    await until(() => got.length === 2_500);
    assertEquals(got, Array.from({ length: 2_500 }, (_, i) => i));
  });

  nodeTest(
    `nothing is taken of ${kind} that nobody has asked for, and it is closed`,
    async ({ node }) => {
      const source = new Source();
      const producer = await node.start(Producer.from<number>(source[kind]()), []);
      assertEquals(source.taken, 0);
      const read: number[] = [];
      for await (const n of producer.events({ maxDemand: 4, minDemand: 0 })) {
        read.push(n);
        if (n === 5) break;
      }
      assertEquals(read, [0, 1, 2, 3, 4, 5]);
      await producer.demand();
      assertEquals(source.taken, 8);
      await producer.stop();
      await until(() => source.closed === 1);
    },
  );
}

nodeTest("a source that fails ends its producer with that", async ({ node }) => {
  const failing = async function* (): AsyncGenerator<number> {
    yield 1;
    await Promise.resolve();
    throw new Error("no more");
  };
  const producer = await node.start(Producer.from(failing), []);
  const read: number[] = [];
  const error = await failure((async () => {
    for await (const n of producer.events()) read.push(n);
  })());
  assertInstanceOf(error, ExitError);
  assert(error.message.includes("no more"), error.message);
});

nodeTest("a loop ends with its producer, and its end ends the subscription", async ({ node }) => {
  const producer = await node.start(Counter, [{}, 3]);
  const counter = instance(node, producer, Counter);
  const events = producer.events({ maxDemand: 1 });
  assertEquals(await events.next(), { done: false, value: 0 });
  assertEquals(counter.consumers.length, 1);
  assertEquals(counter.next, 1); // the next is made when the loop comes for it
  await events.return();
  await until(() => counter.consumers.length === 0);
  assertEquals(await events.next(), { done: true, value: undefined });

  const all: number[] = [];
  const loop = (async () => {
    for await (const n of producer.events()) all.push(n);
  })();
  await until(() => all.length === 2);
  await producer.stop();
  await loop;
  assertEquals(all, [1, 2]);
});

nodeTest("a loop fails where its producer does, or is not there", async ({ node }) => {
  const producer = await node.start(Manual, []);
  const next = producer.events().next();
  await until(() => instance(node, producer, Manual).consumers.length === 1);
  node.exit(producer.pid, BOOM);
  const error = await failure(next);
  assertInstanceOf(error, ExitError);
  assertStrictEquals(error.reason, BOOM);
  assertInstanceOf(await failure(producer.events().next()), NoProcessError);
  const other = await node.start(Manual, []);
  const abort = new AbortController();
  const aborted = other.events({ signal: abort.signal }).next();
  await until(() => instance(node, other, Manual).consumers.length === 1);
  abort.abort(new Error("enough"));
  assertEquals((await failure(aborted) as Error).message, "enough");
  await until(() => instance(node, other, Manual).consumers.length === 0);
});

nodeTest("a stream of events takes them when they are read", async ({ node }) => {
  const producer = await node.start(Counter, [{}, 10]);
  const counter = instance(node, producer, Counter);
  const reader = producer.readable({ maxDemand: 2, minDemand: 0 }).getReader();
  assertEquals(counter.next, 0);
  assertEquals((await reader.read()).value, 0);
  assertEquals((await reader.read()).value, 1);
  assertEquals(counter.next, 2);
  await reader.cancel();
  await until(() => counter.consumers.length === 0);
});

nodeTest("pipe subscribes each stage to the one before", async ({ node }) => {
  const source = new Source();
  const producer = await node.start(Producer.from<number>(source.numbers(100)), []);
  const [doubler, keeper] = [await node.start(Doubler, []), await node.start(Keeper, [])];
  await pipe([producer, doubler, keeper], { maxDemand: 8, cancel: "transient" });
  const { got } = instance(node, keeper, Keeper);
  await until(() => got.length === 100);
  assertEquals(got[99], 198);
});

nodeTest("what is no source is refused", () => {
  assertThrows(() => Producer.from(5 as never), TypeError, "something to iterate over");
  assertThrows(() => Producer.from(null as never), TypeError, "null");
});
