/** Global locks of a cluster of Erlang nodes and nodes of ours: one holder at a time, whoever it is. */
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { atom, format, type GlobalLock, type Node, type Pid, tuple } from "../../mod.ts";
import { type ErlangNode, needsErlang as skip, poll } from "../_support/erlang.ts";
import { connect, GlobalCluster, whole } from "../_support/global.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** Counts who is inside: a process of `keeper` that crashes when there are two. Gives its pid there as a global name. */
async function startGuard(keeper: ErlangNode): Promise<void> {
  await keeper.eval(`begin
    Loop = fun Loop(Inside, Count, Worst) -> receive
      {enter, From, Ref} -> From ! Ref, Loop(Inside + 1, Count + 1, max(Worst, Inside + 1));
      {leave, From, Ref} -> From ! Ref, Loop(Inside - 1, Count, Worst);
      {report, From, Ref} -> From ! {Ref, Count, Worst}, Loop(Inside, Count, Worst)
    end end,
    yes = global:register_name(guard, spawn(fun() -> Loop(0, 0, 0) end))
  end`);
}

/** A process of ours that enters and leaves, each with an answer of the guard. */
function visitor(node: Node): { enter(): Promise<void>; leave(): Promise<void>; pid: Pid } {
  const waiting: (() => void)[] = [];
  const pid = node.spawn(async (self) => {
    for await (const _ of self) waiting.shift()!();
  });
  const say = (what: string): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      node.global.send("guard", tuple(atom(what), pid, atom("done")));
    });
  return { pid, enter: () => say("enter"), leave: () => say("leave") };
}

test("nobody else is in a transaction at the same time", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b] = [await cluster.erlang("a"), await cluster.erlang("b")];
  const [ours, other] = [await cluster.ours("ours"), await cluster.ours("zz_other")];
  await connect(a, b.name);
  await ours.connect(b.name);
  await other.connect(a.name);
  await whole(a, b, ours, other);
  await startGuard(a);
  await poll(() => ours.global.whereis("guard") && other.global.whereis("guard"));
  const theirs = [a, b].map((erl) =>
    erl.eval(`begin
      Say = fun(What) -> global:send(guard, {What, self(), done}), receive done -> ok end end,
      [global:trans({resource, self()}, fun() -> Say(enter), Say(leave) end) || _ <- lists:seq(1, 10)]
    end`)
  );
  const mine = [ours, ours, other].map(async (node) => {
    const { enter, leave } = visitor(node);
    for (let i = 0; i < 10; i++) {
      await node.global.transaction("resource", async () => {
        await enter();
        await leave();
      });
    }
  });
  await Promise.all([...theirs, ...mine]);
  assertEquals(
    await b.eval(
      "begin global:send(guard, {report, self(), r}), receive {r, C, W} -> {C, W} end end",
    ),
    "{50,1}",
  );
});

test("a lock is had by one requester on the nodes that were asked", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  await ours.connect(a.name);
  await whole(a, ours);
  const theirs = (retries: number | string, nodes = "[node() | nodes()]"): Promise<string> =>
    a.eval(`global:set_lock({res, self()}, ${nodes}, ${retries})`);

  const lock = (await ours.global.lock("res"))!;
  assertEquals([...lock.nodes].sort(), [a.name, ours.name]);
  assertEquals(format(lock.resource), "res");
  assertEquals(await theirs(0), "false");
  assertEquals(await ours.global.lock("res", { retries: 0 }), null);
  assertEquals(await ours.global.lock("res", { retries: 1 }), null);
  const refused = await assertRejects(() =>
    ours.global.transaction("res", () => 1, { retries: 0 })
  );
  assertEquals((refused as Error).name, "LockError");
  assert((await ours.global.lock(tuple(atom("res"), 1), { retries: 0 })) !== null);
  // The same requester has it, too, and keeps it until the last has given it back.
  const { requester } = lock;
  const again = (await ours.global.lock("res", { retries: 0, requester, owner: hold(ours) }))!;
  await lock.unlock();
  await lock.unlock();
  assertEquals(await theirs(0), "false");
  await again.unlock();
  assertEquals(await theirs(0), "true");
  await poll(async () => await theirs(0) === "true"); // freed by the end of who had it

  const elsewhere = (await ours.global.lock("res", { nodes: [a.name] }))!;
  await poll(async () => await theirs(0, "['ours@localhost']") === "true");
  assertEquals(await theirs(0, "[node()]"), "false");
  await elsewhere.unlock();
  assertEquals(await ours.global.transaction("res", () => "done", { nodes: [] }), "done");
});

/** A process of ours that lives until it is sent something. */
function hold(node: Node): Pid {
  return node.spawn(async (self) => void await self.receive());
}

test("who waits for a lock gets it when it is given back", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  await ours.connect(a.name);
  await whole(a, ours);
  await using lock = await ours.global.lock("res");
  const waits = a.eval("global:trans({res, self()}, fun() -> got_it end)");
  const waitsHere = ours.global.transaction("res", () => "got it");
  const gaveUp = new AbortController();
  const inVain = assertRejects(() => ours.global.lock("res", { signal: gaveUp.signal }));
  gaveUp.abort(new Error("enough"));
  assertEquals((await inVain as Error).message, "enough");
  await (lock as GlobalLock).unlock();
  assertEquals(await waits, "got_it");
  assertEquals(await waitsHere, "got it");
});

test("a lock goes with its process, and with its node", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, b, ours] = [await cluster.erlang("a"), await cluster.erlang("b"), await cluster.ours()];
  const other = await cluster.ours("zz_other");
  await connect(a, b.name);
  await ours.connect(b.name);
  await other.connect(b.name);
  await whole(a, b, ours, other);
  const isFree = (node: Node | ErlangNode): Promise<boolean> =>
    "eval" in node
      ? node.eval("global:set_lock({res, self()}, [node()], 0)").then((text) => text === "true")
      : node.global.lock("res", { nodes: [node.name], retries: 0 }).then(async (lock) => {
        await lock?.unlock();
        return lock !== null;
      });
  const isFreeAt = async (nodes: readonly (Node | ErlangNode)[], free: boolean): Promise<void> => {
    for (const node of nodes) {
      if (free) await poll(() => isFree(node));
      else assertEquals(await isFree(node), false, node.name);
    }
  };

  const owner = hold(ours);
  assert(await ours.global.lock("res", { owner }) !== null);
  await isFreeAt([a, b, ours, other], false);
  ours.send(owner, atom("end"));
  await isFreeAt([a, b, ours, other], true);

  await b.eval("begin true = global:set_lock({res, me}), register(holder, self()) end");
  await isFreeAt([a, b, ours, other], true); // that process has ended

  assertEquals(
    await b.eval(`begin
      Self = self(),
      spawn(fun() -> Self ! global:set_lock({res, me}), receive stop -> ok end end),
      receive true -> held end
    end`),
    "held",
  );
  await isFreeAt([a, b, ours, other], false);
  await b.kill();
  await isFreeAt([a, ours, other], true);

  // Ours stops while it has the lock, and others wait for it.
  await whole(a, ours, other);
  assert(await other.global.lock("res") !== null);
  const waits = a.eval("global:trans({res, self()}, fun() -> got_it end)");
  const waitsHere = ours.global.transaction("res", () => "got it");
  await other.stop();
  assertEquals(await waits, "got_it");
  assertEquals(await waitsHere, "got it");
});

test("a node that stops while it waits for a lock leaves nothing of it", { skip }, async () => {
  await using cluster = await GlobalCluster.start();
  const [a, ours] = [await cluster.erlang("a"), await cluster.ours()];
  await ours.connect(a.name);
  await whole(a, ours);
  assertEquals(
    await a.eval(`begin
      Self = self(),
      register(holder, spawn(fun() ->
        Self ! global:set_lock({res, me}), receive stop -> global:del_lock({res, me}) end
      end)),
      receive true -> held end
    end`),
    "held",
  );
  const waits = assertRejects(() => ours.global.lock("res"));
  await ours.stop();
  await waits;
  await poll(async () => await a.eval("nodes()") === "[]"); // it has done what ours has asked for
  assertEquals(
    await a.eval(`begin
      M = monitor(process, holder), holder ! stop, receive {'DOWN', M, _, _, _} -> ok end,
      global:set_lock({res, self()}, [node()], 0)
    end`),
    "true",
  );
});

testNothingIsLeft();
