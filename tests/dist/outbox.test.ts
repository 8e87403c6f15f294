import { setImmediate as macrotask } from "node:timers/promises";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Connection,
  type ConnectionDown,
  type ConnectionOptions,
} from "../../lib/dist/connection.ts";
import { CONTROL, type Control, type OutgoingControl } from "../../lib/dist/control.ts";
import { FLAGS } from "../../lib/dist/flags.ts";
import { FRAGMENT } from "../../lib/dist/large_message.ts";
import { DELIVERED } from "../../lib/dist/order.ts";
import { atom } from "../../lib/etf/atom.ts";
import { EncodeError } from "../../lib/etf/errors.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import type { Stream } from "../../lib/transport/contract.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { FakeStream } from "../_support/fake_stream.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const MIB = 1024 * 1024;
const NEAR = atom("near@b");
const FAR = atom("far@b");
const UNUSED = atom("");
const CACHE = FLAGS.DIST_HDR_ATOM_CACHE.value;
const FRAGMENTS = FLAGS.FRAGMENTS.value;

const near = (id: number): Pid => new Pid(NEAR, id, 0, 1);
const far = (id: number): Pid => new Pid(FAR, id, 0, 1);

interface Pair {
  /** What sends. */
  readonly out: Connection;
  /** What has come, in its order. */
  readonly signals: (readonly [Control, Term | undefined])[];
  readonly busy: boolean[];
  readonly downs: ConnectionDown[];
  readonly logs: string[];
  /** The other end reads, or does not. */
  reads(on: boolean): void;
  /** Lets things happen until it holds. */
  until(condition: () => boolean): Promise<void>;
}

/** A stream that takes everything, and keeps whether it was to go at once. */
class LoggedStream extends FakeStream {
  readonly writes: boolean[] = [];

  override write(_bytes: Uint8Array, now = false): boolean {
    this.writes.push(now);
    return true;
  }
}

/** Two ends of a connection over a network in memory. */
async function pairTest(
  body: (pair: Pair) => Promise<void>,
  options: Partial<ConnectionOptions> & { readonly flags?: bigint; readonly window?: number } = {},
): Promise<void> {
  const { flags = CACHE | FRAGMENTS, window = 100_000 } = options;
  const network = memoryNetwork({ window });
  const { promise, resolve } = Promise.withResolvers<Stream>();
  const listener = await network.listen({ port: 0 }, resolve);
  const stream = await network.connect({ host: "localhost", port: listener.address.port });
  const other = await promise;
  await listener.close();
  const logs: string[] = [];
  const shared = await defaultPlatform();
  const platform = { ...shared, log: (_: string, text: string) => void logs.push(text) };
  const established = (peer: string, of: Stream) => ({
    stream: of,
    result: { peer, peerCreation: 1, flags, hidden: true },
  } as unknown as ConstructorParameters<typeof Connection>[0]);
  const [signals, busy, downs] = [[] as Pair["signals"], [] as boolean[], [] as ConnectionDown[]];
  const settings = { platform, ...options };
  const out = new Connection(established("far@b", stream), settings, {
    signal() {},
    busy: (now) => void busy.push(now),
    down: (down) => void downs.push(down),
  });
  const into = new Connection(established("near@b", other), { platform, maxSequenceBytes: 1e9 }, {
    signal: (control, payload) => void signals.push([control, payload]),
    busy() {},
    down: (down) => void downs.push(down),
  });
  try {
    await body({
      ...{ out, signals, busy, downs, logs },
      reads: (on) => on ? other.resume() : other.pause(),
      async until(condition) {
        for (let turn = 0; !condition(); turn++) {
          assert(turn < 100_000, "it never came true");
          await macrotask();
        }
      },
    });
  } finally {
    out.destroy();
    into.destroy();
    await Promise.all([out.closed, into.closed]);
  }
}

function send(from: Pid, to: Pid): OutgoingControl {
  return [CONTROL.SEND_SENDER, from, to];
}

const large = new Uint8Array(5 * FRAGMENT);

/** The numbers in messages `{N, ...}`, in the order in which they came. */
function numbers(pair: Pair): number[] {
  return pair.signals.map(([, payload]) =>
    typeof payload === "number" ? payload : (payload as Term[])[0] as number
  );
}

// ---- who waits for whom

test("small messages pass a large one, but not of the same sender to the same receiver", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    out.send(send(near(1), far(1)), tuple(1, large));
    out.send(send(near(1), far(1)), 2); //  waits
    out.send(send(near(1), far(2)), 3); //  another receiver
    out.send(send(near(2), far(1)), 4); //  another sender
    out.send(send(near(1), far(1)), 5); //  waits
    out.send([CONTROL.REG_SEND, near(2), UNUSED, atom("name")], 6);
    await pair.until(() => pair.signals.length === 6);
    assertEquals(numbers(pair), [3, 4, 6, 1, 2, 5]);
  }));

test("two names are two receivers; a name and a pid may be one", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    const name = (text: string): OutgoingControl => [CONTROL.REG_SEND, near(1), UNUSED, atom(text)];
    out.send(name("one"), tuple(1, large));
    out.send(name("two"), 2);
    out.send(name("one"), 3); //  waits
    out.send(send(near(1), far(1)), 4); //  waits
    out.send(name("two"), 5); //  waits behind that, which may be "two"
    await pair.until(() => pair.signals.length === 5);
    assertEquals(numbers(pair), [2, 1, 3, 4, 5]);
  }));

test("an alias may be any process, unless its owner is told", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    const alias = (
      n: number,
    ): OutgoingControl => [CONTROL.ALIAS_SEND, near(1), new Ref(FAR, 1, [n])];
    out.send(alias(1), tuple(1, large), far(1));
    out.send(alias(2), 2, far(2));
    out.send(alias(3), 3, far(1)); //  waits
    out.send(send(near(1), far(2)), 4);
    out.send(alias(4), 5); //  waits, and all that follows
    out.send(alias(2), 6, far(2));
    await pair.until(() => pair.signals.length === 6);
    assertEquals(numbers(pair), [2, 4, 1, 3, 5, 6]);
  }));

test("what asks whether a signal has arrived goes the way of that one", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    const name = (text: string): OutgoingControl => [CONTROL.REG_SEND, near(1), UNUSED, atom(text)];
    let asked = 0;
    const ask = (): unknown =>
      out.send([CONTROL.MONITOR_P, near(1), DELIVERED, new Ref(NEAR, 1, [asked++])]);
    out.send(name("one"), tuple(1, large));
    ask(); //  0, waits
    out.send(name("two"), 2);
    ask(); //  1
    out.send(name("one"), 3); //  waits
    ask(); //  2, waits
    out.send(send(near(1), far(1)), 4); //  waits, and all that follows
    ask(); //  3
    out.send(name("two"), tuple(5, large));
    ask(); //  4
    out.send(send(near(2), far(1)), 6);
    await pair.until(() => pair.signals.length === 11);
    const seen = pair.signals.map(([control, payload]) =>
      control[0] === CONTROL.MONITOR_P
        ? `asked ${(control[3] as Ref).words[0]}`
        : Array.isArray(payload)
        ? payload[0]
        : payload
    );
    assertEquals(seen, [2, "asked 1", 6, 1, "asked 0", 3, "asked 2", 4, "asked 3", 5, "asked 4"]);
  }));

test("links, monitors and exits keep the order of their pair, too", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    const ref = new Ref(NEAR, 1, [1]);
    out.send(send(near(1), far(1)), tuple(1, large));
    out.send([CONTROL.LINK, near(1), far(1)]);
    out.send([CONTROL.LINK, near(1), far(2)]);
    out.send([CONTROL.UNLINK_ID, 7, near(1), far(1)]);
    out.send([CONTROL.UNLINK_ID, 8, near(1), far(2)]);
    out.send([CONTROL.MONITOR_P, near(1), far(1), ref]);
    out.send([CONTROL.PAYLOAD_MONITOR_P_EXIT, atom("name"), far(1), ref], 3, null, near(1));
    out.send([CONTROL.PAYLOAD_EXIT, near(1), far(1)], 4);
    out.send(
      [CONTROL.SPAWN_REQUEST, ref, near(1), near(1), tuple(UNUSED, UNUSED, 0) as never, []],
      [],
    );
    await pair.until(() => pair.signals.length === 9);
    const ops = pair.signals.map(([control]) => control[0]);
    assertEquals(ops, [1, 35, 29, 22, 1, 35, 19, 28, 24]);
    assert((pair.signals[0][0][2] as Pid).equals(far(2)));
  }));

test("a value that is no term is the sender's error, also where it would wait", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    out.send(send(near(1), far(1)), tuple(1, large));
    const bad = [new Date()] as unknown as Encodable;
    assertThrows(() => out.send(send(near(1), far(1)), bad), EncodeError);
    assertThrows(() => out.send(send(near(2), far(1)), bad), EncodeError);
    const changed = [2];
    out.send(send(near(1), far(1)), changed);
    changed[0] = 99;
    await pair.until(() => pair.signals.length === 2);
    assertEquals(numbers(pair), [1, 2]);
    assertEquals(out.stats.messagesOut, 2);
  }));

test("large messages of many senders go side by side, and small ones between their pieces", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    for (let i = 1; i <= 5; i++) out.send(send(near(i), far(1)), tuple(i, new Uint8Array(4 * MIB)));
    assertEquals(out.stats.sequencesOut, 5);
    let small = 100;
    // A small message each time that something has come.
    await pair.until(() => {
      if (pair.signals.length === small - 100) out.send(send(near(9), far(1)), small++);
      return numbers(pair).some((n) => n <= 5);
    });
    assert(small > 110, `${small - 100} small ones`);
    await pair.until(() => pair.signals.length === 5 + small - 100);
    assertEquals(out.stats.sequencesOut, 0);
    assertEquals(out.queued, 0);
    assertEquals(numbers(pair).filter((n) => n <= 5), [1, 2, 3, 4, 5]);
  }));

// ---- the property

/** Random, and the same in each run of a seed. */
function randomOf(seed: number): (n: number) => number {
  let state = seed * 2654435761 >>> 0 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const MODES = [
  ["header and cache", CACHE | FRAGMENTS],
  ["fragments", FRAGMENTS],
  ["cache", CACHE],
  ["neither", 0n],
] as const;

for (const [what, flags] of MODES) {
  for (const seed of [1, 2, 3, 4]) {
    test(`every pair's order holds and nothing is lost, ${what}, seed ${seed}`, () =>
      pairTest(async (pair) => {
        const random = randomOf(seed * 1000 + Number(flags & 0xffffn));
        const { out } = pair;
        // Receivers 0 to 3 are pids; 0 and 1 have a name, and each has aliases.
        const names = [atom("name_0"), atom("name_1")];
        const sent: number[][] = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
        const total = 600;
        for (let i = 0; i < total; i++) {
          const [from, to] = [random(4), random(4)];
          const size = random(12) === 0 ? random(4 * FRAGMENT) : random(200);
          const words = Array.from({ length: random(3) }, () => atom(`word_${random(3000)}`));
          const payload = tuple(from, to, ++sent[from][to], new Uint8Array(size), words);
          const [sender, receiver] = [near(from), far(to)];
          const alias = new Ref(FAR, 1, [to, random(5)]);
          const way = random(10);
          if (way < 2 && to < 2) out.send([CONTROL.REG_SEND, sender, UNUSED, names[to]], payload);
          else if (way < 4) out.send([CONTROL.ALIAS_SEND, sender, alias], payload, receiver);
          else if (way < 5) out.send([CONTROL.ALIAS_SEND, sender, alias], payload);
          else if (way < 6) out.send([CONTROL.PAYLOAD_EXIT2, sender, receiver], payload);
          else out.send(send(sender, receiver), payload);
          if (random(5) === 0) await macrotask();
          if (random(40) === 0) pair.reads(false);
          if (random(20) === 0) pair.reads(true);
        }
        pair.reads(true);
        await pair.until(() => pair.signals.length === total);
        const seen: number[][] = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
        for (const [, payload] of pair.signals) {
          const [from, to, n] = payload as number[];
          assertEquals(n, ++seen[from][to], `${from} to ${to}`);
        }
        assertEquals(seen, sent);
        assertEquals([out.queued, out.busy, out.stats.sequencesOut], [0, false, 0]);
        assertEquals(pair.downs, []);
      }, { flags, window: 1 + (seed * 37_123) % 300_000 }));
  }
}

// ---- back-pressure

test("a queue that is full refuses more until the other end has read", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    pair.reads(false);
    let taken = 0;
    const piece = new Uint8Array(50_000);
    while (out.offer(send(near(1), far(1)), tuple(taken, piece))) {
      taken++;
      assert(out.queued <= 2 * MIB, `${out.queued} bytes`);
      if (taken % 7 === 0) await macrotask();
    }
    assert(out.busy);
    assert(out.queued > 1.9 * MIB);
    const before = out.stats;
    assert(!out.offer(send(near(1), far(1)), piece));
    assertEquals(out.stats, before);
    assert(!out.queueIsFull, "small ones fit");
    pair.reads(true);
    await pair.until(() => !out.busy);
    assert(out.offer(send(near(1), far(1)), tuple(taken++, piece)));
    await pair.until(() => pair.signals.length === taken);
    assertEquals(numbers(pair), Array.from({ length: taken }, (_, i) => i));
    assertEquals(pair.busy[0], true);
  }, { maxQueue: 2 * MIB }));

test("a message that is larger than the queue may be goes when the connection is not busy", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    assert(out.offer(send(near(1), far(1)), tuple(1, new Uint8Array(9 * MIB))));
    assert(out.busy);
    assert(out.queueIsFull);
    assert(!out.offer(send(near(2), far(1)), 2));
    assert(out.send(send(near(2), far(1)), 3) === false);
    await pair.until(() => !out.busy);
    assert(out.offer(send(near(2), far(1)), tuple(4, new Uint8Array(9 * MIB))));
    await pair.until(() => pair.signals.length === 3);
    assertEquals(numbers(pair), [3, 1, 4]);
    assertEquals(pair.busy, [true, false, true, false]);
  }, { maxQueue: MIB }));

test("signals that cannot be refused may be 16 MiB more, then the connection is given up", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    pair.reads(false);
    const piece = new Uint8Array(200_000);
    while (out.offer(send(near(1), far(1)), piece)) await macrotask();
    let extra = 0;
    while (out.alive) {
      out.send([CONTROL.PAYLOAD_EXIT, near(1), far(1)], piece);
      extra += piece.length;
      assert(extra < 18 * MIB);
      await macrotask();
    }
    assert(extra > 16 * MIB);
    const [down] = pair.downs;
    assertEquals(down.reason, "overloaded");
    assertEquals(pair.logs.length, 1);
    assert(pair.logs[0].includes("Cannot send to far@b: "));
  }, { maxQueue: MIB }));

test("what is sent in a turn is one write, which the system gets at the end of it", async () => {
  const platform = await defaultPlatform();
  const stream = new LoggedStream();
  const flags = CACHE | FRAGMENTS;
  const established = {
    stream,
    result: { peer: "far@b", peerCreation: 1, flags, hidden: true },
  } as unknown as ConstructorParameters<typeof Connection>[0];
  const handler = { signal() {}, busy() {}, down() {} };
  const out = new Connection(established, { platform }, handler);
  out.send([CONTROL.SEND_SENDER, near(1), far(1)], 1);
  out.send([CONTROL.SEND_SENDER, near(1), far(1)], 2);
  assertEquals(stream.writes, []);
  await macrotask();
  assertEquals(stream.writes, [true]);
  // The pieces of a large one, behind which more follows, are left to the stream.
  out.send([CONTROL.SEND_SENDER, near(1), far(1)], new Uint8Array(3 * FRAGMENT));
  await macrotask();
  assert(stream.writes.length > 2);
  assertEquals(stream.writes.slice(1).includes(true), false);
  out.destroy();
});

test("a queue of less than the stream takes at once is refused", async () => {
  const small = pairTest(() => Promise.resolve(), { maxQueue: MIB - 1 });
  const error = await small.then(() => null, (error) => error);
  assert(error instanceof RangeError);
  assert(error.message.includes("maxQueue 1048575"));
});

test("closing sends all pieces and what waits behind them", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    out.send(send(near(1), far(1)), tuple(1, new Uint8Array(3 * MIB)));
    out.send(send(near(1), far(1)), tuple(2, new Uint8Array(3 * MIB)));
    out.send(send(near(1), far(1)), 3);
    out.send(send(near(2), far(1)), tuple(4, new Uint8Array(3 * MIB)));
    out.close();
    await pair.until(() => pair.signals.length === 4);
    assertEquals(numbers(pair).sort(), [1, 2, 3, 4]);
  }));

test("a connection that ends forgets what waits", () =>
  pairTest((pair) => {
    const { out } = pair;
    out.send(send(near(1), far(1)), tuple(1, new Uint8Array(3 * MIB)));
    out.send(send(near(1), far(1)), 2);
    out.destroy();
    assertEquals([out.queued, out.stats.sequencesOut], [0, 0]);
    assert(!out.send(send(near(1), far(1)), 3));
    return Promise.resolve();
  }));

test("whoever hears that a connection is busy may end it", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    const push = pair.busy.push.bind(pair.busy);
    pair.busy.push = (busy) => {
      out.destroy();
      return push(busy);
    };
    out.send(send(near(1), far(1)), tuple(1, new Uint8Array(30 * MIB)));
    await macrotask();
    assertEquals(pair.downs[0], { reason: "disconnected" });
    assertEquals(out.queued, 0);
  }));

// ---- values that send while they are written

/** A map that does something when it is read, as a getter or an iterator may. */
class Doing extends Map<Encodable, Encodable> {
  readonly #then: () => void;

  constructor(then: () => void) {
    super();
    this.#then = then;
  }

  override *[Symbol.iterator](): MapIterator<[Encodable, Encodable]> {
    yield ["a", 1];
    this.#then();
    yield ["b", 2];
  }

  override entries(): MapIterator<[Encodable, Encodable]> {
    return this[Symbol.iterator]();
  }
}

for (const [flags, what] of [[CACHE | FRAGMENTS, "headers"], [0n, "pass through"]] as const) {
  test(`what a value sends while it is written goes behind it, as it is then; ${what}`, () =>
    pairTest(async (pair) => {
      const { out } = pair;
      const list: Encodable[] = [2, atom("before")];
      const doing = new Doing(() => {
        out.send(send(near(1), far(1)), tuple(...list) as Encodable);
        list[1] = atom("after");
        out.send(send(near(1), far(1)), tuple(3, new Uint8Array(100_000)));
        assertThrows(() => out.send(send(near(1), far(1)), Symbol() as never), EncodeError);
      });
      out.send(send(near(1), far(1)), tuple(1, doing, atom("behind")));
      // Also where the value itself is refused.
      const refused = new Doing(() => out.send(send(near(1), far(1)), 4));
      assertThrows(
        () => out.send(send(near(1), far(1)), tuple(0, refused, Symbol() as never)),
        EncodeError,
      );
      out.send(send(near(1), far(1)), 5);
      await pair.until(() => pair.signals.length >= 5);
      // Refused values are gone through once more, to say where.
      assertEquals(numbers(pair).filter((n, i, all) => n !== all[i - 1]), [1, 2, 3, 4, 5]);
      assertEquals((pair.signals[1][1] as Term[])[1], atom("before"));
      assertEquals(pair.downs, []);
      assertEquals(pair.logs, []);
    }, { flags }));
}

test("what a value offers while it is written is bounded by the queue", () =>
  pairTest(async (pair) => {
    const { out } = pair;
    pair.reads(false);
    const piece = new Uint8Array(10_000);
    let taken = 0;
    const doing = new Doing(() => {
      while (out.offer(send(near(1), far(1)), tuple(1, piece))) taken++;
    });
    out.send(send(near(1), far(1)), tuple(0, doing));
    assert(taken > 90 && taken < 120, `${taken} were taken`);
    pair.reads(true);
    await pair.until(() => pair.signals.length === taken + 1);
    assertEquals(pair.downs, []);
  }, { maxQueue: MIB }));

testNothingIsLeft();
