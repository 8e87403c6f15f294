import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where figures come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: number;
  readonly system: string;
  /** How many programs wanted to run besides, before and after. */
  readonly load: readonly [before: number, after: number];
}

/** This machine, with what its load was when it began. */
export function machine(before: number): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
    load: [before, loadavg()[0]],
  };
}

export const RESULTS: string = fileURLToPath(new URL("../results", import.meta.url));

/** The name without its ending of what is written at that time. */
export function nextFile(what: string, date: string): string {
  return join(RESULTS, `${what}-${date.replace(/\.\d+Z$/, "Z").replaceAll(":", "")}`);
}

export function keep(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text}\n`);
}

/** A page and what it was made of: NAME.json and NAME.md. @param name with or without one of these endings. @returns the name. */
export function keepPage(name: string, data: unknown, page: string): string {
  const file = name.replace(/\.(?:md|json)$/, "");
  keep(`${file}.json`, json(data));
  keep(`${file}.md`, page);
  return file;
}

/** Small enough to be kept: figures with four digits, and whatever fits on a line on one. */
export function json(value: unknown): string {
  return lines(JSON.parse(JSON.stringify(value, (_, one) => rounded(one))), "");
}

function rounded(value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value)
    ? Number(value.toPrecision(4))
    : value;
}

const WIDTH = 160;

function lines(value: unknown, indent: string): string {
  const short = JSON.stringify(value);
  if (short.length + indent.length <= WIDTH || typeof value !== "object" || value === null) {
    return short;
  }
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Array.isArray(value)
    ? value.map((one) => lines(one, inner))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${lines(one, inner)}`);
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}
