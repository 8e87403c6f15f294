import { NodeDownError } from "../errors.ts";

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Those who wait until a connection takes more. */
export class ReadyWaiters {
  #waiters: Set<Waiter> = new Set();

  /** Resolves with {@linkcode ReadyWaiters.go}. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = (): void => waiter.reject(signal!.reason);
      const leave = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        resolve: () => {
          leave();
          resolve();
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", abort);
    });
  }

  /** It takes more. */
  go(): void {
    for (const waiter of [...this.#waiters]) waiter.resolve();
  }

  /** It is gone. */
  fail(node: string, cause: Error | undefined): void {
    for (const waiter of [...this.#waiters]) waiter.reject(new NodeDownError(node, { cause }));
  }
}
