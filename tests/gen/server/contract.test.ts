import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  api,
  atom,
  atomMap,
  CallTimeoutError,
  type Encodable,
  GenServer,
  later,
  type Node,
  NoProcessError,
  ProcessExitedError,
  ReplyError,
  SchemaError,
  t,
  tagged,
  type Term,
  tuple,
  unwrap,
} from "../../../mod.ts";
import { BOOM, collector, ended, nodeTest, NORMAL, spawned } from "../../node/_nodes.ts";
import { assertRefused, bothWays, failure, failureOf, untyped } from "../_servers.ts";

const User = t.struct("User", { name: t.text, age: t.nilable(t.integer) });
const Users = api({
  calls: {
    fetch: [t.integer, t.result(User, t.atom("not_found"))],
    find: [t.text, t.integer.default(10), t.list(t.text)],
    count: [t.integer],
    wait: [t.nil],
    who: [t.pid],
  },
  casts: { forget: [t.integer], clear: [], kind: [t.enum("a", "b")] },
});

/** A server that knows nothing of the contract: it answers by terms, as one written in Erlang. */
function foreignServer(node: Node, answer: (request: Term) => Encodable): { readonly got: Term[] } {
  const got: Term[] = [];
  node.spawn(async (self) => {
    for await (const message of self) {
      const [kind, from, request] = message as [Term, never, Term];
      if (kind === atom("$gen_call")) node.reply(from, answer(request));
      else got.push(from); // of a cast, which is the request
    }
  }, { register: "users" });
  return { got };
}

/** A server of ours that implements the contract. */
class UserServer extends GenServer {
  #forgotten: number[] = [];
  override readonly calls = Users.serveCalls({
    fetch: (id) => id === 7 ? tagged("ok", ZOE) : tagged("error", atom("not_found")),
    find: (text, limit) => Array.from({ length: Math.min(limit, 3) }, () => text),
    count: () => this.#forgotten.length,
    wait: () => later(new Promise(() => {})),
    who: () => this.caller,
  });
  override readonly casts = Users.serveCasts({
    forget: (id) => this.#forgotten.push(id),
    clear: () => this.#forgotten = [],
    kind: (kind) => this.#forgotten.push(kind === "a" ? 1 : 2),
  });
}

const ZOE = atomMap({ __struct__: atom("Elixir.User"), name: "Zoë", age: 31 });

nodeTest(
  "a request is the atom of its name, or a tuple with the arguments as the schemas write them",
  async ({ node }) => {
    const requests: Term[] = [];
    const { got } = foreignServer(node, (request) => {
      requests.push(request);
      return 5;
    });
    const users = node.ref(Users, "users");
    await users.call("count");
    await failure(users.call("find", "x"));
    await failure(users.call("find", "x", 3));
    users.cast("clear");
    users.cast("forget", 7);
    users.cast("kind", "b");
    await users.call("count");
    assertEquals(requests, [
      atom("count"),
      tuple(atom("find"), "x"),
      tuple(atom("find"), "x", 3),
      atom("count"),
    ] as unknown as Term[]);
    assertEquals(got, [
      atom("clear"),
      tuple(atom("forget"), 7),
      tuple(atom("kind"), atom("b")),
    ] as unknown as Term[]);
  },
);

nodeTest("a reply is parsed as the contract says", async ({ node }) => {
  foreignServer(node, () => tagged("ok", ZOE) as unknown as Encodable);
  const reply = await node.ref(Users, "users").call("fetch", 7);
  assertStrictEquals(reply.tag, "ok");
  assertEquals(unwrap(reply), { name: "Zoë", age: 31 });
}, { copyMessages: true });

nodeTest(
  "a reply that is not what the contract says is a SchemaError, and the server lives on",
  async ({ node }) => {
    const bad = [
      5,
      atom("ok"),
      tagged("ok", 5),
      tagged("ok", atomMap({ name: "Zoë" })),
      tagged("error", BOOM),
    ];
    let next: Encodable = null;
    foreignServer(node, () => next);
    const users = node.ref(Users, "users");
    for (const reply of bad as unknown as Encodable[]) {
      next = reply;
      assertInstanceOf(await failure(users.call("fetch", 7)), SchemaError);
    }
    next = tagged("error", atom("not_found")) as unknown as Encodable;
    assertStrictEquals((await users.call("fetch", 7)).tag, "error");
  },
);

test("unwrap gives the value, or says what the server answered", () => {
  const ok = (value: unknown): never => tuple(atom("ok"), value) as never;
  assertEquals(unwrap(ok({ name: "Zoë" })), { name: "Zoë" });
  assertEquals(unwrap(ok(undefined)), undefined);
  const error = assertThrows(() => unwrap(tagged("error", BOOM)), ReplyError);
  assertEquals(
    [error.message, error.reason],
    ["The server answered with an error: {error,boom}", BOOM],
  );
  const more = assertThrows(() => unwrap(tagged("error", BOOM, 1)), ReplyError, "{error,boom,1}");
  assertEquals(more.reason, [BOOM, 1]);
  const long = assertThrows(() => unwrap(tagged("error", "x".repeat(1e6))), ReplyError);
  assert(long.message.length < 1_200);
  const neither: [reply: unknown, text: string][] = [
    [atom("ok"), "ok"],
    [atom("error"), "error"],
    [tuple(atom("ok")), "{ok}"],
    [tuple(atom("ok"), 1, 2), "{ok,1,2}"],
    [tuple(atom("error")), "{error}"],
    [5, "5"],
    [null, "nil"],
    [undefined, "#js<undefined>"],
    [["ok", 1], '[<<"ok">>,1]'],
  ];
  for (const [reply, text] of neither) {
    assertThrows(
      () => unwrap(reply as never),
      TypeError,
      `Cannot unwrap a reply: ${text} came, {ok, Value} or {error, Reason} is needed`,
    );
  }
});

bothWays("one of our servers serves the contract", async ({ node }) => {
  const server = await node.start(UserServer, []);
  const users = node.ref(Users, server);
  assertEquals(unwrap(await users.call("fetch", 7)), { name: "Zoë", age: 31 });
  const error = await failureOf(async () => unwrap(await users.call("fetch", 8)));
  assertInstanceOf(error, ReplyError);
  assertStrictEquals(error.reason, atom("not_found"));
  assertEquals(await users.call("find", "x"), ["x", "x", "x"]);
  assertEquals(await users.call("find", "x", 2), ["x", "x"]);
  users.cast("forget", 1);
  users.cast("kind", "a");
  assertStrictEquals(await users.call("count"), 2);
  users.cast("clear");
  assertStrictEquals(await users.call("count"), 0);
  // The same through its own reference.
  assertStrictEquals(await server.call("count"), 0);
});

bothWays("the server parses what it gets, whoever sends it", async ({ node }) => {
  const users = node.ref(Users, await node.start(UserServer, [], { register: "users" }));
  await assertRefused(node.call("users", tuple(atom("fetch"), "x")), [0], "integer is needed");
  await assertRefused(node.call("users", tuple(atom("find"), 5)), [0], "is needed");
  await assertRefused(
    node.call("users", atom("fetch")),
    [],
    "0 arguments came, (integer) is needed",
  );
  node.cast("users", tuple(atom("forget"), "x"));
  assertStrictEquals(await users.call("count"), 0);
  assertStrictEquals(node._core.refusedCasts, 1);
});

nodeTest(
  "what a caller without types does wrong is its own error, and nothing is sent",
  async ({ node }) => {
    const users = untyped(node.ref(Users, await node.start(UserServer, [])));
    const wrong = await failure(users.call("fetch", "x"));
    assertInstanceOf(wrong, SchemaError);
    assertEquals(wrong.path, [0]);
    const missing = await failure(users.call("fetch"));
    assertInstanceOf(missing, SchemaError);
    assertEquals(missing.found, "0 arguments");
    assertThrows(() => users.cast("forget", "x"), SchemaError, "integer is needed");
    const unknown = await failure(users.call("fetchh", 7));
    assertInstanceOf(unknown, TypeError);
    assertEquals(
      unknown.message,
      "Cannot call fetchh: the contract has no such call, it has fetch, find, count, wait, who",
    );
    assertThrows(() => users.cast("toString"), TypeError, "it has forget, clear, kind");
    assertStrictEquals(node._core.refusedCasts, 0);
  },
);

nodeTest("a reference by contract needs no server before it is used", async ({ node }) => {
  const users = node.ref(Users, "users");
  users.cast("clear");
  users.send(1);
  assertInstanceOf(await failure(users.call("count")), NoProcessError);
  await node.start(UserServer, [], { register: "users" });
  assertStrictEquals(await users.call("count"), 0);
  assertStrictEquals(users.target, "users");
});

bothWays(
  "a reference by contract can wait otherwise, speak for a process, and monitor",
  async ({ node, platform }) => {
    const server = await node.start(UserServer, []);
    const users = node.ref(Users, server);
    assert((await users.call("who")).equals(node.pid));
    const { value: who, pid } = await spawned(node, (self) => users.as(self).call("who"));
    assert((await who).equals(pid));
    const late = failure(users.with({ timeout: 50 }).with({}).call("wait"));
    await platform.elapse(60);
    const error = await late;
    assertInstanceOf(error, CallTimeoutError);
    assertStrictEquals(error.timeout, 50);
    const down: Term[] = [];
    users.monitor(({ reason }) => down.push(reason));
    await server.stop();
    await platform.settle();
    assertEquals(down, [NORMAL]);
  },
);

nodeTest("a reference for a process that has ended does nothing", async ({ node }) => {
  await node.start(UserServer, [], { register: "users" });
  const { value: users, pid } = await spawned(node, (self) => node.ref(Users, "users").as(self));
  node.exit(pid, BOOM);
  await ended(node, pid);
  assertThrows(() => users.cast("clear"), ProcessExitedError);
  assertThrows(() => users.send(1), ProcessExitedError);
  assertThrows(() => users.monitor(() => {}), ProcessExitedError);
  assertInstanceOf(await failure(users.call("count")), ProcessExitedError);
});

nodeTest("messages by contract go where the contract's server is", async ({ node, platform }) => {
  const { pid, got } = collector(node);
  node.ref(Users, pid).send(tuple(1, 2));
  await platform.settle();
  assertEquals(got, [tuple(1, 2)] as unknown as Term[]);
});

const BAD_TABLES: readonly (readonly [tables: unknown, why: string])[] = [
  [undefined, "its tables are needed, as { calls, casts }"],
  [null, "its tables are needed, as { calls, casts }"],
  [5, "its tables are needed, as { calls, casts }"],
  [[], "its tables are needed, as { calls, casts }"],
  [{ call: {} }, "there is no table call, there are calls, casts; calls may be meant"],
  [{ calls: 5 }, "its calls are a number, an object with schemas by name is needed"],
  [{ calls: null }, "its calls are null, an object with schemas by name is needed"],
  [{ casts: [] }, "its casts are an array, an object with schemas by name is needed"],
  [
    { calls: { x: [] } },
    "call x has no schemas, that of its reply is needed at least: [...args, reply]",
  ],
  [{ calls: { x: 5 } }, "call x is a number, an array of schemas is needed: [...args, reply]"],
  [{ calls: { x: null } }, "call x is null, an array of schemas is needed: [...args, reply]"],
  [
    { calls: { x: t.integer } },
    "call x is a schema, an array of schemas is needed: [...args, reply]",
  ],
  [{ casts: { x: undefined } }, "cast x is undefined, an array of schemas is needed: [...args]"],
  [{ casts: { x: {} } }, "cast x is an object, an array of schemas is needed: [...args]"],
  [{ calls: { x: [t.integer, 5] } }, "the reply of call x is a number, a schema is needed"],
  [{ calls: { x: ["a", t.nil] } }, "argument 1 of call x is a string, a schema is needed"],
  [{ calls: { x: [t.nil, , t.nil] } }, "argument 2 of call x is undefined, a schema is needed"],
  [
    { calls: { ok: [t.nil], x: [t.atom] } },
    "the reply of call x is a function, a schema is needed; call it, as in t.atom()",
  ],
  [{ casts: { x: [t.nil, [t.nil]] } }, "argument 2 of cast x is an array, a schema is needed"],
];

test("a contract whose calls could only fail is none", () => {
  for (const [tables, why] of BAD_TABLES) {
    const error = assertThrows(() => api(tables as never), TypeError);
    assertEquals(error.message, `Cannot make a contract: ${why}`);
  }
  const none = api({ calls: undefined, casts: undefined } as never);
  assertEquals([none.calls, none.casts], [{}, {}]);
  assertEquals(api({ casts: { clear: [] } }).casts, { clear: [] });
});

test("what is served must be functions, each for something of the contract", () => {
  const serving: Readonly<Record<"serveCalls" | "serveCasts", (functions: never) => unknown>> = {
    serveCalls: (functions) => Users.serveCalls(functions),
    serveCasts: (functions) => Users.serveCasts(functions),
  };
  const wrong = (kind: keyof typeof serving, functions: unknown): string =>
    assertThrows(() => serving[kind](functions as never), TypeError).message;
  const needed = "an object with the functions by name is needed";
  assertEquals(wrong("serveCalls", 5), `Cannot serve calls: a number came, ${needed}`);
  assertEquals(wrong("serveCasts", null), `Cannot serve casts: null came, ${needed}`);
  assertEquals(
    wrong("serveCalls", { count: 5 }),
    "Cannot serve call count: it is a number, a function is needed",
  );
  assertEquals(
    wrong("serveCalls", { clear: () => {} }),
    "Cannot serve call clear: the contract has no such call, it has fetch, find, count, wait, who",
  );
  assertEquals(
    wrong("serveCasts", { toString: () => {} }),
    "Cannot serve cast toString: the contract has no such cast, it has forget, clear, kind",
  );
});

test("unwrap gives the value of ok", () => {
  assertStrictEquals(unwrap(tagged("ok", 5)), 5);
  assertStrictEquals(unwrap(tagged("ok", null)), null);
});

test("unwrap throws what stands behind error", () => {
  const error = assertThrows(() => unwrap(tagged("error", atom("not_found"))), ReplyError);
  assertStrictEquals(error.reason, atom("not_found"));
  assertStrictEquals(error.message, "The server answered with an error: {error,not_found}");
  assertStrictEquals(error.name, "ReplyError");
});

test("the words of a ReplyError print what no term is, too", () => {
  const schema = t.result(t.integer, t.object({ code: t.integer }));
  const reply = schema.parse(tagged("error", atomMap({ code: 7 })));
  const error = assertThrows(() => unwrap(reply), ReplyError);
  assertEquals(error.reason, { code: 7 });
});

nodeTest(
  "whatever is wrong with a call is a rejection, also where its target cannot be looked up",
  async ({ node }) => {
    const via = {
      whereisName(): undefined {
        throw new Error("no such registry");
      },
      registerName: () => true,
      unregisterName: () => {},
    };
    const users: { call(name: string, ...args: unknown[]): Promise<unknown> } = node.ref(Users, {
      via,
      name: "users",
    }) as never;
    const failed = async (call: Promise<unknown>) => (await failure(call) as Error).message;
    const byTarget = users.call("count");
    const byName = users.call("nothing");
    const byArguments = users.call("count", 1);
    assertEquals(await failed(byTarget), "no such registry");
    assert((await failed(byName)).startsWith("Cannot call nothing: the contract has no such call"));
    assertInstanceOf(await failure(byArguments), SchemaError);
  },
);
