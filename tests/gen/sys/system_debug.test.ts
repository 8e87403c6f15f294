// What sys shows of what a server of ours does, from this node.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { atom, equal, format, GenServer, sys, type Term } from "../../../mod.ts";
import { debugOf } from "../../../lib/gen/sys/debug.ts";
import { nodeTest, NORMAL } from "../../node/_nodes.ts";
import { bothWays, callByHand, failureOf, gate, logs, term } from "../_servers.ts";
import { Open } from "./_support.ts";

// Debugging

bothWays("the log keeps the last events, in the form of OTP", async ({ node }) => {
  const server = await node.start(Open, [], { register: "open" });
  await sys.log(node, server, 4);
  await sys.log(node, server, 9); // it is on already
  assertStrictEquals(
    await callByHand(node, server.pid, term(atom("add"), 2), "tag") instanceof Object,
    true,
  );
  server.cast("add", 3);
  server.send("info");
  await sys.getState(node, server);
  const events = await sys.getLog(node, server);
  assertEquals(
    events.map((event) => format(event)).join("\n").replaceAll(
      /<lone@localhost\.\d+\.\d+>/g,
      "Pid",
    ),
    [
      "{in,{'$gen_cast',{add,3}}}",
      "{noreply,#{count => 5,seen => []}}",
      '{in,<<"info">>}',
      '{noreply,#{count => 5,seen => [<<"info">>]}}',
    ].join("\n"),
  );
  const { debug, misc } = await sys.getStatus(node, server);
  assert(
    format([...debug]).startsWith(
      "[{log,[[],{{in,{'$gen_cast',{add,3}}},open,fun gen_server:print_event/3},",
    ),
    format([...debug]),
  );
  assert(format(misc).includes("{\"Logged events\",[{in,{'$gen_cast',{add,3}}},"), format(misc));
  await sys.log(node, server, false);
  assertEquals(await sys.getLog(node, server), []);
});

bothWays(
  "a call is logged with its reply and the state after it, one that is not answered with its state",
  async ({ node }) => {
    const server = await node.start(Open, []);
    await sys.log(node, server, true);
    await server.call("add", 2);
    const late = failureOf(() => server.with({ timeout: 1_000_000 }).call("later", 1));
    await sys.getState(node, server);
    const [came, went, last, noreply] = await sys.getLog(node, server) as unknown as Term[][];
    assertEquals(format(came[1]).replace(/\{<.*\]\},/, "From,"), "{'$gen_call',From,{add,2}}");
    assertEquals([went[0], went[1], format(went[3])], [atom("out"), 2, "#{count => 2,seen => []}"]);
    assert(equal(went[2], (came[1] as unknown as Term[])[1]), "the same From");
    assertEquals(last[0], atom("in"));
    assertEquals(format(noreply as unknown as Term), "{noreply,#{count => 2,seen => []}}");
    const { debug } = await sys.getStatus(node, server);
    assert(/^\[\{log,\[6,\{\{noreply,/.test(format([...debug])), format([...debug]));
    await server.stop();
    await late;
  },
);

nodeTest(
  "the log of a handler that waits is in order, and of later has its reply",
  async ({ node }) => {
    const { promise, open } = gate<number>();
    class Waiting extends GenServer {
      override readonly calls = { wait: () => promise };
    }
    const server = await node.start(Waiting, []);
    await sys.log(node, server, true);
    const reply = server.call("wait");
    open(5);
    assertStrictEquals(await reply, 5);
    const log = await sys.getLog(node, server);
    assertEquals(log.map((event) => format((event as unknown as Term[])[0])), ["in", "out"]);
  },
);

nodeTest("what is logged does not change afterwards", async ({ node }) => {
  const server = await node.start(Open, []);
  const message = [1];
  await sys.log(node, server, true);
  server.send(message);
  await sys.getState(node, server);
  message.push(2);
  assertEquals(format((await sys.getLog(node, server))[0]), "{in,[1]}");
});

bothWays(
  "statistics count messages, and are none where nobody counts",
  async ({ node, platform }) => {
    const server = await node.start(Open, []);
    assertStrictEquals(await sys.getStatistics(node, server), null);
    await sys.statistics(node, server, true);
    await server.call("add", 1);
    server.cast("add", 1);
    server.send(1);
    const counted = await sys.getStatistics(node, server);
    const at = new Date(platform.systemTime());
    const two = (number: number): string => String(number).padStart(2, "0");
    const text = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${
      two(at.getHours())
    }:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    assertEquals(counted, {
      startTime: text,
      currentTime: text,
      reductions: 3,
      messagesIn: 3,
      messagesOut: 1,
    });
    await sys.statistics(node, server, false);
    assertStrictEquals(await sys.getStatistics(node, server), null);
  },
);

bothWays("a trace writes what OTP prints", async (lone) => {
  const { node } = lone;
  const server = await node.start(Open, [], { register: "open" });
  await sys.trace(node, server, true);
  await server.call("add", 1);
  server.cast("add", 1);
  server.send("info");
  await sys.trace(node, server, false);
  await server.call("add", 1);
  const main = format(node.pid);
  assertEquals(logs(lone), [
    `*DBG* open got call {add,1} from ${main}`,
    `*DBG* open sent 1 to ${main}, new state #{count => 1,seen => []}`,
    "*DBG* open got cast {add,1}",
    "*DBG* open new state #{count => 2,seen => []}",
    '*DBG* open got <<"info">>',
    '*DBG* open new state #{count => 2,seen => [<<"info">>]}',
  ]);
});

bothWays(
  "an installed function sees the events until it is done, throws or is removed",
  async ({ node }) => {
    const server = await node.start(Open, [], { register: "open" });
    const seen: string[] = [];
    const see = (last: unknown, event: Term, name: Term): unknown => {
      seen.push(`${last} ${format((event as unknown as Term[])[0])} ${format(name)}`);
      return (last as number) === 1 ? "done" : last as number + 1;
    };
    await sys.install(node, server, atom("one"), see, 0);
    await sys.install(node, server, atom("one"), see, 100); // there is one of that id
    await sys.install(node, server, atom("bad"), () => {
      throw new Error("no");
    });
    server.cast("add", 1);
    server.cast("add", 1);
    await server.call("get");
    assertEquals(seen, ["0 in open", "1 noreply open"]);
    await sys.install(node, server, atom("two"), see, 0);
    assertEquals((await sys.getStatus(node, server)).debug.length, 1);
    await sys.remove(node, server, atom("two"));
    server.cast("add", 1);
    await server.call("get");
    assertEquals(seen.length, 2);
  },
);

nodeTest("what cannot be looked at harms no server", async (lone) => {
  const hostile = new Proxy({}, {
    getPrototypeOf(): never {
      throw new Error("hostile");
    },
  });
  const server = await lone.node.start(Open, []);
  await sys.log(lone.node, server, true);
  server.send([hostile] as never);
  assertStrictEquals(await server.call("get"), 0);
  assertStrictEquals(logs(lone).length, 1);
  assert(logs(lone)[0].startsWith("Cannot debug a server: Error: hostile"), logs(lone)[0]);
  assertEquals(await sys.getLog(lone.node, server), []);
});

bothWays("a server that nobody looks at any more is as it was", async ({ node }) => {
  const server = await node.start(Open, []);
  const { _core: core } = node;
  const instance = core.process(server.pid)!.body;
  await sys.log(node, server, true);
  await sys.trace(node, server, true);
  await sys.trace(node, server, false);
  assert(core.process(server.pid)!.body !== instance);
  assertEquals(debugOf(instance as Open)?.options.length, 1);
  await sys.noDebug(node, server);
  assertStrictEquals(core.process(server.pid)!.body, instance);
  assertStrictEquals(await server.call("get"), 0);
});

bothWays("terminate of a debugged server is called", async ({ node }) => {
  const log: Term[] = [];
  class Ending extends GenServer {
    override terminate(reason: Term): void {
      log.push(reason);
    }
  }
  const server = await node.start(Ending, []);
  await sys.trace(node, server, true);
  await server.stop();
  assertEquals(log, [NORMAL]);
});
