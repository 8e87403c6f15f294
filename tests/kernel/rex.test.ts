import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  exit,
  ExitError,
  format,
  isTuple,
  type Node,
  on,
  type Pid,
  raise,
  t,
  type Term,
  withSelf,
} from "../../mod.ts";
import { putChars } from "../../lib/kernel/io/io.ts";
import { clusterTest, inbox, pack, settle } from "../node/_cluster.ts";

const THERE = "b@localhost";
const REX = { name: "rex", node: THERE };
const USER = atom("user");

function provide(node: Node): void {
  node.provide("demo", {
    sum: on(t.integer, t.integer, (x, y) => x + y),
    raises: (kind, reason) => raise(kind === atom("throw") ? "throw" : "error", reason as Pid),
    exits: (reason) => exit(reason as Pid),
    ends: withSelf((self) => self.stop(atom("ended"))),
    objects: () => ({ no: "term" }),
    leader: withSelf((self) => self.groupLeader),
    prints: withSelf(async (self, text) => {
      await putChars(self, `${String(text)}, `);
      await putChars(self, "and that was all");
      return atom("printed");
    }),
  });
}

/** A call of the kind that nodes made before OTP 23. */
function call(node: Node, name: string, args: Term[], kind = "call"): Promise<Term> {
  return node.call(REX, pack(atom(kind), atom("demo"), atom(name), args, node.pid));
}

clusterTest("a call's result, whatever comes of it", async (a, b) => {
  provide(b);
  for (const kind of ["call", "block_call"]) {
    const told = async (name: string, ...args: Term[]): Promise<string> =>
      format(await call(a, name, args, kind));
    assertStrictEquals(await told("sum", 1, 2), "3");
    assertStrictEquals(await told("raises", atom("throw"), atom("ball")), "ball");
    assertStrictEquals(
      await told("raises", atom("error"), atom("no")),
      "{badrpc,{'EXIT',{no,[{demo,raises,2,[]}]}}}",
    );
    assertStrictEquals(await told("exits", atom("gone")), "{badrpc,{'EXIT',gone}}");
    assertStrictEquals(await told("ends"), "{badrpc,{'EXIT',ended}}");
    assertStrictEquals(
      await told("nothing", 1),
      "{badrpc,{'EXIT',{undef,[{demo,nothing,[1],[]}]}}}",
    );
    const [, reason] = await call(a, "objects", [], kind) as Term[];
    assertStrictEquals(format(reason).slice(0, 27), "{'EXIT',{{js_error,<<\"Encod");
  }
});

clusterTest("a function's group leader is the caller's", async (a, b) => {
  provide(b);
  assert(a.pid.equals(await call(a, "leader", [])));
  const own = await a.call(REX, pack(atom("call"), atom("demo"), atom("leader"), [], USER));
  assert(b.whereis("user")!.equals(own));
});

clusterTest("a C node gets what is printed before the result", async (a, b) => {
  provide(b);
  const mine = await inbox(a);
  for (const text of ["one", "two"]) {
    a.send(
      REX,
      pack(
        mine.pid,
        pack(atom("call"), atom("demo"), atom("prints"), [text], atom("send_stdout_to_caller")),
      ),
    );
    let printed = "";
    for (;;) {
      const message = await mine.next() as Term[];
      assert(isTuple(message));
      if (message.tag === "rex") {
        assertStrictEquals(message[1], atom("printed"));
        break;
      }
      assertStrictEquals(message.tag, "rex_stdout");
      printed += String(message[1]);
    }
    assertStrictEquals(printed, `${text}, and that was all`);
  }
});

clusterTest("no peer can end it", async (a, b) => {
  provide(b);
  const rex = b.whereis("rex")!;
  a.exit(rex, atom("kill"));
  a.exit(rex, atom("boom"));
  assertStrictEquals(await call(a, "sum", [1, 2]), 3);
  assert(rex.equals(b.whereis("rex")));
});

clusterTest(
  "a peer may run and reach what its connection may, whatever its request says",
  async (a, b) => {
    provide(b);
    const receiver = await inbox(b, undefined, "closed");
    const reason = await call(a, "exits", [1]);
    assertStrictEquals(format(reason), "{badrpc,{'EXIT',{undef,[{demo,exits,[1],[]}]}}}");
    assertStrictEquals(await call(a, "sum", [1, 2]), 3);
    const forged = pack(atom("call"), atom("demo"), atom("exits"), [1], b.pid);
    const error = await a.call(REX, forged);
    assertStrictEquals(format(error), "{badrpc,{'EXIT',{undef,[{demo,exits,[1],[]}]}}}");
    const mine = await inbox(a);
    a.send(REX, pack(mine.pid, pack(atom("sbcast"), atom("closed"), 1)));
    assertStrictEquals(
      format(await mine.next()),
      "{rex,b@localhost,{nonexisting_name,closed}}",
    );
    b.send(receiver.pid, "nothing came");
    assertStrictEquals(String(await receiver.next()), "nothing came");
    assertStrictEquals(await b.rpc(THERE, "demo", "sum", [1, 2]), 3); // this node itself may
    const exited = await b.rpc(THERE, "demo", "exits", [1]).catch((error) => error);
    assertInstanceOf(exited, ExitError);
  },
  { node: { access: [{ functions: ["demo:sum"], names: [] }] } },
);

clusterTest("at most so many processes run for a peer", async (a, b) => {
  const running: (() => void)[] = [];
  b.provide("demo", { waits: () => new Promise<void>((resolve) => running.push(resolve)) });
  const waiting = call(a, "waits", []);
  assertStrictEquals(format(await call(a, "waits", [])), "{badrpc,{'EXIT',system_limit}}");
  running[0]();
  assertStrictEquals(await waiting, null);
  const again = call(a, "waits", []);
  while (running.length < 2) await settle(1);
  running[1]();
  assertStrictEquals(await again, null);
}, { node: { access: [{ maxSpawned: 1 }] } });

clusterTest("what it does not understand is dropped or refused", async (a, b) => {
  provide(b);
  const mine = await inbox(a);
  for (
    const message of [
      1,
      pack(),
      pack(mine.pid),
      pack(mine.pid, atom("what")),
      pack(mine.pid, pack(atom("sbcast"))),
      pack(mine.pid, pack(atom("call"), 1, 2, 3)),
      pack(1, atom("features_request")),
      pack(atom("$gen_cast"), pack(atom("cast"), 1)),
    ]
  ) a.send(REX, message as Term);
  a.send(REX, pack(mine.pid, pack(atom("call"), 1, 2, 3, 4)));
  assertEquals(format(await mine.next()), "{rex,{badrpc,{'EXIT',{badarg,[{1,2,3,[]}]}}}}");
  const refused = await a.call(REX, atom("stop")).catch((error) => error);
  assertInstanceOf(refused, ExitError);
  assertStrictEquals(await call(a, "sum", [1, 2]), 3);
});
