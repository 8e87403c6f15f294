import type { Platform } from "../platform/contract.ts";

/** A signal that can stop a node. */
export type SignalName = "SIGTERM" | "SIGINT";

const NUMBERS: Readonly<Record<SignalName, number>> = { SIGINT: 2, SIGTERM: 15 };
/** Milliseconds that a program has for itself, where its node has taken all the time that it may take. */
const REST = 1_000;
/** Who gives it more time than a timer takes has it wait for ever. */
const LONGEST_TIMER = 2_147_483_647;

/** The signals of the option `signals`. */
export function signalsOf(option: boolean | readonly SignalName[] = true): readonly SignalName[] {
  if (typeof option === "boolean") return option ? ["SIGTERM"] : [];
  const unknown = option.find((name) => !Object.hasOwn(NUMBERS, name));
  if (unknown === undefined) return option;
  throw new TypeError(
    `Cannot start a node with option signals: ${unknown} is none that stops it, there are SIGTERM and SIGINT`,
  );
}

/**
 * Stops the node at the first signal; the program then comes to its end by itself, with 0 unless it says otherwise. Where it does not, it is
 * ended when the time is over; by a second signal it is ended at once, as if nobody had listened.
 *
 * @param total milliseconds that the node has to stop.
 */
export function stopAtSignals(
  platform: Platform,
  names: readonly SignalName[],
  total: number,
  stop: () => Promise<void>,
): Disposable {
  let stopping = false;
  const signalled = (name: SignalName): void => {
    if (stopping) return platform.exit(128 + NUMBERS[name]);
    stopping = true;
    let stopped = false;
    platform.log("debug", `${name} came: the node stops`);
    const over = (): void => {
      const what = stopped ? "something else keeps it alive" : "its node has not stopped";
      platform.log("error", `The program is ended ${total + REST} ms after ${name}: ${what}`);
      platform.exit(stopped ? undefined : 1);
    };
    if (total + REST <= LONGEST_TIMER) platform.setTimer(total + REST, over, { unref: true });
    void stop().then(() => stopped = true);
  };
  const listening = names.map((name) => platform.onSignal(name, () => signalled(name)));
  return {
    [Symbol.dispose]: () => {
      for (const one of listening) one[Symbol.dispose]();
    },
  };
}
