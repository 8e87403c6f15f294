import { SchemaError } from "../../etf/schema/errors.ts";
import { Handler } from "./handlers.ts";

/** So many names are told to whoever has used another one. */
const MOST_NAMES = 12;

/** Nobody misspells a longer one, and to compare it takes time. */
const LONGEST_NAME = 64;

/** A request that a server refuses, for messages. */
export interface Refused {
  readonly kind: "call" | "cast";
  /** The server's class. */
  readonly server: string;
  readonly name: string | null;
  readonly count: number;
}

/** Why a request is refused whose arguments do not parse: which of them, what came, what the handler takes. */
export function argumentsText(refused: Refused, handler: unknown, error: SchemaError): string {
  const { path, found, expected } = error;
  const [index, ...rest] = path;
  const where = typeof index === "number" ? ` as argument ${index + 1}${restText(rest)}` : "";
  const takes = handler instanceof Handler && where !== "" &&
      (handler.schemas.length > 1 || rest.length > 0)
    ? `; ${refused.name} takes ${handler.expected}`
    : "";
  return `${title(refused)}: ${found} came${where}, ${expected} is needed${takes}`;
}

/** Why a request is refused that no handler takes, and which one may be meant. */
export function unknownText(
  refused: Refused,
  table: object | undefined,
  others: object | undefined,
): string {
  const { kind, server, name } = refused;
  if (name === null) {
    return `${
      title(refused)
    }: another term came, an atom, or a tuple with an atom in front is needed`;
  }
  const names = table === undefined ? [] : Object.keys(table);
  const near = nearest(name, names);
  const hint = others !== undefined && Object.hasOwn(others, name)
    ? `, it is a ${kind === "call" ? "cast" : "call"}`
    : near !== null
    ? `, did you mean ${near}?`
    : "";
  const known = names.length === 0 ? `t takes no ${kind}s by name` : `t has ${list(names)}`;
  const end = hint.endsWith("?") ? " I" : "; i";
  return `${title(refused)}: ${server} has no such ${kind}${hint}${end}${known}`;
}

/** The error of a request that no handler takes, for servers that crash on it. */
export function unknownError(name: string | null, count: number): SchemaError {
  return name === null
    ? new SchemaError([], "an atom, or a tuple with an atom in front", "another request")
    : new SchemaError([], "a request that the server knows", `request ${name}/${count}`);
}

function title({ name, count }: Refused): string {
  return name === null ? "Cannot serve the request" : `Cannot serve request ${name}/${count}`;
}

function restText(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "" : ` at ${new SchemaError(path, "", "").pathText}`;
}

function list(names: readonly string[]): string {
  return names.length <= MOST_NAMES
    ? names.join(", ")
    : `${names.slice(0, MOST_NAMES).join(", ")} and ${names.length - MOST_NAMES} others`;
}

/** The name that is spelled most alike; `null` where none is. */
function nearest(name: string, names: readonly string[]): string | null {
  const plain = plainName(name);
  if (plain.length > LONGEST_NAME) return null;
  let best: string | null = null;
  let least = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const one of names.slice(0, 1_000)) {
    const distance = editDistance(plain, plainName(one), least);
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

/** `getUser` and `get_user` are the same name to people. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[_\-?!.]/g, "");
}

/** How many letters have to be put in, taken out or changed (Levenshtein); `limit` where it is at least that. */
function editDistance(one: string, other: string, limit: number): number {
  if (Math.abs(one.length - other.length) >= limit) return limit;
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return Math.min(row[other.length], limit);
}
