// What node.start and node.spawn take, for programs without types.
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Behaviour, GenServer } from "../../mod.ts";
import { nodeTest } from "./_nodes.ts";

class Counter extends GenServer {}
class Other {}
function old(): void {}

nodeTest(
  "what is no class of a behaviour is not started, and the error says what is needed",
  async ({ node }) => {
    const things: [thing: unknown, words: string][] = [
      [
        new Counter(),
        "Cannot start an instance of Counter: the class is needed, node.start(Counter, [...])",
      ],
      [Other, "Cannot start Other: it is no class that extends GenServer or another behaviour"],
      [old, "Cannot start old: it is no class that extends GenServer"],
      [() => {}, "use node.spawn for a function"],
      [undefined, "Cannot start a process: a class is needed, undefined came"],
      [null, "a class is needed, object came"],
      ["Counter", "a class is needed, string came"],
      [{}, "a class is needed, object came"],
      [Behaviour, "Cannot start Behaviour: it is no class that extends GenServer"],
    ];
    for (const [thing, words] of things) {
      await assertRejects(() => node.start(thing as never, []), TypeError, words);
    }
    for (const args of [undefined, 5, "args", {}]) {
      const start = (): Promise<unknown> => node.start(Counter, args as never);
      await assertRejects(
        start,
        TypeError,
        "Cannot start Counter: what init takes is needed as an array, [] for nothing",
      );
    }
    assertEquals(node.processes().length, 1);
  },
);

nodeTest("what is no function is not spawned", ({ node }) => {
  for (const thing of [undefined, null, 5, "f", {}, []]) {
    assertThrows(
      () => node.spawn(thing as never),
      TypeError,
      "Cannot spawn a process: a function is needed",
    );
  }
  assertThrows(
    () => node.spawn(Counter as never),
    TypeError,
    "Cannot spawn Counter: it is a class, start it with node.start(Counter, [...])",
  );
  assertEquals(node.processes().length, 1);
});
