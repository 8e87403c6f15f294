import { Worker } from "node:worker_threads";
import type { Thread, ThreadData, ThreadEvents } from "./threads.ts";

/** Starts a thread. */
export function startThread(
  entry: URL,
  name: string,
  data: ThreadData,
  events: ThreadEvents,
): Thread {
  const worker = startWorker(entry, name, data);
  let error: unknown = null;
  let over = false;
  worker.on("message", (bytes: Uint8Array) => events.message(bytes));
  worker.on("messageerror", (fault: unknown) => error ??= fault);
  worker.on("error", (fault: unknown) => error ??= explained(entry, fault));
  worker.on("exit", (code: number) => {
    if (over) return;
    over = true;
    events.ended(error, code);
  });
  worker.unref(); // after those: on Node and Bun to listen keeps the program alive again
  return {
    post(bytes) {
      if (over) return;
      const { buffer, byteOffset, byteLength } = bytes;
      // Deno goes through all keys of what comes to a thread: of an array of bytes that takes seconds for some megabytes, a view has none.
      const view = new DataView(buffer, byteOffset, byteLength);
      worker.postMessage(view, [buffer as ArrayBuffer]);
    },
    async terminate() {
      await worker.terminate();
    },
  };
}

/** No runtime begins a thread with a module of the network; all begin one with a text that imports it, and hear nothing before it is there. */
function reachable(entry: URL): URL {
  if (entry.protocol === "file:") return entry;
  return new URL(`data:text/javascript,await import(${JSON.stringify(entry.href)})`);
}

function startWorker(entry: URL, name: string, data: ThreadData): Worker {
  try {
    return new Worker(reachable(entry), { name, workerData: data });
  } catch (cause) {
    throw explained(entry, cause);
  }
}

/** Deno refuses a thread's module at once, or when the thread loads it: then by a text alone. */
function explained(entry: URL, cause: unknown): unknown {
  const { name, message } = (cause ?? {}) as {
    readonly name?: unknown;
    readonly message?: unknown;
  };
  const isRefused = name === "NotCapable" ||
    /^(\w+: )?Requires (read|import) access to /.test(String(message)) &&
      String(message).includes(entry.href.replace("file://", ""));
  if (!isRefused) return cause;
  return new Error(
    `Cannot start a thread: ${entry} may not be read, run with --allow-read (--allow-import where it is on the network)`,
    { cause },
  );
}
