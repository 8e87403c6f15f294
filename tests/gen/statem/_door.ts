import { on, Statem, t, type Transition } from "../../../mod.ts";

/** A door with a code lock. */
export class Door extends Statem<"locked" | "open"> {
  #code = 0;
  tries = 0;
  override init(code: number): Transition {
    this.#code = code;
    return this.next("locked");
  }
  override readonly states = this.table({
    locked: {
      calls: {
        unlock: on(t.integer, (code) => {
          this.tries++;
          return code === this.#code
            ? this.next("open").stateTimeout(10_000).reply("welcome")
            : "wrong code";
        }),
        enter: () => this.keep().postpone(),
      },
    },
    open: {
      enter: () => {
        this.tries = 0;
      },
      calls: {
        enter: () => "inside",
      },
      casts: { lock: () => this.next("locked") },
      stateTimeout: () => this.next("locked"),
    },
  });
  override readonly common = { calls: { state: () => this.state } };
}
