// What a server is asked that it cannot do.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  exit,
  GenServer,
  isTuple,
  on,
  type ServerRef,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { BOOM, ended, idler, nodeTest } from "../../node/_nodes.ts";
import {
  assertRefused,
  bothWays,
  Counter,
  exitReason,
  failure,
  logs,
  term,
  untyped,
} from "../_servers.ts";

// What is refused

bothWays(
  "arguments that do not parse end the caller's call, and the server lives on",
  async ({ node }) => {
    const counter = await node.start(Counter, []);
    await assertRefused(untyped(counter).call("add", "five"), [0], "integer is needed");
    await assertRefused(untyped(counter).call("add"), [], "0 arguments came, (integer) is needed");
    await assertRefused(
      untyped(counter).call("add", 1, 2),
      [],
      "2 arguments came, (integer) is needed",
    );
    await assertRefused(node.call(counter, term(atom("add"), 1.5)), [0], "integer is needed");
    await assertRefused(
      node.call(counter, atom("add")),
      [],
      "0 arguments came, (integer) is needed",
    );
    assertStrictEquals(await counter.call("get"), 0);
  },
);

bothWays("the path leads to the value that does not parse", async ({ node }) => {
  const User = t.object({ tags: t.list(t.text) });
  class Users extends GenServer {
    override readonly calls = { save: on(t.integer, User, () => true) };
  }
  const users = await node.start(Users, []);
  const reason = await exitReason(
    untyped(users).call("save", 1, new Map([[atom("tags"), ["a", 5]]])),
  );
  assert(isTuple(reason));
  const path = (reason[1] as Term[]).map((key) => typeof key === "number" ? key : String(key));
  assertEquals(path, [1, "tags", 1]);
});

bothWays("a request that nobody knows is refused", async ({ node }) => {
  const counter = await node.start(Counter, []);
  await assertRefused(untyped(counter).call("nothing"), [], "request nothing/0");
  await assertRefused(untyped(counter).call("nothing", 1, 2), [], "request nothing/2");
  await assertRefused(node.call(counter, atom("reset")), [], "request reset/0"); // a cast
  for (
    const request of [
      5,
      [],
      [atom("get")],
      "get",
      tuple(),
      tuple("get"),
      idler(node),
    ] as Encodable[]
  ) {
    await assertRefused(
      node.call(counter, request),
      [],
      "an atom, or a tuple with an atom in front is needed",
    );
  }
  assertStrictEquals(await counter.call("get"), 0);
});

bothWays(
  "a refusal says what the handler takes and what came, in the caller's words",
  async ({ node }) => {
    const User = t.object({ tags: t.list(t.text) });
    class Users extends GenServer {
      override readonly calls = {
        save: on(t.integer, User, () => true),
        get_user: on(t.integer, () => true),
        all: () => [],
      };
      override readonly casts = { forget: on(t.integer, () => {}) };
    }
    const users = await node.start(Users, []);
    const has = "t has save, get_user, all";
    const refusals: [request: Encodable, message: string][] = [
      [
        term(atom("get_user"), atom("seven")),
        "Cannot serve request get_user/1: an atom came as argument 1, integer is needed",
      ],
      [
        term(atom("save"), 1, new Map([[atom("tags"), [5]]])),
        "Cannot serve request save/2: an integer came as argument 2 at tags[0], text is needed; save takes (integer, ",
      ],
      [term(atom("save"), 1), "Cannot serve request save/1: 1 arguments came, (integer, "],
      [
        term(atom("getUser"), 1),
        `Cannot serve request getUser/1: Users has no such call, did you mean get_user? I${has}`,
      ],
      [term(atom("sav"), 1), `Users has no such call, did you mean save? I${has}`],
      [atom("al"), `Users has no such call, did you mean all? I${has}`],
      [atom("nothing"), `Cannot serve request nothing/0: Users has no such call; i${has}`],
      [term(atom("forget"), 1), `Users has no such call, it is a cast; i${has}`],
      [
        "all",
        "Cannot serve the request: another term came, an atom, or a tuple with an atom in front",
      ],
    ];
    for (const [request, message] of refusals) {
      const reason = await exitReason(node.call(users, request));
      assert(isTuple(reason));
      assert(String(reason[2]).includes(message), `${String(reason[2])}\n${message}`);
    }
  },
);

nodeTest("a server of many names, or none, is no wall of text", async ({ node }) => {
  class Many extends GenServer {
    override readonly calls = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`name_${i}`, () => i]),
    );
  }
  class None extends GenServer {}
  const many = await exitReason(node.call(await node.start(Many, []), atom("x".repeat(200))));
  assert(isTuple(many));
  assert(String(many[2]).endsWith("name_10, name_11 and 88 others"), String(many[2]));
  const none = await exitReason(node.call(await node.start(None, []), atom("name")));
  assert(isTuple(none));
  assert(
    String(none[2]).endsWith("None has no such call; it takes no calls by name"),
    String(none[2]),
  );
});

bothWays("a dropped cast is logged with the same words", async (lone) => {
  const counter = await lone.node.start(Counter, [], { register: "counter" });
  lone.node.cast(counter, term(atom("add"), atom("five")));
  lone.node.cast(counter, atom("get"));
  lone.node.cast(counter, atom("resett"));
  await counter.call("get");
  assertEquals(logs(lone), [
    "Counter counter dropped a cast: Cannot serve request add/1: an atom came as argument 1, integer is needed",
    "Counter counter dropped a cast: Cannot serve request get/0: Counter has no such cast, it is a call; it has add, reset",
    "Counter counter dropped a cast: Cannot serve request resett/0: Counter has no such cast, did you mean reset? It has add, reset",
  ]);
});

bothWays("names that every object has are no requests", async ({ node }) => {
  const counter = await node.start(Counter, []);
  for (
    const name of [
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "valueOf",
      "__defineGetter__",
      "init",
      "stop",
      "call",
    ]
  ) {
    await assertRefused(untyped(counter).call(name), [], `request ${name}/0`);
    await assertRefused(node.call(counter, atom(name)), [], `request ${name}/0`);
    await assertRefused(node.call(counter, term(atom(name), 1)), [], `request ${name}/1`);
    untyped(counter).cast(name);
    node.cast(counter, term(atom(name), 1));
  }
  assertStrictEquals(await counter.call("get"), 0);
  assertStrictEquals(node._core.refusedCasts, 18);
});

bothWays(
  "a bare function takes no arguments from outside, and is told what to do",
  async ({ node }) => {
    class Sum extends GenServer {
      override readonly calls = { sum: (a: number, b: number) => a + b };
      override readonly casts = { crash: (_now: boolean) => exit(BOOM) };
    }
    const sum = await node.start(Sum, []);
    await assertRefused(node.call(sum, term(atom("sum"), 1, 2)), [], "declare them with on(...)");
    node.cast(sum, term(atom("crash"), true));
    await assertRefused(
      node.call(sum, term(atom("sum"), 1, 2)),
      [],
      /2 arguments came, no arguments, as sum has/,
    );
    assertStrictEquals(node._core.refusedCasts, 1);
  },
);

nodeTest("a bare function takes arguments of this node as they are", async ({ node }) => {
  class Keeper extends GenServer {
    override readonly calls = { same: (value: { plain: Date }) => value.plain };
  }
  const keeper = await node.start(Keeper, []);
  const plain = new Date(0);
  assertStrictEquals(await keeper.call("same", { plain }), plain);
});

nodeTest(
  "a node that copies says so where a typed argument could not go to another node",
  async ({ node }) => {
    class Keeper extends GenServer {
      override readonly calls = { same: on(t.term, (value) => value) };
    }
    const keeper = await node.start(Keeper, []);
    const error = await failure(untyped(keeper).call("same", { plain: 1 }));
    assertStrictEquals((error as Error).name, "EncodeError");
    assertStrictEquals(node._core.aliasCount, 0);
  },
  { copyMessages: true },
);

bothWays("onInvalid crash restores what OTP does", async ({ node }) => {
  class Strict extends GenServer {
    override readonly onInvalid = "crash";
    override readonly calls = { add: on(t.integer, (n) => n) };
    override readonly casts = { set: on(t.integer, () => {}) };
  }
  const crashes: ((strict: ServerRef<Strict>) => unknown)[] = [
    (strict) => untyped(strict).call("add", "x").catch(() => {}),
    (strict) => untyped(strict).call("nothing").catch(() => {}),
    (strict) => untyped(strict).cast("set", "x"),
    (strict) => untyped(strict).cast("nothing"),
    (strict) => node.cast(strict, 5),
  ];
  for (const crash of crashes) {
    const strict = await node.start(Strict, []);
    const down = ended(node, strict.pid);
    crash(strict);
    const reason = await down;
    assert(isTuple(reason) && isTuple(reason[0]));
    assertStrictEquals(String(reason[0][1]), "SchemaError");
  }
});
