import type { Binary } from "../../etf/binary.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { Timer } from "../../platform/contract.ts";
import type { Stream, StreamHandler } from "../../transport/contract.ts";
import type { Core } from "../../node/core.ts";
import type { Process } from "../../node/process/process.ts";
import { Act, Alarm } from "../framing/act.ts";
import { bytesOf, pack, type Packet } from "../framing/packing.ts";
import { Pump, type PumpOwner } from "../framing/pump.ts";
import { type DisconnectError, SocketError } from "./socket_error.ts";
import type { TcpSettings } from "./tcp_options.ts";

/** Milliseconds that what was written has to get out, and the peer to close its side, once ours is done. */
export const LINGER = 2_000;

/** Whose socket it is. All but `outlives` runs in the process's turn. */
export interface WireOwner {
  packet(packet: Binary): unknown;
  ended(): unknown;
  timedOut(what: "idle" | "packet"): unknown;
  /** The connection is gone, and all that had come was handled. */
  disconnected(error: DisconnectError | undefined): unknown;
  /** The process has ended, and the socket has something to send still. */
  outlives(ending: Promise<void>): void;
}

/** One connected socket of a process: its packets, its limits and timeouts, and its end. */
export class Wire implements PumpOwner, Disposable {
  readonly stream: Stream;
  readonly #core: Core;
  readonly #process: Process;
  readonly #owner: WireOwner;
  readonly #settings: TcpSettings;
  readonly #pump: Pump;
  /** Nothing more is handed over or written. */
  #finished = false;
  #closed = false;
  #error: DisconnectError | undefined;
  /** Whether more waits to be sent than is good, and who waits until it is less. */
  #above = false;
  #drained: (() => void)[] = [];
  #lingering: Timer | null = null;
  #gone: (() => void) | null = null;

  // Timeouts.
  readonly #idle: Act;
  /** When the last byte came or went. */
  #active = 0;
  readonly #incomplete: Act;
  #partial = false;
  readonly #stuck: Alarm;
  #watched = false;
  #written = 0;
  #sent = 0;

  constructor(
    core: Core,
    process: Process,
    stream: Stream,
    settings: TcpSettings,
    owner: WireOwner,
  ) {
    this.stream = stream;
    this.#core = core;
    this.#process = process;
    this.#owner = owner;
    this.#settings = settings;
    this.#pump = new Pump(process, this, settings.packet, settings.maxPacket);
    this.#idle = new Act(process, () => this.#checkIdle());
    this.#incomplete = new Act(process, () => this.#checkPacket());
    // Not in turn: the handler that holds the mailbox may be the one that waits for the peer to take something.
    this.#stuck = new Alarm(() => this.#checkSent());
    stream.unref(); // the node keeps the program alive
    process.own(this);
    // Nothing is read yet, but it can be written, and told that what was written is sent.
    stream.pause();
    stream.start(this.#handler);
  }

  /** Begins to read. */
  start(): void {
    if (this.#finished || this.#closed) return;
    this.#touch();
    this.#core.setDeadline(this.#idle, this.#settings.idleTimeout);
    this.stream.resume();
  }

  /** @returns whether to go on; else `drained` tells when. */
  write(packet: Packet): boolean {
    const bytes = bytesOf("write", packet);
    if (this.#finished || this.#closed) return false;
    const { buffered } = this.stream;
    const { maxWrite } = this.#settings;
    if (buffered > maxWrite) {
      const why =
        `Cannot write: ${buffered} bytes wait for a peer that does not take them, maxWrite is ${maxWrite}`;
      this.fail(new SocketError(why, "ENOBUFS"));
      return false;
    }
    return pack(this.#settings.packet, bytes, this.#send);
  }

  /** Resolves when what is written is sent at once again, or the connection is gone. */
  drained(): Promise<void> {
    if (!this.#above || this.#finished || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Sends what was written, and then the end of our side. */
  end(): void {
    this.stream.end();
  }

  /** Sends what was written and closes; nothing more is handed over but the end. */
  finish(): void {
    if (this.#finished || this.#closed) return;
    this.#finished = true;
    this.#settle();
    this.stream.end();
    // What the peer still sends is read, or its system may throw away what we have sent last.
    this.stream.resume();
    const { platform } = this.#core;
    this.#lingering = platform.setTimer(LINGER, () => this.stream.destroy(), { unref: true });
  }

  /** Gives the connection up. */
  fail(error: DisconnectError): void {
    if (this.#closed) return;
    this.#error ??= error;
    this.#finished = true;
    this.#settle();
    this.stream.destroy();
  }

  /** The process has ended. */
  [Symbol.dispose](): void {
    this.finish();
    this.#clear();
    if (!this.#closed) this.#owner.outlives(new Promise((resolve) => this.#gone = resolve));
  }

  #handler: StreamHandler = {
    data: (bytes) => {
      if (this.#finished) return;
      this.#touch();
      this.#pump.data(bytes);
    },
    drain: () => this.#settle(),
    end: () => this.#pump.end(),
    close: (error) => {
      this.#closed = true;
      this.#error ??= error as DisconnectError | undefined;
      this.#lingering?.cancel();
      this.#settle();
      this.#clear();
      this.#gone?.();
      this.#pump.close();
    },
  };

  // What the pump tells.

  packet(packet: Binary): unknown {
    this.#touch();
    if (this.#partial) {
      this.#partial = false;
      this.#core.clearDeadline(this.#incomplete);
    }
    if (this.#finished) return undefined;
    const result = this.#owner.packet(packet);
    if (this.#settings.idleTimeout === Infinity || !isThenable(result)) return result;
    // A peer that waits for a slow handler is not idle.
    return result.then((value) => {
      this.#touch();
      return value;
    });
  }

  faulted(error: DisconnectError): void {
    if (this.#closed || this.#written > 0) {
      this.#error ??= error; // or it was the rest of a packet that never came
      this.finish(); // the answers to the packets before that one go out
    } else {
      this.fail(error);
    }
  }

  ended(): unknown {
    return this.#finished ? undefined : this.#owner.ended();
  }

  closed(): unknown {
    this.#process.disown(this);
    return this.#owner.disconnected(this.#error);
  }

  waits(bytes: number): void {
    const { packetTimeout } = this.#settings;
    if (packetTimeout === Infinity || bytes > 0 === this.#partial || this.#finished) return;
    this.#partial = bytes > 0;
    if (this.#partial) this.#core.setDeadline(this.#incomplete, packetTimeout);
    else this.#core.clearDeadline(this.#incomplete);
  }

  pause(): void {
    if (!this.#finished) this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  // Writing.

  #send = (bytes: Uint8Array): boolean => {
    this.#touch();
    this.#written += bytes.length;
    this.#above = !this.stream.write(bytes);
    if (!this.#watched) this.#watch();
    return !this.#above;
  };

  #settle(): void {
    this.#above = false;
    if (this.#drained.length === 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Looks once in a while whether anything was sent; a deadline for each write would cost as much as the write. */
  #watch(): void {
    const { writeTimeout } = this.#settings;
    if (writeTimeout === Infinity) return;
    this.#watched = true;
    this.#sent = this.#written - this.stream.buffered;
    this.#core.setDeadline(this.#stuck, writeTimeout);
  }

  #checkSent(): void {
    this.#watched = false;
    const { buffered } = this.stream;
    if (this.#finished || this.#closed || buffered === 0) return;
    if (this.#written - buffered !== this.#sent) return this.#watch();
    const why =
      `The peer has taken nothing of ${buffered} bytes for ${this.#settings.writeTimeout} ms`;
    this.fail(new SocketError(why, "ETIMEDOUT"));
  }

  // Timeouts.

  #touch(): void {
    if (this.#settings.idleTimeout !== Infinity) this.#active = this.#core.platform.now();
  }

  /** The deadline is set once for many bytes, and looks how long ago the last one was. */
  #checkIdle(): unknown {
    if (this.#finished || this.#closed) return undefined;
    const { idleTimeout } = this.#settings;
    const left = idleTimeout - (this.#core.platform.now() - this.#active);
    if (left > 0) return this.#core.setDeadline(this.#idle, left);
    this.#touch();
    this.#core.setDeadline(this.#idle, idleTimeout);
    return this.#owner.timedOut("idle");
  }

  #checkPacket(): unknown {
    if (!this.#partial || this.#finished || this.#closed) return undefined;
    this.#core.setDeadline(this.#incomplete, this.#settings.packetTimeout);
    return this.#owner.timedOut("packet");
  }

  #clear(): void {
    this.#core.clearDeadline(this.#idle);
    this.#core.clearDeadline(this.#incomplete);
    this.#core.clearDeadline(this.#stuck);
  }
}
