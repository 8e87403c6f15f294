/** What the name server does about a peer that says what is no message of the protocol, or has too many names. */
import { assert, assertEquals } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { announcedFlags } from "../../../lib/dist/flags.ts";
import {
  atom,
  type Encodable,
  format,
  ImproperList,
  isTuple,
  type Node,
  type NodeOptions,
  type Pid,
  type Term,
  TermMap,
  tuple,
} from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { waiting } from "./_support.ts";

import { EXIT_NAME, join, Member, memberTest, PEER, SERVER } from "./_member.ts";

/** What is no message of the protocol, by what is in the place of its elements. */
function garbage(him: Member, pid: Pid): Encodable[] {
  const wrong: Encodable[] = [
    0,
    -1,
    atom("a"),
    "text",
    [],
    [1],
    [tuple(1)] as Encodable,
    tuple() as Encodable,
  ];
  wrong.push(
    tuple(1, 2, 3) as Encodable,
    new TermMap() as Encodable,
    pid,
    new ImproperList([1], 2),
  );
  const shapes: Record<string, number> = {
    init_connect: 4,
    exchange: 5,
    resolved: 7,
    new_nodes: 6,
    in_sync: 3,
    lock_set: 5,
    exchange_ops: 5,
    lock_is_set: 4,
    init_connect_ack: 4,
    cancel_connect: 3,
    lost_connection: 5,
    remove_connection: 2,
    whereis: 3,
    set_lock: 2,
    del_lock: 2,
    register: 4,
    register_ext: 5,
    unregister: 2,
    sync: 2,
    registrar: 2,
  };
  const messages: Encodable[] = [...wrong];
  for (const [name, size] of Object.entries(shapes)) {
    messages.push(atom(name), tuple(atom(name)) as Encodable);
    for (const term of wrong) {
      for (const length of [size - 1, size, size + 1]) {
        messages.push(
          tuple(atom(name), ...new Array(Math.max(0, length - 1)).fill(term)) as Encodable,
        );
        // Right but for one element.
        messages.push(
          tuple(atom(name), PEER, ...new Array(Math.max(0, length - 2)).fill(term)) as Encodable,
        );
        messages.push(
          tuple(
            atom(name),
            him.locker,
            ...new Array(Math.max(0, length - 2)).fill(term),
          ) as Encodable,
        );
      }
    }
  }
  return messages;
}

memberTest("messages that are none of the protocol do no harm", async (visited, him) => {
  const { node } = visited;
  await join(visited, him);
  const name = waiting(node);
  assertEquals(await registered(node, him, name), true);
  const messages = garbage(him, name);
  assert(messages.length > 1_000);
  for (const message of messages) {
    // It would end the connection, and rightly.
    if (format(message as Term).startsWith("{remove_connection,handmade@localhost")) continue;
    if (/^{(register|register_ext|unregister|set_lock|sync),/.test(format(message as Term))) {
      continue;
    }
    him.cast(...[message].flatMap((term) => isTuple(term) ? [...term] as Encodable[] : [term]));
    him.peer.send([CONTROL.REG_SEND, him.server, atom(""), atom(SERVER)], message);
  }
  for (const message of messages) {
    const tag = tuple(him.server, him.peer.ref());
    const call = tuple(atom("$gen_call"), tag, message);
    if (/^{(register|unregister),/.test(format(message as Term))) continue;
    him.peer.send([CONTROL.REG_SEND, him.server, atom(""), atom(SERVER)], call as never);
  }
  assertEquals(format(await him.call(atom("get_protocol_version"))), "8");
  assert(node.global.whereis("name") !== undefined);
  assertEquals(node.isAlive(node.whereis(SERVER)!), true);
  // Names are served as before, once all that were locked are free.
  him.peer.close();
  await poll(() => node.nodes().length === 0);
  assertEquals(await node.global.register("after", waiting(node)), true);
});

/** Registers a name where the peer must agree. */
async function registered(node: Node, him: Member, pid: Pid): Promise<boolean> {
  const registering = node.global.register("name", pid);
  await him.answer("set_lock", true);
  await him.answer("register", atom("yes"));
  await him.answer("del_lock", true);
  return await registering;
}

/** Ten names, or locks, fit; what comes behind them does not. */
const FEW: NodeOptions = { maxGlobalNames: 10 };

memberTest(
  "a node may have so many names here, and those that end make room",
  async ({ node }, him) => {
    const register = (name: Encodable, pid: Pid): Promise<Term> =>
      him.call(tuple(atom("register"), name, pid, EXIT_NAME));
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 10; i++) await register(atom(`name_${i}`), him.peer.pid());
      await register(atom("name_9"), him.peer.pid()); // in the place of that one
      for (let i = 0; i < 10; i++) await him.call(tuple(atom("unregister"), atom(`name_${i}`)));
    }
    assertEquals(node.nodes(), [him.peer.name]);
  },
  { maxGlobalNames: 11 },
);

const OVERDRAWN =
  /^Connection with handmade@localhost closed: .* as they may, 10; see option maxGlobalNames$/;

const FLOODS: Readonly<Record<string, (him: Member, node: Node) => void>> = {
  "names of its processes": ({ peer, server }) => {
    for (let i = 0; i < 20; i++) {
      const request = tuple(atom("register"), atom(`n${i}`), peer.pid(), EXIT_NAME);
      sendCall(peer, server, request);
    }
  },
  "names of our processes": ({ peer, server }, node) => {
    for (let i = 0; i < 20; i++) {
      sendCall(peer, server, tuple(atom("register"), atom(`n${i}`), node.pid, EXIT_NAME));
    }
  },
  "one long name": ({ peer, server }) => {
    sendCall(peer, server, tuple(atom("register"), "x".repeat(3_000), peer.pid(), EXIT_NAME));
  },
  "locks": ({ peer, server }) => {
    for (let i = 0; i < 20; i++) {
      sendCall(peer, server, tuple(atom("set_lock"), tuple(atom(`l${i}`), peer.pid())));
    }
  },
  "locks of our processes": ({ peer }, node) => {
    for (let i = 0; i < 20; i++) {
      sendCall(peer, node.pid, tuple(atom("set_lock"), tuple(atom(`l${i}`), peer.pid())));
    }
  },
  "names that it tells of": ({ peer, server }) => {
    const operations = Array.from(
      { length: 20 },
      (_, i) => tuple(atom("insert"), tuple(atom(`n${i}`), peer.pid(), EXIT_NAME)),
    );
    const news = tuple(atom("new_nodes"), PEER, operations, [], [], [] as Term);
    peer.send([CONTROL.REG_SEND, server, atom(""), atom(SERVER)], tuple(atom("$gen_cast"), news));
  },
};

function sendCall(peer: HandMade, from: Pid, request: Encodable): void {
  const call = tuple(atom("$gen_call"), tuple(from, peer.ref()), request) as Encodable;
  peer.send([CONTROL.REG_SEND, peer.pid(), atom(""), atom(SERVER)], call);
}

for (const [what, flood] of Object.entries(FLOODS)) {
  memberTest(
    `a node that has too many (${what}) is disconnected, told of once, and may come again`,
    async ({ node, peer, logs, connect, downOf }, him) => {
      flood(him, node);
      await downOf(peer);
      const told = (): string[] => logs.filter((line) => OVERDRAWN.test(line));
      await poll(() => told().length === 1);
      const again = new Member(await connect({ flags: announcedFlags({ published: true }) }));
      assertEquals(await again.call(tuple(atom("unregister"), atom("other"))), atom("ok"));
      assertEquals(told().length, 1);
      assert(node.global.names().length <= 10);
      for (const name of node.global.names()) {
        await again.call(tuple(atom("unregister"), name));
      }
    },
    FEW,
  );
}

const PUBLISHED = { flags: announcedFlags({ published: true }) };

memberTest("a node speaks for itself only", async (visited, him) => {
  await join(visited, him);
  const hidden = new Member(await visited.connect({ name: "hidden@localhost" }));
  const third = new Member(await visited.connect({ ...PUBLISHED, name: "third@localhost" }));
  const { tag } = await third.begin(70);
  const init = tuple(atom("locker"), atom("no_longer_a_pid"), [], third.locker);
  const said = (who: Encodable): [cast: boolean, ...message: Encodable[]][] => [
    [true, atom("init_connect"), tuple(8, 71) as Encodable, who, init as Encodable],
    [true, atom("exchange"), who, [], [], tag as Encodable],
    [true, atom("resolved"), who, [], [], atom("unused"), [], tag as Encodable],
    [true, atom("in_sync"), who, true],
    [false, atom("init_connect_ack"), who, 5, 70],
    [false, atom("cancel_connect"), who, tag as Encodable],
    [false, atom("remove_connection"), who],
  ];
  const forged: [boolean, ...Encodable[]][] = [
    ...said(atom("third@localhost")),
    [true, atom("lock_set"), third.locker, true, [], tag as Encodable],
    [true, atom("lock_set"), third.locker, true, []],
    [true, atom("init_connect"), tuple(8, 71) as Encodable, PEER, init as Encodable],
  ];
  for (const [cast, ...message] of forged) {
    if (cast) him.cast(...message);
    else him.info(...message);
  }
  for (const [cast, ...message] of said(PEER)) {
    if (cast) hidden.cast(...message);
    else hidden.info(...message);
  }
  await him.call(atom("get_known"));
  await hidden.call(atom("get_known"));
  const dropped = (who: string): number =>
    visited.logs.filter((line) =>
      line.startsWith("global dropped ") && line.includes(`: ${who} speaks for `)
    ).length;
  assertEquals([dropped(PEER.name), dropped("hidden@localhost")], [10, 7]);
  assertEquals(
    visited.node.nodes("visible").sort(),
    ["handmade@localhost", "third@localhost"],
  );
  // The session with the third goes on where it was.
  await Promise.all([him, third].map((member) => member.answer("set_lock", true)));
  await third.expectCast("lock_set");
  assertEquals(third.peer.signals.some(({ payload }) => isCancel(payload)), false);
  assertEquals(format(await him.call(atom("get_synced"))), "[handmade@localhost]");
});

function isCancel(payload: Term | undefined): boolean {
  return isTuple(payload) && payload.tag === "cancel_connect";
}

memberTest("a peer's locker is not spoken for either", async (visited, him) => {
  const third = new Member(await visited.connect({ ...PUBLISHED, name: "third@localhost" }));
  const { locker } = await him.begin(70);
  // Straight to the process, as nodes of old: it answers who is named there.
  for (const pid of [third.locker, him.server]) {
    const message = tuple(atom("lock_set"), pid, true, [], 5) as Encodable;
    him.peer.send([CONTROL.SEND_SENDER, him.locker, locker], message);
  }
  const { payload } = await him.peer.signal(({ control }) =>
    control[0] === CONTROL.SEND_SENDER && him.server.equals(control[2])
  );
  assertEquals((payload as Term[])[2], false);
  await third.call(atom("get_known"));
  assertEquals(third.peer.signals.some(({ control }) => third.locker.equals(control[2])), false);
});

memberTest("what is kept of a session or a loss is a short integer", async (visited, him) => {
  const long = new Uint8Array(1_000);
  const tags: Encodable[] = [long, "text", tuple(1, 2, 3) as Encodable, 2n ** 127n, -(2n ** 200n)];
  for (const tag of tags) {
    him.initConnect(tag);
    him.info(atom("lost_connection"), atom("x@localhost"), tag, 1, atom("y@localhost"));
    him.info(atom("lost_connection"), atom("x@localhost"), 1, tag, atom("y@localhost"));
  }
  await him.call(atom("get_known"));
  const dropped = visited.logs.filter((line) => /at most 128 bits/.test(line));
  assertEquals(dropped.length, tags.length * 3);
  // OTP's are long enough to be no small integers.
  const { tag } = await him.begin(2n ** 64n as never);
  assertEquals(
    format(await him.expect("init_connect_ack") as Term),
    `{init_connect_ack,ours@localhost,18446744073709551616,${format(tag)}}`,
  );
});

memberTest("a hidden node leaves nothing that it has said", async (visited, him) => {
  const hidden = new Member(await visited.connect({ name: "hidden@localhost" }));
  hidden.cast(atom("in_sync"), atom("hidden@localhost"), true);
  assertEquals(format(await hidden.call(atom("get_synced"))), "[hidden@localhost]");
  hidden.peer.close();
  await visited.downOf(hidden.peer);
  assertEquals(format(await him.call(atom("get_synced"))), "[]");
});

testNothingIsLeft();
