import type { Pid } from "../etf/identifiers.ts";
import { isThenable } from "../_util/thenable.ts";
import { NORMAL } from "./atoms.ts";
import { checkReason, ProcessContext } from "./context.ts";
import { ExitError, exitReasonOf } from "./errors.ts";
import type { Node } from "./node.ts";
import type { Body, ExitReason, Process } from "./process.ts";
import { Turn } from "./turn.ts";

/** What `node.start` gives for a class of behaviours. */
export type RefOf<B extends Behaviour> = B["_refType"];

/**
 * A class whose instances are processes. `node.start(Class, args, options)` serves every behaviour.
 *
 * | method | is called |
 * | --- | --- |
 * | `init(...args)` | once, first; a promise delays the start |
 * | what the behaviour adds | one message at a time; the next is taken when the returned promise, if any, has settled |
 * | `terminate(reason)` | last, where the process ends in order or its code has thrown; not after an exit signal that is not trapped |
 */
export abstract class Behaviour extends ProcessContext implements Body {
  /** @internal The type of references to such processes. */
  declare readonly _refType: unknown;

  /** Sets up the state. What it takes is what `node.start` takes. A throw is the error of `start`. */
  init(..._args: never[]): unknown {
    return undefined;
  }

  /** Cleans up. The process ends when the returned promise, if any, has settled. */
  terminate(_reason: ExitReason): unknown {
    return undefined;
  }

  /** Ends this process in order, when the message that it handles is done. Default reason `normal`. */
  stop(reason: ExitReason = NORMAL): void {
    this._process.stop(checkReason(reason));
  }

  /** @internal Takes one message. */
  abstract _receive(message: unknown): unknown;

  /** @internal */
  abstract _reference(node: Node, pid: Pid): unknown;
}

/** @internal Makes an instance the body of its process; `init` runs as its first message. `started` is called once. */
export function behaviourBody(
  node: Node,
  process: Process,
  behaviour: Behaviour,
  args: readonly unknown[],
  started: (error: Error | null) => void,
): Body {
  behaviour._attach(node, process);
  process.deliver(new Init(process, behaviour, args, started));
  return behaviour;
}

class Init extends Turn implements Disposable {
  #process: Process;
  #behaviour: Behaviour;
  #args: readonly unknown[];
  #started: ((error: Error | null) => void) | null;

  constructor(
    process: Process,
    behaviour: Behaviour,
    args: readonly unknown[],
    started: (error: Error | null) => void,
  ) {
    super();
    this.#process = process;
    this.#behaviour = behaviour;
    this.#args = args;
    this.#started = started;
  }

  run(): unknown {
    let result: unknown;
    try {
      result = this.#behaviour.init(...this.#args as never[]);
    } catch (error) {
      return this.#failed(error);
    }
    if (!isThenable(result)) return this.#done(null);
    this.#process.own(this);
    return result.then(() => this.#done(null), (error) => this.#failed(error));
  }

  /** The process was ended while `init` was waiting. */
  [Symbol.dispose](): void {
    this.#done(new ExitError(this.#process.reason));
  }

  // As in OTP: a server whose init fails has nothing to terminate.
  #failed(error: unknown): void {
    const reason = exitReasonOf(error);
    this.#done(error instanceof ExitError ? error : new ExitError(reason, undefined, { cause: error }));
    this.#process.exit(reason);
  }

  #done(error: Error | null): void {
    this.#process.disown(this);
    const started = this.#started;
    this.#started = null;
    started?.(error);
  }
}
