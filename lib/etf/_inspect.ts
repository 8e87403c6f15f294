import { format } from "./format.ts";

/** After how many characters `console.log` leaves out the rest. */
const MAX_PRINTED = 10_000;

/** Makes `console.log` print instances as Erlang prints them, on the three runtimes. */
export function inspectable(prototype: object): void {
  function print(this: never): string {
    return format(this, { maxLength: MAX_PRINTED });
  }
  const descriptor = { value: print, writable: true, configurable: true };
  // Inside the function: the term classes and `format` import each other, so no constant of this module may be needed yet.
  Object.defineProperty(prototype, Symbol.for("nodejs.util.inspect.custom"), descriptor);
  Object.defineProperty(prototype, Symbol.for("Deno.customInspect"), descriptor);
}
