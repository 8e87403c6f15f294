/** Peers that lack a flag: what they can be sent takes another form, or is not sent; those that lack a mandatory one are refused by its name. */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { accept } from "../../../lib/dist/establish.ts";
import { announcedFlags, type FlagName, FLAGS, hasFlag } from "../../../lib/dist/flags.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import { memoryNetwork } from "../../../lib/transport/memory.ts";
import {
  atom,
  GenServer,
  NodeDownError,
  on,
  type Pid,
  SpawnError,
  startNode,
  t,
  tagged,
  type Term,
  type Tuple,
  tuple,
} from "../../../mod.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { COOKIE } from "../../_support/interop.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { BOOM } from "../_nodes.ts";
import { acted, keeper, visitedTest } from "./_hand_made.ts";

const LARGE = 300_000;
const NAME = atom("somebody");

type Row = { readonly mandatory: number | null; readonly send: boolean | string };
const ROWS = Object.entries(FLAGS) as [FlagName, Row][];
const OPTIONAL = ROWS.filter(([name, { mandatory, send }]) =>
  mandatory !== 25 && send !== false && name !== "PUBLISHED" && name !== "NAME_ME"
).map(([name]) => name);
const MANDATORY = ROWS.filter(([, { mandatory }]) => mandatory === 25).map(([name]) => name);

const EVERYTHING = announcedFlags({ fragments: true, atomCache: true });

function without(...names: FlagName[]): bigint {
  return names.reduce((flags, name) => flags & ~FLAGS[name].value, EVERYTHING);
}

class Doubler extends GenServer {
  override readonly calls = { double: on(t.integer, (n) => 2 * n) };
}

/** Peers by what they announce. */
const PEERS: readonly (readonly [title: string, flags: bigint])[] = [
  ["everything", EVERYTHING],
  ...OPTIONAL.map((name) => [`no ${name}`, without(name)] as const),
  ["neither FRAGMENTS nor DIST_HDR_ATOM_CACHE", without("FRAGMENTS", "DIST_HDR_ATOM_CACHE")],
  ["what OTP 24 knows", without("MANDATORY_25_DIGEST", "UNLINK_ID", "ALTACT_SIG")],
  [
    "what OTP 23 knows",
    without("MANDATORY_25_DIGEST", "UNLINK_ID", "V4_NC", "ALIAS", "ALTACT_SIG"),
  ],
  ["only what is mandatory", without(...OPTIONAL)],
];

for (const [title, flags] of PEERS) {
  const has = (name: FlagName): boolean => hasFlag(flags, name);

  visitedTest(`a peer that announces ${title}: signals of ours`, async ({ node, peer }) => {
    const ours = await keeper(node);
    const { self } = ours;
    const [linked, other] = [peer.pid(), peer.pid()];
    self.send(other, atom("by_pid"));
    self.send({ name: NAME.name, node: peer.name }, atom("by_name"));
    self.send(peer.ref(), atom("by_alias"));
    self.send(other, new Uint8Array(LARGE).fill(7));
    self.link(other);
    self.unlink(other);
    self.exit(other, BOOM);
    self.monitor(other);
    self.monitor({ name: NAME.name, node: peer.name });
    self.link(linked);
    const ref = peer.ref();
    peer.send([CONTROL.MONITOR_P, other, ours.pid, ref]);
    await acted(peer);
    node.exit(ours.pid, atom("kill"));
    const toPid = has("SEND_SENDER") ? CONTROL.SEND_SENDER : CONTROL.SEND;
    const monitors = has("DIST_MONITOR") && has("DIST_MONITOR_NAME");
    const expected = [
      toPid,
      CONTROL.REG_SEND,
      CONTROL.ALIAS_SEND, // or ALTACT_SIG_SEND, which the hand-made peer reads as what it means
      toPid,
      CONTROL.LINK,
      has("UNLINK_ID") ? CONTROL.UNLINK_ID : CONTROL.UNLINK,
      has("EXIT_PAYLOAD") ? CONTROL.PAYLOAD_EXIT2 : CONTROL.EXIT2,
      ...monitors ? [CONTROL.MONITOR_P, CONTROL.MONITOR_P] : [],
      CONTROL.LINK,
      has("EXIT_PAYLOAD") ? CONTROL.PAYLOAD_MONITOR_P_EXIT : CONTROL.MONITOR_P_EXIT,
      has("EXIT_PAYLOAD") ? CONTROL.PAYLOAD_EXIT : CONTROL.EXIT,
    ];
    const got: number[] = [];
    const reasons: Term[] = [];
    while (got.length < expected.length + (monitors ? 2 : 0)) {
      const { control, payload } = await peer.signal(() => true);
      if (control[0] === CONTROL.DEMONITOR_P) { // of one that has ended
        got.push(control[0]);
        continue;
      }
      got.push(control[0]);
      if (payload instanceof Uint8Array) {
        assertEquals([payload.length, payload[LARGE - 1]], [LARGE, 7]);
      }
      if (control[0] === CONTROL.EXIT || control[0] === CONTROL.EXIT2) reasons.push(control[3]);
      if (control[0] === CONTROL.MONITOR_P_EXIT) reasons.push(control[4]);
      if (/PAYLOAD/.test(nameOf(control[0]))) reasons.push(payload!);
    }
    const signals = got.filter((operation) => operation !== CONTROL.DEMONITOR_P);
    // Signals to different processes may overtake each other: what is small does not wait for what is large.
    assertEquals(signals.sort(), expected.sort());
    assertEquals(reasons, [BOOM, atom("killed"), atom("killed")]);
  }, { peer: { flags } });

  visitedTest(`a peer that announces ${title}: calls, both ways`, async ({ node, peer }) => {
    await node.start(Doubler, [], { register: "doubler" });
    await oldCall(peer, 21);
    if (has("ALIAS")) assertEquals(await peer.call("doubler", tagged("double", 4)), 8);
    // As old a callee: it answers to the pid, with the tag as it came.
    const call = node.call({ name: NAME.name, node: peer.name }, atom("hello"));
    const { payload } = await peer.signal(({ control }) => control[0] === CONTROL.REG_SEND);
    const [, from] = payload as unknown as Tuple<[Term, Tuple<[Pid, Term]>]>;
    peer.send([CONTROL.SEND, atom(""), from[0]], tuple(from[1], atom("answer")) as Term);
    assertEquals(await call, atom("answer"));
    if (!has("SPAWN")) {
      const error = await assertRejects(
        () => node.spawnRemote(peer.name, "m", "f", []),
        SpawnError,
      );
      assertEquals(error.reason, atom("notsup"));
    }
  }, { peer: { flags } });
}

/** A call as gen_server made it before OTP 24: the tag is a plain reference, and the reply comes to the pid. */
async function oldCall(peer: HandMade, n: number): Promise<void> {
  const [from, ref] = [peer.pid(), peer.ref()];
  const request = tuple(atom("$gen_call"), tuple(from, ref), tagged("double", n)) as Term;
  peer.send([CONTROL.REG_SEND, from, atom(""), atom("doubler")], request);
  const { control, payload } = await peer.signal(({ payload }) =>
    Array.isArray(payload) && ref.equals(payload[0])
  );
  assertEquals((payload as Tuple)[1], 2 * n);
  const to = control[0] === CONTROL.SEND_SENDER
    ? control[2]
    : control[0] === CONTROL.SEND && control[2];
  assert(from.equals(to));
}

function nameOf(operation: number): string {
  return Object.entries(CONTROL).find(([, value]) => value === operation)![0];
}

for (const name of MANDATORY) {
  visitedTest(`who comes without ${name} is refused by its name`, async ({ node, connect }) => {
    const events = node.events();
    const flags = without(name, "MANDATORY_25_DIGEST");
    await assertRejects(
      () => connect({ name: "old@localhost", flags }),
      Error,
      "does not allow us",
    );
    for await (const event of events) {
      if (event.type !== "refused") continue;
      assertStringIncludes(event.error.message, name);
      break;
    }
    // The digest stands for it.
    await acted(await connect({ name: "new@localhost", flags: without(name) }));
  });
}

test("who is dialled and lacks a mandatory flag is refused by its name", async () => {
  const network = memoryNetwork();
  const platform = await defaultPlatform();
  for (const missing of MANDATORY) {
    const theirs = `theirs@localhost`;
    const listener = await network.machine("theirs").listen(
      { host: "0.0.0.0", port: 5000 },
      (stream) => {
        const flags = without(missing, "MANDATORY_25_DIGEST");
        const options = { platform, name: theirs, creation: 7, flags, cookie: () => COOKIE };
        accept(stream, { ...options, decide: () => "ok" }).catch(() => {});
      },
    );
    await using node = await startNode("ours@localhost", {
      cookie: COOKIE,
      epmd: false,
      listen: false,
      signals: false,
      transport: network.machine("ours"),
      routes: { [theirs]: { host: "theirs", port: 5000 } },
    });
    const error = await assertRejects(() => node.connect(theirs), NodeDownError);
    assertStringIncludes(error.message, missing);
    await listener.close();
  }
});

testNothingIsLeft();
