import { createHash, randomBytes as cryptoBytes } from "node:crypto";
import process from "node:process";
import { inspect } from "node:util";
import { clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";
import { asyncContext } from "./_async_context.ts";
import type { Platform, Timer } from "./contract.ts";

/** The longest interval that a timer can be set to. */
const LONGEST = 2 ** 31 - 1;

/** The part of a platform that is the same on all three runtimes; none of it needs a permission. */
export type SharedPlatform = Omit<
  Platform,
  "name" | "hostname" | "env" | "readTextFile" | "spawn" | "onSignal" | "serveHttp"
>;

export const shared: SharedPlatform = {
  now: () => performance.now(),
  systemTime: () => Date.now(),
  setTimer,
  defer: (fn) => queueMicrotask(fn),
  yield: (fn) => void setImmediate(fn),
  randomBytes,
  md5,
  setExitCode,
  exit: (code) => process.exit(code),
  asyncContext,
  threads: async () => (await import("./_threads.ts")).startThread,
  files: async () => (await import("./_files.ts")).files,
  keepAlive,
  print,
  inspect: (value) => inspect(value),
  log,
};

class RuntimeTimer implements Timer {
  #timeout: ReturnType<typeof setTimeout>;

  constructor(timeout: ReturnType<typeof setTimeout>) {
    this.#timeout = timeout;
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

function setTimer(ms: number, fn: () => void, options?: { readonly unref?: boolean }): Timer {
  const timeout = setTimeout(fn, ms);
  if (options?.unref) timeout.unref();
  return new RuntimeTimer(timeout);
}

function randomBytes(length: number): Uint8Array {
  return plain(cryptoBytes(length));
}

function md5(bytes: Uint8Array): Uint8Array {
  return plain(createHash("md5").update(bytes).digest());
}

/** Not a Buffer, whose `slice` does not copy, and not a part of its shared pool. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function setExitCode(code: number): void {
  process.exitCode = code;
}

function keepAlive(): Disposable {
  const interval = setInterval(() => {}, LONGEST);
  return { [Symbol.dispose]: () => clearInterval(interval) };
}

function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    const { stdout } = process;
    // A reader that has gone away is no reason to end the program: without a listener it would be.
    if (!listening) stdout.on("error", ignore);
    listening = true;
    printing++;
    stdout.write(text, (error) => {
      printing--;
      if (printing === 0 && !error) { // after an error the listener is yet to be told
        stdout.removeListener("error", ignore);
        listening = false;
      }
      resolve();
    });
  });
}

/** How many texts are being written. */
let printing = 0;
/** Whether errors of standard output are ignored. */
let listening = false;

function ignore(): void {}

function log(level: "debug" | "info" | "warning" | "error", message: string): void {
  try {
    // Messages quote what peers sent: a line break or an escape sequence in it must not pass for our own.
    // deno-lint-ignore no-control-regex
    const line = message.replace(/[\x00-\x1f\x7f-\x9f]/g, escape);
    console.error(`${level}: ${line}`);
  } catch {
    // There is nobody left to tell.
  }
}

function escape(character: string): string {
  return character === "\n" ? "\\n" : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
