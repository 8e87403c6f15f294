import { atom, format, type Node, type Pid, type ProcessGroupsRef } from "../../mod.ts";

/** Waits until it holds of a scope: it is asked again whenever a group has changed. */
export async function reached(scope: ProcessGroupsRef, holds: () => boolean): Promise<void> {
  const events = scope.monitorScope();
  while (!holds()) {
    const { done } = await events.next();
    if (done) throw new Error("the scope has ended");
  }
  await events.return!();
}

/** A process that waits for its end. */
export function idle(node: Node): Pid {
  return node.spawn(async (self) => void await self.receive());
}

/** Ends such a process. */
export function end(node: Node, ...pids: readonly Pid[]): void {
  for (const pid of pids) node.send(pid, atom("end"));
}

/** Pids in an order that does not depend on who has told of them. */
export function sorted(pids: readonly Pid[]): string[] {
  return pids.map((pid) => format(pid)).sort();
}
