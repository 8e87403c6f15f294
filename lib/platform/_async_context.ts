import { AsyncLocalStorage } from "node:async_hooks";
import type { AsyncContext } from "./contract.ts";

/** The one that a program's nodes share. */
let shared: AsyncContext | null = null;

/** What all three runtimes give by the name of AsyncLocalStorage. */
export function asyncContext(): AsyncContext {
  return shared ??= new StorageContext();
}

/** One that nobody else uses. */
export function newAsyncContext(): AsyncContext {
  return new StorageContext();
}

class StorageContext implements AsyncContext {
  readonly #storage: AsyncLocalStorage<unknown> = new AsyncLocalStorage();

  run<A extends readonly unknown[], T>(value: unknown, fn: (...args: A) => T, ...args: A): T {
    return this.#storage.run(value, fn, ...args);
  }

  get(): unknown {
    return this.#storage.getStore();
  }
}
