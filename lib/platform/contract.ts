import type { ChildProcess, SpawnCommand } from "./child.ts";
import type { Files } from "./files.ts";
import type { HttpOptions, HttpServer } from "./http.ts";
import type { StartThread } from "./threads.ts";

/** A timer that was set and can be taken back. */
export interface Timer {
  /** Idempotent; does nothing after the timer has fired. */
  cancel(): void;
}

/** A value that goes with what is run, also behind its promises. */
export interface AsyncContext {
  /** Calls `fn`; the value is there until it has returned, and in all that it has begun. */
  run<A extends readonly unknown[], T>(value: unknown, fn: (...args: A) => T, ...args: A): T;
  /** The value that was given to the innermost `run` around this; `undefined` where there is none. */
  get(): unknown;
}

/**
 * What a node takes from outside besides sockets. One value per runtime, or a simulator's. Nothing above this room reads a
 * clock, sets a timer or draws a random number by other means.
 */
export interface Platform {
  /** For messages: "deno", "bun", "node", "simulated". */
  readonly name: string;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  now(): number;
  /** Milliseconds since 1970 UTC. */
  systemTime(): number;
  /** Calls `fn` once, after at least `ms` milliseconds (0 to 2^31-1). `unref`: the program does not stay alive for it. */
  setTimer(ms: number, fn: () => void, options?: { readonly unref?: boolean }): Timer;
  /** Calls `fn` after what runs now, before any input or timer is looked at (a microtask). */
  defer(fn: () => void): void;
  /**
   * Calls `fn` after input and timers had their turn (a macrotask, setImmediate). It may give `false` where nothing has waited for it:
   * then the program was idle.
   */
  yield(fn: () => boolean | void): void;
  /**
   * Calls `fn` after sockets were looked at, without waiting for any (a macrotask). Missing where the event loop does not look at them
   * while it has something else to do, and in a simulation, where time stands still meanwhile.
   */
  poll?(fn: () => void): void;
  /**
   * Where something else decides which process runs next, as in a simulation: takes each turn that waits, and gives it later, one at a
   * time. Default: nodes have run queues of their own.
   */
  readonly turns?: (turn: { run(): void }) => void;
  /** Bytes from the system's cryptographic source. */
  randomBytes(length: number): Uint8Array;
  /** MD5, which the distribution handshake is defined with. 16 bytes. */
  md5(bytes: Uint8Array): Uint8Array;
  /** The machine's name as `hostname` prints it; "localhost" where the program may not ask. */
  hostname(): string;
  /** A variable of the environment, `undefined` where it is not set or the program may not ask. */
  env(name: string): string | undefined;
  /**
   * The text of a file, which is UTF-8.
   *
   * @throws where it cannot be read, with what to do (permission).
   */
  readTextFile(path: string): Promise<string>;
  /** Files that are to outlive the program. Loads what it needs when it is first asked. */
  files(): Promise<Files>;
  /** Where it can be found out whose code runs; the same for all nodes of a program. */
  asyncContext(): AsyncContext;
  /** Calls `fn` at each signal until disposed. */
  onSignal(signal: "SIGTERM" | "SIGINT", fn: () => void): Disposable;
  /**
   * Listens for requests of the web. Nothing else stands between its `handle` and the runtime's own server.
   *
   * @throws where the address cannot be had, with what to do (permission).
   */
  serveHttp(options: HttpOptions): Promise<HttpServer>;
  /** What the program ends with when it comes to its end by itself. */
  setExitCode(code: number): void;
  /** Ends the program at once; without a code with the one that was set. */
  exit(code?: number): void;
  /**
   * Whether the runtime evaluates the program's modules again in the same process when a file changes (`bun --hot`). Default false.
   */
  readonly hot?: boolean;
  /**
   * Starts another program. It does not keep this one alive, and does not end with it unless it is ended.
   *
   * @throws {SpawnFailed} with the system's code, as ENOENT; EPERM where it is not permitted, with what to do.
   */
  spawn(command: SpawnCommand): Promise<ChildProcess>;
  /** Starts threads; missing where there are none, as in a simulation. Loads what it needs when it is first asked. */
  threads?(): Promise<StartThread>;
  /** Keeps the program alive until disposed. */
  keepAlive(): Disposable;
  /**
   * Writes to the program's standard output, in the order of the calls. Never throws; where nobody reads any more nothing is written.
   *
   * @returns settles when the text is out of the program's hands, so that who writes much can wait.
   */
  print(text: string): Promise<void>;
  /** How `console.log` would print a value. */
  inspect(value: unknown): string;
  /** Where faults go that nobody else can be told of; never throws. */
  log(level: "debug" | "info" | "warning" | "error", message: string): void;
}
