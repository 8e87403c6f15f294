import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  format,
  GenServer,
  isTuple,
  type Node,
  type Pid,
  startNode,
  t,
  type Term,
  tuple,
} from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

class Idle extends GenServer {}

test("gen_server:stop is obeyed: answered with ok, and the server ends with its reason", async () => {
  await using node = await startNode("system@localhost", { network: false });
  const idle = await node.start(Idle, []);
  const { promise: down, resolve } = Promise.withResolvers<Term>();
  idle.monitor(({ reason }) => resolve(reason));
  const request = tuple(atom("terminate"), tuple(atom("shutdown"), 1)) as Term;
  assertStrictEquals(await ask(node, idle.pid, request), atom("ok"));
  assertEquals(format(await down), "{shutdown,1}");
});

test("a request of sys that is not known is answered, and the server lives on", async () => {
  await using node = await startNode("system@localhost", { network: false });
  const idle = await node.start(Idle, []);
  const reply = await ask(node, idle.pid, atom("get_state"));
  assert(isTuple(reply));
  assertEquals(format(reply), "{error,{unknown_system_msg,get_state}}");
  assert(node.isAlive(idle.pid));
});

testNothingIsLeft();

/** Sends `{system, {Pid, Tag}, Request}` as sys does, and gives what comes back as `{Tag, Reply}`. */
function ask(node: Node, server: Pid, request: Term): Promise<Term> {
  return new Promise((resolve, reject) => {
    node.spawn(async (self) => {
      const tag = atom("tag");
      self.send(server, tuple(atom("system"), tuple(self.pid, tag), request) as Term);
      const reply = await self.receive(t.tuple(t.atom("tag"), t.term), { timeout: 5_000 });
      resolve(reply[1]);
    }, { register: "asker" });
    node.monitor("asker", ({ reason }) => reject(new Error(format(reason))));
  });
}
