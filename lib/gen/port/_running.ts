import type { Binary } from "../../etf/binary.ts";
import type { ChildHandler, ChildProcess, ExitStatus, OutputSource } from "../../platform/child.ts";
import type { Timer } from "../../platform/contract.ts";
import type { Core } from "../../node/core.ts";
import type { Process } from "../../node/process/process.ts";
import { Act } from "../framing/act.ts";
import type { Framing, FramingError } from "../framing/framing.ts";
import { Pump, type PumpOwner } from "../framing/pump.ts";

/**
 * Milliseconds that what a program wrote last has to come after its end: something that it has started may hold its output open for
 * ever.
 */
const LAST_WORDS = 1_000;

/** Whose program it is. All but `outlives` runs in the process's turn. */
export interface RunningOwner {
  output(packet: Binary, from: OutputSource): unknown;
  /** It writes what is no packet. */
  faulted(error: FramingError): void;
  /** It has ended, and all that it wrote was handled. */
  exited(status: ExitStatus): unknown;
  /** The process has ended, and the program is being ended. */
  outlives(ending: Promise<void>): void;
}

/** How outputs are read, and how the program is ended. */
export interface RunningOptions {
  readonly packet: Framing;
  readonly maxPacket: number;
  readonly killTime: number;
  readonly group: boolean;
}

/** A program that runs for a process: its outputs, its input and its end. */
export class Running implements Disposable {
  readonly child: ChildProcess;
  /** Resolves when the program has ended, however it did. */
  readonly status: Promise<ExitStatus>;
  readonly #core: Core;
  readonly #process: Process;
  readonly #owner: RunningOwner;
  readonly #options: RunningOptions;
  readonly #pumps: Readonly<Record<OutputSource, Pump>>;
  #setStatus!: (status: ExitStatus) => void;
  #exit: ExitStatus | null = null;
  /** Outputs of which more may come. */
  #open = 2;
  #above = false;
  #drained: (() => void)[] = [];
  #lastWords: Timer | null = null;
  #ending: Promise<void> | null = null;

  constructor(
    core: Core,
    process: Process,
    child: ChildProcess,
    options: RunningOptions,
    owner: RunningOwner,
  ) {
    this.child = child;
    this.#core = core;
    this.#process = process;
    this.#owner = owner;
    this.#options = options;
    this.status = new Promise((resolve) => this.#setStatus = resolve);
    this.#pumps = { stdout: this.#pump("stdout"), stderr: this.#pump("stderr") };
    process.own(this);
    child.start(this.#handler);
  }

  /** @returns whether to go on; else `drained` tells when. */
  write(bytes: Uint8Array): boolean {
    this.#above = !this.child.write(bytes);
    return !this.#above;
  }

  drained(): Promise<void> {
    if (!this.#above || this.#exit !== null) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Hands nothing of an output over, so that the program waits, or lets it go on. */
  hold(from: OutputSource, held: boolean): void {
    if (held) this.#pumps[from].hold();
    else this.#pumps[from].release();
  }

  /**
   * Ends the program: closes its input and sends SIGTERM, then SIGKILL when its time is over. Resolves when it has ended, and its group
   * with it.
   */
  end(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  /** The process has ended. */
  [Symbol.dispose](): void {
    this.#settle();
    this.#owner.outlives(this.end());
  }

  async #end(): Promise<void> {
    const { killTime, group } = this.#options;
    const { child } = this;
    child.endInput();
    if (this.#exit === null) {
      child.kill("SIGTERM");
      const kill = (): void => child.kill("SIGKILL");
      const timer = this.#core.platform.setTimer(killTime, kill, { unref: true });
      await this.status;
      timer.cancel();
    }
    if (group) child.kill("SIGKILL"); // whom it has left behind
    this.#lastWords?.cancel();
    child.release();
  }

  #handler: ChildHandler = {
    data: (bytes, from) => this.#pumps[from].data(bytes),
    end: (from) => this.#pumps[from].end(),
    drain: () => this.#settle(),
    exit: (status) => {
      this.#exit = status;
      this.#setStatus(status);
      this.#settle();
      const { platform } = this.#core;
      if (this.#open > 0 && this.#ending === null) {
        const release = (): void => this.child.release();
        this.#lastWords = platform.setTimer(LAST_WORDS, release, { unref: true });
      }
      this.#tell();
    },
  };

  #pump(from: OutputSource): Pump {
    const owner: PumpOwner = {
      packet: (packet) => this.#owner.output(packet, from),
      faulted: (error) => this.#owner.faulted(error),
      ended: () => {
        this.#open--;
        this.#tell();
      },
      closed() {},
      waits() {},
      pause: () => this.child.pause(from),
      resume: () => this.child.resume(from),
    };
    const { packet, maxPacket } = this.#options;
    return new Pump(this.#process, owner, packet, maxPacket);
  }

  #tell(): void {
    const status = this.#exit;
    if (status === null || this.#open > 0) return;
    this.#lastWords?.cancel();
    this.#process.deliver(new Act(this.#process, () => this.#owner.exited(status)));
  }

  #settle(): void {
    this.#above = false;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
