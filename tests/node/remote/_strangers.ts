import { announcedFlags } from "../../../lib/dist/flags.ts";
import type { Stream, StreamHandler, Transport } from "../../../lib/transport/contract.ts";
import { type Node, type NodeOptions, type Platform, startNode } from "../../../mod.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import { steadyClock } from "../../_support/clocks.ts";
import { type MemoryNetwork, memoryNetwork } from "../../../lib/transport/memory.ts";

export const COOKIE = "a cookie for tests";
export const PORT = 4000;

/** Somebody who opens a stream to a node, says what a test tells it, and keeps it open. */
export class Stranger {
  readonly stream: Stream;
  readonly received: Uint8Array[] = [];
  closed = false;
  #wake: () => void = () => {};

  private constructor(stream: Stream) {
    this.stream = stream;
    const handler: StreamHandler = {
      data: (bytes) => {
        this.received.push(bytes);
        this.#wake();
      },
      drain() {},
      end: () => this.#gone(),
      close: () => this.#gone(),
    };
    stream.start(handler);
  }

  /** @param says bytes that it sends at once. */
  static async come(
    transport: Transport,
    host: string,
    port: number,
    says: Uint8Array = new Uint8Array(0),
  ): Promise<Stranger> {
    const stranger = new Stranger(await transport.connect({ host, port }));
    stranger.stream.write(says);
    return stranger;
  }

  /** Waits until something has come. */
  async answer(): Promise<Uint8Array> {
    while (this.received.length === 0 && !this.closed) await this.#change();
    return this.received[0] ?? new Uint8Array(0);
  }

  /** Waits until it was hung up on. */
  async gone(): Promise<void> {
    while (!this.closed) await this.#change();
  }

  leave(): void {
    this.stream.destroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  #gone(): void {
    this.closed = true;
    this.stream.destroy();
    this.#wake();
  }
}

/** The message by which a node introduces itself, in its frame. */
export function introduction(name: string): Uint8Array {
  const bytes = new Uint8Array(17 + name.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 15 + name.length);
  bytes[2] = 0x4e;
  view.setBigUint64(3, announcedFlags());
  view.setUint32(11, 7);
  view.setUint16(15, name.length);
  bytes.set(new TextEncoder().encode(name), 17);
  return bytes;
}

/** The status that a node has answered. */
export function statusOf(answer: Uint8Array): string {
  const length = new DataView(answer.buffer, answer.byteOffset).getUint16(0);
  return new TextDecoder().decode(answer.subarray(3, 2 + length));
}

/** Nodes `NAME@localhost` over a network in memory, each on the machine of its name. */
export class Town implements AsyncDisposable {
  readonly network: MemoryNetwork = memoryNetwork();
  readonly logs: string[] = [];
  readonly #nodes: Node[] = [];
  #platform: Platform | null = null;

  async start(name: string, options: NodeOptions = {}): Promise<Node> {
    const platform: Platform = {
      ...this.#platform ??= steadyClock(await defaultPlatform()),
      log: (_level, message) => void this.logs.push(message),
    };
    const machine = name.split("@")[0];
    const routes = Object.fromEntries(
      ["a", "b", "c"].map((letter) => [`${letter}@localhost`, { host: letter, port: PORT }]),
    );
    const node = await startNode(name, {
      cookie: COOKIE,
      epmd: false,
      routes,
      signals: false,
      listen: { host: "0.0.0.0", port: PORT },
      platform,
      transport: this.network.machine(machine),
      ...options,
    });
    this.#nodes.push(node);
    return node;
  }

  /** From another machine, unless told otherwise. */
  stranger(to: string, says?: Uint8Array, from = "stranger"): Promise<Stranger> {
    return Stranger.come(this.network.machine(from), to, PORT, says);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }
}
