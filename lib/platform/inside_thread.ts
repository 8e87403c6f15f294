import { parentPort, workerData } from "node:worker_threads";
import type { ThreadData, ThreadPort } from "./threads.ts";

/** @returns the way to the thread that has started this one, by that name; `null` where none has. */
export function insideThread(of: string): ThreadPort | null {
  const data = workerData as Partial<ThreadData> | null | undefined;
  const port = parentPort;
  if (port === null || port === undefined || data?.of !== of) return null;
  // Listens at once: Deno gives what comes to whoever listens then, and to nobody where nobody does.
  let handle: ((bytes: Uint8Array) => void) | null = null;
  const early: Uint8Array[] = [];
  port.on("message", ({ buffer, byteOffset, byteLength }: DataView) => {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    if (handle === null) early.push(bytes);
    else handle(bytes);
  });
  return {
    data: data as ThreadData,
    post: (bytes) => port.postMessage(bytes, [bytes.buffer as ArrayBuffer]),
    onMessage: (fn) => {
      handle = fn;
      for (const bytes of early.splice(0)) fn(bytes);
    },
  };
}
