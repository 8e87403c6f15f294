import process from "node:process";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { type Runtime, RUNTIMES } from "./systems.ts";

/** What the command line says. Where it says what there is not, the program ends with what is wrong. */
export function optionsOf<const T extends NonNullable<ParseArgsConfig["options"]>>(
  options: T,
): ReturnType<typeof parseArgs<{ options: T }>>["values"] {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`).join(" ");
    console.error(`${(error as Error).message}: there are ${names}`);
    process.exit(1);
  }
}

/** What `--runtime` says. */
export function runtimesOf(text: string): readonly Runtime[] {
  return text.split(",").map((name) => {
    const found = RUNTIMES.find((runtime) => runtime === name);
    if (found === undefined) throw new Error(`Cannot run on ${name}: there are ${RUNTIMES}`);
    return found;
  });
}

export function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`Cannot use --${name} ${text}: it is a number greater than 0`);
}
