import type { FaultOptions, SimFault } from "./faults.ts";
import type { SeededRandom } from "./random.ts";
import type { World } from "./_world.ts";

/** What faults are done to. */
export interface Victims {
  /** The nodes that run, or have run and will again. */
  readonly names: readonly string[];
  /** Whether it is up, and not paused. */
  isWell(node: string): boolean;
  begin(fault: SimFault): void;
  end(fault: SimFault): void;
}

const LASTS = [10, 3000] as const;

type Timed = "crash" | "pause" | "partition" | "reset" | "skew";

/** Makes faults as the seed says, or those of a plan. */
export class Chaos {
  /** Those that have happened. */
  readonly done: SimFault[] = [];
  readonly #world: World;
  readonly #victims: Victims;
  readonly #options: FaultOptions;
  readonly #random: SeededRandom;
  readonly #lasting: Set<SimFault> = new Set();

  constructor(world: World, victims: Victims, options: FaultOptions, random: SeededRandom) {
    this.#world = world;
    this.#victims = victims;
    this.#options = options;
    this.#random = random;
  }

  /** @param plan the faults of a run before, or some of them; `null`: the seed makes them. */
  begin(plan: readonly SimFault[] | null): void {
    if (plan !== null) {
      for (const fault of plan) {
        this.#world.plan(Math.round(fault.at * 1000), () => this.#happen(fault));
      }
    } else {
      for (const kind of ["crash", "pause", "partition", "reset", "skew"] as const) {
        const times = this.#options[kind];
        if (times === undefined) continue;
        this.#next(kind, times.every, this.#random.fork(kind), this.#options.from ?? 0);
      }
    }
  }

  /** @throws {RangeError} if faults were to happen to certain nodes, and none of them was there. */
  mustHaveMet(): void {
    const { nodes } = this.#options;
    const { names } = this.#victims;
    if (nodes === undefined || nodes.some((name) => names.includes(name))) return;
    throw new RangeError(
      `Cannot make faults on ${nodes.join(", ")}: no node of such a name was started, there are ${
        names.join(", ") || "none"
      }`,
    );
  }

  #next(kind: Timed, every: number, random: SeededRandom, from: number): void {
    const wait = random.between(Math.ceil(every * 200), Math.ceil(every * 1800));
    const at = Math.max(this.#world.us, from * 1000) + wait;
    if (at >= (this.#options.until ?? Infinity) * 1000) return;
    this.#world.plan(at, () => {
      const fault = this.#draw(kind, random);
      if (fault !== null) this.#happen(fault);
      this.#next(kind, every, random, 0);
    });
  }

  #happen(fault: SimFault): void {
    this.done.push(fault);
    this.#victims.begin(fault);
    if (!("lasts" in fault)) return;
    this.#lasting.add(fault);
    this.#world.plan(this.#world.us + Math.round(fault.lasts * 1000), () => {
      if (this.#lasting.delete(fault)) this.#victims.end(fault);
    });
  }

  /** What happens now; `null` where there is nobody that it could happen to. */
  #draw(kind: Timed, random: SeededRandom): SimFault | null {
    const { names, isWell } = { names: this.#victims.names, isWell: this.#victims.isWell };
    const allowed = this.#options.nodes;
    const all = allowed === undefined ? [...names] : names.filter((name) => allowed.includes(name));
    const well = all.filter((name) => isWell.call(this.#victims, name));
    const at = this.#world.us / 1000;
    // So many draws whatever is the case, so that one fault does not decide about all that come.
    const [one, two, three] = [random.next(), random.next(), random.next()];
    const some = <T>(list: readonly T[], draw: number): T => list[Math.floor(draw * list.length)];
    const full = all.length - well.length >= (this.#options.maxDown ?? Infinity);
    switch (kind) {
      case "crash": {
        const lasts = this.#lasts(kind, three);
        if (well.length === 0 || full) return null;
        const { storage = "keep", silent = 0.3 } = this.#options.crash!;
        const kinds = typeof storage === "string" ? [storage] : storage;
        return {
          ...{ kind, at, lasts, node: some(well, one) },
          ...{ storage: some(kinds, (two * 7919) % 1), silent: two < silent },
        };
      }
      case "pause": {
        const lasts = this.#lasts(kind, three);
        return well.length === 0 || full ? null : { kind, at, node: some(well, one), lasts };
      }
      case "partition": {
        const lasts = this.#lasts(kind, three);
        const size = 1 + Math.floor(one * (all.length - 1));
        const nodes = random.shuffle(all).slice(0, size).sort();
        if (all.length < 2) return null;
        return { kind, at, nodes, oneWay: two < (this.#options.partition!.oneWay ?? 0.3), lasts };
      }
      case "reset": {
        const [a, b] = random.shuffle(all);
        return b === undefined ? null : { kind, at, nodes: [a, b] };
      }
      case "skew": {
        if (all.length === 0) return null;
        const by = Math.round((two * 2 - 1) * this.#options.skew!.by);
        return { kind, at, node: some(all, one), by };
      }
    }
  }

  /** In whole microseconds, and not beyond the end. */
  #lasts(kind: "crash" | "pause" | "partition", draw: number): number {
    const [from, to] = this.#options[kind]!.lasts ?? LASTS;
    const us = Math.round((from + draw * (to - from)) * 1000);
    const left = (this.#options.until ?? Infinity) * 1000 - this.#world.us;
    return Math.max(0, Math.min(us, left)) / 1000;
  }
}
