import { encode } from "../../../lib/etf/encoder.ts";
import type { Encodable } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import type { Input, Operation } from "./_linearizability.ts";
import type { World } from "./_world.ts";

const KEYS = ["x", "y", "z"];

/** Asks for one thing after the other, and again where nothing comes back. */
export class Client {
  readonly id: number;
  sinceCalm = 0;
  readonly #world: World;
  #hint: string | null = null;
  #session = 0;
  #serial = 0;
  #values = 0;
  #left = 25;

  constructor(world: World, id: number) {
    this.#world = world;
    this.id = id;
  }

  next(): void {
    const world = this.#world;
    if (world.sessions && this.#session === 0) return this.#open();
    if (this.#left-- <= 0 && !world.isCalm) {
      this.#left = 0;
      return world.later(200, () => this.next());
    }
    if (this.sinceCalm > 5) return;
    const key = KEYS[world.random(KEYS.length)];
    const value = `${this.id}.${++this.#values};`;
    const input: Input = [
      { type: "get" } as const,
      { type: "get" } as const,
      { type: "put", value } as const,
      { type: "append", value } as const,
    ][world.random(4)];
    const operation: Operation = {
      client: this.id,
      key,
      input,
      call: world.now,
      end: Infinity,
    };
    world.history.push(operation);
    const serial = input.type === "get" ? 0 : ++this.#serial;
    this.#attempt(operation, serial, 8);
  }

  #open(): void {
    const world = this.#world;
    let answered = false;
    const session = 1 + world.random(1e9);
    const propose = { type: "open" as const, session };
    world.request(world.someone(this.#hint), { propose }, (result) => {
      if (answered) return;
      answered = true;
      this.#hint = result.hint;
      if (result.ok) this.#session = session;
      world.later(10, () => this.next());
    });
    world.later(300, () => {
      if (answered) return;
      answered = true;
      this.#hint = null;
      this.next();
    });
  }

  #attempt(operation: Operation, serial: number, attempts: number): void {
    const world = this.#world;
    const { input, key } = operation;
    const what = input.type === "get" ? { read: key } : {
      propose: {
        type: "command" as const,
        session: this.#session,
        serial,
        done: Math.max(0, serial - 1),
        bytes: encode(
          tuple(key, input.type, (input as { value: string }).value, null) as Encodable,
        ),
      },
    };
    let answered = false;
    world.request(world.someone(this.#hint), what, ({ ok, value, hint }) => {
      if (answered) return;
      answered = true;
      this.#hint = hint;
      if (ok) {
        operation.output = value;
        operation.end = world.now;
        if (world.isCalm) this.sinceCalm++;
        return world.later(world.random(60), () => this.next());
      }
      world.later(20 + world.random(30), () => this.#again(operation, serial, attempts));
    });
    world.later(250, () => {
      if (answered) return;
      answered = true;
      this.#hint = null;
      this.#again(operation, serial, attempts);
    });
  }

  /** The same request again, some times; then it is never known. */
  #again(operation: Operation, serial: number, attempts: number): void {
    if (attempts > 0) this.#attempt(operation, serial, attempts - 1);
    else this.next();
  }
}
