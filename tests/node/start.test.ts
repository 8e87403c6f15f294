// What node.start and node.spawn take, for programs without types.
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { atom, Behaviour, ExitError, GenServer, type StartOptions, type Term } from "../../mod.ts";
import { collector, nodeTest, NORMAL } from "./_nodes.ts";

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

nodeTest("a misspelt option is refused with the one that may be meant", async ({ node }) => {
  const wrong: readonly (readonly [options: unknown, words: string])[] = [
    [{ regster: "x" }, "option regster: there is no such option, there are register, link, terms"],
    [{ regster: "x" }, "; register may be meant"],
    [{ timeuot: 5 }, "; timeout may be meant"],
    [null, "its options must be an object, null came"],
    ["x", "its options must be an object, string came"],
  ];
  for (const [options, words] of wrong) {
    const start = (): Promise<unknown> => node.start(Counter, [], options as StartOptions);
    const error = await assertRejects(start, TypeError, words);
    assert(error.message.startsWith("Cannot start Counter"), error.message);
    if ((options as { timeuot?: number } | null)?.timeuot !== undefined) continue;
    assertThrows(() => node.spawn(() => {}, options as never), TypeError, words);
  }
  assertThrows(
    () => node.spawn(() => {}, { timeout: 5 } as never),
    TypeError,
    "option timeout: there is no such option",
  );
  const counter = await node.start(Counter, []);
  assertThrows(
    () => counter.with({ timout: 5 } as never),
    TypeError,
    "Cannot make calls with option timout: there is no such option, there are timeout, signal",
  );
  await counter.stop();
  assertEquals(node.processes().length, 1);
});

class Slow extends GenServer {
  static readonly ends: Term[] = [];
  override async init(ms: number): Promise<void> {
    await this.sleep(ms);
  }
  override terminate(reason: Term): void {
    Slow.ends.push(reason);
  }
}

nodeTest(
  "a start that takes too long rejects, and its process is dead by then, without terminate",
  async ({ node, platform }) => {
    const { pid: parent, got } = collector(node, (self) => self.trapExit = true);
    const options = { timeout: 500, register: "slow", link: parent };
    const start = node.start(Slow, [10_000], options);
    await platform.elapse(499);
    const pid = node.whereis("slow")!;
    assert(node.isAlive(pid));
    const rejected = assertRejects(
      () => start,
      ExitError,
      "Cannot start Slow: its init was not done within 500 ms, and it was killed; give it a longer timeout",
    );
    await platform.elapse(1);
    assertStrictEquals((await rejected).reason, atom("timeout"));
    assertStrictEquals(node.isAlive(pid), false);
    await platform.elapse(20_000);
    assertEquals([Slow.ends, got], [[], []]); // its link hears nothing, as with gen_server:start_link
    const slow = await started(node.start(Slow, [100], options));
    await platform.elapse(1_000);
    assert(node.isAlive(slow.pid), "one that was done in time goes on");
    node.unregister("slow");
    await slow.stop();
    node.exit(parent, atom("kill"));
    assertEquals(Slow.ends, [NORMAL]);

    async function started<T>(starting: Promise<T>): Promise<T> {
      await platform.elapse(100);
      return await starting;
    }
  },
);

nodeTest("a timeout is a number of milliseconds", async ({ node }) => {
  const counter = await node.start(Counter, [], { timeout: Infinity });
  for (const timeout of [-1, NaN, "5", null]) {
    const words = `timeout ${String(timeout)}: 0 or more milliseconds are needed`;
    const options = { timeout } as StartOptions;
    await assertRejects(() => node.start(Counter, [], options), RangeError, words);
    await assertRejects(() => counter.stop(undefined, options), RangeError, words);
  }
  await assertRejects(() => counter.stop(undefined, { timout: 1 } as never), TypeError, "timeout");
  await counter.stop(undefined, { timeout: 100 });
});
