/** Large messages beside small ones, and a peer that stands still: our node with a real Erlang node. */
import process from "node:process";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  atom,
  BusyError,
  format,
  type Node,
  type Pid,
  startNode,
  type Term,
  type Tuple,
  tuple,
} from "../../../mod.ts";
import { type Epmd, type ErlangNode, poll, startEpmd, startErlang } from "../../_support/erlang.ts";
import { COOKIE } from "../../_support/interop.ts";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { inbox } from "../../_support/our_side.ts";
import { needs } from "../../_support/runtime.ts";

const skip = needs("erl", "epmd");
const MIB = 1024 * 1024;
const SLOW = "slow@localhost";
const QUICK = "quick@localhost";
/** For a node that a busy machine may hold up. */
const PATIENT = { timeout: 60_000 };

/** `echo` answers calls. `driver` sends so many bytes, or counts what comes in order until it is asked. */
const THERE = `
  Echo = fun Echo() -> receive {'$gen_call', From, Term} -> gen:reply(From, Term), Echo() end end,
  Drive = fun Drive(Count) ->
    receive
      {send, To, Size} -> To ! binary:copy(<<7>>, Size), Drive(Count);
      {size, To, Bin} -> To ! byte_size(Bin), Drive(Count);
      {count, Count, _} -> Drive(Count + 1);
      {how_many, To} -> To ! Count, Drive(0)
    end
  end,
  register(echo, spawn(Echo)),
  register(driver, spawn(fun() -> Drive(0) end)),
  ok`;

const opened = openNow();
let epmd: Epmd;
let slow: ErlangNode;
let quick: ErlangNode;

before(async () => {
  if (skip) return;
  epmd = await startEpmd();
  const options = { cookie: COOKIE, epmdPort: epmd.port };
  [slow, quick] = [
    await startErlang({ ...options, name: SLOW }),
    await startErlang({ ...options, name: QUICK }),
  ];
  for (const erl of [slow, quick]) assertEquals(await erl.eval(THERE), "ok");
});

after(async () => {
  await slow?.kill();
  await quick?.kill();
  await epmd?.kill();
});

let count = 0;

async function start(maxQueue?: number): Promise<Node> {
  const options = { cookie: COOKIE, epmd: { port: epmd.port } };
  const name = `near${++count}@localhost`;
  return await startNode(name, maxQueue === undefined ? options : { ...options, maxQueue });
}

/** Calls `echo` there, one call after the other, until the promise resolves. @returns how many were answered, and its value. */
async function callsUntil<T>(node: Node, peer: string, done: Promise<T>): Promise<[number, T]> {
  let over = false;
  done.finally(() => over = true);
  let calls = 0;
  while (!over) {
    assertEquals(await node.call({ name: "echo", node: peer }, calls, PATIENT), calls);
    calls++;
  }
  return [calls, await done];
}

test("calls are answered while 48 MiB are on their way there", { skip }, async () => {
  await using node = await start();
  const mine = await inbox(node);
  await node.connect(QUICK);
  mine.self.send(
    { name: "driver", node: QUICK },
    tuple(atom("size"), mine.pid, new Uint8Array(48 * MIB)),
  );
  assertEquals(node.stats(QUICK)!.sequencesOut, 1);
  const [calls, size] = await callsUntil(node, QUICK, mine.next());
  assertEquals(size, 48 * MIB);
  assert(calls >= 2, `${calls} calls`); // without fragments it is one, which began before
});

test("calls are answered while 48 MiB are on their way from there", { skip }, async () => {
  await using node = await start();
  const mine = await inbox(node);
  await node.connect(QUICK);
  node.send({ name: "driver", node: QUICK }, tuple(atom("send"), mine.pid, 48 * MIB));
  const large = mine.next();
  let isHere = false;
  large.finally(() => isHere = true);
  await poll(() => isHere || node.stats(QUICK)!.sequencesIn === 1);
  const [calls, bytes] = await callsUntil(node, QUICK, large);
  assertEquals((bytes as unknown as Uint8Array).length, 48 * MIB);
  assert(calls >= 2, `${calls} calls`);
});

test(
  "a node that stands still fills its queue alone, and gets all of it when it goes on",
  { skip },
  async () => {
    await using node = await start(4 * MIB);
    const mine = await inbox(node);
    const driver = { name: "driver", node: SLOW };
    const ask = (): void => mine.self.send(driver, tuple(atom("how_many"), mine.pid));
    ask();
    assertEquals(await mine.next(), 0);
    process.kill(slow.pid, "SIGSTOP");
    let taken = 0;
    try {
      const send = (): void => {
        // Some in one piece, some in several.
        const bytes = new Uint8Array(taken % 4 === 0 ? 600_000 : 50_000);
        mine.self.send(driver, tuple(atom("count"), taken, bytes));
        taken++;
      };
      let error: unknown = null;
      while (error === null) {
        try {
          send();
        } catch (thrown) {
          error = thrown;
        }
        const { queued } = node.stats(SLOW)!;
        assert(queued <= 4 * MIB, `${queued} bytes`);
        if (taken % 10 === 0) await node.call({ name: "echo", node: QUICK }, taken, PATIENT);
      }
      assertInstanceOf(error, BusyError);
      assert(taken > 20, `${taken} messages`);
      // Other connections go on, large messages included.
      const other = await inbox(node);
      node.send(
        { name: "driver", node: QUICK },
        tuple(atom("size"), other.pid, new Uint8Array(3 * MIB)),
      );
      assertEquals(await other.next(), 3 * MIB);
      for (let i = 0; i < 100; i++) {
        assertEquals(await node.call({ name: "echo", node: QUICK }, i, PATIENT), i);
      }
      assert(node.stats(SLOW)!.busy);
      const ready = node.sendReady(driver);
      process.kill(slow.pid, "SIGCONT");
      await ready;
      send();
    } finally {
      process.kill(slow.pid, "SIGCONT");
    }
    ask();
    assertEquals(await mine.next(), taken);
    assertEquals(node.stats(SLOW)!.queued, 0);
  },
);

test("a reply of 48 MiB to one caller does not hold up replies to others", { skip }, async () => {
  await using node = await start();
  const server = node.spawn(async (self) => {
    for await (const message of self) {
      const [, from, size] = message as unknown as [Term, Tuple<[Pid, Term]>, number];
      node._core.reply(from, new Uint8Array(size), self._process);
    }
  }, { register: "server" });
  const calls = `
    Server = {server, '${node.name}'},
    Self = self(),
    pong = net_adm:ping('${node.name}'),
    Large = spawn(fun() -> Bin = gen_server:call(Server, ${
    48 * MIB
  }, infinity), Self ! {large, byte_size(Bin)} end),
    (fun Loop(N) ->
      receive {large, Size} -> {N >= 2, Size}
      after 0 -> <<0>> = gen_server:call(Server, 1, infinity), Loop(N + 1)
      end
    end)(0)`;
  assertEquals(await quick.eval(calls), format(tuple(true, 48 * MIB) as unknown as Term));
  node.exit(server, atom("kill"));
});

test("nothing is left open", { skip }, async () => {
  await slow.kill();
  await quick.kill();
  await epmd.kill();
  await assertNothingLeft(opened);
});
