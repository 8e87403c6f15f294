import { type MemoryLink, type MemoryNetwork, memoryNetwork } from "../transport/memory.ts";
import type { Transport } from "../transport/contract.ts";
import type { Owner, World } from "./_world.ts";
import type { SeededRandom } from "./random.ts";

/** How the network of a simulation behaves. Times are milliseconds. */
export interface SimulatedNetwork {
  /** How long something travels between two nodes: a time, or the least and the longest. Default: 0.1 to 5. */
  readonly latency?: number | readonly [from: number, to: number];
  /** How often something is late, by up to `late` milliseconds: 0 never, 1 always. Default 0.01. */
  readonly lateness?: number;
  /** Default 200. */
  readonly late?: number;
  /** How many of the datagrams are lost. Default 0.01. */
  readonly loss?: number;
  /** How many of the datagrams come twice. Default 0.01. Streams are TCP: nothing of theirs comes twice or is missing. */
  readonly duplicates?: number;
  /** Bytes that a stream holds on its way before its sender has to wait. Default 262,144. */
  readonly window?: number;
}

/** So many microseconds may pass until TCP tries again. */
const RETRY = 1_000_000;

/** One direction of one stream. What it carries stays in order. */
interface Lane {
  readonly from: string;
  readonly to: string;
  readonly queue: (() => void)[];
  readonly key: string;
  last: number;
  /** How many wait for a partition to end. */
  held: number;
}

/** The machines that the wires lead to. */
export interface Ends {
  /** Who is told of what arrives at a machine. */
  owner(machine: string): Owner;
  /** Whether anything arrives there: not where the power has failed. */
  hears(machine: string): boolean;
  arrived(from: string, to: string): void;
}

/** The network of a world: in memory, with latency, partitions and losses. */
export class Wires {
  readonly #world: World;
  readonly #random: SeededRandom | null;
  readonly #ends: Ends;
  readonly #options: SimulatedNetwork;
  readonly #memory: MemoryNetwork;
  readonly #lanes: Map<string, Lane> = new Map();
  readonly #cut: Set<string> = new Set();

  /** @param random `null`: all is carried at once. */
  constructor(world: World, random: SeededRandom | null, ends: Ends, options: SimulatedNetwork) {
    this.#world = world;
    this.#random = random;
    this.#ends = ends;
    this.#options = options;
    const { window } = options;
    this.#memory = memoryNetwork({
      defer: (deliver, link) => this.#carry(deliver, link),
      ...window === undefined ? {} : { window },
    });
  }

  machine(name: string): Transport {
    return this.#memory.machine(name);
  }

  /** Nothing comes from one to the other any more. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** What was held back comes now. */
  heal(from: string, to: string): void {
    if (!this.#cut.delete(`${from}>${to}`)) return;
    for (const lane of this.#lanes.values()) {
      if (lane.from !== from || lane.to !== to) continue;
      for (; lane.held > 0; lane.held--) this.#schedule(lane);
    }
  }

  /** A machine hears again: what TCP has sent to it in vain it sends once more, sooner or later. */
  wake(machine: string): void {
    for (const lane of this.#lanes.values()) {
      if (lane.to !== machine || lane.held === 0 || this.#isCut(lane.from, lane.to)) continue;
      lane.last = this.#world.us + (this.#random?.int(RETRY) ?? 0);
      for (; lane.held > 0; lane.held--) this.#schedule(lane);
    }
  }

  reset(between?: readonly [string, string]): void {
    this.#memory.reset(between);
  }

  vanish(machine: string, silent: boolean): void {
    this.#memory.vanish(machine, silent);
  }

  #carry(deliver: () => void, link: MemoryLink): void {
    const { from, to } = link;
    if (link.datagram) return this.#carryDatagram(deliver, link);
    const key = `${link.stream}>${to}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { from, to, queue: [], key, last: 0, held: 0 };
      this.#lanes.set(key, lane);
    }
    lane.queue.push(deliver);
    this.#schedule(lane);
  }

  #carryDatagram(deliver: () => void, { from, to }: MemoryLink): void {
    const { loss = 0.01, duplicates = 0.01 } = this.#options;
    const random = this.#random;
    if (random !== null && from !== to && random.chance(loss)) return;
    const copies = random !== null && from !== to && random.chance(duplicates) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.#at(to, this.#travel(from, to), () => {
        if (this.#isCut(from, to) || !this.#ends.hears(to)) return;
        this.#ends.arrived(from, to);
        deliver();
      });
    }
  }

  #schedule(lane: Lane): void {
    const { us } = this.#world;
    lane.last = Math.max(lane.last, us + this.#travel(lane.from, lane.to));
    this.#at(lane.to, lane.last - us, () => this.#arrive(lane));
  }

  #arrive(lane: Lane): void {
    if (this.#isCut(lane.from, lane.to) || !this.#ends.hears(lane.to)) {
      lane.held++;
      return;
    }
    const deliver = lane.queue.shift()!;
    if (lane.queue.length === 0) this.#lanes.delete(lane.key);
    this.#ends.arrived(lane.from, lane.to);
    deliver();
  }

  #at(machine: string, us: number, run: () => void): void {
    this.#world.after(this.#ends.owner(machine), us, run);
  }

  #isCut(from: string, to: string): boolean {
    return from !== to && this.#cut.has(`${from}>${to}`);
  }

  /** Microseconds on the way. */
  #travel(from: string, to: string): number {
    const random = this.#random;
    if (random === null) return 0;
    if (from === to) return 10 + random.int(50);
    const { latency = [0.1, 5], lateness = 0.01, late = 200 } = this.#options;
    const [least, longest] = typeof latency === "number" ? [latency, latency] : latency;
    const travel = random.between(least * 1000, longest * 1000);
    return random.chance(lateness) ? travel + random.int(late * 1000) : travel;
  }
}
