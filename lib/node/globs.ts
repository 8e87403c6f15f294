/** Tests a text against patterns in which `*` stands for any characters, none among them. In time that grows with their lengths only. */
export class Globs {
  /** Those without `*`. */
  readonly #exact: ReadonlySet<string>;
  readonly #patterns: readonly string[];

  constructor(patterns: readonly string[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
    this.#patterns = patterns.filter((pattern) => pattern.includes("*"));
  }

  /** Whether one of them fits all of the text. */
  fit(text: string): boolean {
    return this.#exact.has(text) || this.#patterns.some((pattern) => fits(pattern, text));
  }
}

/** No regular expression: what others have chosen is matched, and must not be able to take long. */
function fits(pattern: string, text: string): boolean {
  let p = 0;
  let star = -1;
  let again = 0;
  for (let t = 0; t < text.length;) {
    if (pattern[p] === "*") {
      star = p++;
      again = t;
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++again; // the last star takes one character more
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
