/**
 * What stages say to another node, signal by signal and in its order: a peer that is made by hand on the other side, so that monitors and
 * their ends are seen too. The sequences are those that GenStage itself was seen to send.
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { CONTROL, CONTROL_MESSAGES } from "../../../lib/dist/control.ts";
import {
  atom,
  type Encodable,
  format,
  type Node,
  type Pid,
  type Ref,
  type Term,
  tuple,
} from "../../../mod.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { ended, KILL, NOPROC, SHUTDOWN } from "../../node/_nodes.ts";
import { acted, visitedTest } from "../../node/remote/_hand_made.ts";
import {
  askTerm,
  cancelTerm,
  Counter,
  instance,
  Keeper,
  keywords,
  subscribeTerm,
} from "./_stages.ts";

const BYE = atom("bye");
const NAME = atom("Elixir.Counter");
const DUPLICATED = "duplicated_subscription";
const UNKNOWN = "unknown_subscription";

/** The stages of a test: one of ours, one of the peer. */
class Wire {
  readonly #peer: HandMade;
  readonly #names: Map<string, string> = new Map();
  #refs = 0;
  /** The last monitor that came. */
  monitor: Ref | null = null;

  constructor(peer: HandMade, names: Readonly<Record<string, Pid>>) {
    this.#peer = peer;
    for (const [name, pid] of Object.entries(names)) this.#names.set(format(pid), name);
  }

  /** What has come since, when the node has acted on all that was sent: `19 MONITOR_P {C,P,Ref}`, and behind a bar what it carries. */
  async came(): Promise<string[]> {
    await acted(this.#peer);
    await acted(this.#peer); // what a process does about it takes a turn
    return this.#peer.signals.splice(0).map(({ control, payload }) => {
      const [op, ...fields] = control as readonly [number, ...Term[]];
      if (op === CONTROL.MONITOR_P) this.monitor = fields[2] as Ref;
      // To a pid a signal may carry its sender, where both know of that.
      const isSend = op === CONTROL.SEND || op === CONTROL.SEND_SENDER;
      const name = isSend ? "SEND" : CONTROL_MESSAGES.find((one) => one.op === op)!.name;
      const said = isSend ? fields.slice(1) : name === "REG_SEND" ? fields.slice(2) : fields;
      const what = payload === undefined ? "" : ` | ${this.#named(payload)}`;
      return `${name} ${said.map((field) => this.#named(field)).join(",")}${what}`;
    });
  }

  /** With the names of the stages, and references by the order in which they came. */
  #named(term: Term): string {
    return format(term).replaceAll(/(#Ref)?<[^<>]*@[^<>]*>/g, (id) => {
      if (!this.#names.has(id)) this.#names.set(id, `Ref${++this.#refs}`);
      return this.#names.get(id)!;
    });
  }

  name(ref: Ref): void {
    this.#names.set(format(ref), `Ref${++this.#refs}`);
  }
}

/** `{'$gen_consumer', {P, Ref}, What}`, sent by a producer of the peer. */
function say(peer: HandMade, from: Pid, to: Pid, head: string, tag: Ref, what: Term): void {
  const message = tuple(atom(head), tuple(from, tag), what) as unknown as Term;
  peer.send([CONTROL.SEND_SENDER, from, to], message);
}

/** A subscription of a consumer of ours to a producer of the peer, up to its first events. */
async function subscribed(node: Node, peer: HandMade, options: object): Promise<{
  readonly consumer: Pid;
  readonly producer: Pid;
  readonly keeps: Keeper;
  readonly tag: Ref;
  readonly monitor: Ref;
  readonly wire: Wire;
  say(what: Term): void;
}> {
  const ref = await node.start(Keeper, []);
  const producer = peer.pid();
  const wire = new Wire(peer, { C: ref.pid, P: producer });
  const tag = await ref.subscribe({ name: NAME.name, node: peer.name }, options);
  const [monitor, subscribe, ask] = await wire.came();
  assertEquals(monitor, "MONITOR_P C,'Elixir.Counter',Ref1");
  const { maxDemand = 1_000 } = options as { maxDemand?: number };
  assertEquals(ask, `REG_SEND 'Elixir.Counter' | {'$gen_producer',{C,Ref1},{ask,${maxDemand}}}`);
  const start = "REG_SEND 'Elixir.Counter' | {'$gen_producer',{C,Ref1},{subscribe,nil,[";
  assertEquals(subscribe.slice(0, start.length), start);
  const theirs = peer.ref();
  wire.name(theirs);
  peer.send([CONTROL.MONITOR_P, producer, ref.pid, theirs]);
  const keeps = instance(node, ref, Keeper);
  return {
    consumer: ref.pid,
    producer,
    keeps,
    tag,
    monitor: theirs,
    wire,
    say: (what) => say(peer, producer, ref.pid, "$gen_consumer", tag, what),
  };
}

const FOUR = { minDemand: 2, maxDemand: 4, cancel: "temporary" } as const;

visitedTest("our consumer, their producer: demand, and a cancel of ours", async (visited) => {
  const { node, peer } = visited;
  const { keeps, wire, say, producer, consumer, monitor } = await subscribed(node, peer, FOUR);
  say([0, 1, 2, 3]);
  assertEquals(await wire.came(), [
    "SEND P | {'$gen_producer',{C,Ref1},{ask,2}}",
    "SEND P | {'$gen_producer',{C,Ref1},{ask,2}}",
  ]);
  assertEquals(keeps.batches, [[0, 1], [2, 3]]);
  keeps.cancel(keeps.producers[0], BYE);
  assertEquals(await wire.came(), ["SEND P | {'$gen_producer',{C,Ref1},{cancel,bye}}"]);
  assertEquals(keeps.cancelled, []);
  peer.send([CONTROL.DEMONITOR_P, producer, consumer, monitor]);
  say(cancelTerm(BYE));
  assertEquals(await wire.came(), ["DEMONITOR_P C,'Elixir.Counter',Ref1"]);
  assertEquals(keeps.cancelled, [{ kind: "cancel", reason: BYE }]);
  say([4]); // of a subscription that is over
  assertEquals(await wire.came(), [`SEND P | {'$gen_producer',{C,Ref1},{cancel,${UNKNOWN}}}`]);
});

visitedTest(
  "our consumer, their producer: what is subscribed says all options",
  async (visited) => {
    const { node, peer } = visited;
    const ref = await node.start(Keeper, []);
    const wire = new Wire(peer, { C: ref.pid });
    const to = { name: NAME.name, node: peer.name };
    const tag = await ref.subscribe(to, { ...FOUR, partition: "left", extra: { topic: 1 } });
    await ref.resubscribe(tag, BYE, to, { cancel: "temporary" });
    assertEquals(await wire.came(), [
      "MONITOR_P C,'Elixir.Counter',Ref1",
      "REG_SEND 'Elixir.Counter' | {'$gen_producer',{C,Ref1},{subscribe,nil," +
      "[{min_demand,2},{max_demand,4},{cancel,temporary},{partition,left},{topic,1}]}}",
      "REG_SEND 'Elixir.Counter' | {'$gen_producer',{C,Ref1},{ask,4}}",
      "MONITOR_P C,'Elixir.Counter',Ref2",
      "REG_SEND 'Elixir.Counter' | {'$gen_producer',{C,Ref2},{subscribe,{Ref1,bye},[{cancel,temporary}]}}",
      "REG_SEND 'Elixir.Counter' | {'$gen_producer',{C,Ref2},{ask,1000}}",
    ]);
  },
);

visitedTest("our consumer dies", async ({ node, peer }) => {
  const { consumer, wire, say } = await subscribed(node, peer, {});
  say([1]);
  assertEquals(await wire.came(), []);
  node.exit(consumer, KILL);
  assertEquals(await wire.came(), [
    "DEMONITOR_P C,'Elixir.Counter',Ref1",
    "PAYLOAD_MONITOR_P_EXIT C,P,Ref2 | killed",
  ]);
  say(cancelTerm(atom("killed"))); // as GenStage does: to nobody
  assertEquals(await wire.came(), []);
});

for (const cancel of ["permanent", "temporary"] as const) {
  visitedTest(`their producer stops, the subscription is ${cancel}`, async ({ node, peer }) => {
    const { consumer, producer, monitor, tag, wire, keeps } = await subscribed(node, peer, {
      cancel,
    });
    const over = ended(node, consumer);
    peer.send([CONTROL.DEMONITOR_P, producer, consumer, monitor]);
    peer.send([CONTROL.PAYLOAD_MONITOR_P_EXIT, NAME, consumer, tag], SHUTDOWN);
    assertEquals(await wire.came(), []);
    assertEquals(keeps.cancelled, [{ kind: "down", reason: SHUTDOWN }]);
    if (cancel === "permanent") assertStrictEquals(await over, SHUTDOWN);
    else assertEquals(keeps.producers, []);
  });
}

visitedTest(
  "nobody has the name: what was asked for is on its way already",
  async ({ node, peer }) => {
    const { consumer, tag, keeps } = await subscribed(node, peer, {});
    const over = ended(node, consumer);
    peer.send([CONTROL.PAYLOAD_MONITOR_P_EXIT, NAME, consumer, tag], NOPROC);
    assertStrictEquals(await over, NOPROC);
    assertEquals(keeps.cancelled, [{ kind: "down", reason: NOPROC }]);
  },
);

/** A subscription of a consumer of the peer to a producer of ours. */
async function subscribes(node: Node, peer: HandMade): Promise<{
  readonly counter: Counter;
  readonly producer: Pid;
  readonly consumer: Pid;
  readonly tag: Ref;
  readonly wire: Wire;
  /** To the name, as long as its pid is not known. */
  byName(what: Term, tag?: Ref): void;
  byPid(what: Term, tag?: Ref): void;
}> {
  const { pid: producer } = await node.start(Counter, [{}, 100], { register: "counter" });
  const [consumer, tag] = [peer.pid(), peer.ref()];
  const wire = new Wire(peer, { C: consumer, P: producer });
  wire.name(tag);
  const byName = (what: Term, one = tag): void => {
    const message = tuple(atom("$gen_producer"), tuple(consumer, one), what) as unknown as Term;
    peer.send([CONTROL.REG_SEND, consumer, atom(""), atom("counter")], message);
  };
  peer.send([CONTROL.MONITOR_P, consumer, atom("counter"), tag]);
  byName(subscribeTerm(keywords({ min_demand: 2, max_demand: 4, cancel: atom("temporary") })));
  byName(askTerm(4));
  assertEquals(await wire.came(), [
    "MONITOR_P P,C,Ref2",
    "SEND C | {'$gen_consumer',{P,Ref1},[0,1,2,3]}",
  ]);
  return {
    counter: instance(node, { pid: producer }, Counter),
    producer,
    consumer,
    tag,
    wire,
    byName,
    byPid: (what, one = tag) => say(peer, consumer, producer, "$gen_producer", one, what),
  };
}

visitedTest("their consumer, our producer: demand, and a cancel of theirs", async (visited) => {
  const { node, peer } = visited;
  const { wire, byPid, counter } = await subscribes(node, peer);
  byPid(askTerm(2));
  byPid(askTerm(2));
  assertEquals(await wire.came(), [
    "SEND C | {'$gen_consumer',{P,Ref1},[4,5]}",
    "SEND C | {'$gen_consumer',{P,Ref1},[6,7]}",
  ]);
  byPid(cancelTerm(BYE));
  assertEquals(await wire.came(), [
    "DEMONITOR_P P,C,Ref2",
    "SEND C | {'$gen_consumer',{P,Ref1},{cancel,bye}}",
  ]);
  assertEquals(counter.cancelled, [{ kind: "cancel", reason: BYE }]);
  byPid(cancelTerm(BYE)); // not answered
  byPid(askTerm(1));
  assertEquals(await wire.came(), [`SEND C | {'$gen_consumer',{P,Ref1},{cancel,${UNKNOWN}}}`]);
});

visitedTest("their consumer subscribes twice, and with an unknown tag", async ({ node, peer }) => {
  const { wire, byName, byPid, counter } = await subscribes(node, peer);
  byName(subscribeTerm());
  assertEquals(await wire.came(), [`SEND C | {'$gen_consumer',{P,Ref1},{cancel,${DUPLICATED}}}`]);
  const other = peer.ref();
  wire.name(other);
  byPid(askTerm(5), other);
  assertEquals(await wire.came(), [`SEND C | {'$gen_consumer',{P,Ref3},{cancel,${UNKNOWN}}}`]);
  byPid(askTerm(1)); // the first one is as it was
  assertEquals(await wire.came(), ["SEND C | {'$gen_consumer',{P,Ref1},[4]}"]);
  assertEquals(counter.consumers.length, 1);
});

visitedTest("their consumer resubscribes", async ({ node, peer }) => {
  const { wire, byPid, tag, consumer, counter } = await subscribes(node, peer);
  const next = peer.ref();
  wire.name(next);
  peer.send([CONTROL.MONITOR_P, consumer, atom("counter"), next]);
  byPid(subscribeTerm([], tuple(tag, BYE) as unknown as Term), next);
  byPid(askTerm(2), next);
  assertEquals(await wire.came(), [
    "DEMONITOR_P P,C,Ref2",
    "SEND C | {'$gen_consumer',{P,Ref1},{cancel,bye}}",
    "MONITOR_P P,C,Ref4",
    "SEND C | {'$gen_consumer',{P,Ref3},[4,5]}",
  ]);
  assertEquals(counter.cancelled, [{ kind: "cancel", reason: BYE }]);
});

visitedTest("their consumer dies", async ({ node, peer }) => {
  const { consumer, producer, tag, wire, counter } = await subscribes(node, peer);
  peer.send([CONTROL.DEMONITOR_P, consumer, atom("counter"), tag]);
  peer.send([CONTROL.PAYLOAD_MONITOR_P_EXIT, consumer, producer, wire.monitor!], atom("killed"));
  assertEquals(await wire.came(), ["SEND C | {'$gen_consumer',{P,Ref1},{cancel,killed}}"]);
  assertEquals(counter.cancelled, [{ kind: "down", reason: atom("killed") }]);
});

visitedTest(
  "our producer stops: its name is in the signal, not its pid",
  async ({ node, peer }) => {
    const { producer, wire } = await subscribes(node, peer);
    node.exit(producer, SHUTDOWN);
    assertEquals(await wire.came(), [
      "DEMONITOR_P P,C,Ref2",
      "PAYLOAD_MONITOR_P_EXIT counter,C,Ref1 | shutdown",
    ]);
  },
);

visitedTest("their consumer subscribes to nobody", async ({ peer }) => {
  const [consumer, tag] = [peer.pid(), peer.ref()];
  const wire = new Wire(peer, { C: consumer });
  wire.name(tag);
  peer.send([CONTROL.MONITOR_P, consumer, atom("nope"), tag]);
  const ask = tuple(atom("$gen_producer"), tuple(consumer, tag), askTerm(1_000)) as Encodable;
  peer.send([CONTROL.REG_SEND, consumer, atom(""), atom("nope")], ask as Term);
  assertEquals(await wire.came(), ["PAYLOAD_MONITOR_P_EXIT nope,C,Ref1 | noproc"]);
});

visitedTest(
  "hostile values end nothing, and nobody gets what was not asked for",
  async (visited) => {
    const { node, peer } = visited;
    const { wire, byPid, producer, counter } = await subscribes(node, peer);
    for (const count of [0, -1, -(2 ** 53), -(2n ** 80n), 1.5, atom("infinity"), [], null]) {
      byPid(askTerm(count as Term));
    }
    byPid(tuple(atom("ask"), 1, 2) as Term);
    byPid(tuple(atom("subscribe"), tuple(1, 2), []) as unknown as Term);
    byPid(tuple(atom("cancel")) as unknown as Term);
    byPid([1, 2, 3]);
    assertEquals(await wire.came(), []);
    for (let i = 0; i < 3; i++) byPid(askTerm(2n ** 80n)); // all there is
    const [signal, ...more] = await wire.came();
    assertEquals(more, []);
    assertEquals(signal.startsWith("SEND C | {'$gen_consumer',{P,Ref1},[4,5,6,"), true, signal);
    assertEquals([counter.next, node._core.process(producer) === undefined], [100, false]);
  },
);

testNothingIsLeft();
