import { atom } from "../etf/atom.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { NoProcessError } from "../node/errors.ts";
import type { GlobalName, GlobalNames } from "../node/global_names.ts";
import type { Node } from "../node/node.ts";
import type { Hub } from "./hub.ts";

/** The names of the cluster, as processes on a worker have them. */
export function globalNames(hub: Hub, node: Node): GlobalNames {
  const whereis = (name: GlobalName): Pid | undefined =>
    hub.askNow("global_whereis", nameTerm(name)) as Pid | null ?? undefined;
  return {
    whereis,
    names: () => hub.askNow("global_names") as Term[],
    register: async (name, pid) => await hub.ask("global_register", nameTerm(name), pid) === true,
    reregister: async (name, pid) => void await hub.ask("global_reregister", nameTerm(name), pid),
    unregister: async (name) => void await hub.ask("global_unregister", nameTerm(name)),
    sync: async () => void await hub.ask("global_sync"),
    send: (name, message) => {
      const pid = whereis(name);
      if (pid === undefined) throw new NoProcessError("such a global name");
      node.send(pid, message);
      return pid;
    },
    lock: () => Promise.reject(notHere()),
    transaction: () => Promise.reject(notHere()),
  };
}

/** A string is the atom of that name. */
function nameTerm(name: GlobalName): Encodable {
  return typeof name === "string" ? atom(name) : name;
}

function notHere(): Error {
  return new Error(
    "Cannot lock something on a worker: a lock belongs to a process on the node's own thread, have one take it",
  );
}
