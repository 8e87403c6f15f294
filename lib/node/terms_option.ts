import { namesInstead } from "../_util/fields.ts";
import type { DecodeOptions } from "../etf/options.ts";

type Ways = Readonly<Record<string, "number" | readonly string[]>>;

/** What a process may be told, with the words for it. Its limits are those of its node. */
const OF_PROCESS = {
  binaries: ["bytes", "text"],
  objects: ["atoms", "binaries"],
  floats: ["number", "wrap"],
} as const;

/** What a node may be told. */
const OF_NODE: Readonly<Record<keyof DecodeOptions, "number" | readonly string[]>> = {
  ...OF_PROCESS,
  atoms: ["create", "existing"],
  atomLimit: "number",
  maxInflated: "number",
  maxBignumBytes: "number",
  maxMemory: "number",
  viewFrom: "number",
  trailing: ["error", "ignore"],
};

/**
 * Refuses an option `terms` that would be taken for the default.
 *
 * @param what what cannot be done then, as `spawn a process`.
 * @throws {TypeError}
 */
export function checkTerms(what: string, terms: unknown, of: "node" | "process"): void {
  if (typeof terms !== "object" || terms === null || Array.isArray(terms)) {
    const came = terms === null ? "null" : Array.isArray(terms) ? "an array" : typeof terms;
    throw wrong(what, `it must be an object, ${came} came`);
  }
  const ways: Ways = of === "node" ? OF_NODE : OF_PROCESS;
  for (const name in terms) { // no list of its fields: a spawn of a microsecond may have it
    if (!Object.hasOwn(ways, name)) {
      throw wrong(what, `it has no ${name}, ${namesInstead(name, Object.keys(ways))}`);
    }
    const value: unknown = terms[name as never];
    const way = ways[name];
    if (value === undefined) continue;
    if (way === "number" ? isLimit(value) : way.includes(value as string)) continue;
    const needed = way === "number"
      ? "a number of at least 0"
      : way.map((word) => `"${word}"`).join(" or ");
    throw wrong(what, `its ${name} must be ${needed}`);
  }
}

function isLimit(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

function wrong(what: string, why: string): TypeError {
  return new TypeError(`Cannot ${what} with option terms: ${why}`);
}
