import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Process } from "../process/process.ts";
import { RemoteWatcher } from "./_far_ends.ts";

/**
 * Ends the monitor of a caller of another node whose tag does not name it, with that reason, though the server lives on.
 *
 * Such a caller has called by name and watches the name; it made the monitor right before it sent the request, and makes no other
 * until it is answered. So it is its newest one. Does nothing where it has none.
 */
export function failByName(server: Process, caller: Pid, reason: Term): void {
  let newest: RemoteWatcher | null = null;
  for (const watcher of server.watchers) {
    const isCallers = watcher instanceof RemoteWatcher && !(watcher.object instanceof Pid) &&
      watcher.watcher.equals(caller);
    if (isCallers) newest = watcher;
  }
  newest?.peer.failCaller(newest.ref, reason);
}
