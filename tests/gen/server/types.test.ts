// Here the compiler is the test: `deno check` fails where a type is not exactly what is said.
import { test } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  api,
  type Atom,
  atom,
  type CallsOf,
  type CastsOf,
  type ContractRef,
  type Encodable,
  GenServer,
  later,
  type Node,
  noReply,
  on,
  type Output,
  type Pid,
  type RefOf,
  type Reply,
  type ServerRef,
  sys,
  t,
  type Tagged,
  tagged,
  type Term,
  tuple,
  unwrap,
  type ViaRegistry,
} from "../../../mod.ts";
import { sameType } from "../../etf/schema/_support.ts";
import { nodeTest } from "../../node/_nodes.ts";

/** What is in here is compiled and not run. */
function compiledOnly(_body: (node: Node) => unknown): void {}

class Typed extends GenServer {
  override init(_name: string, _size = 1): void {}
  override readonly calls = {
    number: () => 1,
    tagged: () => tagged("ok", 1),
    promise: async () => await Promise.resolve(tagged("ok", [1, 2])),
    later: () => later(Promise.resolve(tagged("ok", 1))),
    laterNothing: () => later(Promise.resolve()),
    promisedLater: async () => {
      await Promise.resolve();
      return later(Promise.resolve(1n));
    },
    nothing: () => {},
    nothingPromised: async () => await Promise.resolve(),
    maybe: (): string | undefined => undefined,
    either: (): number | Promise<boolean> => 1,
    union: (): Tagged<"ok", [number]> | Tagged<"error", [Atom<"full">]> => tagged("ok", 1),
    bare: (_a: number, _b?: Date) => true,
    on: on(t.text, t.integer, (text, n) => [text, n] as const),
    options: on(t.options({ size: t.integer.default(1) }), (options) => options.size),
    optional: on(t.text, t.integer.default(1), t.text.optional(), (_a, n, note) => ({ n, note })),
    none: on(() => 1),
    rejects: on(t.text, async (text) => {
      await Promise.resolve();
      if (text === "") throw new Error("empty");
      return text.length;
    }),
    never: (): never => {
      throw new Error("never");
    },
  };
  override readonly casts = {
    set: on(t.integer, () => {}),
    reset: () => {},
  };
}

class Bare extends GenServer {}

test("replies have the exact types that handlers return", () => {
  compiledOnly(async (node) => {
    const ref = await node.start(Typed, ["x"]);
    sameType<typeof ref, ServerRef<Typed>>(true);
    sameType<RefOf<Typed>, ServerRef<Typed>>(true);
    const replies = {
      number: ref.call("number"),
      tagged: ref.call("tagged"),
      promise: ref.call("promise"),
      later: ref.call("later"),
      laterNothing: ref.call("laterNothing"),
      promisedLater: ref.call("promisedLater"),
      nothing: ref.call("nothing"),
      nothingPromised: ref.call("nothingPromised"),
      maybe: ref.call("maybe"),
      either: ref.call("either"),
      union: ref.call("union"),
      on: ref.call("on", "x", 1),
      options: ref.call("options", {}),
      rejects: ref.call("rejects", "x"),
      never: ref.call("never"),
    };
    sameType<typeof replies.number, Promise<number>>(true);
    sameType<typeof replies.tagged, Promise<Tagged<"ok", [number]>>>(true);
    sameType<typeof replies.promise, Promise<Tagged<"ok", [number[]]>>>(true);
    sameType<typeof replies.later, Promise<Tagged<"ok", [number]>>>(true);
    sameType<typeof replies.laterNothing, Promise<null>>(true);
    sameType<typeof replies.promisedLater, Promise<bigint>>(true);
    sameType<typeof replies.nothing, Promise<null>>(true);
    sameType<typeof replies.nothingPromised, Promise<null>>(true);
    sameType<typeof replies.maybe, Promise<string | null>>(true);
    sameType<typeof replies.either, Promise<number | boolean>>(true);
    sameType<
      typeof replies.union,
      Promise<Tagged<"ok", [number]> | Tagged<"error", [Atom<"full">]>>
    >(true);
    sameType<typeof replies.on, Promise<readonly [string, number]>>(true);
    sameType<typeof replies.options, Promise<number>>(true);
    sameType<typeof replies.rejects, Promise<number>>(true);
    sameType<typeof replies.never, Promise<never>>(true);
    sameType<Reply<void>, null>(true);
    sameType<Reply<undefined | 1>, null | 1>(true);
  });
});

test("names that a server does not have, and wrong arguments, do not compile", () => {
  compiledOnly(async (node) => {
    // @ts-expect-error: init takes a text
    await node.start(Typed, [1]);
    // @ts-expect-error: init takes a text
    await node.start(Typed, []);
    // @ts-expect-error: init takes two arguments at most
    await node.start(Typed, ["x", 1, 2]);
    const ref = await node.start(Typed, ["x", 2]);
    // @ts-expect-error: there is no such call
    ref.call("numbr");
    // @ts-expect-error: that is a cast
    ref.call("reset");
    // @ts-expect-error: that is a call
    ref.cast("number");
    // @ts-expect-error: there is no such cast
    ref.cast("rest");
    // @ts-expect-error: a method is no call
    ref.call("handleInfo");
    // @ts-expect-error: it takes no argument
    ref.call("number", 1);
    // @ts-expect-error: a number is needed
    ref.call("bare", "x");
    // @ts-expect-error: a number is needed
    ref.call("bare");
    ref.call("bare", 1);
    ref.call("bare", 1, new Date());
    // @ts-expect-error: two arguments are needed
    ref.call("on", "x");
    // @ts-expect-error: the other way round
    ref.call("on", 1, "x");
    // @ts-expect-error: three are too many
    ref.call("on", "x", 1, 2);
    ref.call("options", { size: 2 });
    // @ts-expect-error: no such option
    ref.call("options", { sise: 2 });
    // @ts-expect-error: the options cannot be left out
    ref.call("options");
    ref.call("optional", "x");
    ref.call("optional", "x", 1);
    ref.call("optional", "x", undefined, "y");
    // @ts-expect-error: a text is needed
    ref.call("optional", "x", 1, 2);
    // @ts-expect-error: the first is needed
    ref.call("optional");
    ref.call("none");
    // @ts-expect-error: it takes none
    ref.call("none", 1);
    ref.cast("set", 1);
    // @ts-expect-error: a number is needed
    ref.cast("set", "x");
    // @ts-expect-error: a number is needed
    ref.cast("set");
    // @ts-expect-error: a cast is not answered
    ref.cast("reset").then;
    // @ts-expect-error: the same through other references
    ref.with({ timeout: 1 }).call("numbr");
    sameType<ReturnType<typeof ref.with>, ServerRef<Typed>>(true);
  });
});

test("functions of on get what their schemas give", () => {
  compiledOnly(() => {
    on(t.text, t.integer.default(1), t.text.optional(), t.nilable(t.pid), (text, n, note, pid) => {
      sameType<typeof text, string>(true);
      sameType<typeof n, number>(true);
      sameType<typeof note, string | undefined>(true);
      sameType<typeof pid, Pid | null>(true);
    });
    // @ts-expect-error: a number is given
    on(t.integer, (text: string) => text);
    // @ts-expect-error: there is one schema only
    on(t.integer, (_a, _b) => 1);
  });
});

test("a base table has no names", () => {
  compiledOnly(async (node) => {
    sameType<keyof CallsOf<GenServer>, never>(true);
    sameType<keyof CastsOf<GenServer>, never>(true);
    sameType<keyof CallsOf<Bare>, never>(true);
    const bare = await node.start(Bare, []);
    // @ts-expect-error: it has no calls
    bare.call("get");
    // @ts-expect-error: it has no casts
    bare.cast("get");
    // @ts-expect-error: every object has these, and no server
    bare.call("toString");
    bare.send(1);
    // @ts-expect-error: undefined is no message
    bare.send(undefined);
  });
});

test("static tables are declared once for the class", () => {
  class Static extends GenServer {
    static calls = {
      add: on(t.integer, function (this: Static, n: number) {
        return this.count + n;
      }),
      get(this: Static) {
        return this.count;
      },
    };
    declare readonly calls: typeof Static.calls;
    count = 1;
  }
  compiledOnly(async (node) => {
    const ref = await node.start(Static, []);
    const get = ref.call("get");
    sameType<typeof get, Promise<number>>(true);
    const add = ref.call("add", 1);
    sameType<typeof add, Promise<number>>(true);
    // @ts-expect-error: a number is needed
    ref.call("add", "x");
    // @ts-expect-error: there is no such call
    ref.call("sub");
  });
});

test("calls by terms have terms as replies, or what a schema gives", () => {
  compiledOnly((node) => {
    const plain = node.call("x", atom("get"));
    sameType<typeof plain, Promise<Term>>(true);
    const parsed = node.call("x", atom("get"), t.result(t.integer, t.text), { timeout: 1 });
    sameType<typeof parsed, Promise<Tagged<"ok", [number]> | Tagged<"error", [string]>>>(true);
    // @ts-expect-error: a plain object is no term
    node.call("x", { get: 1 });
    // @ts-expect-error: a text would be a binary
    node.exit(node.pid, "normal");
  });
});

const User = t.struct("User", { name: t.text });
const Users = api({
  calls: {
    fetch: [t.integer, t.result(User, t.atom("not_found"))],
    find: [t.text, t.integer.default(10), t.list(User)],
    count: [t.integer],
  },
  casts: { forget: [t.integer], clear: [] },
});

test("a contract types names, arguments and replies", () => {
  compiledOnly((node) => {
    const users = node.ref(Users, "users");
    sameType<typeof users, ContractRef<typeof Users.calls, typeof Users.casts>>(true);
    const fetched = users.call("fetch", 1);
    sameType<
      typeof fetched,
      Promise<Tagged<"ok", [Output<typeof User>]> | Tagged<"error", [Atom<"not_found">]>>
    >(true);
    const count = users.call("count");
    sameType<typeof count, Promise<number>>(true);
    users.call("find", "x");
    const found = users.call("find", "x", 1);
    sameType<typeof found, Promise<Output<typeof User>[]>>(true);
    users.cast("forget", 1);
    users.cast("clear");
    // @ts-expect-error: no such call
    users.call("fetsh", 1);
    // @ts-expect-error: a number is needed
    users.call("fetch", "1");
    // @ts-expect-error: it takes one argument, the last schema is the reply's
    users.call("fetch", 1, 2);
    // @ts-expect-error: a cast
    users.call("forget", 1);
    // @ts-expect-error: a call
    users.cast("count");
    // @ts-expect-error: a number is needed
    users.cast("forget");
  });
});

test("a contract without a table has no names in it", () => {
  const Empty = api({});
  compiledOnly((node) => {
    const ref = node.ref(Empty, "x");
    // @ts-expect-error: it has no calls
    ref.call("get");
    // @ts-expect-error: it has no casts
    ref.cast("get");
  });
  assertEquals([Empty.calls, Empty.casts], [{}, {}]);
});

test("one of our servers implements all of a contract, with its types", () => {
  compiledOnly(() => {
    Users.serveCalls({
      fetch: (id) => {
        sameType<typeof id, number>(true);
        return id;
      },
      find: (text, limit) => {
        sameType<typeof text, string>(true);
        sameType<typeof limit, number>(true);
      },
      count: () => 1,
    });
    // @ts-expect-error: count is missing
    Users.serveCalls({ fetch: () => 1, find: () => 1 });
    // @ts-expect-error: fetch takes a number
    Users.serveCalls({ fetch: (id: string) => id, find: () => 1, count: () => 1 });
    Users.serveCasts({ forget: () => {}, clear: () => {} });
    // @ts-expect-error: forget is missing
    Users.serveCasts({ clear: () => {} });
  });
});

test("unwrap gives the type behind ok, whichever type of the union a program made first", () => {
  // In this order: TypeScript once inferred the value from the error.
  const failed = tagged("error", atom("not_found"));
  sameType<typeof failed, Tagged<"error", [Atom<"not_found">]>>(true);
  const schema = t.result(User, t.atom("not_found"));
  const reply = schema.parse(tagged("ok", { name: "Zoë" }));
  const user = unwrap(reply);
  sameType<typeof user, Output<typeof User>>(true);
  assertStrictEquals(user.name, "Zoë");
  const atoms = unwrap(
    t.result(t.atom("not_found"), t.atom("not_found")).parse(tagged("ok", atom("not_found"))),
  );
  sameType<typeof atoms, Atom<"not_found">>(true);
  const ok = unwrap(tagged("ok", 5));
  sameType<typeof ok, number>(true);
  compiledOnly(() => {
    const never = unwrap(failed);
    sameType<typeof never, never>(true);
    // @ts-expect-error: no result
    unwrap(5);
    // @ts-expect-error: no result
    unwrap(tagged("maybe", 5));
  });
});

nodeTest("a server that keeps from may return noReply", async ({ node }) => {
  class Keeping extends GenServer {
    override handleCall(_request: Term, from: { reply(value: number): void }): typeof noReply {
      from.reply(5);
      return noReply;
    }
  }
  const keeping = await node.start(Keeping, []);
  sameType<typeof keeping, ServerRef<Keeping>>(true);
  assertStrictEquals(await node.call(keeping, 1), 5);
});

test("names, registries and sys are typed", () => {
  compiledOnly(async (node) => {
    const via = {
      whereisName: (_name: Encodable): Pid | undefined => undefined,
      registerName: (_name: Encodable, _pid: Pid): boolean => true,
      unregisterName: (_name: Encodable): void => {},
    } satisfies ViaRegistry;
    await node.start(Bare, [], { register: "bare" });
    await node.start(Bare, [], { register: { global: "bare" } });
    await node.start(Bare, [], { register: { via, name: [1, "a"] } });
    // @ts-expect-error an atom is no name of a node
    await node.start(Bare, [], { register: atom("bare") });
    // @ts-expect-error a function's process has names of its node only
    node.spawn(() => {}, { register: { global: "bare" } });
    // @ts-expect-error a registry registers, too
    node.send({ via: { whereisName: via.whereisName }, name: 1 }, 1);
    const target = tuple(atom("global"), atom("bare"));
    const reply = await node.call(target, atom("get"));
    const state = await sys.getState(node, { global: "bare" });
    const { pid } = await sys.getStatus(node, target);
    sameType<Term, typeof reply>(true);
    sameType<Term, typeof state>(true);
    sameType<Pid, typeof pid>(true);
    // @ts-expect-error a reason is no text
    await sys.terminate(node, target, "normal");
  });
});
