import { codedError, unsentError } from "./_errors.ts";
import type { SocketAddress } from "./contract.ts";
import type { DatagramHandler, DatagramSocket } from "./datagrams.ts";

/** The most that one can hold: what UDP over IPv4 can. */
const LARGEST = 65_507;

/** A datagram socket in memory. What it sends travels by `carry`; what comes before `start` is lost. */
export class MemoryDatagrams implements DatagramSocket {
  readonly address: SocketAddress;
  /** Nothing waits here: what is sent is on its way. */
  readonly buffered: number = 0;
  readonly #carry: (bytes: Uint8Array, to: SocketAddress) => void;
  readonly #onClose: () => void;
  #handler: DatagramHandler | null = null;
  #closed = false;

  constructor(
    address: SocketAddress,
    carry: (bytes: Uint8Array, to: SocketAddress) => void,
    onClose: () => void,
  ) {
    this.address = address;
    this.#carry = carry;
    this.#onClose = onClose;
  }

  start(handler: DatagramHandler): void {
    if (this.#handler !== null) throw new TypeError("Cannot start the socket: it was started");
    this.#handler = handler;
  }

  send(bytes: Uint8Array, to: SocketAddress): boolean {
    if (this.#closed) return false;
    if (bytes.length > LARGEST) {
      const error = unsentError(to, codedError("EMSGSIZE"));
      queueMicrotask(() => this.#closed || this.#handler?.unsent(to, error));
    } else {
      this.#carry(new Uint8Array(bytes), to);
    }
    return true;
  }

  /** One has come. */
  arrived(bytes: Uint8Array, from: SocketAddress): void {
    if (!this.#closed) this.#handler?.datagram(bytes, from);
  }

  // deno-lint-ignore require-await -- the interface is a promise's
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  ref(): void {}

  unref(): void {}
}
