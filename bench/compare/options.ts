import { type Runtime, RUNTIMES } from "./systems.ts";

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
  if (value > 0) return value;
  throw new Error(`Cannot use --${name} ${text}: it is a number greater than 0`);
}
