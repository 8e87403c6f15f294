/**
 * A value that does not fit its schema.
 *
 * Says where, what is needed and what sort of value came, and holds nothing else of the value: it may be logged and sent to other nodes.
 */
export class SchemaError extends TypeError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "SchemaError";
  /** The keys that lead to the value: indices of tuples and lists counted from 0, names of fields; of other maps the number of the entry. */
  readonly path: readonly PropertyKey[];
  /** The path as text: `[1].user.name`, empty for the whole value. */
  readonly pathText: string;
  /** What is needed there, as `{:ok, integer}`. */
  readonly expected: string;
  /** What sort of value came, as `an atom`. */
  readonly found: string;

  /** An error at that path of the value, empty for the value itself. */
  constructor(
    path: readonly PropertyKey[],
    expected: string,
    found: string,
    options?: ErrorOptions,
  ) {
    const text = pathText(path);
    super(
      `Cannot parse value${text === "" ? "" : ` at ${text}`}: ${found} came, ${expected} is needed`,
      options,
    );
    this.path = path;
    this.pathText = text;
    this.expected = expected;
    this.found = found;
  }

  /** This error for a value that stands under a key of a greater one. */
  under(key: PropertyKey): SchemaError {
    return new SchemaError([key, ...this.path], this.expected, this.found, { cause: this.cause });
  }
}

/** No clause of a {@linkcode match} took the value. */
export class NoMatchError extends TypeError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "NoMatchError";
  /** What the clauses would have taken, in their order. */
  readonly expected: readonly string[];
  /** What sort of value came, as `an atom`. */
  readonly found: string;

  /** An error of clauses that would have taken this. */
  constructor(expected: readonly string[], found: string) {
    super(`Cannot match value: ${found} came, ${expected.join(" | ") || "a clause"} is needed`);
    this.expected = expected;
    this.found = found;
  }
}

function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "string" && /^[\p{L}_$][\p{L}\p{N}_$?!@]*$/u.test(key)) {
      text += text === "" ? key : `.${key}`;
    } else {
      text += typeof key === "string" ? `[${JSON.stringify(key)}]` : `[${String(key)}]`;
    }
  }
  return text;
}
