/** What was typed, ready to run in a function: statements, and the expression whose value is shown, where there is one. */
export interface Source {
  readonly statements: string;
  /** `null` where the last statement has no value. */
  readonly expression: string | null;
  /** Whether names may be declared in it. */
  readonly declares: boolean;
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  code: string,
) => unknown;

/** Whether code can be the body of a function, in which `await` may stand. Runs nothing. */
function compiles(code: string): boolean {
  return syntaxError(code) === null;
}

function syntaxError(code: string): SyntaxError | null {
  try {
    new AsyncFunction(`"use strict";${code}\n`);
    return null;
  } catch (error) {
    return error as SyntaxError;
  }
}

/** The line break keeps a comment at the end from swallowing the bracket. */
function isExpression(code: string): boolean {
  return code.trim() !== "" && compiles(`return (${code}\n)`);
}

/** A declaration that could be read as an expression, which declares nothing. */
const DECLARATION = /^\s*(?:(?:async\s+)?function\b\s*\*?\s*[\w$]|class\s+[\w$]+[\s{])/;

/** Where a line that begins so goes on with the one before it. */
const CONTINUES = /^\s*(?:[-+*/%([`.,?:<>=&|^]|!=|in\b|instanceof\b)/;

/** At most so many places are tried as the beginning of the last statement. */
const MOST_PLACES = 200;

/**
 * Finds the expression whose value is shown.
 *
 * @throws {SyntaxError} if it is no JavaScript.
 */
export function sourceOf(typed: string): Source {
  const code = withoutImports(typed);
  const trimmed = code.replace(/[\s;]+$/, "");
  if (!DECLARATION.test(code) && isExpression(trimmed)) {
    return { statements: "", expression: trimmed, declares: false };
  }
  const error = syntaxError(code);
  if (error !== null) throw error;
  let end = trimmed.length;
  for (let tried = 0; tried < MOST_PLACES; tried++) {
    const at = Math.max(trimmed.lastIndexOf(";", end - 1), trimmed.lastIndexOf("\n", end - 1));
    if (at < 0) break;
    const expression = trimmed.slice(at + 1);
    const statements = trimmed.slice(0, at + 1);
    const continues = trimmed[at] === "\n" && !/;\s*$/.test(statements) &&
      CONTINUES.test(expression);
    if (
      !continues && !DECLARATION.test(expression) && isExpression(expression) &&
      compiles(statements)
    ) {
      return { statements, expression, declares: true };
    }
    end = at;
  }
  return { statements: code, expression: null, declares: true };
}

const IMPORT = /^([ \t]*)import\s+(?:([^'"()]+?)\s+from\s+)?(["'])([^"'\n]+)\3[ \t]*;?/gm;

/** `import x from "y"`, which may stand in modules only, as `await import("y")`. */
function withoutImports(code: string): string {
  return code.replace(
    IMPORT,
    (_, space: string, names: string | undefined, _quote, from: string) => {
      const module = `await import(${JSON.stringify(from)})`;
      if (names === undefined) return `${space}${module};`;
      const all = /^(?:([\w$]+)\s*,\s*)?\*\s*as\s+([\w$]+)$/.exec(names);
      if (all !== null) {
        const first = all[1] === undefined ? "" : ` const ${all[1]} = ${all[2]}.default;`;
        return `${space}const ${all[2]} = ${module};${first}`;
      }
      const [, first, some] = /^([\w$]+)?\s*,?\s*(?:\{([^}]*)\})?$/.exec(names) ?? [];
      const fields = (some ?? "").replace(/\s+as\s+/g, ": ");
      return `${space}const { ${
        first === undefined ? "" : `default: ${first}, `
      }${fields} } = ${module};`;
    },
  );
}

/** Whether more lines are to follow: a bracket, a template or a comment is open, or a statement has only begun. */
export function isIncomplete(code: string): boolean {
  const { open, end } = scanned(code);
  if (open) return true;
  if (end === "" || isExpression(code) || compiles(withoutImports(code))) return false;
  return /(?:=>|(?:^|[^+])\+|(?:^|[^-])-|[*/%=&|^<>?:,.!~])$/.test(end) ||
    /^(?:if|for|while)\b[^]*\)$|\b(?:else|do|try|finally)$/.test(end) ||
    /^(?:async\s+)?function\b[^]*\)$|^class\b[^{]*$/.test(end) ||
    (/^try\b/.test(end) && !/\b(?:catch|finally)\b/.test(end));
}

const OPENING = "([{";
const CLOSING = ")]}";
/** Behind these a slash divides; behind everything else it begins a regular expression. */
const VALUE_END = /[\w$)\]}"'`]$/;
const NO_VALUE = /\b(?:return|typeof|case|in|of|delete|void|throw|new|else|await|yield)$/;

/** Walks over code: whether something is open at its end, and the code without comments. */
function scanned(code: string): { open: boolean; end: string } {
  const open: string[] = [];
  let read = ""; // without comments, and with texts left empty
  let at = 0;
  while (at < code.length) {
    const character = code[at];
    if (open.at(-1) === "`") {
      if (character === "\\") at++;
      else if (character === "`") open.pop();
      else if (character === "$" && code[at + 1] === "{") open.push(code[++at]);
      at++;
      continue;
    }
    const rest = code.slice(at, at + 2);
    if (rest === "//") {
      const end = code.indexOf("\n", at);
      at = end < 0 ? code.length : end;
      continue;
    }
    if (rest === "/*") {
      const end = code.indexOf("*/", at + 2);
      if (end < 0) return { open: true, end: read };
      at = end + 2;
      continue;
    }
    if (character === '"' || character === "'") {
      at = endOfText(code, at);
      read += '""';
      continue;
    }
    if (character === "/") {
      const before = read.trimEnd();
      if (!VALUE_END.test(before) || NO_VALUE.test(before)) {
        at = endOfRegExp(code, at);
        read += '""';
        continue;
      }
    }
    if (character === "`" || OPENING.includes(character)) open.push(character);
    else if (CLOSING.includes(character)) open.pop(); // one too many is an error of syntax, not for here
    read += character;
    at++;
  }
  return { open: open.length > 0, end: read.trim() };
}

/** Behind a text in quotes, or at the end of its line where it is not closed. */
function endOfText(code: string, start: number): number {
  for (let at = start + 1; at < code.length && code[at] !== "\n"; at++) {
    if (code[at] === "\\") at++;
    else if (code[at] === code[start]) return at + 1;
  }
  return lineEnd(code, start);
}

function endOfRegExp(code: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < code.length && code[at] !== "\n"; at++) {
    if (code[at] === "\\") at++;
    else if (code[at] === "[") inClass = true;
    else if (code[at] === "]") inClass = false;
    else if (code[at] === "/" && !inClass) return at + 1;
  }
  return lineEnd(code, start);
}

function lineEnd(code: string, start: number): number {
  const end = code.indexOf("\n", start);
  return end < 0 ? code.length : end;
}
