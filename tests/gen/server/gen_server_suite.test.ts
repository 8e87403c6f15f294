/**
 * OTP's gen_server_SUITE, by the names of its cases. What a case checks of a server written in Erlang is checked of ours: here what starts, ends
 * and calls one, in gen_server_suite_casts.test.ts all other messages, in gen_server_suite_names.test.ts names and parents, in
 * gen_server_suite_callbacks.test.ts methods that are not there and the state.
 *
 * | case | |
 * | --- | --- |
 * | start, stop1 to stop10, crash, call, send_request, cast, cast_fast, continue, info, hibernate, auto_hibernate | below |
 * | abcast, multicall, multicall_down, multicall_suspended | below, by `node.abcast` and `node.multiCall` |
 * | call_remote1 to 3, call_remote_n1 to n3, calling_self, call_with_huge_message_queue, reply_by_alias_with_payload | below |
 * | spec_init, spec_init_local_registered_parent, spec_init_global_registered_parent | below as far as a process that has a name or a parent becomes a server: ours always begins as one (no `proc_lib`, no `enter_loop`) |
 * | otp_5854, otp_7669, init_fails, undef_*, format_log, error_format_status, terminate_crash_format, call_format_status, get_state, replace_state | below |
 * | send_request_receive_reqid_collection, send_request_wait_reqid_collection, send_request_check_reqid_collection | below as `send_request`: promises are combined by the language |
 * | undef_code_change | left out: code is not changed in a running program; sys answers `change_code` in tests/gen/sys |
 * | undef_init, undef_handle_call as compile errors | left out: the class has the methods, and the compiler says what is missing |
 * | format_log_1, format_log_2, format_all_status, format_log's single line and depth | left out: they are about OTP's logger templates |
 * | call_format_status on old callbacks (`format_status/2`) | left out: there is one `formatState` |
 * | start_monitor's cases | below, in start: a monitor that is set up when `start` has resolved misses nothing |
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  atom,
  CallTimeoutError,
  format,
  type From,
  GenServer,
  IgnoredError,
  NameError,
  NodeDownError,
  NoProcessError,
  noReply,
  sys,
  type Term,
} from "../../../mod.ts";
import { clusterTest, inbox } from "../../node/_cluster.ts";
import { BOOM, ended, nodeTest, NORMAL, SHUTDOWN, until } from "../../node/_nodes.ts";
import { exitReason, failure, logs, pair } from "../_servers.ts";
import { linked, Names, NOPROC, OK, STOPPED, Suite } from "./_suite.ts";

// start

nodeTest("start: without a name, and called when it has stopped", async ({ node }) => {
  const server = await node.start(Suite, []);
  assertStrictEquals(await server.call("started_p"), OK);
  assertStrictEquals(await server.call("stop"), OK);
  assertInstanceOf(await failure(server.call("started_p")), NoProcessError);
});

nodeTest("start: with a timeout", async ({ node, platform }) => {
  const server = await node.start(Suite, [], { timeout: 1_000 });
  assertStrictEquals(await server.call("started_p"), OK);
  const slow = exitReason(node.start(Suite, [atom("sleep")], { timeout: 100 }));
  await platform.elapse(100);
  assertStrictEquals(await slow, atom("timeout"));
});

nodeTest("start: ignore and stop", async ({ node }) => {
  await assertRejects(() => node.start(Suite, [atom("ignore")]), IgnoredError);
  assertStrictEquals(await exitReason(node.start(Suite, [atom("stop")])), STOPPED);
});

nodeTest("start: linked", async ({ node }) => {
  const { pid, got } = linked(node);
  await until(() => node.info(pid)!.trapExit);
  const server = await node.start(Suite, [], { link: pid });
  await server.call("stop");
  await until(() => got.length === 1);
  assertEquals(got, [pair(atom("EXIT"), server.pid, STOPPED)]);
});

for (const kind of ["local", "via"] as const) {
  nodeTest(`start: registered, ${kind}`, async ({ node }) => {
    const as = kind === "local" ? "my_test_name" : { via: new Names(), name: "my_test_name" };
    const first = await node.start(Suite, [], { register: as });
    assertStrictEquals(await node.call(as, atom("started_p")), OK);
    const taken = await failure(node.start(Suite, [], { register: as }));
    assertInstanceOf(taken, NameError);
    assertEquals(taken.pid, first.pid);
    assertStrictEquals(await node.call(as, atom("stop")), OK);
    await until(() => !node.isAlive(first.pid));
    assertInstanceOf(await failure(node.call(as, atom("started_p"))), NoProcessError);
    await node.start(Suite, [], { register: as });
  });
}

clusterTest("start: registered, global", async (a) => {
  const as = { global: "my_test_name" };
  const first = await a.start(Suite, [], { register: as });
  assertStrictEquals(await a.call(as, atom("started_p")), OK);
  const taken = await failure(a.start(Suite, [], { register: as }));
  assertInstanceOf(taken, NameError);
  assertEquals(taken.pid, first.pid);
  await a.call(as, atom("stop"));
  await until(() => a.global.whereis("my_test_name") === undefined);
});

nodeTest("start: who watches from the start on misses nothing", async ({ node }) => {
  const server = await node.start(Suite, []);
  const done = ended(node, server.pid);
  server.cast("stop");
  assertStrictEquals(await done, STOPPED);
});

// stop

nodeTest("stop1 and stop2: for normal, and for another reason", async ({ node }) => {
  for (const reason of [undefined, atom("other_reason")]) {
    const server = await node.start(Suite, []);
    const done = ended(node, server.pid);
    assertStrictEquals(await server.stop(reason), undefined);
    assertStrictEquals(await done, reason ?? NORMAL);
    assertStrictEquals(node.isAlive(server.pid), false);
    assertInstanceOf(await failure(server.stop()), NoProcessError);
  }
});

nodeTest("stop3: a timeout that is none is refused, and the server lives on", async ({ node }) => {
  const server = await node.start(Suite, []);
  await assertRejects(
    () => server.stop(NORMAL, { timeout: "invalid" as unknown as number }),
    RangeError,
  );
  assertStrictEquals(node.isAlive(server.pid), true);
});

clusterTest("stop4 to stop7: by its name, here", async (a) => {
  const names = new Names();
  for (
    const as of ["to_stop", { global: "to_stop" }, { via: names, name: "to_stop" }] as const
  ) {
    const { pid } = await a.start(Suite, [], { register: as });
    await sys.terminate(a, as, NORMAL);
    await until(() => !a.isAlive(pid));
    assertInstanceOf(await failure(sys.terminate(a, as, NORMAL)), NoProcessError);
  }
  const { pid } = await a.start(Suite, [], { register: "to_stop" });
  await sys.terminate(a, { name: "to_stop", node: a.name }, NORMAL);
  await until(() => !a.isAlive(pid));
});

clusterTest("stop8 to stop10: on another node, which is lost after that", async (a, b) => {
  const one = await b.start(Suite, []);
  await b.start(Suite, [], { register: "to_stop" });
  const there = { name: "to_stop", node: b.name };
  for (const target of [one.pid, there]) {
    await sys.terminate(a, target, NORMAL);
    assertInstanceOf(await failure(a.call(target, atom("started_p"))), NoProcessError);
  }
  await b.stop();
  for (const target of [one.pid, there]) {
    assertInstanceOf(await failure(sys.terminate(a, target, NORMAL)), NodeDownError);
  }
});

// crash

nodeTest("crash: only what is no shutdown is reported", async (lone) => {
  const { node } = lone;
  const shutdowns: [string, Term][] = [
    ["shutdown_reason", pair(SHUTDOWN, atom("reason"))],
    ["stop_shutdown", SHUTDOWN],
  ];
  for (const [name, reason] of shutdowns) {
    const { pid } = await node.start(Suite, []);
    const done = ended(node, pid);
    node.call(pid, atom(name)).catch(() => {});
    assertEquals(await done, reason);
  }
  assertEquals(logs(lone), []);
  const { pid } = await node.start(Suite, [pair(atom("state"), atom("state4"))]);
  assertStrictEquals(await exitReason(node.call(pid, atom("crash"))), atom("crashed"));
  assertStrictEquals(logs(lone).filter((line) => line.includes("crashed: crashed")).length, 1);
});

// call

nodeTest(
  "call: an answer that takes time, and one that takes too long",
  async ({ node, platform }) => {
    const server = await node.start(Suite, []);
    const delayed = server.call("delayed_answer", 1);
    const inTime = server.with({ timeout: 30 }).call("delayed_answer", 1);
    await platform.elapse(10);
    assertEquals(await Promise.all([delayed, inTime]), [atom("delayed"), atom("delayed")]);
    const late = failure(server.with({ timeout: 1 }).call("delayed_answer", 30));
    await platform.elapse(50);
    assertInstanceOf(await late, CallTimeoutError);
  },
);

nodeTest("call: two requests within some time", async ({ node, platform }) => {
  const server = await node.start(Suite, []);
  await server.call("call_within", 1_000);
  await platform.elapse(500);
  assertStrictEquals(await server.call("next_call"), OK);
  await server.call("call_within", 1_000);
  await platform.elapse(1_500);
  assertStrictEquals(await server.call("next_call"), false);
});

clusterTest("call: what is no reply is told to a caller elsewhere", async (a, b) => {
  const server = await b.start(Suite, []);
  const reason = await exitReason(a.call(server.pid, atom("badreturn")));
  assert(format(reason).startsWith("{bad_reply,badreturn,"), format(reason));
  assertStrictEquals(await server.call("started_p"), OK); // other than in OTP the server lives on
});

nodeTest("calling_self: a server that calls itself is told at once", async ({ node }) => {
  class Selfish extends GenServer {
    override readonly calls = { self: () => this.call(this.pid, atom("self")) };
  }
  const server = await node.start(Selfish, []);
  const reason = await exitReason(server.call("self"));
  assert(format(reason).includes("calls itself"));
});

nodeTest("send_request: answers are collected as promises", async ({ node, platform }) => {
  const servers = await Promise.all([1, 2, 3].map(() => node.start(Suite, [])));
  const answers = servers.map((server, i) => server.call("delayed_answer", 300 - 100 * i));
  const first = Promise.race(answers.map((answer, i) => answer.then(() => i)));
  await platform.elapse(100);
  assertStrictEquals(await first, 2);
  const controller = new AbortController();
  const given = servers[0].with({ signal: controller.signal }).call("delayed_answer", 1_000);
  controller.abort(new Error("no longer"));
  assertStrictEquals((await failure(given) as Error).message, "no longer");
  await platform.elapse(1_500);
  assertEquals(await Promise.all(answers), Array(3).fill(atom("delayed")));
  const gone = await Promise.allSettled([
    node.call("nobody", atom("get")),
    servers[1].call("started_p"),
  ]);
  assertEquals(gone.map(({ status }) => status), ["rejected", "fulfilled"]);
});

nodeTest(
  "call_with_huge_message_queue: a call costs no more where much waits",
  async ({ node }) => {
    const server = await node.start(Suite, []);
    const calls = 200;
    let done = false;
    const pid = node.spawn(async (self) => {
      for (let i = 0; i < calls; i++) await self.call(server.pid, atom("started_p"));
      done = true;
    });
    for (let i = 0; i < 100_000; i++) node.send(pid, i);
    await until(() => done);
    assertStrictEquals(node.info(server.pid)!.handled, calls + 1);
  },
);

// Callers and servers on different nodes

clusterTest("call_remote1 to 3: a process of another node that has ended", async (a, b) => {
  await b.start(Suite, [], { register: "hubba" });
  const byName = { name: "hubba", node: b.name };
  const pid = b.whereis("hubba")!;
  for (const target of [byName, pid]) {
    assertStrictEquals(await a.call(target, atom("started_p"), { timeout: Infinity }), OK);
  }
  a.exit(pid, BOOM);
  for (const target of [byName, pid]) {
    const reason = await exitReason(a.call(target, atom("started_p"), { timeout: Infinity }));
    assert(reason === NOPROC || reason === BOOM);
  }
});

clusterTest("call_remote_n1 to n3: a process whose node is lost", async (a, b) => {
  const { pid } = await b.start(Suite, [], { register: "hubba" });
  const waiting = failure(a.call(pid, pair(atom("delayed_answer"), 60_000), { timeout: Infinity }));
  await a.call(pid, atom("started_p"), { timeout: 1 }).catch(() => {});
  await b.stop();
  await waiting;
  for (const target of [{ name: "hubba", node: b.name }, pid]) {
    const error = await failure(a.call(target, atom("started_p"), { timeout: Infinity }));
    assertInstanceOf(error, NodeDownError);
    assertEquals(error.exitReason, pair(atom("nodedown"), atom(b.name)));
  }
});

clusterTest("reply_by_alias_with_payload: a reply goes to the alias of the call", async (a, b) => {
  let kept: From | null = null as From | null;
  class Relay extends GenServer {
    override handleCall(request: Term, from: From): unknown {
      if (request === atom("keep")) kept = from;
      // Another process, on another node, answers.
      else a.spawn(() => a.reply(from.term, "x".repeat(100_000)));
      return noReply;
    }
  }
  const { pid } = await b.start(Relay, []);
  assertStrictEquals(String(await a.call(pid, atom("get"))).length, 100_000);
  const controller = new AbortController();
  const given = failure(a.call(pid, atom("keep"), { signal: controller.signal }));
  await until(() => kept !== null);
  controller.abort(new Error("no longer"));
  await given;
  kept!.reply("too late");
  const got = await inbox(a);
  a.send(got.pid, 1);
  assertStrictEquals(await got.next(), 1); // no late reply is anywhere
});
