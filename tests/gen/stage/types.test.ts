/** What the compiler knows of stages; the bodies run only where that costs nothing. */
import { test } from "node:test";
import { assert } from "@std/assert";
import {
  Consumer,
  type ConsumerRef,
  type Node,
  pipe,
  Producer,
  ProducerConsumer,
  type ProducerConsumerRef,
  type ProducerRef,
} from "../../../mod.ts";

class Numbers extends Producer<number> {
  override readonly calls = { next: () => 5 };
  override handleDemand(): number[] {
    return [];
  }
}
class Words extends ProducerConsumer<number, string> {
  override handleEvents(events: readonly number[]): string[] {
    return events.map(String);
  }
}
class Printer extends Consumer<string> {
  override handleEvents(_events: readonly string[]): void {}
}

/** Never called: only compiled. */
export async function compiled(node: Node): Promise<void> {
  const numbers: ProducerRef<Numbers, number> = await node.start(Numbers, []);
  const words: ProducerConsumerRef<Words, number, string> = await node.start(Words, []);
  const printer: ConsumerRef<Printer, string> = await node.start(Printer, []);
  await words.subscribe(numbers, { selector: (n) => n > 1 });
  await printer.subscribe(words);
  await printer.subscribe({ name: "Elixir.Words", node: "app@localhost" });
  // @ts-expect-error a printer takes no numbers
  await printer.subscribe(numbers);
  // @ts-expect-error a producer subscribes to nothing
  await numbers.subscribe(words);
  // @ts-expect-error a consumer has no events
  printer.events();
  await pipe([numbers, words, printer]);
  // @ts-expect-error numbers do not fit a printer
  await pipe([numbers, printer]);
  for await (const word of words.events()) word.toUpperCase();
  const next: number = await numbers.call("next");
  void next;
  // @ts-expect-error there is no such call
  await numbers.call("other");
  // @ts-expect-error what is emitted is what it produces
  new Numbers().emit(["a"]);
}

test("stages are typed", () => {
  assert(typeof compiled === "function"); // `deno task types` has looked at it
});
