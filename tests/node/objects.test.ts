// A process that gets maps as plain objects, and binaries as text, can send them so.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  atom,
  atomMap,
  EncodeError,
  exit,
  format,
  GenServer,
  isTuple,
  type Node,
  noReply,
  on,
  type Pid,
  type ProcessOptions,
  type Self,
  stringMap,
  t,
  type Term,
  TermMap,
  tuple,
} from "../../mod.ts";
import { clusterTest } from "./_cluster.ts";
import { nodeTest } from "./_nodes.ts";

const OBJECTS = { objects: "atoms", binaries: "text" } as const;
const TERM = atomMap({
  name: "Zoë",
  tags: ["a", { b: 1 }],
  pair: tuple(1, { c: true }),
  empty: {},
}) as Term;

/** Gives back what it gets, in every way that a server can. */
class Echo extends GenServer {
  override readonly calls = {
    echo: on(t.term, (term) => term),
    soon: on(t.term, async (term) => await Promise.resolve(term)),
    forward: on(t.pid, t.term, (pid, term) => this.send(pid, term)),
    cast: on(t.pid, t.term, (pid, term) => this.cast(pid, term)),
    call: on(t.pid, t.term, async (pid, term) => await this.call(pid, term as never)),
    exit: on(t.pid, t.term, (pid, term) => this.exit(pid, term as never)),
  };
  override handleCall(request: Term, from: { reply(term: never): void }): unknown {
    from.reply(request as never);
    return noReply;
  }
}

clusterTest("values that came as plain objects go back as the maps they were", async (a, b) => {
  await b.start(Echo, [], { register: "echo", terms: OBJECTS });
  const echo = { name: "echo", node: b.name };
  for (const name of ["echo", "soon"]) {
    assertEquals(format(await a.call(echo, tuple(atom(name), TERM))), format(TERM));
  }
  assertEquals(format(await a.call(echo, TERM)), format(TERM)); // by handleCall
  const { pid, next } = collector(a);
  await a.call(echo, tuple(atom("forward"), pid, TERM));
  assertEquals(format(await next()), format(TERM));
  await a.call(echo, tuple(atom("cast"), pid, TERM));
  assertEquals(format(await next()), format(tuple(atom("$gen_cast"), TERM)));
  const called = a.call(echo, tuple(atom("call"), pid, TERM));
  const request = await next();
  assert(isTuple(request));
  assertEquals(format(request[2]), format(TERM));
  a.reply(request[1] as never, TERM);
  assertEquals(format(await called), format(TERM));
  await a.call(echo, tuple(atom("exit"), pid, TERM));
  assertEquals(format(await next()), `{'EXIT',${format(b.whereis("echo")!)},${format(TERM)}}`);
});

clusterTest("objects of a node that has chosen texts as keys are maps with texts", async (a, b) => {
  await b.start(Echo, [], { register: "echo" });
  const texts = stringMap({ a: { b: [1] }, c: "é" }) as Term;
  const reply = await a.call({ name: "echo", node: b.name }, tuple(atom("echo"), texts));
  assertEquals(reply, { a: { b: [1] }, c: "é" } as never);
}, { node: { terms: { objects: "binaries", binaries: "text" } } });

clusterTest(
  "what is called by rpc gets objects as the maps that the caller's node has them for",
  async (a, b) => {
    b.provide("demo", { show: (term: Term) => JSON.stringify(term) });
    const shown = await a.rpc(b.name, "demo", "show", [{ a: [{ b: 1 }] } as never]);
    assertEquals(shown, '{"a":[{"b":1}]}' as Term);
  },
  { node: { terms: { objects: "atoms", binaries: "text" } } },
);

clusterTest("what is no plain object stays refused, with its path", async (a, b) => {
  const sent = await process(a, { terms: OBJECTS });
  const target = { name: "nobody", node: b.name };
  await a.connect(b.name);
  assertThrows(
    () => sent.send(target, [{ at: new Date(0) }] as never),
    EncodeError,
    "at [0].at: a Date",
  );
  assertThrows(
    () => sent.send(target, { at: undefined } as never),
    EncodeError,
    "at .at: undefined",
  );
  const cyclic: Record<string, unknown> = {};
  cyclic.self = { cyclic };
  assertThrows(() => sent.send(target, cyclic as never), EncodeError, "holds itself");
  // By default plain objects are refused.
  const other = await process(a);
  assertThrows(() => other.send(target, { a: 1 } as never), EncodeError, "use atomMap(object)");
  await assertRejects(() => a.call(target, { a: 1 } as never), EncodeError, "use atomMap(object)");
});

nodeTest("a node that copies treats them alike", async ({ node }) => {
  const echo = await node.start(Echo, [], { terms: OBJECTS });
  assertEquals(format(await node.call(echo, tuple(atom("echo"), TERM))), format(TERM));
  const odd = new TermMap([[1, TERM], [atom("x"), [TERM]]]) as Term;
  assertEquals(format(await node.call(echo, tuple(atom("echo"), odd))), format(odd));
}, { copyMessages: true });

/** A process that does nothing by itself. */
function process(node: Node, options: ProcessOptions = {}): Promise<Self> {
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      resolve(self);
      await self.receive();
    }, options);
  });
}

/** A process that traps exits and keeps what it gets. */
function collector(node: Node): { readonly pid: Pid; readonly next: () => Promise<Term> } {
  const got: Term[] = [];
  const waiting: ((term: Term) => void)[] = [];
  const pid = node.spawn(async (self) => {
    self.trapExit = true;
    for await (const message of self) {
      if (isTuple(message) && node.pid.equals(message[1])) exit(atom("shutdown"));
      const one = waiting.shift();
      if (one === undefined) got.push(message);
      else one(message);
    }
  });
  const next = (): Promise<Term> =>
    got.length > 0
      ? Promise.resolve(got.shift()!)
      : new Promise((resolve) => waiting.push(resolve));
  return { pid, next };
}
