// What sys, and whoever only seems to be it, sends a server of ours besides.
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  atom,
  Behaviour,
  ExitError,
  ExternalFun,
  format,
  GenServer,
  ImproperList,
  isTuple,
  on,
  type Pid,
  ReplyError,
  sys,
  t,
  type Term,
  TermMap,
  tuple,
} from "../../../mod.ts";
import { handledSystem } from "../../../lib/gen/sys/system.ts";
import { ended, idler, KILL, nodeTest, NORMAL } from "../../node/_nodes.ts";
import { bothWays, type callByHand, failureOf, pair } from "../_servers.ts";
import { Open } from "./_support.ts";

/** What OTP answers to a request. */
const RAW: readonly [request: Term, reply: string][] = [
  [atom("nonsense"), "{error,{unknown_system_msg,nonsense}}"],
  [
    pair(atom("change_code"), atom("m"), 1, []),
    "{error,{unknown_system_msg,{change_code,m,1,[]}}}",
  ],
  [pair(atom("debug"), atom("nonsense")), "unknown_debug"],
  [pair(atom("debug"), pair(atom("trace"), atom("maybe"))), "unknown_debug"],
  [pair(atom("debug"), pair(atom("log"), pair(true, 0))), "unknown_debug"],
  [pair(atom("debug"), pair(atom("log"), atom("print"))), "ok"],
  [pair(atom("debug"), pair(atom("log"), atom("get"))), "{ok,[]}"],
  [pair(atom("debug"), pair(atom("statistics"), atom("get"))), "{ok,no_statistics}"],
  [pair(atom("debug"), pair(atom("log_to_file"), "/tmp/x")), "{error,open_file}"],
  [pair(atom("debug"), pair(atom("log_to_file"), false)), "ok"],
  [pair(atom("debug"), pair(atom("remove"), atom("x"))), "ok"],
  [pair(atom("debug"), atom("no_debug")), "ok"],
  [5, "{error,{unknown_system_msg,5}}"],
];

bothWays("every request is answered, those that are not known too", async ({ node }) => {
  const server = await node.start(Open, []);
  for (const [request, reply] of RAW) {
    assertEquals(format(await ask(node, server.pid, request)), reply);
  }
  const install = pair(
    atom("debug"),
    pair(atom("install"), pair(new ExternalFun(atom("m"), atom("f"), 3), 0)),
  );
  assert(format(await ask(node, server.pid, install)).startsWith("{error,{not_supported,<<"));
  await sys.suspend(node, server);
  const change = pair(atom("change_code"), atom("m"), 1, []);
  assertEquals(
    format(await ask(node, server.pid, change)),
    "{error,{'EXIT',{undef,[{'Open',code_change,[1,#{count => 0,seen => []},[]],[]}]}}}",
  );
  assert(node.isAlive(server.pid));
});

bothWays("a process of the node's own is looked at, not harmed", async ({ node }) => {
  class Own extends Open {
    readonly _essential = true;
  }
  const own = await node.start(Own, []);
  assertEquals(format(await sys.getState(node, own)), "#{count => 0,seen => []}");
  await sys.log(node, own, true);
  const harmful = [
    () => sys.suspend(node, own),
    () => sys.terminate(node, own),
    () => sys.replaceState(node, own, (state) => state),
  ];
  for (const harm of harmful) await assertRejects(harm, ReplyError, "belongs to the node");
  node.exit(own.pid, KILL); // nor while it is debugged
  assertStrictEquals(await own.call("add", 1), 1);
  assertEquals((await sys.getLog(node, own)).length, 2);
  await sys.noDebug(node, own);
  assertStrictEquals((await sys.getStatus(node, own)).state, "running");
  own.send("last");
  assertEquals((await own.call("seen")).map(String), ["last"]);
});

/** Requests that no sys sends, or not so. */
const HOSTILE: readonly unknown[] = [
  tuple(),
  tuple(atom("terminate")),
  tuple(atom("terminate"), 1, 2),
  tuple(atom("debug")),
  tuple(atom("debug"), tuple()),
  tuple(atom("debug"), [1, 2]),
  tuple(atom("debug"), tuple(atom("install"), 1)),
  tuple(atom("debug"), tuple(atom("install"), tuple())),
  tuple(atom("debug"), tuple(atom("install"), tuple(1, 2, 3, 4))),
  tuple(atom("debug"), tuple(atom("log"), tuple(true, -1))),
  tuple(atom("debug"), tuple(atom("log"), tuple(true, 1.5))),
  tuple(atom("debug"), tuple(atom("log"), tuple(true, 2n ** 70n))),
  tuple(atom("debug"), tuple(atom("log"), tuple(false, 5))),
  tuple(atom("debug"), tuple(atom("statistics"), [])),
  tuple(atom("debug"), tuple(atom("remove"), [new ImproperList([1], 2)])),
  tuple(atom("replace_state"), 5),
  tuple(atom("replace_state")),
  tuple(atom("change_code"), 1, 2, 3),
  new ImproperList([1], 2),
  new TermMap([[1, 2]]),
  "suspend",
  [atom("suspend")],
  1.5,
  null,
  true,
];

bothWays("whatever is asked is answered once, and harms nothing", async ({ node }) => {
  const server = await node.start(Open, []);
  for (const suspended of [false, true]) {
    if (suspended) await sys.suspend(node, server);
    for (const request of HOSTILE) {
      const reply = format(await ask(node, server.pid, request as Term));
      assert(reply === "ok" || reply === "unknown_debug" || reply.startsWith("{error,{"), reply);
    }
    assertEquals(format(await sys.getState(node, server)), "#{count => 0,seen => []}");
    assertEquals((await sys.getStatus(node, server)).debug, []);
  }
  await sys.resume(node, server);
  assertStrictEquals(await server.call("add", 1), 1);
  assertEquals(await server.call("seen"), []);
});

nodeTest("a log that a peer wants to be huge is bounded", async ({ node }) => {
  const server = await node.start(Open, []);
  await sys.log(node, server, Number.MAX_SAFE_INTEGER);
  for (let i = 0; i < 6_000; i++) server.cast("add", 1);
  assertEquals(await server.call("get"), 6_000);
  const log = await sys.getLog(node, server);
  assertEquals([log.length, format(log.at(-1)!).startsWith("{out,6000,")], [10_000, true]);
});

bothWays("a behaviour of another kind has all of it, by one line", async ({ node }) => {
  class Machine extends Behaviour {
    declare readonly _refType: Pid;
    light = "red";
    override get _system(): { readonly module: string; readonly title: string } {
      return { module: "gen_statem", title: "Status for state machine" };
    }
    override _receive(message: unknown): void {
      if (isTuple(message) && handledSystem(this, message)) return;
      this.light = String(message);
    }
    override _reference(_node: unknown, pid: Pid): Pid {
      return pid;
    }
  }
  const machine = await node.start(Machine, [], { register: "light" });
  await sys.log(node, machine, true);
  await sys.suspend(node, machine);
  node.send(machine, "green");
  assertEquals(format(await sys.getState(node, machine)), '#{light => <<"red">>}');
  const { module, state, misc } = await sys.getStatus(node, machine);
  assertEquals([module, state], ["gen_statem", "suspended"]);
  assert(format(misc).includes('"Status for state machine light"'), format(misc));
  await sys.resume(node, machine);
  assertEquals(format(await sys.getState(node, machine)), '#{light => <<"green">>}');
  const log = await sys.getLog(node, machine);
  assertEquals(log.map((event) => format(event)), [
    '{in,<<"green">>}',
    '{noreply,#{light => <<"green">>}}',
  ]);
  const down = ended(node, machine);
  await sys.terminate(node, machine);
  assertStrictEquals(await down, NORMAL);
});

bothWays("what only looks like a request of sys is a message", async ({ node }) => {
  const server = await node.start(Open, []);
  const messages = [
    pair(atom("system"), 1, atom("get_state")),
    pair(atom("system"), pair(1, 2), atom("get_state")),
    pair(atom("system"), pair(node.pid, 2)),
  ];
  for (const message of messages) server.send(message);
  assertEquals(await server.call("seen"), messages);
});

nodeTest("sys is used in a process's own name, and not on itself", async ({ node }) => {
  class Asking extends GenServer {
    override readonly calls = {
      state: on(t.pid, async (pid) => await sys.getState(this, pid)),
    };
  }
  const asking = await node.start(Asking, []);
  const server = await node.start(Open, []);
  assertEquals(format(await asking.call("state", server.pid) as Term), "#{count => 0,seen => []}");
  const error = await failureOf(() => asking.call("state", asking.pid));
  assert(String(error).includes("a process that calls itself"), String(error));
});

nodeTest("a process that is not there, and one that knows no sys", async ({ node, platform }) => {
  const gone = idler(node);
  node.exit(gone, atom("kill"));
  await assertRejects(() => sys.getState(node, gone), ExitError, "no such process");
  const asked = failureOf(() => sys.getState(node, idler(node), { timeout: 50 }));
  await platform.elapse(100);
  assertStrictEquals((await asked as Error).name, "CallTimeoutError");
  await assertRejects(() => sys.log(node, gone, 0), RangeError, "0 events");
  await assertRejects(() => sys.getState(node, {} as never), TypeError, "Cannot address");
});

nodeTest("a caller that does not catch the failure exits as OTP's do", async ({ node }) => {
  const gone = idler(node);
  node.exit(gone, atom("kill"));
  const pid = node.spawn(async (self) => {
    await sys.replaceState(self, gone, new ExternalFun(atom("m"), atom("f"), 1), { timeout: 10 });
  });
  assertEquals(
    format(await ended(node, pid)),
    `{noproc,{sys,replace_state,[${format(gone)},fun m:f/1,10]}}`,
  );
});

/** Sends `{system, {Pid, Tag}, Request}` as sys does, and gives what comes back as `{Tag, Reply}`. */
function ask(node: Parameters<typeof callByHand>[0], server: Pid, request: Term): Promise<Term> {
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      self.send(server, tuple(atom("system"), tuple(self.pid, atom("tag")), request) as Term);
      const reply = await self.receive(t.tuple(t.atom("tag"), t.term));
      resolve(reply[1]);
    });
  });
}
