import { spawn as start } from "node:child_process";
import process from "node:process";
import {
  type ChildHandler,
  type ChildProcess,
  INPUT_HIGH_WATER,
  type OutputSource,
  type SpawnCommand,
} from "./child.ts";
import { exitStatus, plain, spawnFailed } from "./_child_faults.ts";

/** Starts a program, in Node and Bun. @throws {SpawnFailed} */
export function spawn(options: SpawnCommand): Promise<ChildProcess> {
  const { command, args = [], env, clearEnv = false, cwd, group = false } = options;
  const { stderr = "inherit" } = options;
  return new Promise((resolve, reject) => {
    try {
      const child = start(command, [...args], {
        cwd,
        env: clearEnv ? { ...env } : env && { ...process.env, ...env },
        detached: group,
        stdio: ["pipe", "pipe", STDERR[stderr]],
      }) as unknown as NodeChild;
      child.on("error", (error) => reject(spawnFailed(options, error)));
      if (child.pid !== undefined) resolve(new Spawned(child, group));
    } catch (error) {
      reject(spawnFailed(options, error));
    }
  });
}

const STDERR = { piped: "pipe", inherit: "inherit", null: "ignore" } as const;

/** The slice of node:child_process that is used. */
interface NodeChild {
  readonly pid?: number;
  readonly stdin: NodeInput;
  readonly stdout: NodeOutput;
  readonly stderr: NodeOutput | null;
  on(event: "error", fn: (error: Error) => void): unknown;
  on(event: "exit", fn: (code: number | null, signal: string | null) => void): unknown;
  kill(signal: string): boolean;
  unref(): unknown;
}
interface NodeInput {
  on(event: "error" | "close", fn: () => void): unknown;
  write(bytes: Uint8Array, done: () => void): boolean;
  end(): unknown;
  destroy(): unknown;
  unref?(): unknown;
}
interface NodeOutput {
  on(event: "data", fn: (bytes: Uint8Array) => void): unknown;
  on(event: "error" | "close", fn: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  unref?(): unknown;
}

class Spawned implements ChildProcess {
  readonly pid: number;
  readonly #child: NodeChild;
  readonly #group: boolean;
  #handler: ChildHandler | null = null;
  #buffered = 0;
  #above = false;
  #ending = false;
  #gone = false;
  #exited = false;
  #released = false;
  /** What came before `start`. */
  #status: [code: number | null, signal: string | null] | null = null;

  constructor(child: NodeChild, group: boolean) {
    this.#child = child;
    this.#group = group;
    this.pid = child.pid!;
    // A program that reads no more: what is written is dropped.
    child.stdin.on("error", () => this.#broken());
    child.stdin.on("close", () => this.#broken());
    child.on("exit", (code, signal) => {
      this.#exited = true;
      this.#status = [code, signal];
      this.#tellExit();
    });
    for (const part of [child, child.stdin, child.stdout, child.stderr]) part?.unref?.();
  }

  get buffered(): number {
    return this.#buffered;
  }

  start(handler: ChildHandler): void {
    if (this.#handler !== null) throw new TypeError("Cannot start the program: it was started");
    this.#handler = handler;
    for (const from of ["stdout", "stderr"] as const) {
      const output = this.#child[from];
      let ended = false;
      const end = (): void => {
        if (!ended) handler.end(from);
        ended = true;
      };
      if (output === null) {
        queueMicrotask(end);
      } else {
        output.on("data", (bytes) => handler.data(plain(bytes), from));
        output.on("close", end);
        output.on("error", end);
      }
    }
    queueMicrotask(() => this.#tellExit());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#gone || this.#ending || bytes.length === 0) return !this.#above;
    const { length } = bytes;
    this.#buffered += length;
    this.#child.stdin.write(bytes, () => {
      if (this.#gone) return;
      this.#buffered -= length;
      if (this.#buffered === 0) this.#drain();
    });
    if (this.#buffered > INPUT_HIGH_WATER) this.#above = true;
    return !this.#above;
  }

  endInput(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#child.stdin.end();
  }

  pause(from: OutputSource): void {
    this.#child[from]?.pause();
  }

  resume(from: OutputSource): void {
    this.#child[from]?.resume();
  }

  kill(signal: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGHUP"): void {
    if (this.#released) return; // its number may be another's by now
    try {
      // The group lives as long as one of it does.
      if (this.#group) process.kill(-this.pid, signal);
      else if (!this.#exited) this.#child.kill(signal);
    } catch {
      // It has ended.
    }
  }

  release(): void {
    this.#released = true;
    this.#ending = true;
    for (const part of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) part?.destroy();
  }

  #tellExit(): void {
    const handler = this.#handler;
    const status = this.#status;
    if (handler === null || status === null) return;
    this.#status = null;
    handler.exit(exitStatus(...status));
  }

  #broken(): void {
    this.#gone = true;
    this.#buffered = 0;
    this.#drain();
  }

  #drain(): void {
    if (!this.#above) return;
    this.#above = false;
    this.#handler?.drain();
  }
}
