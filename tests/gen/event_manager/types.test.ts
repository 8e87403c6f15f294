// What the compiler says of event managers. Nothing of this is run, but what is not marked has to compile.
import { test } from "node:test";
import { EventHandler, EventManager, type Node, on, t, type Term } from "../../../mod.ts";
import { sameType } from "../../etf/schema/_support.ts";

class Counter extends EventHandler {
  #count = 0;
  override init(count: number): void {
    this.#count = count;
  }
  override handleEvent(_event: Term): void {
    this.#count++;
  }
  override readonly calls = {
    get: () => this.#count,
    add: on(t.integer, async (n) => await Promise.resolve(this.#count += n)),
  };
}

// @ts-expect-error: a handler handles events
class Deaf extends EventHandler {}

async function _refs(node: Node): Promise<void> {
  const manager = await node.start(EventManager, []);
  await manager.addHandler(Counter, [1]);
  await manager.addHandler({ handler: Counter, id: 5 }, [1]);
  // @ts-expect-error: init takes a number
  await manager.addHandler(Counter, ["x"]);
  // @ts-expect-error: it takes one
  await manager.addHandler(Counter, []);
  // @ts-expect-error: no handler
  await manager.addHandler(EventManager, []);
  const count = await manager.call(Counter, "get");
  sameType<typeof count, number>(true);
  const sum = await manager.call({ handler: Counter, id: 5 }, "add", 5);
  sameType<typeof sum, number>(true);
  // @ts-expect-error: an integer is needed
  await manager.call(Counter, "add", "x");
  // @ts-expect-error: it has no such call
  await manager.call(Counter, "reset");
  const left = await manager.deleteHandler(Counter);
  sameType<typeof left, Term>(true);
  const theirs = node.ref(EventManager, { name: "error_logger", node: "app@localhost" });
  await theirs.addHandler("a_module", [[1, 2]]);
  void Deaf;
}

test("the types of event managers hold", () => {
  // They are checked by the compiler, with what is marked above.
  void _refs;
});
