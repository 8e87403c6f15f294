/** The table of atoms is full: a peer or a program has made more atoms than are allowed. */
export class AtomLimitError extends RangeError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "AtomLimitError";
  /** How many atoms were allowed: `atomLimit` of {@linkcode DecodeOptions}, or 1,048,576. */
  readonly limit: number;

  /** @ignore @internal */
  constructor(limit: number) {
    super(
      `Cannot make an atom: there are ${limit} already, which is the limit; send text as binaries`,
    );
    this.limit = limit;
  }
}

/** Bytes that are not a term, or a term beyond a limit of {@linkcode DecodeOptions}. */
export class DecodeError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "DecodeError";
  /** Where in the bytes that were given, counted from 0. */
  readonly offset: number;
  /** The tag of the term that could not be read, `undefined` where no tag was read. */
  readonly tag: number | undefined;

  /** @ignore @internal */
  constructor(message: string, offset: number, tag?: number, options?: ErrorOptions) {
    super(`Cannot decode term at byte ${offset}: ${message}`, options);
    this.offset = offset;
    this.tag = tag;
  }
}

/** A value that has no single meaning as a term. The message names the way out. */
export class EncodeError extends TypeError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "EncodeError";
  /** Where in the value, as `[1].user`. */
  readonly path: string;

  readonly #problem: string;

  /** @ignore @internal */
  constructor(message: string, path: string, options?: ErrorOptions) {
    super(`Cannot encode ${path === "" ? "value" : `value at ${path}`}: ${message}`, options);
    this.path = path;
    this.#problem = message;
  }

  /** @ignore @internal The same error for a value that holds this one at `path`. */
  _under(path: string): EncodeError {
    return new EncodeError(this.#problem, path + this.path, { cause: this.cause });
  }

  /** @ignore @internal The same error for the value that stands at `path`; this one where it is not in there. */
  _within(path: string): EncodeError {
    if (!this.path.startsWith(path)) return this;
    return new EncodeError(this.#problem, this.path.slice(path.length), { cause: this.cause });
  }
}
