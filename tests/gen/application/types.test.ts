// What does not compile here must not compile elsewhere; nothing of it runs but the test.
import { test } from "node:test";
import { assertStrictEquals } from "@std/assert";
import {
  application,
  type ApplicationType,
  child,
  GenServer,
  type Node,
  type ServerRef,
  startNode,
} from "../../../mod.ts";

class Counter extends GenServer {
  override init(_from: number): void {}
  override readonly calls = { get: () => 1 };
}

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
function same<A, B>(_same: Same<A, B>): void {}

test("the types of an application follow from its environment and its start", () => {
  const made = application({
    name: "typed",
    env: { port: 80, name: "x" as string | null },
    start: async (app) => {
      same<ReturnType<typeof app.env<"port">>, number>(true);
      same<ReturnType<typeof app.env<"name">>, string | null>(true);
      // @ts-expect-error There is no such key.
      app.env("prot");
      const root = await app.start(Counter, [app.env("port")]);
      same<typeof root, ServerRef<Counter>>(true);
      return { root, state: new Map<string, number>() };
    },
    startPhases: { go: (app, state) => state.set("port", app.env("port")) },
    prepStop: (state) => void state.clear(),
    stop: (state) => {
      same<typeof state, Map<string, number>>(true);
    },
  });
  assertStrictEquals(made.name, "typed");
  application({
    name: "plain",
    start: (app) => app.spawn(() => {}),
    stop: (state) => same<typeof state, undefined>(true),
  });
  application({ name: "tree", children: [child(Counter, [1])], strategy: "one_for_all" });
  application({ name: "env", env: { n: 1 }, children: (app) => [child(Counter, [app.env("n")])] });
});

/** Only compiled. */
export async function wrong(node: Node): Promise<void> {
  // @ts-expect-error A name is needed.
  application({});
  // @ts-expect-error There is no such strategy for an application.
  application({ name: "a", children: [], strategy: "simple_one_for_one" });
  // @ts-expect-error A child is missing an argument.
  application({ name: "a", children: [child(Counter, [])] });
  // @ts-expect-error There is no such option.
  application({ name: "a", childs: [] });
  // @ts-expect-error A root is needed.
  application({ name: "a", start: () => 1 });
  // @ts-expect-error There is no such type.
  await node.applications.start("a", "eternal");
  // @ts-expect-error What application({...}) makes is needed.
  await node.applications.start({ name: "a" });
  // @ts-expect-error There is no such action.
  node.applications.allow("a", { actions: ["run"] });
  // @ts-expect-error There is no such signal.
  await startNode("a@localhost", { signals: ["SIGKILL"] });
  const type: ApplicationType = "permanent";
  await startNode("a@localhost", {
    applications: [{ application: application({ name: "a" }), type }],
  });
}
