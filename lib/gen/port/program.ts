import { atom } from "../../etf/atom.ts";
import type { Binary } from "../../etf/binary.ts";
import { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { ExitStatus, OutputSource, SpawnCommand } from "../../platform/child.ts";
import { EXIT, NORMAL } from "../../node/atoms.ts";
import type { Node } from "../../node/node.ts";
import type { ExitReason } from "../../node/process/process.ts";
import { checkFraming, type Framing } from "../framing/framing.ts";
import { bytesOf, pack, type Packet } from "../framing/packing.ts";
import { MAX_PACKET } from "../framing/unpacker.ts";
import { GenServer } from "../server/gen_server.ts";
import { atLeast, checkNames } from "../tcp/tcp_options.ts";
import { commandOf } from "./_commands.ts";
import { OutputQueue } from "./_output_queue.ts";
import { Running } from "./_running.ts";
import { ProgramRef } from "./program_ref.ts";

/** How a {@linkcode Program} runs. Durations are milliseconds, sizes bytes. */
export interface ProgramOptions extends Omit<SpawnCommand, "command"> {
  /** How its outputs are cut into packets, and how what is written becomes its input. Default `"raw"`. */
  readonly packet?: Framing;
  /** Bytes that a packet of it may have. A larger one ends the process. Default 1,048,576. */
  readonly maxPacket?: number;
  /** Bytes that may wait to be read by it, besides the packet that goes over it; to write more is an error. Default 16,777,216. */
  readonly maxWrite?: number;
  /** How long it has after SIGTERM, until it gets SIGKILL. Default 2,000. */
  readonly killTime?: number;
  /**
   * Who gets its output in Erlang's form: `{Pid, {data, Binary}}` (`{Pid, {data, {eol, Binary}}}` of lines), `{Pid, {exit_status, N}}`;
   * and may drive it by messages `{Owner, {command, Data}}`, `{Owner, {connect, NewOwner}}` and `{Owner, close}`. Its end ends the program.
   * Nothing holds the program back then. Default: whoever reads {@linkcode ProgramRef.output}.
   */
  readonly owner?: Pid;
}

const NAMES: readonly string[] = [
  ...["args", "env", "clearEnv", "cwd", "stderr", "group", "packet", "maxPacket", "maxWrite"],
  ...["killTime", "owner"],
];
const DATA = atom("data");
const STDERR = atom("stderr");
const EOL = atom("eol");
const EXIT_STATUS = atom("exit_status");
const CLOSED = atom("closed");
const CONNECTED = atom("connected");

/**
 * An external program as a process: what Erlang calls a port. {@linkcode program} makes one of a command; extend this class where it needs
 * arguments of its own, or handles the output itself.
 *
 * | what happens | what runs |
 * | --- | --- |
 * | `node.start(Sorter, args)` | `init(...args)`, which calls `run` |
 * | it has written a packet | `handleOutput(packet)`; on its standard error `handleErrorOutput(packet)` |
 * | it has ended, and all that it wrote was handled | `handleExit(status)`, then the process ends |
 *
 * - **The end of the program ends the process**: with `normal` for the status 0, else with `{exit_status, N}`, so that a supervisor
 *   starts it again, or not.
 * - **The end of the process ends the program**, however it ended, also by the stop of the node: its input is closed, it gets SIGTERM, and
 *   SIGKILL after `killTime`. The process waits for that where it ends in order, and the node in any case. To be able to, it traps exits.
 * - **Output** that nobody reads waits in the program: it is held back as by any pipe. So it is while the promise of a handler has not
 *   settled.
 * - **Input** goes by `write`, which never blocks; `await this.drained()` after it has returned `false`.
 * - Under Deno it needs `--allow-run`.
 *
 * @example
 * ```ts
 * import { program, startNode } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const sort = await node.start(program("sort", { args: ["-n"], packet: "line" }), []);
 * for (const number of [3, 10, 2]) await sort.write(String(number));
 * sort.endInput();
 * for await (const line of sort.output()) console.log(line.text); // 2, 3, 10
 * console.log(await sort.exited); //                                  { code: 0, signal: null }
 * ```
 */
export abstract class Program extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: ProgramRef<this>;
  #running: Running | null = null;
  #command = "";
  #options: ProgramOptions = {};
  #owner: Pid | null = null;
  #watching: Disposable | null = null;
  #traps = false;
  readonly #queues: Readonly<Record<OutputSource, OutputQueue>> = {
    stdout: new OutputQueue((held) => this.#running?.hold("stdout", held)),
    stderr: new OutputQueue((held) => this.#running?.hold("stderr", held)),
  };

  /** It has written a packet. Default: whoever owns it gets it, or reads {@linkcode ProgramRef.output}. */
  handleOutput(packet: Binary): unknown {
    return this.#give("stdout", packet);
  }

  /** It has written a packet to its standard error, where that is `"piped"`. Default: as `handleOutput`. */
  handleErrorOutput(packet: Binary): unknown {
    return this.#give("stderr", packet);
  }

  /** It has ended by itself, and all that it wrote was handled. The process ends behind this. */
  handleExit(_status: ExitStatus): unknown {
    return undefined;
  }

  /**
   * Runs a program; to be called in `init`, once.
   *
   * @param command its path, or a name that is looked up in PATH. No shell is in between.
   * @throws {SpawnFailed} with the system's code, as ENOENT; EPERM where it is not permitted, with what to do.
   */
  async run(command: string, options: ProgramOptions = {}): Promise<void> {
    const { packet = "raw", maxPacket = MAX_PACKET, maxWrite, killTime = 2_000 } = options;
    const { group = false, owner, args, env, clearEnv, cwd, stderr } = options;
    const verb = `run ${String(command)}`;
    if (this.#running !== null) throw new Error(`Cannot ${verb}: a program runs already`);
    if (typeof command !== "string" || command === "") {
      throw new TypeError("Cannot run a program: its path or name is needed");
    }
    checkNames(verb, options, NAMES);
    checkFraming(verb, packet);
    atLeast(verb, "maxPacket", maxPacket, 1);
    atLeast(verb, "killTime", killTime, 0);
    if (maxWrite !== undefined) atLeast(verb, "maxWrite", maxWrite, 1);
    const { _process: process, _core: core, node } = this;
    const child = await core.platform.spawn({ command, args, env, clearEnv, cwd, stderr, group });
    this.#command = command;
    this.#options = options;
    this.#running = new Running(core, process, child, { packet, maxPacket, killTime, group }, {
      output: (packet, from) =>
        from === "stdout" ? this.handleOutput(packet) : this.handleErrorOutput(packet),
      faulted: (error) => process.crash(error),
      exited: (status) => this.#exited(status),
      outlives: (ending) => node._outlives(ending),
    });
    process.own({ [Symbol.dispose]: () => this.#endQueues() });
    if (process.exited) {
      this.#running[Symbol.dispose]();
      throw process.gone("run a program");
    }
    if (!this.trapExit) this.trapExit = this.#traps = true;
    if (owner !== undefined) this.#connect(owner);
  }

  /** The system's number of the program. @throws {Error} before `run`. */
  get osPid(): number {
    return this.#program("name it").child.pid;
  }

  /** Bytes that wait for the program to read them. */
  get buffered(): number {
    return this.#running?.child.buffered ?? 0;
  }

  /**
   * Writes a packet to its input, framed as {@linkcode ProgramOptions.packet} says. Nothing of it may be written to afterwards. What the
   * program does not read any more is dropped.
   *
   * @returns whether to go on: after `false` (a megabyte or more waits) `await this.drained()` first.
   * @throws {Error} if more than `maxWrite` bytes wait already, or before `run`.
   */
  write(packet: Packet): boolean {
    const running = this.#program("write");
    const bytes = bytesOf("write", packet);
    const { maxWrite = 16 * 1024 * 1024, packet: framing = "raw" } = this.#options;
    const { buffered } = running.child;
    if (buffered > maxWrite) {
      throw new Error(
        `Cannot write: ${buffered} bytes wait for ${this.#command}, maxWrite is ${maxWrite}; await drained() where write returns false`,
      );
    }
    return pack(framing, bytes, (piece) => running.write(piece));
  }

  /** Resolves when it has read what was written, or reads no more: at once unless `write` has returned `false`. */
  drained(): Promise<void> {
    return this.#program("wait for it").drained();
  }

  /** Closes its input behind what was written: it reads the end of file. Idempotent. */
  endInput(): void {
    this.#program("end its input").child.endInput();
  }

  /** Sends it a signal. Does nothing where it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGHUP" = "SIGTERM"): void {
    this.#program("send it a signal").child.kill(signal);
  }

  /** Ends the program, and waits for it. Whoever overrides this calls it. */
  override async terminate(reason: ExitReason): Promise<void> {
    await super.terminate(reason);
    await this.#running?.end();
  }

  /** What sys and observer show besides the public fields of the class. */
  override formatState(): unknown {
    const running = this.#running;
    const shown = running === null
      ? {}
      : { command: this.#command, osPid: running.child.pid, buffered: running.child.buffered };
    return { ...super.formatState() as object, ...shown };
  }

  /** @ignore @internal Commands of the owner, and exit signals that are trapped only to end the program. */
  override _informed(message: Term): unknown {
    const command = this.#owner === null ? null : commandOf(message, this.#owner);
    if (command !== null) return this.#obey(command, this.#owner!);
    if (this.#traps && isTuple(message) && message[0] === EXIT && message.length === 3) {
      if (message[2] !== NORMAL) this.stop(message[2] as ExitReason);
      return undefined;
    }
    return super._informed(message);
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): ProgramRef<this> {
    return new ProgramRef(node, pid, this);
  }

  /** @ignore @internal */
  _output(from: OutputSource): AsyncIterableIterator<Binary> {
    return this.#queues[from].read();
  }

  /** @ignore @internal */
  get _status(): Promise<ExitStatus> {
    return this.#program("wait for its end").status;
  }

  #obey(command: NonNullable<ReturnType<typeof commandOf>>, owner: Pid): void {
    if (command.what === "command") {
      this.write(command.data);
    } else if (command.what === "connect") {
      this.#connect(command.owner);
      this.send(owner, tuple(this.pid, CONNECTED) as unknown as Encodable);
    } else {
      this.send(owner, tuple(this.pid, CLOSED) as unknown as Encodable);
      this.stop();
    }
  }

  #connect(owner: Pid): void {
    if (!(owner instanceof Pid)) throw new TypeError("Cannot run a program: its owner is no pid");
    this.#owner = owner;
    this.#watching?.[Symbol.dispose]();
    this.#watching = this.monitor(owner, () => this.stop());
  }

  #give(from: OutputSource, packet: Binary): void {
    if (this.#owner === null) return this.#queues[from].push(packet);
    const data = this.#options.packet === "line" ? tuple(EOL, packet) : packet;
    const what = tuple(from === "stdout" ? DATA : STDERR, data);
    this.send(this.#owner, tuple(this.pid, what) as unknown as Encodable);
  }

  async #exited(status: ExitStatus): Promise<void> {
    const { code } = status;
    if (this.#owner !== null) {
      const what = tuple(EXIT_STATUS, code);
      this.send(this.#owner, tuple(this.pid, what) as unknown as Encodable);
    }
    await this.handleExit(status);
    this.stop(code === 0 ? NORMAL : tuple(EXIT_STATUS, code) as unknown as ExitReason);
  }

  #endQueues(): void {
    this.#queues.stdout.end();
    this.#queues.stderr.end();
  }

  #program(verb: string): Running {
    if (this.#running !== null) return this.#running;
    throw new Error(`Cannot ${verb}: the process runs no program, call this.run in init`);
  }
}

/**
 * A {@linkcode Program} that runs that command, for `node.start(program("sort", { args: ["-n"] }), [])` and for supervisors.
 *
 * @param command its path, or a name that is looked up in PATH. No shell is in between.
 */
export function program(command: string, options: ProgramOptions = {}): new () => ProgramOf {
  return class extends Program {
    override init(): Promise<void> {
      return this.run(command, options);
    }
  };
}

/** A program that {@linkcode program} has made. */
export interface ProgramOf extends Program {
  /** Takes nothing. */
  init(): Promise<void>;
}
