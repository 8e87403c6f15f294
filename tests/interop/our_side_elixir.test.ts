/** Our node, in this program, and what it does to a node of Elixir (elixir_servers.exs). */
import { after, test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { TermMap } from "../../lib/etf/term_map.ts";
import { NodeDownError, NoProcessError } from "../../lib/node/errors.ts";
import {
  api,
  atom,
  CallTimeoutError,
  ExitError,
  format,
  type Pid,
  t,
  tagged,
  type Term,
  tuple,
  unwrap,
} from "../../mod.ts";
import { startElixir } from "../_support/elixir.ts";
import { COOKIE, loadElixir } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { inbox, OurSide, reasonOf, THEIRS } from "../_support/our_side.ts";
import { kindsOf, modeOf, theirOptions } from "../_support/modes.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl", "elixir");
const opened = openNow();
const sides = new OurSide(async (kind, epmdPort) => {
  const options = { name: THEIRS, cookie: COOKIE, epmdPort };
  const peer = await startElixir({ ...options, ...theirOptions(modeOf(kind)) });
  await loadElixir(peer, "elixir_servers.exs");
  return peer;
});

after(() => sides.close());

const Order = t.struct("Shop.Order", {
  id: t.integer,
  customer: t.text,
  lines: t.list(t.tuple(t.text, t.integer)),
});
const Orders = api({
  calls: {
    place: [t.text, t.list(t.tuple(t.text, t.integer)), t.result(Order, t.term)],
    fetch: [t.integer, t.result(Order, t.atom("not_found"))],
    slow: [t.integer, t.atom("done")],
    raise: [t.text, t.term],
    count: [t.integer],
  },
  casts: { forget: [t.integer], stop: [t.term] },
});
const server = { name: "Elixir.Shop.Orders", node: THEIRS };

for (const kind of kindsOf("Elixir")) {
  const check = sides.tests(kind, skip);

  check("a GenServer, called by its contract", async (node) => {
    assert(await node.ping(THEIRS));
    const orders = node.ref(Orders, server);
    const placed = unwrap(await orders.call("place", "Zoë", [tuple("tea", 2)]));
    assertEquals([placed.id, placed.customer], [1, "Zoë"]);
    assertEquals([...placed.lines[0]], ["tea", 2]);
    assertEquals(unwrap(await orders.call("fetch", 1)).customer, "Zoë");
    assertEquals((await orders.call("fetch", 2))[1], atom("not_found"));
    assertEquals(await orders.call("count"), 1);
    orders.cast("forget", 1);
    assertEquals(await orders.call("count"), 0);
  });

  check("calls that wait, and that take too long", async (node) => {
    const orders = node.ref(Orders, server);
    const slow = [100, 50, 1].map((ms) => orders.call("slow", ms));
    assertEquals(await Promise.all(slow), [atom("done"), atom("done"), atom("done")]);
    await assertRejects(() => orders.with({ timeout: 10 }).call("slow", 60_000), CallTimeoutError);
    const missing = node.ref(Orders, { name: "Shop.Orders", node: THEIRS });
    const error = await assertRejects(() => missing.call("count"), NoProcessError);
    assert(error.message.endsWith("an Elixir module is registered as Elixir.Shop.Orders"));
  });

  check("a message, and its answer", async (node) => {
    const mine = await inbox(node);
    mine.self.send(server, tagged("ping", mine.pid));
    const [pong, pid] = await mine.next() as Term[];
    assertEquals([pong, (pid as Pid).node], [atom("pong"), THEIRS]);
  });

  check("a GenServer that raises, and one that stops", async (node) => {
    const orders = node.ref(Orders, server);
    const down = new Promise<Term>((resolve) => orders.monitor(({ reason }) => resolve(reason)));
    const error = await assertRejects(() => orders.call("raise", "no such colour"), ExitError);
    assertEquals(runtimeError(error.reason), "RuntimeError: no such colour");
    assertEquals(runtimeError(await down), "RuntimeError: no such colour");
    await node.rpc(THEIRS, "Elixir.Shop.Orders", "start");
    const stopped = reasonOf(node, server);
    orders.cast("stop", tuple(atom("shutdown"), "Zoë") as Term);
    assertEquals(await stopped, '{shutdown,<<"Zoë"/utf8>>}');
    await node.rpc(THEIRS, "Elixir.Shop.Orders", "start");
  });

  check("an Agent", async (node) => {
    const settings = { name: "Elixir.Shop.Settings", node: THEIRS };
    const mfa = tuple(atom("Elixir.Map"), atom("get"), [atom("colour")]);
    assertEquals(await node.call(settings, tagged("get", mfa), t.text), "grün");
    const put = tuple(atom("Elixir.Map"), atom("put"), [atom("size"), 3]);
    assertEquals(await node.call(settings, tagged("update", put)), atom("ok"));
    const size = tuple(atom("Elixir.Map"), atom("fetch!"), [atom("size")]);
    assertEquals(await node.call(settings, tagged("get", size)), 3);
  });

  check("tasks, seen to end", async (node) => {
    for (
      const [fn, expected] of [["fails", "ArgumentError: no such colour"], ["ends", null]] as const
    ) {
      const mine = await inbox(node, { trapExit: true });
      const args = [atom("Elixir.Shop.Work"), atom(fn), []];
      const pid = await node.spawnRemote(THEIRS, "Elixir.Shop.Work", fn, [], { link: mine.pid });
      const [, from, reason] = await mine.next() as Term[];
      assert(pid.equals(from));
      if (expected === null) assertEquals(format(reason), "{shutdown,done}");
      else assertEquals(runtimeError(reason), expected);
      const started = await node.rpc(THEIRS, "Elixir.Task", "start", args) as Term[];
      assertEquals(started[0], atom("ok"));
    }
    const args = [atom("Elixir.Shop.Tasks"), atom("Elixir.Shop.Work"), atom("waits"), []];
    const [, task] = await node.rpc(
      THEIRS,
      "Elixir.Task.Supervisor",
      "start_child",
      args,
    ) as Term[];
    const down = reasonOf(node, task as Pid);
    node.exit(task as Pid, atom("kill"));
    assertEquals(await down, "killed");
  });

  check("its program is killed in the middle of a call", async (node, peer) => {
    const orders = node.ref(Orders, server).with({ timeout: Infinity });
    const call = orders.call("slow", 60_000);
    await node.ping(THEIRS);
    const ended = Promise.allSettled([call]);
    await peer.kill();
    const [{ reason }] = await ended as PromiseRejectedResult[];
    assertInstanceOf(reason, NodeDownError);
  });
}

/** What an Elixir process exits with that raises: `{Exception, Stacktrace}`. */
function runtimeError(reason: Term): string {
  const [exception] = reason as Term[];
  assertInstanceOf(exception, TermMap);
  return `${exception.struct}: ${exception.field("message")}`;
}

test("nothing is left open", async () => {
  await sides.close();
  await assertNothingLeft(opened);
});
