import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import type { ExitError } from "../../node/errors.ts";
import type { Self } from "../../node/process/self.ts";
import type { Task } from "./task.ts";
import { TaskTimeoutError } from "./task_timeout_error.ts";

/** How a stream of tasks runs them. */
export interface StreamOptions {
  /** How many run at a time. Default 8. */
  readonly maxConcurrency?: number;
  /**
   * Whether results come in the order of the elements, as they do by default. Those of later elements wait in memory meanwhile, while others are
   * begun. Else they come as they are done.
   */
  readonly ordered?: boolean;
  /** Milliseconds that each task may take; `Infinity` for any time. Default 5,000. */
  readonly timeout?: number;
  /**
   * What happens then: the loop throws {@linkcode TaskTimeoutError} and all tasks end (`"exit"`, the default), or that one is
   * killed, and its error is one of the results (`"kill_task"`).
   */
  readonly onTimeout?: "exit" | "kill_task";
}

/** What came of one element. */
export type StreamItem<I, T> =
  | { readonly ok: true; readonly input: I; readonly value: T }
  | { readonly ok: false; readonly input: I; readonly error: ExitError | TaskTimeoutError };

interface Slot<I, T> {
  readonly input: I;
  task: Task<T> | null;
  item: StreamItem<I, T> | null;
}

/**
 * Runs a function for each element, in tasks that `start` starts.
 *
 * @param more what `start` takes of the options.
 */
export async function* streamOf<I, T>(
  input: Iterable<I> | AsyncIterable<I>,
  start: (run: (self: Self) => T) => Task<Awaited<T>>,
  fn: (element: I, self: Self) => T,
  options: StreamOptions,
  more: Readonly<Record<string, true>> = {},
): AsyncGenerator<StreamItem<I, Awaited<T>>, void, undefined> {
  const { maxConcurrency = 8, ordered = true, timeout = 5_000, onTimeout = "exit" } = options;
  checkOptions(options, more);
  if (typeof fn !== "function") {
    throw new TypeError("Cannot run tasks: a function is needed, which is called for each element");
  }
  const source = iteratorOf(input);
  /** In the order of the elements; what is delivered is gone from it. */
  const slots = new Set<Slot<I, Awaited<T>>>();
  let running = 0;
  let pulling = false;
  let exhausted = false;
  let over = false;
  let failed: { readonly error: unknown } | null = null;
  let wake: () => void = () => {};

  const finish = (slot: Slot<I, Awaited<T>>, item: StreamItem<I, Awaited<T>>): void => {
    slot.item = item;
    slot.task = null;
    running--;
    wake();
  };
  const run = async (slot: Slot<I, Awaited<T>>): Promise<void> => {
    const { input } = slot;
    const task = slot.task = start((self) => fn(input, self));
    running++;
    const result = await task._within(timeout);
    if (result !== null) return finish(slot, { ...result, input });
    task._kill();
    const error = new TaskTimeoutError(timeout);
    if (onTimeout === "exit") failed ??= { error };
    finish(slot, { ok: false, input, error });
  };
  const pull = async (): Promise<void> => {
    pulling = true;
    try {
      const next = await source.next();
      if (over) return;
      if (next.done) {
        exhausted = true;
      } else {
        const slot = { input: next.value, task: null, item: null };
        slots.add(slot);
        run(slot).catch((error) => {
          failed ??= { error };
          wake();
        });
      }
    } catch (error) {
      exhausted = true;
      failed ??= { error };
    }
    pulling = false;
    wake();
  };

  try {
    for (;;) {
      if (failed !== null) throw (failed as { error: unknown }).error;
      if (!exhausted && !pulling && running < maxConcurrency) void pull();
      const slot = nextOf(slots, ordered);
      if (slot !== null) {
        slots.delete(slot);
        yield slot.item!;
      } else if (exhausted && slots.size === 0) {
        return;
      } else {
        await new Promise<void>((resolve) => wake = resolve);
      }
    }
  } finally {
    over = true;
    for (const { task } of slots) task?._kill();
    if (!exhausted && source.return !== undefined) {
      const left = Promise.resolve(source.return());
      if (pulling) left.catch(() => {}); // it may wait for the next element for ever
      else await left;
    }
  }
}

/** What can be delivered now. */
function nextOf<I, T>(slots: Set<Slot<I, T>>, ordered: boolean): Slot<I, T> | null {
  for (const slot of slots) {
    if (slot.item !== null) return slot;
    if (ordered) return null;
  }
  return null;
}

function iteratorOf<I>(input: Iterable<I> | AsyncIterable<I>): Iterator<I> | AsyncIterator<I> {
  const iterable = Object(input) as object;
  if (!(Symbol.asyncIterator in iterable) && !(Symbol.iterator in iterable)) {
    throw new TypeError("Cannot run tasks for that: an array, or another iterable, is needed");
  }
  return Symbol.asyncIterator in iterable
    ? (input as AsyncIterable<I>)[Symbol.asyncIterator]()
    : (input as Iterable<I>)[Symbol.iterator]();
}

const FIELDS: FieldsOf<StreamOptions> = {
  maxConcurrency: true,
  ordered: true,
  timeout: true,
  onTimeout: true,
};

function checkOptions(options: StreamOptions, more: Readonly<Record<string, true>>): void {
  checkFields("run a stream of tasks", options, { ...FIELDS, ...more });
  const { maxConcurrency = 1, timeout = 0, onTimeout = "exit" } = options;
  if (onTimeout !== "exit" && onTimeout !== "kill_task") {
    throw new TypeError(
      `Cannot run a stream of tasks with onTimeout ${onTimeout}: "exit" or "kill_task" is needed`,
    );
  }
  if (!(maxConcurrency >= 1)) {
    throw new RangeError(
      `Cannot run a stream of tasks with maxConcurrency ${maxConcurrency}: 1 or more is needed`,
    );
  }
  if (!(timeout >= 0)) {
    throw new RangeError(
      `Cannot run a stream of tasks with timeout ${timeout}: 0 or more is needed`,
    );
  }
}
