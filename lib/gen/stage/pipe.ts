import { ConsumerRef, type StageOf } from "./consumer_ref.ts";
import { ProducerConsumerRef } from "./producer_consumer_ref.ts";
import type { StageSubscribeOptions } from "./subscription.ts";

/**
 * Subscribes each stage to the one before it, the last one first, so that no event goes to a stage that has nowhere to give it.
 *
 * @param options of all subscriptions.
 * @throws {TypeError} if it is no array of a producer and stages behind it.
 * @example
 * ```ts
 * import { Consumer, pipe, Producer, ProducerConsumer, startNode } from "@ergo-ts/ergo";
 *
 * class Upper extends ProducerConsumer<string, string> {
 *   override handleEvents(events: readonly string[]) {
 *     return events.map((text) => text.toUpperCase());
 *   }
 * }
 * class Printer extends Consumer<string> {
 *   override handleEvents(events: readonly string[]): void {
 *     for (const event of events) console.log(event);
 *   }
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const letters = await node.start(Producer.from("abc"), []);
 * await pipe([letters, await node.start(Upper, []), await node.start(Printer, [])], { maxDemand: 10 });
 * ```
 */
export async function pipe<A, B = never, C = never, D = never>(
  stages:
    | readonly [StageOf<A>, ConsumerRef<unknown, A>]
    | readonly [
      StageOf<A>,
      ProducerConsumerRef<unknown, A, B>,
      ConsumerRef<unknown, B>,
    ]
    | readonly [
      StageOf<A>,
      ProducerConsumerRef<unknown, A, B>,
      ProducerConsumerRef<unknown, B, C>,
      ConsumerRef<unknown, C>,
    ]
    | readonly [
      StageOf<A>,
      ProducerConsumerRef<unknown, A, B>,
      ProducerConsumerRef<unknown, B, C>,
      ProducerConsumerRef<unknown, C, D>,
      ConsumerRef<unknown, D>,
    ],
  options: Omit<StageSubscribeOptions, "selector"> = {},
): Promise<void> {
  const all: readonly unknown[] = Array.isArray(stages) ? stages : [];
  if (all.length < 2 || !all.slice(1).every(consumes)) {
    throw new TypeError(
      "Cannot pipe: an array of references is needed, a producer and behind it stages that consume",
    );
  }
  for (let i = all.length - 1; i > 0; i--) {
    const consumer = all[i] as ConsumerRef<unknown, unknown>;
    await consumer.subscribe(all[i - 1] as StageOf<unknown>, options);
  }
}

function consumes(stage: unknown): boolean {
  return stage instanceof ConsumerRef || stage instanceof ProducerConsumerRef;
}
