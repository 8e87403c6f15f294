/** Servers of ours under Erlang's sys, beside a gen_server that does the same (sys_checks.erl), and theirs under our sys. */
import { after, test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  atom,
  encode,
  EncodeError,
  ExternalFun,
  format,
  GenServer,
  type Node,
  on,
  type Pid,
  ReplyError,
  sys,
  t,
  type Term,
} from "../../mod.ts";
import { startElixir } from "../_support/elixir.ts";
import { type ErlangNode, startErlang } from "../_support/erlang.ts";
import { checksIn, COOKIE, loadErlang, titleOf } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { OurSide, THEIRS } from "../_support/our_side.ts";
import { needs } from "../_support/runtime.ts";

/** The counter of sys_checks.erl. */
class sys_checks extends GenServer {
  count = 0;
  override readonly calls = {
    add: on(t.integer, (n) => this.count += n),
    get: () => this.count,
  };
  override readonly casts = {
    add: on(t.integer, (n) => {
      this.count += n;
    }),
  };
  override handleInfo(): void {}
}

const skip = needs("erl", "epmd");
const before = openNow();
const CHECKS = "sys_checks";

const ourSide = new OurSide(async (kind, epmdPort) => {
  const options = { name: THEIRS, cookie: COOKIE, epmdPort, hidden: true };
  if (kind === "elixir") return await startElixir(options);
  const erl = await startErlang(options);
  await loadErlang(erl, "checks");
  await loadErlang(erl, CHECKS);
  return erl;
});
after(() => ourSide.close());

async function sides(kind = "erlang"): Promise<{ node: Node; peer: ErlangNode }> {
  return await ourSide.get(kind);
}

/** A pid as an expression of Erlang. */
function pidIn(pid: Pid): string {
  return `binary_to_term(<<${encode(pid).join(",")}>>)`;
}

for (const check of checksIn(`${CHECKS}.erl`)) {
  test(`Erlang's sys: ${titleOf(check)}`, { skip }, async () => {
    const { node, peer } = await sides();
    const server = await node.start(sys_checks, [], { register: "counter" });
    try {
      const run = `checks:run(${CHECKS}, ${check}, ${pidIn(server.pid)})`;
      assertEquals(await peer.eval(run), "ok");
    } finally {
      if (node.isAlive(server.pid)) await server.stop();
    }
  });
}

test("Elixir's :sys, and GenServer.stop", { skip: needs("erl", "epmd", "elixir") }, async () => {
  const { node, peer } = await sides("elixir");
  const server = await node.start(sys_checks, [], { register: "counter" });
  const checks: [expression: string, value: string][] = [
    ["GenServer.call(server, {:add, 5})", "5"],
    [":sys.get_state(server)", "%{count: 5}"],
    [":sys.suspend(server)", ":ok"],
    ["catch_exit(fn -> GenServer.call(server, :get, 50) end) |> elem(0)", ":timeout"],
    ["GenServer.cast(server, {:add, 1})", ":ok"],
    [
      "{:status, _, {:module, m}, [_, state | _]} = :sys.get_status(server); {m, state}",
      "{:gen_server, :suspended}",
    ],
    [":sys.resume(server)", ":ok"],
    [":sys.trace(server, true)", ":ok"],
    [":sys.statistics(server, true)", ":ok"],
    ["GenServer.call(server, :get)", "6"],
    ["{:ok, counted} = :sys.statistics(server, :get); counted[:messages_in]", "1"],
    [":sys.no_debug(server)", ":ok"],
    [
      "try do :sys.replace_state(server, & &1) rescue e in ErlangError -> elem(e.original, 0) end",
      ":callback_failed",
    ],
    ["GenServer.stop(server, {:shutdown, :done})", ":ok"],
    ["catch_exit(fn -> :sys.get_state(server) end) |> elem(0)", ":noproc"],
  ];
  for (const [expression, value] of checks) {
    const prelude = `
      server = {:counter, :"${node.name}"}
      catch_exit = fn fun -> try do fun.() catch :exit, reason -> reason end end
    `;
    const result = await peer.eval(
      `${prelude}\n${expression.replaceAll("catch_exit(", "catch_exit.(")}`,
    );
    assertEquals([expression, result], [expression, value]);
  }
  assertStrictEquals(node.isAlive(server.pid), false);
});

test("our sys looks at theirs, holds, replaces, traces and ends it", { skip }, async () => {
  const { node, peer } = await sides();
  await peer.eval(`{ok, _} = gen_server:start({local, theirs}, ${CHECKS}, 3, [])`);
  const theirs = { name: "theirs", node: THEIRS };
  assertEquals(format(await sys.getState(node, theirs)), "#{count => 3}");
  const status = await sys.getStatus(node, theirs);
  assertEquals([status.module, status.state, status.debug], ["gen_server", "running", []]);
  assertStrictEquals(status.pid.node, THEIRS);
  assert(
    format(status.misc).startsWith('[{header,"Status for generic server theirs"},'),
    format(status.misc),
  );
  await sys.suspend(node, theirs);
  assertStrictEquals((await sys.getStatus(node, theirs)).state, "suspended");
  await sys.resume(node, theirs);
  await sys.log(node, theirs, 5);
  await sys.statistics(node, theirs, true);
  assertStrictEquals(await node.call(theirs, atom("get")), 3);
  const events = await sys.getLog(node, theirs);
  assertEquals(events.map((event) => format((event as unknown as Term[])[0])), ["in", "out"]);
  const counted = await sys.getStatistics(node, theirs);
  assertEquals([counted?.messagesIn, counted?.messagesOut], [1, 1]);
  assert(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(counted!.startTime), counted!.startTime);
  assert(counted!.reductions > 0);
  await sys.noDebug(node, theirs);
  assertStrictEquals(await sys.getStatistics(node, theirs), null);
  const keys = new ExternalFun(atom("maps"), atom("keys"), 1);
  assertEquals(await sys.replaceState(node, theirs, keys), [atom("count")]);
  const error = await assertRejects(
    () => sys.replaceState(node, theirs, keys),
    ReplyError,
    "callback_failed",
  );
  assert(format(error.reason as Term).includes("badmap"));
  await assertRejects(
    () => sys.replaceState(node, theirs, (state) => state),
    EncodeError,
    "a function cannot be sent",
  );
  await assertRejects(
    () => sys.install(node, theirs, 1, () => 1),
    EncodeError,
    "a function cannot be sent",
  );
  await sys.terminate(node, theirs);
  assertEquals(
    await peer.eval("(fun F() -> case whereis(theirs) of undefined -> gone; _ -> F() end end)()"),
    "gone",
  );
});

test("nothing is left open", async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
