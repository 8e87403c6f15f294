import type { Term } from "../../etf/term.ts";
import type { MulticallResult } from "./rpc.ts";

/** What comes of a call on each of several nodes, in their order. */
export function onEach(
  nodes: readonly string[],
  call: (node: string) => Promise<Term>,
): Promise<MulticallResult[]> {
  checkNodes("call", nodes);
  return Promise.all(nodes.map(async (node): Promise<MulticallResult> => {
    try {
      return { node, ok: true, value: await call(node) };
    } catch (error) {
      return { node, ok: false, error: error as Error };
    }
  }));
}

/** @throws {TypeError} if it is no array of names. */
export function checkNodes(verb: string, nodes: readonly string[]): void {
  if (Array.isArray(nodes) && nodes.every((node) => typeof node === "string")) return;
  throw new TypeError(`Cannot ${verb} on several nodes: an array of their names is needed`);
}
