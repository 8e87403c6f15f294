import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type Atom, atom, exit, type Pid, type Term, tuple } from "../../mod.ts";
import { gate, term } from "../gen/_servers.ts";
import { BOOM, forever, idler, KILL, KILLED, NOPROC, NORMAL, SHUTDOWN } from "./_nodes.ts";
import { clusterTest, inbox, settle } from "./_cluster.ts";
import { DOWN, EXIT, named, PROCESS } from "./_two_nodes.ts";

// Monitors

clusterTest(
  "a monitor tells the reason with which a process of another node ends",
  async (a, b) => {
    const reasons = [
      BOOM,
      NORMAL,
      SHUTDOWN,
      5,
      [1, 2],
      term(SHUTDOWN, atom("x")) as Term,
      1.5,
      null,
    ];
    for (const [watching, watched] of [[a, b], [b, a]]) {
      for (const reason of reasons) {
        const pid = watched.spawn(async (self) => exit(await self.receive() as Atom), {
          register: "watched",
        });
        const here = await inbox(watching, (self) => {
          self.monitor(pid);
          self.monitor(named("watched", watched));
          self.monitor(pid, (down) => self.send(self.pid, down.reason));
        });
        watching.send(pid, reason);
        const [byPid, byName, byHandler] = await here.take(3) as Term[][];
        assertEquals([byPid[0], byPid[2], byPid[3], byPid[4]], [DOWN, PROCESS, pid, reason]);
        assertEquals(byName[3], tuple(atom("watched"), atom(watched.name)) as unknown as Term);
        assertEquals(byName[4], reason);
        assertEquals(byHandler as Term, reason);
      }
    }
  },
);

clusterTest("a monitor on nobody fires with noproc", async (a, b) => {
  const dead = idler(b);
  b.exit(dead, KILL);
  for (const target of [dead, named("nobody", b)]) {
    const here = await inbox(a, (self) => void self.monitor(target));
    assertStrictEquals((await here.next() as Term[])[4], NOPROC);
  }
});

clusterTest("a monitor that was taken back does not fire", async (a, b) => {
  const pid = idler(b);
  const reasons: Term[] = [];
  const taken = a.monitor(pid, ({ reason }) => reasons.push(reason));
  const early = a.monitor(pid, ({ reason }) => reasons.push(reason));
  early[Symbol.dispose](); // before the connection is up
  const kept = gate<Term>();
  a.monitor(pid, ({ reason }) => kept.open(reason));
  await a.ping(b.name);
  taken[Symbol.dispose]();
  taken[Symbol.dispose]();
  a.exit(pid, BOOM);
  assertStrictEquals(await kept.promise, BOOM);
  await settle();
  assertEquals(reasons, []);
});

clusterTest("monitors whose watcher ends are taken back there", async (a, b) => {
  const pid = idler(b);
  let watched = 0;
  const process = b._core.process(pid)!;
  const [add, remove] = [process.addWatcher.bind(process), process.removeWatcher.bind(process)];
  process.addWatcher = (watcher) => {
    watched++;
    add(watcher);
  };
  process.removeWatcher = (watcher) => {
    watched--;
    remove(watcher);
  };
  const watchers = Array.from({ length: 10 }, () =>
    a.spawn(async (self) => {
      self.monitor(pid);
      await forever(self);
    }));
  await settle();
  assert(await a.ping(b.name)); // behind the monitors
  assertStrictEquals(watched, 10);
  for (const watcher of watchers) a.exit(watcher, KILL);
  assert(await a.ping(b.name));
  assertStrictEquals(watched, 0);
});

// Links and exits

clusterTest("a link tells the other end how a process ended, both ways", async (a, b) => {
  const reasons = [BOOM, NORMAL, SHUTDOWN, 5, term(1, [2]) as Term, null];
  for (const [linking, linked] of [[a, b], [b, a]]) {
    for (const ends of [linking, linked]) {
      for (const reason of reasons) {
        const first = await inbox(linking, (self) => void (self.trapExit = true));
        const second = await inbox(linked, (self) => void (self.trapExit = true));
        linking._core.link(linking._core.process(first.pid)!, second.pid);
        assert(await linking.ping(linked.name)); // the link has arrived
        const [{ pid: ending }, other] = ends === linking ? [first, second] : [second, first];
        const process = ends._core.process(ending)!;
        process.exit(reason);
        assertEquals(await other.next(), tuple(EXIT, ending, reason) as unknown as Term);
      }
    }
  }
});

clusterTest(
  "a link ends a process that does not trap exits, unless the reason is normal",
  async (a, b) => {
    for (const reason of [BOOM, KILL, NORMAL]) {
      const remote = idler(b);
      const down = gate<Term>();
      const local = a.spawn(async (self) => {
        self.link(remote);
        await forever(self);
      });
      a.monitor(local, (ended) => down.open(ended.reason));
      assert(await a.ping(b.name));
      b._core.process(remote)!.exit(reason);
      assert(await a.ping(b.name));
      if (reason === NORMAL) assert(a.isAlive(local));
      else assertStrictEquals(await down.promise, reason); // kill by a link is a reason as any other
    }
  },
);

clusterTest("a link to nobody is an exit signal noproc", async (a, b) => {
  const dead = idler(b);
  b.exit(dead, KILL);
  const here = await inbox(a, (self) => {
    self.trapExit = true;
    self.link(dead);
  });
  assertEquals(await here.next(), tuple(EXIT, dead, NOPROC) as unknown as Term);
});

clusterTest("after unlink no exit signal of the link comes", async (a, b) => {
  const remote = idler(b);
  const here = await inbox(a, (self) => {
    self.trapExit = true;
    self.link(remote);
    self.link(remote);
    self.unlink(remote);
    self.unlink(remote);
  });
  assert(await a.ping(b.name));
  b.exit(remote, BOOM);
  const again = await inbox(a, (self) => {
    self.trapExit = true;
    self.link(remote);
  });
  assertEquals((await again.next() as Term[])[2], NOPROC); // behind whatever the first link could have sent
  a.send(here.pid, "nothing came");
  assertStrictEquals(String(await here.next()), "nothing came");
});

clusterTest("an unlink from one end holds for the other end too", async (a, b) => {
  const remote = await inbox(b, (self) => void (self.trapExit = true));
  const local = idler(a);
  const process = a._core.process(local)!;
  a._core.link(process, remote.pid);
  assert(await a.ping(b.name));
  b._core.unlink(b._core.process(remote.pid)!, local);
  assert(await b.ping(a.name));
  assertEquals(process.links, []);
  a.exit(local, BOOM);
  assert(await a.ping(b.name));
  b.send(remote.pid, "nothing came");
  assertStrictEquals(String(await remote.next()), "nothing came");
});

clusterTest("exit/2 does on another node what it does here", async (a, b) => {
  const down = (pid: Pid): Promise<Term> =>
    new Promise((resolve) => void b.monitor(pid, (end) => resolve(end.reason)));
  for (const [reason, expected] of [[BOOM, BOOM], [KILL, KILLED], [5, 5]] as const) {
    const pid = idler(b);
    const ended = down(pid);
    a.exit(pid, reason);
    assertStrictEquals(await ended, expected);
  }
  const trapping = await inbox(b, (self) => void (self.trapExit = true));
  a.exit(trapping.pid, BOOM);
  a.exit(trapping.pid, NORMAL);
  assertEquals(
    await trapping.take(2),
    [tuple(EXIT, a.pid, BOOM), tuple(EXIT, a.pid, NORMAL)] as unknown as Term[],
  );
  const ended = down(trapping.pid);
  a.exit(trapping.pid, KILL);
  assertStrictEquals(await ended, KILLED);
  const deaf = await inbox(b);
  a.exit(deaf.pid, NORMAL);
  a.send(deaf.pid, 1);
  assertStrictEquals(await deaf.next(), 1);
});
