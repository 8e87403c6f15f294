import { type Atom, atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { type AnyTuple, tuple } from "../../etf/tuple.ts";
import type { Process, Watcher } from "../process/process.ts";
import type { Events, NodeEvent } from "./events.ts";

/** Which nodes a process wants to hear of: a connection is `hidden` where one of its ends is, as ours is by default. */
export type NodeType = "visible" | "hidden" | "all";

/** What the monitors need of the network. */
export interface MonitoredNetwork {
  readonly events: Events<NodeEvent>;
  connected(name: string): boolean;
  /** @throws if no connection can be made. */
  connect(name: string): Promise<void>;
}

/** What processes ask to be told. */
export interface NodeMonitoring {
  monitorNodes(process: Process, on: boolean, type: NodeType): void;
  monitorNode(process: Process, node: string, on: boolean): void;
}

const [NODEUP, NODEDOWN] = [atom("nodeup"), atom("nodedown")];
const [NODE_TYPE, NODEDOWN_REASON] = [atom("node_type"), atom("nodedown_reason")];
const [VISIBLE, HIDDEN] = [atom("visible"), atom("hidden")];

/** The reasons as net_kernel spells them. */
const REASONS: Readonly<Record<string, Atom>> = {
  closed: atom("connection_closed"),
  disconnected: atom("disconnect"),
  lost: atom("connection_closed"),
  protocol: atom("connection_closed"),
};

/** What one process wants to hear. It is forgotten when the process ends. */
class Listener implements Watcher {
  readonly process: Process;
  /** How often it has asked, by the type that it asked for: each time is a message more. */
  readonly types: Map<NodeType, number> = new Map();
  /** As `types`, by node. */
  readonly nodes: Map<string, number> = new Map();
  readonly #ended: () => void;

  constructor(process: Process, ended: () => void) {
    this.process = process;
    this.#ended = ended;
  }

  get idle(): boolean {
    return this.types.size === 0 && this.nodes.size === 0;
  }

  down(): void {
    this.#ended();
  }
}

/** The processes that want to know which nodes come and go, as `net_kernel:monitor_nodes/2` and `erlang:monitor_node/2`. */
export class NodeMonitors implements NodeMonitoring {
  readonly #network: MonitoredNetwork;
  readonly #listeners: Map<Process, Listener> = new Map();
  /** The types of the connections that are up. */
  readonly #hidden: Map<string, boolean> = new Map();

  constructor(network: MonitoredNetwork) {
    this.#network = network;
    network.events.subscribe((event) => this.#happened(event));
  }

  /** Begins to tell a process of all nodes; once more each time that it is called. Or ends all that it has begun for that type. */
  monitorNodes(process: Process, on: boolean, type: NodeType): void {
    const listener = this.#listener(process);
    if (on) listener.types.set(type, (listener.types.get(type) ?? 0) + 1);
    else listener.types.delete(type);
    this.#tidy(listener);
  }

  /** Tells a process once that a node is down. Connects where there is no connection; where none can be made, that node is down. */
  monitorNode(process: Process, node: string, on: boolean): void {
    const listener = this.#listener(process);
    const count = (listener.nodes.get(node) ?? 0) + (on ? 1 : -1);
    if (count > 0) listener.nodes.set(node, count);
    else listener.nodes.delete(node);
    this.#tidy(listener);
    if (!on || this.#network.connected(node)) return;
    this.#network.connect(node).catch(() => this.#down(node));
  }

  #listener(process: Process): Listener {
    let listener = this.#listeners.get(process);
    if (listener === undefined) {
      listener = new Listener(process, () => void this.#listeners.delete(process));
      this.#listeners.set(process, listener);
      process.addWatcher(listener);
    }
    return listener;
  }

  #tidy(listener: Listener): void {
    if (!listener.idle) return;
    this.#listeners.delete(listener.process);
    listener.process.removeWatcher(listener);
  }

  #happened(event: NodeEvent): void {
    if (event.type === "nodeup") {
      this.#hidden.set(event.node, event.hidden);
      this.#tell(event.node, event.hidden, NODEUP, info(event.hidden));
    } else if (event.type === "nodedown") {
      const hidden = this.#hidden.get(event.node) ?? true;
      this.#hidden.delete(event.node);
      this.#down(event.node);
      const reason = REASONS[event.reason] ?? atom(event.reason);
      this.#tell(event.node, hidden, NODEDOWN, [pair(NODEDOWN_REASON, reason), ...info(hidden)]);
    }
  }

  #tell(node: string, hidden: boolean, what: Atom, details: Term[]): void {
    if (this.#listeners.size === 0) return;
    const own: NodeType = hidden ? "hidden" : "visible";
    for (const { process, types } of this.#listeners.values()) {
      const count = (types.get("all") ?? 0) + (types.get(own) ?? 0);
      for (let i = 0; i < count; i++) process.deliver(tuple(what, atom(node), details) as AnyTuple);
    }
  }

  #down(node: string): void {
    for (const listener of [...this.#listeners.values()]) {
      const count = listener.nodes.get(node) ?? 0;
      if (count === 0) continue;
      listener.nodes.delete(node);
      for (let i = 0; i < count; i++) {
        listener.process.deliver(tuple(NODEDOWN, atom(node)) as AnyTuple);
      }
      this.#tidy(listener);
    }
  }
}

/** Of a node without a network: all others are down. */
export const NO_NODES: NodeMonitoring = {
  monitorNodes() {},
  monitorNode(process, node, on) {
    if (on) process.deliver(tuple(NODEDOWN, atom(node)) as AnyTuple);
  },
};

function info(hidden: boolean): Term[] {
  return [pair(NODE_TYPE, hidden ? HIDDEN : VISIBLE)];
}

function pair(key: Atom, value: Atom): Term {
  return tuple(key, value) as AnyTuple;
}
