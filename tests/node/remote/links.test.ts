import { assert, assertEquals } from "@std/assert";
import { CONTROL, type Control } from "../../../lib/dist/control.ts";
import { announcedFlags, type FlagName, FLAGS } from "../../../lib/dist/flags.ts";
import { atom, Pid, type Term } from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { BOOM, NOPROC, NORMAL } from "../_nodes.ts";
import { acted, keeper, type Kept, turns, visitedTest } from "./_hand_made.ts";

const EXIT = atom("EXIT");

function without(...names: FlagName[]): bigint {
  return names.reduce((flags, name) => flags & ~FLAGS[name].value, announcedFlags());
}

/** The control message of that kind that came first. */
async function came<N extends "LINK" | "UNLINK" | "UNLINK_ID" | "UNLINK_ID_ACK" | "PAYLOAD_EXIT">(
  peer: HandMade,
  name: N,
): Promise<Control<N>> {
  const { control } = await peer.signal(({ control }) => control[0] === CONTROL[name]);
  return control as Control<N>;
}

function exits(process: Kept): Term[] {
  return process.got.filter((message) => Array.isArray(message) && message[0] === EXIT)
    .map((message) => (message as Term[])[2]);
}

visitedTest("an exit signal that crosses an unlink is none", async ({ node, peer }) => {
  const [ours, theirs] = [await keeper(node), peer.pid()];
  ours.self.link(theirs);
  await came(peer, "LINK");
  ours.self.unlink(theirs);
  const [, id] = await came(peer, "UNLINK_ID");
  peer.send([CONTROL.PAYLOAD_EXIT, theirs, ours.pid], BOOM);
  peer.send([CONTROL.UNLINK_ID_ACK, id, theirs, ours.pid]);
  await acted(peer);
  await turns();
  assertEquals(ours.got, []);
});

visitedTest(
  "until an unlink is acknowledged no link of the peer is made, since it will undo it",
  async ({ node, peer }) => {
    const [ours, theirs] = [await keeper(node), peer.pid()];
    peer.send([CONTROL.LINK, theirs, ours.pid]);
    await acted(peer);
    ours.self.unlink(theirs);
    const [, id] = await came(peer, "UNLINK_ID");
    peer.send([CONTROL.LINK, theirs, ours.pid]);
    await acted(peer);
    assertEquals(node._core.process(ours.pid)!.isLinked(theirs), false);
    peer.send([CONTROL.UNLINK_ID_ACK, id, theirs, ours.pid]);
    peer.send([CONTROL.LINK, theirs, ours.pid]);
    await acted(peer);
    assertEquals(node._core.process(ours.pid)!.isLinked(theirs), true);
    peer.send([CONTROL.PAYLOAD_EXIT, theirs, ours.pid], BOOM);
    await acted(peer);
    await turns();
    assertEquals(exits(ours), [BOOM]);
  },
);

visitedTest(
  "a link that is made again before the unlink is acknowledged counts",
  async ({ node, peer }) => {
    const [ours, theirs] = [await keeper(node), peer.pid()];
    ours.self.link(theirs);
    ours.self.unlink(theirs);
    ours.self.link(theirs);
    const [, id] = await came(peer, "UNLINK_ID");
    assertEquals(peer.signals.map(({ control }) => control[0]), [CONTROL.LINK, CONTROL.LINK]);
    peer.send([CONTROL.UNLINK_ID_ACK, id, theirs, ours.pid]); // of the unlink that is over
    await acted(peer);
    assert(node._core.process(ours.pid)!.isLinked(theirs));
    peer.send([CONTROL.PAYLOAD_EXIT, theirs, ours.pid], BOOM);
    await acted(peer);
    await turns();
    assertEquals(exits(ours), [BOOM]);
  },
);

visitedTest("an acknowledgement of another unlink ends none", async ({ node, peer }) => {
  const [ours, theirs, other] = [await keeper(node), peer.pid(), peer.pid()];
  ours.self.link(theirs);
  ours.self.unlink(theirs);
  const [, id] = await came(peer, "UNLINK_ID");
  peer.send([CONTROL.UNLINK_ID_ACK, Number(id) + 1, theirs, ours.pid]);
  peer.send([CONTROL.UNLINK_ID_ACK, id, other, ours.pid]);
  peer.send([CONTROL.UNLINK_ID_ACK, 2n ** 64n - 1n, theirs, ours.pid]);
  peer.send([CONTROL.LINK, theirs, ours.pid]);
  await acted(peer);
  assertEquals(node._core.process(ours.pid)!.isLinked(theirs), false);
});

visitedTest("unlinks have ids from 1 on, each its own", async ({ node, peer }) => {
  const [ours, theirs] = [await keeper(node), peer.pid()];
  const ids = new Set<number | bigint>();
  for (let i = 0; i < 20; i++) {
    ours.self.link(theirs);
    ours.self.unlink(theirs);
    const [, id, from, to] = await came(peer, "UNLINK_ID");
    assert(id >= 1);
    assert(ours.pid.equals(from) && theirs.equals(to));
    ids.add(id);
  }
  assertEquals(ids.size, 20);
});

visitedTest(
  "an unlink of the peer is acknowledged before anything else is sent to it",
  async ({ node, peer }) => {
    const [ours, theirs] = [await keeper(node), peer.pid()];
    peer.send([CONTROL.LINK, theirs, ours.pid]);
    peer.send([CONTROL.UNLINK_ID, 2n ** 64n - 1n, theirs, ours.pid]);
    peer.send([CONTROL.LINK, theirs, ours.pid]);
    peer.send([CONTROL.UNLINK_ID, 7, theirs, ours.pid]);
    peer.send([CONTROL.EXIT2, theirs, ours.pid, atom("kill")]);
    await acted(peer);
    assertEquals(peer.signals.map(({ control }) => [control[0], control[1]]), [
      [CONTROL.UNLINK_ID_ACK, 2n ** 64n - 1n],
      [CONTROL.UNLINK_ID_ACK, 7],
    ], "and no exit signal of links that are none");
  },
);

visitedTest(
  "an unlink of what is not linked, or not there, is acknowledged, too",
  async ({ node, peer }) => {
    const ours = await keeper(node);
    const dead = new Pid(ours.pid._node, 32_000, 3, ours.pid.creation);
    const earlier = new Pid(ours.pid._node, ours.pid.id, 0, ours.pid.creation - 1);
    for (const [i, pid] of [ours.pid, dead, earlier].entries()) {
      const theirs = peer.pid();
      peer.send([CONTROL.UNLINK_ID, i + 1, theirs, pid]);
      const [, id, from, to] = await came(peer, "UNLINK_ID_ACK");
      assertEquals(id, i + 1);
      assert(pid.equals(from) && theirs.equals(to));
    }
  },
);

visitedTest(
  "an unlink that crosses the peer's leaves no link, and both are acknowledged",
  async ({ node, peer }) => {
    const [ours, theirs] = [await keeper(node), peer.pid()];
    ours.self.link(theirs);
    await came(peer, "LINK");
    ours.self.unlink(theirs);
    peer.send([CONTROL.UNLINK_ID, 9, theirs, ours.pid]);
    const [, id] = await came(peer, "UNLINK_ID");
    await came(peer, "UNLINK_ID_ACK");
    peer.send([CONTROL.UNLINK_ID_ACK, id, theirs, ours.pid]);
    peer.send([CONTROL.PAYLOAD_EXIT, theirs, ours.pid], BOOM);
    await acted(peer);
    await turns();
    assertEquals(ours.got, []);
  },
);

visitedTest("a link of the peer that is there is not made twice", async ({ node, peer }) => {
  const [ours, theirs] = [await keeper(node), peer.pid()];
  ours.self.link(theirs);
  peer.send([CONTROL.LINK, theirs, ours.pid]);
  await acted(peer);
  node.exit(ours.pid, atom("kill"));
  await came(peer, "LINK");
  await came(peer, "PAYLOAD_EXIT");
  await acted(peer);
  assertEquals(peer.signals, []);
});

visitedTest("an exit signal of a process that is not linked is none", async ({ node, peer }) => {
  const ours = await keeper(node, { trapExit: false });
  peer.send([CONTROL.PAYLOAD_EXIT, peer.pid(), ours.pid], BOOM);
  peer.send([CONTROL.EXIT, peer.pid(), ours.pid, BOOM]);
  await acted(peer);
  assert(node.isAlive(ours.pid));
});

visitedTest(
  "a process that ends tells its links, also while an unlink of another is not acknowledged",
  async ({ node, peer }) => {
    const [ours, theirs, other] = [await keeper(node), peer.pid(), peer.pid()];
    ours.self.link(theirs);
    ours.self.link(other);
    ours.self.unlink(other);
    node.exit(ours.pid, atom("kill"));
    const [, , to] = await came(peer, "PAYLOAD_EXIT");
    assert(theirs.equals(to));
    const [, id] = await came(peer, "UNLINK_ID");
    peer.send([CONTROL.UNLINK_ID_ACK, id, other, ours.pid]);
    await acted(peer);
  },
);

visitedTest("links of a process that is not there get noproc", async ({ node, peer }) => {
  const { pid } = await keeper(node);
  for (
    const { id, creation } of [{ id: 32_000, creation: pid.creation }, { id: pid.id, creation: 1 }]
  ) {
    const nobody = new Pid(pid._node, id, 0, creation);
    const theirs = peer.pid();
    peer.send([CONTROL.LINK, theirs, nobody]);
    const { control, payload } = await peer.signal(({ control }) =>
      control[0] === CONTROL.PAYLOAD_EXIT
    );
    assert(nobody.equals(control[1]) && theirs.equals(control[2]));
    assertEquals(payload, NOPROC);
  }
});

visitedTest(
  "a peer that knows no UNLINK_ID gets UNLINK, and may link again at once",
  async ({ node, peer }) => {
    const [ours, theirs] = [await keeper(node), peer.pid()];
    ours.self.link(theirs);
    ours.self.unlink(theirs);
    await came(peer, "UNLINK");
    peer.send([CONTROL.PAYLOAD_EXIT, theirs, ours.pid], BOOM);
    peer.send([CONTROL.LINK, theirs, ours.pid]);
    await acted(peer);
    await turns();
    assertEquals(ours.got, []);
    assert(node._core.process(ours.pid)!.isLinked(theirs));
    peer.send([CONTROL.UNLINK, theirs, ours.pid]);
    await acted(peer);
    assertEquals(node._core.process(ours.pid)!.isLinked(theirs), false);
  },
  { peer: { flags: without("UNLINK_ID") } },
);

visitedTest(
  "what is linked and unlinked before the connection is up goes out in this order",
  async ({ node, peer, connect }) => {
    const ours = await keeper(node);
    peer.close();
    await peer.closed;
    const later = await connect({ name: "later@localhost" });
    const theirs = later.pid();
    ours.self.link(theirs);
    ours.self.unlink(theirs);
    ours.self.link(theirs);
    await acted(later);
    assertEquals(later.signals.map(({ control }) => control[0]), [
      CONTROL.LINK,
      CONTROL.UNLINK_ID,
      CONTROL.LINK,
    ]);
  },
);

visitedTest(
  "the end of the connection ends links, and unlinks that nobody has acknowledged",
  async ({ node, peer, connect, downOf }) => {
    const [ours, theirs, other] = [await keeper(node), peer.pid(), peer.pid()];
    ours.self.link(theirs);
    ours.self.link(other);
    ours.self.unlink(other);
    await came(peer, "UNLINK_ID");
    peer.close();
    await downOf(peer);
    await turns();
    assertEquals(exits(ours), [atom("noconnection")]);
    const again = await connect();
    again.send([CONTROL.LINK, other, ours.pid]);
    await acted(again);
    assert(node._core.process(ours.pid)!.isLinked(other));
    again.send([CONTROL.PAYLOAD_EXIT, other, ours.pid], NORMAL);
    await acted(again);
    await turns();
    assertEquals(ours.got.length, 2);
    assertEquals(exits(ours)[1], NORMAL);
  },
);

visitedTest(
  "links of our own processes do not count against the peer, its own do until they end",
  async ({ node, peer, downOf }) => {
    const ours = await keeper(node);
    for (let i = 0; i < 3; i++) ours.self.link(peer.pid());
    const linked = peer.pid();
    for (let i = 0; i < 3; i++) {
      const watcher = peer.pid();
      const ref = peer.ref();
      peer.send([CONTROL.LINK, linked, ours.pid]);
      peer.send([CONTROL.MONITOR_P, watcher, ours.pid, ref]);
      await acted(peer);
      peer.send([CONTROL.UNLINK_ID, i + 1, linked, ours.pid]);
      peer.send([CONTROL.DEMONITOR_P, watcher, ours.pid, ref]);
    }
    await acted(peer);
    for (let i = 0; i < 2; i++) peer.send([CONTROL.LINK, peer.pid(), ours.pid]);
    await acted(peer);
    peer.send([CONTROL.LINK, peer.pid(), ours.pid]);
    const { error } = await downOf(peer);
    assert(error!.message.includes("maxWatched"), error!.message);
  },
  { node: { access: [{ maxWatched: 2 }] } },
);

testNothingIsLeft();
