import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { application, atom, GenServer, type Node, startNode, tuple } from "../../../mod.ts";
import { type ErlangNode, freePort, needsErlang, startErlang } from "../../_support/erlang.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { fault, names } from "./_support.ts";

class Root extends GenServer {
  override readonly calls = { application: () => this.node.applications.of(this.pid) ?? null };
}

/** Our node with some applications, and an Erlang node beside it. */
async function pair(body: (node: Node, erl: ErlangNode, logs: string[]) => unknown): Promise<void> {
  const port = await freePort();
  const logs: string[] = [];
  await using node = await startNode("ours@localhost", {
    cookie: "secret",
    epmd: { port },
    signals: false,
    platform: { ...await defaultPlatform(), log: (_level, text) => void logs.push(text) },
    config: { shop: { port: 8080 } },
  });
  const db = application({ name: "db", start: (app) => app.start(Root, []) });
  const shop = application({
    name: "shop",
    version: "1.2",
    description: "sells",
    env: { port: 80, hosts: { a: 1 }, since: new Date(0) },
    applications: [db],
    registered: ["shop_root"],
    startPhases: { go: () => {} },
    start: (app) => app.start(Root, [], { register: "shop_root" }),
  });
  node.applications.load(shop);
  await using erl = await startErlang({ name: "erl@localhost", cookie: "secret", epmdPort: port });
  await body(node, erl, logs);
}

/** Calls `application:Fn(Args)` on our node. */
function ask(erl: ErlangNode, fn: string, args = ""): Promise<string> {
  return erl.eval(`rpc:call('ours@localhost', application, ${fn}, [${args}])`);
}

test(
  "Erlang sees which applications there are",
  { skip: needsErlang },
  () =>
    pair(async (node, erl) => {
      assertEquals(await ask(erl, "which_applications"), "[]");
      await node.applications.ensureAllStarted("shop");
      const list = '[{shop,"sells","1.2"},{db,[],"0.0.0"}]';
      assertEquals(await ask(erl, "which_applications"), list);
      assertEquals(await ask(erl, "which_applications", "5000"), list);
      assertEquals(await ask(erl, "loaded_applications"), list);
      const root = "{ok, Root} = rpc:call('ours@localhost', application, get_supervisor, [shop])";
      assertStrictEquals(
        await erl.eval(`${root}, gen_server:call(Root, application)`),
        '<<"shop">>',
      );
      assertEquals(
        await erl.eval(`${root}, rpc:call(node(Root), application, get_application, [Root])`),
        "{ok,shop}",
      );
      await node.applications.stop("shop");
      assertEquals(await ask(erl, "get_supervisor", "shop"), "undefined");
      assertEquals(await ask(erl, "get_supervisor", "none"), "undefined");
    }),
);

test(
  "get_key: Erlang reads what an application says of itself",
  { skip: needsErlang },
  () =>
    pair(async (node, erl) => {
      for (
        const [key, value] of [
          ["vsn", '{ok,"1.2"}'],
          ["description", '{ok,"sells"}'],
          ["applications", "{ok,[db]}"],
          ["registered", "{ok,[shop_root]}"],
          ["start_phases", "{ok,[{go,[]}]}"],
          ["maxT", "{ok,infinity}"],
          ["none", "undefined"],
        ]
      ) assertEquals(await ask(erl, "get_key", `shop, ${key}`), value);
      assertEquals(await ask(erl, "get_key", "none, vsn"), "undefined");
      assertEquals(await ask(erl, "get_all_key", "none"), "undefined");
      const keys = await erl.eval(
        "{ok, Keys} = rpc:call('ours@localhost', application, get_all_key, [shop]), proplists:get_keys(Keys)",
      );
      assertMatch(keys, /modules/);
      assertMatch(await ask(erl, "get_key", "1, 2"), /badarg/);
      await node.applications.ensureAllStarted("shop");
      const pid = await erl.eval(
        "erpc:call('ours@localhost', application, get_application, [self()])",
      );
      assertEquals(pid, "undefined");
    }),
);

test(
  "by default an Erlang node starts, stops and reads nothing",
  { skip: needsErlang },
  () =>
    pair(async (node, erl, logs) => {
      const none = '{error,{"no such file or directory","shop.app"}}';
      assertEquals(await ask(erl, "start", "shop"), none);
      assertEquals(await ask(erl, "start", "shop, permanent"), none);
      assertEquals(await ask(erl, "ensure_started", "shop"), none);
      const all = '{error,{shop,{"no such file or directory","shop.app"}}}';
      assertEquals(await ask(erl, "ensure_all_started", "shop"), all);
      assertEquals(await ask(erl, "ensure_all_started", "[shop]"), all);
      await node.applications.ensureAllStarted("shop");
      assertEquals(await ask(erl, "stop", "shop"), "{error,{not_started,shop}}");
      assertEquals(await ask(erl, "get_env", "shop, port"), "undefined");
      assertEquals(await ask(erl, "get_env", "shop, port, 1"), "1");
      assertEquals(await ask(erl, "get_all_env", "shop"), "[]");
      assertEquals(names(node.applications.which()), ["shop", "db"]);
      const refused = "Node erl@localhost may not ask for start of application shop";
      assert(logs.some((text) => text.startsWith(refused)));
      for (const fn of ["set_env", "load", "unload", "unset_env"]) {
        assertMatch(await ask(erl, fn, "shop"), /undef/);
      }
    }),
);

test("an Erlang node that was allowed to starts, stops and reads, with OTP's answers", {
  skip: needsErlang,
}, () =>
  pair(async (node, erl) => {
    const { applications } = node;
    const actions = ["start", "stop", "env"] as const;
    const allowed = applications.allow("shop", { peers: "erl@*", actions });
    assertEquals(await ask(erl, "start", "shop"), "{error,{not_started,db}}");
    assertEquals(await ask(erl, "start", "shop, often"), "{error,{invalid_restart_type,often}}");
    // What it depends on is started with it, though that alone cannot be.
    assertMatch(await ask(erl, "start", "db"), /no such file/);
    assertEquals(await ask(erl, "ensure_all_started", "shop"), "{ok,[db,shop]}");
    assertEquals(await ask(erl, "ensure_all_started", "[shop]"), "{ok,[]}");
    assertEquals(await ask(erl, "ensure_started", "shop"), "ok");
    assertEquals(await ask(erl, "start", "shop"), "{error,{already_started,shop}}");
    assertEquals(await ask(erl, "get_env", "shop, port"), "{ok,8080}");
    assertEquals(await ask(erl, "get_env", "shop, hosts"), "{ok,#{a => 1}}");
    assertEquals(await ask(erl, "get_env", "shop, none"), "undefined");
    assertEquals(await ask(erl, "get_env", "shop, none, x"), "x");
    assertMatch(await ask(erl, "get_all_env", "shop"), /\{since,<<"1970-01-01T00:00:00.000Z">>\}/);
    assertEquals(await ask(erl, "stop", "shop"), "ok");
    assertEquals(await ask(erl, "stop", "shop"), "{error,{not_started,shop}}");
    assertEquals(await ask(erl, "start", "shop, permanent"), "ok");
    assertStrictEquals(applications.info("shop").type, "permanent");
    assertEquals(await ask(erl, "stop", "shop"), "ok");
    allowed[Symbol.dispose]();
    assertMatch(await ask(erl, "start", "shop"), /no such file/);
    applications.allow("shop", { peers: ["someone@localhost"] });
    assertMatch(await ask(erl, "start", "shop"), /no such file/);
  }));

test(
  "our node starts applications of Erlang, and of another one of ours",
  { skip: needsErlang },
  () =>
    pair(async (node, erl) => {
      await node.applications.startOn("erl@localhost", "crypto");
      assertMatch(await erl.eval("application:which_applications()"), /\{crypto,/);
      const twice = await fault(node.applications.startOn("erl@localhost", "crypto", "temporary"));
      assertEquals(twice.reason, tuple(atom("already_started"), atom("crypto")));
      assertMatch(
        twice.message,
        /Cannot start application crypto on erl@localhost: \{already_started,crypto\}/,
      );
      await using other = await startNode("other@localhost", {
        cookie: "secret",
        epmd: false,
        routes: { "ours@localhost": { host: "127.0.0.1", port: node.address!.port } },
        signals: false,
      });
      const refused = await fault(other.applications.startOn("ours@localhost", "db"));
      assertMatch(refused.message, /no such file or directory/);
      node.applications.allow("db", { peers: "other@localhost" });
      await other.applications.startOn("ours@localhost", "db", "transient");
      assertStrictEquals(node.applications.info("db").type, "transient");
      await node.applications.startOn(node.name, "shop"); // itself
    }),
);

test("what an application's process prints elsewhere goes to the node's output", {
  skip: needsErlang,
}, async () => {
  const port = await freePort();
  let printed = "";
  let done = (): void => {};
  const complete = new Promise<void>((resolve) => done = resolve);
  await using node = await startNode("ours@localhost", {
    cookie: "secret",
    epmd: { port },
    signals: false,
    output: (text) => {
      printed += text;
      if (printed.includes("end")) done();
    },
  });
  await using _erl = await startErlang({ name: "erl@localhost", cookie: "secret", epmdPort: port });
  await node.applications.start(application({
    name: "prints",
    start: (app) =>
      app.spawn(async (self) => {
        const args = ["~p ~p end~n", [1, atom("x")]];
        await node.spawnRemote("erl@localhost", "io", "format", args as never, { link: self.pid });
        await self.receive();
      }),
  }));
  await complete;
  assertStrictEquals(printed, "1 x end\n");
});

testNothingIsLeft();
