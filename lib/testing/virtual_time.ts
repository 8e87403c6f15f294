import { checkFields } from "../_util/fields.ts";
import type { NodeOptions } from "../boot/options.ts";
import { startNode } from "../boot/start_node.ts";
import type { Node } from "../node/node.ts";
import { checkSeed } from "./_check.ts";
import { VirtualDisk } from "./_disk.ts";
import { Life, type LifeHome } from "./_life.ts";
import { afterwards, inWorld } from "./_once.ts";
import { SeededRandom } from "./random.ts";
import { COOKIE, PORT } from "./_run.ts";
import { Trace } from "./_trace.ts";
import { Wires } from "./_wires.ts";
import { type Owner, World } from "./_world.ts";

/** How virtual time is made. */
export interface VirtualTimeOptions {
  /** What all randomness follows from. Default 1. */
  readonly seed?: number | string;
}

/** Time that stands still until a test moves it. */
export interface VirtualTime {
  /** Milliseconds since the beginning. */
  readonly now: number;
  /** How many timers are set, those of the nodes among them. */
  readonly pendingTimers: number;
  /**
   * Lets so many milliseconds pass: timers fire in order, and all that comes of each is done before the next. Settles when nothing is left to do
   * then.
   */
  advance(ms: number): Promise<void>;
  /** Settles when nothing is left to do without more time. */
  settle(): Promise<void>;
  /** Starts a node in this time. Several find each other by their names, over a network that takes no time. */
  startNode(name: string, options?: NodeOptions): Promise<Node>;
  /** What has happened, a line each: what processes took, what was logged. */
  trace(): string;
}

/**
 * Runs a test whose time stands still until it moves it: no test waits for a timer, and none is too early.
 *
 * - Messages, calls and handlers go on by themselves; timers, deadlines and timeouts only by {@linkcode VirtualTime.advance}.
 * - Nodes are started by {@linkcode VirtualTime.startNode}; they end with the test.
 * - The globals are virtual as in {@linkcode simulate}: `Date`, `setTimeout`, `Math.random` and others, for the test and what it begins.
 * - For faults, and for orders of things that you have not thought of, see {@linkcode simulate}.
 *
 * @example
 * ```ts
 * import { GenServer, withVirtualTime } from "@ergo-ts/ergo";
 *
 * class Cache extends GenServer {
 *   #value: string | null = "fresh";
 *   override init(): void {
 *     this.after(60_000, () => this.#value = null);
 *   }
 *   override readonly calls = { get: () => this.#value };
 * }
 *
 * await withVirtualTime(async (time) => {
 *   const node = await time.startNode("test@sim");
 *   const cache = await node.start(Cache, []);
 *   await time.advance(59_999);
 *   console.log(await cache.call("get")); // fresh
 *   await time.advance(1);
 *   console.log(await cache.call("get")); // null
 * });
 * ```
 *
 * @returns what the test gives.
 * @throws what the test throws; also where a rejection is handled by nobody, and where it waits for something that needs time, and nobody moves it.
 */
export async function withVirtualTime<T>(
  test: (time: VirtualTime) => T,
  options: VirtualTimeOptions = {},
): Promise<Awaited<T>> {
  if (typeof test !== "function") {
    throw new TypeError("Cannot make virtual time: a function is needed that gets it");
  }
  checkFields("make virtual time", options, { seed: 0 });
  const { seed = 1 } = options;
  checkSeed("make virtual time", seed);
  const time = new StandingTime(seed);
  return await inWorld(time.world, () => time.run(test));
}

class StandingTime implements VirtualTime, LifeHome {
  readonly world: World;
  readonly #trace: Trace = new Trace(true);
  readonly #seeded: SeededRandom;
  readonly #outside: Life;
  readonly #wires: Wires;
  readonly #lives: Map<string, Life> = new Map();

  constructor(seed: number | string) {
    this.#seeded = new SeededRandom(`${typeof seed} ${seed}`);
    this.world = new World({
      random: null,
      flows: false,
      maxSteps: Infinity,
      maxTime: Infinity,
      afterStep() {},
    });
    this.#outside = this.#life("");
    this.#wires = new Wires(this.world, null, {
      owner: (host): Owner => this.#lives.get(host) ?? this.#outside,
      hears: () => true,
      arrived() {},
    }, {});
  }

  get log(): Trace {
    return this.#trace;
  }

  async run<T>(test: (time: VirtualTime) => T): Promise<Awaited<T>> {
    const value = await this.world.run(this.#outside, async () => await test(this));
    await afterwards(this.world);
    return value;
  }

  get now(): number {
    return this.world.us / 1000;
  }

  get pendingTimers(): number {
    return this.world.pending;
  }

  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Infinity)) {
      throw new RangeError(`Cannot let ${String(ms)} ms pass: 0 or more is needed`);
    }
    await this.world.advance(Math.round(ms * 1000));
  }

  async settle(): Promise<void> {
    await this.world.settle();
  }

  async startNode(name: string, options: NodeOptions = {}): Promise<Node> {
    const life = this.#life(name);
    this.#lives.set(name, life);
    return await this.world.as(life, () =>
      startNode(name, {
        cookie: COOKIE,
        listen: { host: "0.0.0.0", port: PORT },
        epmd: false,
        resolve: (peer) => ({ host: peer, port: PORT }),
        signals: false,
        ...options,
        platform: life,
        transport: this.#wires.machine(name),
      }));
  }

  trace(): string {
    return this.#trace.text();
  }

  diskTime(): number {
    return 0;
  }

  exited(): void {}

  #life(name: string): Life {
    const random = this.#seeded.fork(name);
    return new Life(name, this, random, new VirtualDisk(), { rate: 1, skew: 0 });
  }
}
