/** Blocks have multiples of so many bytes: more than what most messages lie in. */
const STEP = 128 * 1024;
/** Smaller arrays are not worth keeping. */
const LEAST = 16 * 1024;
/** How much larger a block may be than what it is taken for, beyond a step. */
const SPREAD = 4;
/** Bytes of the blocks that wait for the next message, at most. */
const MOST_FREE = 64 * 1024 * 1024;
/** Of these, what waits however long it takes. */
const KEPT_FREE = 20 * STEP;

/**
 * Memory that was used is several times quicker than fresh one, and no work for the garbage collector: a large binary is copied in one
 * go, and nothing else has a turn meanwhile.
 */
const free: Uint8Array<ArrayBuffer>[] = [];
let freeBytes = 0;
/** The least that was free since blocks were let go: so much nobody has needed. */
let leastFree = 0;
/** When that was. */
let shedAt = 0;
/** How long what nobody needs may wait, in milliseconds. */
const SHED_AFTER = 10_000;
/** How many may take blocks. */
let users = 0;
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
  leastFree = Math.min(leastFree, freeBytes);
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
  dropTo(MOST_FREE);
}

/** Somebody begins to take blocks. */
export function joinBlocks(): void {
  users++;
}

/** Somebody takes and gives back no more: the last one leaves only a few. */
export function leaveBlocks(): void {
  users--;
  if (users === 0) dropTo(KEPT_FREE);
}

/** Lets go of the blocks that nobody has needed for a while. To be called now and then. @param now milliseconds of whatever clock. */
export function shed(now: number): void {
  if (Math.abs(now - shedAt) < SHED_AFTER) return;
  shedAt = now;
  dropTo(Math.max(KEPT_FREE, freeBytes - leastFree));
  leastFree = freeBytes;
}

/** Lets go of those that have waited longest, until no more than so many bytes are left. */
function dropTo(most: number): void {
  let count = 0;
  while (freeBytes > most) freeBytes -= free[count++].length;
  if (count > 0) free.splice(0, count);
}
