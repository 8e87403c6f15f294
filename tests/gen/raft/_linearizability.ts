/** What one client has done with one key. */
export interface Operation {
  readonly client: number;
  readonly key: string;
  readonly input: Input;
  /** What came back; `undefined` where it is not known whether it happened. */
  output?: string | null;
  readonly call: number;
  /** `Infinity` where nothing came back. */
  end: number;
}

export type Input =
  | { readonly type: "put"; readonly value: string }
  /** Puts something behind what is there, and gives all. */
  | { readonly type: "append"; readonly value: string }
  | { readonly type: "cas"; readonly old: string | null; readonly value: string }
  | { readonly type: "get" };

/** One place of memory: what an operation gives, and what is there behind it. */
export function step(
  state: string | null,
  input: Input,
): [output: string | null, state: string | null] {
  switch (input.type) {
    case "put":
      return ["ok", input.value];
    case "append": {
      const value = (state ?? "") + input.value;
      return [value, value];
    }
    case "cas":
      return state === input.old ? ["ok", input.value] : ["no", state];
    case "get":
      return [state, state];
  }
}

interface Event {
  readonly operation: number;
  readonly isCall: boolean;
  previous: Event | null;
  next: Event | null;
  other: Event | null;
}

/**
 * Whether there is an order of the operations, each at some moment between its call and its end, in which memory would have answered so: the
 * search of Wing and Gong, with Lowe's memory of where it has been. Keys do not depend on each other, so each is looked at for itself.
 *
 * @returns the key that has no such order; `null` where all have.
 */
export function notLinearizable(history: readonly Operation[]): string | null {
  const keys = new Map<string, Operation[]>();
  for (const operation of history) {
    const of = keys.get(operation.key);
    if (of === undefined) keys.set(operation.key, [operation]);
    else of.push(operation);
  }
  for (const [key, operations] of keys) if (!hasOrder(operations)) return key;
  return null;
}

function hasOrder(all: readonly Operation[]): boolean {
  // A read of which nothing came back says nothing.
  const operations = all.filter(({ input, end }) => input.type !== "get" || end !== Infinity);
  const head = eventsOf(operations);
  const seen = new Set<string>();
  const chosen: { event: Event; state: string | null }[] = [];
  let done = 0n;
  let state: string | null = null;
  let event = head.next;
  while (head.next !== null) {
    if (event === null) throw new Error("every call has an end");
    if (!event.isCall) {
      // Somebody's end comes here, and nothing that is left can go before it: another choice.
      const last = chosen.pop();
      if (last === undefined) return false;
      state = last.state;
      done &= ~(1n << BigInt(last.event.operation));
      putBack(last.event);
      event = last.event.next;
      continue;
    }
    const { input, output, end } = operations[event.operation];
    const [would, after] = step(state, input);
    const key = `${(done | 1n << BigInt(event.operation)).toString(36)} ${after}`;
    if ((end === Infinity || would === output) && !seen.has(key)) {
      seen.add(key);
      chosen.push({ event, state });
      state = after;
      done |= 1n << BigInt(event.operation);
      takeOut(event);
      event = head.next;
    } else {
      event = event.next;
    }
  }
  return true;
}

function eventsOf(operations: readonly Operation[]): Event {
  const events: { at: number; order: number; event: Event }[] = [];
  for (const [i, { call, end }] of operations.entries()) {
    const begin: Event = { operation: i, isCall: true, previous: null, next: null, other: null };
    const finish: Event = { operation: i, isCall: false, previous: null, next: null, other: begin };
    begin.other = finish;
    events.push({ at: call, order: 0, event: begin }, { at: end, order: 1, event: finish });
  }
  // What ends at the moment at which another one begins was under way at the same time.
  events.sort((a, b) => a.at === b.at ? a.order - b.order : a.at - b.at);
  const head: Event = { operation: -1, isCall: false, previous: null, next: null, other: null };
  let last = head;
  for (const { event } of events) {
    last.next = event;
    event.previous = last;
    last = event;
  }
  return head;
}

function takeOut(call: Event): void {
  for (const event of [call, call.other!]) {
    event.previous!.next = event.next;
    if (event.next !== null) event.next.previous = event.previous;
  }
}

function putBack(call: Event): void {
  for (const event of [call.other!, call]) {
    event.previous!.next = event;
    if (event.next !== null) event.next.previous = event;
  }
}
