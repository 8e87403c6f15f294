/** Peers that know the cookie and are wrong, broken or bad: their connection ends, and the node goes on serving the others. */
import { after, before, test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CONTROL } from "../../lib/dist/control.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import { atom, type Encodable, Pid, Ref, tagged, type Term, tuple } from "../../mod.ts";
import { poll } from "../_support/erlang.ts";
import type { HandMade } from "../_support/hand_made.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { memoryOf, UnderAttack } from "../_support/under_attack.ts";

const opened = openNow();
let attacked: UnderAttack;

before(async () => {
  attacked = await UnderAttack.start();
});

after(stop);

async function stop(): Promise<void> {
  await attacked?.[Symbol.asyncDispose]();
}

const zero = encode(0);
const message = encode(atom("hello"));

/** What ends a connection, and what the log says then. */
const BROKEN:
  readonly (readonly [title: string, bytes: (peer: HandMade) => Uint8Array, logged: string])[] = [
    ["a frame beyond the limit", () => Uint8Array.of(0xff, 0xff, 0xff, 0xff), "4294967295"],
    ["another kind of packet", (peer) => peer.frame(Uint8Array.of(113), zero), ""],
    [
      "a distribution header that was not agreed on",
      (peer) => peer.frame(Uint8Array.of(131, 68, 0), zero),
      "",
    ],
    ["a packet of one byte", (peer) => peer.frame(Uint8Array.of(112)), ""],
    [
      "a control message that is no tuple",
      (peer) => peer.packet(atom("hello")),
      "it is not a tuple",
    ],
    ["an empty tuple", (peer) => peer.packet(tuple()), "not the number of an operation"],
    [
      "an operation that does not exist",
      (peer) => peer.packet(tuple(99)),
      "there is no such operation",
    ],
    [
      "an operation with a text",
      (peer) => peer.packet(tuple("1", 2, 3)),
      "not the number of an operation",
    ],
    [
      "a link of too few elements",
      (peer) => peer.packet(tuple(1, peer.pid())),
      "it has 2 elements",
    ],
    [
      "a link of too many elements",
      (peer) => peer.packet(tuple(1, peer.pid(), peer.pid(), 0)),
      "it has 4 elements",
    ],
    [
      "a link between atoms",
      (peer) => peer.packet(tuple(1, atom("a"), atom("b"))),
      "element 2 is not FromPid :: pid()",
    ],
    [
      "a monitor of a number",
      (peer) => peer.packet(tuple(19, peer.pid(), 7, peer.ref())),
      "element 3",
    ],
    [
      "a monitor without reference",
      (peer) => peer.packet(tuple(19, peer.pid(), atom("echo"), 7)),
      "element 4",
    ],
    [
      "a spawn of no function",
      (peer) =>
        peer.packet(tuple(29, peer.ref(), peer.pid(), peer.pid(), atom("f"), []), encode([])),
      "element 5",
    ],
    [
      "an unlink whose id is 0",
      (peer) => peer.packet(tuple(35, 0, peer.pid(), peer.pid())),
      "element 2",
    ],
    [
      "a message without message",
      (peer) => peer.packet(tuple(6, peer.pid(), atom(""), atom("echo"))),
      "",
    ],
    [
      "a message behind what has none",
      (peer) => peer.packet(tuple(1, peer.pid(), peer.pid()), message),
      "",
    ],
    ["junk behind a message", (peer) => peer.packet(sendTo(peer), message, Uint8Array.of(1)), ""],
    ["a message cut short", (peer) => peer.packet(sendTo(peer), message.subarray(0, -1)), ""],
    ["an unknown tag", (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 255)), ""],
    ["a message without version", (peer) => peer.packet(sendTo(peer), message.subarray(1)), ""],
    [
      "a float that is no number",
      (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 70, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0)),
      "",
    ],
    [
      "an atom that is not UTF-8",
      (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 119, 1, 0xff)),
      "",
    ],
    [
      "a map with a key twice",
      (peer) =>
        peer.packet(sendTo(peer), Uint8Array.of(131, 116, 0, 0, 0, 2, 97, 1, 97, 2, 97, 1, 97, 3)),
      "",
    ],
    [
      "a binary of 4 GiB that is not there",
      (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 109, 255, 255, 255, 255)),
      "",
    ],
    [
      "a list of 2^32 elements that are not there",
      (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 108, 255, 255, 255, 255)),
      "",
    ],
    [
      "a tuple of 2^32 elements that are not there",
      (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 105, 255, 255, 255, 255)),
      "",
    ],
    [
      "a compressed term that claims 2 GiB",
      (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 80, 127, 255, 255, 255, 120, 156)),
      "",
    ],
    [
      "an integer of 4 GiB",
      (peer) => peer.packet(sendTo(peer), Uint8Array.of(131, 111, 255, 255, 255, 255, 0)),
      "",
    ],
  ];

function sendTo(peer: HandMade): Encodable {
  return tuple(CONTROL.REG_SEND, peer.pid(), atom(""), atom("echo"));
}

for (const [title, bytes, logged] of BROKEN) {
  test(`from a peer with the cookie: ${title}`, async () => {
    const mark = attacked.mark();
    const peer = await attacked.peer();
    peer.raw(bytes(peer));
    await peer.closed;
    const line = `Connection with ${peer.name} closed: `;
    assertStringIncludes(await attacked.logged(mark, line), logged);
    await attacked.serves();
  });
}

test("a malformed message takes its own connection down, with what the peer had there", async () => {
  const peer = await attacked.peer({ name: "other@localhost" });
  const [watched, watcher] = [peer.pid(), peer.pid()];
  const ref = await peer.call("echo", tagged("watch", watched)) as Ref;
  assert(ref instanceof Ref);
  peer.send([CONTROL.MONITOR_P, watcher, atom("echo"), peer.ref()]);
  peer.send([CONTROL.LINK, watcher, (await peer.call("echo", atom("plain"))) as Pid]);
  peer.raw(peer.packet(tuple(99)));
  await peer.closed;
  await attacked.serves();
});

test("what means nothing is answered or ignored", async () => {
  await using peer = await attacked.peer();
  const [from, to] = [peer.pid(), peer.pid()];
  const plain = await peer.call("echo", atom("plain")) as Pid;
  const nobody = new Pid(plain._node, 32_000, 3, plain.creation);
  const earlier = new Pid(plain._node, plain.id, plain.serial, plain.creation - 1);
  const third = new Pid(atom("third@localhost"), 1, 2, 3);
  const unknown = new Ref(plain._node, plain.creation, [1, 2, 3]);
  const hello = atom("hello");
  for (const target of [nobody, earlier, third, to]) {
    peer.send([CONTROL.SEND, atom(""), target], hello);
    peer.send([CONTROL.SEND_SENDER, from, target], hello);
    peer.send([CONTROL.GROUP_LEADER, from, target]);
  }
  for (const target of [nobody, earlier]) {
    peer.send([CONTROL.EXIT, from, target, hello]);
    peer.send([CONTROL.PAYLOAD_EXIT, from, target], hello);
    peer.send([CONTROL.EXIT2, from, target, hello]);
    peer.send([CONTROL.PAYLOAD_EXIT2, from, target], hello);
    peer.send([CONTROL.UNLINK, from, target]);
    peer.send([CONTROL.DEMONITOR_P, from, target, peer.ref()]);
    peer.send([CONTROL.MONITOR_P_EXIT, from, target, unknown, hello]);
    peer.send([CONTROL.PAYLOAD_MONITOR_P_EXIT, from, target, unknown], hello);
    peer.send([CONTROL.SPAWN_REPLY, unknown, target, 3, from]);
    peer.send([CONTROL.UNLINK_ID_ACK, 5, from, target]);
  }
  for (const alias of [unknown, peer.ref(), new Ref(plain._node, plain.creation, [])]) {
    peer.send([CONTROL.ALIAS_SEND, from, alias], hello);
  }
  peer.send([CONTROL.REG_SEND, from, atom(""), atom("no_such_name")], hello);
  peer.send([CONTROL.REG_SEND, third, atom(""), null], hello);
  peer.send([CONTROL.NODE_LINK]);
  peer.send([CONTROL.ALTACT_SIG_SEND, 0, from, plain], hello);
  // An exit signal from a process that is not linked is none.
  peer.send([CONTROL.PAYLOAD_EXIT, from, plain], hello);
  peer.send([CONTROL.MONITOR_P, from, plain, unknown]);
  peer.send([CONTROL.MONITOR_P, from, plain, unknown]); // the same reference twice
  peer.send([CONTROL.DEMONITOR_P, from, plain, unknown]);

  const [dead, watch] = [peer.ref(), peer.ref()];
  peer.send([CONTROL.LINK, from, nobody]);
  assertEquals(
    (await peer.signal(({ control }) => control[0] === CONTROL.PAYLOAD_EXIT)).payload,
    atom("noproc"),
  );
  peer.send([CONTROL.MONITOR_P, from, earlier, dead]);
  assertEquals((await down(peer, dead)).payload, atom("noproc"));
  peer.send([CONTROL.UNLINK_ID, 2n ** 64n - 1n, from, plain]);
  const ack = await peer.signal(({ control }) => control[0] === CONTROL.UNLINK_ID_ACK);
  assertEquals(ack.control[1], 2n ** 64n - 1n);
  peer.send([CONTROL.MONITOR_P, from, plain, watch]);
  peer.send([CONTROL.EXIT2, from, plain, atom("kill")]);
  assertEquals((await down(peer, watch)).payload, atom("killed"));
  assertEquals(await peer.call("net_kernel", tagged("is_auth", hello)), atom("yes"));
  assertEquals(peer.signals, []);
  await attacked.serves();
});

test("spawn requests that cannot be met are answered", async () => {
  await using peer = await attacked.peer();
  const from = peer.pid();
  const spawn = async (mfa: Encodable, options: Encodable[], args: Encodable): Promise<Term> => {
    const id = peer.ref();
    peer.send([CONTROL.SPAWN_REQUEST, id, from, from, mfa as never, options], args);
    const { control } = await peer.signal(({ control }) =>
      control[0] === CONTROL.SPAWN_REPLY && id.equals(control[1])
    );
    return control[4] as Term;
  };
  const loop = tuple(atom("demo"), atom("loop"), 0);
  assertEquals(await spawn(loop, [atom("no_such_option")], []), atom("badopt"));
  assertEquals(await spawn(loop, [tuple(atom("link"), 1) as Term], []), atom("badopt"));
  assertEquals(await spawn(loop, [7], []), atom("badopt"));
  const { control: spawned } = await spawnMonitored(peer, loop, atom("no_list"));
  assertEquals(((await down(peer, spawned[1] as Ref)).payload as Term[])[0], atom("badarg"));
  const erpc = tuple(atom("erpc"), atom("execute_call"), 4);
  for (
    const args of [[1, 2, 3, 4], [peer.ref(), atom("demo"), atom("sum"), 7], [
      null,
      null,
      null,
      null,
    ]]
  ) {
    assert(await spawn(erpc, [atom("monitor")], args) instanceof Pid);
    await peer.signal(({ control }) => control[0] === CONTROL.PAYLOAD_MONITOR_P_EXIT);
  }
  await attacked.serves();
});

test("requests to servers in odd forms are survived", async () => {
  await using peer = await attacked.peer();
  const call = atom("$gen_call");
  const third = new Pid(atom("third@localhost"), 1, 2, 3);
  const odd: Encodable[] = [
    call,
    tuple(call),
    tuple(call, atom("from"), atom("get")) as Term,
    tuple(call, tuple(7, 8), atom("get")) as Term,
    tuple(call, tuple(peer.pid(), 8, 9), atom("get")) as Term,
    tuple(call, tuple(third, peer.ref()), atom("get")) as Term,
    tuple(
      call,
      tuple(peer.pid(), new ImproperList([atom("alias")], 7) as Term),
      atom("get"),
    ) as Term,
    tuple(atom("$gen_cast")) as Term,
    tuple(atom("$gen_cast"), tuple()) as Term,
    tuple(atom("EXIT"), 1, 2) as Term,
    tuple(atom("DOWN"), peer.ref(), atom("process"), peer.pid(), atom("boom")) as Term,
    tuple(atom("system"), tuple(peer.pid(), peer.ref()), atom("get_state")) as Term,
    tuple(atom("io_request"), 1, 2, 3) as Term,
    tuple(atom("info"), 1, 2, 3) as Term,
    [],
    new Map([[1, 2]]),
  ];
  for (const server of ["echo", "counter", "spawner", "net_kernel", "user"]) {
    for (const term of odd) peer.send([CONTROL.REG_SEND, peer.pid(), atom(""), atom(server)], term);
  }
  assertEquals(await peer.call("net_kernel", tagged("is_auth", atom("x"))), atom("yes"));
  assertEquals(await peer.call("counter", atom("get")), 0);
  await attacked.serves();
});

test("half a frame, then nothing for a while: others are served, and then it", async () => {
  await using peer = await attacked.peer();
  const whole = peer.packet(
    tuple(CONTROL.REG_SEND, peer.pid(), atom(""), atom("echo")),
    encode(tuple(atom("info"), peer.pid(), 1, new Uint8Array(100_000)) as Term),
  );
  for (const at of [2, 5, 50, 50_000]) {
    peer.raw(whole.subarray(0, at)), await attacked.serves(), peer.raw(whole.subarray(at));
  }
  for (let i = 0; i < 4; i++) {
    await peer.signal(({ control }) =>
      control[0] === CONTROL.SEND_SENDER || control[0] === CONTROL.SEND
    );
  }
});

test("half a frame, then the end", async () => {
  for (const at of [1, 4, 6, 40]) {
    const peer = await attacked.peer();
    peer.raw(peer.packet(sendTo(peer), encode(new Uint8Array(1000))).subarray(0, at));
    await poll(() => peer.sent);
    peer.close();
    await attacked.serves();
  }
});

test("frames that claim much and bring little cost no memory", async () => {
  const before = memoryOf(attacked.node.pid);
  const peers = await Promise.all(Array.from({ length: 20 }, (_, i) => {
    return attacked.peer({ name: `claims${i}@localhost` });
  }));
  for (const peer of peers) peer.raw(Uint8Array.of(7, 0, 0, 0, 112)); // 112 MiB
  await attacked.serves();
  assert(
    memoryOf(attacked.node.pid) - before < 100,
    `${before} MiB became ${memoryOf(attacked.node.pid)}`,
  );
  for (const peer of peers) await peer[Symbol.asyncDispose]();
});

test("a term nested a million deep is taken", async () => {
  await using peer = await attacked.peer();
  const depth = 1_000_000;
  const nested = new Uint8Array(6 * depth + 2);
  nested[0] = 131;
  for (let i = 0; i < depth; i++) nested.set([108, 0, 0, 0, 1], 1 + 5 * i);
  nested.fill(106, 1 + 5 * depth);
  peer.raw(peer.packet(sendTo(peer), nested));
  assertEquals(await peer.call("net_kernel", tagged("is_auth", atom("x"))), atom("yes"));
  await attacked.serves();
});

/** Spawns with a monitor, and gives the answer. */
function spawnMonitored(
  peer: HandMade,
  mfa: Encodable,
  args: Encodable,
): Promise<HandMade["signals"][number]> {
  const [id, from] = [peer.ref(), peer.pid()];
  peer.send([CONTROL.SPAWN_REQUEST, id, from, from, mfa as never, [atom("monitor")]], args);
  return peer.signal(({ control }) => control[0] === CONTROL.SPAWN_REPLY && id.equals(control[1]));
}

function down(peer: HandMade, ref: Ref): Promise<HandMade["signals"][number]> {
  return peer.signal(({ control }) =>
    control[0] === CONTROL.PAYLOAD_MONITOR_P_EXIT && ref.equals(control[3])
  );
}

test("nothing is left open", async () => {
  await stop();
  await assertNothingLeft(opened);
});
