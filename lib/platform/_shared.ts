import { createHash, randomBytes as cryptoBytes } from "node:crypto";
import { clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";
import type { Platform, Timer } from "./contract.ts";

/** The longest interval that a timer can be set to. */
const LONGEST = 2 ** 31 - 1;

/** The part of a platform that is the same on all three runtimes; none of it needs a permission. */
export type SharedPlatform = Omit<
  Platform,
  "name" | "hostname" | "env" | "readTextFile" | "onSignal"
>;

export const shared: SharedPlatform = {
  now: () => performance.now(),
  systemTime: () => Date.now(),
  setTimer,
  defer: (fn) => queueMicrotask(fn),
  yield: (fn) => void setImmediate(fn),
  randomBytes,
  md5,
  keepAlive,
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

function keepAlive(): Disposable {
  const interval = setInterval(() => {}, LONGEST);
  return { [Symbol.dispose]: () => clearInterval(interval) };
}

function log(level: "debug" | "info" | "warning" | "error", message: string): void {
  if (level === "debug") return; // for a platform of a user's own to show, as Erlang's logger begins at notice
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
