import type { AsyncContext, Platform, Timer } from "../platform/contract.ts";
import type { ChildProcess } from "../platform/child.ts";
import type { Files } from "../platform/files.ts";
import type { HttpServer } from "../platform/http.ts";
import { reality } from "../platform/simulation.ts";
import type { VirtualScope } from "../platform/virtual_globals.ts";
import { format } from "../etf/format.ts";
import type { Term } from "../etf/term.ts";
import { Process } from "../node/process/process.ts";
import { filesOf, type VirtualDisk } from "./_disk.ts";
import type { SeededRandom } from "./random.ts";
import type { Trace } from "./_trace.ts";
import type { Job, Owner, World } from "./_world.ts";

/** When every simulation begins: 1 January 2024, UTC. */
const EPOCH = 1_704_067_200_000;

/** How the clock of a machine goes. */
export interface Clock {
  /** How fast it is: 1 is right. */
  rate: number;
  /** Milliseconds by which its system time is ahead. */
  skew: number;
}

/** The clock, timers and randomness of what runs for one owner. */
class Scope implements VirtualScope {
  readonly #life: Life;
  readonly #random: SeededRandom;

  constructor(life: Life, random: SeededRandom) {
    this.#life = life;
    this.#random = random;
  }

  now(): number {
    return this.#life.now();
  }

  systemTime(): number {
    return this.#life.systemTime();
  }

  random(): number {
    return this.#random.next();
  }

  fill(bytes: Uint8Array): void {
    this.#random.fill(bytes);
  }

  setTimer(ms: number, fn: () => void): Timer {
    return this.#life.setTimer(ms, fn);
  }

  immediate(fn: () => void): Timer {
    return this.#life.soon(fn);
  }
}

/** What a life needs of the simulation around it. */
export interface LifeHome {
  readonly world: World;
  readonly log: Trace;
  /** How long the disk takes for one thing, in microseconds. */
  diskTime(): number;
  /** The program has ended itself. */
  exited(life: Life, code: number): void;
}

/**
 * One life of a program, from its start to its crash: the platform of its node, and what its code takes for clock, timers and randomness. The script
 * has one, too.
 */
export class Life implements Platform, Owner {
  readonly name: string;
  readonly scope: VirtualScope;
  readonly parked: Job[] = [];
  readonly clock: Clock;
  alive = true;
  paused = false;
  readonly #home: LifeHome;
  readonly #random: SeededRandom;
  readonly #disk: VirtualDisk;
  readonly #known: WeakSet<object> = new WeakSet();
  #code = 0;

  constructor(name: string, home: LifeHome, random: SeededRandom, disk: VirtualDisk, clock: Clock) {
    this.name = name;
    this.#home = home;
    this.#random = random.fork("system");
    this.#disk = disk;
    this.clock = clock;
    this.scope = new Scope(this, random.fork("code"));
  }

  // Time

  now(): number {
    return this.#home.world.us * this.clock.rate / 1000;
  }

  systemTime(): number {
    return EPOCH + this.now() + this.clock.skew;
  }

  setTimer(ms: number, fn: () => void, _options?: { readonly unref?: boolean }): Timer {
    if (!(ms >= 0 && ms < 2 ** 31)) throw new RangeError(`Cannot set a timer of ${ms} ms`);
    return this.#home.world.after(this, Math.ceil(ms * 1000 / this.clock.rate), () => {
      this.#note("timer", "fires");
      fn();
    });
  }

  defer(fn: () => void): void {
    queueMicrotask(() => {
      if (this.paused) this.#home.world.soon(this, fn);
      else if (this.alive) fn();
    });
  }

  yield(fn: () => void): void {
    this.#home.world.soon(this, fn);
  }

  soon(fn: () => void): Timer {
    return this.#home.world.soon(this, () => {
      this.#note("timer", "fires");
      fn();
    });
  }

  turns = (turn: { run(): void }): void => {
    if (turn instanceof Process && !this.#known.has(turn)) this.#watch(turn);
    this.#home.world.soon(this, () => turn.run());
  };

  // Randomness

  randomBytes(length: number): Uint8Array {
    return this.#random.bytes(length);
  }

  md5(bytes: Uint8Array): Uint8Array {
    return reality.md5(bytes);
  }

  // The machine

  hostname(): string {
    return this.name.slice(this.name.indexOf("@") + 1);
  }

  env(): undefined {
    return undefined;
  }

  async readTextFile(path: string): Promise<string> {
    const bytes = await (await this.files()).read(path);
    if (bytes !== null) return new TextDecoder().decode(bytes);
    throw new Error(`Cannot read ${path}: it is not on the virtual disk of ${this.name}`);
  }

  // deno-lint-ignore require-await -- the interface is a promise's
  async files(): Promise<Files> {
    return filesOf(this.#disk, (what) => {
      const { world } = this.#home;
      return new Promise((resolve) =>
        void world.after(this, this.#home.diskTime(), () => {
          this.#note("disk", what);
          resolve();
        })
      );
    });
  }

  asyncContext(): AsyncContext {
    return reality.shared();
  }

  onSignal(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  serveHttp(): Promise<HttpServer> {
    return Promise.reject(
      new Error("Cannot serve the web: there is none in a simulation, test handlers by themselves"),
    );
  }

  spawn(): Promise<ChildProcess> {
    return Promise.reject(new Error("Cannot start a program: a simulation has no other programs"));
  }

  setExitCode(code: number): void {
    this.#code = code;
  }

  exit(code: number = this.#code): void {
    this.#home.exited(this, code);
  }

  keepAlive(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  // Output

  print(text: string): Promise<void> {
    for (const line of text.split("\n")) if (line !== "") this.#note("print", line);
    return Promise.resolve();
  }

  inspect(value: unknown): string {
    return typeof value === "string" ? value : format(value as Term);
  }

  log(level: "debug" | "info" | "warning" | "error", message: string): void {
    // What follows the first line may be an engine's stack.
    this.#note("log", `${level}: ${message.split("\n", 1)[0]}`);
  }

  #note(kind: "timer" | "disk" | "print" | "log", text: string): void {
    if (this.alive) this.#home.log.add(this.#home.world.us, kind, this.name, text);
  }

  /** From now on it is told what the process takes, and when it ends. */
  #watch(process: Process): void {
    const { world, log } = this.#home;
    const handle = process._handle;
    process._handle = (message) => {
      log.add(world.us, "turn", this.name, `${labelOf(process)} takes`, message);
      return handle.call(process, message);
    };
    this.#known.add(process);
    const home = process.home;
    if (this.#known.has(home)) return;
    this.#known.add(home);
    const forget = home.forget;
    home.forget = (ended, reason) => {
      if (this.alive) {
        log.add(world.us, "exit", this.name, `${labelOf(ended)} ends:`, reason);
      }
      forget.call(home, ended, reason);
    };
  }
}

/** What a process is called in a trace. */
function labelOf(process: Process): string {
  const kind = process.body._class ?? process.body.constructor?.name;
  const what = kind === undefined || kind === "Object" || kind === "" ? "" : ` ${kind}`;
  return `${process.name ?? `<${process.id}>`}${what}`;
}
