/** Names that a cluster of Erlang nodes and published nodes of ours knows. */
import { test } from "node:test";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { atom, format, type Node, Pid, tuple } from "../../mod.ts";
import { type ErlangNode, needsErlang as skip, poll } from "../_support/erlang.ts";
import { connect, erlangName, GlobalCluster, haveNames, names, whole } from "../_support/global.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** A process of ours that waits. */
function waiting(node: Node): Pid {
  return node.spawn(async (self) => void await self.receive());
}

/** The pid that a node finds, as it is on the wire. */
async function whereis(node: Node | ErlangNode, name: string): Promise<string> {
  if (!("eval" in node)) return node.global.whereis(name)?.key ?? "undefined";
  const text = await node.eval(`case global:whereis_name(${name}) of
    undefined -> undefined;
    Pid -> <<131, 88, 119, L, Node:L/binary, Id:32, Serial:32, Creation:32>> = term_to_binary(Pid, [{minor_version, 2}]),
      lists:flatten(io_lib:format("p~p.~p.~p@~ts", [Id, Serial, Creation, Node]))
  end`);
  return text.replaceAll('"', "");
}

test("ours joins a cluster as its last member", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b] = [await cluster.erlang("a"), await cluster.erlang("b")];
  await connect(a, b.name);
  assertEquals(await erlangName(a, "at_a"), "yes");
  assertEquals(await erlangName(b, "{at, b}"), "yes");
  const ours = await cluster.ours();
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  await ours.connect(a.name);
  await whole(ours, a, b);
  await haveNames([ours, a, b], "[at_a,at_ours,{at,b}]");
  assertEquals(await whereis(b, "at_ours"), await whereis(ours, "at_ours"));
  assertEquals(await whereis(ours, "at_a"), await whereis(b, "at_a"));
});

test("ours is the first member of a cluster", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const ours = await cluster.ours();
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  const a = await cluster.erlang("a");
  assertEquals(await erlangName(a, "at_a"), "yes");
  await connect(a, ours.name);
  await whole(ours, a);
  const b = await cluster.erlang("b");
  assertEquals(await erlangName(b, "at_b"), "yes");
  await connect(b, ours.name);
  await whole(ours, a, b);
  await haveNames([ours, a, b], "[at_a,at_b,at_ours]");
});

test("ours brings together two nodes that do not know each other", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b, ours] = [await cluster.erlang("a"), await cluster.erlang("b"), await cluster.ours()];
  assertEquals(await erlangName(a, "at_a"), "yes");
  assertEquals(await erlangName(b, "at_b"), "yes");
  await Promise.all([ours.connect(a.name), ours.connect(b.name)]);
  await whole(ours, a, b);
  await haveNames([ours, a, b], "[at_a,at_b]");
});

test("clusters of several nodes become one", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b] = [await cluster.erlang("a"), await cluster.erlang("b")];
  const [ours, other] = [await cluster.ours("ours"), await cluster.ours("zz_other")];
  await connect(a, ours.name);
  await connect(b, other.name);
  await whole(a, ours);
  await whole(b, other);
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  assertEquals(await other.global.register("at_other", waiting(other)), true);
  assertEquals(await erlangName(a, "at_a"), "yes");
  assertEquals(await erlangName(b, "at_b"), "yes");
  await connect(b, ours.name);
  await whole(ours, other, a, b);
  await haveNames([ours, other, a, b], "[at_a,at_b,at_other,at_ours]");
});

test("names are registered, changed and taken back by any member", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b, ours] = [await cluster.erlang("a"), await cluster.erlang("b"), await cluster.ours()];
  await connect(a, b.name);
  await ours.connect(b.name);
  await whole(ours, a, b);
  const all = [ours, a, b];

  assertEquals(await ours.global.register("one", waiting(ours)), true);
  assertEquals(await names(a), "[one]"); // at once: registering waits for all
  assertEquals(await names(b), "[one]");
  assertEquals(await erlangName(a, "one"), "no");
  assertEquals(await erlangName(a, "two"), "yes");
  assertEquals(await names(ours), "[one,two]");
  assertEquals(await ours.global.register("two", waiting(ours)), false);

  // From one node's process to another's, by either side.
  await ours.global.reregister("two", waiting(ours));
  assertEquals(await whereis(b, "two"), await whereis(ours, "two"));
  assertEquals(ours.global.whereis("two")?.node, ours.name);
  assertEquals(
    await b.eval("global:re_register_name(one, spawn(fun() -> receive stop -> ok end end))"),
    "yes",
  );
  assertEquals(ours.global.whereis("one")?.node, b.name);

  // A process of another node.
  const theirs = ours.global.whereis("one")!;
  await ours.global.unregister("one");
  assertEquals(await names(a), "[two]");
  assertEquals(await ours.global.register(tuple(atom("three"), 3.5, 1), theirs), true);
  assertEquals(await names(a), "[two,{three,3.5,1}]");
  assertEquals(ours.global.whereis(tuple(atom("three"), 3.5, 1))?.key, theirs.key);
  assertEquals(await a.eval("global:unregister_name({three, 3.5, 1})"), "ok");
  assertEquals(await b.eval("global:unregister_name(two)"), "ok");
  await haveNames(all, "[]");
});

test("messages reach names, from either side", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  await ours.connect(a.name);
  await whole(ours, a);
  assertEquals(await erlangName(a, "at_a"), "yes");
  const got = new Promise<string>((resolve) => {
    const pid = ours.spawn(async (self) => {
      ours.global.send("at_a", tuple(atom("ask"), self.pid));
      resolve(format(await self.receive()));
    });
    assertInstanceOf(pid, Pid);
  });
  assertEquals(await got, "{answer,a@localhost}");
  const echo = ours.spawn(async (self) => {
    for await (const message of self) {
      const [, from] = message as unknown as [unknown, Pid];
      self.send(from, tuple(atom("answer"), atom("ours")));
    }
  });
  assertEquals(await ours.global.register("echo", echo), true);
  assertEquals(
    await a.eval("begin global:send(echo, {ask, self()}), receive M -> M end end"),
    "{answer,ours}",
  );
});

test("a name goes with its process, and with its node", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b, ours] = [await cluster.erlang("a"), await cluster.erlang("b"), await cluster.ours()];
  const other = await cluster.ours("zz_other");
  await connect(a, b.name);
  await ours.connect(b.name);
  await other.connect(a.name);
  await whole(ours, other, a, b);
  const all = [ours, other, a, b];

  const pid = waiting(ours);
  assertEquals(await ours.global.register("mortal", pid), true);
  await haveNames(all, "[mortal]");
  ours.send(pid, atom("end"));
  await haveNames(all, "[]");
  assertEquals(ours.global.whereis("mortal"), undefined);

  assertEquals(await erlangName(a, "mortal"), "yes");
  await haveNames(all, "[mortal]");
  ours.global.send("mortal", atom("stop"));
  await haveNames(all, "[]");

  assertEquals(await erlangName(b, "at_b"), "yes");
  assertEquals(await other.global.register("at_other", waiting(other)), true);
  assertEquals(await ours.global.register("at_ours", waiting(ours)), true);
  await haveNames(all, "[at_b,at_other,at_ours]");
  await b.kill();
  await haveNames([ours, other, a], "[at_other,at_ours]");
  await whole(ours, other, a);
  await other.stop();
  await haveNames([ours, a], "[at_ours]");
  await whole(ours, a);
  await ours.stop();
  await haveNames([a], "[]");
});

test("a thousand names are exchanged", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  for (let i = 0; i < 500; i++) {
    assertEquals(await ours.global.register(tuple(atom("ours"), i), waiting(ours)), true);
  }
  await a.eval(`[yes = global:register_name({theirs, I}, spawn(fun() -> receive stop -> ok end end))
    || I <- lists:seq(1, 500)]`);
  await ours.connect(a.name);
  await whole(ours, a);
  const sum = "length(global:registered_names())";
  await poll(async () => await a.eval(sum) === "1000");
  await poll(() => ours.global.names().length === 1000);
  for (let i = 0; i < 500; i++) {
    assertEquals(ours.global.whereis(tuple(atom("theirs"), i + 1))?.node, a.name);
    assertEquals(ours.global.whereis(tuple(atom("ours"), i))?.node, ours.name);
  }
  assertEquals(
    await a.eval(`lists:all(fun(I) -> node(global:whereis_name({ours, I})) =:= 'ours@localhost' end,
      lists:seq(0, 499))`),
    "true",
  );
  await ours.stop();
  await poll(async () => await a.eval(sum) === "500");
});

test("the name server answers what Erlang's tools ask it", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  await ours.connect(a.name);
  await whole(ours, a);
  const ask = (request: string): Promise<string> =>
    a.eval(`gen_server:call({global_name_server, 'ours@localhost'}, ${request})`);
  assertEquals(await ask("get_known"), "[a@localhost]");
  assertEquals(await ask("get_synced"), "[a@localhost]");
  assertEquals(await ask("get_protocol_version"), "8");
  assertEquals(await ask("get_names_ext"), "[]");
  assertEquals(await ask("{sync, [node()]}"), "ok");
  assertEquals(await ask("{set_lock, {res, req}}"), "true");
  assertEquals(await ask("{set_lock, {res, other}}"), "true"); // who had it has ended
  assertEquals(await ask("{del_lock, {res, other}}"), "true");
  assertEquals(
    await a.eval(`element(1, ${"gen_server:call({global_name_server, 'ours@localhost'}, info)"})`),
    "state",
  );
  const refused = await a.eval(
    "catch gen_server:call({global_name_server, 'ours@localhost'}, what)",
  );
  assertEquals(refused.includes("bad_request"), true, refused);
});

testNothingIsLeft();
