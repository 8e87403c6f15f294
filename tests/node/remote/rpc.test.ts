import { inspect } from "node:util";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type Atom,
  atom,
  CallTimeoutError,
  exit,
  ExitError,
  format,
  NodeDownError,
  on,
  raise,
  RpcError,
  SpawnError,
  t,
  type Term,
  withSelf,
} from "../../../mod.ts";
import { clusterTest, inbox, pack, settle } from "../_cluster.ts";

const THERE = "b@localhost";
const HERE = "a@localhost";

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

for (const copyMessages of [false, true]) {
  for (const [where, name] of [["another node", THERE], ["the own node", HERE]]) {
    const kind = `${where}${copyMessages ? ", messages copied" : ""}`;

    clusterTest(`${kind}: every class of failure`, async (a, b) => {
      for (const node of [a, b]) {
        node.provide("demo", {
          sum: on(t.integer, t.integer, (x, y) => x + y),
          raises: (how, reason) => raise((how as Atom<"error">).name, reason as Atom),
          exits: (reason) => exit(reason as Atom),
          stack: () => raise("error", atom("deep"), [pack(atom("m"), atom("f"), 1, [])]),
          relays: (how, reason) => node.rpc(THERE, "demo", "raises", [how, reason]),
          ends: withSelf((self) => self.stop(atom("stopped"))),
          killed: withSelf((self) => {
            a.exit(self.pid, atom("kill"));
            return new Promise(() => {});
          }),
        });
      }
      const rpc = (f: string, ...args: Term[]): Promise<Term> => a.rpc(name, "demo", f, args);
      assertStrictEquals(await rpc("sum", 1, 2), 3);
      const raised = await failure(rpc("raises", atom("error"), pack("no", 1)));
      assertInstanceOf(raised, RpcError);
      assertEquals([raised.class, format(raised.reason)], ["error", '{<<"no">>,1}']);
      assertStrictEquals(format(raised.stacktrace as Term[]), "[{demo,raises,2,[]}]");
      const deep = await failure(rpc("stack"));
      assertInstanceOf(deep, RpcError);
      assertStrictEquals(format(deep.stacktrace as Term[]), "[{m,f,1,[]}]");
      const thrown = await failure(rpc("raises", atom("throw"), atom("ball")));
      assertInstanceOf(thrown, RpcError);
      assertEquals([thrown.class, thrown.reason, thrown.stacktrace], ["throw", atom("ball"), []]);
      for (const f of ["raises", "relays"]) {
        const exited = await failure(rpc(f, atom("exit"), atom("gone")));
        assertInstanceOf(exited, ExitError);
        assertStrictEquals(exited.reason, atom("gone"));
      }
      const relayed = await failure(rpc("relays", atom("error"), atom("no")));
      assertInstanceOf(relayed, RpcError);
      assertStrictEquals(format(relayed.reason), "{exception,no,[{demo,raises,2,[]}]}");
      const ball = await failure(rpc("relays", atom("throw"), atom("ball")));
      assertInstanceOf(ball, RpcError);
      assertEquals([ball.class, ball.reason], ["throw", atom("ball")]);
      for (const [f, reason] of [["ends", "stopped"], ["killed", "killed"]]) {
        const ended = await failure(rpc(f));
        assertInstanceOf(ended, ExitError);
        assertStrictEquals(ended.reason, atom(reason));
      }
      const missing = await failure(rpc("nothing", 1));
      assertInstanceOf(missing, RpcError);
      assertStrictEquals(format(missing.reason), "undef");
      assertStrictEquals(format(missing.stacktrace as Term[]), "[{demo,nothing,[1],[]}]");
      const erlang = await failure(a.rpc(name, "erlang", "halt"));
      assertInstanceOf(erlang, RpcError);
    }, { node: { copyMessages } });

    clusterTest(`${kind}: casts`, async (a, b, { logs }) => {
      const mine = await inbox(a);
      for (const node of [a, b]) {
        node.provide("demo", {
          note: (term) => node.send(mine.pid, term),
          fails: () => raise("error", atom("bad")),
          exits: () => exit(atom("gone")),
        });
      }
      a.rpcCast(name, "demo", "fails");
      a.rpcCast(name, "demo", "exits");
      a.rpcCast(name, "demo", "nothing", [1]);
      a.rpcCast(name, "demo", "note", [1]);
      a.rpcCast(name, "demo", "note", [2]);
      assertEquals(await mine.take(2), [1, 2]);
      const who = name === HERE ? "this node" : HERE;
      assertEquals(logs, [
        `A cast of ${who} to demo:fails ended with error bad`,
        `A cast of ${who} to demo:nothing ended with error undef`,
      ]);
    }, { node: { copyMessages } });

    clusterTest(`${kind}: a call that is given up`, async (a, b) => {
      let runs = 0;
      for (const node of [a, b]) {
        node.provide("demo", {
          never: () => {
            runs++;
            return new Promise(() => {});
          },
        });
      }
      const call = (options: object): Promise<unknown> =>
        failure(a.rpc(name, "demo", "never", [], options));
      const late = await call({ timeout: 1 });
      assertInstanceOf(late, CallTimeoutError);
      assertStrictEquals(late.target, `demo:never/0 on ${name}`);
      const abort = new AbortController();
      const waiting = call({ signal: abort.signal, timeout: Infinity });
      await a.ping(THERE);
      await settle();
      abort.abort(atom("enough"));
      assertStrictEquals(await waiting, atom("enough"));
      assertStrictEquals(await call({ signal: abort.signal }), atom("enough"));
      assertStrictEquals(runs, 2);
      assertInstanceOf(await call({ timeout: -1 }), RangeError);
    }, { node: { copyMessages } });
  }
}

clusterTest("a call of several nodes tells of each, in their order", async (a, b) => {
  for (const node of [a, b]) {
    node.provide("demo", {
      name: () => atom(node.name),
      odd: () => node === a ? 1 : raise("throw", atom("even")),
      slow: () => node === a ? 1 : new Promise(() => {}),
    });
  }
  const told = async (f: string, nodes: string[], options = {}): Promise<string[]> =>
    (await a.multicall(nodes, "demo", f, [], options)).map((result) => {
      assertEquals(Object.keys(result).slice(0, 2), ["node", "ok"]);
      return result.ok
        ? `${result.node} ${format(result.value)}`
        : `${result.node} ${result.error.name}`;
    });
  const nobody = "nobody@nowhere";
  assertEquals(await told("name", [THERE, nobody, HERE, THERE]), [
    `${THERE} ${THERE}`,
    `${nobody} NodeDownError`,
    `${HERE} ${HERE}`,
    `${THERE} ${THERE}`,
  ]);
  assertEquals(await told("odd", [HERE, THERE]), [`${HERE} 1`, `${THERE} RpcError`]);
  assertEquals(await told("slow", [THERE, HERE], { timeout: 5 }), [
    `${THERE} CallTimeoutError`,
    `${HERE} 1`,
  ]);
  assertEquals(await a.multicall([], "demo", "name"), []);
  const bad = await a.multicall([HERE, THERE], "demo", "name", [undefined as never]);
  assertEquals(bad.map(({ ok }) => ok), [false, false]);
  await a.stop();
  await failure(a.multicall([HERE], "demo", "name"));
  assertInstanceOf(await failure(a.rpc(HERE, "demo", "name")), Error);
});

clusterTest("errors of erpc itself", async (a, b) => {
  // A peer that answers as OTP does where the call, not the function, went wrong.
  let answer: Term = null;
  b.provide("erpc", {
    execute_call: withSelf((self, res, _module, _name, _args) => {
      self._process.exit(pack(res, ...(answer as Term[])));
    }),
  });
  const told = async (...elements: Term[]): Promise<Error> => {
    answer = elements;
    return await failure(a.rpc(THERE, "m", "f")) as Error;
  };
  const erpc = (reason: Term): Promise<Error> => told(atom("error"), pack(atom("erpc"), reason));
  assertInstanceOf(await erpc(atom("timeout")), CallTimeoutError);
  assertInstanceOf(await erpc(atom("noconnection")), NodeDownError);
  for (const reason of ["notsup", "badarg", "system_limit"]) {
    const error = await erpc(atom(reason));
    assertInstanceOf(error, SpawnError);
    assertStrictEquals(error.reason, atom(reason));
  }
  // What no node says ends the call all the same.
  for (const rubbish of [[], [1], [null, null], [atom("other"), 1], [atom("return")]]) {
    assertInstanceOf(await told(...rubbish as Term[]), ExitError);
  }
  const improper = await told(atom("error"), atom("no"), atom("no list"));
  assertInstanceOf(improper, RpcError);
  assertEquals(improper.stacktrace, []);
});

clusterTest("errors show what they are about, and nothing else", async (a, b) => {
  b.provide("demo", { call: () => b.call("nobody", 1), fails: () => raise("error", atom("no")) });
  const error = await failure(b.call("nobody", 1)) as Error;
  assert(!inspect(error).includes("_call"));
  assert(!Object.keys(error).includes("_call"));
  const rpc = await failure(a.rpc(THERE, "demo", "fails")) as RpcError;
  assertEquals(Object.keys(rpc).sort(), ["class", "name"]); // terms are in the message
  assertStrictEquals(rpc.reason, atom("no"));
  assertStrictEquals(rpc.message, `demo:fails/0 on ${THERE} ended with error no`);
  const exited = await failure(a.rpc(THERE, "demo", "call")) as ExitError;
  assertStrictEquals(format(exited.reason), "{noproc,{gen_server,call,[nobody,1]}}");
});

clusterTest("what is no function to be called is refused with what is needed", async (a) => {
  const { length } = a.processes();
  for (const where of [THERE, HERE]) {
    for (const [module, name, args] of [[undefined, "f", []], ["m", 5, []], ["m", "f", "ab"]]) {
      const call = () => a.rpc(where, module as never, name as never, args as never);
      await assertRejects(call, TypeError, "the names of its node, module and function");
      const cast = () => a.rpcCast(where, module as never, name as never, args as never);
      assertThrows(cast, TypeError, "its arguments as an array");
    }
  }
  await assertRejects(() => a.spawnRemote(THERE, "m", undefined as never), TypeError, "as strings");
  await assertRejects(() => a.multicall(THERE as never, "m", "f"), TypeError, "an array of their");
  assertStrictEquals(a.processes().length, length);
});
