import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { Pid } from "../../../lib/etf/identifiers.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { exit } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import {
  BOOM,
  collector,
  ended,
  idler,
  KILL,
  KILLED,
  nodeTest,
  NOPROC,
  NORMAL,
  processOf,
  SHUTDOWN,
} from "../_nodes.ts";
import { keeper, visitedTest } from "../remote/_hand_made.ts";

const EXIT = atom("EXIT");

function link(node: Node, one: Pid, other: Pid): void {
  node._core.link(processOf(node, one), other);
}

nodeTest("the end of one is the end of the other, with the same reason", async ({ node }) => {
  for (const reason of [BOOM, SHUTDOWN, tuple(BOOM, 1) as never]) {
    const [one, other] = [idler(node), idler(node)];
    link(node, one, other);
    const down = ended(node, other);
    node.exit(one, reason);
    assertStrictEquals(await down, reason);
  }
});

nodeTest("a link works both ways, whoever made it", async ({ node }) => {
  const [one, other] = [idler(node), idler(node)];
  link(node, one, other);
  const down = ended(node, one);
  node.exit(other, BOOM);
  assertStrictEquals(await down, BOOM);
});

nodeTest("an end with normal leaves the other alone", async ({ node, platform }) => {
  const other = collector(node);
  const pid = node.spawn((self) => self.link(other.pid));
  await ended(node, pid);
  await platform.settle();
  assert(node.isAlive(other.pid));
  assertEquals(other.got, []);
  assertEquals(processOf(node, other.pid).links, []);
});

nodeTest(
  "who traps exits gets every end of a link as a message, normal too",
  async ({ node, platform }) => {
    const other = collector(node, (self) => void (self.trapExit = true));
    await platform.settle();
    const pids = [NORMAL, BOOM, SHUTDOWN].map((reason) =>
      node.spawn((self) => {
        self.link(other.pid);
        exit(reason);
      })
    );
    await platform.settle();
    assertEquals(other.got, [
      tuple(EXIT, pids[0], NORMAL),
      tuple(EXIT, pids[1], BOOM),
      tuple(EXIT, pids[2], SHUTDOWN),
    ]);
  },
);

nodeTest("kill as the reason of a link can be trapped", async ({ node, platform }) => {
  const other = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  const pid = node.spawn((self) => {
    self.link(other.pid);
    exit(KILL);
  });
  await platform.settle();
  assertEquals(other.got, [tuple(EXIT, pid, KILL)]);
});

nodeTest(
  "kill as the reason of a link ends who does not trap with kill, not with killed",
  async ({ node }) => {
    const other = idler(node);
    const down = ended(node, other);
    node.spawn((self) => {
      self.link(other);
      exit(KILL);
    });
    assertStrictEquals(await down, KILL);
  },
);

nodeTest("the links of a killed process break with killed", async ({ node, platform }) => {
  const other = collector(node, (self) => void (self.trapExit = true));
  await platform.settle();
  const pid = idler(node);
  link(node, pid, other.pid);
  node.exit(pid, KILL);
  await platform.settle();
  assertEquals(other.got, [tuple(EXIT, pid, KILLED)]);
});

nodeTest(
  "linked twice is linked once, and a link with itself is none",
  async ({ node, platform }) => {
    const other = collector(node, (self) => void (self.trapExit = true));
    await platform.settle();
    const pid = idler(node);
    link(node, pid, other.pid);
    link(node, other.pid, pid);
    link(node, pid, pid);
    assertEquals(processOf(node, pid).links, [other.pid]);
    node.exit(pid, BOOM);
    await platform.settle();
    assertStrictEquals(other.got.length, 1);
  },
);

nodeTest("an unlinked process is not told, whichever side unlinks", async ({ node, platform }) => {
  for (const unlinking of [0, 1]) {
    const pids = [idler(node), idler(node)];
    link(node, pids[0], pids[1]);
    node._core.unlink(processOf(node, pids[unlinking]), pids[1 - unlinking]);
    node.exit(pids[0], BOOM);
    await platform.settle();
    assert(node.isAlive(pids[1]));
  }
});

nodeTest(
  "a link to a process that is not there is an exit signal noproc",
  async ({ node, platform }) => {
    const dead = node.spawn(() => {});
    await platform.settle();
    const plain = node.spawn((self) => {
      self.link(dead);
      return self.receive();
    });
    const trapping = collector(node, (self) => {
      self.trapExit = true;
      self.link(dead);
    });
    assertStrictEquals(await ended(node, plain), NOPROC);
    await platform.settle();
    assertEquals(trapping.got, [tuple(EXIT, dead, NOPROC)]);
  },
);

nodeTest("a process may be linked as it is started, and knows its parent", async ({ node }) => {
  const parent = idler(node);
  const child = node.spawn((self) => self.receive(), { link: parent });
  assert(processOf(node, child).parent!.equals(parent));
  const down = ended(node, parent);
  node.exit(child, BOOM);
  assertStrictEquals(await down, BOOM);
});

nodeTest("a chain of a hundred thousand links breaks in one go", ({ node }) => {
  const pids = Array.from({ length: 100_000 }, () => idler(node));
  for (let i = 1; i < pids.length; i++) link(node, pids[i - 1], pids[i]);
  node.exit(pids[0], BOOM);
  assertStrictEquals(pids.filter((pid) => node.isAlive(pid)).length, 0);
});

nodeTest("a ring of links breaks once", async ({ node, platform }) => {
  const observer = collector(node);
  const pids = Array.from({ length: 1000 }, () => idler(node));
  for (let i = 0; i < pids.length; i++) link(node, pids[i], pids[(i + 1) % pids.length]);
  for (const pid of pids) node.monitor(pid, ({ reason }) => observer.got.push(reason));
  node.exit(pids[500], BOOM);
  await platform.settle();
  assertEquals(observer.got, pids.map(() => BOOM));
});

nodeTest(
  "ten thousand links of one process are told in the order in which they were made",
  async ({ node, platform }) => {
    const centre = collector(node, (self) => void (self.trapExit = true));
    await platform.settle();
    const order: number[] = [];
    const pids = Array.from({ length: 10_000 }, (_, i) => {
      const pid = idler(node);
      link(node, centre.pid, pid);
      node.monitor(pid, () => void order.push(i));
      return pid;
    });
    node.exit(centre.pid, KILL);
    assertStrictEquals(pids.filter((pid) => node.isAlive(pid)).length, 0);
    await platform.settle();
    assertEquals(order, pids.map((_, i) => i));
  },
);

nodeTest(
  "messages sent before the end arrive before the exit message, later ones do not exist",
  async ({ node, platform }) => {
    const other = collector(node, (self) => void (self.trapExit = true));
    await platform.settle();
    const pid = node.spawn((self) => {
      self.link(other.pid);
      self.send(other.pid, 1);
      self.send(other.pid, 2);
      exit(BOOM);
    });
    await platform.settle();
    assertEquals(other.got, [1, 2, tuple(EXIT, pid, BOOM)]);
  },
);

nodeTest("links that break while links break wait for their turn", ({ node }) => {
  // A star of chains: the end of the centre breaks all, level by level.
  const centre = idler(node);
  const all = [centre];
  for (let chain = 0; chain < 50; chain++) {
    let previous = centre;
    for (let i = 0; i < 50; i++) {
      const pid = idler(node);
      link(node, previous, pid);
      all.push(previous = pid);
    }
  }
  node.exit(centre, BOOM);
  assertEquals(all.filter((pid) => node.isAlive(pid)), []);
});

nodeTest("nothing of a link is left when both ends have ended", async ({ node, platform }) => {
  const parent = idler(node);
  for (let i = 0; i < 10_000; i++) node.spawn(() => {}, { link: parent });
  await platform.settle();
  assertEquals(processOf(node, parent).links, []);
});

nodeTest("an exit signal of a link that is no more is dropped", ({ node }) => {
  const [one, other] = [idler(node), idler(node)];
  processOf(node, one).linkBroken(other, BOOM);
  assert(node.isAlive(one));
  link(node, one, other);
  node._core.unlink(processOf(node, one), other);
  processOf(node, one).linkBroken(other, BOOM); // as one that crossed the unlink on its way from another node
  assert(node.isAlive(one));
});

visitedTest("to unlink what is not linked leaves nothing of its node", async ({ node, peer }) => {
  const { self } = await keeper(node);
  const strange = atom("strange@localhost");
  self.unlink(new Pid(strange, 1, 0, 5));
  assertStrictEquals(node._core.remotes.known(strange.name), undefined);
  assert(node._core.remotes.known(peer.name) !== undefined);
});
