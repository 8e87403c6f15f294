/** Connections that are made at the same time: by both ends, by many peers, by many processes. */
import { after, before, test } from "node:test";
import { assertEquals } from "@std/assert";
import { atom, type Node, startNode, tagged } from "../../mod.ts";
import { type ErlangNode, freePort, poll, startErlang } from "../_support/erlang.ts";
import { HandMade } from "../_support/hand_made.ts";
import { COOKIE, loadErlang } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl");
const opened = openNow();
const ROUNDS = 40;

let epmdPort: number;
/** Keeps the EPMD. */
let first: Node;
let erl: ErlangNode | undefined;

before(async () => {
  epmdPort = await freePort();
  first = await start("first@localhost");
  if (skip) return;
  erl = await startErlang({ name: "m@localhost", cookie: COOKIE, epmdPort });
  await loadErlang(erl, "demo");
  await erl.eval("demo:start()");
});

after(stop);

async function stop(): Promise<void> {
  await erl?.kill();
  await first?.stop();
}

function start(name: string): Promise<Node> {
  return startNode(name, { cookie: COOKIE, epmd: { port: epmdPort } });
}

/** Both are asked to connect in the same moment, give or take a few milliseconds. */
async function bothConnect(node: Node, peer: ErlangNode, round: number): Promise<void> {
  const ahead = round % 7 - 3;
  const ours = node.sleep(Math.max(0, -ahead)).then(() => node.connect(peer.name));
  const theirs = node.sleep(Math.max(0, ahead)).then(() =>
    peer.eval(`net_adm:ping('${node.name}')`)
  );
  const [, pong] = await Promise.all([ours, theirs]);
  assertEquals(pong, "pong", `round ${round}`);
}

// The smaller name gives way: once it is ours, once it is theirs.
for (const name of ["a@localhost", "z@localhost"]) {
  test(`${name} and Erlang's m@localhost connect at once, ${ROUNDS} times`, { skip }, async () => {
    await using node = await start(name);
    const echo = { name: "echo", node: erl!.name };
    for (let round = 0; round < ROUNDS; round++) {
      await bothConnect(node, erl!, round);
      assertEquals(node.nodes(), [erl!.name]);
      assertEquals(await node.call(echo, tagged("echo", round)), round);
      const isAuth = `gen_server:call({net_kernel, '${name}'}, {is_auth, node()})`;
      assertEquals(await erl!.eval(isAuth), "yes");
      if (round % 2 === 0) node.disconnect(erl!.name);
      else await erl!.eval(`erlang:disconnect_node('${name}')`);
      await poll(async () => !(await erl!.eval("nodes(connected)")).includes(name));
      await poll(() => node.nodes().length === 0);
    }
  });

  test(`${name}: processes of both ends talk first at once`, { skip }, async () => {
    await using node = await start(name);
    const echo = { name: "echo", node: erl!.name };
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 50 }, (_, i) => node.call(echo, tagged("echo", i)));
      const theirs = erl!.eval(
        `[gen_server:call({net_kernel, '${name}'}, {is_auth, node()}) || _ <- lists:seq(1, 50)]`,
      );
      assertEquals(await Promise.all(calls), Array.from({ length: 50 }, (_, i) => i));
      assertEquals(await theirs, `[${Array(50).fill("yes")}]`);
      assertEquals(node.nodes(), [erl!.name]);
      node.disconnect(erl!.name);
      await poll(async () => !(await erl!.eval("nodes(connected)")).includes(name));
    }
  });
}

test(`two of ours connect at once, ${ROUNDS} times`, async () => {
  await using a = await start("a@localhost");
  await using z = await start("z@localhost");
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([
      a.sleep(Math.max(0, round % 5 - 2)).then(() => a.connect(z.name)),
      z.sleep(Math.max(0, 2 - round % 5)).then(() => z.connect(a.name)),
    ]);
    assertEquals([a.nodes(), z.nodes()], [[z.name], [a.name]]);
    assertEquals(await Promise.all([a.ping(z.name), z.ping(a.name)]), [true, true]);
    (round % 2 === 0 ? a : z).disconnect(round % 2 === 0 ? z.name : a.name);
    await poll(() => a.nodes().length + z.nodes().length === 0);
  }
});

test("60 peers shake hands at once", async () => {
  await using node = await start("busy@localhost");
  const peers = await Promise.all(
    Array.from(
      { length: 60 },
      (_, i) => HandMade.connect(node.name, epmdPort, { name: `peer${i}@localhost` }),
    ),
  );
  assertEquals(node.nodes().length, 60);
  const answers = await Promise.all(
    peers.map((peer) => peer.call("net_kernel", tagged("is_auth", atom("x")))),
  );
  assertEquals(answers, answers.map(() => atom("yes")));
  for (const peer of peers) peer.close();
  await poll(() => node.nodes().length === 0);
});

test("a peer that connects again takes the place of its old connection", async () => {
  await using node = await start("again@localhost");
  const name = "peer@localhost";
  const events = node.events();
  const old = await HandMade.connect(node.name, epmdPort, { name });
  const monitor = node.call({ name: "nobody", node: name }, 1, { timeout: Infinity });
  const ended = monitor.then(() => "answered", (error: Error) => error.message);
  await using peer = await HandMade.connect(node.name, epmdPort, { name });
  assertEquals(await ended, `Cannot reach node ${name}`);
  await old.closed;
  const types: string[] = [];
  for (let i = 0; i < 3; i++) types.push((await events.next()).value?.type);
  assertEquals(types, ["nodeup", "nodedown", "nodeup"]);
  assertEquals(await peer.call("net_kernel", tagged("is_auth", atom("x"))), atom("yes"));
  assertEquals(node.nodes(), [name]);
});

test("nothing is left open", async () => {
  await stop();
  await assertNothingLeft(opened);
});
