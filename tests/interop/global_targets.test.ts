/** Servers that are started and reached by global names, between a published node of ours and one of Erlang. */
import { after, test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  format,
  GenServer,
  type Node,
  NoProcessError,
  on,
  startNode,
  sys,
  t,
  tuple,
} from "../../mod.ts";
import { type ErlangNode, freePort, poll, startErlang } from "../_support/erlang.ts";
import { whole } from "../_support/global.ts";
import { COOKIE, loadErlang } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { THEIRS } from "../_support/our_side.ts";
import { needs } from "../_support/runtime.ts";

class Counter extends GenServer {
  count = 0;
  override readonly calls = { add: on(t.integer, (n) => this.count += n), get: () => this.count };
  override readonly casts = {
    add: on(t.integer, (n) => {
      this.count += n;
    }),
  };
}

const skip = needs("erl", "epmd");
const before = openNow();
let sides: { readonly node: Node; readonly peer: ErlangNode } | null = null;

async function start(): Promise<{ readonly node: Node; readonly peer: ErlangNode }> {
  if (sides !== null) return sides;
  const epmdPort = await freePort();
  const options = { cookie: COOKIE, epmd: { port: epmdPort }, published: true };
  const node = await startNode("ours@localhost", options);
  const peer = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, mesh: true });
  await loadErlang(peer, "sys_checks");
  sides = { node, peer };
  await node.connect(THEIRS);
  await whole(node, peer);
  return sides;
}

async function stop(): Promise<void> {
  await sides?.peer.kill();
  await sides?.node.stop();
  sides = null;
}

after(stop);

test(
  "Erlang reaches a server of ours by its global name, and sees whose it is",
  { skip },
  async () => {
    const { node, peer } = await start();
    const counter = await node.start(Counter, [], { register: { global: "counter" } });
    assertEquals(await peer.eval("gen_server:call({global, counter}, {add, 5})"), "5");
    assertEquals(await peer.eval("gen_server:cast({via, global, counter}, {add, 1})"), "ok");
    assertEquals(await peer.eval("gen_server:call({via, global, counter}, get)"), "6");
    assertEquals(await peer.eval("sys:get_state({global, counter})"), "#{count => 6}");
    const header =
      `element(2, lists:keyfind(header, 1, lists:last(element(4, sys:get_status({global, counter})))))`;
    assertEquals(await peer.eval(header), '"Status for generic server counter"');
    const taken =
      `{error, {already_started, P}} = gen_server:start({global, counter}, sys_checks, 0, []), node(P)`;
    assertEquals(await peer.eval(taken), "ours@localhost");
    await counter.stop();
    const gone =
      `(fun F() -> case global:whereis_name(counter) of undefined -> gone; _ -> F() end end)()`;
    assertEquals(await peer.eval(gone), "gone");
  },
);

test(
  "we reach a server of theirs by its global name, in every way to write it",
  { skip },
  async () => {
    const { node, peer } = await start();
    await peer.eval("{ok, _} = gen_server:start({global, {theirs, 1}}, sys_checks, 3, []), ok");
    const name = tuple(atom("theirs"), 1);
    const targets = [
      { global: name },
      tuple(atom("global"), name),
      tuple(atom("via"), atom("global"), name),
    ] as const;
    for (const target of targets) assertEquals(await node.call(target, atom("get")), 3);
    node.cast(targets[0], tuple(atom("add"), 1));
    assertEquals(format(await sys.getState(node, targets[0])), "#{count => 4}");
    await assertRejects(
      () => node.start(Counter, [], { register: { global: name } }),
      Error,
      "Cannot register a process as {theirs,1} in global: <theirs@localhost",
    );
    const down = new Promise((resolve) =>
      node.monitor(targets[0], ({ reason }) => resolve(reason))
    );
    await sys.terminate(node, targets[0]);
    assertEquals(await down, atom("normal"));
    await poll(() => node.global.whereis(name) === undefined, peer);
    const error = await assertRejects(() => node.call(targets[0], atom("get")), NoProcessError);
    assert(error.message.startsWith("Cannot reach {theirs,1} in global"), error.message);
  },
);

test("nothing is left open", async () => {
  await stop();
  await assertNothingLeft(before);
});
