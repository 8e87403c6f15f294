// Hot: measured by the decode row of the document of strings. A call into the runtime costs as much as copying some hundred bytes, so where texts stand close
// together one call serves many: a window of the bytes becomes one string, a character a byte, and a text of ASCII is a piece of it.
import { OWN_SLICES, readUtf8 } from "./_utf8.ts";

/**
 * How many bytes a window has. Engines let pieces point into the whole, so a text that is kept keeps as many bytes alive at most. Larger windows are hardly
 * faster.
 */
const WINDOW = 256;
/** Longer texts gain nothing. */
const LONGEST = 64;
/** So many bytes may be between two texts that are close to each other. */
const NEAR = 64;
/** So many texts have to be close to each other before there is a window: few are faster made one by one. */
const COMPANY = OWN_SLICES ? 1 : 4;
/** So many bytes have to be left, for the same reason. */
const LEAST = OWN_SLICES ? 32 : WINDOW;

type Slice = (this: Uint8Array, start: number, end: number) => string;

const slicer = (globalThis as { Buffer?: { prototype?: { latin1Slice?: Slice } } }).Buffer
  ?.prototype?.latin1Slice;
// What it makes of bytes beyond ASCII differs, but it is a character a byte, too.
const decoder = new TextDecoder("latin1");

/** Makes texts of bytes that are read from front to back. */
export class TextWindow {
  #text = "";
  #start = 0;
  #end = 0;
  /** Where the text before ended, or the window. */
  #last = 0;
  #company = 0;

  /** Has to be called before other bytes, or the same with another content, are read. */
  forget(): void {
    this.#end = 0;
    this.#company = 0;
  }

  /** The text of these bytes, `undefined` where they are not valid UTF-8; at `limit` the bytes end. */
  read(bytes: Uint8Array, start: number, end: number, limit: number): string | undefined {
    if (start < this.#start || end > this.#end) {
      // Where less is left, as in small messages, none of this costs anything.
      if (limit - start < LEAST || end - start > LONGEST) return readUtf8(bytes, start, end);
      this.#company = start - this.#last > NEAR ? 0 : this.#company + 1;
      this.#last = end;
      if (this.#company < COMPANY) return readUtf8(bytes, start, end);
      this.#open(bytes, start, limit);
    }
    let bits = 0;
    for (let i = start; i < end; i++) bits |= bytes[i];
    return bits < 128
      ? this.#text.substring(start - this.#start, end - this.#start)
      : readUtf8(bytes, start, end);
  }

  #open(bytes: Uint8Array, start: number, limit: number): void {
    const end = Math.min(start + WINDOW, limit);
    this.#start = start;
    this.#end = this.#last = end;
    this.#text = slicer === undefined
      ? decoder.decode(bytes.subarray(start, end))
      : slicer.call(bytes, start, end);
  }
}
