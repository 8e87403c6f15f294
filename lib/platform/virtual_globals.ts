import type { Timer } from "./contract.ts";

/** What stands for the clock, the timers and the randomness of the code that runs in it. */
export interface VirtualScope {
  /** Milliseconds since some moment. */
  now(): number;
  /** Milliseconds since 1970 UTC. */
  systemTime(): number;
  /** At least 0, under 1. */
  random(): number;
  /** Fills the bytes with random ones. */
  fill(bytes: Uint8Array): void;
  /** Calls `fn` once, in the same scope. */
  setTimer(ms: number, fn: () => void): Timer;
  /** Calls `fn` when what runs now is done. */
  immediate(fn: () => void): Timer;
}

/** A timer of the virtual globals: what runtimes give for `setTimeout`, objects here and numbers there, does for both. */
class VirtualTimeout {
  #timer: Timer | null = null;
  readonly #id: number;
  readonly #start: () => Timer;
  readonly #forget: (id: number) => void;

  constructor(id: number, start: () => Timer, forget: (id: number) => void) {
    this.#id = id;
    this.#start = start;
    this.#forget = forget;
    this.refresh();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.#timer?.cancel();
    this.#timer = this.#start();
    return this;
  }

  close(): this {
    this.#timer?.cancel();
    this.#forget(this.#id);
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.#id;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

type Callback = (...args: unknown[]) => unknown;
type Holder = Record<string, unknown>;

/** The longest time of a timer; what is longer, or none, counts as 1 ms, as with the runtimes. */
const LONGEST = 2 ** 31 - 1;

/** By this `util.promisify` asks a function for what gives a promise. */
const PROMISED = Symbol.for("nodejs.util.promisify.custom");

/**
 * Puts virtual ones in place of the global `Date`, `Temporal.Now`, `Math.random`, timers, `performance.now`, `crypto.getRandomValues`,
 * `crypto.randomUUID` and `AbortSignal.timeout`, for code of which `scopeOf` knows the scope. All other code gets the real ones.
 *
 * @returns puts the real ones back.
 */
export function virtualGlobals(scopeOf: () => VirtualScope | null): () => void {
  const undo: (() => void)[] = [];
  const put = (holder: object, name: string, make: (real: never) => unknown): void => {
    const before = Object.getOwnPropertyDescriptor(holder, name);
    const real = (holder as Holder)[name];
    if (real === undefined) return;
    const value = make((typeof real === "function" ? real : undefined) as never);
    Object.defineProperty(holder, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: before?.enumerable ?? false,
    });
    undo.push(() => {
      if (before === undefined) delete (holder as Holder)[name];
      else Object.defineProperty(holder, name, before);
    });
  };

  put(globalThis, "Date", (real: DateConstructor) => virtualDate(real, scopeOf));
  // Who makes a date of the same class as another one gets the virtual clock too.
  put(Date.prototype, "constructor", () => Date);
  put(Math, "random", (real: () => number) => () => {
    const scope = scopeOf();
    return scope === null ? real() : scope.random();
  });
  put(performance, "now", (real: () => number) => () => {
    const scope = scopeOf();
    return scope === null ? real.call(performance) : scope.now();
  });
  put(crypto, "getRandomValues", (real: typeof crypto.getRandomValues) => (array: never) => {
    const scope = scopeOf();
    if (scope === null) return real.call(crypto, array);
    const { buffer, byteOffset, byteLength } = array as unknown as Uint8Array;
    scope.fill(new Uint8Array(buffer, byteOffset, byteLength));
    return array;
  });
  put(crypto, "randomUUID", (real: () => string) => () => {
    const scope = scopeOf();
    return scope === null ? real.call(crypto) : uuid(scope);
  });
  put(AbortSignal, "timeout", (real: (ms: number) => AbortSignal) => (ms: number) => {
    const scope = scopeOf();
    if (scope === null) return real.call(AbortSignal, ms);
    const controller = new AbortController();
    const late = (): void =>
      controller.abort(new DOMException("The operation timed out.", "TimeoutError"));
    scope.setTimer(duration(ms), late);
    return controller.signal;
  });
  putTimers(scopeOf, put);
  putTemporal(scopeOf, put);
  return () => {
    for (const one of undo.reverse()) one();
  };
}

function putTimers(
  scopeOf: () => VirtualScope | null,
  put: (holder: object, name: string, make: (real: never) => unknown) => void,
): void {
  const made: Map<number, VirtualTimeout> = new Map();
  let last = 1_000_000_000; // far from the numbers that a runtime gives
  const forget = (id: number): void => void made.delete(id);
  const add = (start: (id: number) => Timer): VirtualTimeout => {
    const id = ++last;
    const timeout = new VirtualTimeout(id, () => start(id), forget);
    made.set(id, timeout);
    return timeout;
  };
  put(
    globalThis,
    "setTimeout",
    (real: Callback) =>
      promisable(real, scopeOf, (fn: Callback, ms: unknown, ...args: unknown[]) => {
        const scope = scopeOf();
        if (scope === null) return real(fn, ms, ...args);
        return add((id) =>
          scope.setTimer(duration(ms), () => {
            forget(id);
            fn(...args);
          })
        );
      }),
  );
  put(
    globalThis,
    "setInterval",
    (real: Callback) => (fn: Callback, ms: unknown, ...args: unknown[]) => {
      const scope = scopeOf();
      if (scope === null) return real(fn, ms, ...args);
      return add(() => every(scope, Math.max(1, duration(ms)), () => fn(...args)));
    },
  );
  put(
    globalThis,
    "setImmediate",
    (real: Callback) =>
      promisable(real, scopeOf, (fn: Callback, ...args: unknown[]) => {
        const scope = scopeOf();
        if (scope === null) return real(fn, ...args);
        return add((id) =>
          scope.immediate(() => {
            forget(id);
            fn(...args);
          })
        );
      }),
  );
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) {
    put(globalThis, name, (real: Callback) => (timer: unknown) => {
      const ours = timer instanceof VirtualTimeout
        ? timer
        : typeof timer === "number" || typeof timer === "string"
        ? made.get(Number(timer))
        : undefined;
      if (ours === undefined) real(timer);
      else ours.close();
    });
  }
}

/** Has `util.promisify` make of it what it makes of the real one. */
function promisable<A extends readonly unknown[]>(
  real: Callback,
  scopeOf: () => VirtualScope | null,
  set: (fn: Callback, ...args: A) => unknown,
): unknown {
  const promised = (...args: A): unknown => {
    const custom = (real as unknown as Record<symbol, Callback | undefined>)[PROMISED];
    if (scopeOf() === null && custom !== undefined) return custom(...args);
    return new Promise((resolve) => void set(resolve, ...args));
  };
  return Object.assign(set, { [PROMISED]: promised });
}

/** What runtimes have of `Temporal.Now`, where they have it. */
interface TemporalNow {
  timeZoneId(): string;
}

interface Instant {
  toZonedDateTimeISO(zone: string): Record<string, () => unknown>;
}

function putTemporal(
  scopeOf: () => VirtualScope | null,
  put: (holder: object, name: string, make: (real: never) => unknown) => void,
): void {
  const { Temporal } = globalThis as unknown as {
    Temporal?: { Now: TemporalNow; Instant: { fromEpochMilliseconds(ms: number): Instant } };
  };
  if (Temporal === undefined) return;
  const { Now, Instant } = Temporal;
  const name = (what: string, make: (now: Instant, zone: string) => unknown): void =>
    put(Now, what, (real: Callback) => (zone?: string) => {
      const scope = scopeOf();
      if (scope === null) return real.call(Now, zone);
      const now = Instant.fromEpochMilliseconds(Math.trunc(scope.systemTime()));
      return make(now, zone ?? Now.timeZoneId());
    });
  name("instant", (now) => now);
  name("zonedDateTimeISO", (now, zone) => now.toZonedDateTimeISO(zone));
  for (const kind of ["PlainDateTime", "PlainDate", "PlainTime"]) {
    name(
      `${kind[0].toLowerCase()}${kind.slice(1)}ISO`,
      (now, zone) => now.toZonedDateTimeISO(zone)[`to${kind}`](),
    );
  }
}

/** Calls `fn` again and again. */
function every(scope: VirtualScope, ms: number, fn: () => void): Timer {
  const next = (): Timer =>
    scope.setTimer(ms, () => {
      timer = next();
      fn();
    });
  let timer = next();
  return { cancel: () => timer.cancel() };
}

function duration(ms: unknown): number {
  const number = Number(ms ?? 0);
  return number >= 0 && number <= LONGEST ? Math.trunc(number) : number > 0 ? 1 : 0;
}

function virtualDate(Real: DateConstructor, scopeOf: () => VirtualScope | null): unknown {
  const now = (): number => Math.trunc(scopeOf()?.systemTime() ?? Real.now());
  function VirtualDate(...args: unknown[]): unknown {
    if (new.target === undefined) return new Real(now()).toString();
    const made = new.target as unknown === VirtualDate ? Real : new.target;
    return Reflect.construct(Real, args.length === 0 ? [now()] : args, made as never);
  }
  const statics = { now, parse: Real.parse, UTC: Real.UTC };
  for (const [name, value] of Object.entries(statics)) {
    Object.defineProperty(VirtualDate, name, { value, configurable: true, writable: true });
  }
  Object.defineProperty(VirtualDate, "prototype", { value: Real.prototype, writable: false });
  Object.defineProperty(VirtualDate, "name", { value: "Date" });
  Object.defineProperty(VirtualDate, "length", { value: 7 });
  return VirtualDate;
}

/** A random identifier of version 4. */
function uuid(scope: VirtualScope): string {
  const bytes = new Uint8Array(16);
  scope.fill(bytes);
  bytes[6] = bytes[6] & 0x0f | 0x40;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [0, 8, 12, 16, 20].map((from, i) => hex.slice(from, [8, 12, 16, 20, 32][i])).join("-");
}
