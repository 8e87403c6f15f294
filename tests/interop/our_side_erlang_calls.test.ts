/** Our node, in this program, and what it asks of a node of Erlang (demo.erl): calls, messages, rpc, processes there. */
import { after, test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { NodeDownError, NoProcessError } from "../../lib/node/errors.ts";
import { RpcError } from "../../lib/node/remote/rpc_error.ts";
import {
  type Atom,
  atom,
  CallTimeoutError,
  ExitError,
  type ExitReason,
  format,
  on,
  type Pid,
  raise,
  t,
  tagged,
  type Term,
  tuple,
  withSelf,
} from "../../mod.ts";
import { poll } from "../_support/erlang.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import {
  ECHO,
  inbox,
  NOBODY,
  OurSide,
  plain,
  reasonOf,
  startDemo,
  THEIRS,
} from "../_support/our_side.ts";
import { kindsOf, modeOf } from "../_support/modes.ts";
import { needs } from "../_support/runtime.ts";
import { REASONS, told } from "./_exits.ts";

const skip = needs("erl");
const opened = openNow();
const sides = new OurSide(startDemo);

after(() => sides.close());

for (const kind of kindsOf("Erlang")) {
  const check = sides.tests(kind, skip);

  check("ping, and who is connected", async (node) => {
    assert(await node.ping(THEIRS));
    assertEquals(await node.ping(NOBODY), false);
    assertEquals(node.nodes(), [THEIRS]);
    const [seen, unseen] = modeOf(kind) === "published"
      ? ["visible", "hidden"] as const
      : ["hidden", "visible"] as const;
    assertEquals(node.nodes(seen), [THEIRS]);
    assertEquals(node.nodes(unseen), []);
  });

  check("calls by name and by pid", async (node) => {
    const message = tagged("echo", tuple(atom("ok"), ["Zoë", 1.5, null]));
    const reply = await node.call(ECHO, message);
    assertEquals(format(reply), '{ok,[<<"Zoë"/utf8>>,1.5,nil]}');
    const pid = await node.rpc(THEIRS, "erlang", "whereis", [atom("echo")]);
    assertEquals(await node.call(pid as Pid, tagged("echo", 7), t.integer), 7);
    assertEquals(await node.call(tuple(atom("echo"), atom(THEIRS)), tagged("echo", 8)), 8);
  });

  check("a call that takes too long", async (node) => {
    const late = node.call(ECHO, tagged("hold", 1), { timeout: 20 });
    await assertRejects(() => late, CallTimeoutError);
    const aborted = node.call(ECHO, tagged("hold", 2), { signal: AbortSignal.timeout(20) });
    await assertRejects(() => aborted, DOMException);
    for (const key of [1, 2]) {
      assertEquals(await node.call(ECHO, tagged("release", key, atom("late"))), atom("ok"));
    }
    assertEquals(await node.call(ECHO, tagged("echo", atom("fence"))), atom("fence"));
  });

  check("a call to nobody", async (node) => {
    const error = await assertRejects(
      () => node.call({ name: "Orders", node: THEIRS }, 1),
      NoProcessError,
    );
    assertEquals(
      error.message,
      "Cannot reach Orders on theirs@localhost: no such process; an Elixir module is registered as Elixir.Orders",
    );
    const pid = await plain(node);
    told(node, pid, atom("normal"));
    await assertRejects(() => node.call(pid, 1), ExitError); // of its end, or of there being none
    await assertRejects(() => node.call(pid, 1), NoProcessError);
    await assertRejects(() => node.call({ name: "echo", node: NOBODY }, 1), NodeDownError);
  });

  check("a call whose process ends", async (node) => {
    for (const [text, reason] of [...REASONS, ["normal", atom("normal")] as const]) {
      if (text === "noproc") continue; // tells us that there was no process
      const pid = await plain(node);
      const call = node.call(pid, atom("hello"));
      told(node, pid, reason);
      const error = await assertRejects(() => call, ExitError);
      assertEquals(format(error.reason), text);
    }
  });

  check("casts and messages, in order", async (node) => {
    const mine = await inbox(node);
    for (let i = 0; i < 500; i++) mine.self.cast(ECHO, tagged("to", mine.pid, i));
    for (let i = 0; i < 500; i++) assertEquals(await mine.next(), i);
    mine.self.send(ECHO, tagged("info", mine.pid, "tag", "term"));
    const answer = await mine.next() as Term[];
    assertEquals(format(answer[0]) + format(answer[1]), '<<"tag">><<"term">>');
    mine.self.send(answer[2] as Pid, tagged("info", mine.pid, 1, 2));
    assertEquals((await mine.next() as Term[]).slice(0, 2), [1, 2]);
  });

  check("a message to an alias of ours", async (node) => {
    const mine = await inbox(node);
    const pid = await plain(node);
    const alias = mine.self.alias();
    node.send(pid, tagged("send", alias, 1));
    assertEquals(await mine.next(), 1);
    mine.self.unalias(alias);
    node.send(pid, tagged("send", alias, 2));
    node.send(pid, tagged("send", mine.pid, 3));
    assertEquals(await mine.next(), 3);
  });

  check("four senders of ours are heard in order, and answered so", async (node) => {
    const pid = await plain(node);
    const mine = await inbox(node);
    for (let sender = 0; sender < 4; sender++) {
      node.spawn(async (self) => {
        for (let i = 0; i < 5000; i++) {
          self.send(pid, tagged("send", mine.pid, tuple(sender, i)));
          if (i % 100 === 99) await self.sleep(0);
        }
      });
    }
    const last = [-1, -1, -1, -1];
    for (let left = 4 * 5000; left > 0; left--) {
      const [sender, i] = await mine.next() as [number, number];
      assertEquals(i, ++last[sender]);
    }
    assertEquals(last, [4999, 4999, 4999, 4999]);
  });

  check("rpc", async (node) => {
    assertEquals(await node.rpc(THEIRS, "lists", "reverse", [[1, 2, 3]]), [3, 2, 1]);
    const undef = await assertRejects(() => node.rpc(THEIRS, "nowhere", "f", [1]), RpcError);
    assertEquals([undef.class, undef.reason], ["error", atom("undef")]);
    assertEquals(format(undef.stacktrace[0]).slice(0, 15), "{nowhere,f,[1],");
    const exited = await assertRejects(
      () => node.rpc(THEIRS, "erlang", "exit", [atom("boom")]),
      ExitError,
    );
    assertEquals(exited.reason, atom("boom"));
    const thrown = await assertRejects(
      () => node.rpc(THEIRS, "erlang", "throw", [atom("ball")]),
      RpcError,
    );
    assertEquals([thrown.class, thrown.reason], ["throw", atom("ball")]);
    const bad = await assertRejects(() => node.rpc(THEIRS, "erlang", "hd", [[]]), RpcError);
    assertEquals([bad.class, bad.reason], ["error", atom("badarg")]);
    await assertRejects(() => node.rpc(NOBODY, "erlang", "node"), NodeDownError);
    const slow = node.rpc(THEIRS, "timer", "sleep", [60_000], { timeout: 20 });
    await assertRejects(() => slow, CallTimeoutError);
    const many = Array.from({ length: 500 }, (_, i) => node.rpc(THEIRS, "erlang", "-", [i, 1]));
    assertEquals(await Promise.all(many), Array.from({ length: 500 }, (_, i) => i - 1));
  });

  check("casts, and calls of several nodes", async (node) => {
    const mine = await inbox(node);
    const message = tagged("hello", 1.5);
    node.rpcCast(THEIRS, "erlang", "send", [mine.pid, message]);
    assertEquals(format(await mine.next()), "{hello,1.5}");
    node.rpcCast(THEIRS, "erlang", "no_such_function", [1]);
    node.rpcCast(NOBODY, "erlang", "send", [mine.pid, message]);
    node.rpcCast(THEIRS, "erlang", "apply", [atom("erlang"), atom("send"), [mine.pid, 2]]);
    assertEquals(await mine.next(), 2);
    using _ = node.provide("erlang", { node: () => atom(node.name) });
    const all = await node.multicall([THEIRS, NOBODY, node.name, THEIRS], "erlang", "node");
    assertEquals(all.map((one) => one.ok ? format(one.value) : one.error.name), [
      THEIRS,
      "NodeDownError",
      node.name,
      THEIRS,
    ]);
    const failed = await node.multicall([THEIRS, node.name], "erlang", "throw", [atom("ball")]);
    assertEquals(failed.map((one) => one.ok || (one.error as RpcError).class), ["throw", "error"]);
    const late = await node.multicall([THEIRS], "timer", "sleep", [60_000], { timeout: 20 });
    assert(!late[0].ok && late[0].error instanceof CallTimeoutError);
  });

  check("functions that we provide", async (node, peer) => {
    const noted: Term[] = [];
    using _ = node.provide("side", {
      note: (term: Term) => void noted.push(term),
      add: on(t.integer, t.integer, (a, b) => a + b),
      fails: () => {
        throw new RangeError("too far");
      },
      waits: () => node.sleep(20),
      calls: () => node.call({ name: "nobody", node: THEIRS }, 1),
      refers: withSelf((self) => self.pid),
      objects: () => ({ no: "term" }),
      raises: (kind, reason) => raise((kind as Atom<"error">).name, reason as ExitReason),
      relays: (kind, reason) => node.rpc(node.name, "side", "raises", [kind, reason]),
    });
    const caught = (call: string): Promise<string> =>
      peer.eval(`try erpc:call(ours@localhost, side, ${call}) catch C:R -> {C, R} end`);
    assertEquals(await caught("add, [1, 2]"), "3");
    assertEquals(await caught("note, [hello]"), "nil");
    assertEquals(await caught("waits, []"), "nil");
    assertEquals(
      await caught("fails, []"),
      '{error,{exception,{js_error,<<"RangeError">>,<<"too far">>},[{side,fails,0,[]}]}}',
    );
    assertEquals(
      await caught("calls, []"),
      `{exit,{exception,{noproc,{gen_server,call,[{nobody,${THEIRS}},1]}}}}`,
    );
    assertStringIncludes(
      await caught("objects, []"),
      '{error,{exception,{js_error,<<"EncodeError">>,<<"Cannot encode value: a plain object',
    );
    assertEquals(
      await caught("add, [1, two]"),
      '{error,{exception,{js_error,<<"SchemaError">>,<<"Cannot parse value at [1]: an atom came, integer is needed">>},[{side,add,2,[]}]}}',
    );
    assertEquals(
      await caught("raises, [error, {no, 1}]"),
      "{error,{exception,{no,1},[{side,raises,2,[]}]}}",
    );
    assertEquals(await caught("raises, [throw, {ball, 1}]"), "{throw,{ball,1}}");
    assertEquals(await caught("raises, [exit, {gone, 1}]"), "{exit,{exception,{gone,1}}}");
    assertEquals(
      await caught("relays, [error, {no, 1}]"),
      "{error,{exception,{exception,{no,1},[{side,raises,2,[]}]},[{side,relays,2,[]}]}}",
    );
    assertEquals(await caught("relays, [throw, ball]"), "{throw,ball}");
    assertEquals(await caught("relays, [exit, gone]"), "{exit,{exception,gone}}");
    const oldWay = (call: string): Promise<string> =>
      peer.eval(`rpc:call(ours@localhost, side, ${call})`);
    assertEquals(
      await oldWay("raises, [error, {no, 1}]"),
      "{badrpc,{'EXIT',{{no,1},[{side,raises,2,[]}]}}}",
    );
    assertEquals(await oldWay("raises, [throw, {ball, 1}]"), "{ball,1}");
    assertEquals(await oldWay("raises, [exit, {gone, 1}]"), "{badrpc,{'EXIT',{gone,1}}}");
    const applied = (args: string): Promise<string> =>
      peer.eval(`try erpc:call(ours@localhost, ${args}) catch C:R -> {C, R} end`);
    assertStringIncludes(await applied("fun side:calls/0"), "{exit,{exception,{noproc");
    assertEquals(await applied("erlang, apply, [side, add, [1, 2]]"), "3");
    assertEquals(await applied("erlang, apply, [fun side:add/2, [1, 2]]"), "3");
    assertEquals(
      await applied("fun() -> secret end"),
      '{error,{exception,{badfun,<<"Cannot run a fun: this node has no Erlang code, give the module and name of a function that it provides">>},[{erlang,apply,2,[]}]}}',
    );
    assertEquals(
      await peer.eval(
        "begin {_, Bad} = spawn_monitor(ours@localhost, erpc, execute_call, [res, 1, 2, three]), receive {'DOWN', Bad, _, _, Why} -> Why end end",
      ),
      "{res,error,badarg,[{1,2,three,[]}]}",
    );
    assertEquals(
      await peer.eval("node(erpc:call(ours@localhost, side, refers, []))"),
      "ours@localhost",
    );
    await peer.eval("rpc:cast(ours@localhost, side, note, [1])");
    await peer.eval("erpc:cast(ours@localhost, side, note, [2])");
    await peer.eval("erpc:multicast([ours@localhost], side, note, [3])");
    await peer.eval("spawn(ours@localhost, side, note, [4])");
    await poll(() => noted.length === 5);
    assertEquals(noted, [atom("hello"), 1, 2, 3, 4]);
  });

  check("a process of ours spawned there", async (node) => {
    const mine = await inbox(node, { trapExit: true });
    const pid = await node.spawnRemote(THEIRS, "demo", "loop");
    node.send(pid, tagged("send", mine.pid, atom("obeys")));
    assertEquals(await mine.next(), atom("obeys"));
    const down = reasonOf(node, pid);
    told(node, pid, atom("boom"));
    assertEquals(await down, "boom");
    const linked = await node.spawnRemote(THEIRS, "demo", "loop", [], { link: mine.pid });
    told(node, linked, atom("boom"));
    assertEquals(format((await mine.next() as Term[])[2]), "boom");
    await node.spawnRemote(THEIRS, "demo", "nothing", [1], { link: mine.pid });
    assertEquals(format((await mine.next() as Term[])[2]), "{undef,[{demo,nothing,[1],[]}]}");
    await assertRejects(() => node.spawnRemote(NOBODY, "demo", "loop"), NodeDownError);
  });

  check("a binary of 16 MiB there and back", async (node) => {
    const bytes = new Uint8Array(16 * 1024 * 1024);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i * 31 >> 3;
    const back = await node.call(ECHO, tagged("echo", bytes) as Term, { timeout: 50_000 });
    assertInstanceOf(back, Uint8Array);
    assertEquals(back.length, bytes.length);
    assert(back.every((byte, i) => byte === bytes[i]));
  });
}

test("nothing is left open", async () => {
  await sides.close();
  await assertNothingLeft(opened);
});
