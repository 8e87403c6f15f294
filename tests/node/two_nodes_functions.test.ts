import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  type Atom,
  atom,
  type CallOptions,
  CallTimeoutError,
  exit,
  ExitError,
  format,
  on,
  type Pid,
  RpcError,
  t,
  type Term,
  tuple,
  withSelf,
} from "../../mod.ts";
import { exitReason, failure, gate, term } from "../gen/_servers.ts";
import { BOOM, forever, KILL, KILLED } from "./_nodes.ts";
import { clusterTest, inbox, settle } from "./_cluster.ts";
import { EXIT } from "./_two_nodes.ts";

// Functions on another node

clusterTest("rpc gives a function's value", async (a, b) => {
  b.provide("demo", {
    sum: on(t.integer, t.integer, (x, y) => x + y),
    pair: (x, y) => tuple(x, y) as unknown as Term,
    nothing: () => {},
    slow: async () => await Promise.resolve([1, 2]),
    own: withSelf((self, x) => tuple(self.pid.node, x) as unknown as Term),
  });
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [1, 2]), 3);
  assertEquals(await a.rpc(b.name, "demo", "pair", [1, [2]]), tuple(1, [2]) as unknown as Term);
  assertStrictEquals(await a.rpc(b.name, "demo", "nothing"), null);
  assertEquals(await a.rpc(b.name, "demo", "slow"), [1, 2]);
  assertEquals((await a.rpc(b.name, "demo", "own", [5]) as Term[])[1], 5);
});

clusterTest("rpc tells how a function failed", async (a, b) => {
  b.provide("demo", {
    exit: (reason) => exit(reason as Atom),
    throw: () => {
      throw new RangeError("no");
    },
    strict: on(t.integer, (n) => n),
    call: async () => await b.call("nobody", 1),
  });
  const exited = await failure(a.rpc(b.name, "demo", "exit", [term(BOOM, 1)]));
  assertInstanceOf(exited, ExitError);
  assertEquals(exited.reason, term(BOOM, 1) as Term);
  const thrown = await failure(a.rpc(b.name, "demo", "throw"));
  assertInstanceOf(thrown, RpcError);
  assertStrictEquals(thrown.class, "error");
  const [kind, name, message] = thrown.reason as Term[];
  assertEquals([kind, String(name), String(message)], [atom("js_error"), "RangeError", "no"]);
  const strict = await failure(a.rpc(b.name, "demo", "strict", ["x"]));
  assertInstanceOf(strict, RpcError);
  assertStrictEquals(String((strict.reason as Term[])[1]), "SchemaError");
  assertEquals(
    format(await exitReason(a.rpc(b.name, "demo", "call"))),
    "{noproc,{gen_server,call,[nobody,1]}}",
  );
});

clusterTest("what was not provided is undefined, and what is revoked again", async (a, b) => {
  const undef = async (name: string, args: Term[]): Promise<void> => {
    const error = await failure(a.rpc(b.name, "demo", name, args));
    assertInstanceOf(error, RpcError);
    assertStrictEquals(error.reason, atom("undef"));
    assertEquals(
      error.stacktrace,
      [tuple(atom("demo"), atom(name), args, [])] as unknown as Term[],
    );
  };
  await undef("sum", [1, 2]);
  const functions = b.provide("demo", {
    sum: on(t.integer, t.integer, (x, y) => x + y),
    id: (x) => x,
  });
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [1, 2]), 3);
  for (const name of ["sum", "id", "toString", "constructor", "__proto__"]) {
    await undef(name, [1, 2, 3]);
  }
  await undef("toString", []);
  const more = b.provide("demo", { sum: on(t.integer, t.integer, (x, y) => x * y) });
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [3, 4]), 12);
  functions[Symbol.dispose](); // what has taken its place stays
  assertStrictEquals(await a.rpc(b.name, "demo", "sum", [3, 4]), 12);
  await undef("id", [1]);
  more[Symbol.dispose]();
  more[Symbol.dispose]();
  await undef("sum", [1, 2]);
});

clusterTest("an rpc that is not answered in time ends", async (a, b) => {
  let runs = 0;
  const never = (): Promise<void> => {
    runs++;
    return new Promise(() => {});
  };
  b.provide("demo", { never });
  const rpc = (options: CallOptions): Promise<unknown> =>
    failure(a.rpc(b.name, "demo", "never", [], options));
  assertInstanceOf(await rpc({ timeout: 1 }), CallTimeoutError);
  const abort = new AbortController();
  const waiting = rpc({ signal: abort.signal, timeout: Infinity });
  assert(await a.ping(b.name));
  await settle();
  abort.abort(BOOM);
  assertStrictEquals(await waiting, BOOM);
  assertStrictEquals(runs, 2);
  assertStrictEquals(await rpc({ signal: abort.signal }), BOOM);
  const spawning = failure(a.spawnRemote(b.name, "demo", "never", [], { signal: abort.signal }));
  assertStrictEquals(await spawning, BOOM);
  assert(await a.ping(b.name));
  await settle();
  assertStrictEquals(runs, 2); // it was not even asked
});

clusterTest("a process is spawned on another node, and is one as any other", async (a, b) => {
  b.provide("demo", {
    loop: withSelf(async (self, to) => {
      for await (const message of self) {
        self.send(to as Pid, tuple(self.pid, message) as unknown as Term);
      }
    }),
    crash: () => exit(BOOM),
  });
  const here = await inbox(a);
  const pid = await a.spawnRemote(b.name, "demo", "loop", [here.pid]);
  assertStrictEquals(pid.node, b.name);
  assert(b.isAlive(pid));
  a.send(pid, 5);
  assertEquals(await here.next(), tuple(pid, 5) as unknown as Term);
  const down = gate<Term>();
  a.monitor(pid, ({ reason }) => down.open(reason));
  a.exit(pid, BOOM);
  assertStrictEquals(await down.promise, BOOM);
});

clusterTest("a process that is spawned with a link tells of its end", async (a, b) => {
  b.provide("demo", { loop: withSelf(forever), crash: () => exit(BOOM) });
  const here = await inbox(a, (self) => void (self.trapExit = true));
  const crashed = await a.spawnRemote(b.name, "demo", "crash", [], { link: here.pid });
  assertEquals(await here.next(), tuple(EXIT, crashed, BOOM) as unknown as Term);
  const missing = await a.spawnRemote(b.name, "demo", "nothing", [1], { link: here.pid });
  const [, from, reason] = await here.next() as Term[];
  assert(missing.equals(from));
  assertEquals(reason, term(atom("undef"), [term(atom("demo"), atom("nothing"), [1], [])]) as Term);
  const linked = await a.spawnRemote(b.name, "demo", "loop", [], { link: here.pid });
  const down = gate<Term>();
  b.monitor(linked, (end) => down.open(end.reason));
  a.exit(here.pid, KILL);
  assertStrictEquals(await down.promise, KILLED);
});
