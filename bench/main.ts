/**
 * Benchmarks of the runtime that runs this: `[local] [remote] [codec] [--json]`, all of them by default.
 *
 * `deno task bench` and `npm run bench` run them on Deno, Bun and Node and print one table. The figures of one run can be
 * compared with each other, not with those of another machine or hour.
 */

import process from "node:process";
import type { Row } from "./_measure.ts";
import { codec } from "./codec.ts";
import { local } from "./local.ts";
import { remote, serveFar } from "./remote.ts";

const SUITES: Readonly<Record<string, () => Promise<Row[]>>> = { local, remote, codec };

const args = process.argv.slice(2);
if (args.includes("--far")) {
  await serveFar();
} else {
  const names = args.filter((arg) => arg !== "--json");
  const unknown = names.find((name) => !Object.hasOwn(SUITES, name));
  if (unknown !== undefined) {
    console.error(`Cannot run ${unknown}: there are ${Object.keys(SUITES).join(", ")}`);
    process.exit(1);
  }
  const rows: Row[] = [];
  for (const name of names.length === 0 ? Object.keys(SUITES) : names) {
    for (const row of await SUITES[name]()) {
      rows.push(row);
      if (!args.includes("--json")) console.log(line(row));
    }
  }
  if (args.includes("--json")) console.log(JSON.stringify(rows));
}

function line({ name, value, unit, least, most }: Row): string {
  const spread = least === most ? "" : `   (${text(least)} to ${text(most)})`;
  return `${name.padEnd(44)} ${text(value).padStart(12)} ${unit.padEnd(3)}${spread}`;
}

function text(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
