import { elixirStyle } from "./_elixir_style.ts";
import { erlangStyle } from "./_erlang_style.ts";
import type { Encodable } from "./term.ts";

/** How {@linkcode format} prints. */
export interface FormatOptions {
  /** Erlang's `~tp` on one line, or Elixir's `inspect`. Default `"erlang"`. */
  readonly style?: "erlang" | "elixir";
  /** After how many characters the rest is left out (`...`); open brackets are still closed. Default: never. */
  readonly maxLength?: number;
}

/** @internal A container that is being printed. */
export interface Opened {
  readonly open: string;
  readonly items: readonly unknown[];
  /** What stands before an item. */
  readonly before: (index: number) => string;
  readonly close: string;
}

/** @internal How terms are spelled. Texts that are far longer than `room` may be cut. */
export interface Style {
  /** A term that holds no others, or is printed as if it did not. */
  leaf(value: unknown, room: number): string | undefined;
  open(value: object): Opened;
}

/**
 * The text of a term, on one line, as an Erlang or Elixir shell prints it.
 *
 * - Lists of printable characters are printed as text, as the shells do, though they are lists of numbers.
 * - Pids, ports and references name their node instead of the number that a shell gives it: `<app@host.12.0>`.
 * - What is no term is printed too (`#js<undefined>`), so that this never throws.
 */
export function format(term: Encodable, options: FormatOptions = {}): string {
  if (options === null) throw new TypeError("Cannot format a term: the options must be an object");
  const style = options.style === "elixir" ? elixirStyle : erlangStyle;
  const maxLength = options.maxLength ?? Infinity;
  const frames: { readonly opened: Opened; readonly source: unknown; next: number }[] = [];
  const parts: string[] = [];
  let room = maxLength;
  let isCut = false;
  function put(text: string): void {
    if (text.length > room) {
      text = `${text.slice(0, wholeCharacters(text, room))}...`;
      room = 0;
      isCut = true;
    } else {
      room -= text.length;
    }
    parts.push(text);
  }
  let value: unknown = term;
  for (;;) {
    const text = style.leaf(value, room);
    if (text !== undefined) {
      put(text);
    } else if (holdsItself(frames, value)) {
      put("...");
    } else {
      const opened = style.open(value as object);
      put(opened.open);
      frames.push({ opened, source: value, next: 0 });
    }
    for (;;) {
      const frame = frames.at(-1);
      if (frame === undefined) return parts.join("");
      const { items, before, close } = frame.opened;
      if (frame.next < items.length && room > 0) {
        put(before(frame.next));
        value = items[frame.next++];
        if (room > 0) break;
        continue;
      }
      if (frame.next < items.length && !isCut) {
        parts.push("...");
        isCut = true;
      }
      parts.push(close);
      room -= close.length;
      frames.pop();
    }
  }
}

/** A value that holds itself repeats on the path to it: it meets the container at the last power of two (Brent). */
function holdsItself(frames: readonly { readonly source: unknown }[], value: unknown): boolean {
  const depth = frames.length;
  return depth > 32 && frames[1 << (31 - Math.clz32(depth - 1))].source === value;
}

/** Does not cut a surrogate pair in two. */
function wholeCharacters(text: string, length: number): number {
  if (length <= 0) return 0;
  const unit = text.charCodeAt(length - 1);
  return unit >= 0xd800 && unit < 0xdc00 ? length - 1 : length;
}
