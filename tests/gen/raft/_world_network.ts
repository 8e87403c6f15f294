import type { World } from "./_world.ts";

/** Between those who send and those who receive: messages come late, are lost and doubled, and ways are cut. */
export class Network {
  /** The ways on which nothing comes through, as `a>b`. */
  readonly cut: Set<string> = new Set();
  drop = 0;
  double = 0;
  delay = 5;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  travel(way: string, fn: () => void): void {
    const world = this.#world;
    if (this.cut.has(way) || world.chance(this.drop)) return;
    const ms = world.chance(0.01) ? world.random(300) : 1 + world.random(this.delay);
    world.later(ms, fn);
    if (world.chance(this.double)) world.later(ms + world.random(50), fn);
  }

  /** Everything comes through again, soon and once. */
  heal(): void {
    this.cut.clear();
    this.drop = this.double = 0;
    this.delay = 5;
  }
}
