/** Distribution header, atom cache and fragments against a real Erlang node, with each of the two flags on and off. */
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { FRAGMENT } from "../../lib/dist/large_message.ts";
import {
  atom,
  type Encodable,
  format,
  type Node,
  startNode,
  type Term,
  type Tuple,
  tuple,
} from "../../mod.ts";
import { type Epmd, type ErlangNode, startEpmd, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { inbox } from "../_support/our_side.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl", "epmd");
const THEIRS = "fragments@localhost";
const ECHO = { name: "echo", node: THEIRS };
const DRIVER = { name: "driver", node: THEIRS };
const MIB = 1024 * 1024;

/**
 * `echo` sends back what it gets. `driver` has 8 processes send numbered messages to a pid, every other one large; or makes a
 * collector, which tells when it has so many messages, how many came from each sender, and all in order.
 */
const THERE = `
  Start = fun(Name, Loop) -> register(Name, spawn(Loop)) end,
  Start(echo, fun Echo() -> receive {From, Term} -> From ! {echo, Term}, Echo() end end),
  Sizes = {1, 3000000, 10, 70000, 600000, 0},
  Size = fun(N) -> element(N rem 6 + 1, Sizes) end,
  Sender = fun(To, I) -> [To ! {I, N, binary:copy(<<N>>, Size(N))} || N <- lists:seq(1, 12)] end,
  Collect = fun
    Collect(0, Last, To) -> To ! {collected, Last};
    Collect(Left, Last, To) ->
      receive {I, N, Bin} ->
        N = maps:get(I, Last, 0) + 1,
        true = Bin =:= binary:copy(<<N>>, byte_size(Bin)),
        Collect(Left - 1, Last#{I => N}, To)
      end
  end,
  Start(driver, fun Drive() ->
    receive
      {From, send} -> [spawn(fun() -> Sender(From, I) end) || I <- lists:seq(1, 8)];
      {From, collect, Count} ->
        From ! {collector, spawn(fun() -> Collect(Count, #{}, From) end)}
    end,
    Drive()
  end),
  ok`;

const opened = openNow();
let epmd: Epmd;
let erl: ErlangNode;
let count = 0;

before(async () => {
  if (skip) return;
  epmd = await startEpmd();
  erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort: epmd.port });
  assertEquals(await erl.eval(THERE), "ok");
});

after(async () => {
  await erl?.kill();
  await epmd?.kill();
});

/** What a binary of so many bytes looks like in these tests. */
function pattern(length: number, seed: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => (i * 31 + seed) >>> 3);
}

function sameBytes(left: unknown, right: Uint8Array): boolean {
  return left instanceof Uint8Array && left.length === right.length &&
    left.every((byte, i) => byte === right[i]);
}

const ATOMS = Array.from({ length: 2600 }, (_, i) => atom(`an_atom_of_many_${i}`));
const LONG_ATOMS = Array.from({ length: 60 }, (_, i) => atom(`${i}${"é".repeat(252 - i)}`));

const KINDS = [
  ["atom cache and fragments", []],
  ["fragments alone", ["DIST_HDR_ATOM_CACHE"]],
  ["the atom cache alone", ["FRAGMENTS"]],
  ["neither", ["FRAGMENTS", "DIST_HDR_ATOM_CACHE"]],
] as const;

for (const [what, withoutFlags] of KINDS) {
  const fragments = !(withoutFlags as readonly string[]).includes("FRAGMENTS");

  /** A test with a node of ours, which connects. */
  const nodeTest = (title: string, body: (node: Node) => Promise<void>) =>
    test(`${what}: ${title}`, { skip }, async () => {
      const options = { cookie: COOKIE, epmd: { port: epmd.port }, withoutFlags };
      await using node = await startNode(`ours${++count}@localhost`, options);
      await body(node);
    });

  nodeTest("terms of many atoms go there and back", async (node) => {
    const mine = await inbox(node);
    const through = async (term: Encodable): Promise<void> => {
      node.send(ECHO, tuple(mine.pid, term));
      const [tag, back] = await mine.next() as Tuple;
      assertEquals(tag, atom("echo"));
      assertEquals(format(back), format(term as Term));
    };
    await through(ATOMS.slice(0, 300));
    for (let i = 0; i + 100 <= ATOMS.length; i += 100) await through(ATOMS.slice(i, i + 100));
    await through(ATOMS);
    await through(LONG_ATOMS);
    for (let i = 0; i < 400; i++) {
      await through(
        tuple(
          ATOMS[(i * 7) % 2600],
          ATOMS[(i * 1301) % 2600],
          LONG_ATOMS[i % 60],
          i % 2 === 0,
          null,
        ),
      );
    }
    await through([true, false, null, atom(""), atom("undefined"), mine.pid, node.pid]);
  });

  nodeTest("large messages go there and back", async (node) => {
    const mine = await inbox(node);
    // deno-fmt-ignore
    for (const size of [65_536, FRAGMENT - 30, FRAGMENT, FRAGMENT + 1, 2 * FRAGMENT, 5 * MIB, 17 * MIB + 3]) {
      const bytes = pattern(size, size);
      node.send(ECHO, tuple(mine.pid, tuple(atom("large"), bytes, ATOMS[size % 2600])));
      const [, back] = await mine.next() as unknown as [Term, readonly unknown[]];
      assert(sameBytes(back[1], bytes), `${size} bytes`);
      assertEquals(back[2], ATOMS[size % 2600]);
    }
    const list = Array.from({ length: 100_000 }, (_, i) => tuple(ATOMS[i % 2600], i));
    node.send(ECHO, tuple(mine.pid, list));
    const [, back] = await mine.next() as unknown as [Term, readonly Tuple[]];
    assertEquals(back.length, list.length);
    assert(back.every(([name, n], i) => name === ATOMS[i % 2600] && n === i));
    const stats = node.stats(THEIRS)!;
    assertEquals(stats.fragmentsOut > 0, fragments);
    assertEquals(stats.fragmentsIn > 0, fragments);
    assertEquals([stats.sequencesIn, stats.sequencesOut], [0, 0]);
  });

  nodeTest(
    "what 8 processes of theirs send, large and small, keeps each one's order",
    async (node) => {
      const mine = await inbox(node);
      node.send(DRIVER, tuple(mine.pid, atom("send")));
      const last = new Array(9).fill(0);
      for (let i = 0; i < 8 * 12; i++) {
        const [sender, n, bytes] = await mine.next() as unknown as [number, number, Uint8Array];
        assertEquals(n, last[sender] + 1);
        assertEquals(bytes.length, [1, 3_000_000, 10, 70_000, 600_000, 0][n % 6]);
        assert(bytes.every((byte) => byte === n));
        last[sender] = n;
      }
      assertEquals(last.slice(1), new Array(8).fill(12));
    },
  );

  nodeTest(
    "what 8 processes of ours send, large and small, keeps each one's order",
    async (node) => {
      const mine = await inbox(node);
      node.send(DRIVER, tuple(mine.pid, atom("collect"), 8 * 12));
      const collector = (await mine.next() as Tuple)[1];
      for (let i = 1; i <= 8; i++) {
        node.spawn((self) => {
          for (let n = 1; n <= 12; n++) {
            const size = [1, 3_000_000, 10, 70_000, 600_000, 0][n % 6];
            self.send(collector as typeof mine.pid, tuple(i, n, new Uint8Array(size).fill(n)));
          }
        });
      }
      const [, counts] = await mine.next() as unknown as [Term, Term];
      assertEquals(
        format(counts),
        "#{1 => 12,2 => 12,3 => 12,4 => 12,5 => 12,6 => 12,7 => 12,8 => 12}",
      );
    },
  );
}

test("nothing is left open", { skip }, async () => {
  await erl.kill();
  await epmd.kill();
  await assertNothingLeft(opened);
});
