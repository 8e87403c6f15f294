import type { Encodable } from "../term.ts";
import { CharlistShape, NestedTextShape } from "./_text_lists.ts";
import { Schema } from "./schema.ts";

/** A list of code points, Erlang's `"text"` and Elixir's `~c"text"`, as a string; written as such a list. */
export const charlist: Schema<string, string, true> = new Schema(new CharlistShape());

/** A binary, or lists of binaries and bytes however nested (Erlang's `iodata`), joined to bytes. */
export const iodata: Schema<Uint8Array, Encodable, true> = new Schema(
  new NestedTextShape("iodata", false),
);

/** A binary of UTF-8, or lists of such binaries and code points however nested (Erlang's `unicode:chardata()`), joined to a string. */
export const chardata: Schema<string, Encodable, true> = new Schema(
  new NestedTextShape("chardata", true),
);
