import type { Evaluator } from "./evaluator.ts";

/** What can be added to what was typed. */
export interface Completion {
  /** What all that fits begins with, behind what was typed. */
  readonly added: string;
  /** All that fits, where it is more than one. */
  readonly matches: readonly string[];
}

const NOTHING: Completion = { added: "", matches: [] };
/** A terminal shows no more. */
const MOST = 200;

/** Completes the name at the end of a line: one in scope, or one of the value that the names before it lead to. */
export async function completed(evaluator: Evaluator, line: string): Promise<Completion> {
  const found = /(?:^|[^\w$.])((?:[\w$]+\.)*)([\w$]*)$/.exec(line);
  if (found === null) return NOTHING;
  const [, path, start] = found;
  const names = path === ""
    ? [...evaluator.names, ...namesOf(globalThis)]
    : namesOf(await evaluator.look(path.slice(0, -1)));
  if (path === "" && start === "") return NOTHING;
  const fitting = [...new Set(names)].filter((name) => name.startsWith(start)).sort();
  if (fitting.length === 0) return NOTHING;
  const added = common(fitting).slice(start.length);
  return { added, matches: fitting.length === 1 ? [] : fitting.slice(0, MOST) };
}

/** The names of a value's properties, those that it inherits among them. */
function namesOf(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  const names: string[] = [];
  for (let from: object | null = Object(value); from !== null; from = Object.getPrototypeOf(from)) {
    if (from === Object.prototype && names.length > 0) break;
    names.push(...Object.getOwnPropertyNames(from));
  }
  return names.filter((name) => /^[A-Za-z$][\w$]*$/.test(name) && name !== "constructor");
}

/** What all of them begin with. */
function common(names: readonly string[]): string {
  let [start] = names;
  for (const name of names) {
    while (!name.startsWith(start)) start = start.slice(0, -1);
  }
  return start;
}
