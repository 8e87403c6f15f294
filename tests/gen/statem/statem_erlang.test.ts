/** Our state machines under gen_statem and sys of a real Erlang node, and a gen_statem there under ours. */
import { after, test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  ExitError,
  format,
  type Node,
  NodeDownError,
  NoProcessError,
  on,
  type Pid,
  Statem,
  sys,
  t,
  type Term,
  type Transition,
} from "../../../mod.ts";
import { type ErlangNode, startErlang } from "../../_support/erlang.ts";
import { COOKIE, loadErlang } from "../../_support/interop.ts";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { OurSide, reasonOf, THEIRS } from "../../_support/our_side.ts";
import { needs } from "../../_support/runtime.ts";

const skip = needs("erl", "epmd");
const before = openNow();

const ourSide = new OurSide(async (_kind, epmdPort) => {
  const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, hidden: true });
  await loadErlang(erl, "statem_model");
  return erl;
});
after(() => ourSide.close());

/** A door with a code, which counts how often it was tried. */
class Door extends Statem<"locked" | "open"> {
  tries = 0;
  override init(): Transition {
    return this.next("locked");
  }
  override readonly states = this.table({
    locked: {
      calls: {
        unlock: on(t.integer, (code) => {
          this.tries++;
          return code === 4711
            ? this.next("open").stateTimeout(60_000, atom("late")).reply(atom("welcome"))
            : atom("wrong");
        }),
        enter: () => this.keep().postpone(),
      },
    },
    open: { calls: { enter: () => atom("inside") }, casts: { lock: () => this.next("locked") } },
  });
  override readonly common = {
    calls: {
      bad: () => this.keep().timeout("t", -1),
      stop: on(t.term, (reason) => this.stop(reason as never).reply(atom("stopped"))),
    },
    info: (message: Term) => {
      if (format(message) === "lock") return this.next("locked");
    },
  };
  override replaceData(): void {
    this.tries = 0;
  }
}

/** Runs a test with a door of its own, registered as `door`. */
function doorTest(
  title: string,
  body: (sides: { node: Node; erl: ErlangNode; door: Pid }) => Promise<void>,
): void {
  test(title, { skip }, async () => {
    const { node, peer } = await ourSide.get("erlang");
    const { pid } = await node.start(Door, [], { register: "door" });
    try {
      await body({ node, erl: peer, door: pid });
    } finally {
      node.exit(pid, atom("kill"));
    }
  });
}

const DOOR = "{door, 'ours@localhost'}";

doorTest("gen_statem:call and cast, with every kind of timeout", async ({ erl }) => {
  const call = (request: string, timeout: string): Promise<string> =>
    erl.eval(`gen_statem:call(${DOOR}, ${request}, ${timeout})`);
  assertEquals(await call("{unlock, 1}", "infinity"), "wrong");
  assertEquals(await call("{unlock, 2}", "5000"), "wrong");
  assertEquals(await call("{unlock, 3}", "{clean_timeout, 5000}"), "wrong");
  assertEquals(await call("{unlock, 4711}", "{dirty_timeout, 5000}"), "welcome");
  assertEquals(await call("enter", "infinity"), "inside");
  assertEquals(
    await erl.eval(`gen_statem:cast(${DOOR}, lock), gen_statem:call(${DOOR}, {unlock, 0})`),
    "wrong",
  );
  const timedOut = await erl.eval(`catch gen_statem:call(${DOOR}, enter, 10)`);
  assert(timedOut.startsWith("{'EXIT',{timeout,"), timedOut);
  const refused = await erl.eval(`catch gen_statem:call(${DOOR}, {unlock, abc})`);
  assert(refused.startsWith("{'EXIT',{{bad_request,[0],"), refused);
});

doorTest("a postponed call of Erlang is answered when the state has changed", async ({ erl }) => {
  const reply = await erl.eval(`begin
    Self = self(),
    spawn(fun() -> Self ! {entered, gen_statem:call(${DOOR}, enter)} end),
    Waiting = fun Wait() ->
      {_, _, _, [_, _, _, _, [_, {data, Data} | _]]} = sys:get_status(${DOOR}),
      case lists:keyfind("Postponed", 1, Data) of {_, [_]} -> ok; _ -> Wait() end
    end,
    Waiting(),
    welcome = gen_statem:call(${DOOR}, {unlock, 4711}),
    receive {entered, Reply} -> Reply after 5000 -> timeout end
  end`);
  assertEquals(reply, "inside");
});

doorTest(
  "send_request_receive_reqid_collection, send_request_wait_reqid_collection, send_request_check_reqid_collection",
  async ({ erl }) => {
    assertEquals(
      await erl.eval(`gen_statem:receive_response(gen_statem:send_request(${DOOR}, {unlock, 1}))`),
      "{reply,wrong}",
    );
    assertEquals(
      await erl.eval(
        `gen_statem:wait_response(gen_statem:send_request(${DOOR}, {unlock, 1}), 5000)`,
      ),
      "{reply,wrong}",
    );
    const all = await erl.eval(`begin
    C1 = gen_statem:send_request(${DOOR}, {unlock, 1}, first, gen_statem:reqids_new()),
    C2 = gen_statem:send_request(${DOOR}, {unlock, 4711}, second, C1),
    {R1, L1, C3} = gen_statem:receive_response(C2, 5000, true),
    {R2, L2, _} = gen_statem:wait_response(C3, 5000, true),
    [R1, L1, R2, L2]
  end`);
    assertEquals(all, "[{reply,wrong},first,{reply,welcome},second]");
  },
);

doorTest("reply_by_alias_with_payload", async ({ erl }) => {
  const reply = await erl.eval(`begin
    Alias = erlang:monitor(process, ${DOOR}, [{alias, reply_demonitor}]),
    ${DOOR} ! {'$gen_call', {self(), [alias | Alias]}, {unlock, 4711}},
    receive {[alias | Alias], Reply} -> Reply after 5000 -> timeout end
  end`);
  assertEquals(reply, "welcome");
});

doorTest("messages arrive at info, and gen_statem:stop ends it", async ({ node, erl, door }) => {
  await erl.eval(`gen_statem:call(${DOOR}, {unlock, 4711})`);
  assertEquals(await erl.eval(`${DOOR} ! lock, gen_statem:call(${DOOR}, {unlock, 0})`), "wrong");
  const reason = reasonOf(node, door);
  assertEquals(await erl.eval(`gen_statem:stop(${DOOR}, other_reason, infinity)`), "ok");
  assertEquals(await reason, "other_reason");
  const gone = await erl.eval(`catch gen_statem:stop(${DOOR})`);
  assert(gone.includes("noproc"), gone);
});

doorTest("what ends it is what its caller exits with", async ({ erl }) => {
  const bad = await erl.eval(`catch gen_statem:call(${DOOR}, bad)`);
  assert(
    bad.startsWith(
      "{'EXIT',{{{bad_action_from_state_function,{{timeout,t},-1,nil}},[]},{gen_statem,call,",
    ),
    bad,
  );
});

doorTest("sys: its state, its status, held and let go", async ({ erl }) => {
  assertEquals(await erl.eval(`sys:get_state(${DOOR})`), "{locked,#{tries => 0}}");
  await erl.eval(`gen_statem:call(${DOOR}, {unlock, 4711})`);
  assertEquals(await erl.eval(`sys:get_state(${DOOR})`), "{open,#{tries => 1}}");
  const status = await erl.eval(`sys:get_status(${DOOR})`);
  for (
    const part of [
      "{module,gen_statem}",
      '"Status for state machine door"',
      "{\"Modules\",['Door']}",
      '{"Time-outs",{1,[{state_timeout,late}]}}',
      '{"Postponed",[]}',
      '{data,[{"State",{open,#{tries => 1}}}]}',
    ]
  ) {
    assert(
      status.replaceAll(/\s+/g, "").includes(part.replaceAll(/\s+/g, "")),
      `${part} in ${status}`,
    );
  }
  assertEquals(await erl.eval(`sys:suspend(${DOOR})`), "ok");
  const held = await erl.eval(`catch gen_statem:call(${DOOR}, enter, 50)`);
  assert(held.startsWith("{'EXIT',{timeout,"), held);
  assertEquals(await erl.eval(`sys:resume(${DOOR}), gen_statem:call(${DOOR}, enter)`), "inside");
});

doorTest("sys:log and statistics have gen_statem's events", async ({ node, erl, door }) => {
  await erl.eval(`sys:log(${DOOR}, true), sys:statistics(${DOOR}, true)`);
  await erl.eval(`gen_statem:cast(${DOOR}, lock), gen_statem:call(${DOOR}, {unlock, 4711})`);
  const log = await erl.eval(`begin
    {ok, Log} = sys:log(${DOOR}, get),
    [case E of
       {in, {{call, _}, R}, S} -> {in, call, R, S};
       {out, R, _} -> {out, R};
       {consume, {{call, _}, R}, S, N} -> {consume, call, R, S, N};
       Other -> Other
     end || E <- Log]
  end`);
  assertEquals(
    log.replaceAll(/\s+/g, ""),
    "[{in,{cast,lock},locked},{consume,{cast,lock},locked,locked},{in,call,{unlock,4711},locked},{out,welcome}," +
      "{consume,call,{unlock,4711},locked,open},{start_timer,{state_timeout,60000,late,[]},open}]",
  );
  const counted = await erl.eval(
    `{ok, S} = sys:statistics(${DOOR}, get), [proplists:get_value(K, S) || K <- [messages_in, messages_out]]`,
  );
  assertEquals(counted, "[2,1]");
  const printed = await erl.eval(`sys:log(${DOOR}, print)`);
  assertEquals(printed, "ok");
  await sys.noDebug(node, door);
});

test(
  "stop8, stop9, stop10: a gen_statem of another node is stopped from here",
  { skip },
  async () => {
    const { node, peer } = await ourSide.get("erlang");
    const start = (how: string): Promise<string> =>
      peer.eval(
        `{ok, P} = gen_statem:start(${how} statem_model, {self(), false, [], []}, []), unlink(P), ok`,
      );
    await start("{local, to_stop},");
    const target = { name: "to_stop", node: THEIRS };
    const pid = await node.rpc(THEIRS, "erlang", "whereis", [atom("to_stop")]) as Pid;
    // It tells the process that started it, which has ended, of its end.
    const reason = reasonOf(node, pid);
    await sys.terminate(node, target, atom("other_reason"));
    assertEquals(await reason, "other_reason");
    await assertRejects(() => sys.terminate(node, target), NoProcessError);
    await start("{global, to_stop},");
    const global = await node.rpc(THEIRS, "global", "whereis_name", [atom("to_stop")]) as Pid;
    const stopped = reasonOf(node, global);
    await sys.terminate(node, global);
    assertEquals(await stopped, "normal");
    await assertRejects(
      () => sys.terminate(node, { name: "x", node: "nobody@localhost" }),
      NodeDownError,
    );
  },
);

test("a gen_statem of Erlang is called from here", { skip }, async () => {
  const { node, peer } = await ourSide.get("erlang");
  await peer.eval(`{ok, P} = gen_statem:start({local, theirs}, statem_model,
    {self(), false, [{a, 1, {next, b}, [{reply, 2}]}, {b, 3, stop, [{reply, 4}]}], []}, []), ok`);
  const theirs = { name: "theirs", node: THEIRS };
  assertEquals(await node.call(theirs, 1), 2);
  const [state] = await sys.getState(node, theirs) as unknown as Term[];
  assertEquals(format(state), "b");
  assertEquals((await sys.getStatus(node, theirs)).module, "gen_statem");
  assertEquals(await node.call(theirs, 3), 4);
  await assertRejects(() => node.call(theirs, 1), ExitError);
});

test("nothing is left open", async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
