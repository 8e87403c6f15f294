import type { NodeOptions } from "../boot/options.ts";
import type { Node } from "../node/node.ts";
import type { Files } from "../platform/files.ts";
import type { DiskLoss } from "./_disk.ts";
import type { FaultOptions } from "./faults.ts";
import type { SimRandom } from "./random.ts";
import type { SimulatedNetwork } from "./_wires.ts";

export type { DiskLoss } from "./_disk.ts";
export type { SimulatedNetwork } from "./_wires.ts";

/** How a simulation is made. */
export interface SimulationOptions {
  /** What decides all that is left to chance. The same seed gives the same run, on every runtime. */
  readonly seed: number | string;
  /** Nodes that are started before the script, by name; with what starts their processes, see {@linkcode Simulation.startNode}. Default: none. */
  readonly nodes?: readonly string[] | Readonly<Record<string, Boot>>;
  /** How the network behaves. */
  readonly network?: SimulatedNetwork;
  /** What goes wrong by itself. Default: nothing; the script may do what it likes. */
  readonly faults?: FaultOptions;
  /** Options of all nodes; those of `startNode` go before them. */
  readonly nodeOptions?: NodeOptions;
  /** How much faster or slower the clocks of nodes may go: 0.001 is a tenth of a percent. Default 0. */
  readonly drift?: number;
  /** Virtual milliseconds after which the script must have ended. Default 3,600,000, an hour. */
  readonly maxTime?: number;
  /** Steps after which the script must have ended. Default 1,000,000. */
  readonly maxSteps?: number;
  /** `false`: the seed runs once, and nobody looks whether it does the same again. Default true. */
  readonly twice?: boolean;
  /** How many runs may be spent on finding which of the faults are enough to fail. Default 100; 0: none. */
  readonly shrink?: number;
}

/** How a node crashes. */
export interface CrashOptions {
  /**
   * What its disk keeps. "keep": what was synced; all else is lost, torn or there, as the seed says. "written": all that was written, as where
   * the program alone is killed. "lose": nothing, it is another disk. Default "keep".
   */
  readonly storage?: DiskLoss;
  /** The machine is without power: the others are not told, and hear nothing more of it. Default false: its system closes the connections. */
  readonly silent?: boolean;
}

/** What is called when a node has started, also when it starts again: starts its processes. */
export type Boot = (node: Node, sim: Simulation) => unknown;

/** A condition that is waited for. */
export interface UntilOptions {
  /** Virtual milliseconds. Default 60,000. */
  readonly timeout?: number;
}

/** The disk of a node, as a test sees it. */
export interface SimDisk {
  /** The files; each operation takes its time, and stops where the node crashes. */
  readonly files: Files;
  /** The names of all files, in order. */
  readonly paths: readonly string[];
  /** What is in a file now; `null` where there is none. */
  peek(path: string): Uint8Array | null;
  /** Puts something else there, safely, as a disk that has lied. */
  poke(path: string, bytes: Uint8Array): void;
}

/** A cluster in a simulation, as its script sees it. Times are virtual milliseconds; node names are `name@host`. */
export interface Simulation {
  /** What decides. */
  readonly seed: number | string;
  /** Draws for the script. */
  readonly random: SimRandom;
  /** Milliseconds since the beginning. */
  readonly now: number;
  /** The names of the nodes that have been started once. */
  readonly nodes: readonly string[];

  /**
   * Starts a node, as {@linkcode startNode} does: a real one, with handshakes and ticks, on a clock, a network and a disk that are not. Nodes find each other by
   * their names; with `{ epmd: {} }` by EPMD, and then each needs a host of its own.
   *
   * @param boot starts what is to run on it; called again by {@linkcode Simulation.restart}.
   */
  startNode(name: string, options?: NodeOptions, boot?: Boot): Promise<Node>;
  /** The node of that name, while it runs. */
  node(name: string): Node | null;
  /**
   * Ends a node at once, as `kill -9`: its code does not go on. Calls and starts that the script waits for fail; what else it waits for from that
   * node never settles, as a saga's `run` or a Raft's `append`: give it to {@linkcode Simulation.whileUp}.
   */
  crash(node: Node | string, options?: CrashOptions): void;
  /** Starts a node again that has crashed or was stopped, with its disk. Calls `boot`, or else that of its start. */
  restart(name: string, boot?: Boot): Promise<Node>;
  /** Makes a node stand still, as SIGSTOP: its timers are late, what is sent to it waits. */
  pause(node: Node | string): void;
  /** Lets it go on. */
  resume(node: Node | string): void;
  /**
   * Nothing gets through between the first and the others: what is sent waits, and comes after {@linkcode Simulation.heal}, unless a connection is
   * given up before.
   *
   * @param others default: all nodes that there are but the first.
   * @param options `oneWay`: what the first send does not arrive; they still hear the others.
   */
  partition(
    some: readonly (Node | string)[],
    others?: readonly (Node | string)[],
    options?: { readonly oneWay?: boolean },
  ): void;
  /** Ends all partitions; with nodes: those between these. */
  heal(some?: readonly (Node | string)[]): void;
  /** Breaks the connections between two nodes, or all that there are. They may be made anew at once. */
  reset(a?: Node | string, b?: Node | string): void;
  /** Moves the system time of a node, forward or back; its timers do not notice. */
  skew(node: Node | string, ms: number): void;

  /** Waits. */
  sleep(ms: number): Promise<void>;
  /**
   * Waits until something holds; it is looked at after every step.
   *
   * @throws {Error} if it does not within the timeout.
   */
  until(condition: () => boolean, options?: UntilOptions): Promise<void>;
  /** What the promise gives; rejects where the node crashes before, whose promises never settle. */
  whileUp<T>(node: Node | string, promise: PromiseLike<T>): Promise<T>;
  /**
   * Has to hold after every step from now on. The simulation fails where `check` throws, or returns `false`; and where it returns a promise, whose result
   * would come too late.
   *
   * @returns takes it back when disposed.
   */
  invariant(name: string, check: () => boolean | void): Disposable;
  /** The disk of a node. It is there before the node, and stays when it crashes. */
  disk(node: Node | string): SimDisk;
  /** Writes a line into the trace. */
  note(text: string): void;
}
