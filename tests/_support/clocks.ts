import { clearInterval, setInterval } from "node:timers";
import type { Platform, Timer } from "../../lib/platform/contract.ts";

/** Milliseconds between two looks at the timers. */
const INTERVAL = 5;
/** The most milliseconds that pass between two looks at the clock. */
const STEP = 10;

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly keepsAlive: boolean;
  readonly fn: () => void;
}

/**
 * The clock and the timers of a platform, for tests that a busy machine may hold up: time in which the program was not let run does
 * not count. So whoever waits for an answer of this program gives up only where it had the time to give one. Where nothing holds the
 * program up, a millisecond is one.
 */
export function steadyClock(platform: Platform): Platform {
  const timers = new Set<Pending>();
  let [order, keepingAlive] = [0, 0];
  let [time, looked] = [0, platform.now()];
  let interval: ReturnType<typeof setInterval> | null = null;

  function now(): number {
    const real = platform.now();
    time += Math.min(real - looked, STEP);
    looked = real;
    return time;
  }
  function look(): void {
    const until = now();
    const due = [...timers].filter(({ at }) => at <= until)
      .sort((a, b) => a.at - b.at || a.order - b.order);
    for (const timer of due) if (remove(timer)) timer.fn();
  }
  function remove(timer: Pending): boolean {
    if (!timers.delete(timer)) return false;
    if (timer.keepsAlive && --keepingAlive === 0) unref();
    if (timers.size === 0 && interval !== null) {
      clearInterval(interval);
      interval = null;
    }
    return true;
  }
  function unref(): void {
    interval?.unref();
  }
  return {
    ...platform,
    now,
    setTimer(ms, fn, options): Timer {
      const timer = { at: now() + ms, order: order++, keepsAlive: options?.unref !== true, fn };
      timers.add(timer);
      interval ??= setInterval(look, INTERVAL);
      if (timer.keepsAlive) keepingAlive++;
      if (keepingAlive === 0) unref();
      else interval.ref();
      return { cancel: () => void remove(timer) };
    },
  };
}

/**
 * A platform whose milliseconds take as many times as long, for nodes whose peers are other threads or programs, which a busy machine may
 * hold up alone. For tests that wait for no time to pass, or hardly any.
 */
export function slowClock(platform: Platform, times = 10): Platform {
  return {
    ...platform,
    now: () => platform.now() / times,
    setTimer: (ms, fn, options) =>
      platform.setTimer(Math.min(ms * times, 2 ** 31 - 1), fn, options),
  };
}
