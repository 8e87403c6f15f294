/** A program to be started. */
export interface SpawnCommand {
  /** Its path, or a name that is looked up in PATH. No shell is in between. */
  readonly command: string;
  /** Its arguments, each as it is. Default: none. */
  readonly args?: readonly string[];
  /** Variables of its environment, besides ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its environment is `env` alone. Default false. */
  readonly clearEnv?: boolean;
  /** Where it runs. Default: where we do. */
  readonly cwd?: string;
  /** What becomes of its standard error: read as its output is, or printed where ours is. Default "inherit". */
  readonly stderr?: "piped" | "inherit" | "null";
  /**
   * It leads a process group of its own, and signals go to the whole group: to what it has started, too. Then Ctrl-C at a terminal does
   * not reach it. Default false.
   */
  readonly group?: boolean;
}

/** How a program ended: by itself, or by a signal. */
export interface ExitStatus {
  /** What it gave to `exit`; 128 and the signal's number where a signal has ended it, as shells say it. */
  readonly code: number;
  /** The signal's name, as SIGTERM; `null` where it ended by itself. */
  readonly signal: string | null;
}

/** Where output comes from. */
export type OutputSource = "stdout" | "stderr";

/** What a program tells its owner. Nothing is told inside a call that the owner makes. */
export interface ChildHandler {
  /** It has written. The bytes are the receiver's to keep. */
  data(bytes: Uint8Array, from: OutputSource): void;
  /** All of that output was told: the program, and whoever has it from the program, has closed it. */
  end(from: OutputSource): void;
  /** `buffered` was above its high-water mark and has fallen to zero, or the program takes no input any more. */
  drain(): void;
  /** It has ended; what it has written last may still come. Once. */
  exit(status: ExitStatus): void;
}

/** A running program. */
export interface ChildProcess {
  /** The system's number of it. */
  readonly pid: number;
  /** Bytes that were taken by `write` and are not yet with the operating system. */
  readonly buffered: number;
  /** Begins to read. To be called once, a second call throws. */
  start(handler: ChildHandler): void;
  /**
   * Queues bytes for its standard input; the array must not be written to until they are sent. What it does not read any more is dropped.
   *
   * @returns whether to go on: `false` when `buffered` is above the high-water mark, then `drain` follows.
   */
  write(bytes: Uint8Array): boolean;
  /** Closes its standard input behind what was written. Idempotent. */
  endInput(): void;
  /** Reads an output no further, so that the program waits when it writes more. */
  pause(from: OutputSource): void;
  /** Reads on. */
  resume(from: OutputSource): void;
  /** Sends a signal. Does nothing where it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGHUP"): void;
  /**
   * Closes our ends of its input and outputs, which whoever has them from the program may hold open, and sends it no signal any more: for
   * a program that has ended. `end` is told. Idempotent.
   */
  release(): void;
}

/** High-water mark of a program's input, in bytes. */
export const INPUT_HIGH_WATER: number = 1024 * 1024;

/** A program cannot be started. */
export class SpawnFailed extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "SpawnFailed";
  /** The system's name of the fault: ENOENT, EACCES, ...; EPERM where the runtime does not permit it. */
  readonly code: string;

  /** @ignore @internal */
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
