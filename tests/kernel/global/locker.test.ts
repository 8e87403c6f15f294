/** What the locker does where it cannot say what it has to. */
import { assertEquals } from "@std/assert";
import { announcedFlags } from "../../../lib/dist/flags.ts";
import { requestTerm } from "../../../lib/node/call.ts";
import { atom, type Encodable, format, type Node, type Term } from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { waiting } from "./_support.ts";

import { join, Member, memberTest, nameOf, PEER } from "./_member.ts";

/** Casts of that name to that node fail, so many times. */
function failing(node: Node, to: string, name: string, times: number): void {
  const core = node._core;
  const cast = core.cast;
  core.cast = (from, target, request, ...rest) => {
    const is = typeof target === "object" && "node" in target && target.node === to &&
      nameOf(requestTerm(request) as Term) === name;
    if (is && times-- > 0) throw new Error(`no ${name}`);
    cast.call(core, from, target, request, ...rest);
  };
}

memberTest("a lock that he cannot be told of is freed", async ({ node, logs }, him) => {
  failing(node, him.peer.name, "lock_set", 1);
  const { tag } = await him.begin(1);
  await him.answer("set_lock", true);
  await him.answer("del_lock", true);
  await poll(() => logs.some((line) => /The locker of global failed.*no lock_set/.test(line)));
  // It is tried again.
  await him.answer("set_lock", true);
  await him.expectCast("lock_set");
  him.cast(atom("lock_set"), him.locker, false, [], tag as Encodable);
  await him.answer("del_lock", true);
});

memberTest(
  "a lock that he has asked for is freed where he cannot be told",
  async (visited, him) => {
    const { node } = visited;
    const { tag } = await him.begin(1);
    await him.answer("set_lock", false); // his part is being locked
    failing(node, him.peer.name, "lock_set", 1);
    him.cast(atom("lock_set"), him.locker, true, [], tag as Encodable);
    await poll(() => visited.logs.some((line) => /no lock_set/.test(line)));
    // Our part is free: the name can be had, and he can ask again.
    assertEquals(
      await node.global.transaction("res", () => "served", { nodes: [node.name] }),
      "served",
    );
    assertEquals(await node.global.register("name", waiting(node)), true);
  },
);

memberTest("one who cannot be told of new members keeps no lock", async (visited, him) => {
  const { node, logs } = visited;
  await join(visited, him);
  failing(node, him.peer.name, "new_nodes", 1);
  const published = { flags: announcedFlags({ published: true }) };
  const third = new Member(await visited.connect({ ...published, name: "third@localhost" }));
  const { tag } = await third.begin(70);
  const answers = (async () => {
    await him.answer("set_lock", true);
    await him.answer("del_lock", true);
  })();
  await third.answer("set_lock", true);
  await third.expectCast("lock_set");
  third.cast(atom("lock_set"), third.locker, true, [], tag as Encodable);
  await third.expectCast("exchange");
  const name = atom(third.peer.name);
  third.cast(atom("exchange"), name, [], [], tag as Encodable);
  await third.expectCast("resolved");
  third.cast(atom("resolved"), name, [], [], atom("unused"), [], tag as Encodable);
  await third.answer("del_lock", true);
  await answers;
  assertEquals(logs.some((line) => /no new_nodes/.test(line)), true);
  const known = await him.call(atom("get_known")) as Term[];
  assertEquals(known.map((node) => format(node)).sort(), [format(PEER), "third@localhost"]);
});

testNothingIsLeft();
