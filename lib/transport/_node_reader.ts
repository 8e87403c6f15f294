import * as net from "node:net";
import type { CoreStream } from "./_core_stream.ts";
import type { NodeSocket } from "./_node_driver.ts";
import { SlabReader } from "./_slab_reader.ts";

/** What Node calls an `onread`: it reads into the array that `buffer` gives, and tells how much. */
export interface OnRead {
  buffer(): Uint8Array;
  callback(count: number): true;
}

/** The slice of an accepted `net.Socket` that is used. `_handle` is the connection; Node does not document it. */
interface AcceptedSocket {
  _handle: { readonly useUserBuffer?: unknown } | null;
}

/**
 * V8 frees the memory of arrays that died young by a scavenge, which nothing but allocation on its heap brings about. Large frames
 * leave next to nothing there: their memory waits for a mark-compact, which takes many times as long and comes as often. So as many
 * bytes of a frame as `EACH` are followed by an array of `LITTER` places on the heap, which is garbage at once. (V8 14 sees to that by itself.)
 */
const EACH = 256 * 1024;
const LITTER = 16_000;
/** What holds the last of them, so that no engine leaves it out. */
const litter: { last: unknown } = { last: undefined };

/** Whether this is Node itself: the others read in their own way below `node:net`. */
const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);

/**
 * Reads a plain socket of Node into memory of ours. By itself Node makes 64 KiB of memory for each read, outside of its heap: each nine
 * megabytes of that start a mark-compact, which takes longer than all else that is done with what came.
 */
export class NodeReader {
  /** Whose bytes are read. None come before it is set. */
  stream: CoreStream | undefined = undefined;
  readonly #slab = new SlabReader();
  /** Where the stream's owner wants the next bytes. */
  #room: Uint8Array | null = null;
  /** Bytes that were read there since the last litter. */
  #large = 0;

  readonly onread: OnRead = {
    buffer: () => {
      this.#room = this.stream?.room() ?? null;
      return this.#room ?? this.#slab.room();
    },
    callback: (count) => {
      const room = this.#room;
      if (room === null) {
        if (this.stream!.data(this.#slab.take(count))) this.#slab.back();
        return true;
      }
      this.#large += count;
      for (; this.#large >= EACH; this.#large -= EACH) litter.last = new Array(LITTER);
      this.stream!.data(room.subarray(0, count));
      return true;
    },
  };

  /** One for a socket that is to be dialled; `undefined` where it is to read as it does by itself. */
  static forDialling(): NodeReader | undefined {
    return isNode ? new NodeReader() : undefined;
  }

  /**
   * One for a connection that was accepted, and the socket that reads by it; the same socket where that cannot be. A listener of Node gives sockets that
   * read in their own way, so another one takes the connection over.
   */
  static forAccepted(socket: NodeSocket): { socket: NodeSocket; reader?: NodeReader } {
    const accepted = socket as unknown as AcceptedSocket;
    const handle = accepted._handle;
    if (!isNode || typeof handle?.useUserBuffer !== "function") return { socket };
    const reader = new NodeReader();
    const options = { handle, allowHalfOpen: true, onread: reader.onread };
    const taken = new net.Socket(options as object);
    accepted._handle = null;
    taken.pause();
    return { socket: taken, reader };
  }
}
