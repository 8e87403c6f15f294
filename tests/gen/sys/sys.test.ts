// sys between two nodes of ours, and the answers for releases that differ.
import { assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  charlist,
  EncodeError,
  ExternalFun,
  format,
  GenServer,
  type Node,
  NoProcessError,
  on,
  ReplyError,
  sys,
  t,
  tagged,
  type Term,
  tuple,
} from "../../../mod.ts";
import { clusterTest } from "../../node/_cluster.ts";

class Counter extends GenServer {
  count = 3;
  override readonly calls = { add: on(t.integer, (n) => this.count += n), get: () => this.count };
  override replaceState(): void {}
}

clusterTest("a server of another node of ours is looked at, held and ended", async (a, b) => {
  await b.start(Counter, [], { register: "counter" });
  const counter = { name: "counter", node: b.name };
  assertEquals(format(await sys.getState(a, counter)), "#{count => 3}");
  const { pid, parent, misc } = await sys.getStatus(a, counter);
  assertEquals([pid.node, parent.node], [b.name, b.name]);
  assertEquals(format(misc).includes('"Status for generic server counter"'), true);
  await sys.suspend(a, counter);
  const added = a.call(counter, tuple(atom("add"), 1));
  assertEquals((await sys.getStatus(a, counter)).state, "suspended");
  await sys.resume(a, counter);
  assertEquals(await added, 4);
  await sys.log(a, counter, true);
  assertEquals(await a.call(counter, atom("get")), 4);
  assertEquals((await sys.getLog(a, counter)).length, 2);
  await sys.noDebug(a, counter);
  const fun = new ExternalFun(atom("m"), atom("f"), 1);
  await assertRejects(
    () => sys.replaceState(a, counter, fun),
    ReplyError,
    "cannot be run in JavaScript",
  );
  await assertRejects(
    () => sys.replaceState(a, counter, () => 1),
    EncodeError,
    "a function cannot be sent",
  );
  await assertRejects(
    () => sys.install(a, counter, 1, () => 1),
    EncodeError,
    "a function cannot be sent",
  );
  const down = new Promise((resolve) => b.monitor(counter, ({ reason }) => resolve(reason)));
  await sys.terminate(a, counter);
  assertEquals(await down, atom("normal"));
  await assertRejects(() => sys.getState(a, counter), NoProcessError);
});

/** What a request by hand is answered with. */
function raw(node: Node, target: { name: string; node: string }, request: Term): Promise<Term> {
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      const from = tuple(self.pid, atom("tag"));
      self.send(target, tuple(atom("system"), from, request) as unknown as Term);
      resolve((await self.receive(t.tuple(t.atom("tag"), t.term)))[1]);
    });
  });
}

/** The versions of stdlib, and how the sys of that release wants a state. */
const RELEASES: readonly [stdlib: string, state: string][] = [
  ["4.2", "#{count => 3}"],
  ["5.0.2", "#{count => 3}"],
  ["5.1", "{ok,#{count => 3}}"],
  ["5.1.1.1", "{ok,#{count => 3}}"],
  ["6.0", "{ok,#{count => 3}}"],
  ["10.0", "{ok,#{count => 3}}"],
  ["nonsense", "#{count => 3}"],
];

clusterTest("a state is answered as the release of whoever asks takes it", async (a, b) => {
  await b.start(Counter, [], { register: "counter" });
  const counter = { name: "counter", node: b.name };
  assertEquals(format(await raw(a, counter, atom("get_state"))), "{ok,#{count => 3}}"); // no BEAM
  let questions = 0;
  for (const [stdlib, state] of RELEASES) {
    using _ = a.provide("application", {
      get_key: (_name: Term, _key: Term) => {
        questions++;
        return tagged("ok", charlist(stdlib) as Term) as unknown as Term;
      },
    });
    questions = 0;
    const all = Array.from({ length: 50 }, () => raw(a, counter, atom("get_state")));
    for (const one of await Promise.all(all)) assertEquals([stdlib, format(one)], [stdlib, state]);
    assertEquals(questions <= 2, true, `asked ${questions} times for 50 requests`);
    // Whatever it is, our own sys reads it.
    assertEquals(format(await sys.getState(a, counter)), "#{count => 3}");
  }
});

clusterTest("a refusal to show the state has one form for every release", async (a, b) => {
  class Failing extends GenServer {
    override formatState(): unknown {
      throw new RangeError("no state");
    }
  }
  await b.start(Failing, [], { register: "failing" });
  using _ = a.provide("application", {
    get_key: (_name: Term, _key: Term) => tagged("ok", charlist("4.2") as Term) as unknown as Term,
  });
  const failing = { name: "failing", node: b.name };
  const reply = await raw(a, failing, atom("get_state"));
  assertEquals(
    format(reply).startsWith("{error,{callback_failed,{gen_server,system_get_state},"),
    true,
  );
  await assertRejects(() => sys.getState(a, failing), ReplyError, "no state");
});
