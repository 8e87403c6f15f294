/**
 * A source text of the same length and with the same lines, where everything that is not code is
 * blank: comments, the inside of strings and regular expressions, the text of templates. Quotes
 * stay, and so does the code inside `${}`. What is found in it by pattern is really code, and stands
 * at the same place in the original.
 */
export function maskSource(source: string): string {
  const out: string[] = [];
  const templates: number[] = []; // for each open `${`, how many braces are open inside it
  let at = 0;

  const keep = (count: number): void => {
    out.push(source.slice(at, at + count));
    at += count;
  };
  const blank = (end: number): void => {
    out.push(source.slice(at, end).replace(/[^\n]/g, " "));
    at = end;
  };
  const template = (): void => {
    let end = at;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
      end += source[end] === "\\" ? 2 : 1;
    }
    blank(Math.min(end, source.length));
    if (source[at] === "`") return keep(1);
    if (at < source.length) templates.push(0);
    keep(2);
  };

  while (at < source.length) {
    const char = source[at];
    const pair = source.slice(at, at + 2);
    if (pair === "//" || (pair === "#!" && at === 0)) {
      blank(indexOr(source, "\n", at));
    } else if (pair === "/*") {
      blank(indexOr(source, "*/", at + 2, 2));
    } else if (char === '"' || char === "'") {
      keep(1);
      blank(closing(source, char, at));
      keep(1);
    } else if (char === "`") {
      keep(1);
      template();
    } else if (char === "/" && startsRegExp(source, at, out)) {
      keep(1);
      blank(closing(source, "/", at));
      keep(1);
    } else if (templates.length > 0 && char === "{") {
      templates[templates.length - 1]++;
      keep(1);
    } else if (templates.length > 0 && char === "}") {
      keep(1);
      if (templates[templates.length - 1]-- === 0) {
        templates.pop();
        template();
      }
    } else {
      keep(1);
    }
  }
  return out.join("");
}

/** The line of an offset, counted from 1. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}

/** The offset of the `)` that closes the `(` at `open`, or the end of a text that lacks it. */
export function closingParen(masked: string, open: number): number {
  let depth = 0;
  for (let at = open; at < masked.length; at++) {
    if (masked[at] === "(") depth++;
    if (masked[at] === ")" && --depth === 0) return at;
  }
  return masked.length;
}

function indexOr(source: string, text: string, from: number, past = 0): number {
  const found = source.indexOf(text, from);
  return found < 0 ? source.length : found + past;
}

/** Where a string or regular expression that began before `at` ends; never beyond its line. */
function closing(source: string, quote: string, at: number): number {
  let inClass = false;
  for (; at < source.length && source[at] !== "\n"; at++) {
    if (source[at] === "\\") at++;
    else if (quote === "/" && source[at] === "[") inClass = true;
    else if (quote === "/" && source[at] === "]") inClass = false;
    else if (source[at] === quote && !inClass) return at;
  }
  return Math.min(at, source.length);
}

/** Whether a slash begins a regular expression: it does where a value may stand. */
function startsRegExp(source: string, at: number, out: string[]): boolean {
  const before = out.slice(-200).join("").trimEnd();
  const word = /(?<![.\w$#])[\w$]+$/.exec(before)?.[0];
  const keywords =
    /^(return|typeof|case|in|of|delete|void|throw|new|do|else|instanceof|yield|await)$/;
  const valueMayStand = word !== undefined ? keywords.test(word) : !/[\w$)\]"'`/]$/.test(before);
  return valueMayStand && source[closing(source, "/", at + 1)] === "/";
}
