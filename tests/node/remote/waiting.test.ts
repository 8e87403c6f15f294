import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { Waiting } from "../../../lib/node/remote/_waiting.ts";
import {
  atom,
  BusyError,
  type Encodable,
  EncodeError,
  Pid,
  tagged,
  type Term,
  type Tuple,
} from "../../../mod.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { failure } from "../../gen/_servers.ts";
import { clusterTest, inbox } from "../_cluster.ts";

const MAX = 64 * 1024;
const LARGE = new Uint8Array(MAX);
const infinite = { timeout: Infinity } as const;
const small = { node: { maxMessage: MAX } } as const;

clusterTest(
  "what is too large for a message is refused before there is a connection, too",
  async (a, b) => {
    const server = { name: "server", node: b.name };
    const refused: Record<string, () => unknown> = {
      call: () => a.call(server, [LARGE], infinite),
      cast: () => a.cast(server, [LARGE]),
      "an important message": () => a.send(server, LARGE, { important: true, ...infinite }),
      rpc: () => a.rpc(b.name, "m", "f", [LARGE], infinite),
      spawn: () => a.spawnRemote(b.name, "m", "f", [LARGE], infinite),
      send: () => a.send(server, LARGE),
      exit: () => a.exit(new Pid(atom(b.name), 7, 0, 1), tagged("because", LARGE) as Term & Tuple),
    };
    for (const [what, attempt] of Object.entries(refused)) {
      assertInstanceOf(await failure((async () => await attempt())()), EncodeError, what);
    }
    assertEquals(a.stats().aliases, 0);
  },
  small,
);

clusterTest("whatever is taken before there is a connection is sent", async (a, b, { logs }) => {
  const got = await inbox(b, undefined, "inbox");
  const to = { name: "inbox", node: b.name };
  // As many atoms as a header can list, which takes more for each than the term does.
  const atoms = Array.from({ length: 255 }, (_, i) => atom(`a${i}`));
  const parts = (size: number): Encodable[] => [...atoms, new Uint8Array(size)];
  let size = MAX - 2000;
  for (;; size--) {
    try {
      new Waiting(b.name, 1e9, MAX).keep([a.pid, atom("inbox")], parts(size), false);
      break;
    } catch (error) {
      assertInstanceOf(error, EncodeError);
    }
  }
  a.send(to, parts(size));
  const message = await got.next() as Term[];
  assertStrictEquals((message[255] as Uint8Array).length, size);
  await a.send(to, parts(size), { important: true });
  assertEquals(logs.filter((text) => text.includes("waited for the connection")), []);
}, small);

test("a value is copied when it is kept, and counts until it is taken", () => {
  const waiting = new Waiting("b@localhost", 2 * 1024 * 1024, 1e9);
  const value = [1];
  const copy = waiting.keep([], value, false);
  value[0] = 2;
  assertEquals(copy, [1]);
  const large = new Uint8Array(3 * 1024 * 1024);
  waiting.keep([], large, false); // goes all the same, since little waits
  assertStrictEquals(waiting.isFull, true);
  assertThrows(() => waiting.keep([], 1, false), BusyError);
  waiting.keep([], 1, true);
  assertEquals(waiting.take(), []);
  assertStrictEquals(waiting.bytes, 0);
});

testNothingIsLeft();
