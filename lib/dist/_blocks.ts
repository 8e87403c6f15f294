import { FRAGMENT, FRAGMENT_HEAD } from "./large_message.ts";

/** Blocks that wait for the next message: two megabytes. */
const MOST_FREE = 8;
/** Smaller arrays are not worth keeping. */
const LEAST = 16 * 1024;

/** Memory that was used is several times quicker than fresh one, and no work for the garbage collector. */
const free: Uint8Array<ArrayBuffer>[] = [];
/** Blocks that are in use. */
const used: WeakSet<ArrayBufferLike> = new WeakSet();

/** Room for so many bytes, a piece of a large message with its head at most. What is in it is left from what was sent before. */
export function takeBlock(length: number): Uint8Array<ArrayBuffer> {
  if (length < LEAST) return new Uint8Array(length);
  const block = free.pop() ?? new Uint8Array(FRAGMENT_HEAD + FRAGMENT);
  used.add(block.buffer);
  return length === block.length ? block : block.subarray(0, length);
}

/** Nobody refers to these bytes any more; nothing happens where they are no block's. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!used.delete(buffer) || free.length >= MOST_FREE) return;
  free.push(new Uint8Array(buffer as ArrayBuffer));
}
