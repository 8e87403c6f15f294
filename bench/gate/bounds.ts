import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Bounds } from "./figures.ts";

/** What was accepted. */
export const BOUNDS_FILE: string = fileURLToPath(new URL("../gate.json", import.meta.url));

/**
 * What was accepted, as a file has it.
 *
 * @param mayBeMissing whether to begin with nothing where there is no such file, as what is about to be accepted may.
 * @throws {Error} if there is no such file, or it holds no bounds: nothing would be held then, and all would pass.
 */
export function readBounds(file: string, mayBeMissing = false): Bounds {
  const text = readText(file);
  if (text === null && mayBeMissing) return {};
  const accepting = "accept what is there now by: deno task bench:gate --accept";
  if (text === null) throw unfit(file, "it is missing", accepting);
  const refuse = (what: string): Error => unfit(file, what, `remove it and ${accepting}`);
  let bounds: unknown;
  try {
    bounds = JSON.parse(text);
  } catch (error) {
    throw refuse(`it is no JSON (${(error as Error).message})`);
  }
  if (!isRecord(bounds)) throw refuse("it is no object of bounds");
  for (const [name, bound] of Object.entries(bounds)) {
    const isBound = isRecord(bound) && Object.values(bound).every(Number.isFinite);
    if (!isBound) throw refuse(`"${name}" is no object with a number for each runtime`);
  }
  return bounds as Bounds;
}

function unfit(file: string, what: string, way: string): Error {
  return new Error(
    `Cannot check against ${file}: ${what}, take the one that is committed, or ${way}`,
  );
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
