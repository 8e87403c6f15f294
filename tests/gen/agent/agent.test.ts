import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import { ExternalFun } from "../../../lib/etf/fun.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { Agent } from "../../../lib/gen/agent/agent.ts";
import type { AgentRef } from "../../../lib/gen/agent/agent_ref.ts";
import { on } from "../../../lib/gen/server/handlers.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { CallTimeoutError, ExitError, NoProcessError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { withSelf } from "../../../lib/node/provided/provide.ts";
import { clusterTest, pack } from "../../node/_cluster.ts";
import { ended, nodeTest } from "../../node/_nodes.ts";
import { assertJsError, bothWays, exitReason, failure, gate, logs } from "../_servers.ts";

function counter(node: Node, name?: string): Promise<AgentRef<number>> {
  return node.start(Agent<number>, [() => 0], name === undefined ? {} : { register: name });
}

bothWays("functions read and change the state, one at a time", async ({ node }) => {
  const agent = await counter(node);
  assertEquals(await agent.get((n) => n), 0);
  assertEquals(await agent.update((n) => n + 1), undefined);
  agent.cast((n) => n * 10);
  assertEquals(await agent.getAndUpdate((n) => [`was ${n}`, n + 1]), "was 10");
  assertEquals(await agent.get((n) => ({ n })), { n: 11 }); // any value, for nothing is copied
  const slow = gate<number>();
  const waits = agent.update(async (n) => n + await slow.promise);
  const behind = agent.get((n) => n);
  slow.open(100);
  await waits;
  assertEquals(await behind, 111);
});

nodeTest("the first state may come late, or not at all", async ({ node, platform }) => {
  const agent = await node.start(Agent<string>, [async () => await Promise.resolve("x")]);
  assertEquals(await agent.get((text) => text), "x");
  const error = await assertRejects(() =>
    node.start(Agent<string>, [() => {
      throw new Error("no");
    }]), ExitError);
  assertEquals((error.cause as Error).message, "no");
  await assertRejects(() => node.start(Agent, ["state" as never]), ExitError);
  platform.logs.splice(0);
});

nodeTest("a function that throws ends the agent, and says why", async (lone) => {
  const { node } = lone;
  const agent = await counter(node);
  const end = ended(node, agent.target as never);
  const bad = new RangeError("bad");
  const error = await assertRejects(() =>
    agent.update(() => {
      throw bad;
    }), ExitError);
  assertEquals(error.cause, bad);
  assertJsError(await end, "RangeError", "bad");
  await assertRejects(() => agent.get((n) => n), NoProcessError);
  agent.cast((n) => n); // nobody is told
  const other = await counter(node);
  const result = failure(other.getAndUpdate((() => 7) as never));
  assert(String((await result as ExitError).cause).includes("gave no [reply, state]"));
  const casting = await counter(node, "casting");
  const last = ended(node, casting.target as never);
  casting.cast(() => Promise.reject(bad));
  assertJsError(await last, "RangeError", "bad");
  lone.platform.logs.splice(0);
});

nodeTest("calls of it time out, and it goes on", async ({ node, platform }) => {
  const agent = await counter(node);
  const slow = gate<number>();
  const late = failure(agent.with({ timeout: 50 }).update(() => slow.promise));
  const skipped: number[] = [];
  const never = failure(agent.with({ timeout: 50 }).get((n) => skipped.push(n)));
  await platform.elapse(60);
  assertInstanceOf(await late, CallTimeoutError);
  assertInstanceOf(await never, CallTimeoutError);
  slow.open(5);
  assertEquals(await agent.get((n) => n), 5);
  assertEquals(skipped, []); // nobody waited for it any more
});

nodeTest("an agent that asks itself is told so", async ({ node }) => {
  const agents: AgentRef<number>[] = [];
  class Own extends Agent<number> {
    override init(make: () => number): void {
      super.init(make);
      agents.push(node.ref(Agent, this.pid) as AgentRef<number>);
      agents[0] = agents[0].as(this);
    }
  }
  const agent = await node.start(Own, [() => 1]);
  const error = await agent.get(() => failure(agents[0].get((n) => n)));
  assert(String(error).includes("it is the one that waits"));
});

nodeTest("references by name, and to what is no agent", async ({ node }) => {
  const ref = node.ref(Agent, "counter") as AgentRef<number>;
  await assertRejects(() => ref.get((n) => n), NoProcessError, "counter");
  const agent = await counter(node, "counter");
  await ref.update(() => 7);
  assertEquals(await agent.get((n) => n), 7);
  const none = node.ref(Agent, node.spawn((self) => self.receive()));
  await assertRejects(() => none.get((n) => n), TypeError, "that process is none");
  await assertRejects(() => agent.get(1 as never), TypeError, "a function of its state");
  assertThrows(() => agent.cast(1 as never), TypeError);
  await ref.stop();
  await assertRejects(() => ref.stop(), NoProcessError);
});

nodeTest("sys sees and replaces the state", async ({ node }) => {
  const agent = await counter(node);
  await agent.update(() => 3);
  assertEquals(await sys.getState(node, agent), 3);
  await sys.replaceState(node, agent, () => 4);
  assertEquals(await agent.get((n) => n), 4);
});

clusterTest("other nodes run provided functions, and no others", async (a, b, { logs }) => {
  const agent = await counter(b, "counter");
  b.provide("Elixir.Counter", {
    value: (n: Term) => n,
    add: on(t.integer, t.integer, (n, m) => n + m),
    take: (n: Term) => tuple(n, 0) as Term,
    self: withSelf((self) => self.receive()),
    fail: (_n: Term) => {
      throw new Error("bad");
    },
  });
  b.provide("Elixir.Secret", { value: (n: Term) => n }, { peers: "c@localhost" });
  const there = { name: "counter", node: b.name };
  const ask = (what: string, fun: Encodable): Promise<Term> => a.call(there, pack(atom(what), fun));
  const mfa = (name: string, ...args: Term[]): Term =>
    pack(atom("Elixir.Counter"), atom(name), args);
  assertEquals(await ask("update", mfa("add", 5)), atom("ok"));
  assertEquals(await ask("get", mfa("value")), 5);
  assertEquals(
    await ask("get", new ExternalFun(atom("Elixir.Counter"), atom("value"), 1)),
    5,
  );
  assertEquals(await ask("get_and_update", mfa("take")), 5);
  a.cast(there, pack(atom("cast"), mfa("add", 7)));
  assertEquals(await ask("get", mfa("value")), 7);
  const refused = async (what: string, fun: Encodable): Promise<string> =>
    format(await exitReason(ask(what, fun)));
  assertEquals(await refused("get", mfa("nothing")), "{undef,[{'Elixir.Counter',nothing,1,[]}]}");
  assertEquals(await refused("get", mfa("self")), "{undef,[{'Elixir.Counter',self,1,[]}]}");
  const secret = pack(atom("Elixir.Secret"), atom("value"), []);
  assertEquals(await refused("get", secret), "{undef,[{'Elixir.Secret',value,1,[]}]}");
  // What every node provides is nothing to do with a state: it would be lost, or the agent would end.
  for (const [module, name] of [["erlang", "system_info"], ["code", "ensure_loaded"]] as const) {
    assert(b._provided.has(module), module);
    const own = pack(atom(module), atom(name), []);
    assertEquals(await refused("update", own), `{undef,[{${module},${name},1,[]}]}`);
  }
  assert((await refused("update", mfa("add", atom("x")))).startsWith("{bad_request,[1],"));
  assert((await refused("frobnicate", 1)).includes("an agent takes {get | update"));
  a.cast(there, pack(atom("cast"), mfa("nothing")));
  a.send(there, "hello");
  assertEquals(await ask("get", mfa("value")), 7); // it lives
  assertEquals(await agent.get((n) => n), 7);
  assertEquals(logs.filter((line) => line.includes("dropped")).length, 2);
  assert((await refused("get", mfa("fail"))).startsWith("{{js_error,"));
});

nodeTest("what is no term is told to callers of elsewhere", async (lone) => {
  const agent = await lone.node.start(Agent<() => void>, [() => () => {}]);
  lone.node.provide("m", { value: (state: Term) => state });
  const request = pack(atom("get"), pack(atom("m"), atom("value"), []));
  const reason = format(await exitReason(lone.node.call(agent, request)));
  assert(reason.startsWith("{bad_reply,"), reason);
  assertEquals(logs(lone), []);
}, { copyMessages: true });
