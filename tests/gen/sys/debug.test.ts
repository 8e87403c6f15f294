// What stands before a server while sys has something switched on for it: the server stays what it is.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  EventStream,
  format,
  GenServer,
  LeaderElection,
  memoryStorage,
  type Pid,
  RaftMap,
  Saga,
  Statem,
  sys,
  type Term,
  type Transaction,
  type Transition,
  Web,
  type WebOptions,
  WebSocketProcess,
} from "../../../mod.ts";
import { Debugged } from "../../../lib/gen/sys/debug.ts";
import type { Body } from "../../../lib/node/process/body.ts";
import type { Deadline } from "../../../lib/node/process/deadlines.ts";
import { Turn } from "../../../lib/node/process/turn.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { ended, KILL, type Lone, nodeTest, NORMAL, processOf, until } from "../../node/_nodes.ts";
import { failure } from "../_servers.ts";

/** A process of some kind, and whether all that it has to end with it is over. */
interface Started {
  readonly pid: Pid;
  isOver(): boolean;
}

interface Kind {
  readonly title: string;
  start(lone: Lone): Promise<Started>;
}

/** Lets time pass until it is so. */
async function elapsed({ platform }: Lone, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !isSo(); i++) await platform.elapse(50);
  assert(isSo());
}

const KINDS: readonly Kind[] = [
  {
    title: "who leads is told that it leads no more",
    async start(lone) {
      const { node } = lone;
      const options = { members: [node.name] };
      const election = await node.start(LeaderElection, [options], { register: "cron" });
      let signal: AbortSignal | undefined;
      election.lead((given) => signal = given);
      await elapsed(lone, () => signal !== undefined);
      assert(!signal!.aborted);
      return { pid: election.pid, isOver: () => signal!.aborted };
    },
  },
  {
    title: "a Raft's storage is closed, and who listens to it or its map is told",
    async start(lone) {
      const over: string[] = [];
      const storage = { ...memoryStorage(), close: () => void over.push("storage") };
      const options = { members: [lone.node.name], storage };
      const map = await lone.node.start(RaftMap<number>, [options], { register: "map" });
      const read = async (what: string, events: AsyncIterable<unknown>): Promise<void> => {
        for await (const _ of events);
        over.push(what);
      };
      void read("changes", map.changes());
      void read("keys", map.watch());
      return { pid: map.pid, isOver: () => over.length === 3 };
    },
  },
  {
    title: "a saga's transactions are over",
    async start({ node }) {
      let tx: Transaction | undefined;
      class Waits extends Saga<number, number> {
        override handleTransaction(begun: Transaction<number>): Promise<number> {
          tx = begun as Transaction;
          return new Promise(() => {});
        }
      }
      const saga = await node.start(Waits, []);
      let failed: unknown;
      saga.run(1).catch((error: unknown) => failed = error);
      await until(() => tx !== undefined);
      return { pid: saga.pid, isOver: () => failed !== undefined && tx!.signal.aborted };
    },
  },
  {
    title: "a state machine leaves no timer",
    async start({ node }) {
      class Waits extends Statem<"waiting"> {
        override init(): Transition {
          return this.next("waiting").stateTimeout(12_345);
        }
        override readonly states = this.table({
          waiting: { stateTimeout: () => this.keep() },
        });
      }
      const core = node._core;
      const set = core.setDeadline.bind(core);
      let timer: Deadline | undefined;
      core.setDeadline = (deadline, ms) => {
        if (ms === 12_345) timer = deadline;
        set(deadline, ms);
      };
      const { pid } = await node.start(Waits, []);
      await until(() => timer !== undefined);
      return { pid, isOver: () => timer!._previous === null };
    },
  },
  {
    title: "a web server listens no more",
    async start({ node, platform }) {
      class Site extends Web {
        override init(): WebOptions {
          return { port: 0 };
        }
      }
      const { pid } = await node.start(Site, []);
      assertStrictEquals(platform.servers.size, 1);
      return { pid, isOver: () => platform.servers.size === 0 };
    },
  },
  {
    title: "a WebSocket is closed",
    async start({ node }) {
      const closed: number[] = [];
      class Chat extends WebSocketProcess {
        override handleOpen(): void {}
        override handleMessage(): void {}
      }
      const { pid } = await node.start(Chat, []);
      (processOf(node, pid).body as Chat)._attachSocket({}).open({
        buffered: 0,
        send() {},
        close: (code) => void closed.push(code),
        destroy() {},
      });
      return { pid, isOver: () => closed.length === 1 };
    },
  },
  {
    title: "an event stream has its end",
    async start({ node }) {
      class Ticker extends EventStream {
        override init(): void {
          this.emit({ data: 1 });
        }
      }
      const { pid } = await node.start(Ticker, []);
      const response = (processOf(node, pid).body as Ticker)._response({});
      let text: string | undefined;
      void response.text().then((read) => text = read);
      return { pid, isOver: () => text === "data: 1\n\n" };
    },
  },
];

const ENDS: readonly [how: string, end: (lone: Lone, pid: Pid) => void][] = [
  ["killed", ({ node }, pid) => node.exit(pid, KILL)],
  ["stopped", ({ node }, pid) => processOf(node, pid).stopInTurn(NORMAL)],
];

for (const { title, start } of KINDS) {
  for (const [how, end] of ENDS) {
    nodeTest(`while sys traces: ${title}, ${how}`, async (lone) => {
      const { node } = lone;
      const { pid, isOver } = await start(lone);
      await sys.statistics(node, pid, true);
      await sys.trace(node, pid, true);
      assert(processOf(node, pid).body instanceof Debugged);
      assert(!isOver());
      let reason: Term | undefined;
      void ended(node, pid).then((given) => reason = given);
      end(lone, pid);
      await elapsed(lone, () => reason !== undefined);
      assertStrictEquals(reason, how === "killed" ? atom("killed") : NORMAL);
      await until(isOver);
    });
  }
}

/** Has all that a body may have. */
class Full extends GenServer implements Required<Body> {
  readonly done: string[] = [];
  readonly _plain = true;
  readonly _essential = true;
  readonly _class = "a class";
  readonly _waiting = 7;
  readonly turn: Turn = new class extends Turn {
    run(): void {}
  }();
  get _behind(): Body {
    return this;
  }
  _dropOldest(): unknown {
    return "oldest";
  }
  _urgent(message: unknown, priority: "high" | "max"): Turn {
    this.done.push(`${priority} ${message}`);
    return this.turn;
  }
  override _requestTerm(): string {
    return "a request";
  }
  override terminate(reason: unknown): string {
    this.done.push(`terminates ${reason}`);
    return "terminated";
  }
  _ended(): void {
    this.done.push("ended");
  }
}

nodeTest("all that a body may have is asked of the server", async ({ node }) => {
  const { instance: full } = await new Promise<{ instance: Full }>((resolve, reject) => {
    const started = node._start(Full, [], {}, (error) => {
      if (error === null) resolve(started as { instance: Full });
      else reject(error);
    });
  });
  const debugged = new Debugged(full);
  const { _behind, _plain, _essential, _class, _waiting } = debugged;
  assertStrictEquals(_behind, full);
  assertEquals([_plain, _essential, _class, _waiting], [true, true, "a class", 7]);
  assertStrictEquals(debugged._dropOldest(), "oldest");
  assertStrictEquals(debugged._urgent("message", "max"), full.turn);
  assertStrictEquals(debugged._requestTerm({ name: "x", args: [] }, false), "a request");
  assertStrictEquals(debugged.terminate(NORMAL), "terminated");
  debugged._ended();
  assertEquals(full.done, ["max message", "terminates normal", "ended"]);
  full._process.exit(NORMAL);
});

nodeTest("of a server without them there is none", async ({ node }) => {
  class Plain extends GenServer {
    override readonly calls = { get: () => 1 };
  }
  const server = await node.start(Plain, []);
  const process = processOf(node, server.pid);
  await sys.statistics(node, server, true);
  const { body } = process;
  assertEquals([body._plain, body._essential, body._class], [false, false, "Plain"]);
  await sys.suspend(node, server);
  server.send(1);
  const late = failure(server.call("get"));
  assertStrictEquals(process.queued, 2);
  assertStrictEquals(process.dropOldest(), 1);
  assertStrictEquals(process.queued, 1);
  node.exit(server.pid, KILL);
  await late;
});

nodeTest("a reference to a server can be had while it is traced", async ({ node }) => {
  const options = { members: [node.name] };
  const { pid } = await node.start(LeaderElection, [options], { register: "cron" });
  await sys.trace(node, pid, true);
  assertEquals(node.ref(LeaderElection, "cron").pid, pid);
});

clusterTest("a traced server is to others what it is: what it waits in", async (a, b) => {
  class Plain extends GenServer {}
  const { pid } = await b.start(Plain, []);
  const where = async (): Promise<string> =>
    format(await a.rpc(b.name, "erlang", "process_info", [pid, atom("current_function")]));
  const before = await where();
  await sys.statistics(b, pid, true);
  assertEquals([before, await where()], Array(2).fill("{current_function,{gen_server,loop,1}}"));
});

testNothingIsLeft();
