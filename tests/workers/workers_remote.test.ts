import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  atom,
  ExitError,
  float,
  format,
  type Node,
  NoProcessError,
  type Pid,
  startNode,
  type Term,
  tuple,
} from "../../mod.ts";
import { needsErlang, startEpmd, startErlang } from "../_support/erlang.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { clusterTest } from "../node/_cluster.ts";
import type Guest from "./_guest.ts";

const GUEST = new URL("./_guest.ts", import.meta.url);
const OK = atom("ok");

clusterTest(
  "processes on workers of two nodes: calls, links, monitors, order, names, rpc",
  async (a, b) => {
    const here = await a.start<Guest>(GUEST, [true], { register: "here" });
    const there = await b.start<Guest>(GUEST, [true], { register: "there" });
    const name = tuple(atom("there"), atom(b.name));
    assertEquals(await b.call({ name: "here", node: a.name }, atom("me")), here.pid);
    assertEquals(await here.call("call", name, atom("me")), there.pid);
    assertEquals(await here.call("call", there.pid, tuple(atom("echo"), float(1))), 1);
    assertEquals(await here.call("link", there.pid), [there.pid]);
    const ref = await here.call("watch", there.pid);
    here.cast("count_to", there.pid, 500);
    const counted = await poll(() => there.call("told"), (told) => told.length === 500);
    assertEquals(counted, Array.from({ length: 500 }, (_, i) => i));
    const tried = await here.call("try", there.pid, tuple(atom("nothing"), 1)) as Term[];
    assertEquals(tried[0], atom("ExitError"));
    b.provide("demo", { twice: (n) => Number(n) * 2 });
    assertEquals(await here.call("rpc", b.name, "demo", "twice", [21]), 42);
    assertEquals((await here.call("nodes")).map(String), [b.name]);
    await assertRejects(() => b.call(here.pid, tuple(atom("exit"), OK)), ExitError);
    await assertRejects(() => b.call(here.pid, atom("me")), NoProcessError);
    await poll(() => there.call("told"), (told) => told.length === 501);
    assertEquals((await there.call("told"))[500], tuple(atom("EXIT"), here.pid, OK));

    const watcher = await a.start<Guest>(GUEST, []);
    await watcher.call("monitor_nodes", true);
    await watcher.call("monitor_node", b.name, true);
    await watcher.call("monitor_node", b.name, true);
    await watcher.call("monitor_node", b.name, false);
    assertEquals(await watcher.call("told"), []);

    const again = await a.start<Guest>(GUEST, [true], { register: "here" });
    const seen = await again.call("watch", name);
    await again.call("link", there.pid);
    a.disconnect(b.name);
    const told = await poll(() => again.call("told"), (all) => all.length === 2);
    const noconnection = atom("noconnection");
    assertEquals(
      told.map(String).sort(),
      [
        tuple(atom("DOWN"), seen, atom("process"), name, noconnection),
        tuple(atom("EXIT"), there.pid, noconnection),
      ].map(String).sort(),
    );
    assert(ref !== null);
    const downs = await poll(() => watcher.call("told"), (all) => all.length === 2);
    assertEquals(
      downs.map((one) => format(one)).sort(),
      [
        `{nodedown,'${b.name}',[{nodedown_reason,disconnect},{node_type,hidden}]}`,
        `{nodedown,'${b.name}'}`,
      ].map((text) => text.replaceAll("'", "")).sort(),
    );
  },
  { node: { workers: 1 }, threads: true },
);

test("an Erlang node and a process on a worker", { skip: needsErlang }, async () => {
  await using epmd = await startEpmd();
  const node: Node = await startNode("workers@localhost", {
    cookie: "workers",
    epmd: { port: epmd.port },
    workers: 1,
    signals: false,
  });
  try {
    await node.start<Guest>(GUEST, [true], { register: "guest" });
    await using erl = await startErlang({
      name: "beam@localhost",
      cookie: "workers",
      epmdPort: epmd.port,
    });
    const calls = await erl.eval(`
      G = {guest, 'workers@localhost'},
      Pid = gen_server:call(G, me, infinity),
      Terms = {1.0, 2.5, <<"text">>, [1,2,3], "abc", #{a => {1}}, self(), make_ref()},
      Same = gen_server:call(Pid, {echo, Terms}, infinity) == Terms,
      Me = self(),
      [gen_server:cast(Pid, {forward, Me, N}) || N <- lists:seq(1, 100)],
      Order = [receive N -> N end || N <- lists:seq(1, 100)] =:= lists:seq(1, 100),
      Big = binary:copy(<<"0123456789">>, 200000),
      IsBig = gen_server:call(Pid, {echo, Big}, infinity) =:= Big,
      Late = gen_server:call(Pid, {late, later}, infinity),
      {'EXIT', {{bad_request, _, _}, _}} = (catch gen_server:call(Pid, {nothing, 1}, infinity)),
      {[], ['workers@localhost']} = gen_server:multi_call(['workers@localhost'], guest, {nothing, 1}),
      State = element(1, sys:get_status(Pid, infinity)),
      {node(Pid), Same, Order, IsBig, Late, State}`);
    assertEquals(calls, "{workers@localhost,true,true,true,later,status}");
    const ends = await erl.eval(`
      G = {guest, 'workers@localhost'},
      Pid = gen_server:call(G, me, infinity),
      process_flag(trap_exit, true),
      link(Pid),
      Ref = monitor(process, Pid),
      NameRef = monitor(process, G),
      {'EXIT', {{bye, 1}, _}} = (catch gen_server:call(Pid, {exit, {bye, 1}}, infinity)),
      [receive {'EXIT', Pid, R1} -> R1 end,
       receive {'DOWN', Ref, process, Pid, R2} -> R2 end,
       receive {'DOWN', NameRef, process, G, R3} -> R3 end,
       element(1, element(2, catch gen_server:call(Pid, me)))]`);
    assertEquals(ends, "[{bye,1},{bye,1},{bye,1},noproc]");

    const guest = (await node.start<Guest>(GUEST, [true], { register: "guest" }))
      .with({ timeout: 100_000 });
    const beam = "beam@localhost";
    assertEquals(await guest.call("rpc", beam, "lists", "seq", [1, 3]), [1, 2, 3]);
    const rex = tuple(atom("rex"), atom(beam));
    const apply = tuple(atom("call"), atom("erlang"), atom("node"), [], atom("user"));
    assertEquals(await guest.call("call", rex, apply), atom(beam));
    const far = await guest.call("rpc", beam, "erlang", "spawn", [atom("timer"), atom("sleep"), [
      60_000,
    ]]);
    const ref = await guest.call("watch", far);
    await guest.call("link", far as Pid);
    await erl.eval("ok");
    guest.cast("exit", far as Pid, atom("stopped"));
    const told = await poll(() => guest.call("told"), (all) => all.length === 2);
    assertEquals(
      told.map((one) => format(one)).sort(),
      [
        format(tuple(atom("DOWN"), ref, atom("process"), far, atom("stopped")) as Term),
        format(tuple(atom("EXIT"), far, atom("stopped")) as Term),
      ].sort(),
    );
    const ended = new Promise((resolve) => guest.monitor(({ reason }) => resolve(reason)));
    await erl.eval(`exit(gen_server:call({guest, 'workers@localhost'}, me, infinity), kill)`);
    assertEquals(await ended, atom("killed"));
  } finally {
    await node.stop();
  }
});

async function poll<T>(ask: () => Promise<T>, until: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (until(value)) return value;
    await sleep(5); // or the questions would leave no turn to anything else
  }
}

testNothingIsLeft();
