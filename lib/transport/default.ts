import type { Transport } from "./contract.ts";

/** The sockets of the runtime that the program runs on. Loads no other runtime's adapter. */
export async function defaultTransport(): Promise<Transport> {
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoTransport();
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunTransport();
  return (await import("./node.ts")).nodeTransport();
}
