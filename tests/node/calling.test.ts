/** Messages, calls and replies on their way to another node: when too much waits, and how callers are told that they must exit. */
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { CONTROL } from "../../lib/dist/control.ts";
import {
  atom,
  BusyError,
  type Encodable,
  ExitError,
  type From,
  GenServer,
  ImproperList,
  isTuple,
  later,
  type Node,
  noReply,
  on,
  Pid,
  Ref,
  t,
  type Term,
  tuple,
} from "../../mod.ts";
import type { HandMade } from "../_support/hand_made.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { clusterTest, inbox, settle } from "./_cluster.ts";
import { Echo } from "./_two_nodes.ts";
import { acted, visitedTest } from "./remote/_hand_made.ts";

const MIB = 1024 * 1024;
const [DONE, REFUSED] = [atom("done"), atom("refused")];
const [ALIAS, GEN_CALL, NODE] = [atom("alias"), atom("$gen_call"), atom("ours@localhost")];

// When too much waits

/** What goes from `a` to `b` is held back while it is closed. */
class Gate {
  closed = false;
  #held: (() => void)[] = [];

  readonly defer = (deliver: () => void, link: { readonly from: string; readonly to: string }) => {
    if (this.closed && link.from === "a" && link.to === "b") this.#held.push(deliver);
    else setImmediate(deliver);
  };

  open(): void {
    this.closed = false;
    for (const deliver of this.#held.splice(0)) setImmediate(deliver);
  }
}

/** Sends until nothing more is taken at all. @returns how many messages were. */
async function fill(node: Node, to: Pid): Promise<number> {
  let count = 0;
  for (const bytes of [new Uint8Array(100_000), new Uint8Array(1)]) {
    for (;; count++) {
      try {
        node.send(to, bytes);
      } catch (error) {
        assertInstanceOf(error, BusyError);
        break;
      }
      if (count % 5 === 0) await settle(2);
    }
  }
  return count;
}

/** Does on request what a process does to others, says whether that was refused, and answers calls when it is told to. */
class Ordinary extends GenServer {
  #waiting: From[] = [];

  override readonly calls = {
    send: on(t.pid, t.term, (to, message) => tried(() => this.send(to, message as Encodable))),
    cast: on(t.pid, t.term, (to, message) => tried(() => this.cast(to, message as Encodable))),
    call: on(
      t.pid,
      t.term,
      (to, request) => later(this.call(to, request as Encodable).catch(refusal)),
    ),
  };

  override handleCall(request: Term, from: From): unknown {
    if (request !== atom("wait")) return super.handleCall(request, from);
    this.#waiting.push(from);
    return noReply;
  }

  override readonly casts = {
    answer: () => {
      for (const from of this.#waiting) from.reply(atom("answered"));
    },
  };
}

class Essential extends Ordinary {
  readonly _essential = true;
}

function tried(act: () => void): Encodable {
  try {
    act();
    return DONE;
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): Encodable {
  assertInstanceOf(error, BusyError);
  return REFUSED;
}

const gate = new Gate();

clusterTest(
  "nothing of the node's own processes is refused where too much waits; the others are refused and lose no caller",
  async (a, b) => {
    const [there, full] = [await inbox(b), await inbox(b)];
    const echo = await b.start(Echo, []);
    const [own, other] = [await a.start(Essential, []), await a.start(Ordinary, [])];
    const asked = [own, other].map((server) => b.call(server.pid, atom("wait")));
    const answers = Promise.allSettled(asked);
    // They have all that b has sent before, and b knows them.
    for (const server of [own, other]) {
      await b.call(server.pid, tuple(atom("send"), there.pid, atom("up")));
    }
    assertEquals(await there.take(2), [atom("up"), atom("up")]);
    gate.closed = true;
    const sent = await fill(a, full.pid);
    for (const verb of ["send", "cast"] as const) {
      assertStrictEquals(await own.call(verb, there.pid, atom(verb)), DONE);
      assertStrictEquals(await other.call(verb, there.pid, atom(verb)), REFUSED);
    }
    const request = tuple(atom("echo"), 5);
    const called = own.call("call", echo.pid, request);
    assertStrictEquals(await other.call("call", echo.pid, request), REFUSED);
    for (const server of [own, other]) a.cast(server.pid, atom("answer"));
    await settle();
    gate.open();
    assertEquals((await full.take(sent)).length, sent);
    assertEquals(await there.take(2), [atom("send"), tuple(atom("$gen_cast"), atom("cast"))]);
    assertStrictEquals(await called, 5);
    const [answered, refused] = await answers;
    assertEquals(answered, { status: "fulfilled", value: atom("answered") });
    assert(refused.status === "rejected");
    assertInstanceOf(refused.reason, ExitError);
    assertStrictEquals((refused.reason.reason as Term[])[0], atom("system_limit"));
  },
  { node: { maxQueue: 2 * MIB }, network: { defer: gate.defer } },
);

clusterTest(
  "a ping is answered where too much waits to be sent to who asks",
  async (a, b) => {
    const full = await inbox(b);
    assert(await b.ping(a.name));
    gate.closed = true;
    const sent = await fill(a, full.pid);
    const pinged = b.ping(a.name);
    await settle();
    gate.open();
    assert(await pinged);
    await full.take(sent);
  },
  { node: { maxQueue: 2 * MIB }, network: { defer: gate.defer } },
);

// Callers whose tag does not name their monitor

/** A server of which all that is asked is refused, by name; what it replies is no term. */
class Refusing extends GenServer {
  override readonly calls = { bad: on(() => Symbol("no term") as unknown as Encodable) };
}

interface Asked {
  readonly caller: Pid;
  /** Monitors of the caller, the one of the call last. */
  readonly monitors: readonly Ref[];
}

/** Asks as `gen_server:multi_call` does, of a process that has other monitors too: on the pid, and on the name from before. */
function ask(
  peer: HandMade,
  to: Pid,
  request: Term,
  tagOf: (monitor: Ref) => Term,
): Asked {
  const caller = peer.pid();
  const monitors = [peer.ref(), peer.ref(), peer.ref(), peer.ref()];
  const [early, call, late, others] = monitors;
  const name = atom("refusing");
  peer.send([CONTROL.MONITOR_P, caller, name, early]);
  peer.send([CONTROL.MONITOR_P, caller, name, call]);
  peer.send([CONTROL.MONITOR_P, caller, to, late]);
  peer.send([CONTROL.MONITOR_P, peer.pid(), name, others]);
  const message = tuple(GEN_CALL, tuple(caller, tagOf(call)), request) as unknown as Term;
  peer.send([CONTROL.REG_SEND, caller, atom(""), name], message);
  return { caller, monitors };
}

/** Which of its monitors have fired, by their places, with the first atom of the reason. */
async function fired(peer: HandMade, { monitors }: Asked): Promise<[number, Term][]> {
  await acted(peer);
  return peer.signals.filter(({ control }) => control[0] === CONTROL.PAYLOAD_MONITOR_P_EXIT).map(
    ({ control, payload }) => [
      monitors.findIndex((ref) => ref.equals(control[3])),
      isTuple(payload) ? payload[0] : payload as Term,
    ],
  );
}

const FORMS: readonly [release: string, tagOf: (peer: HandMade, monitor: Ref) => Term][] = [
  ["OTP 25", (peer) => tuple(peer.ref(), NODE) as Term],
  [
    "OTP 26",
    (peer, monitor) =>
      new ImproperList([new ImproperList([ALIAS], peer.ref()) as Term], monitor) as Term,
  ],
];

for (const [release, tagOf] of FORMS) {
  for (
    const [what, request, reason] of [
      ["it does not know", atom("nonsense"), atom("bad_request")],
      ["whose reply is no term", atom("bad"), atom("bad_reply")],
    ] as const
  ) {
    visitedTest(
      `a multi_call of ${release} is told of a request ${what}, by its own monitor`,
      async ({ node, peer }) => {
        const { pid } = await node.start(Refusing, [], { register: "refusing" });
        const asked = ask(peer, pid, request, (monitor) => tagOf(peer, monitor));
        assertEquals(await fired(peer, asked), [[1, reason]]);
        assert(node.isAlive(pid));
      },
    );
  }

  visitedTest(
    `a multi_call of ${release} is told that a mailbox is full`,
    async ({ node, peer }) => {
      const pid = node.spawn(() => new Promise(() => {}), {
        register: "refusing",
        mailbox: { max: 1 },
      });
      node.send(pid, 1);
      await settle();
      node.send(pid, 2);
      const asked = ask(peer, pid, atom("nonsense"), (monitor) => tagOf(peer, monitor));
      assertEquals((await fired(peer, asked)).map(([place]) => place), [1]);
      node.exit(pid, atom("kill"));
    },
  );
}

visitedTest("no other monitor fires for a caller that has given up", async ({ node, peer }) => {
  const { pid } = await node.start(Refusing, [], { register: "refusing" });
  for (const tag of [peer.ref(), tuple(peer.ref(), atom(peer.name)) as Term, 5]) {
    assertEquals(await fired(peer, ask(peer, pid, atom("nonsense"), () => tag)), []);
  }
});

// Nodes of which nothing is known

visitedTest(
  "a refused call leaves nothing of a node that its caller only names",
  async ({ node, peer }) => {
    await node.start(Refusing, [], { register: "refusing" });
    const forged = atom("forged@localhost");
    const [caller, ref] = [new Pid(forged, 1, 0, 5), new Ref(forged, 5, [1, 2, 3])];
    for (const tag of [new ImproperList([ALIAS], ref), ref] as Term[]) {
      const message = tuple(GEN_CALL, tuple(caller, tag), atom("nonsense")) as unknown as Term;
      peer.send([CONTROL.REG_SEND, peer.pid(), atom(""), atom("refusing")], message);
    }
    await acted(peer);
    await node.call({ name: "refusing", node: NODE.name }, atom("nonsense")).catch(() => {});
    assertStrictEquals(node._core.remotes.known(forged.name), undefined);
    assert(node._core.remotes.known(peer.name) !== undefined);
  },
);

testNothingIsLeft();
