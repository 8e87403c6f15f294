import {
  type ChildHandler,
  type ChildProcess,
  type ExitStatus,
  INPUT_HIGH_WATER,
  type OutputSource,
  type SpawnCommand,
} from "./child.ts";
import { exitStatus, plain, spawnFailed } from "./_child_faults.ts";

// Deno's own, for its node:child_process needs --allow-env besides --allow-run.

// The slice of Deno that is used, so that neither tsc nor the npm build needs Deno's types.
interface DenoChild {
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly status: Promise<{ readonly code: number; readonly signal: string | null }>;
  kill(signal: string): void;
  unref(): void;
}
interface DenoSlice {
  Command: new (command: string, options: object) => { spawn(): DenoChild };
  kill(pid: number, signal: string): void;
}

/** Starts a program. @throws {SpawnFailed} */
// deno-lint-ignore require-await -- a fault is to be a rejection
export async function spawn(options: SpawnCommand): Promise<ChildProcess> {
  const { command, args = [], env, clearEnv = false, cwd, group = false } = options;
  const { stderr = "inherit" } = options;
  try {
    const child = new (deno().Command)(command, {
      args: [...args],
      env: env && { ...env },
      clearEnv,
      cwd,
      detached: group,
      stdin: "piped",
      stdout: "piped",
      stderr,
    }).spawn();
    return new Spawned(child, group, stderr === "piped");
  } catch (error) {
    throw spawnFailed(options, error);
  }
}

function deno(): DenoSlice {
  return (globalThis as unknown as { Deno: DenoSlice }).Deno;
}

class Spawned implements ChildProcess {
  readonly pid: number;
  readonly #child: DenoChild;
  readonly #group: boolean;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #outputs: Readonly<Record<OutputSource, Output | null>>;
  readonly #ended: Promise<ExitStatus>;
  #handler: ChildHandler | null = null;
  #buffered = 0;
  #above = false;
  #ending = false;
  #gone = false;
  #released = false;

  constructor(child: DenoChild, group: boolean, stderr: boolean) {
    this.#child = child;
    this.#group = group;
    this.pid = child.pid;
    this.#input = child.stdin.getWriter();
    // A program that reads no more: what is written is dropped.
    this.#input.closed.catch(() => this.#broken());
    this.#outputs = {
      stdout: new Output(child.stdout),
      stderr: stderr ? new Output(child.stderr) : null,
    };
    this.#ended = child.status.then(({ code, signal }) => exitStatus(code, signal));
    // Its end breaks the pipe, which is told only to who writes.
    void this.#ended.then(() => this.#broken());
    child.unref();
  }

  get buffered(): number {
    return this.#buffered;
  }

  start(handler: ChildHandler): void {
    if (this.#handler !== null) throw new TypeError("Cannot start the program: it was started");
    this.#handler = handler;
    for (const from of ["stdout", "stderr"] as const) {
      const output = this.#outputs[from];
      if (output === null) queueMicrotask(() => handler.end(from));
      else void output.read((bytes) => handler.data(bytes, from)).then(() => handler.end(from));
    }
    void this.#ended.then((status) => handler.exit(status));
  }

  write(bytes: Uint8Array): boolean {
    if (this.#gone || this.#ending || bytes.length === 0) return !this.#above;
    const { length } = bytes;
    this.#buffered += length;
    this.#input.write(bytes).then(() => {
      if (this.#gone) return;
      this.#buffered -= length;
      if (this.#buffered === 0) this.#drain();
    }, () => this.#broken());
    if (this.#buffered > INPUT_HIGH_WATER) this.#above = true;
    return !this.#above;
  }

  endInput(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#input.close().catch(() => this.#broken());
  }

  pause(from: OutputSource): void {
    this.#outputs[from]?.pause();
  }

  resume(from: OutputSource): void {
    this.#outputs[from]?.resume();
  }

  kill(signal: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGHUP"): void {
    if (this.#released) return; // its number may be another's by now
    try {
      // The group lives as long as one of it does.
      if (this.#group) deno().kill(-this.pid, signal);
      else this.#child.kill(signal);
    } catch {
      // It has ended.
    }
  }

  release(): void {
    this.#released = true;
    this.#ending = true;
    this.#broken();
    for (const output of Object.values(this.#outputs)) output?.cancel();
  }

  #broken(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#buffered = 0;
    // Frees the pipe; nobody reads it.
    this.#input.abort().catch(() => {});
    this.#drain();
  }

  #drain(): void {
    if (!this.#above) return;
    this.#above = false;
    this.#handler?.drain();
  }
}

/** One output, read when it is wanted. */
class Output {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #paused = false;
  #cancelled = false;
  #wake: (() => void) | null = null;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Resolves at its end. */
  async read(tell: (bytes: Uint8Array) => void): Promise<void> {
    try {
      for (;;) {
        if (this.#paused) await new Promise<void>((resolve) => this.#wake = resolve);
        const { done, value } = await this.#reader.read();
        if (done || this.#cancelled) return;
        // One that came while it was being paused waits.
        while (this.#paused && !this.#cancelled) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
        if (value.length > 0 && !this.#cancelled) tell(plain(value));
      }
    } catch {
      // As its end.
    }
  }

  pause(): void {
    this.#paused = true;
  }

  cancel(): void {
    this.#cancelled = true;
    this.resume();
    this.#reader.cancel().catch(() => {});
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
    this.#wake = null;
  }
}
