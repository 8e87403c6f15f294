import type { Platform } from "./contract.ts";

/** The platform of the runtime that the program runs on. Loads no other runtime's adapter. */
export async function defaultPlatform(): Promise<Platform> {
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoPlatform();
  return (await import("./node.ts")).nodePlatform();
}
