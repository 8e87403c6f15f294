import type { Pid } from "../../etf/identifiers.ts";

/** Compares names of nodes as Erlang compares atoms: by code points, which is not how JavaScript compares strings. */
export function compareNodes(a: string, b: string): number {
  if (a === b) return 0;
  const left = [...a];
  const right = [...b];
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    if (left[i] !== right[i]) return left[i].codePointAt(0)! - right[i].codePointAt(0)!;
  }
  return left.length - right.length;
}

/** Compares pids as Erlang does, which both ends of a lock must do in the same way: serial, id, node, creation. */
export function comparePids(a: Pid, b: Pid): number {
  return a.serial - b.serial || a.id - b.id || compareNodes(a.node, b.node) ||
    a.creation - b.creation;
}

/** The greatest of some nodes: all nodes lock it first, so that two that want the same lock meet there. */
export function bossOf(nodes: readonly string[]): string {
  return nodes.reduce((boss, node) => compareNodes(node, boss) > 0 ? node : boss);
}
