import { assert } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { atom, type Pid, tuple, withSelf } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { forever } from "../_nodes.ts";
import { visitedTest } from "./_hand_made.ts";

visitedTest(
  "a peer that is connected keeps its rights, whoever else comes",
  async ({ node, peer, downOf }) => {
    const others = (): void => {
      for (let i = 0; i < 2000; i++) node._access.of(`n${i}@localhost`);
    };
    node.provide("demo", { loop: withSelf(forever) });
    others();
    // What was spawned by way of rex and what the connection itself says are to be of one mind.
    const access = node._access.of(peer.name);
    const [id, from] = [peer.ref(), peer.pid()];
    const loop = tuple(atom("demo"), atom("loop"), 0) as never;
    peer.send([CONTROL.SPAWN_REQUEST, id, from, from, loop, []], []);
    const { control } = await peer.signal(({ control }) => control[0] === CONTROL.SPAWN_REPLY);
    const process = node._core.process(control[4] as Pid)!;
    assert(access.maySignal(process, "exit signals"));
    assert(!access.maySpawn());
    node.exit(process.pid, atom("kill"));
    others();
    assert(node._access.of(peer.name) === access);
    peer.close();
    await downOf(peer);
    others();
    assert(node._access.of(peer.name) !== access);
  },
  { node: { access: [{ signals: false, maxSpawned: 1 }] } },
);

testNothingIsLeft();
