// Here the compiler is the test: `deno check` fails where a type is not exactly what is said.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  type Child,
  child,
  GenServer,
  type Node,
  type Pid,
  type Self,
  type ServerRef,
  type SimpleSupervisorRef,
  Supervisor,
  supervisor,
  type SupervisorRef,
  type SupervisorSpec,
} from "../../../mod.ts";
import { sameType } from "../../etf/schema/_support.ts";

/** What is in here is compiled and not run. */
function compiledOnly(_body: (node: Node) => unknown): void {}

class Named extends GenServer {
  override init(_name: string, _size = 1): void {}
}
class Plain extends GenServer {}
class Tree extends Supervisor {
  override init(_count: number): SupervisorSpec {
    return { children: [] };
  }
}
function loop(self: Self, _name: string): Promise<unknown> {
  return self.receive();
}

compiledOnly(async (node) => {
  const [one, all, none] = [child(Named, ["a"]), child(Named, ["a", 2]), child(Named, [])];
  sameType<Child<[_size?: number | undefined], ServerRef<Named>>, typeof one>(true);
  sameType<Child<[], ServerRef<Named>>, typeof all>(true);
  sameType<
    Child<[_name: string, _size?: number | undefined], ServerRef<Named>>,
    typeof none
  >(true);
  child(Plain, []);
  child(Tree, [3]);
  child(loop, ["a"]);
  // @ts-expect-error a name is a string
  child(Named, [1]);
  // @ts-expect-error it takes two arguments at most
  child(Named, ["a", 1, 2]);
  // @ts-expect-error the function takes a string
  child(loop, [1]);
  // @ts-expect-error there is no such restart
  child(Plain, [], { restart: "always" });

  supervisor({ children: [child(Named, ["a"]), child(Plain, []), child(loop, ["a"])] });
  // @ts-expect-error its name is missing
  supervisor({ children: [child(Named, [])] });
  // @ts-expect-error there is no such strategy
  supervisor({ strategy: "all_for_one", children: [] });
  // @ts-expect-error a simple_one_for_one supervisor has one specification
  supervisor({ strategy: "simple_one_for_one", children: [] });

  const tree = await node.start(Tree, [1]);
  sameType<SupervisorRef, typeof tree>(true);
  // @ts-expect-error what init takes is missing
  await node.start(Tree, []);
  const added = await tree.startChild(child(Named, ["a"]));
  sameType<ServerRef<Named>, typeof added>(true);
  // @ts-expect-error its name is missing
  await tree.startChild(child(Named, []));

  const named = supervisor({ strategy: "simple_one_for_one", children: [child(Named, [])] });
  const simple = await node.start(named, []);
  sameType<
    SimpleSupervisorRef<[_name: string, _size?: number | undefined], ServerRef<Named>>,
    typeof simple
  >(true);
  const [first, second] = [await simple.startChild(["a"]), await simple.startChild(["a", 1])];
  sameType<ServerRef<Named>, typeof first>(true);
  sameType<ServerRef<Named>, typeof second>(true);
  // @ts-expect-error a name is a string
  await simple.startChild([1]);
  // @ts-expect-error a name is missing
  await simple.startChild([]);
  const loops = supervisor({ strategy: "simple_one_for_one", children: [child(loop, [])] });
  const pid = await (await node.start(loops, [])).startChild(["a"]);
  sameType<Pid, typeof pid>(true);
  supervisor({ children: [child(named, [], { id: "named" }), child(loops, [], { id: "loops" })] });
});

test("a child's type says what is missing of its arguments", () => {
  assertEquals([child(Named, []).id, child(Tree, [1]).type, child(loop, ["a"]).shutdown], [
    "Named",
    "supervisor",
    5_000,
  ]);
});
