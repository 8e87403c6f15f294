/** The example on a RabbitMQ broker of its own, and from the command line. */
import { test } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { listQueues } from "../../examples/rabbitmq.ts";
import { atom, type Encodable, NodeDownError, startNode, type Term, tuple } from "../../mod.ts";
import { needsRabbitmq, startRabbitmq } from "../_support/applications.ts";
import { environment, freePort, run } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { selfCommand } from "../_support/runtime.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/rabbitmq.ts", import.meta.url));

test("the queues of a broker", { skip: needsRabbitmq }, async () => {
  const epmdPort = await freePort();
  await using node = await startNode("ours@localhost", {
    cookie: COOKIE,
    epmd: { port: epmdPort },
  });
  await using broker = await startRabbitmq(epmdPort);
  assertEquals(await listQueues(node, broker.name, "/"), []);
  for (const [name, durable] of [["orders", true], ["Zoë's", false]] as const) {
    const resource = tuple(atom("resource"), "/", atom("queue"), name) as Term;
    const args: Encodable[] = [resource, durable, false, [], atom("none"), "a test"];
    await node.rpc(broker.name, "rabbit_amqqueue", "declare", args);
  }
  assertEquals(await listQueues(node, broker.name, "/"), [
    { name: "Zoë's", durable: false, messages: 0, consumers: 0 },
    { name: "orders", durable: true, messages: 0, consumers: 0 },
  ]);
  assertEquals(await listQueues(node, broker.name, "/no such host"), []);
  const [program, ...args] = selfCommand(
    EXAMPLE,
    ...[broker.name, "--cookie", COOKIE, "--epmd-port", String(epmdPort)],
  );
  await using example = run(program, args, environment(epmdPort));
  assertEquals(await example.exited, 0, example.output());
  assertStringIncludes(example.output(), "orders");
});

test("a broker that is not there", async () => {
  const options = { cookie: COOKIE, epmd: { port: await freePort() } };
  await using node = await startNode("ours@localhost", options);
  await assertRejects(() => listQueues(node, "rabbit@localhost", "/"), NodeDownError);
});

testNothingIsLeft();
