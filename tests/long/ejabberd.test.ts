/** The example on an ejabberd server of its own, and from the command line. */
import { test } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { register, users } from "../../examples/ejabberd.ts";
import { NodeDownError, startNode } from "../../mod.ts";
import { needsEjabberd, startEjabberd } from "../_support/applications.ts";
import { environment, freePort, run } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { selfCommand } from "../_support/runtime.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/ejabberd.ts", import.meta.url));

test("users are registered", { skip: needsEjabberd }, async () => {
  const epmdPort = await freePort();
  await using node = await startNode("ours@localhost", {
    cookie: COOKIE,
    epmd: { port: epmdPort },
  });
  await using server = await startEjabberd(epmdPort);
  assertEquals(await users(node, server.name, "localhost"), []);
  assertEquals(await register(node, server.name, "zoë", "localhost", "s3cret"), "ok");
  assertEquals(await register(node, server.name, "zoë", "localhost", "another"), "exists");
  assertEquals(await register(node, server.name, "ann", "elsewhere", "s3cret"), "not_allowed");
  assertEquals(await users(node, server.name, "localhost"), ["zoë@localhost"]);
  const [program, ...args] = selfCommand(
    EXAMPLE,
    ...[server.name, "ann@localhost", "pw", "--cookie", COOKIE, "--epmd-port", String(epmdPort)],
  );
  await using example = run(program, args, environment(epmdPort));
  assertEquals(await example.exited, 0, example.output());
  assertStringIncludes(example.output(), "ann@localhost: ok\nann@localhost\nzoë@localhost");
});

test("a server that is not there", async () => {
  const options = { cookie: COOKIE, epmd: { port: await freePort() } };
  await using node = await startNode("ours@localhost", options);
  await assertRejects(() => users(node, "ejabberd@localhost", "localhost"), NodeDownError);
});

testNothingIsLeft();
