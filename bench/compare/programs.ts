import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import process from "node:process";
import { type Command, isOnPath } from "./systems.ts";

/** The EPMD of all nodes: Erlang's where there is one, else the first node of ours is it. */
export class Epmd {
  readonly port: number;
  readonly #daemon: ChildProcess | null;

  private constructor(port: number, daemon: ChildProcess | null) {
    this.port = port;
    this.#daemon = daemon;
  }

  static async start(): Promise<Epmd> {
    const port = await freePort();
    if (!isOnPath("epmd")) return new Epmd(port, null);
    const args = ["-port", String(port), "-address", "127.0.0.1"];
    const daemon = begin("epmd", args, { stdio: "ignore" });
    while (daemon.exitCode === null && !await answers(port));
    if (daemon.exitCode !== null) throw new Error("Cannot start epmd: it ended at once");
    return new Epmd(port, daemon);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon === null) return;
    this.#daemon.kill();
    await once(this.#daemon, "exit");
  }
}

/** What is running: nothing outlives the comparison, however it ends. */
const children = new Set<ChildProcess>();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

/** Starts a program that ends with this one. */
function begin(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(file, args, options);
  children.add(child);
  return child.on("close", () => children.delete(child));
}

/** After this a program that says nothing has failed. */
const PATIENCE = 120_000;

/** A program that was started, with what it prints. */
export class Running {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = "";
  #errors = "";
  #ended = false;
  #changed: () => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, "close").catch((error: Error) => this.#errors += error.message);
    this.#exited.then(() => {
      this.#ended = true;
      this.#changed();
    });
    child.stdout?.on("data", (bytes) => {
      this.#output += bytes;
      this.#changed();
    });
    child.stderr?.on("data", (bytes) => this.#errors += bytes);
    child.stdin?.on("error", () => {});
  }

  /** Where there is an EPMD, it is told where that is. */
  static start([file, ...args]: Command, epmd: Epmd | null): Running {
    const port = epmd === null ? {} : epmdAt(epmd.port);
    const env = { ...process.env, ...port, LC_ALL: "C.UTF-8" };
    return new Running(begin(file, args, { env, stdio: ["pipe", "pipe", "pipe"] }));
  }

  /** Its first line, null if it ends without one or takes too long. */
  async line(): Promise<string | null> {
    const timer = setTimeout(() => {
      this.#errors += `it has said nothing for ${PATIENCE / 1000} s`;
      this.#child.kill("SIGKILL");
    }, PATIENCE);
    while (!this.#output.includes("\n") && !this.#ended) {
      await new Promise<void>((resolve) => this.#changed = resolve);
    }
    clearTimeout(timer);
    return this.#output.includes("\n") ? this.#output.split("\n")[0].trim() : null;
  }

  errors(): string {
    const lines = this.#errors.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    // The lines that name an error say more than those before them, which show where it was thrown.
    const telling = lines.filter((line) => /^\S*error\b|^Cannot /i.test(line));
    return (telling.length > 0 ? telling : lines).slice(0, 3).join("; ").slice(0, 300);
  }

  /** Lets it end, which its standard input tells it, and ends it where it does not. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await this.#exited;
    clearTimeout(timer);
  }
}

function epmdAt(port: number): Record<string, string> {
  return { BENCH_EPMD_PORT: String(port), ERL_EPMD_PORT: String(port) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
