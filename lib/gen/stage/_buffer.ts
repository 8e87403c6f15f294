import { Queue } from "../../_util/queue.ts";

/** Something to be told when all events before it have gone. It takes no room, and is never dropped. */
export class Info {
  readonly message: unknown;

  constructor(message: unknown) {
    this.message = message;
  }
}

/** Events that nobody has asked for yet. */
export class EventBuffer {
  readonly #size: number;
  readonly #keep: "first" | "last";
  readonly #queue: Queue<{ readonly event: unknown } | Info> = new Queue();
  #events = 0;

  constructor(size: number, keep: "first" | "last") {
    this.#size = size;
    this.#keep = keep;
  }

  /** How many events wait. */
  get count(): number {
    return this.#events;
  }

  /**
   * Keeps events, as many as there is room for.
   *
   * @param told gets what stood before events that had to go.
   * @returns how many were dropped.
   */
  store(events: readonly unknown[], told: (message: unknown) => void): number {
    let dropped = 0;
    for (const event of events) {
      if (this.#events >= this.#size) {
        dropped++;
        if (this.#keep === "first" || this.#size === 0) continue;
        this.#dropOldest(told);
      }
      this.#queue.push({ event });
      this.#events++;
    }
    return dropped;
  }

  /** @returns whether it waits now behind events. */
  storeInfo(message: unknown): boolean {
    if (this.#queue.length === 0) return false;
    this.#queue.push(new Info(message));
    return true;
  }

  /** Takes so many events at most. */
  take(count: number): unknown[] {
    const taken: unknown[] = [];
    while (taken.length < count) {
      const first = this.#queue.peek();
      if (first === undefined || first instanceof Info) break;
      this.#queue.shift();
      this.#events--;
      taken.push(first.event);
    }
    return taken;
  }

  /** The message whose turn it is, because all events before it have gone. */
  takeInfo(): Info | undefined {
    return this.#queue.peek() instanceof Info ? this.#queue.shift() as Info : undefined;
  }

  #dropOldest(told: (message: unknown) => void): void {
    for (;;) {
      const oldest = this.#queue.shift()!;
      if (!(oldest instanceof Info)) break;
      told(oldest.message);
    }
    this.#events--;
    for (let info = this.takeInfo(); info !== undefined; info = this.takeInfo()) told(info.message);
  }
}
