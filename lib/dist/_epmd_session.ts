import type { Timer } from "../platform/contract.ts";
import type { Stream, StreamHandler } from "../transport/contract.ts";
import { NO_CREATION } from "./_epmd_registry.ts";
import { concat } from "./_octets.ts";
import {
  decodeEpmdRequest,
  encodeAliveResponse,
  EPMD,
  type EpmdNode,
  EpmdProtocolError,
  type EpmdRequest,
} from "./epmd_protocol.ts";

/** Bytes that a request may have: a name of 255 characters of four bytes each, and as many of `extra`. */
const MAX_REQUEST = 2048;

/** What a session asks of its server. */
export interface EpmdSessionOwner {
  /** Answers a request, and says whether the connection stays open. */
  answer(request: EpmdRequest, session: EpmdSession): EpmdAnswer;
  /** The session is over. */
  closed(session: EpmdSession): void;
}

export interface EpmdAnswer {
  /** Nothing for a request that is ignored: the connection is closed. */
  readonly bytes?: Uint8Array;
  /** Stay open: this node is registered until the connection is closed. */
  readonly keep?: EpmdNode;
}

/** One connection of a client: one request, one answer, and for a registered node the time until it closes. */
export class EpmdSession implements StreamHandler {
  /** Numbers the connections, as file descriptors do in epmd. */
  readonly fd: number;
  /** The node that this connection registers, `null` if it does not. */
  node: EpmdNode | null = null;
  readonly #stream: Stream;
  readonly #owner: EpmdSessionOwner;
  #timer: Timer;
  #received: Uint8Array = new Uint8Array(0);
  #answered = false;

  /** @param timer Gives the client so long for all that it does without being registered. */
  constructor(
    fd: number,
    stream: Stream,
    owner: EpmdSessionOwner,
    timer: (expired: () => void) => Timer,
  ) {
    this.fd = fd;
    this.#stream = stream;
    this.#owner = owner;
    this.#timer = timer(() => stream.destroy());
    stream.start(this);
  }

  /** Registration is for nodes of this host alone (epmd, since 2010: anything else is hostile). */
  get local(): boolean {
    const { local, remote } = this.#stream;
    const host = plain(remote.host);
    return host === "::1" || host.startsWith("127.") || host === plain(local.host);
  }

  destroy(): void {
    this.#stream.destroy();
  }

  ref(): void {
    this.#stream.ref();
  }

  unref(): void {
    this.#stream.unref();
  }

  data(bytes: Uint8Array): void {
    // A registered node has nothing to say; epmd closes the connection as well.
    if (this.node !== null) return this.#stream.destroy();
    if (this.#answered) return;
    this.#received = concat([this.#received, bytes]);
    try {
      const request = decodeEpmdRequest(this.#received, MAX_REQUEST);
      if (request !== null) this.#answer(this.#owner.answer(request, this));
    } catch (error) {
      if (!(error instanceof EpmdProtocolError)) throw error;
      this.#malformed();
    }
  }

  drain(): void {}

  end(): void {
    // One that has its answer, or gets it at this moment, is closed when the answer is out.
    if (this.node !== null || !this.#answered) this.#stream.destroy();
  }

  close(): void {
    this.#timer.cancel();
    this.#owner.closed(this);
  }

  #answer({ bytes, keep }: EpmdAnswer): void {
    this.#answered = true;
    this.#received = new Uint8Array(0);
    if (bytes === undefined) return this.#stream.destroy();
    this.#stream.write(bytes);
    if (keep === undefined) return this.#stream.end();
    this.node = keep;
    this.#timer.cancel();
  }

  /** A registration that makes no sense is told so, as epmd does; all else is not worth an answer. */
  #malformed(): void {
    if (this.#received[2] !== EPMD.ALIVE2_REQ || !this.local) return this.#stream.destroy();
    this.#answer({ bytes: encodeAliveResponse({ result: 1, creation: NO_CREATION }, true) });
  }
}

/** Without the prefix of an IPv4 address that came through an IPv6 socket. */
function plain(host: string): string {
  return host.replace(/^::ffff:/i, "");
}
