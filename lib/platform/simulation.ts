import { createHash } from "node:crypto";
import process from "node:process";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { asyncContext, newAsyncContext } from "./_async_context.ts";
import type { AsyncContext, Timer } from "./contract.ts";

/** The little that a simulation takes from the real runtime. */
export interface Reality {
  /** Calls `fn` when all microtasks are done: setImmediate, also while globals are virtual. */
  macrotask(fn: () => void): void;
  /** Calls `fn` after some real milliseconds. */
  later(ms: number, fn: () => void): Timer;
  /**
   * Calls `isOurs` for each rejection that nobody handles, in the async context of what was rejected where `isKnown`: Bun tells none. Those that are not
   * ours do what they do without.
   *
   * @returns takes it back.
   */
  rejections(isOurs: (reason: unknown, isKnown: boolean) => boolean): () => void;
  /** MD5, 16 bytes. */
  md5(bytes: Uint8Array): Uint8Array;
  /** Tells whose code runs; one of its own, apart from that of the nodes. */
  context(): AsyncContext;
  /** The one that nodes share, as without a simulation. */
  shared(): AsyncContext;
}

type IsOurs = (reason: unknown, isKnown: boolean) => boolean;

/** Node's and Bun's. Other listeners, as a test runner's, would take ours for their own: they wait. */
function rejectionsOfProcess(isOurs: IsOurs): () => void {
  const name = "unhandledRejection";
  const isKnown = process.versions.bun === undefined;
  const others = process.rawListeners(name);
  process.removeAllListeners(name);
  const listener = (reason: unknown, promise: Promise<unknown>): void => {
    if (isOurs(reason, isKnown)) return;
    for (const other of others) other.call(process, reason, promise);
    // Without any listener it ends the program.
    if (others.length === 0) {
      setImmediate(() => {
        throw reason;
      });
    }
  };
  process.on(name, listener);
  return () => {
    process.removeListener(name, listener);
    for (const other of others) process.on(name, other as typeof listener);
  };
}

/** An event of a rejection, as browsers have it. */
interface RejectionEvent extends Event {
  readonly reason: unknown;
}

function rejectionsOfDeno(isOurs: IsOurs): () => void {
  const name = "unhandledrejection";
  const listener = (event: Event): void => {
    if (!isOurs((event as RejectionEvent).reason, true)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  // Node's types do not know that the global object takes listeners.
  const target = globalThis as unknown as EventTarget;
  target.addEventListener(name, listener);
  return () => target.removeEventListener(name, listener);
}

/** What is real in a simulation. */
export const reality: Reality = {
  macrotask: (fn) => void setImmediate(fn),
  later: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  rejections: process.versions.deno === undefined ? rejectionsOfProcess : rejectionsOfDeno,
  md5: (bytes) => new Uint8Array(createHash("md5").update(bytes).digest()),
  context: newAsyncContext,
  shared: asyncContext,
};
