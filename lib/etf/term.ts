import type { Atom } from "./atom.ts";
import type { Binary, Bitstring } from "./binary.ts";
import type { Float } from "./float.ts";
import type { ExternalFun, Fun, LocalTerm, NativeRecord } from "./fun.ts";
import type { Pid, Port, Ref } from "./identifiers.ts";
import type { ImproperList } from "./list.ts";
import type { TermMap } from "./term_map.ts";
import type { AnyTuple } from "./tuple.ts";

/**
 * An Erlang term as the decoder gives it. The JavaScript type depends only on the Erlang type, never on the value;
 * the one exception is the integer, a `number` up to 2^53-1 and a `bigint` beyond.
 */
export type Term =
  | Atom
  | boolean
  | null
  | number
  | bigint
  | Float
  | Binary
  | Bitstring
  | AnyTuple
  | Term[]
  | ImproperList
  | TermMap
  | Pid
  | Port
  | Ref
  | Fun
  | ExternalFun
  | LocalTerm
  | NativeRecord
  // Only where the decoder was asked for `binaries: "text"`, and in local messages, which are not copied.
  | string;

/**
 * What the encoder takes: every term, and the JavaScript values that have only one meaning.
 *
 * Refused, because it would have to guess: `undefined`, plain objects (`atomMap`, `stringMap` say which keys are meant), dates, functions, symbols.
 */
export type Encodable =
  | Term
  | Uint8Array
  | readonly Encodable[]
  | ReadonlyMap<Encodable, Encodable>;
