import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { atom, format, GenServer, type Pid, RpcError, type Term, tuple } from "../../mod.ts";
import { needsErlang, startEpmd, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { failure } from "../gen/_servers.ts";
import { clusterTest } from "../node/_cluster.ts";
import { forever, until } from "../node/_nodes.ts";
import { startNode } from "../../mod.ts";

class Shown extends GenServer {
  override readonly calls = { sleep: () => this.hibernate() };
}

const THERE = "b@localhost";

clusterTest("other nodes see the processes of this one", async (a, b) => {
  const { pid } = await b.start(Shown, [], { register: "shown" });
  const all = await a.rpc(THERE, "erlang", "processes") as Pid[];
  assert(all.some((one) => one.equals(pid)));
  const names = await a.rpc(THERE, "erlang", "registered") as Term[];
  assert(names.includes(atom("shown")) && names.includes(atom("net_kernel")));
  assertEquals(await a.rpc(THERE, "erlang", "whereis", [atom("shown")]), pid);
  assertStrictEquals(await a.rpc(THERE, "erlang", "whereis", [atom("nobody")]), atom("undefined"));
  assertStrictEquals(await a.rpc(THERE, "erlang", "is_process_alive", [pid]), true);
});

clusterTest("a short request does not make an answer of any length", async (a, b) => {
  const { pid } = await b.start(Shown, [], { register: "shown" });
  const ask = (count: number): Promise<Term> =>
    a.rpc(THERE, "erlang", "process_info", [pid, Array(count).fill(atom("links"))]);
  assertEquals((await ask(100) as Term[]).length, 100);
  const refused = await failure(ask(101));
  assert(refused instanceof RpcError);
  assertStrictEquals(format(refused.reason), "badarg");
});

clusterTest("a process tells what it is asked for", async (a, b) => {
  const parent = b.spawn(forever);
  const { pid } = await b.start(Shown, [], { register: "shown", link: parent });
  const info = (items: Term): Promise<Term> => a.rpc(THERE, "erlang", "process_info", [pid, items]);
  assertEquals(await info(atom("links")), tuple(atom("links"), [parent]) as Term);
  assertEquals(
    await info([atom("registered_name"), atom("trap_exit"), atom("initial_call")]),
    [
      tuple(atom("registered_name"), atom("shown")),
      tuple(atom("trap_exit"), false),
      tuple(atom("initial_call"), tuple(atom("Shown"), atom("init"), 1)),
    ] as Term,
  );
  await b.call(pid, atom("sleep"));
  await until(() => b.info(pid)!.status === "hibernating");
  assertStrictEquals(
    format(await info(atom("current_function"))),
    "{current_function,{erlang,hibernate,3}}",
  );
  const usual = await a.rpc(THERE, "erlang", "process_info", [pid]) as Term[];
  assertStrictEquals(format(usual[0]), "{registered_name,shown}");
  const nameless = await a.rpc(THERE, "erlang", "process_info", [parent]) as Term[];
  assertStrictEquals(nameless.length, usual.length - 1);
  assertEquals(
    await a.rpc(THERE, "erlang", "process_info", [parent, atom("registered_name")]),
    [],
  );
  assertEquals(
    await a.rpc(THERE, "erlang", "process_info", [parent, [atom("registered_name")]]),
    [tuple(atom("registered_name"), [])] as Term,
  );
});

clusterTest("who is gone is undefined, and what is no item is badarg", async (a, b) => {
  const gone = b.spawn(() => {});
  await until(() => !b.isAlive(gone));
  const ask = (...args: Term[]): Promise<Term> => a.rpc(THERE, "erlang", "process_info", args);
  assertStrictEquals(await ask(gone, atom("links")), atom("undefined"));
  assertStrictEquals(await ask(gone), atom("undefined"));
  assertStrictEquals(await a.rpc(THERE, "erlang", "is_process_alive", [gone]), false);
  const wrong: Term[][] = [
    [b.pid, atom("constructor")],
    [b.pid, [atom("links"), 5]],
    [a.pid, atom("links")],
    [5, atom("links")],
  ];
  for (const args of wrong) {
    const error = await failure(ask(...args));
    assert(error instanceof RpcError);
    assertStrictEquals(error.reason, atom("badarg"));
  }
});

clusterTest("a peer sees what is open to it, and nothing else", async (a, b) => {
  const { pid } = await b.start(Shown, [], { register: "secret" });
  const open = await b.start(Shown, [], { register: "open" });
  const all = await a.rpc(THERE, "erlang", "processes") as Pid[];
  assert(!all.some((one) => one.equals(pid)) && all.some((one) => one.equals(open.pid)));
  const names = await a.rpc(THERE, "erlang", "registered") as Term[];
  assert(!names.includes(atom("secret")) && names.includes(atom("open")));
  const undefined_ = atom("undefined");
  assertStrictEquals(await a.rpc(THERE, "erlang", "whereis", [atom("secret")]), undefined_);
  assertStrictEquals(
    await a.rpc(THERE, "erlang", "process_info", [pid, atom("links")]),
    undefined_,
  );
  assertStrictEquals(await a.rpc(THERE, "erlang", "is_process_alive", [pid]), false);
  assert((await b.rpc(THERE, "erlang", "registered") as Term[]).includes(atom("secret")));
}, { node: { access: [{ names: ["open"] }] } });

test("Erlang asks as its tools do", { skip: needsErlang }, async () => {
  await using epmd = await startEpmd();
  await using erl = await startErlang({ name: "b@localhost", cookie: COOKIE, epmdPort: epmd.port });
  await using node = await startNode("ours@localhost", {
    cookie: COOKIE,
    epmd: { port: epmd.port },
    signals: false,
  });
  await node.start(Shown, [], { register: "shown" });
  const rpc = (call: string): Promise<string> => erl.eval(`rpc:call('ours@localhost', ${call})`);
  assert((await rpc("erlang, registered, []")).includes("shown"));
  const info = "P = rpc:call('ours@localhost', erlang, whereis, [shown]), ";
  assertStrictEquals(
    await erl.eval(info + "rpc:call(node(P), erlang, process_info, [P, message_queue_len])"),
    "{message_queue_len,0}",
  );
  // What observer asks for, by observer_procinfo.
  const items =
    "[registered_name,dictionary,initial_call,current_function,error_handler,backtrace,group_leader,links,memory,message_queue_len,messages,monitored_by,monitors,priority,reductions,status,suspending,total_heap_size,heap_size,stack_size,min_heap_size,garbage_collection,trap_exit]";
  const shown = `${info} {ok, is_list(rpc:call(node(P), erlang, process_info, [P, ${items}]))}`;
  assertStrictEquals(await erl.eval(shown), "{ok,true}");
  assertStrictEquals(
    await erl.eval(`${info} length(rpc:call(node(P), erlang, process_info, [P])) > 10`),
    "true",
  );
  const ours = "lists:member(P, rpc:call('ours@localhost', erlang, processes, []))";
  assertStrictEquals(await erl.eval(info + ours), "true");
});

testNothingIsLeft();
