/** The table of atoms is full: a peer or a program has made more atoms than are allowed. */
export class AtomLimitError extends RangeError {
  override readonly name = "AtomLimitError";
  readonly limit: number;

  constructor(limit: number) {
    super(`Cannot make an atom: there are ${limit} already, which is the limit; send text as binaries`);
    this.limit = limit;
  }
}

/** Bytes that are not a term, or a term beyond a limit. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  /** Where in the bytes that were given, counted from 0. */
  readonly offset: number;
  /** The tag of the term that could not be read, `undefined` where no tag was read. */
  readonly tag: number | undefined;

  constructor(message: string, offset: number, tag?: number, options?: ErrorOptions) {
    super(`Cannot decode term at byte ${offset}: ${message}`, options);
    this.offset = offset;
    this.tag = tag;
  }
}

/** A value that has no single meaning as a term. The message names the way out. */
export class EncodeError extends TypeError {
  override readonly name = "EncodeError";
  /** Where in the value, as `[1].user`. */
  readonly path: string;

  constructor(message: string, path: string, options?: ErrorOptions) {
    super(`Cannot encode ${path === "" ? "value" : `value at ${path}`}: ${message}`, options);
    this.path = path;
  }
}
