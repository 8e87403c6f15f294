import { createHash } from "node:crypto";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { asyncContext, newAsyncContext } from "./_async_context.ts";
import type { AsyncContext, Timer } from "./contract.ts";

/** The little that a simulation takes from the real runtime. */
export interface Reality {
  /** Calls `fn` when all microtasks are done: setImmediate, also while globals are virtual. */
  macrotask(fn: () => void): void;
  /** Calls `fn` after some real milliseconds. */
  later(ms: number, fn: () => void): Timer;
  /** MD5, 16 bytes. */
  md5(bytes: Uint8Array): Uint8Array;
  /** Tells whose code runs; one of its own, apart from that of the nodes. */
  context(): AsyncContext;
  /** The one that nodes share, as without a simulation. */
  shared(): AsyncContext;
}

/** What is real in a simulation. */
export const reality: Reality = {
  macrotask: (fn) => void setImmediate(fn),
  later: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  md5: (bytes) => new Uint8Array(createHash("md5").update(bytes).digest()),
  context: newAsyncContext,
  shared: asyncContext,
};
