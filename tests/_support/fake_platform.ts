import { createHash } from "node:crypto";
import { asyncContext } from "../../lib/platform/_async_context.ts";
import type { AsyncContext, Platform, Timer } from "../../lib/platform/contract.ts";
import type { HttpOptions, HttpServer } from "../../lib/platform/http.ts";

/**
 * A platform whose time stands still until a test moves it, and whose randomness is the same in every run.
 *
 * - `turn()` ends a turn: it runs what was deferred. A real microtask does the same for tests that await.
 * - `advance(ms)` fires the timers that are due, in order, each with a turn after it. `elapse(ms)` lets promises settle in
 *   between as well; `stall(ms)` makes timers late.
 * - `logs`, `pendingTimers` and `keptAlive` are for the checks at the end of a test.
 */
export class FakePlatform implements Platform {
  readonly name = "simulated";
  readonly logs: { readonly level: string; readonly message: string }[] = [];
  readonly environment: Map<string, string> = new Map();
  readonly texts: Map<string, string> = new Map();
  /** What went to standard output. */
  printed = "";
  /** How the program was ended, `undefined` with the code that was set. */
  readonly exits: (number | undefined)[] = [];
  exitCode = 0;
  /** How often the program is kept alive. */
  keptAlive = 0;

  #now = 0;
  #order = 0;
  #seed: number;
  readonly #timers: Set<{ at: number; order: number; fn: () => void }> = new Set();
  readonly #deferred: (() => void)[] = [];
  readonly #yielded: (() => void)[] = [];
  readonly #signals: Set<{ signal: string; fn: () => void }> = new Set();

  constructor(seed: number = 1) {
    this.#seed = seed;
  }

  /** Timers that are set. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  systemTime(): number {
    return Date.UTC(2024, 0, 1) + this.#now;
  }

  setTimer(ms: number, fn: () => void, _options?: { readonly unref?: boolean }): Timer {
    if (!(ms >= 0 && ms < 2 ** 31)) throw new RangeError(`setTimer(${ms})`);
    const timer = { at: this.#now + ms, order: this.#order++, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  defer(fn: () => void): void {
    if (this.#deferred.push(fn) === 1) queueMicrotask(() => this.#runDeferred());
  }

  yield(fn: () => void): void {
    if (this.#yielded.push(fn) === 1) setTimeout(() => this.turn(), 0);
  }

  /** Ends the turn: runs what was deferred, then what has yielded, until neither is left. */
  turn(): void {
    this.#runDeferred();
    while (this.#yielded.length > 0) {
      for (const fn of this.#yielded.splice(0)) {
        fn();
        this.#runDeferred();
      }
    }
  }

  /** Lets time pass. Returns the new time. */
  advance(ms: number): number {
    const end = this.#now + ms;
    this.turn();
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#fire(due);
    }
    return this.#now = end;
  }

  /** Lets time pass in which the program runs nothing, as when it was suspended: timers are late, and fire at the next `advance`. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** As `advance`, and lets promises settle after each timer. */
  async elapse(ms: number): Promise<number> {
    const end = this.#now + ms;
    await this.settle();
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#fire(due);
      await this.settle();
    }
    return this.#now = end;
  }

  /** Lets everything run that waits for no timer. */
  async settle(): Promise<void> {
    this.turn();
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.turn();
  }

  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      // xorshift32
      this.#seed ^= this.#seed << 13;
      this.#seed ^= this.#seed >>> 17;
      this.#seed ^= this.#seed << 5;
      bytes[i] = this.#seed;
    }
    return bytes;
  }

  md5(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHash("md5").update(bytes).digest());
  }

  hostname(): string {
    return "localhost";
  }

  env(name: string): string | undefined {
    return this.environment.get(name);
  }

  readTextFile(path: string): Promise<string> {
    const text = this.texts.get(path);
    return text === undefined
      ? Promise.reject(new Error(`no file ${path}`))
      : Promise.resolve(text);
  }

  files(): Promise<never> {
    return Promise.reject(new Error("there are no files"));
  }

  asyncContext(): AsyncContext {
    return asyncContext();
  }

  spawn(): Promise<never> {
    return Promise.reject(new Error("there are no programs"));
  }

  onSignal(signal: "SIGTERM" | "SIGINT", fn: () => void): Disposable {
    const entry = { signal, fn };
    this.#signals.add(entry);
    return { [Symbol.dispose]: () => void this.#signals.delete(entry) };
  }

  /** Sends the program a signal. */
  raise(signal: "SIGTERM" | "SIGINT"): void {
    for (const entry of [...this.#signals]) if (entry.signal === signal) entry.fn();
  }

  /** Servers of the web that listen, by their port; a test gives its requests to `handle`. */
  readonly servers: Map<number, HttpOptions> = new Map();

  serveHttp(options: HttpOptions): Promise<HttpServer> {
    const port = options.port === 0 ? 50_000 + this.servers.size : options.port;
    this.servers.set(port, options);
    const stopListening = (): Promise<void> => {
      this.servers.delete(port);
      return Promise.resolve();
    };
    return Promise.resolve({
      host: options.host,
      port,
      stopListening,
      destroy: stopListening,
      ref() {},
      unref() {},
    });
  }

  setExitCode(code: number): void {
    this.exitCode = code;
  }

  exit(code?: number): void {
    this.exits.push(code);
  }

  keepAlive(): Disposable {
    this.keptAlive++;
    let kept = true;
    return {
      [Symbol.dispose]: () => {
        if (kept) this.keptAlive--;
        kept = false;
      },
    };
  }

  inspect(value: unknown): string {
    return String(value);
  }

  print(text: string): Promise<void> {
    this.printed += text;
    return Promise.resolve();
  }

  log(level: "debug" | "info" | "warning" | "error", message: string): void {
    this.logs.push({ level, message });
  }

  #runDeferred(): void {
    while (this.#deferred.length > 0) this.#deferred.shift()!();
  }

  #next(end: number): { at: number; order: number; fn: () => void } | undefined {
    let first: { at: number; order: number; fn: () => void } | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (
        first === undefined || timer.at < first.at ||
        timer.at === first.at && timer.order < first.order
      ) {
        first = timer;
      }
    }
    return first;
  }

  #fire(timer: { at: number; order: number; fn: () => void }): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.fn();
    this.turn();
  }
}
