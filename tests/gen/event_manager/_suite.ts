// The handlers of OTP's gen_event_SUITE, and its tests' way to begin.
import {
  atom,
  EventHandler,
  EventManager,
  type EventManagerRef,
  exit,
  format,
  isTuple,
  type Node,
  on,
  type Self,
  t,
  tagged,
  type Term,
} from "../../../mod.ts";
import { ended, type Lone, nodeTest } from "../../node/_nodes.ts";

/** What the handlers of a test write down. */
export const log: string[] = [];
export function taken(): string[] {
  return log.splice(0);
}

/** The handler of the suite, dummy_h. */
export class Dummy extends EventHandler {
  seen = 0;
  override init(how: unknown = null): unknown {
    if (how === "make_error") return tagged("error", "my_error");
    if (how === "throw") exit(atom("my_error"));
    if (how === "swap") log.push(`${this.name} after ${format(this.swapped!)}`);
    return undefined;
  }
  get name(): string {
    return this.constructor.name;
  }
  override handleEvent(event: Term): unknown {
    this.seen++;
    switch (isTuple(event) ? event.tag : format(event)) {
      case "delete_event":
        return this.remove();
      case "swap_event":
        return this.swap(atom("swapped_out"), Dummy1, ["swap"]);
      case "swap_fails":
        return this.swap(atom("swapped_out"), Dummy1, ["throw"]);
      case "error_event":
        exit(atom("broken"));
    }
    log.push(`${this.name} event ${format(event)}`);
  }
  override readonly calls = {
    echo: on(t.term, (what) => what),
    sync: async () => await Promise.resolve("slowly"),
    delete_call: () => this.remove("deleted"),
    swap_call: () => this.swap(atom("swapped_out"), Dummy1, ["swap"], "swapped"),
    error_call: () => exit(atom("broken")),
    function: () => () => {},
  };
  override handleInfo(message: Term): unknown {
    if (message === atom("wait")) {
      return Promise.resolve().then(() => void log.push(`${this.name} waited`));
    }
    if (message === atom("delete_info")) return this.remove();
    if (message === atom("error_info")) throw new Error("broken");
    log.push(`${this.name} info ${format(message)}`);
  }
  override terminate(reason: Term): unknown {
    log.push(`${this.name} terminate ${format(reason)}`);
    return reason === atom("return_hej") || reason === atom("swapped_out") ? reason : undefined;
  }
  override replaceState(state: Term): void {
    this.seen = state as number;
  }
  override formatState(): unknown {
    return this.seen;
  }
}

/** dummy1_h. */
export class Dummy1 extends Dummy {}

/** The manager with both by name. */
export class Manager extends EventManager {
  override readonly handlers = { dummy_h: Dummy, dummy1_h: Dummy1 };
}

export async function which(manager: EventManagerRef): Promise<string> {
  const all = await manager.whichHandlers();
  return all.map((one) => typeof one === "string" ? one : `${one.handler}/${format(one.id)}`).join(
    " ",
  );
}

/** Runs in a process, which traps exits, and gives what comes of it when the process has ended. */
export async function inProcess<T>(node: Node, fn: (self: Self) => Promise<T>): Promise<T> {
  let result: Promise<T> | undefined;
  const pid = node.spawn(async (self) => {
    self.trapExit = true;
    result = fn(self);
    await result.catch(() => {});
  });
  await ended(node, pid);
  return await result!;
}

/** A test that begins with an empty log. */
export function managerTest(title: string, body: (lone: Lone) => Promise<void>): void {
  nodeTest(title, (lone) => {
    taken();
    return body(lone);
  });
}
