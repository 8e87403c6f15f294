import { charlist, ImproperList } from "../list.ts";
import { isTuple } from "../tuple.ts";
import { readUtf8 } from "../_utf8.ts";
import { Shape } from "./_shape.ts";
import type { Trace } from "./_trace.ts";

/** Lists of code points as strings. */
export class CharlistShape extends Shape {
  readonly expected = "charlist";

  override read(value: unknown, trace: Trace | null): unknown {
    if (typeof value === "string") return value;
    if (!Array.isArray(value) || isTuple(value)) return this.miss(value, trace);
    for (let i = 0; i < value.length; i++) {
      if (isCharacter(value[i])) continue;
      if (trace === null) return this.miss(value, trace);
      trace.miss("code point", value[i]);
      return trace.at(i);
    }
    return textOf(value);
  }

  override write(input: unknown): unknown {
    return typeof input === "string" ? charlist(input) : input;
  }

  override get converts(): boolean {
    return true;
  }

  override get writes(): boolean {
    return true;
  }
}

/** What Erlang writes to files and sockets without joining it first: binaries and nested lists of them and of integers, joined. */
export class NestedTextShape extends Shape {
  readonly expected: string;
  readonly #characters: boolean;

  /** With characters integers are code points and the whole is text, else they are bytes. */
  constructor(expected: string, characters: boolean) {
    super();
    this.expected = expected;
    this.#characters = characters;
  }

  override read(value: unknown, trace: Trace | null): unknown {
    if (typeof value === "string" && this.#characters) return value;
    if (value instanceof Uint8Array && !this.#characters) return value;
    const joined = join(value, this.#characters);
    if (joined === undefined) return this.miss(value, trace);
    if (!this.#characters) return joined;
    const text = readUtf8(joined, 0, joined.length);
    return text === undefined ? this.miss(value, trace) : text;
  }

  override get converts(): boolean {
    return true;
  }
}

// With a stack of its own: these lists may be nested as deep as the sender likes.
function join(value: unknown, characters: boolean): Uint8Array | undefined {
  let made = new Uint8Array(256);
  let length = 0;
  const encoder = new TextEncoder();
  const opened: { list: readonly unknown[]; next: number }[] = [];

  function room(more: number): void {
    if (length + more <= made.length) return;
    const grown = new Uint8Array(Math.max(2 * made.length, length + more));
    grown.set(made);
    made = grown;
  }

  function one(item: unknown): boolean {
    if (typeof item === "number") {
      if (characters ? !isCharacter(item) : !isByte(item)) return false;
      if (!characters || item < 0x80) {
        room(1);
        made[length++] = item;
        return true;
      }
      item = String.fromCodePoint(item);
    }
    if (typeof item === "string") {
      room(item.length * 3);
      length += encoder.encodeInto(item, made.subarray(length)).written;
    } else if (item instanceof Uint8Array) {
      room(item.length);
      made.set(item, length);
      length += item.length;
    } else if (Array.isArray(item) && !isTuple(item)) {
      opened.push({ list: item, next: 0 });
    } else if (item instanceof ImproperList) {
      if (typeof item.tail === "number") return false; //  only a binary may stand after the bar
      opened.push({ list: [...item.elements, item.tail], next: 0 });
    } else {
      return false;
    }
    return true;
  }

  if (typeof value === "number" || !one(value)) return undefined;
  while (opened.length > 0) {
    const top = opened[opened.length - 1];
    if (top.next === top.list.length) opened.pop();
    else if (!one(top.list[top.next++])) return undefined;
  }
  return made.subarray(0, length);
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}

function isCharacter(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x10ffff &&
    !((value as number) >= 0xd800 && (value as number) <= 0xdfff);
}

function textOf(characters: readonly number[]): string {
  let text = "";
  for (let i = 0; i < characters.length; i += 4096) { // so many arguments every runtime can pass
    text += String.fromCodePoint(...characters.slice(i, i + 4096));
  }
  return text;
}
