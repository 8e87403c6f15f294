/** Our node, in this program, and an Erlang node (demo.erl) with which the connection is lost, by either end's will or a kill. */
import { after, test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { NodeDownError } from "../../lib/node/errors.ts";
import { atom, format, type Node, tagged, type Term } from "../../mod.ts";
import { poll } from "../_support/erlang.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { ECHO, inbox, OurSide, plain, reasonOf, startDemo, THEIRS } from "../_support/our_side.ts";
import { kindsOf } from "../_support/modes.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl");
const opened = openNow();
const sides = new OurSide(startDemo);

after(() => sides.close());

/** Reconnects where the connection was lost just now: the first attempts may fail then. */
async function up(node: Node): Promise<void> {
  await poll(() => node.ping(THEIRS));
}

for (const kind of kindsOf("Erlang")) {
  const check = sides.tests(kind, skip);

  check("20 disconnects of ours, and reconnects", async (node, peer) => {
    const mine = await inbox(node, { trapExit: true });
    for (let i = 0; i < 20; i++) {
      await up(node);
      const pid = await plain(node);
      mine.self.link(pid);
      const down = reasonOf(node, pid);
      const call = node.call(ECHO, tagged("later", 60_000, atom("never")));
      const ended = assertRejects(() => call, NodeDownError);
      assert(node.disconnect(THEIRS));
      assertEquals(await down, "noconnection");
      await ended;
      assertEquals(format((await mine.next() as Term[])[2]), "noconnection");
      assertEquals(node.nodes(), []);
    }
    assertEquals(node.disconnect(THEIRS), false);
    await up(node);
    assertEquals(await peer.eval("lists:member(ours@localhost, nodes(connected))"), "true");
  });

  check("theirs disconnects", async (node, peer) => {
    await up(node);
    const call = node.call(ECHO, tagged("later", 60_000, atom("never")));
    const rpc = node.rpc(THEIRS, "timer", "sleep", [60_000]);
    const down = reasonOf(node, { name: "echo", node: THEIRS });
    await node.ping(THEIRS);
    const ended = Promise.allSettled([call, rpc]);
    await peer.eval("erlang:disconnect_node(ours@localhost)");
    assertEquals(await down, "noconnection");
    for (const result of await ended) {
      assertInstanceOf((result as PromiseRejectedResult).reason, NodeDownError);
    }
    await up(node);
  });

  // The last one: it ends their node.
  check("their program is killed in the middle of calls, and starts again", async (node, peer) => {
    await up(node);
    const mine = await inbox(node, { trapExit: true });
    const events = node.events();
    const pid = await plain(node);
    mine.self.link(pid);
    const down = reasonOf(node, pid);
    const calls = [
      node.call(ECHO, tagged("later", 60_000, atom("never")), { timeout: Infinity }),
      node.rpc(THEIRS, "timer", "sleep", [60_000], { timeout: Infinity }),
      mine.self.call(ECHO, tagged("later", 60_000, atom("never"))),
    ];
    await node.ping(THEIRS); // they have arrived
    const ended = Promise.allSettled(calls);
    await peer.kill();
    assertEquals(await down, "noconnection");
    assertEquals(format((await mine.next() as Term[])[2]), "noconnection");
    for (const result of await ended) {
      const { reason } = result as PromiseRejectedResult;
      assertInstanceOf(reason, NodeDownError);
      assertEquals(reason.node, THEIRS);
    }
    assertEquals((await events.next()).value?.type, "nodedown");
    await assertRejects(() => node.call(ECHO, 1), NodeDownError);
    await events.return?.();
    await sides.restartPeer();
    await up(node);
    assertEquals(await node.call(ECHO, tagged("echo", 1)), 1);
    assertEquals(await reasonOf(node, pid), "noproc"); // a pid of its earlier life
  });
}

test("nothing is left open", async () => {
  await sides.close();
  await assertNothingLeft(opened);
});
