/** What is known of a node that runs in this program. */
interface Running {
  stop(): Promise<void>;
}

/** Found again by the modules of this package when they are evaluated once more in the same program. */
const KEY: unique symbol = Symbol.for("@ergo-ts/ergo/running-nodes") as never;

function runningNodes(): Map<string, Running> {
  const scope = globalThis as { [KEY]?: Map<string, Running> };
  return scope[KEY] ??= new Map();
}

/** Stops the node of that name, if one runs in this program. */
export async function stopRunning(name: string): Promise<void> {
  await runningNodes().get(name)?.stop();
}

/** Remembers that a node runs, until it has stopped. */
export function nowRuns(name: string, node: Running & { readonly stopped: Promise<void> }): void {
  const nodes = runningNodes();
  nodes.set(name, node);
  void node.stopped.then(() => {
    if (nodes.get(name) === node) nodes.delete(name);
  });
}
