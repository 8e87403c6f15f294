/** Blocks have multiples of so many bytes: more than what most messages lie in. */
const STEP = 128 * 1024;
/** Smaller arrays are not worth keeping. */
const LEAST = 16 * 1024;
/** How much larger a block may be than what it is taken for, beyond a step. */
const SPREAD = 4;
/** Bytes of the blocks that wait for the next message. */
const MOST_FREE = 20 * STEP;

/** Memory that was used is several times quicker than fresh one, and no work for the garbage collector. */
const free: Uint8Array<ArrayBuffer>[] = [];
let freeBytes = 0;
/** Blocks that are in use. */
const used: WeakSet<ArrayBufferLike> = new WeakSet();

/** Room for so many bytes. What is in it is left from what was sent before. */
export function takeBlock(length: number): Uint8Array<ArrayBuffer> {
  if (length < LEAST) return new Uint8Array(length);
  const block = takeFree(length) ?? new Uint8Array(Math.ceil(length / STEP) * STEP);
  used.add(block.buffer);
  return block.subarray(0, length);
}

/** The block that was given back last of those that fit. */
function takeFree(length: number): Uint8Array<ArrayBuffer> | undefined {
  const most = STEP + SPREAD * length;
  const at = free.findLastIndex((block) => block.length >= length && block.length <= most);
  if (at < 0) return undefined;
  const [block] = free.splice(at, 1);
  freeBytes -= block.length;
  return block;
}

/** Nobody refers to these bytes any more; nothing happens where they are no block's. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  // The set makes a number for everything that it is asked for: what most messages lie in it need not see.
  if (buffer.byteLength < STEP || !used.delete(buffer)) return;
  const block = new Uint8Array(buffer as ArrayBuffer);
  if (block.length > MOST_FREE) return;
  free.push(block);
  freeBytes += block.length;
  while (freeBytes > MOST_FREE) freeBytes -= free.shift()!.length;
}
