import type { Node } from "../../node/node.ts";

/** What is still being closed, so that whoever is started again at the same port does not find it taken. */
const underWay: WeakMap<Node, Map<string, Promise<void>>> = new WeakMap();

/** A socket of a process that has ended is being closed. */
export function closes(node: Node, key: `${"tcp" | "udp"}:${number}`, closed: Promise<void>): void {
  let of = underWay.get(node);
  if (of === undefined) underWay.set(node, of = new Map());
  const entries = of;
  entries.set(key, closed);
  void closed.finally(() => {
    if (entries.get(key) === closed) entries.delete(key);
  });
  node._outlives(closed);
}

/** Resolves when no socket of this node is being closed at that port any more. */
export async function untilClosed(node: Node, key: `${"tcp" | "udp"}:${number}`): Promise<void> {
  await underWay.get(node)?.get(key);
}
