/**
 * A cable that is cut a thousand times while calls are running: in order, by resets, and in the middle of frames. Every call ends, none
 * is applied twice, and what was replied has been applied.
 */
import { after, test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { LocalEpmd } from "../../lib/dist/epmd_local.ts";
import { NodeDownError } from "../../lib/node/errors.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { type Node, startNode, t, tagged } from "../../mod.ts";
import { freePort, startErlang } from "../_support/erlang.ts";
import { COOKIE, loadErlang, startConformance } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { startDemo, THEIRS } from "../_support/our_side.ts";
import { type Cut, Relay } from "../_support/relay.ts";
import { needs } from "../_support/runtime.ts";

const CUTS = 1_000;
const CALLERS = 10;
const KINDS: readonly Cut[] = ["reset", "end", "in the middle of a frame"];

const skip = needs("erl");
const opened = openNow();

/** Cuts the cable so many times, each time a little later in the conversation. `answered` is how many calls have been. */
async function cutAgainAndAgain(relay: Relay, answered: () => Promise<number>): Promise<void> {
  for (let i = 0; i < CUTS; i++) {
    await relay.connected();
    const from = await answered();
    // Some are cut in the handshake, some at the first calls, some later.
    if (i % 4 !== 0) { while (await answered() < from + i % 37) await breathe(); }
    const { connections } = relay;
    relay.cut(KINDS[i % KINDS.length], i);
    while (relay.open > 0 && relay.connections === connections) await breathe();
  }
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Callers of our node, each of which has one call out at a time. */
class OurCallers {
  readonly answered: number[] = [];
  readonly failed: number[] = [];
  #stopped = false;
  #next = 0;
  readonly #done: Promise<unknown>;

  constructor(node: Node, peer: string) {
    this.#done = Promise.all(Array.from({ length: CALLERS }, () => this.#run(node, peer)));
  }

  /** Resolves when every call has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(node: Node, peer: string): Promise<void> {
    while (!this.#stopped) {
      const i = this.#next++;
      try {
        const reply = await node.call({ name: "echo", node: peer }, tagged("tally", i), {
          timeout: 20_000,
        });
        assertEquals(reply, tagged("done", i));
        this.answered.push(i);
      } catch (error) {
        assertInstanceOf(error, NodeDownError);
        this.failed.push(i);
      }
    }
  }
}

const Tally = t.list(t.tuple(t.integer, t.integer));

/** Our node in this program, and a node `peer` that listens at `port`, with the cable between them. */
async function oursCalls(peer: string, port: number): Promise<void> {
  await using relay = await Relay.start(() => port);
  const routes = { [peer]: { host: "127.0.0.1", port: relay.port } };
  await using node = await startNode("caller@localhost", { cookie: COOKIE, epmd: false, routes });
  const callers = new OurCallers(node, peer);
  await cutAgainAndAgain(relay, () => Promise.resolve(callers.answered.length));
  await callers.stop();

  const { answered, failed } = callers;
  const items = [...answered, ...failed];
  const counts = new Map(
    await node.call({ name: "echo", node: peer }, tagged("tally_get", items), Tally) as [
      number,
      number,
    ][],
  );
  assertEquals(answered.filter((i) => counts.get(i) !== 1), [], "replied is not applied");
  assertEquals(failed.filter((i) => counts.get(i)! > 1), [], "applied twice");
  assert(answered.length > CUTS && failed.length > CUTS, `${answered.length} ${failed.length}`);
  assert(relay.connections >= CUTS);
}

after(() => assertNothingLeft(opened));

test("our node calls Erlang", { skip }, async () => {
  const epmdPort = await freePort();
  await using _epmd = await startNode("epmd@localhost", {
    cookie: COOKIE,
    epmd: { port: epmdPort },
  });
  await using erl = await startDemo("visible Erlang", epmdPort);
  const port = Number(
    await erl.eval(`begin {port, P, _} = erl_epmd:port_please("theirs", {127,0,0,1}), P end`),
  );
  await oursCalls(THEIRS, port);
});

test("our node calls one of ours in another program", async () => {
  await using ours = await startConformance();
  await oursCalls(ours.name, await portOf(ours.epmdPort, "ours"));
});

test("Erlang calls our node", { skip }, async () => {
  await using ours = await startConformance();
  const port = await portOf(ours.epmdPort, "ours");
  await using relay = await Relay.start(() => port);
  // Another EPMD, in which our node is registered where the cable begins.
  const [transport, platform] = [await defaultTransport(), await defaultPlatform()];
  const epmdPort = await freePort();
  await using _epmd = await LocalEpmd.register({ transport, platform, port: epmdPort }, {
    name: "ours",
    port: relay.port,
    hidden: true,
  });
  await using erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort });
  await loadErlang(erl, "cuts");
  await erl.eval(`register(keeper, cuts:start('${ours.name}', ${CALLERS})), ok`);
  await cutAgainAndAgain(relay, async () => Number(await erl.eval("cuts:progress(keeper)")));
  const result = await erl.eval(`begin
    {Answered, Failed, Reasons} = cuts:stop(keeper),
    Tally = fun(Items) -> gen_server:call({echo, '${ours.name}'}, {tally_get, Items}) end,
    Lost = [I || {I, N} <- Tally(Answered), N =/= 1],
    Twice = [I || {I, N} <- Tally(Failed), N > 1],
    {Lost, Twice, Reasons -- [nodedown, noconnection], length(Answered) > ${CUTS}, length(Failed) > ${CUTS}}
  end`);
  assertEquals(result, "{[],[],[],true,true}");
  assert(relay.connections >= CUTS);
});

/** Where a node listens, as EPMD says. */
async function portOf(epmdPort: number, name: string): Promise<number> {
  const [transport, platform] = [await defaultTransport(), await defaultPlatform()];
  const found = await new EpmdClient({ transport, platform, port: epmdPort }).lookup(name);
  return found!.port;
}
