/** Nodes that cannot hear each other though the connection is up: a cable that lets nothing through, a program that is stopped. */
import process from "node:process";
import { after, test } from "node:test";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { NodeDownError } from "../../lib/node/errors.ts";
import {
  atom,
  GenServer,
  later,
  type Node,
  type NodeEvent,
  on,
  startNode,
  t,
  tagged,
} from "../../mod.ts";
import { type ErlangNode, freePort, poll, startErlang } from "../_support/erlang.ts";
import { COOKIE, loadErlang, startConformance } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { ECHO, reasonOf, THEIRS } from "../_support/our_side.ts";
import { Relay } from "../_support/relay.ts";
import { needs } from "../_support/runtime.ts";

/** A machine that is held up for a second or two does not take the other one for dead. */
const TICK_TIME = 4_000;

const skip = needs("erl");
const opened = openNow();

after(() => assertNothingLeft(opened));

class Echo extends GenServer {
  override readonly calls = {
    later: on(t.integer, t.term, (ms, term) => later(this.node.sleep(ms).then(() => term))),
  };
}

async function startTheirs(epmdPort: number): Promise<ErlangNode> {
  const args = ["-kernel", "net_ticktime", String(TICK_TIME / 1000)];
  const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, args });
  await loadErlang(erl, "demo");
  await erl.eval("demo:start()");
  return erl;
}

interface Sides extends AsyncDisposable {
  readonly node: Node;
  readonly erl: ErlangNode;
  readonly relay: Relay;
}

/** Our node and one of theirs, which we reach by a cable. */
async function connected(): Promise<Sides> {
  const epmdPort = await freePort();
  const keeper = await startNode("epmd@localhost", { cookie: COOKIE, epmd: { port: epmdPort } });
  const erl = await startTheirs(epmdPort);
  const port = Number(
    await erl.eval(`begin {port, P, _} = erl_epmd:port_please("theirs", {127,0,0,1}), P end`),
  );
  const relay = await Relay.start(() => port);
  const node = await startNode("ours@localhost", {
    cookie: COOKIE,
    epmd: false,
    routes: { [THEIRS]: { host: "127.0.0.1", port: relay.port } },
    tickTime: TICK_TIME,
  });
  await node.start(Echo, [], { register: "echo" });
  await node.connect(THEIRS);
  const end = async (): Promise<void> => {
    await node.stop();
    await erl.kill();
    await relay[Symbol.asyncDispose]();
    await keeper.stop();
  };
  return { node, erl, relay, [Symbol.asyncDispose]: end };
}

/** Everything of ours that waits for that node ends because it is down. */
async function allEnds(node: Node, happens: () => unknown): Promise<void> {
  const events = node.events();
  const waiting = [
    node.call(ECHO, tagged("later", 60_000, atom("never")), { timeout: Infinity }),
    node.rpc(THEIRS, "timer", "sleep", [60_000], { timeout: Infinity }),
  ];
  const down = reasonOf(node, ECHO);
  const settled = Promise.allSettled(waiting);
  await node.ping(THEIRS); // they have arrived
  await happens();
  const seen: NodeEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (event.type === "nodedown") break;
  }
  assertEquals(seen.map((event) => event.type === "nodedown" && event.reason), [
    "net_tick_timeout",
  ]);
  for (const result of await settled) {
    assertInstanceOf((result as PromiseRejectedResult).reason, NodeDownError);
  }
  assertEquals(await down, "noconnection");
}

async function up(node: Node): Promise<void> {
  await poll(() => node.ping(THEIRS));
}

/** What an Erlang node gets to know of a node that it watches, and the calls that wait for it. */
const WATCH = (node: string): string =>
  `begin
    pong = net_adm:ping('${node}'),
    Self = self(),
    Watch = spawn(fun() ->
      Ref = monitor(process, {echo, '${node}'}),
      Request = gen_server:send_request({echo, '${node}'}, {later, 60000, never}),
      pong = net_adm:ping('${node}'),
      Self ! watching,
      receive {'DOWN', Ref, process, _, Reason} -> ok end,
      {error, {Ended, _}} = gen_server:receive_response(Request, infinity),
      receive {tell, To} -> To ! {Reason, Ended} end
    end),
    receive watching -> register(watch, Watch) end,
    ok
  end`;
const WATCHED = "begin watch ! {tell, self()}, receive {Down, Call} -> {Down, Call} end end";

test("nothing goes through: both ends take the other for dead", { skip }, async () => {
  await using sides = await connected();
  const { node, erl, relay } = sides;
  await erl.eval(WATCH(node.name));
  await allEnds(node, () => relay.blackHole(true));
  assertEquals(await erl.eval(WATCHED), "{noconnection,noconnection}");
  relay.blackHole(false);
  await up(node);
  assertEquals(await node.call(ECHO, tagged("echo", 1)), 1);
});

test("an idle connection over a slow cable stays up, and keeps its order", { skip }, async () => {
  await using sides = await connected();
  const { node, relay } = sides;
  relay.delay(200);
  const events = node.events();
  await node.sleep(2 * TICK_TIME);
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, i) => node.call(ECHO, tagged("tally", i), t.term)),
  );
  assertEquals(replies, Array.from({ length: 200 }, (_, i) => tagged("done", i)));
  node.disconnect(THEIRS);
  const { value } = await events.next();
  assertEquals(value?.type === "nodedown" && value.reason, "disconnected");
});

test("their program is stopped, and goes on", { skip }, async () => {
  await using sides = await connected();
  const { node, erl } = sides;
  await allEnds(node, () => process.kill(erl.pid, "SIGSTOP"));
  process.kill(erl.pid, "SIGCONT");
  await up(node);
  assertEquals(await node.call(ECHO, tagged("echo", 1)), 1);
});

test("our program is stopped, and goes on", { skip }, async () => {
  await using ours = await startConformance({ tickTime: TICK_TIME });
  await using erl = await startTheirs(ours.epmdPort);
  await erl.eval(WATCH(ours.name));
  process.kill(ours.pid, "SIGSTOP");
  assertEquals(await erl.eval(WATCHED), "{noconnection,noconnection}");
  process.kill(ours.pid, "SIGCONT");
  await loadErlang(erl, "checks");
  assertEquals(await erl.eval(`checks:up('${ours.name}')`), "ok");
  assertEquals(await erl.eval(`gen_server:call({echo, '${ours.name}'}, {echo, here})`), "here");
});
