/** What an encoder does differently from its defaults. */
export interface EncodeOptions {
  /**
   * Deflates the term at this level of zlib (1 fast to 9 small, 6 is Erlang's), where that makes it smaller; for
   * {@linkcode encode} only. `false` and 0, the default, do not.
   */
  readonly compress?: false | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
  /**
   * How many bytes one term, and all that a connection has not yet sent, may have; an {@linkcode EncodeError} beyond it. Default 268,435,456 (256 MiB).
   */
  readonly maxSize?: number;
  /**
   * What plain objects are, whatever `Object.keys` names in them: maps whose keys are atoms (`"atoms"`; each new name is an atom for the rest of the program, here
   * and at the receiver) or binaries (`"binaries"`). By default they are refused, because they do not say it.
   */
  readonly objects?: "atoms" | "binaries";
}

/** What a decoder does differently from its defaults. A message that is refused for one of its bounds closes the connection with the node that sent it. */
export interface DecodeOptions {
  /** `"existing"` refuses atoms that the program has not made yet, as Erlang's `[safe]` does. Default `"create"`. */
  readonly atoms?: "create" | "existing";
  /** How many atoms there may be before a new one from outside is refused by an {@linkcode AtomLimitError}. Default 1,048,576. */
  readonly atomLimit?: number;
  /** `"text"` gives binaries that are valid UTF-8 as strings, the others as {@linkcode Binary}. Default `"bytes"`. */
  readonly binaries?: "bytes" | "text";
  /**
   * Gives maps whose keys are all atoms (`"atoms"`) or all binaries of valid UTF-8 (`"binaries"`) as plain objects; other maps, and those inside keys, stay a
   * {@linkcode TermMap}. By default all maps are.
   */
  readonly objects?: "atoms" | "binaries";
  /** `"wrap"` gives every float as a {@linkcode Float}, so that `1.0` differs from `1`. Default `"number"`; floats in map keys are always wrapped. */
  readonly floats?: "number" | "wrap";
  /** How many bytes a compressed term may claim to inflate to. Default 67,108,864 (64 MiB). */
  readonly maxInflated?: number;
  /** How many bytes an integer may have. Default, and largest value that works on all runtimes, 131,072 (a million bits). */
  readonly maxBignumBytes?: number;
  /**
   * How many bytes of memory a term may take, roughly: empty lists take 72 times as much as they do on the wire. Default 2,147,483,648
   * (2 GiB), as much as the heap of a small machine's program.
   */
  readonly maxMemory?: number;
  /**
   * Binaries of at least so many bytes are views of the bytes that were given, smaller ones are copied, so that they do not keep the whole
   * alive; `Infinity` copies all, for bytes that will be overwritten. Default 256; 1,024 for what a node's peers send, which is read in arrays of up to
   * 256 KiB.
   */
  readonly viewFrom?: number;
  /** `"ignore"` leaves bytes behind the term unread, as `binary_to_term` does; for {@linkcode decode} only. Default `"error"`. */
  readonly trailing?: "error" | "ignore";
}
