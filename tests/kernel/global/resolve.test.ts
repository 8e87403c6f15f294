/** What a conflict over a name may do to the processes of a node, and by which function. */
import { assertEquals, assertRejects } from "@std/assert";
import { announcedFlags } from "../../../lib/dist/flags.ts";
import {
  atom,
  type Encodable,
  ExternalFun,
  format,
  NameError,
  type Node,
  type Pid,
  type Resolve,
  type Term,
  tuple,
} from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { visitedTest } from "../../node/remote/_hand_made.ts";
import { EXIT_NAME, join, Member, memberTest } from "./_member.ts";
import { joined, VISIBLE, waiting, whole } from "./_support.ts";

const REFUSED = "{'EXIT',badarg}";
const methodOf = (name: string): ExternalFun => new ExternalFun(atom("global"), atom(name), 3);

/** Asks as a peer does: by the name of the function. */
async function asked(node: Node, name: string, one: Pid, other: Pid): Promise<string> {
  const args = [EXIT_NAME, atom(name), one, other];
  const resolve = node._provided.find("global", "resolve_it", args as Term[])!;
  return format(await resolve(null as never) as Term);
}

for (
  const [title, rule, may] of [
    ["any node", {}, true],
    ["a node whose exit signals do not count", { signals: false }, false],
    ["a node for which its name is closed", { names: [] }, false],
  ] as const
) {
  memberTest(
    `${title} gives a process a name: ${may ? "" : "not "}killed`,
    async (visited, him) => {
      const { node } = visited;
      const pid = waiting(node);
      node.register("closed", pid);
      const register = tuple(atom("register"), atom("name"), pid, EXIT_NAME) as Encodable;
      assertEquals(await him.call(register), atom("yes"));
      const his = him.peer.pid();
      assertEquals(await asked(node, "name", his, pid), may ? format(his) : REFUSED);
      await poll(() => node.isAlive(pid) === !may);
      // What this node has registered itself is killed, as it has agreed to.
      const own = waiting(node);
      assertEquals(await node.global.register("own", own), true);
      assertEquals(await asked(node, "own", his, own), format(his));
      assertEquals(node.isAlive(own), false);
    },
    { access: [rule] },
  );
}

for (const method of ["random_notify_name", "notify_all_name"]) {
  memberTest(
    `nobody is told of a conflict who cannot be reached: ${method}`,
    async (visited, him) => {
      const { node } = visited;
      const got: Term[] = [];
      const pid = node.spawn(async (self) => {
        for (;;) got.push(await self.receive());
      }, { register: "closed" });
      const register = tuple(atom("register"), atom("name"), pid, methodOf(method)) as Encodable;
      assertEquals(await him.call(register), atom("yes"));
      assertEquals(await asked(node, "name", him.peer.pid(), pid), REFUSED);
      await him.call(atom("get_known"));
      assertEquals(got, []);
      node.exit(pid, atom("kill"));
    },
    { access: [{ names: [] }] },
  );
}

// We decide, for our name is less.
visitedTest("a process is not killed because a node gives it another's name", async (visited) => {
  const { node } = visited;
  const [named, other] = [waiting(node), waiting(node)];
  assertEquals(await node.global.register("name", named), true);
  const { resolved } = await join(visited, new Member(visited.peer), {
    names: [tuple(atom("name"), other, EXIT_NAME)] as Encodable,
  });
  // He is told who has it.
  assertEquals(
    format(resolved[2]),
    `[{insert,{name,${format(named)},fun global:random_exit_name/3}}]`,
  );
  assertEquals([node.isAlive(named), node.isAlive(other)], [true, true]);
  assertEquals(node.global.whereis("name"), named);
}, {
  node: { published: true },
  peer: { name: "third@localhost", flags: announcedFlags({ published: true }) },
});

clusterTest("each name has the function that it was registered with", async (a, b, { c }) => {
  await joined(a, b);
  const [pid, taken] = [waiting(b), waiting(a)];
  const calls: string[] = [];
  const resolve = (name: string): Resolve => (_, __, own) => {
    calls.push(name);
    return own;
  };
  assertEquals(await b.global.register("one", pid, { resolve: resolve("one") }), true);
  assertEquals(await a.global.register("taken", taken), true);
  assertEquals(await b.global.register("taken", pid, { resolve: resolve("taken") }), false);
  await assertRejects(
    () => b.global.register("two", pid, { resolve: resolve("two") }),
    NameError,
  );
  assertEquals(await b.global.register("one", pid, { resolve: resolve("again") }), false);
  await b.global.reregister("three", pid, { resolve: resolve("three") });
  for (const name of ["one", "three"]) {
    assertEquals(await c.global.register(name, waiting(c)), true);
  }
  await a.connect(c.name);
  await whole(a, b, c);
  for (const node of [a, b, c]) {
    for (const name of ["one", "three"]) {
      await poll(() => node.global.whereis(name)?.key === pid.key);
    }
  }
  assertEquals(calls.sort(), ["one", "three"]);
}, VISIBLE);

testNothingIsLeft();
