/**
 * Our node leaves out one of its flags, or several, and a node of Erlang does what it does with such a peer: all checks hold that do not
 * ask for the very thing. Without a flag that it insists on it refuses us.
 */
import { after, before, test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { serve } from "../../examples/conformance_node.ts";
import { type FlagName, FLAGS } from "../../lib/dist/flags.ts";
import { atom, type Node, NodeDownError, startNode, tagged } from "../../mod.ts";
import { type ErlangNode, freePort, startErlang } from "../_support/erlang.ts";
import { checksIn, COOKIE, loadErlang } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { inbox, plain, reasonOf } from "../_support/our_side.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl");
const opened = openNow();
const MODULES = ["calls", "links", "spawns", "rpcs", "checklist"];
const LARGE = 3 * 1024 * 1024;

type Row = { readonly mandatory: number | null; readonly send: boolean | string };
const ROWS = Object.entries(FLAGS) as [FlagName, Row][];
const isCapability = (name: FlagName): boolean => name !== "PUBLISHED" && name !== "NAME_ME";
/** What is announced and what no release insists on. */
const OPTIONAL = ROWS.filter(([name, { mandatory, send }]) =>
  mandatory === null && send !== false && isCapability(name)
).map(([name]) => name);
/** What OTP insists on, from some release on. */
const MANDATORY = ROWS.filter(([, { mandatory }]) => mandatory !== null);

/** What OTP does not do with a peer that has no such flag, and the checks that are about it, as `module:check`. */
const MONITORS =
  /^(monitors|links):|monitor|exit_signal|nobody|ends|stops|sys_get_state|late|traced|connection_is_lost|parent|timeout/;
const SPAWNS = /^(spawns|rpcs):|rpc_call|erpc|spawn|group_leader|io_|traced/;
const NOT_DONE: Partial<Record<FlagName, RegExp>> = {
  DIST_MONITOR: MONITORS,
  DIST_MONITOR_NAME: MONITORS,
  SPAWN: SPAWNS,
};

let epmdPort: number;
/** Keeps the EPMD. */
let keeper: Node | undefined;
let erl: ErlangNode | undefined;
let release = 0;
let number = 0;

before(async () => {
  if (skip) return;
  epmdPort = await freePort();
  keeper = await startNode("keeper@localhost", { cookie: COOKIE, epmd: { port: epmdPort } });
  erl = await startErlang({ name: "theirs@localhost", cookie: COOKIE, epmdPort, mesh: true });
  for (const module of ["checks", "demo", ...MODULES]) await loadErlang(erl, module);
  await erl.eval("demo:start()");
  release = Number(await erl.eval("list_to_integer(erlang:system_info(otp_release))"));
});

after(stop);

async function stop(): Promise<void> {
  await erl?.kill();
  await keeper?.stop();
}

function nodeWithout(withoutFlags: readonly FlagName[]): Promise<Node> {
  const name = `flags${++number}@localhost`; // OTP wants some seconds before it hears of the same name again
  return startNode(name, {
    cookie: COOKIE,
    epmd: { port: epmdPort },
    output: () => {}, // what they print is no figure of the test
    terms: { floats: "wrap" },
    withoutFlags,
  });
}

/** Runs the checks there that do not ask for what cannot be had. */
async function theirChecks(node: Node, notDone: RegExp | undefined): Promise<void> {
  await serve(node);
  let held = 0;
  const failed: string[] = [];
  for (const module of MODULES) {
    for (const check of checksIn(`${module}.erl`)) {
      if (notDone?.test(`${module}:${check}`)) continue;
      const run = erl!.eval(`checks:run(${module}, ${check}, '${node.name}')`);
      const result = await run.catch((error: Error) => error.message);
      if (result === "ok") held++;
      else failed.push(`${module}:${check} ${result}`);
    }
  }
  assertEquals(failed, []);
  assert(held > 50, `${held} checks`);
}

/**
 * What our node does: messages, calls, links, exit signals, large ones; monitors and spawned processes where they can be. Without
 * ALIAS there are no calls: OTP drops the replies, which go to an alias.
 */
async function ourChecks(node: Node, without: readonly FlagName[]): Promise<void> {
  const mine = await inbox(node, { trapExit: true });
  const echo = { name: "echo", node: erl!.name };
  for (let i = 0; i < 100; i++) mine.self.cast(echo, tagged("to", mine.pid, i));
  for (let i = 0; i < 100; i++) assertEquals(await mine.next(), i);
  if (without.includes("ALIAS")) return;
  assert(await node.ping(erl!.name));
  assertEquals(await node.call(echo, tagged("echo", 7)), 7);
  const large = await node.call(echo, tagged("echo", new Uint8Array(LARGE).fill(7)));
  assertEquals((large as Uint8Array).length, LARGE);
  const alias = mine.self.alias();
  const linked = await plain(node);
  mine.self.send(linked, tagged("send", alias, atom("by_alias")));
  assertEquals(await mine.next(), atom("by_alias"));
  mine.self.link(linked);
  mine.self.unlink(linked);
  mine.self.link(linked);
  mine.self.send(linked, tagged("exit", tagged("boom", 1)));
  assertEquals(await mine.next(), tagged("EXIT", linked, tagged("boom", 1)));
  const signalled = await plain(node);
  mine.self.link(signalled);
  mine.self.exit(signalled, tagged("stop", 2));
  assertEquals(await mine.next(), tagged("EXIT", signalled, tagged("stop", 2)));
  const monitors = !without.some((name) => name.startsWith("DIST_MONITOR"));
  if (!without.includes("SPAWN")) {
    // The result comes as the reason of a monitor.
    if (monitors) assertEquals(await node.rpc(erl!.name, "lists", "reverse", [[1, 2]]), [2, 1]);
    const spawned = await node.spawnRemote(erl!.name, "demo", "loop", []);
    mine.self.send(spawned, tagged("send", mine.pid, atom("spawned")));
    assertEquals(await mine.next(), atom("spawned"));
  }
  const watched = await plain(node);
  const down = reasonOf(node, watched);
  if (monitors) {
    mine.self.send(watched, tagged("exit", atom("boom")));
    assertEquals(await down, "boom");
  } else {
    node.disconnect(erl!.name); // what is left of a monitor
    assertEquals(await down, "noconnection");
  }
}

const MIXES: readonly (readonly FlagName[])[] = [
  ...OPTIONAL.map((name) => [name]),
  ["FRAGMENTS", "DIST_HDR_ATOM_CACHE"],
  ["EXIT_PAYLOAD", "SEND_SENDER", "ALTACT_SIG", "FRAGMENTS", "DIST_HDR_ATOM_CACHE"],
];

for (const without of MIXES) {
  test(`without ${without.join(", ")}`, { skip }, async () => {
    await using node = await nodeWithout(without);
    assertEquals(await erl!.eval(`net_adm:ping('${node.name}')`), "pong");
    await theirChecks(node, without.length === 1 ? NOT_DONE[without[0]] : undefined);
    await ourChecks(node, without);
  });
}

test("without SPAWN spawning there fails at once, both ways", { skip }, async () => {
  await using node = await nodeWithout(["SPAWN"]);
  await assertRejects(() => node.spawnRemote(erl!.name, "demo", "loop", []), Error, "notsup");
  await assertRejects(() => node.rpc(erl!.name, "erlang", "node"), Error, "notsup");
  assertEquals(await erl!.eval(`rpc:call('${node.name}', demo, sum, [1, 2])`), "{badrpc,notsup}");
});

test("the obsolete ones, and what stands for the mandatory ones", { skip }, async () => {
  // With the digest OTP takes all that it stands for as announced.
  await using node = await nodeWithout(
    MANDATORY.filter(([, row]) => row.mandatory === 25).map(([name]) => name),
  );
  assert(await node.ping(erl!.name));
});

for (const [name, { mandatory }] of MANDATORY) {
  test(`without ${name}, which OTP ${mandatory} insists on`, { skip }, async () => {
    await using node = await nodeWithout([name, "MANDATORY_25_DIGEST"]);
    if (release < mandatory!) {
      assert(await node.ping(erl!.name));
      await ourChecks(node, [name]);
      await theirChecks(node, undefined);
    } else {
      await assertRejects(() => node.connect(erl!.name), NodeDownError, "does not allow us");
      assertEquals(await erl!.eval(`net_adm:ping('${node.name}')`), "pang");
    }
  });
}

test("nothing is left open", async () => {
  await stop();
  await assertNothingLeft(opened);
});
