import { setImmediate, setTimeout } from "node:timers";
import type { ChildProcess, SpawnCommand } from "./child.ts";
import type { Platform } from "./contract.ts";
import { serveHttp } from "./_http_deno.ts";
import { shared } from "./_shared.ts";

// The slice of Deno that is used, so that neither tsc nor the npm build needs Deno's types.
type Permission =
  | { readonly name: "sys"; readonly kind: "hostname" }
  | { readonly name: "env"; readonly variable: string }
  | { readonly name: "read"; readonly path: string };
interface DenoSlice {
  readonly permissions: { querySync(permission: Permission): { readonly state: string } };
  readonly env: { get(name: string): string | undefined };
  hostname(): string;
  readTextFile(path: string): Promise<string>;
  addSignalListener(signal: string, fn: () => void): void;
  removeSignalListener(signal: string, fn: () => void): void;
}

/** What Deno gives. Whatever may not be asked under the program's permissions is not asked: nothing here ever prompts. */
export function denoPlatform(): Platform {
  return {
    ...shared,
    name: "deno",
    yield: yielding(),
    hostname,
    env,
    readTextFile,
    spawn,
    onSignal,
    serveHttp,
  };
}

/** One in so many yields waits for a timer: 1 ms of eight, for which sockets wait some 10 ms at the most instead of 120. */
const YIELDS_PER_WAIT = 4;

/**
 * Deno's loop looks at sockets when it has nothing to do and waits, else only once in 61 turns (of the scheduler below it): a
 * program that yields by setImmediate again and again sees one socket event in 120 ms, though its timers fire. So now and then it
 * is made to wait, for the shortest timer; but not where nothing was left to do in between, as then it has waited by itself. To
 * wait for another thread's work is shorter, but where that is done before the loop waits, which a busy machine brings about,
 * sockets and timers both stand still for half a second.
 */
function yielding(): Platform["yield"] {
  let yields = 0;
  return (fn) => {
    if (++yields >= YIELDS_PER_WAIT) {
      yields = 0;
      setTimeout(fn, 0);
    } else {
      setImmediate(() => {
        if (fn() === false) yields = 0;
      });
    }
  };
}

function deno(): DenoSlice {
  return (globalThis as unknown as { Deno: DenoSlice }).Deno;
}

function granted(permission: Permission): boolean {
  return deno().permissions.querySync(permission).state === "granted";
}

function hostname(): string {
  return granted({ name: "sys", kind: "hostname" })
    ? deno().hostname() || "localhost"
    : "localhost";
}

function env(name: string): string | undefined {
  return granted({ name: "env", variable: name }) ? deno().env.get(name) : undefined;
}

async function spawn(command: SpawnCommand): Promise<ChildProcess> {
  return await (await import("./_deno_child.ts")).spawn(command);
}

async function readTextFile(path: string): Promise<string> {
  if (!granted({ name: "read", path })) {
    throw new Error(`Cannot read ${path}: not permitted, run with --allow-read=${path}`);
  }
  try {
    return await deno().readTextFile(path);
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function onSignal(signal: "SIGTERM" | "SIGINT", fn: () => void): Disposable {
  deno().addSignalListener(signal, fn);
  return { [Symbol.dispose]: () => deno().removeSignalListener(signal, fn) };
}
