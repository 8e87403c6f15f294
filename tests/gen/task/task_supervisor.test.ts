import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import { ExternalFun } from "../../../lib/etf/fun.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import type { ServerRef } from "../../../lib/gen/server/server_ref.ts";
import {
  TaskSupervisor,
  type TaskSupervisorOptions,
} from "../../../lib/gen/task/task_supervisor.ts";
import { ExitError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { withSelf } from "../../../lib/node/provided/provide.ts";
import { clusterTest, inbox, pack, settle } from "../../node/_cluster.ts";
import { ended, KILL, type Lone, nodeTest, processOf } from "../../node/_nodes.ts";

const OK = atom("ok");

function start(
  node: Node,
  options: TaskSupervisorOptions = {},
): Promise<ServerRef<TaskSupervisor>> {
  return node.start(TaskSupervisor, [options], { register: "tasks" });
}

function provide(node: Node, noted: Term[] = []): void {
  node.provide("demo", {
    id: (x) => x,
    note: (x) => void noted.push(x),
    hang: withSelf((self) => self.receive()),
    stubborn: withSelf(async (self) => {
      self.trapExit = true;
      for (;;) await self.receive();
    }),
  });
}

/** What Elixir asks for a task whose result somebody waits for. */
function asyncRequest(owner: Pid, monitor = "monitor", shutdown: Term = 5000): Term {
  const who = tuple(atom(owner.node), atom("nobody"), owner) as Term;
  return pack(atom("start_task"), [who, atom(monitor)], atom("temporary"), shutdown);
}

function childRequest(
  owner: Pid,
  name: string,
  args: Term[],
  restart: Term = atom("temporary"),
): Term {
  const who = tuple(atom(owner.node), atom("nobody"), owner) as Term;
  const mfa = pack(atom("demo"), atom(name), args);
  return pack(atom("start_task"), [who, [owner], mfa], restart, null);
}

async function started(
  node: Node,
  target: Parameters<Node["call"]>[0],
  request: Term,
): Promise<Pid> {
  const [ok, pid] = await node.call(target, request) as Term[];
  assertStrictEquals(ok, OK);
  return pid as Pid;
}

/** Says what the task is to run. */
function tell(
  node: Node,
  task: Pid,
  owner: Pid,
  tag: Term,
  mfa: readonly Term[],
): void {
  node.send(task, pack(owner, tag, owner, [owner], pack(...mfa)));
}

clusterTest(
  "a task of another node sends its value, and is none that was not provided",
  async (a, b) => {
    provide(b);
    await start(b);
    const there = { name: "tasks", node: b.name };
    const owner = await inbox(a);
    const run = async (...mfa: Term[]): Promise<string> => {
      const task = await started(a, there, asyncRequest(owner.pid));
      const end = ended(a, task);
      tell(a, task, owner.pid, pack("tag", 1), mfa);
      const reason = await end;
      return reason === atom("normal") ? format(await owner.next()) : format(reason);
    };
    assertStrictEquals(await run(atom("demo"), atom("id"), [7]), '{{<<"tag">>,1},7}');
    const apply = [atom("erlang"), atom("apply")] as const;
    const fun = new ExternalFun(atom("demo"), atom("id"), 1);
    assertStrictEquals(await run(...apply, [fun, ["x"]]), '{{<<"tag">>,1},<<"x">>}');
    assertStrictEquals(
      await run(atom("demo"), atom("no"), []),
      "{undef,[{demo,no,[],[]}]}",
    );
    assertStrictEquals(await run(1, 2, 3), "{badarg,[{1,2,3,[]}]}");
  },
);

clusterTest("only its owner says what a task is to run", async (a, b, { c }) => {
  provide(b);
  await start(b);
  const owner = await inbox(a);
  const task = await started(a, { name: "tasks", node: b.name }, asyncRequest(owner.pid));
  const end = ended(a, task);
  tell(c, task, owner.pid, 1, [atom("demo"), atom("id"), ["forged"]]); // by another node, in the owner's name
  tell(c, task, c.pid, 1, [atom("demo"), atom("id"), ["forged"]]);
  c.send(task, pack(atom("DOWN"), c._core.makeRef(), atom("process"), owner.pid, atom("forged")));
  tell(a, task, a.pid, 1, [atom("demo"), atom("id"), ["not the owner"]]);
  assert(await c.ping(b.name)); // it has come
  tell(a, task, owner.pid, 1, [atom("demo"), atom("id"), ["true"]]);
  assertStrictEquals(format(await owner.next()), '{1,<<"true">>}');
  assertStrictEquals(await end, atom("normal"));
}, { names: ["a@localhost", "b@localhost", "c@localhost"] });

clusterTest("what a peer may run is told by its connection, not by what it says", async (a, b) => {
  provide(b);
  await start(b);
  const there = { name: "tasks", node: b.name };
  const open = await started(a, there, childRequest(a.pid, "hang", []));
  assert(b.isAlive(open));
  for (const owner of [a.pid, b.pid]) {
    const task = await started(a, there, asyncRequest(owner, "nomonitor"));
    const end = ended(b, task);
    tell(a, task, owner, 1, [atom("demo"), atom("stubborn"), []]);
    assertStrictEquals(format(await end), "{undef,[{demo,stubborn,[],[]}]}");
  }
}, { node: { access: [{ functions: ["demo:hang"], names: ["tasks"] }] } });

nodeTest("an owner that does not say what is to be run", async ({ node, platform }) => {
  await start(node);
  const owner = node.spawn((self) => self.receive());
  const task = await started(node, "tasks", asyncRequest(owner));
  node.send(task, "something else");
  const end = ended(node, task);
  await platform.elapse(4_990);
  assert(node.isAlive(task));
  await platform.elapse(50);
  assertStrictEquals(await end, atom("timeout"));
});

nodeTest("an owner that ends first", async ({ node }) => {
  await start(node);
  const owner = node.spawn((self) => self.receive());
  const task = await started(node, "tasks", asyncRequest(owner));
  const left = await started(node, "tasks", asyncRequest(owner, "nomonitor"));
  const end = ended(node, task);
  node.exit(owner, atom("boom"));
  assertStrictEquals(format(await end), "{shutdown,boom}");
  assert(node.isAlive(left));
});

nodeTest("which children there are", async ({ node }) => {
  provide(node);
  const supervisor = await start(node);
  assertEquals(await supervisor.call("which_children"), []);
  const pid = await started(node, "tasks", childRequest(node.pid, "hang", []));
  assertStrictEquals(
    format(await supervisor.call("which_children") as Term[]),
    `[{undefined,${format(pid)},worker,['Elixir.Task.Supervised']}]`,
  );
  assertStrictEquals(
    format(await supervisor.call("count_children") as Term[]),
    "[{specs,1},{active,1},{supervisors,0},{workers,1}]",
  );
  assertStrictEquals(await node.call("tasks", pack(atom("terminate_child"), pid)), OK);
  assertEquals(await supervisor.call("which_children"), []);
  for (const nobody of [pid, node.pid, 1]) {
    const reply = await node.call("tasks", pack(atom("terminate_child"), nobody as Term));
    assertStrictEquals(format(reply), "{error,not_found}");
  }
});

/** Ends a stubborn task; the time until it is gone. */
async function timeToEnd({ node, platform }: Lone, shutdown: Term): Promise<number> {
  const { pid } = node;
  const who = tuple(atom(node.name), pid, pid) as Term;
  const mfa = pack(atom("demo"), atom("stubborn"), []);
  const request = pack(atom("start_task"), [who, [pid], mfa], atom("temporary"), shutdown);
  const task = await started(node, "tasks", request);
  const from = platform.now();
  const end = ended(node, task);
  let is = false;
  const ending = node.call("tasks", pack(atom("terminate_child"), task), { timeout: Infinity })
    .then((reply) => {
      assertStrictEquals(reply, OK);
      is = true;
    });
  while (!is) await platform.elapse(1);
  await ending;
  assertStrictEquals(await end, atom("killed"));
  return platform.now() - from;
}

nodeTest("a task that does not end when it is told is killed in time", async (lone) => {
  provide(lone.node);
  await start(lone.node, { shutdown: 300 });
  assert(await timeToEnd(lone, atom("brutal_kill")) < 100);
  for (const [shutdown, ms] of [[100, 100], [null, 300]] as const) {
    const time = await timeToEnd(lone, shutdown);
    assert(time >= ms && time < ms + 50, String(time));
  }
});

nodeTest(
  "restarts within the period are counted, and too many end it",
  async ({ node, platform }) => {
    const noted: Term[] = [];
    provide(node, noted);
    const supervisor = await start(node, { intensity: 2, period: 1_000 });
    const permanent = atom("permanent");
    await started(node, "tasks", childRequest(node.pid, "note", [1], atom("transient")));
    const end = ended(node, supervisor.pid);
    await started(node, "tasks", childRequest(node.pid, "note", [2], permanent));
    await end;
    assertEquals(noted, [1, 2, 2, 2]);
    assertEquals(platform.logs.splice(0).map(({ message }) => message), [
      "TaskSupervisor tasks ends: more than 2 restarts of its tasks within 1000 ms, see its options intensity and period",
    ]);
    const again = await start(node, { intensity: 1, period: 1_000 });
    const pids = (): Promise<Pid[]> =>
      again.call("which_children").then((children) => children.map((child) => child[1]));
    await started(node, "tasks", childRequest(node.pid, "hang", [], permanent));
    for (let i = 0; i < 4; i++) {
      const [pid] = await pids();
      node.exit(pid, KILL);
      await platform.elapse(1_001);
      assert(!pid.equals((await pids())[0]));
    }
  },
);

nodeTest("at most so many children", async ({ node }) => {
  provide(node);
  await start(node, { maxChildren: 1 });
  const pid = await started(node, "tasks", childRequest(node.pid, "hang", []));
  const refused = await node.call("tasks", childRequest(node.pid, "hang", []));
  assertStrictEquals(format(refused), "{error,max_children}");
  const end = ended(node, pid);
  node.send(pid, 1);
  await end;
  await settle(1);
  await started(node, "tasks", childRequest(node.pid, "hang", []));
});

nodeTest("a task that has ended is a child no more, though many others end", async ({ node }) => {
  const tasks = await node.start(TaskSupervisor, []);
  const left: number[] = [];
  const all = Array.from({ length: 5 }, () => tasks.asyncNolink(node, () => {}));
  for (const { pid } of all) {
    processOf(node, pid).addWatcher({ down: () => left.push(tasks.children().length) });
  }
  await Promise.all(all.map((task) => task.await()));
  await tasks.call("count_children");
  assertEquals(left, [4, 3, 2, 1, 0]); // at once, and not when the supervisor comes to their exit signals
  assertEquals(node.info(tasks.pid)!.links, []);
});

nodeTest("its end is told to its tasks, and waits for them", async ({ node }) => {
  provide(node);
  const supervisor = await start(node);
  const pids = [
    await started(node, "tasks", childRequest(node.pid, "hang", [])),
    await started(node, "tasks", asyncRequest(node.pid)),
  ];
  await supervisor.stop();
  assertEquals(pids.map((pid) => node.isAlive(pid)), [false, false]);
});

nodeTest("requests that are none", async ({ node }) => {
  await start(node);
  const who = tuple(atom("n"), atom("p"), node.pid) as Term;
  for (
    const request of [
      atom("start_task"),
      pack(atom("start_task"), [], 1, 2),
      pack(atom("start_task"), [who], 1, 2),
      pack(atom("start_task"), [1, atom("monitor")], 1, 2),
      pack(atom("start_task"), [who, [], 1], 1, 2),
      pack(atom("start_task"), who, 1, 2),
    ]
  ) {
    assertInstanceOf(await node.call("tasks", request).catch((error) => error), ExitError);
  }
  const other = await node.call("tasks", pack(atom("start_child"), 1));
  assertStrictEquals(format(other).slice(0, 16), "{error,{notsup,<");
});

nodeTest("options that are none, or no numbers, are refused", async ({ node }) => {
  for (const options of [{ maxChildren: "8" }, { period: -1 }, { shutdown: NaN }]) {
    await assertRejects(() => start(node, options as never), ExitError, "must be a number");
  }
  await assertRejects(
    () => start(node, { max_children: 8 } as never),
    ExitError,
    "option max_children: there is none, there are maxChildren, intensity, period, shutdown",
  );
  await start(node, { maxChildren: undefined, shutdown: Infinity });
});
