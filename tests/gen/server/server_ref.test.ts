import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  atom,
  exit,
  type ExitReason,
  NoProcessError,
  ProcessExitedError,
  type Term,
} from "../../../mod.ts";
import { BOOM, collector, ended, NORMAL, SHUTDOWN, spawned } from "../../node/_nodes.ts";
import {
  bothWays,
  Counter,
  Ending,
  exitReason,
  failure,
  gate,
  pair,
  terminated,
} from "../_servers.ts";

bothWays("a reference is a target wherever one is taken", async ({ node, platform }) => {
  const counter = await node.start(Counter, [2]);
  assertStrictEquals(counter.target, counter.pid);
  assertStrictEquals(await node.call(counter, atom("get")), 2);
  const { got, pid } = collector(node);
  const { value: monitor } = await spawned(
    node,
    (self) => self.monitor(counter, (down) => self.send(pid, down.reason)),
  );
  assertStrictEquals(monitor.object, counter.pid);
  const down: Term[] = [];
  counter.monitor(({ reason }) => down.push(reason));
  const taken = counter.monitor(() => down.push("not this one"));
  taken[Symbol.dispose]();
  node.exit(counter.pid, BOOM);
  await platform.settle();
  assertEquals([got, down], [[BOOM], [BOOM]]);
});

bothWays(
  "ref.stop ends a server behind the messages that it has got, and waits for its end",
  async ({ node, platform }) => {
    const log: Term[] = [];
    const opened = gate();
    const ref = await node.start(Ending, [log, () => opened.promise]);
    ref.send(1);
    ref.send(2);
    let over = false;
    const stopping = ref.stop().then(() => over = true);
    ref.send(3);
    await platform.settle();
    assertEquals(log, [1, 2, terminated(NORMAL)]);
    assertStrictEquals(over, false);
    opened.open();
    await stopping;
    assertStrictEquals(node.isAlive(ref.pid), false);
    assertInstanceOf(await failure(ref.stop()), NoProcessError);
  },
);

bothWays("ref.stop takes any reason, and tells of another one", async ({ node }) => {
  const reason = pair(SHUTDOWN, 5);
  const ref = await node.start(Ending, [[]]);
  const down = ended(node, ref.pid);
  await ref.stop(pair(SHUTDOWN, 5) as ExitReason);
  assertEquals(await down, reason);
  const other = await node.start(Ending, [[], () => exit(BOOM)]);
  assertStrictEquals(await exitReason(other.stop()), BOOM);
  const third = await node.start(Ending, [[]]);
  assertInstanceOf(await failure(third.stop("normal" as never)), TypeError);
  assert(node.isAlive(third.pid));
});

bothWays("a process may stop a server, too", async ({ node }) => {
  const ref = await node.start(Ending, [[]]);
  const { value: stopped } = await spawned(node, (self) => ref.as(self).stop());
  await stopped;
  assertStrictEquals(node.isAlive(ref.pid), false);
});

bothWays(
  "references made for a process that has ended do nothing in its name",
  async ({ node }) => {
    const counter = await node.start(Counter, []);
    const { value: ref, pid } = await spawned(node, (self) => counter.as(self));
    node.exit(pid, BOOM);
    assertThrows(() => ref.cast("add", 1), ProcessExitedError);
    assertThrows(() => ref.send(1), ProcessExitedError);
    assertThrows(() => ref.monitor(() => {}), ProcessExitedError);
    assertInstanceOf(await failure(ref.call("get")), ProcessExitedError);
    assertInstanceOf(await failure(ref.stop()), ProcessExitedError);
    assertStrictEquals(await counter.call("get"), 0);
  },
);
