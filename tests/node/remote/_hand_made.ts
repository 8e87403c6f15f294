import { setImmediate as macrotask } from "node:timers/promises";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import { memoryNetwork } from "../../../lib/transport/memory.ts";
import {
  atom,
  isTuple,
  type Node,
  type NodeEvent,
  type NodeOptions,
  type Pid,
  type Self,
  startNode,
  type Term,
} from "../../../mod.ts";
import { steadyClock } from "../../_support/clocks.ts";
import { HandMade, type HandMadeOptions } from "../../_support/hand_made.ts";
import { COOKIE } from "../../_support/interop.ts";

export const NODE = "ours@localhost";
const PORT = 4000;

/** A node, and peers that do what a test tells them, over a network in memory. */
export interface Visited {
  readonly node: Node;
  /** The first peer, `handmade@localhost`. */
  readonly peer: HandMade;
  readonly logs: readonly string[];
  connect(options?: HandMadeOptions): Promise<HandMade>;
  /** Why the connection with a peer has ended. */
  downOf(peer: HandMade): Promise<NodeEvent & { readonly type: "nodedown" }>;
}

/** A test on a node with a peer. Nothing may be left on the node when it has stopped. */
export function visitedTest(
  title: string,
  body: (visited: Visited) => unknown,
  { node: options = {}, peer: peerOptions = {} }: {
    readonly node?: NodeOptions;
    readonly peer?: HandMadeOptions;
  } = {},
): void {
  test(title, async () => {
    const network = memoryNetwork();
    const platform = steadyClock(await defaultPlatform());
    const logs: string[] = [];
    const node = await startNode(NODE, {
      cookie: COOKIE,
      allowWeakCookie: true,
      epmd: false,
      signals: false,
      listen: { host: "0.0.0.0", port: PORT },
      platform: { ...platform, log: (_level, text) => void logs.push(text) },
      transport: network.machine("ours"),
      ...options,
    });
    const downs = new Map<string, NodeEvent & { readonly type: "nodedown" }>();
    const events = node.events();
    const watching = (async () => {
      for await (const event of events) if (event.type === "nodedown") downs.set(event.node, event);
    })();
    const peers: HandMade[] = [];
    const connect = async (more: HandMadeOptions = {}): Promise<HandMade> => {
      const stream = await network.machine("theirs").connect({ host: "ours", port: PORT });
      const peer = await HandMade.connect(NODE, 0, { ...more, stream });
      peers.push(peer);
      return peer;
    };
    try {
      const peer = await connect(peerOptions);
      const downOf = async (peer: HandMade): Promise<NodeEvent & { readonly type: "nodedown" }> => {
        await peer.closed;
        while (!downs.has(peer.name)) await macrotask();
        return downs.get(peer.name)!;
      };
      await body({ node, peer, logs, connect, downOf });
    } finally {
      for (const peer of peers) peer.close();
      await node.stop();
      await watching;
    }
    const { processes, names, aliasCount } = node._core;
    assertEquals([processes.size, names.size, aliasCount], [0, 0, 0], "left on the node");
  });
}

/** Waits until the node has acted on all that the peer has sent: it answers a monitor of nobody. */
export async function acted(peer: HandMade): Promise<void> {
  const ref = peer.ref();
  peer.send([CONTROL.MONITOR_P, peer.pid(), atom("no such name"), ref]);
  await peer.signal(({ control }) =>
    (control[0] === CONTROL.PAYLOAD_MONITOR_P_EXIT || control[0] === CONTROL.MONITOR_P_EXIT) &&
    ref.equals(control[3])
  );
}

/** A process of the node that keeps what comes, with what it can do. */
export interface Kept {
  readonly pid: Pid;
  readonly self: Self;
  readonly got: Term[];
}

/** Starts such a process. */
export async function keeper(
  node: Node,
  { trapExit = true, register }: { readonly trapExit?: boolean; readonly register?: string } = {},
): Promise<Kept> {
  const got: Term[] = [];
  let pid!: Pid;
  const self = await new Promise<Self>((resolve) => {
    pid = node.spawn(async (self) => {
      self.trapExit = trapExit;
      resolve(self);
      for await (const message of self) {
        if (isTuple(message) && message.tag === "EXIT" && node.pid.equals(message[1])) return; // it stops
        got.push(message);
      }
    }, register === undefined ? {} : { register });
  });
  return { pid, self, got };
}

/** Lets processes take what was delivered to them. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await macrotask();
}

/** The signals that came, as text: what is in them is compared by what is printed. */
export function operations(peer: HandMade): number[] {
  return peer.signals.map(({ control }) => control[0]);
}
