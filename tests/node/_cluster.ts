import { setImmediate as macrotask } from "node:timers/promises";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  type Encodable,
  isTuple,
  type Node,
  type NodeEvent,
  type NodeOptions,
  type Pid,
  type Platform,
  type Self,
  startNode,
  type Stream,
  type StreamHandler,
  type Term,
  type Transport,
  tuple,
} from "../../mod.ts";
import { SHUTDOWN } from "./_nodes.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { memoryNetwork, type MemoryNetworkOptions } from "../../lib/transport/memory.ts";
import { slowClock, steadyClock } from "../_support/clocks.ts";

const COOKIE = "a cookie for tests";
const PORT = 4000;

/** Some nodes of this program, each on a machine of its own, that find each other by routes. */
export interface Cluster {
  readonly nodes: readonly Node[];
  /** What the nodes have logged, in their order. */
  readonly logs: readonly string[];
  /** How many ends of streams are open. */
  streams(): number;
  /** Breaks all connections. */
  reset(): void;
  /** Starts one more node, or a stopped one again. */
  start(name: string, options?: NodeOptions): Promise<Node>;
}

/** How a cluster is made. */
export interface ClusterOptions {
  readonly names?: readonly string[];
  /** Of every node. */
  readonly node?: NodeOptions;
  readonly network?: MemoryNetworkOptions;
  /** Whether processes of theirs run on threads, which may be held up alone: then their time-outs are ten times as long. */
  readonly threads?: boolean;
}

/** A test on nodes over a network in memory, which are stopped and must have left nothing at the end. */
export function clusterTest(
  title: string,
  body: (a: Node, b: Node, cluster: Cluster & { readonly c: Node }) => unknown,
  options: ClusterOptions = {},
): void {
  test(title, async () => {
    const network = memoryNetwork(options.network);
    const real = await defaultPlatform();
    const platform = options.threads ? slowClock(real) : steadyClock(real);
    const logs: string[] = [];
    const timers = new Set<object>();
    const counted = countingPlatform(platform, timers, logs);
    const streams = new Set<Stream>();
    const nodes: Node[] = [];
    const { names = ["a@localhost", "b@localhost"] } = options;
    const routes = Object.fromEntries(
      ["a", "b", "c", "d"].map((name) => [`${name}@localhost`, { host: name, port: PORT }]),
    );
    const start = async (name: string, more: NodeOptions = {}): Promise<Node> => {
      const machine = network.machine(name.split("@")[0]);
      const node = await startNode(name, {
        cookie: COOKIE,
        epmd: false,
        routes,
        signals: false,
        listen: { host: "0.0.0.0", port: PORT },
        platform: counted,
        transport: counting(machine, streams),
        ...options.node,
        ...more,
      });
      nodes.push(node);
      return node;
    };
    for (const name of names) await start(name);
    const cluster = {
      nodes,
      logs,
      start,
      streams: () => streams.size,
      reset: () => network.reset(),
    };
    try {
      await body(nodes[0], nodes[1], { ...cluster, c: nodes[2] });
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
      // Closed streams take their last steps over the network.
      for (let turn = 0; turn < 100 && streams.size + timers.size > 0; turn++) await macrotask();
    }
    for (const node of nodes) {
      const core = node._core;
      assertEquals(
        [core.processes.size, core.names.size, core.aliasCount],
        [0, 0, 0],
        "left on a node",
      );
    }
    assertEquals([streams.size, timers.size], [0, 0], "streams or timers are left");
  });
}

/** A platform whose timers are counted and which logs into an array. */
function countingPlatform(platform: Platform, timers: Set<object>, logs: string[]): Platform {
  return {
    ...platform,
    log: (_level, message) => void logs.push(message),
    setTimer(ms, fn, options) {
      const mark = {};
      timers.add(mark);
      const timer = platform.setTimer(ms, () => {
        timers.delete(mark);
        fn();
      }, options);
      return {
        cancel() {
          timers.delete(mark);
          timer.cancel();
        },
      };
    },
  };
}

/** A transport whose open streams are kept in a set. */
function counting(transport: Transport, streams: Set<Stream>): Transport {
  const count = (stream: Stream): Stream => {
    streams.add(stream);
    let started = false;
    const start = stream.start.bind(stream);
    const destroy = stream.destroy.bind(stream);
    stream.destroy = () => {
      if (!started) streams.delete(stream); // nobody is told of its end
      destroy();
    };
    stream.start = (handler: StreamHandler) => {
      started = true;
      start({
        data: (bytes) => handler.data(bytes),
        drain: () => handler.drain(),
        end: () => handler.end(),
        close: (error) => {
          streams.delete(stream);
          handler.close(error);
        },
      });
    };
    return stream;
  };
  return {
    ...transport,
    connect: async (options) => count(await transport.connect(options)),
    listen: (options, accept) => transport.listen(options, (stream) => accept(count(stream))),
  };
}

/** A process whose messages a test takes one by one. */
export interface Inbox {
  readonly pid: Pid;
  /** The next message. */
  next(): Promise<Term>;
  /** The next so many. */
  take(count: number): Promise<Term[]>;
}

/** Spawns a process that collects, after it has done what `setUp` says. */
export async function inbox(
  node: Node,
  setUp?: (self: Self) => unknown,
  name?: string,
): Promise<Inbox> {
  const messages: Term[] = [];
  const readers: ((message: Term) => void)[] = [];
  const next = (): Promise<Term> => {
    if (messages.length > 0) return Promise.resolve(messages.shift()!);
    return new Promise((resolve) => readers.push(resolve));
  };
  const pid = await new Promise<Pid>((resolve, reject) => {
    node.spawn(async (self) => {
      try {
        await setUp?.(self);
        resolve(self.pid);
      } catch (error) {
        reject(error as Error);
      }
      for await (const message of self) {
        if (isShutdown(node, message)) return;
        const reader = readers.shift();
        if (reader !== undefined) reader(message);
        else messages.push(message);
      }
    }, name === undefined ? {} : { register: name });
  });
  return {
    pid,
    next,
    async take(count) {
      const taken: Term[] = [];
      while (taken.length < count) taken.push(await next());
      return taken;
    },
  };
}

/** A node that stops says so to those who trap exits, and gives them time. */
function isShutdown(node: Node, message: Term): boolean {
  return isTuple(message) && message.tag === "EXIT" && node.pid.equals(message[1]) &&
    message[2] === SHUTDOWN;
}

/** What happens to a node's network from now on, one event at a time. */
export function eventsOf(node: Node): () => Promise<NodeEvent> {
  const events = node.events();
  return async () => {
    const { value, done } = await events.next();
    if (done) throw new Error("there are no more events");
    return value;
  };
}

/** Waits for the event that tells so. */
export async function until(
  next: () => Promise<NodeEvent>,
  type: NodeEvent["type"],
): Promise<NodeEvent> {
  for (;;) {
    const event = await next();
    if (event.type === type) return event;
  }
}

/** A tuple of terms, as a term. */
export function pack(...elements: readonly Encodable[]): Term {
  return tuple(...elements) as unknown as Term;
}

/** Lets what is on its way over a network in memory arrive. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await macrotask();
}
