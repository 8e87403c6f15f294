import { checkFields } from "../_util/fields.ts";
import { isThenable } from "../_util/thenable.ts";
import type { Platform } from "../platform/contract.ts";
import { checkNumber } from "./_check.ts";
import { SimulationFault } from "./_fault.ts";
import type { UntilOptions } from "./simulation.ts";

/** Somebody waits for something. */
interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What is looked at after every step. */
export class Watch {
  readonly #clock: Pick<Platform, "setTimer">;
  readonly #invariants: Map<string, () => unknown> = new Map();
  readonly #waiters: Set<Waiter> = new Set();

  constructor(clock: Pick<Platform, "setTimer">) {
    this.#clock = clock;
  }

  /** Whether there is nothing to look at. */
  get isIdle(): boolean {
    return this.#invariants.size === 0 && this.#waiters.size === 0;
  }

  /** @throws {SimulationFault} if an invariant does not hold. */
  look(): void {
    for (const [name, check] of this.#invariants) {
      let holds: unknown;
      try {
        holds = check();
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new SimulationFault("invariant", `${name} does not hold: ${why}`, { cause });
      }
      if (isThenable(holds)) refuse(holds, `Cannot watch over ${name}: its check`);
      if (holds === false) throw new SimulationFault("invariant", `${name} does not hold`);
    }
    for (const waiter of this.#waiters) {
      try {
        if (!holdsNow(waiter.condition)) continue;
        waiter.resolve();
      } catch (error) {
        waiter.reject(error);
      }
      this.#waiters.delete(waiter);
    }
  }

  async until(condition: () => boolean, options: UntilOptions = {}): Promise<void> {
    const { timeout = 60_000 } = options;
    if (typeof condition !== "function") {
      throw new TypeError(
        "Cannot wait until then: a function is needed that tells whether it holds",
      );
    }
    checkFields("wait until then", options, { timeout: 0 });
    checkNumber("wait until then", "timeout", timeout);
    if (holdsNow(condition)) return;
    await new Promise<void>((resolve, reject) => {
      const late = (): void => {
        this.#waiters.delete(waiter);
        const why = `after ${timeout} ms this does not hold: ${condition}`;
        reject(new Error(`Cannot wait any longer: ${why}`));
      };
      const timer = this.#clock.setTimer(timeout, late);
      const done = (): void => {
        timer.cancel();
        resolve();
      };
      const waiter: Waiter = { condition, resolve: done, reject };
      this.#waiters.add(waiter);
    });
  }

  invariant(name: string, check: () => unknown): Disposable {
    if (typeof check !== "function") {
      throw new TypeError(
        `Cannot watch over ${String(name)}: a function is needed that throws or returns false`,
      );
    }
    if (this.#invariants.has(name)) {
      throw new Error(
        `Cannot watch over ${name}: there is an invariant of that name, take another`,
      );
    }
    this.#invariants.set(name, check);
    return { [Symbol.dispose]: () => void this.#invariants.delete(name) };
  }
}

function holdsNow(condition: () => unknown): boolean {
  const holds = condition();
  if (isThenable(holds)) refuse(holds, "Cannot wait until then: the condition");
  return Boolean(holds);
}

/** A promise is neither true nor false, and what it gives comes when the step is over. */
function refuse(promise: PromiseLike<unknown>, what: string): never {
  promise.then(undefined, () => {}); // it is told once
  throw new TypeError(
    `${what} gives a promise, a function is needed that looks at once: one that is not async`,
  );
}
