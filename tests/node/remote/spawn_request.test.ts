import { assert, assertEquals } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { decode } from "../../../lib/etf/decoder.ts";
import {
  atom,
  type Encodable,
  exit,
  ExternalFun,
  format,
  ImproperList,
  on,
  Pid,
  type Ref,
  t,
  type Term,
  tuple,
  withSelf,
} from "../../../mod.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { BOOM, forever } from "../_nodes.ts";
import { acted, visitedTest } from "./_hand_made.ts";

const [LINK, MONITOR] = [atom("link"), atom("monitor")];

function pair(name: string, value: Encodable): Encodable {
  return tuple(atom(name), value as Term) as Encodable;
}

/** Asks for a spawn of `demo:name`, and gives the id with what is answered. */
async function spawn(
  peer: HandMade,
  options: Encodable,
  { name = "loop", args = [] as Encodable, from = peer.pid() } = {},
): Promise<
  { readonly id: Ref; readonly from: Pid; readonly flags: unknown; readonly result: Term }
> {
  const id = peer.ref();
  const mfa = tuple(atom("demo"), atom(name), 0) as never;
  peer.send([CONTROL.SPAWN_REQUEST, id, from, peer.pid(), mfa, options], args);
  const { control } = await peer.signal(({ control }) =>
    control[0] === CONTROL.SPAWN_REPLY && id.equals(control[1])
  );
  assert(from.equals(control[2]));
  return { id, from, flags: control[3], result: control[4] as Term };
}

/** What OTP 25, 27 and 29 answer, measured: the flags of the answer, or `badopt`. Only `async_dist` is refused by the oldest. */
// deno-fmt-ignore
const OPTIONS: readonly (readonly [options: Encodable, answer: number | "badopt"])[] = [
  [[], 0], [[LINK], 1], [[MONITOR], 2], [[LINK, MONITOR], 3], [[MONITOR, MONITOR, LINK, LINK], 3],
  [[pair("monitor", [])], 2], [[pair("monitor", [pair("tag", 7)])], 2], [[pair("monitor", [pair("alias", atom("demonitor"))]), LINK], 3],
  [[pair("monitor", [atom("bad")])], "badopt"], [[pair("monitor", atom("x"))], "badopt"], [[pair("monitor", [pair("alias", 1)])], "badopt"],
  [[pair("link", 1)], "badopt"], [[pair("priority", atom("high"))], 0], [[pair("priority", atom("max"))], 0], [[pair("priority", atom("silly"))], "badopt"],
  [[atom("priority")], "badopt"], [[pair("min_heap_size", 1000)], 0], [[pair("min_heap_size", atom("x"))], "badopt"], [[pair("min_heap_size", -1)], "badopt"],
  [[pair("min_bin_vheap_size", 1)], 0], [[pair("min_bin_vheap_size", -1)], "badopt"], [[pair("max_heap_size", 0)], 0],
  [[pair("max_heap_size", new Map([[atom("size"), 100_000]]) as unknown as Term)], 0], [[pair("max_heap_size", atom("x"))], "badopt"],
  [[pair("max_heap_size", new Map<Term, Term>([[atom("size"), 0], [atom("kill"), true], [atom("other"), 1]]) as unknown as Term)], 0],
  [[pair("max_heap_size", new Map([[atom("size"), atom("bad")]]) as unknown as Term)], "badopt"], [[pair("max_heap_size", new Map() as unknown as Term)], "badopt"],
  [[pair("max_heap_size", new Map<Term, Term>([[atom("size"), 0], [atom("kill"), 1]]) as unknown as Term)], "badopt"],
  [[pair("fullsweep_after", 10)], 0], [[pair("fullsweep_after", atom("x"))], "badopt"], [[pair("message_queue_data", atom("off_heap"))], 0],
  [[pair("message_queue_data", atom("x"))], "badopt"], [[pair("scheduler", 1)], 0], [[pair("async_dist", true)], 0], [[pair("async_dist", 7)], "badopt"],
  [[pair("unknown", 1)], "badopt"], [[atom("unknown")], "badopt"], [[atom("suspend")], "badopt"], [[7], "badopt"], [[pair("reply", atom("no"))], "badopt"],
  [[pair("reply_tag", 1)], "badopt"], [[tuple() as Encodable], "badopt"], [[[LINK]], "badopt"], [[tuple(MONITOR, 1, 2) as Encodable], "badopt"],
  [[pair("constructor", 1)], "badopt"], [[pair("__proto__", 1)], "badopt"], [LINK, "badopt"], [new ImproperList([LINK], LINK), "badopt"],
  [new Map([[LINK, 1]]) as unknown as Term, "badopt"], [tuple(LINK) as Encodable, "badopt"], [7, "badopt"],
];

visitedTest("options are taken or refused as Erlang does it", async ({ node, peer }) => {
  node.provide("demo", { loop: withSelf(forever) });
  for (const [options, answer] of OPTIONS) {
    const { flags, result } = await spawn(peer, options);
    const got = result instanceof Pid ? flags : result;
    assertEquals(got, answer === "badopt" ? atom("badopt") : answer, format(options as Term));
    if (!(result instanceof Pid)) assertEquals(flags, 0);
  }
});

visitedTest(
  "the answer comes before anything of the process that was spawned",
  async ({ node, peer }) => {
    node.provide("demo", {
      boom: () => exit(BOOM),
      talks: withSelf((self, to) => self.send(to as Pid, atom("hello"))),
    });
    for (const [name, args] of [["boom", []], ["talks", [peer.pid()]], ["nothing", []]] as const) {
      const { id, from, result } = await spawn(peer, [LINK, MONITOR], { name, args: [...args] });
      await acted(peer);
      const signals = peer.signals.splice(0).map(({ control }) => control[0]);
      assertEquals(signals.filter((op) => op !== CONTROL.SEND_SENDER).sort(), [
        CONTROL.PAYLOAD_EXIT,
        CONTROL.PAYLOAD_MONITOR_P_EXIT,
      ], name);
      assert(result instanceof Pid && id !== undefined && from !== undefined);
    }
  },
);

visitedTest("how it ends is told as of any other process", async ({ node, peer }) => {
  node.provide("demo", { sum: on(t.integer, t.integer, (a, b) => a + b), boom: () => exit(BOOM) });
  const end = async (name: string, args: Encodable): Promise<string> => {
    const { id } = await spawn(peer, [MONITOR], { name, args });
    const { payload } = await peer.signal(({ control }) =>
      control[0] === CONTROL.PAYLOAD_MONITOR_P_EXIT && id.equals(control[3])
    );
    return format(payload as Term);
  };
  assertEquals(await end("sum", [1, 2]), "normal");
  assertEquals(await end("boom", []), "boom");
  assertEquals(await end("boom", [1]), "{undef,[{demo,boom,[1],[]}]}");
  assertEquals(await end("nothing", []), "{undef,[{demo,nothing,[],[]}]}");
  assertEquals(
    await end("boom", atom("no_list")),
    "{badarg,[{erlang,apply,[demo,boom,no_list],[]}]}",
  );
  assertEquals(
    await end("boom", new ImproperList([1], 2)),
    "{badarg,[{erlang,apply,[demo,boom,[1|2]],[]}]}",
  );
});

visitedTest("the process is linked with the peer's, both ways", async ({ node, peer }) => {
  node.provide("demo", { loop: withSelf(forever) });
  const first = await spawn(peer, [LINK]);
  const pid = first.result as Pid;
  peer.send([CONTROL.PAYLOAD_EXIT, first.from, pid], BOOM);
  await acted(peer);
  assertEquals(node.isAlive(pid), false);
  assertEquals(peer.signals, [], "who has ended is not told");
  const second = await spawn(peer, [LINK]);
  node.exit(second.result as Pid, BOOM);
  const { control, payload } = await peer.signal(({ control }) =>
    control[0] === CONTROL.PAYLOAD_EXIT
  );
  assert((second.result as Pid).equals(control[1]) && second.from.equals(control[2]));
  assertEquals(payload, BOOM);
});

visitedTest(
  "a monitor of a spawn is taken back by the request's reference",
  async ({ node, peer }) => {
    node.provide("demo", { loop: withSelf(forever) });
    const { id, from, result } = await spawn(peer, [pair("monitor", [])]);
    assertEquals(node._core.process(result as Pid)!.watcherCount, 2); // and the one that counts
    peer.send([CONTROL.DEMONITOR_P, from, result as Pid, id]);
    await acted(peer);
    assertEquals(node._core.process(result as Pid)!.watcherCount, 1);
  },
);

visitedTest(
  "spawning fun demo:boom/0 is spawning demo:boom; what apply cannot do ends as in Erlang",
  async ({ node, peer }) => {
    node.provide("demo", { boom: () => exit(BOOM) });
    const end = async (args: Encodable): Promise<string> => {
      const [id, from] = [peer.ref(), peer.pid()];
      const mfa = tuple(atom("erlang"), atom("apply"), 2) as never;
      peer.send([CONTROL.SPAWN_REQUEST, id, from, from, mfa, [MONITOR]], args);
      const { payload } = await peer.signal(({ control }) =>
        id.equals(control[3]) && control[0] !== CONTROL.SPAWN_REPLY
      );
      return format(payload as Term);
    };
    const fun = decode(
      Uint8Array.of(131, 113, 119, 4, 100, 101, 109, 111, 119, 4, 98, 111, 111, 109, 97, 0),
    );
    assertEquals(await end([fun, []]), "boom");
    assertEquals(await end([atom("demo"), atom("boom"), []]), "boom");
    const apply = [atom("erlang"), atom("apply"), [fun, []]];
    assertEquals(await end(apply), "boom");
    const frame = "{erlang,apply,2,[]}";
    const cases: readonly (readonly [args: Encodable, ends: string])[] = [
      [[fun, [1]], `{{badarity,{fun demo:boom/0,[1]}},[${frame}]}`],
      [[fun, 7], `{badarg,[{erlang,apply,[fun demo:boom/0,7],[]},${frame}]}`],
      [[7, []], `{{badfun,7},[${frame}]}`],
      [[7, 8], `{badarg,[{erlang,apply,[7,8],[]},${frame}]}`],
      [[7, 8, 9], "{badarg,[{erlang,apply,[7,8,9],[]}]}"],
      [[atom("demo"), atom("boom"), 9], "{badarg,[{erlang,apply,[demo,boom,9],[]}]}"],
      [[atom("demo"), atom("none"), []], "{undef,[{demo,none,[],[]}]}"],
      [[new ExternalFun(atom("demo"), atom("none"), 0), []], "{undef,[{demo,none,[],[]}]}"],
      [[fun], "{undef,[{erlang,apply,[fun demo:boom/0],[]}]}"],
    ];
    for (const [args, ends] of cases) assertEquals(await end(args), ends);
  },
);

visitedTest(
  "proc_lib:spawn runs what it is for: under its name, for whom it was provided, and with its reason",
  async ({ node, peer }) => {
    node.provide("demo", { boom: () => exit(BOOM) });
    node.provide("closed", { boom: () => exit(BOOM) }, { peers: "somebody@else" });
    const end = async (args: Encodable[]): Promise<string> => {
      const [id, from] = [peer.ref(), peer.pid()];
      const mfa = tuple(atom("proc_lib"), atom("init_p"), args.length) as never;
      peer.send([CONTROL.SPAWN_REQUEST, id, from, from, mfa, [MONITOR]], args);
      const { payload } = await peer.signal(({ control }) =>
        id.equals(control[3]) && control[0] !== CONTROL.SPAWN_REPLY
      );
      return format(payload as Term);
    };
    const [demo, boom, parent] = [atom("demo"), atom("boom"), peer.pid()];
    const fun = new ExternalFun(demo, boom, 0);
    const cases: readonly (readonly [args: Encodable[], ends: string])[] = [
      [[parent, [], demo, boom, []], "boom"],
      [[parent, [], atom("erlang"), atom("apply"), [fun, []]], "boom"],
      [[parent, [], fun], "boom"],
      [[parent, [], demo, atom("none"), [1]], "{undef,[{demo,none,[1],[]}]}"],
      [[parent, [], atom("closed"), boom, []], "{undef,[{closed,boom,[],[]}]}"],
      [[parent, [], 7, 8, 9], "{badarg,[{erlang,apply,[7,8,9],[]}]}"],
      [[parent, [], 7], "{{badfun,7},[{erlang,apply,2,[]}]}"],
      [[demo, boom], "{undef,[{proc_lib,init_p,[demo,boom],[]}]}"],
    ];
    for (const [args, ends] of cases) assertEquals(await end(args), ends);
  },
);

visitedTest("a spawn whose link or monitor is one too many is not made", async ({ node, peer }) => {
  node.provide("demo", { loop: withSelf(forever) });
  assertEquals((await spawn(peer, [LINK, MONITOR])).flags, 3);
  assertEquals((await spawn(peer, [LINK, MONITOR])).result, atom("system_limit"));
  assertEquals((await spawn(peer, [MONITOR])).flags, 2);
  assertEquals((await spawn(peer, [LINK])).result, atom("system_limit"));
  assertEquals((await spawn(peer, [])).flags, 0);
}, { node: { access: [{ maxWatched: 3 }] } });

testNothingIsLeft();
