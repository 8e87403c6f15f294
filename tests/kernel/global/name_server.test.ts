/** What the name server says to a peer, and what it does about what a peer says. */
import { assert, assertEquals } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { announcedFlags } from "../../../lib/dist/flags.ts";
import {
  atom,
  type Encodable,
  format,
  isTuple,
  Pid,
  type Term,
  type Tuple,
  tuple,
} from "../../../mod.ts";
import { poll } from "../../_support/erlang.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { waiting } from "./_support.ts";

import {
  EXIT_NAME,
  GLOBAL,
  join,
  Member,
  memberTest,
  nameOf,
  OURS,
  PEER,
  SERVER,
} from "./_member.ts";

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
      [EXIT_NAME, atom("name"), other, named], // who asks could name any process
    ]
  ) assertEquals(format(await resolve(...args) as Term), bad);
  assertEquals([node.isAlive(named), node.isAlive(other)], [true, true]);
  assertEquals(
    await him.call(tuple(atom("register"), atom("odd"), other, atom("badfun")) as Encodable),
    atom("yes"),
  );
  // What counts is how the name was registered, whatever whoever asks says.
  assertEquals(
    format(await resolve(EXIT_NAME, atom("odd"), his, other) as Term),
    "{'EXIT',{badfun,badfun}}",
  );
  assertEquals(
    format(await resolve(atom("badfun"), atom("name"), his, named) as Term),
    format(his),
  );
  assertEquals([node.isAlive(named), node.isAlive(other)], [false, true]);
});

testNothingIsLeft();
