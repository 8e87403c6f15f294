import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { GenServer, type ProcessEnv, SchemaError, type Self, t } from "../../../mod.ts";
import { nodeTest, spawned } from "../_nodes.ts";

class Asked extends GenServer {
  override readonly calls = {
    get: (name: string) => this.env.get(name),
    set: (name: string, value: unknown) => this.env.set(name, value),
    names: () => this.env.names,
    spawned: async (name: string) => {
      const found = Promise.withResolvers<unknown>();
      this.node.spawn((self) => found.resolve(self.env.get(name)), { link: this.pid });
      return await found.promise;
    },
  };
}

nodeTest("a value is looked up in the process, its parent and the node", async ({ node }) => {
  node.env.set("a", "node");
  node.env.set("b", "node");
  node.env.set("c", "node");
  const parent = await node.start(Asked, [], { env: { b: "parent", c: "parent" } });
  const child = await node.start(Asked, [], { env: { c: "child" }, link: parent.pid });
  assertEquals(
    await Promise.all(["a", "b", "c", "d"].map((name) => child.call("get", name))),
    ["node", "parent", "child", null],
  );
  assertStrictEquals(await parent.call("get", "c"), "parent");
  assertEquals(await child.call("names"), ["b", "c", "a"]);
  const stranger = await node.start(Asked, []);
  assertStrictEquals(await stranger.call("get", "c"), "node");
});

nodeTest(
  "what is set counts for the process and for what it starts from then on",
  async ({ node }) => {
    const parent = await node.start(Asked, []);
    const before = await node.start(Asked, [], { link: parent.pid });
    await parent.call("set", "a", 1);
    const after = await node.start(Asked, [], { link: parent.pid });
    await parent.call("set", "a", 2);
    assertStrictEquals(await before.call("get", "a"), null);
    assertStrictEquals(await after.call("get", "a"), 1);
    assertStrictEquals(await parent.call("spawned", "a"), 2);
    await after.call("set", "a", undefined);
    assertStrictEquals(await after.call("get", "a"), null);
  },
);

nodeTest("what the node has is looked up each time anew", async ({ node }) => {
  const asked = await node.start(Asked, []);
  node.env.set("a", 1);
  assertStrictEquals(await asked.call("get", "a"), 1);
  node.env.set("a", undefined);
  assertStrictEquals(await asked.call("get", "a"), null);
  assertEquals(node.env.names, []);
});

nodeTest("a schema gives the value its type", async ({ node }) => {
  const { value: env } = await spawned(node, (self: Self): ProcessEnv => self.env);
  env.set("port", 80);
  const port: number | bigint = env.get("port", t.integer);
  assertStrictEquals(port, 80);
  assertStrictEquals(env.get("retries", t.integer.default(3)), 3);
  assertStrictEquals(env.get("host", t.text.optional()), undefined);
  assertThrows(() => env.get("host", t.text), SchemaError);
  assertThrows(() => env.get("port", t.text), SchemaError);
});

nodeTest("values are passed as they are", async ({ node }) => {
  const value = { fetch: (): number => 1 };
  const asked = await node.start(Asked, [], { env: { value } });
  assertStrictEquals(await asked.call("get", "value"), value);
  assertThrows(
    () => node.spawn(() => {}, { env: 5 as unknown as Record<string, unknown> }),
    TypeError,
    "Cannot start a process: option env is a number, an object of values by name is needed",
  );
  assertThrows(() => node.env.set(1 as unknown as string, 2), TypeError);
});
