import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid, Ref } from "../../../lib/etf/identifiers.ts";
import { SchemaError } from "../../../lib/etf/schema/errors.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { event, type EventItem } from "../../../lib/gen/events/event.ts";
import { Events } from "../../../lib/gen/events/events.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import type { EventsRef } from "../../../lib/gen/events/events_ref.ts";
import type { Publisher } from "../../../lib/gen/events/publisher.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import { NameError, ProcessExitedError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { clusterTest, inbox, pack, settle } from "../../node/_cluster.ts";
import { BOOM, collector, ended, idler, KILL, nodeTest, spawned } from "../../node/_nodes.ts";

const numbers = event("numbers", t.integer);
const texts = event("texts", t.text);

function start(node: Node): Promise<EventsRef> {
  return node.start(Events, [], { register: "events" });
}

/** What a subscriber gets, as short texts. */
function words(item: EventItem<unknown>): string {
  switch (item.type) {
    case "event":
      return String(item.value);
    case "dropped":
      return `dropped ${item.count}`;
    case "invalid":
      return `invalid ${item.error.found}`;
    case "down":
      return `down ${format(item.reason)}`;
  }
}

/** Reads items until there are no more, or so many have come. */
async function read(
  stream: AsyncIterable<EventItem<unknown>>,
  count = Infinity,
): Promise<string[]> {
  const got: string[] = [];
  for await (const item of stream) {
    got.push(words(item));
    if (got.length >= count) break;
  }
  return got;
}

nodeTest("what is kept comes first, then all that is published, in order", async (lone) => {
  const { node, platform } = lone;
  const events = await start(node);
  const publisher = events.registerEvent(node, numbers, { buffer: 2 });
  for (const n of [1, 2, 3]) assertEquals(publisher.publish(n), 0);
  const early = events.streamEvent(numbers);
  const got: string[] = [];
  const process = await spawned(node, (self) => {
    return events.monitorEvent(self, numbers, (item) => got.push(words(item)));
  });
  assertEquals(publisher.publish(4), 2);
  publisher.publish(5);
  const late = events.streamEvent(numbers);
  publisher.publish(6);
  process.value[Symbol.dispose]();
  process.value[Symbol.dispose]();
  publisher.publish(7);
  publisher.close();
  assertEquals(await read(early), ["2", "3", "4", "5", "6", "7", "down normal"]);
  assertEquals(await read(late), ["4", "5", "6", "7", "down normal"]);
  await platform.settle();
  assertEquals(got, ["2", "3"]); // nothing is called once it is disposed, also what had come
  assertThrows(() => publisher.publish(8), Error, "it has ended");
  assertEquals(publisher.isOpen, false);
});

nodeTest("a process gets items in its turns, until it ends", async ({ node, platform }) => {
  const events = await start(node);
  const publisher = events.registerEvent(node, numbers);
  const got: string[] = [];
  let running = 0;
  const { pid } = await spawned(node, (self) =>
    events.monitorEvent(self, numbers, async (item) => {
      assertEquals(running++, 0);
      await Promise.resolve();
      running--;
      got.push(words(item));
    }));
  for (const n of [1, 2, 3]) publisher.publish(n);
  await platform.settle();
  assertEquals(got, ["1", "2", "3"]);
  node.exit(pid, KILL);
  assertEquals(publisher.publish(4), 0);
  const other = await spawned(
    node,
    (self) => events.monitorEvent(self, numbers, (item) => got.push(words(item))),
  );
  publisher.close(atom("enough"));
  await platform.settle();
  assertEquals(got.slice(3), ["down enough"]);
  assert(node.isAlive(other.pid));
});

nodeTest("a link ends the process with the event", async ({ node, platform }) => {
  const events = await start(node);
  const owner = await spawned(node, (self) => events.registerEvent(self, numbers));
  const got: string[] = [];
  const linked = await spawned(
    node,
    (self) => events.linkEvent(self, numbers, (item) => got.push(words(item))),
  );
  const trapping = collector(node, (self) => {
    self.trapExit = true;
    events.linkEvent(self, numbers, () => {});
  });
  await platform.settle();
  owner.value.publish(1);
  await platform.settle();
  const end = ended(node, linked.pid);
  node.exit(owner.pid, BOOM);
  assertEquals(await end, BOOM);
  await platform.settle();
  assertEquals(got, ["1"]);
  assertEquals(format(trapping.got as Term), `[{'EXIT',${format(events.target as Pid)},boom}]`);
  node.exit(trapping.pid, KILL);
  const nobody = await spawned(node, (self) => events.linkEvent(self, texts, () => {}));
  assert(!node.isAlive(nobody.pid)); // as a link with a process that is not there
});

nodeTest("the end of the owner, and of the server, is that of the event", async (lone) => {
  const { node } = lone;
  const events = await start(node);
  const owner = await spawned(node, (self) => events.registerEvent(self, numbers));
  const one = events.streamEvent(numbers);
  node.exit(owner.pid, BOOM);
  assertEquals(await read(one), ["down boom"]);
  const pid = idler(node);
  const process = node._core.process(pid)!;
  const publisher = events.registerEvent(
    await spawned(node, (self) => self).then(({ value }) => value),
    numbers,
  );
  const taken = assertThrows(
    () => events.registerEvent(node, numbers),
    NameError,
    "choose another",
  );
  assert(node.isAlive(taken.pid!));
  const two = events.streamEvent(numbers);
  publisher.publish(1);
  node.exit(events.target as Pid, KILL);
  assertEquals(await read(two), ["1", "down killed"]);
  assertThrows(() => publisher.publish(2), Error);
  assertThrows(() => events.registerEvent(node, numbers), ProcessExitedError);
  assertThrows(() => events.streamEvent(numbers), ProcessExitedError);
  assertEquals(process.ownedCount, 0);
});

nodeTest("an event that nobody has registered is down", async ({ node }) => {
  const events = await start(node);
  assertEquals(await read(events.streamEvent(numbers)), ["down no_event"]);
});

nodeTest("the owner is told of the first and the last subscriber", async ({ node, platform }) => {
  const events = await start(node);
  const told: string[] = [];
  const got: Term[] = [];
  let publisher!: Publisher<typeof numbers.schema>;
  node.spawn(async (self) => {
    publisher = events.registerEvent(self, numbers, {
      notify: true,
      onStart: () => told.push("start"),
      onStop: () => told.push("stop"),
    });
    for await (const message of self) got.push(message);
  });
  await platform.settle();
  const [one, two] = [events.streamEvent(numbers), events.streamEvent(numbers)];
  await one.return!();
  await one.return!();
  await platform.settle();
  assertEquals([told, publisher.subscribers], [["start"], 1]);
  await two.return!();
  const { pid } = await spawned(node, (self) => events.monitorEvent(self, numbers, () => {}));
  node.exit(pid, KILL);
  await platform.settle();
  assertEquals(told, ["start", "stop", "start", "stop"]);
  assertEquals(
    format(got),
    "[{event_start,numbers},{event_stop,numbers},{event_start,numbers},{event_stop,numbers}]",
  );
});

nodeTest("a loop that reads too slowly is told what it lost", async ({ node }) => {
  const events = await start(node);
  const publisher = events.registerEvent(node, numbers);
  const stream = events.streamEvent(numbers, { maxQueue: 2 });
  for (const n of [1, 2, 3, 4, 5]) publisher.publish(n);
  assertEquals(await read(stream, 3), ["dropped 3", "4", "5"]);
  const abort = new AbortController();
  const aborted = events.streamEvent(numbers, { signal: abort.signal });
  const reading = read(aborted);
  publisher.publish(6);
  await Promise.resolve();
  abort.abort();
  await reading;
  assertEquals(publisher.subscribers, 0);
  assertEquals(await read(events.streamEvent(numbers, { signal: abort.signal })), []);
  assertThrows(() => events.streamEvent(numbers, { maxQueue: 0 }), RangeError);
});

nodeTest("values are what the schema says", async ({ node }) => {
  const events = await start(node);
  const options = event("options", t.options({ size: t.integer.default(1) }));
  const publisher = events.registerEvent(node, options, { buffer: 5 });
  publisher.publish({ size: 2 });
  publisher.publish({});
  const wrong = event("options", t.integer); // somebody expects something else
  assertThrows(() => publisher.publish({ size: "x" } as never), SchemaError);
  publisher.close();
  const again = events.registerEvent(node, options, { buffer: 5 });
  again.publish({ size: 3 });
  const [stream, mistaken] = [events.streamEvent(options), events.streamEvent(wrong)];
  const { value } = await stream.next();
  assertEquals(value, { type: "event", value: { size: 3 } });
  const invalid = (await mistaken.next()).value;
  assert(invalid?.type === "invalid");
  assertInstanceOf(invalid.error, SchemaError);
  assertThrows(() => event("", t.term), TypeError);
  assertThrows(() => event("x", {} as never), TypeError, "t.term for any term");
  assertThrows(() => events.registerEvent(node, numbers, { buffer: -1 }), RangeError);
});

nodeTest("values are copied where all messages are", async ({ node }) => {
  const events = await start(node);
  const lists = event("lists", t.list(t.integer));
  const publisher = events.registerEvent(node, lists, { buffer: 1 });
  const list = [1, 2];
  publisher.publish(list);
  list.push(3);
  const { value } = await events.streamEvent(lists).next();
  assertEquals(value, { type: "event", value: [1, 2] });
}, { copyMessages: true });

nodeTest("its figures", async ({ node }) => {
  const events = await start(node);
  const publisher = events.registerEvent(node, numbers, { buffer: 3 });
  events.streamEvent(numbers);
  for (const n of [1, 2, 3, 4]) publisher.publish(n);
  const [{ owner, ...figures }] = events.stats();
  assert(owner.equals(node.pid));
  assertEquals(figures, { name: "numbers", published: 4, subscribers: 1, buffered: 3 });
  assertEquals(
    format(await sys.getState(node, events)),
    `[{numbers,${format(node.pid)},4,1,3}]`,
  );
});

clusterTest("subscribers of another node get the same, and count as one", async (a, b) => {
  const [here, there] = [await start(a), await start(b)];
  const owner = await inbox(a);
  const publisher = here.registerEvent(a, numbers, { buffer: 2, notify: false });
  for (const n of [1, 2, 3]) publisher.publish(n);
  const options = { node: a.name };
  const first = there.streamEvent(numbers, options);
  assertEquals(words((await first.next()).value!), "2");
  assertEquals(words((await first.next()).value!), "3");
  publisher.publish(4);
  assertEquals(words((await first.next()).value!), "4");
  const second = there.streamEvent(numbers, options); // the last two are kept there, too
  publisher.publish(5);
  assertEquals(publisher.subscribers, 1);
  assertEquals(await read(second, 3), ["3", "4", "5"]);
  assertEquals(words((await first.next()).value!), "5");
  const got: string[] = [];
  const down = new Promise<void>((resolve) => {
    void spawned(b, (self) =>
      there.monitorEvent(self, numbers, (item) => {
        got.push(words(item));
        if (item.type === "down") resolve();
      }, options));
  });
  await settle();
  publisher.close(atom("enough"));
  await down;
  assertEquals(got, ["4", "5", "down enough"]);
  assertEquals(await read(first), ["down enough"]);
  assertEquals(await read(there.streamEvent(numbers, options)), ["down no_event"]);
  assert(a.isAlive(owner.pid));
});

clusterTest("the last subscriber of a node gives the event back", async (a, b) => {
  const [here, there] = [await start(a), await start(b)];
  const told: string[] = [];
  const owner = await new Promise<Publisher<typeof numbers.schema>>((resolve) => {
    a.spawn(async (self) => {
      resolve(here.registerEvent(self, numbers, {
        onStart: () => told.push("start"),
        onStop: () => told.push("stop"),
      }));
      for await (const _ of self);
    });
  });
  const [one, two] = [1, 2].map(() => there.streamEvent(numbers, { node: a.name }));
  while (told.length < 1) await settle(1);
  await one.return!();
  await two.return!();
  while (told.length < 2) await settle(1);
  assertEquals([told, owner.subscribers], [["start", "stop"], 0]);
  there.streamEvent(numbers, { node: a.name });
  while (told.length < 3) await settle(1);
  await there.stop(); // its monitor tells
  while (told.length < 4) await settle(1);
  assertEquals(told, ["start", "stop", "start", "stop"]);
});

clusterTest("the loss of a node is told to both sides", async (a, b, { reset }) => {
  const [here, there] = [await start(a), await start(b)];
  const publisher = here.registerEvent(a, numbers);
  const stream = there.streamEvent(numbers, { node: a.name });
  const linked = await inbox(b, (self) => {
    self.trapExit = true;
    there.linkEvent(self, numbers, () => {}, { node: a.name });
  });
  while (publisher.subscribers < 1) await settle(1);
  reset();
  assertEquals(await read(stream), ["down noconnection"]);
  assertEquals(format(await linked.next()), `{'EXIT',${format(there.target as Pid)},noconnection}`);
  while (publisher.subscribers > 0) await settle(1);
  const again = there.streamEvent(numbers, { node: a.name });
  while (publisher.subscribers < 1) await settle(1);
  publisher.publish(1);
  await here.stop();
  assertEquals(await read(again), ["1", "down normal"]);
  assertEquals(await read(there.streamEvent(numbers, { node: a.name })), ["down noproc"]);
});

clusterTest("a server without a name has no events of other nodes", async (a, b) => {
  const nameless = await a.start(Events, []);
  const other = { node: b.name };
  assertThrows(() => nameless.streamEvent(numbers, other), Error, "start it with { register");
  const { pid } = await spawned(a, (self) => {
    assertThrows(() => nameless.monitorEvent(self, numbers, () => {}, other));
    assertEquals(self._process.ownedCount, 0);
  });
  assert(a.isAlive(pid));
});

clusterTest("any process subscribes by a call, for itself only", async (a, b, { logs }) => {
  const here = await start(a);
  const publisher = here.registerEvent(a, texts, { buffer: 1 });
  publisher.publish("kept");
  const target = { name: "events", node: a.name };
  const asked = inbox(b, async (self) => {
    const reply = await self.call(target, pack(atom("subscribe"), atom("texts"))) as Term[];
    assertEquals(reply[0], atom("ok"));
    ref = reply[1] as Ref;
  });
  let ref!: Ref;
  const process = await asked;
  publisher.publish("new");
  const [kept, fresh] = await process.take(2);
  assertEquals(format(kept), `{event,${format(ref)},texts,<<"kept">>}`);
  assertEquals(format(fresh), `{event,${format(ref)},texts,<<"new">>}`);
  const none = await b.call(target, pack(atom("subscribe"), atom("nothing")));
  assertEquals(format(none), "{error,no_event}");
  // in the name of somebody else
  a.cast(target, pack(atom("subscribe"), atom("texts"), process.pid, ref));
  b.cast(target, pack(atom("subscribe"), atom("texts"), here.target as Pid, b._core.makeRef()));
  await b.call(target, pack(atom("subscribe"), atom("nothing")));
  assertEquals(publisher.subscribers, 1);
  publisher.close(BOOM);
  assertEquals(format(await process.next()), `{event_down,${format(ref)},texts,boom}`);
  assertEquals(logs.filter((line) => line.includes("dropped a cast")).length, 2);
});

clusterTest("who unsubscribes, or ends, gets nothing more", async (a, b) => {
  const here = await start(a);
  const publisher = here.registerEvent(a, texts);
  const target = { name: "events", node: a.name };
  const refs: Ref[] = [];
  const subscribe = async (): Promise<Awaited<ReturnType<typeof inbox>>> =>
    await inbox(b, async (self) => {
      const reply = await self.call(target, pack(atom("subscribe"), atom("texts"))) as Term[];
      refs.push(reply[1] as Ref);
    });
  const [one, two] = [await subscribe(), await subscribe()];
  assertEquals(publisher.subscribers, 2);
  assertEquals(await b.call(target, pack(atom("unsubscribe"), refs[0])), atom("ok"));
  assertEquals(publisher.subscribers, 1);
  publisher.publish("x");
  await two.next();
  b.exit(two.pid, KILL);
  while (publisher.subscribers > 0) await settle(1);
  b.send(one.pid, "last");
  assertEquals(String(await one.next()), "last");
  await assertRejects(() => b.call(target, atom("something")), Error, "Events takes {subscribe");
});

clusterTest("events of a node that nobody has asked it for are ignored", async (a, b) => {
  const [here, there] = [await start(a), await start(b)];
  const publisher = here.registerEvent(a, numbers);
  const stream = there.streamEvent(numbers, { node: a.name });
  while (publisher.subscribers < 1) await settle(1);
  const ref = b._core.makeRef();
  for (const tag of ["event", "event_down", "event_up", "event_dropped"]) {
    a.send({ name: "events", node: b.name }, pack(atom(tag), ref, atom("numbers"), 7));
  }
  publisher.publish(1);
  publisher.close();
  assertEquals(await read(stream), ["1", "down normal"]);
});

clusterTest("a publisher's node says nothing that is no sense", async (a, b, { logs }) => {
  const there = await start(b);
  const fake = await inbox(a, undefined, "events"); // in the place of a server of events
  const stream = there.streamEvent(numbers, { node: a.name });
  const [, request] = await fake.next() as Term[];
  const [subscribe, name, pid, ref] = request as Term[];
  assertEquals([format(subscribe), format(name)], ["subscribe", "numbers"]);
  const say = (tag: string, what: Term): void => {
    a.send(pid as Pid, pack(atom(tag), ref, name, what));
  };
  for (const bad of [-1, 1.5, "x", 2n ** 70n]) say("event_up", bad);
  say("event_dropped", atom("many"));
  say("event_up", 2 ** 40);
  say("event", "no number");
  say("event", 1);
  say("event_down", atom("enough"));
  assertEquals(await read(stream), ["invalid a binary of 9 bytes", "1", "down enough"]);
  assertEquals(logs.filter((line) => line.includes("dropped a message")).length, 5);
});

clusterTest(
  "a node that takes values too slowly loses the oldest, and is told",
  async (a, b, all) => {
    const here = await a.start(Events, [{ maxWaiting: 3 }], { register: "events" });
    const there = await start(b);
    const blobs = event("blobs", t.tuple(t.integer, t.bytes));
    const publisher = here.registerEvent(a, blobs);
    const stream = there.streamEvent(blobs, { node: a.name });
    while (publisher.subscribers < 1) await settle(1);
    const blob = new Uint8Array(400_000);
    for (let n = 0; n < 40; n++) publisher.publish(tuple(n, blob)); // at once: nothing is written meanwhile
    const seen: number[] = [];
    let dropped = 0;
    for await (const item of stream) {
      if (item.type === "dropped") dropped += item.count;
      if (item.type === "event") seen.push(item.value[0]);
      if (seen.at(-1) === 39) break;
    }
    assert(dropped > 0, "values were dropped");
    assertEquals(seen.length + dropped, 40); // none is lost without a word
    assertEquals(seen, seen.toSorted((x, y) => x - y));
    assertEquals(seen.slice(-3), [37, 38, 39]);
    assertEquals(all.logs.filter((line) => line.includes("takes its values too slowly")).length, 1);
  },
);

nodeTest("misspelt options, and what is no process, are refused", async ({ node }) => {
  const events = await node.start(Events, [], { register: "events" });
  const counts = event("counts", t.integer);
  const text = "may be meant";
  const wrong = { maxWaitng: 1 } as never;
  await assertRejects(() => node.start(Events, [wrong]), Error, "maxWaiting may be meant");
  assertThrows(() => events.registerEvent(node, counts, { bufer: 1 } as never), TypeError, text);
  assertThrows(() => events.streamEvent(counts, { maxQeue: 1 } as never), TypeError, text);
  assertThrows(() => events.registerEvent({} as never, counts), TypeError, "register an event");
  const nobody = node as never;
  assertThrows(
    () => events.monitorEvent(nobody, counts, () => {}),
    TypeError,
    "a process is needed",
  );
  await node.start(
    class extends GenServer {
      override init(): void {
        const misspelt = { nod: "a@b" } as never;
        assertThrows(() => events.monitorEvent(this, counts, () => {}, misspelt), TypeError, text);
      }
    },
    [],
  );
  assertEquals(events.stats(), []);
});
