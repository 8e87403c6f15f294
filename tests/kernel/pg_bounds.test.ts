// How much of a node's memory a peer can take by way of process groups.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CONTROL } from "../../lib/dist/control.ts";
import { atom, type Encodable, type Pid, ProcessGroups, tuple } from "../../mod.ts";
import type { HandMade } from "../_support/hand_made.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { acted, visitedTest } from "../node/remote/_hand_made.ts";
import { reached } from "./_groups.ts";

const CAST = atom("$gen_cast");

function tell(peer: HandMade, ...message: Encodable[]): void {
  peer.send(
    [CONTROL.REG_SEND, peer.pid(), atom(""), atom("scope")],
    tuple(...message) as Encodable,
  );
}

/** Another process of the peer's. */
function another(peer: HandMade): Pid {
  return peer.pid();
}

const FLOODS: Readonly<Record<string, (peer: HandMade, half: Pid) => void>> = {
  "members that join": (peer, half) => {
    for (let i = 0; i < 200; i++) tell(peer, atom("join"), half, atom("room"), another(peer));
  },
  "one process that joins again and again": (peer, half) => {
    for (let i = 0; i < 200; i++) tell(peer, atom("join"), half, atom("room"), half);
  },
  "groups": (peer, half) => {
    for (let i = 0; i < 60; i++) tell(peer, atom("join"), half, i, half);
  },
  "a long name": (peer, half) => tell(peer, atom("join"), half, "x".repeat(100_000), half),
  "all its members at once": (peer, half) => {
    const pids = Array.from({ length: 200 }, () => another(peer));
    tell(peer, CAST, tuple(atom("sync"), half, [tuple(atom("room"), pids)]) as Encodable);
  },
  "halves of the scope": (peer) => {
    for (let i = 0; i < 10; i++) tell(peer, atom("discover"), another(peer));
  },
};

for (const [what, flood] of Object.entries(FLOODS)) {
  visitedTest(
    `a node that tells of too much (${what}) is disconnected, told of once, and may come again`,
    async ({ node, peer, logs, connect, downOf }) => {
      const scope = await node.start(ProcessGroups, [{ maxMembers: 100 }], { register: "scope" });
      const half = peer.pid();
      tell(peer, atom("discover"), half);
      tell(peer, CAST, tuple(atom("sync"), half, [tuple("kept", [half])]) as Encodable);
      await reached(scope, () => scope.members("kept").length === 1);
      flood(peer, half);
      await downOf(peer);
      const again = await connect();
      await acted(again);
      const told = logs.filter((line) =>
        line.startsWith("Connection with handmade@localhost closed")
      );
      assertEquals(told.length, 1);
      assert(/process groups of scope; see option maxMembers$/.test(told[0]), told[0]);
      const next = again.pid();
      tell(again, CAST, tuple(atom("sync"), next, [tuple(atom("again"), [next])]) as Encodable);
      await reached(scope, () => scope.members(atom("again")).length === 1);
      assertEquals(scope.groups(), [atom("again")]);
    },
  );
}

visitedTest("those who leave make room", async ({ node, peer }) => {
  const scope = await node.start(ProcessGroups, [{ maxMembers: 4 }], { register: "scope" });
  const half = peer.pid();
  for (let round = 0; round < 10; round++) {
    const [one, other] = [another(peer), another(peer)];
    tell(peer, CAST, tuple(atom("sync"), half, [tuple("room", [one, other])]) as Encodable);
    tell(peer, atom("leave"), half, one, ["room"]);
    tell(peer, atom("join"), half, "room", one);
    tell(peer, atom("leave"), half, [one, other], ["room"]);
    tell(peer, atom("join"), half, atom("other"), [one, other, one]);
    tell(peer, atom("leave"), half, [one, other, one], [atom("other")]);
  }
  tell(peer, atom("join"), half, "last", [half, half, half]);
  await reached(scope, () => scope.members("last").length === 3);
  assertEquals(node.nodes(), [peer.name]);
});

visitedTest("an option that cannot be meant is refused", async ({ node }) => {
  const start = (options: object): Promise<unknown> =>
    node.start(ProcessGroups, [options], { register: "scope" });
  for (const options of [{ maxMember: 5 }, { maxMembers: 0 }]) {
    const { message } = await assertRejects(() => start(options), Error);
    assert(/maxMember/.test(message), message);
  }
});

testNothingIsLeft();
