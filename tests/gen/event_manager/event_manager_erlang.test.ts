/** Our event managers under gen_event and sys of a real Erlang node, and a gen_event there under our references. */
import { after, test } from "node:test";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  EventHandler,
  EventManager,
  type EventManagerRef,
  exit,
  ExitError,
  type ExitReason,
  format,
  isTuple,
  type Node,
  NoProcessError,
  on,
  ReplyError,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { type ErlangNode, startErlang } from "../../_support/erlang.ts";
import { COOKIE, loadErlang } from "../../_support/interop.ts";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { inbox, OurSide, THEIRS } from "../../_support/our_side.ts";
import { needs } from "../../_support/runtime.ts";

const skip = needs("erl", "epmd");
const before = openNow();

const ourSide = new OurSide(async (_kind, epmdPort) => {
  const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, hidden: true });
  await loadErlang(erl, "event_log");
  return erl;
});
after(() => ourSide.close());

/** What event_log.erl does. */
class EventLog extends EventHandler {
  events: Term[] = [];
  override init(args: Term = []): unknown {
    if (isTuple(args) && args.tag === "refuse") return tuple(atom("error"), args[1]);
    if (isTuple(args) && args.tag === "crash") exit((args as unknown as ExitReason[])[1]);
    this.events = [...args as Term[]];
    if (this.swapped !== undefined) this.events.push(tuple(atom("left"), this.swapped) as Term);
    return undefined;
  }
  override handleEvent(event: Term): unknown {
    if (event === atom("remove")) return this.remove();
    if (event === atom("crash")) exit(atom("crashed"));
    this.events.unshift(event);
  }
  override readonly calls = {
    get: () => this.events,
    echo: on(t.term, (term) => term),
    crash: () => exit(atom("crashed")),
  };
  override handleInfo(message: Term): void {
    this.events.unshift(tuple(atom("info"), message) as Term);
  }
  override terminate(reason: Term): unknown {
    return tuple(atom("terminated"), reason);
  }
  override formatState(): unknown {
    return this.events;
  }
}

class Manager extends EventManager {
  override readonly handlers = { event_log: EventLog };
}

interface Sides {
  readonly node: Node;
  readonly erl: ErlangNode;
  readonly manager: EventManagerRef;
}

/** Runs a test with a manager of ours, registered as `events`. */
function managerTest(title: string, body: (sides: Sides) => Promise<void>): void {
  test(title, { skip }, async () => {
    const { node, peer } = await ourSide.get("erlang");
    const manager = await node.start(Manager, [], { register: "events" });
    try {
      await body({ node, erl: peer, manager });
    } finally {
      await manager.stop().catch(() => {});
    }
  });
}

const OURS = "{events, 'ours@localhost'}";
const without = (text: string): string => text.replaceAll(/\s+/g, "");

managerTest(
  "each function of gen_event does with ours what it does with its own",
  async ({ erl }) => {
    // The same on both, and what comes of it.
    const results = await erl.eval(`begin
    {ok, Own} = gen_event:start(),
    Both = fun(F) -> {A, B} = {catch F(Own), catch F(${OURS})}, case A =:= B of true -> A; false -> {differs, A, B} end end,
    Same = fun(F) -> Both(fun(M) ->
      case F(M) of {'EXIT', {Why, [_ | _]}} -> {'EXIT', Why}; {error, {'EXIT', {Why, [_ | _]}}} -> {error, Why}; R -> R end end) end,
    Results = [Same(F) || F <- [
      fun(M) -> gen_event:which_handlers(M) end,
      fun(M) -> gen_event:add_handler(M, event_log, []) end,
      fun(M) -> gen_event:add_handler(M, {event_log, 1}, [old]) end,
      fun(M) -> gen_event:add_handler(M, event_log, {refuse, because}) end,
      fun(M) -> gen_event:add_handler(M, event_log, {crash, because}) end,
      fun(M) -> element(1, gen_event:add_handler(M, no_such_module, [])) end,
      fun(M) -> gen_event:which_handlers(M) end,
      fun(M) -> gen_event:notify(M, {event, 1}) end,
      fun(M) -> gen_event:sync_notify(M, 2) end,
      fun(M) -> M ! hello, gen_event:call(M, event_log, get) end,
      fun(M) -> gen_event:call(M, {event_log, 1}, get, 5000) end,
      fun(M) -> gen_event:call(M, {event_log, 1}, {echo, #{a => <<"b">>}}, infinity) end,
      fun(M) -> gen_event:call(M, {event_log, 2}, get) end,
      fun(M) -> gen_event:receive_response(gen_event:send_request(M, event_log, {echo, 5}), 5000) end,
      fun(M) -> gen_event:wait_response(gen_event:send_request(M, event_log, {echo, 6}), 5000) end,
      fun(M) -> sys:get_state(M) end,
      fun(M) -> gen_event:swap_handler(M, {event_log, because}, {{event_log, 3}, [new]}) end,
      fun(M) -> gen_event:call(M, {event_log, 3}, get) end,
      fun(M) -> gen_event:swap_handler(M, {event_log, because}, {{event_log, 4}, [new]}) end,
      fun(M) -> gen_event:call(M, {event_log, 4}, get) end,
      fun(M) -> gen_event:call(M, {event_log, 4}, crash) end,
      fun(M) -> gen_event:which_handlers(M) end,
      fun(M) -> gen_event:delete_handler(M, {event_log, 3}, why) end,
      fun(M) -> gen_event:delete_handler(M, {event_log, 3}, why) end,
      fun(M) -> gen_event:sync_notify(M, remove), gen_event:which_handlers(M) end,
      fun(M) -> gen_event:stop(M) end
    ]],
    Results
  end`);
    assert(!results.includes("differs"), results);
    assertEquals(
      without(results),
      "[[],ok,ok,{error,because},{'EXIT',because},'EXIT',[{event_log,1},event_log],ok,ok,[{info,hello},2,{event,1}]," +
        '[{info,hello},2,{event,1},old],#{a=><<"b">>},{error,bad_module},{reply,5},{reply,6},' +
        "[{event_log,1,[{info,hello},2,{event,1},old]},{event_log,false,[{info,hello},2,{event,1}]}]," +
        "ok,[new,{left,{terminated,because}}],ok,[new,{left,error}],{error,{'EXIT',crashed}}," +
        "[{event_log,3},{event_log,1}],{terminated,why},{error,module_not_found},[],ok]",
    );
  },
);

managerTest(
  "whatever is done at random: ours and gen_event's own answer the same",
  async ({ node, erl }) => {
    const id = fc.nat(3);
    const args = fc.constantFrom("[]", "[x]", "{refuse, no}", "{crash, no}");
    const event = fc.constantFrom("one", "{two, 2}", "remove", "crash");
    const command = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.constant("add"), id, args) },
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom("notify", "sync_notify"), event) },
      {
        weight: 2,
        arbitrary: fc.tuple(fc.constant("call"), id, fc.constantFrom("get", "{echo, 1}", "crash")),
      },
      fc.tuple(fc.constant("delete"), id, args),
      fc.tuple(fc.constant("swap"), id, args, id, fc.constantFrom("[]", "[y]")),
      fc.tuple(fc.constant("info"), fc.constantFrom("hello", "{x}", "{a, b, c}", "{notify}")),
    );
    const scripts = fc.array(command, { maxLength: 30 });
    const same = async (script: (readonly unknown[])[]): Promise<void> => {
      const commands = script.map((one) => `{${one.join(",")}}`).join(",");
      const fresh = await node.start(Manager, [], { register: "compared" });
      try {
        const target = "{compared, 'ours@localhost'}";
        assertEquals(await erl.eval(`event_log:compare(${target}, [${commands}])`), "same");
      } finally {
        await fresh.stop();
      }
    };
    await fc.assert(fc.asyncProperty(scripts, same), { numRuns: 50, seed: 1828 });
  },
);

managerTest(
  "add_sup_handler of an Erlang process: it goes with it, and it is told",
  async ({ erl, manager }) => {
    const told = await erl.eval(`begin
    Mine = self(),
    ok = gen_event:add_sup_handler(${OURS}, event_log, []),
    gen_event:notify(${OURS}, crash),
    receive {gen_event_EXIT, event_log, Why} -> {Why, gen_event:which_handlers(${OURS}), Mine =:= self()} after 5000 -> timeout end
  end`);
    assertEquals(told, "{{'EXIT',crashed},[],true}");
    const swapped = await erl.eval(`begin
    ok = gen_event:add_sup_handler(${OURS}, {event_log, 1}, []),
    ok = gen_event:swap_sup_handler(${OURS}, {{event_log, 1}, old}, {{event_log, 2}, []}),
    receive {gen_event_EXIT, {event_log, 1}, {swapped, {event_log, 2}, Pid}} -> Pid =:= self() after 5000 -> timeout end
  end`);
    assertEquals(swapped, "true");
    // What was evaluated was a process of its own, which has ended.
    const gone = await erl.eval(`begin
    Wait = fun Wait() -> case gen_event:which_handlers(${OURS}) of [] -> ok; _ -> Wait() end end, Wait()
  end`);
    assertEquals(gone, "ok");
    assertEquals(await manager.whichHandlers(), []);
  },
);

managerTest(
  "a peer cannot tie a handler to a process that is not its own",
  async ({ node, erl, manager }) => {
    const box = await inbox(node);
    await manager.addHandler(EventLog, [[box.pid]]);
    const reply = await erl.eval(`begin
    [Victim] = gen_event:call(${OURS}, event_log, get),
    {ok, Reply} = gen:call(${OURS}, self(), {add_sup_handler, {event_log, 1}, [], Victim}, 5000),
    Reply
  end`);
    assert(reply.startsWith("{error,{not_supported,"), reply);
    assertEquals(await manager.whichHandlers(), ["event_log"]);
  },
);

managerTest("sys shows its handlers and holds it", async ({ erl, manager }) => {
  await manager.addHandler({ handler: EventLog, id: 5 }, [[]]);
  const status = without(await erl.eval(`sys:get_status(${OURS})`));
  assert(status.includes('"Statusforeventhandlerevents"'), status);
  assert(status.includes('{items,{"Installedhandlers",[{handler,event_log,5,[],false}]}}'), status);
  await erl.eval(`sys:suspend(${OURS}), gen_event:notify(${OURS}, 1)`);
  assertEquals(await erl.eval(`sys:get_state(${OURS})`), "[{event_log,5,[]}]");
  assertEquals(await erl.eval(`sys:resume(${OURS}), gen_event:sync_notify(${OURS}, 2)`), "ok");
  assertEquals(await erl.eval(`sys:get_state(${OURS})`), "[{event_log,5,[2,1]}]");
  const log = await erl.eval(
    `sys:log(${OURS}, true), gen_event:notify(${OURS}, 3), sys:log(${OURS}, get)`,
  );
  assertEquals(log, "{ok,[{in,{notify,3}}]}");
});

test("a gen_event of Erlang from here: the same reference", { skip }, async () => {
  const { node, peer } = await ourSide.get("erlang");
  await peer.eval("{ok, P} = gen_event:start({local, theirs}), ok");
  const theirs = node.ref(EventManager, { name: "theirs", node: THEIRS });
  assertEquals(await theirs.whichHandlers(), []);
  await theirs.addHandler("event_log", [[]]);
  await theirs.addHandler({ handler: "event_log", id: 7 }, [[]]);
  const refused = tuple(atom("refuse"), 1);
  await assertRejects(() => theirs.addHandler("event_log", [refused]), ReplyError);
  await assertRejects(() => theirs.addHandler("no_such_module", [[]]), ExitError);
  theirs.notify(atom("one"));
  await theirs.syncNotify(atom("two"));
  assertEquals(format(await theirs.request("event_log", atom("get"))), "[two,one]");
  const missing = await assertRejects(() => theirs.request("other", atom("get")), ReplyError);
  assertEquals(format(missing.reason as Term), "bad_module");
  await theirs.swapHandler(
    "event_log",
    atom("why"),
    { handler: "event_log", id: 8 },
    [[]] as never,
  );
  assertEquals(
    format(await theirs.request({ handler: "event_log", id: 8 }, atom("get"))),
    "[{left,{terminated,why}}]",
  );
  const crashed = await assertRejects(
    () => theirs.request({ handler: "event_log", id: 8 }, atom("crash")),
    ExitError,
  );
  assertEquals(format(crashed.reason), "crashed");
  assertEquals(await theirs.whichHandlers(), [{ handler: "event_log", id: 7 }]);
  assertEquals(
    format(await theirs.deleteHandler({ handler: "event_log", id: 7 }, 5)),
    "{terminated,5}",
  );
  const box = await inbox(node, { trapExit: true });
  await theirs.as(box.self).addSupHandler("event_log", [[]]);
  await theirs.stop();
  assertEquals(format(await box.next()), "{gen_event_EXIT,event_log,shutdown}");
  await assertRejects(() => theirs.whichHandlers(), NoProcessError);
});

test("nothing is left open", async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
