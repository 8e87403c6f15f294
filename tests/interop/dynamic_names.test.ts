/** A node of ours that gets its name from Erlang, as `erl -sname undefined` does, and lists of allowed nodes with Erlang. */
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { format, NodeDownError, type NodeOptions, selfSigned, startNode } from "../../mod.ts";
import {
  type ErlangNode,
  freePort,
  needsErlang,
  poll,
  startEpmd,
  startErlang,
} from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { TlsFiles } from "../_support/tls_erlang.ts";
import { inbox } from "../_support/our_side.ts";

const THEIRS = "theirs@localhost";
const skip = needsErlang;

/** An Erlang node with an EPMD of its own: ours does not register. */
async function theirs(
  args: readonly string[] = [],
): Promise<{ erl: ErlangNode; options: NodeOptions } & AsyncDisposable> {
  const epmd = await startEpmd();
  const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort: epmd.port, args });
  return {
    erl,
    options: { cookie: COOKIE, epmd: { port: epmd.port }, nameFrom: THEIRS },
    async [Symbol.asyncDispose]() {
      await erl.kill();
      await epmd.kill();
    },
  };
}

for (const way of ["plain", "TLS"]) {
  test(`Erlang gives our node a name, which it keeps (${way})`, { skip }, async () => {
    using files = new TlsFiles();
    const made = selfSigned();
    const args = way === "TLS" ? files.args({ identity: made, ca: made.ca }) : [];
    await using started = await theirs(args);
    const { erl, options } = started;
    const tls = way === "TLS" ? { tls: { ca: made.ca } } : {};
    await using node = await startNode("undefined@localhost", { ...options, ...tls });
    assertMatch(node.name, /^[0-9A-Z]+@localhost$/);
    assertEquals([node.nodes("hidden"), node.address], [[THEIRS], null]);
    assertEquals(await erl.eval(`net_adm:ping('${node.name}')`), "pong");
    assertEquals(await erl.eval("nodes(hidden)"), `['${node.name}']`);
    const here = await inbox(node);
    node.register("here", here.pid);
    await erl.eval(`{here, '${node.name}'} ! {self(), hello}`);
    assert(format(await here.next()).endsWith(",hello}"));
    assertEquals(String(await node.rpc(THEIRS, "erlang", "node")), THEIRS);
    // The connection is lost: it comes back under the same name, and old pids mean the same.
    await erl.eval(`erlang:disconnect_node('${node.name}')`);
    await poll(() => node.nodes().length === 0);
    node.send({ name: "nobody", node: THEIRS }, 1);
    await poll(async () => await erl.eval("nodes(hidden)") === `['${node.name}']`);
    await erl.eval(`{here, '${node.name}'} ! again`);
    assertEquals(format(await here.next()), "again");
  });
}

test("two nodes get two names", { skip }, async () => {
  await using started = await theirs();
  const { erl, options } = started;
  await using one = await startNode("undefined@localhost", options);
  await using two = await startNode("undefined@localhost", options);
  assert(one.name !== two.name && one.pid.creation !== two.pid.creation);
  assert(await two.ping(THEIRS), "who accepts knows of it a moment after who dials");
  assertEquals(await erl.eval("length(nodes(hidden))"), "2");
});

test("whoever gives no name is told of", { skip }, async () => {
  await using started = await theirs();
  const { erl, options } = started;
  const start = (more: NodeOptions): Promise<unknown> =>
    startNode("undefined@localhost", { ...options, ...more });
  await assertRejects(
    () => start({ cookie: "another" }),
    NodeDownError,
    "it did not accept our cookie",
  );
  await assertRejects(
    () => start({ nameFrom: "nobody@localhost" }),
    NodeDownError,
    "no node nobody is registered",
  );
  await assertRejects(() => start({ nameFrom: "x@long.example" }), RangeError, "long names");
  assertEquals(await erl.eval("nodes(connected)"), "[]");
});

test("one of ours gives a name to another one of ours", async () => {
  const port = await freePort();
  const options: NodeOptions = { cookie: COOKIE, epmd: { port } };
  await using giver = await startNode("giver@localhost", options);
  await using named = await startNode("undefined@localhost", { ...options, nameFrom: giver.name });
  assertEquals([giver.nodes(), named.nodes()], [[named.name], [giver.name]]);
  assert(await giver.ping(named.name));
  giver.allow(["giver@localhost"]);
  await assertRejects(
    () => startNode("undefined@localhost", { ...options, nameFrom: giver.name }),
    NodeDownError,
    "it does not allow us",
  );
});

test(
  "who is not allowed is told so as net_kernel:allow tells it, both ways",
  { skip },
  async () => {
    await using started = await theirs();
    const { erl, options } = started;
    await using node = await startNode("ours@localhost", {
      ...options,
      nameFrom: undefined,
      allow: ["friend@*"],
    });
    assertEquals(await erl.eval("net_adm:ping('ours@localhost')"), "pang");
    await assertRejects(() => node.connect(THEIRS), NodeDownError, "name it in { allow }");
    node.allow([THEIRS]);
    assertEquals(await erl.eval("net_adm:ping('ours@localhost')"), "pong");
    node.disconnect(THEIRS);
    await poll(async () => await erl.eval("nodes(connected)") === "[]");
    await erl.eval("net_kernel:allow(['friend@localhost'])");
    await assertRejects(() => node.connect(THEIRS), NodeDownError, "it does not allow us");
  },
);

test(
  "a published node is hidden where it asks for it, as net_kernel:hidden_connect_node",
  { skip },
  async () => {
    await using started = await theirs();
    const { erl, options } = started;
    await using node = await startNode("ours@localhost", {
      ...options,
      nameFrom: undefined,
      published: true,
    });
    await node.connect(THEIRS, { hidden: true });
    assert(await node.ping(THEIRS), "who accepts knows of it a moment after who dials");
    assertEquals([await erl.eval("nodes()"), await erl.eval("nodes(hidden)")], [
      "[]",
      "[ours@localhost]",
    ]);
    assertEquals([node.nodes("visible"), node.nodes("hidden")], [[], [THEIRS]]);
    node.disconnect(THEIRS);
    await poll(async () => await erl.eval("nodes(connected)") === "[]");
    await node.connect(THEIRS);
    assert(await node.ping(THEIRS));
    assertEquals(await erl.eval("nodes()"), "[ours@localhost]");
    assertEquals(node.nodes("visible"), [THEIRS]);
  },
);

test("a cookie of one peer alone, as erlang:set_cookie, both ways", { skip }, async () => {
  await using started = await theirs();
  const { erl, options } = started;
  await using node = await startNode("ours@localhost", { ...options, nameFrom: undefined });
  await erl.eval("erlang:set_cookie('ours@localhost', other)");
  assertEquals([await node.ping(THEIRS), await erl.eval("net_adm:ping('ours@localhost')")], [
    false,
    "pang",
  ]);
  node.setCookie(THEIRS, "other");
  assert(await node.ping(THEIRS));
  node.disconnect(THEIRS);
  await poll(async () => await erl.eval("nodes(connected)") === "[]");
  assertEquals(await erl.eval("net_adm:ping('ours@localhost')"), "pong");
});

testNothingIsLeft();
