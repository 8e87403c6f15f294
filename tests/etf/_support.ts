import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { decode } from "../../lib/etf/decoder.ts";
import { DecodeError } from "../../lib/etf/errors.ts";
import type { DecodeOptions } from "../../lib/etf/options.ts";
import type { Term } from "../../lib/etf/term.ts";

/** Bytes from numbers, texts (as UTF-8) and other bytes. */
export function bytes(...parts: (number | string | Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number"
        ? [part]
        : typeof part === "string"
        ? [...new TextEncoder().encode(part)]
        : [...part]
    ),
  );
}

/** The big-endian bytes of a number of 32 bits. */
export function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** The term whose bytes are these, without the version byte. */
export function read(options: DecodeOptions, ...parts: Parameters<typeof bytes>): Term {
  return decode(bytes(131, ...parts), options);
}

/** What is wrong with these bytes, without the version byte; fails if nothing is. */
export function refused(...parts: Parameters<typeof bytes>): DecodeError {
  let term: Term;
  try {
    term = decode(bytes(131, ...parts));
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error(`decoded to ${typeof term}, should have been refused`);
}

/** One line of the vectors; see scripts/make_vectors.escript. */
export interface Vector {
  readonly kind: "canonical" | "read" | "refused";
  readonly bytes: Uint8Array;
  /** As Erlang encodes what it has read. */
  readonly canonical: Uint8Array;
  /** As Erlang prints it, `undefined` where that depends on the node. */
  readonly text: string | undefined;
}

/** The vectors that a real Erlang has made. */
export function vectors(): Vector[] {
  const packed = readFileSync(new URL("./vectors/otp25.txt.gz", import.meta.url));
  return new TextDecoder().decode(gunzipSync(packed)).trimEnd().split("\n").map((line) => {
    const [mark, data, more] = line.split("\t");
    const kind = mark === "=" ? "canonical" : mark === "~" ? "read" : "refused";
    const own = fromBase64(data);
    return {
      kind,
      bytes: own,
      canonical: kind === "read" ? fromBase64(more) : own,
      text: kind === "canonical" && more !== "-" ? more : undefined,
    };
  });
}

/** For messages of failed tests. */
export function hex(data: Uint8Array): string {
  return Array.from(data.subarray(0, 200), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
