import { sourceOf } from "./source.ts";

/** What came of a line. */
export interface Evaluated {
  /** Whether there is a value to show: that of the last statement, where it is an expression. */
  readonly hasValue: boolean;
  readonly value: unknown;
}

/** Evaluates code where the names are in scope that were declared before. */
type Inside = (code: string) => unknown;

/** In the way of no name that a user gives. */
const CODE = "$shell_code";
/** What each line gives back: the way into its scope, and its value. */
interface Line {
  readonly inside: Inside;
  readonly value: unknown;
}

/**
 * Runs what is typed, line after line, each in the scope of those before it.
 *
 * A line is the body of an async function, so that `await` may stand in it, and gives back a function that evaluates code inside of
 * it: the next line is run by that one, and sees all that was declared. Nothing is rewritten but `import` statements; a name may be
 * declared again.
 */
export class Evaluator {
  #inside: Inside;
  readonly #names: Set<string>;

  /** @param scope what can be used by name, besides the globals. */
  constructor(scope: Readonly<Record<string, unknown>>) {
    const names = Object.keys(scope);
    this.#names = new Set(names);
    const body = `"use strict"; return (${CODE}) => eval(${CODE});`;
    this.#inside = new Function(...names, body)(...Object.values(scope)) as Inside;
  }

  /** The names that can be used, of the scope and of what was declared; a guess, for completion only. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /**
   * Runs a line.
   *
   * @throws {SyntaxError} if it is no JavaScript, and whatever it throws.
   */
  async run(code: string): Promise<Evaluated> {
    const { statements, expression, declares } = sourceOf(code);
    const value = expression === null ? "undefined" : `(${expression}\n)`;
    const line = await this.#inside(
      `(async () => {${statements}\n;return { inside: (${CODE}) => eval(${CODE}), value: ${value} };})()\n` +
        "//# sourceURL=shell",
    ) as Line | undefined;
    // Where the line returns by itself its scope cannot be entered any more.
    if (typeof line?.inside !== "function") return { hasValue: line !== undefined, value: line };
    if (declares) {
      this.#inside = line.inside;
      this.#addNames(statements);
    }
    return { hasValue: expression !== null, value: line.value };
  }

  /** What a path of names leads to, as `node.name`; `undefined` where it leads nowhere. For completion: only names, no calls. */
  async look(path: string): Promise<unknown> {
    if (!/^[\w$]+(?:\.[\w$]+)*$/.test(path)) return undefined;
    try {
      return (await this.#inside(`(async () => ({ value: ${path} }))()`) as Line).value;
    } catch {
      return undefined;
    }
  }

  #addNames(statements: string): void {
    for (
      const [, name] of statements.matchAll(/\b(?:let|const|var|class|function\s*\*?)\s+([\w$]+)/g)
    ) {
      this.#names.add(name);
    }
    for (const [, names] of statements.matchAll(/\b(?:let|const|var)\s*[{[]([^=]*)[}\]]\s*=/g)) {
      for (const [name] of names.matchAll(/[\w$]+/g)) this.#names.add(name);
    }
  }
}
