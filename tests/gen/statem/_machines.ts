import {
  type EnterResult,
  type From,
  type Node,
  type Self,
  Statem,
  type StatemEvent,
  type StatemResult,
  type Term,
  type Transition,
} from "../../../mod.ts";

/** What a machine does in a state: with an event, and where it is entered. */
export interface StateFunctions {
  on?(machine: MapMachine, event: StatemEvent): StatemResult;
  enter?(machine: MapMachine, previous: string): EnterResult;
}

/** A machine that is told what it does in each state, as the suites of OTP have one. */
export interface MachineMap {
  init?(machine: MapMachine): Transition<unknown>;
  readonly states: Readonly<Record<string, StateFunctions>>;
}

/** A machine whose states are functions. Its data is `data`. */
export class MapMachine extends Statem {
  data: unknown = null;
  #map: MachineMap = { states: {} };
  override init(map: MachineMap): Transition<unknown> {
    this.#map = map;
    const entering = Object.values(map.states).some(({ enter }) => enter !== undefined);
    if (entering) {
      this.handleEnter = (state, previous) => this.#map.states[state].enter?.(this, previous);
    }
    return map.init?.(this) ?? this.next(Object.keys(map.states)[0]);
  }
  override handleEnter?: (state: string, previous: string) => EnterResult;
  override handleEvent(event: StatemEvent, state: string): StatemResult {
    const handler = this.#map.states[state];
    if (handler?.on === undefined) throw new Error(`state ${state} handles no events`);
    return handler.on(this, event);
  }
  override formatData(): unknown {
    return this.data;
  }
  override replaceData(data: Term): void {
    this.data = data;
  }
}

/** The text of an event: its type and what it carries. */
export function seen(event: StatemEvent): string {
  const name = event.type === "timeout" ? ` ${String(event.name)}` : "";
  return `${event.type}${name} ${String(event.content)}`;
}

/** Answers the call that an event is. */
export function callerOf(event: StatemEvent): From {
  if (event.type !== "call") throw new Error(`${event.type} is no call`);
  return event.from;
}

/** Runs in a process, and gives what comes of it when the process has ended. */
export async function inProcess<T>(node: Node, fn: (self: Self) => Promise<T>): Promise<T> {
  let result: Promise<T> | undefined;
  const pid = node.spawn(async (self) => {
    self.trapExit = true;
    result = fn(self);
    await result.catch(() => {});
  });
  await new Promise<void>((resolve) => void node.monitor(pid, () => resolve()));
  return await result!;
}
