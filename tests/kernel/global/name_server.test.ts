/** What the name server says to a peer, and what it does about what a peer says, right or wrong. */
import { assert, assertEquals } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { announcedFlags } from "../../../lib/dist/flags.ts";
import {
  atom,
  type Encodable,
  ExternalFun,
  format,
  ImproperList,
  isTuple,
  type Node,
  type NodeOptions,
  Pid,
  type Term,
  TermMap,
  type Tuple,
  tuple,
} from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { type Visited, visitedTest } from "../../node/remote/_hand_made.ts";
import { waiting } from "./_support.ts";

const SERVER = "global_name_server";
const PEER = atom("handmade@localhost");
const OURS = atom("ours@localhost");
const EXIT_NAME = new ExternalFun(atom("global"), atom("random_exit_name"), 3);
const GLOBAL = atom("global");

/** A peer that could be a member. */
function memberTest(
  title: string,
  body: (visited: Visited, him: Member) => unknown,
  options: NodeOptions = {},
): void {
  visitedTest(title, (visited) => body(visited, new Member(visited.peer)), {
    node: { published: true, ...options },
    peer: { flags: announcedFlags({ published: true }) },
  });
}

/** Speaks the protocol by hand. */
class Member {
  readonly peer: HandMade;
  readonly server: Pid;
  readonly locker: Pid;

  constructor(peer: HandMade) {
    this.peer = peer;
    this.server = peer.pid();
    this.locker = peer.pid();
  }

  cast(...message: Encodable[]): void {
    this.info(atom("$gen_cast"), tuple(...message) as Encodable);
  }

  info(...message: Encodable[]): void {
    const term = tuple(...message) as unknown as Encodable;
    this.peer.send([CONTROL.REG_SEND, this.server, atom(""), atom(SERVER)], term);
  }

  call(request: Encodable): Promise<Term> {
    return this.peer.call(SERVER, request);
  }

  /** The next message to our name server whose name is that; of casts and calls what is in them. */
  async expect(name: string): Promise<readonly Term[]> {
    const { payload } = await this.peer.signal(({ control, payload }) =>
      control[0] === CONTROL.REG_SEND && control[3] === atom(SERVER) &&
      isTuple(payload) && nameOf(payload) === name
    );
    return payload as Tuple;
  }

  /** The next cast of that name. */
  async expectCast(name: string): Promise<readonly Term[]> {
    return (await this.expect(name))[1] as Tuple;
  }

  /** Answers the next call of that name, and gives its request. */
  async answer(name: string, reply: Encodable): Promise<Term> {
    const [, from, request] = await this.expect(name) as [Term, Tuple, Term];
    const tag = from[1];
    assert(tag instanceof ImproperList);
    this.peer.send(
      [CONTROL.ALIAS_SEND, this.server, tag.tail as never],
      tuple(tag, reply) as unknown as Encodable,
    );
    return request;
  }

  /** Both say who they are. @returns our tag. */
  async begin(hisTag: number, version = 8): Promise<{ readonly tag: Term; readonly locker: Pid }> {
    this.initConnect(hisTag, version);
    const [, vsn, , init] = await this.expectCast("init_connect");
    return { tag: (vsn as Tuple)[1], locker: (init as Tuple)[3] as Pid };
  }

  initConnect(tag: Encodable, version = 8): void {
    const init = tuple(atom("locker"), atom("no_longer_a_pid"), [], this.locker);
    this.cast(
      atom("init_connect"),
      tuple(version, tag) as Encodable,
      atom(this.peer.name),
      init as Encodable,
    );
  }
}

function nameOf(message: Term): string {
  if (!isTuple(message)) {
    return message instanceof Object && "name" in message ? message.name as string : "";
  }
  const inner = message.tag === "$gen_cast"
    ? message[1]
    : message.tag === "$gen_call"
    ? message[2]
    : null;
  if (inner !== null) return nameOf(inner as Term);
  return message.tag ?? "";
}

/** Becomes one with the node: everything that is said, in order. */
async function join(
  { node }: Visited,
  him: Member,
  { names = [], known = [], operations = [] }: {
    readonly names?: Encodable;
    readonly known?: Encodable;
    readonly operations?: Encodable;
  } = {},
): Promise<{ readonly exchanged: Term; readonly resolved: readonly Term[] }> {
  const { tag, locker } = await him.begin(70);
  assertEquals(
    format((await him.expect("init_connect_ack")) as Term),
    `{init_connect_ack,ours@localhost,70,${format(tag)}}`,
  );
  him.info(atom("init_connect_ack"), PEER, tag as Encodable, 70);
  const id = tuple(
    GLOBAL,
    [locker, him.locker].sort((a, b) => a.id - b.id || (a.node < b.node ? -1 : 1)),
  );
  assertEquals(
    format(await him.answer("set_lock", true)),
    format(tuple(atom("set_lock"), id) as Term),
  );
  const set = await him.expectCast("lock_set");
  assertEquals(format(set as Term), `{lock_set,${format(locker)},true,[],70}`);
  him.cast(atom("lock_set"), him.locker, true, [], tag as Encodable);
  const [, from, exchanged, external, hisTag] = await him.expectCast("exchange");
  assertEquals([from, external, hisTag], [OURS, [], 70]);
  him.cast(atom("exchange"), PEER, names, [], tag as Encodable);
  const resolved = await him.expectCast("resolved");
  him.cast(atom("resolved"), PEER, operations, known, atom("unused"), [], tag as Encodable);
  assertEquals(
    format(await him.answer("del_lock", true)),
    format(tuple(atom("del_lock"), id) as Term),
  );
  await node.global.sync();
  return { exchanged, resolved };
}

memberTest("becomes one with a peer, in the words of version 8", async (visited, him) => {
  const { node } = visited;
  const [pid, theirs] = [waiting(node), him.peer.pid()];
  assertEquals(await node.global.register("at_ours", pid), true);
  const { exchanged, resolved } = await join(visited, him, {
    names: [tuple(atom("at_his"), theirs, EXIT_NAME)] as Encodable,
  });
  assertEquals(format(exchanged), `[{at_ours,${format(pid)},fun global:random_exit_name/3}]`);
  assertEquals(
    format(tuple(...resolved) as Term),
    "{resolved,ours@localhost,[],[],unused,[],70}",
  );
  assertEquals(node.global.whereis("at_his")?.key, theirs.key);
  assertEquals(format(await him.call(atom("get_known"))), "[handmade@localhost]");
  assertEquals(format(await him.call(atom("get_synced"))), "[handmade@localhost]");

  // Registering asks him.
  const registering = node.global.register("later", waiting(node));
  const set = await him.answer("set_lock", true) as Tuple;
  const requester = (set[1] as Tuple)[1];
  assert(requester instanceof Pid);
  // The boss, who is ours, is locked alone before all are.
  const [, name, , method] = await him.answer("register", atom("yes")) as Tuple;
  assertEquals([name, format(method)], [atom("later"), "fun global:random_exit_name/3"]);
  assertEquals(
    format(await him.answer("del_lock", true)),
    `{del_lock,{global,${format(requester)}}}`,
  );
  assertEquals(await registering, true);

  // He registers under his lock, and loses a name with his process.
  const registrar = tuple(GLOBAL, him.server);
  assertEquals(await him.call(tuple(atom("set_lock"), registrar) as Encodable), true);
  him.peer.close();
  await poll(() => node.nodes().length === 0);
  await poll(() => node.global.names().length === 2);
  assertEquals(node.global.whereis("at_his"), undefined);
});

memberTest(
  "tells a member whom another one has brought, and connects with those",
  async (visited, him) => {
    await join(visited, him, { known: [tuple(atom("nobody@localhost"), 8)] as Encodable });
    // He cannot be reached, so he is lost, and the others are told.
    const lost = await him.expect("lost_connection");
    assertEquals(lost[1], OURS);
    assertEquals([lost[3], lost[4]], [1, atom("nobody@localhost")]);
    assertEquals(format(await him.call(atom("get_known"))), "[handmade@localhost]");
    // Later members are taken from new_nodes, under the lock that they were agreed upon with.
    const pid = him.peer.pid();
    const requester = [him.locker, him.locker];
    const lock = tuple(GLOBAL, requester);
    const news = (name: string, extra: Encodable): void =>
      him.cast(
        atom("new_nodes"),
        PEER,
        [tuple(atom("insert"), tuple(atom(name), pid, EXIT_NAME))] as Encodable,
        [],
        [tuple(PEER, 8), tuple(OURS, 8)] as Encodable,
        extra,
      );
    assertEquals(await him.call(tuple(atom("set_lock"), lock) as Encodable), true);
    news(
      "wrong",
      [tuple(atom("vsn"), 8), tuple(atom("lock"), tuple(GLOBAL, [him.server]))] as Encodable,
    );
    news("none", []);
    news("right", [tuple(atom("vsn"), 8), tuple(atom("lock"), lock)] as Encodable);
    await him.call(atom("get_known"));
    assertEquals(visited.node.global.names(), [atom("right")]);
  },
);

memberTest("begins anew when a session goes wrong", async (_, him) => {
  const { tag } = await him.begin(1);
  him.info(atom("cancel_connect"), PEER, -5);
  him.info(atom("cancel_connect"), PEER, tag as Encodable);
  const [, second] = await him.expectCast("init_connect");
  assert((second as Tuple)[1] !== tag);
  // An acknowledgement of another session voids this one, on both sides.
  him.info(atom("init_connect_ack"), PEER, tag as Encodable, 3);
  assertEquals(
    format(await him.expect("cancel_connect") as Term),
    "{cancel_connect,ours@localhost,1}",
  );
  assertEquals(
    format(await him.expect("cancel_connect") as Term),
    "{cancel_connect,ours@localhost,3}",
  );
  const [, third] = await him.expectCast("init_connect");
  him.initConnect(4);
  const ack = await him.expect("init_connect_ack").then(() => him.expect("init_connect_ack"));
  assertEquals([ack[2], ack[3]], [4, (third as Tuple)[1]]);
  // He begins again, in the middle of it.
  him.initConnect(5);
  assertEquals(
    format(await him.expect("cancel_connect") as Term),
    "{cancel_connect,ours@localhost,5}",
  );
  assertEquals(
    format(await him.expect("cancel_connect") as Term),
    "{cancel_connect,ours@localhost,4}",
  );
  const [, fourth] = await him.expectCast("init_connect");
  const again = await him.expect("init_connect_ack");
  assertEquals([again[2], again[3]], [5, (fourth as Tuple)[1]]);
});

memberTest("does not lock with one who refuses, or asks out of turn", async ({ node }, him) => {
  him.cast(atom("lock_set"), him.locker, true, [], 12); // of no session: not for our locker
  him.cast(atom("lock_set"), him.locker, true, []); // an old locker, whom ours answers itself
  const { payload } = await him.peer.signal(({ control }) =>
    control[0] === CONTROL.SEND_SENDER && him.locker.equals(control[2])
  );
  const [name, locker, set, known] = payload as Tuple;
  assertEquals([name, set, known], [atom("lock_set"), false, []]);
  const { tag } = await him.begin(1);
  await him.answer("set_lock", false);
  await him.answer("set_lock", true); // it is tried again
  await him.expectCast("lock_set");
  him.cast(atom("lock_set"), him.locker, false, [], tag as Encodable);
  await him.answer("del_lock", true);
  await him.answer("set_lock", true);
  // The old locker's answer goes to the process itself.
  him.peer.send(
    [CONTROL.SEND_SENDER, him.locker, locker as Pid],
    tuple(atom("lock_set"), him.locker, false, []) as unknown as Encodable,
  );
  await him.answer("del_lock", true);
  assertEquals(
    await node.global.transaction("res", () => "served", { nodes: [node.name] }),
    "served",
  );
});

for (const version of [5, 7]) {
  memberTest(`speaks version ${version} with a peer of old`, async ({ node }, him) => {
    assertEquals(await node.global.register("at_ours", waiting(node)), true);
    const { tag, locker } = await him.begin(1, version);
    await him.answer("set_lock", true);
    if (version === 5) {
      const { payload } = await him.peer.signal(({ control }) =>
        control[0] === CONTROL.SEND_SENDER && him.locker.equals(control[2])
      );
      assertEquals(format(payload!), `{lock_set,${format(locker)},true,[]}`);
      him.peer.send(
        [CONTROL.SEND_SENDER, him.locker, locker],
        tuple(atom("lock_set"), him.locker, true, []) as unknown as Encodable,
      );
    } else {
      const set = await him.expectCast("lock_set");
      assertEquals(format(set as Term), `{lock_set,${format(locker)},true,[]}`);
      him.cast(atom("lock_set"), him.locker, true, []);
    }
    await him.expectCast("exchange");
    him.cast(atom("exchange"), PEER, [], [], tag as Encodable);
    await him.expectCast("resolved");
    him.cast(atom("resolved"), PEER, [], [], atom("unused"), [], tag as Encodable);
    await him.answer("del_lock", true);
    assertEquals(format(await him.call(atom("get_synced"))), "[handmade@localhost]");
    assertEquals(
      him.peer.signals.some(({ payload }) => nameOf(payload!) === "init_connect_ack"),
      false,
    );
    if (version === 5) {
      him.initConnect(2, 5); // a member already: he need not be asked
      assertEquals(format(await him.call(atom("get_known"))), "[handmade@localhost]");
    }
  });
}

memberTest(
  "a lock is freed when who has it is lost, in the middle of a session too",
  async (visited, him) => {
    const { node } = visited;
    const { tag } = await him.begin(1);
    await him.answer("set_lock", true);
    him.cast(atom("lock_set"), him.locker, true, [], tag as Encodable);
    await him.expectCast("exchange");
    const res = tuple(atom("set_lock"), tuple(atom("res"), him.server)) as Encodable;
    assertEquals(await him.call(res), true);
    const registering = node.global.register("name", waiting(node)); // waits for the lock of global
    assertEquals(await node.global.lock("res", { retries: 0, nodes: [node.name] }), null);
    him.peer.close();
    assertEquals(await registering, true);
    await node.global.transaction("res", () => {});
    // And he may come again.
    const again = new Member(await visited.connect({ flags: announcedFlags({ published: true }) }));
    await join(visited, again);
  },
);

memberTest(
  "what is asked for by a connection that is lost meanwhile is not kept",
  async (visited, him) => {
    const { node } = visited;
    const published = { flags: announcedFlags({ published: true }) };
    const server = node._core.names.get(SERVER)!;
    server.suspend(); // it gets to it only when the node has lost him, and has him again
    const from = tuple(him.server, him.peer.ref());
    const ask = (request: Encodable): void =>
      him.info(atom("$gen_call"), from as Encodable, request);
    ask(tuple(atom("set_lock"), tuple(atom("res"), him.server)) as Encodable);
    ask(tuple(atom("set_lock"), tuple(GLOBAL, him.server)) as Encodable);
    ask(tuple(atom("register"), atom("name"), him.server, EXIT_NAME) as Encodable);
    await poll(() => server.queued === 3);
    him.peer.close();
    await poll(() => node.nodes().length === 0);
    const again = new Member(await visited.connect(published));
    server.resume();
    assertEquals(await again.call(atom("get_protocol_version")), 8);
    assertEquals(node.global.names(), []);
    const own = { retries: 0, nodes: [node.name] };
    assertEquals(await node.global.transaction("res", () => "free", own), "free");
    assertEquals(await node.global.register("name", waiting(node)), true);
  },
);

memberTest("obeys and passes on what is said of overlapping partitions", async (visited, him) => {
  await join(visited, him);
  const third = new Member(
    await visited.connect({ name: "third@localhost", flags: announcedFlags({ published: true }) }),
  );
  him.info(atom("lost_connection"), atom("x@localhost"), 1, 1, atom("y@localhost"));
  him.info(atom("lost_connection"), PEER, 1, 2n ** 70n, atom("third@localhost"));
  him.info(atom("lost_connection"), PEER, 1, 5, atom("third@localhost")); // was known before
  const passed = await him.expect("lost_connection");
  assertEquals(format(passed as Term), "{lost_connection,x@localhost,1,1,y@localhost}");
  // The third has not begun to exchange names, so that he is no part of it.
  assertEquals(visited.node.nodes("visible").sort(), ["handmade@localhost", "third@localhost"]);
  him.info(atom("remove_connection"), atom("third@localhost"));
  await him.call(atom("get_known"));
  assertEquals(visited.node.nodes("visible").length, 2);
  await third.begin(1);
  him.info(atom("lost_connection"), PEER, 1, 2n ** 71n, atom("third@localhost"));
  assertEquals(
    format(await third.expect("remove_connection") as Term),
    "{remove_connection,ours@localhost}",
  );
  third.peer.close();
  // We are the one that was lost: who says so is to go.
  him.info(atom("lost_connection"), PEER, 2, 1, OURS);
  assertEquals(
    format(await him.expect("remove_connection") as Term),
    "{remove_connection,ours@localhost}",
  );
  assertEquals(format(await him.call(atom("get_known"))), "[]");
  him.peer.close();
  await poll(() => visited.node.nodes().length === 0);
});

memberTest("disconnects where it is asked to", async (visited, him) => {
  await join(visited, him);
  him.info(atom("remove_connection"), PEER);
  await him.peer.closed;
  await poll(() => visited.node.nodes().length === 0);
});

memberTest("what is registered after its lock was lost is not kept", async (visited, him) => {
  const { node } = visited;
  const set = tuple(atom("set_lock"), tuple(GLOBAL, him.server)) as Encodable;
  assertEquals(await him.call(set), true);
  him.peer.close();
  await poll(() => node.nodes().length === 0);
  const again = new Member(await visited.connect({ flags: announcedFlags({ published: true }) }));
  const register = tuple(atom("register"), atom("late"), again.peer.pid(), EXIT_NAME) as Encodable;
  assertEquals(await again.call(register), atom("yes"));
  assertEquals(node.global.names(), []);
});

memberTest("answers what nodes of old and C nodes ask", async ({ node }, him) => {
  const pid = him.peer.pid();
  const register = tuple(atom("register_ext"), atom("c_name"), pid, EXIT_NAME, PEER);
  assertEquals(await him.call(register as Encodable), atom("yes"));
  assertEquals(
    format(await him.call(atom("get_names_ext"))),
    `[{c_name,${format(pid)},handmade@localhost}]`,
  );
  const ref = him.peer.ref();
  for (const [name, expected] of [["c_name", format(pid)], ["nobody", "undefined"]]) {
    him.info(atom("whereis"), atom(name), tuple(him.server, ref) as Encodable);
    const { payload } = await him.peer.signal(({ control, payload }) =>
      control[0] === CONTROL.SEND_SENDER && isTuple(payload) && ref.equals(payload[0])
    );
    assertEquals(format((payload as Tuple)[1]), expected);
  }
  him.cast(atom("async_del_name"), atom("c_name"), pid);
  him.cast(atom("async_del_lock"), atom("res"), pid);
  assertEquals(await him.call(tuple(atom("unregister"), atom("c_name")) as Encodable), atom("ok"));
  assertEquals(await him.call(atom("get_names_ext")), []);
  assertEquals(await him.call(atom("get_protocol_version")), 8);
  assertEquals(await him.call(tuple(atom("sync"), []) as Encodable), atom("ok"));
  assertEquals(((await him.call(atom("info"))) as Tuple).tag, "state");
  assertEquals(await him.call(atom("high_level_trace_start")), atom("ok"));
  assertEquals(await him.call(atom("high_level_trace_stop")), []);
  assertEquals(node.global.names(), []);
});

memberTest("ends the connections where it is asked to, and tells nobody", async (visited, him) => {
  await join(visited, him);
  assertEquals(await visited.node.call(SERVER, atom("disconnect")), [PEER]);
  await him.peer.closed;
  assertEquals(
    him.peer.signals.some(({ payload }) => nameOf(payload!) === "lost_connection"),
    false,
  );
});

memberTest("no exit signal ends it, its locker or its registrar", async ({ node }, him) => {
  const state = await him.call(atom("info")) as Tuple;
  const pids = [node.whereis(SERVER)!, ...state.filter((term) => term instanceof Pid)];
  assertEquals(pids.length, 3);
  for (const pid of pids) {
    for (const reason of ["kill", "normal", "shutdown"]) {
      him.peer.send([CONTROL.PAYLOAD_EXIT2, him.server, pid], atom(reason));
      node.exit(pid, atom(reason));
    }
    him.peer.send([CONTROL.LINK, him.server, pid]);
    him.peer.send([CONTROL.PAYLOAD_EXIT, him.server, pid], atom("kill"));
    him.peer.send([CONTROL.SEND_SENDER, him.server, pid], atom("garbage"));
    him.peer.send([CONTROL.SEND_SENDER, him.server, pid], tuple(atom("lock_set"), 1) as never);
  }
  assertEquals(await him.call(atom("get_known")), []);
  assertEquals(pids.map((pid) => node.isAlive(pid)), [true, true, true]);
  assertEquals(await node.global.register("name", waiting(node)), true);
});

memberTest("nobody has a process killed by a conflict that is none", async ({ node }, him) => {
  const [named, other] = [waiting(node), waiting(node)];
  assertEquals(await node.global.register("name", named), true);
  const resolve = (...args: Encodable[]): Promise<unknown> =>
    // As a peer has it called: by the name of the function.
    Promise.resolve(node._provided.find("global", "resolve_it", args as Term[])!(null as never));
  const his = him.peer.pid();
  const bad = "{'EXIT',badarg}";
  for (
    const args of [
      [EXIT_NAME, atom("name"), his, other],
      [EXIT_NAME, atom("nobody"), his, named],
      [EXIT_NAME, atom("name"), named, his],
    ]
  ) assertEquals(format(await resolve(...args) as Term), bad);
  assertEquals([node.isAlive(named), node.isAlive(other)], [true, true]);
  assertEquals(
    format(await resolve(atom("badfun"), atom("name"), his, named) as Term),
    "{'EXIT',{badfun,badfun}}",
  );
  assertEquals(format(await resolve(EXIT_NAME, atom("name"), his, named) as Term), format(his));
  assertEquals(node.isAlive(named), false);
});

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

testNothingIsLeft();
