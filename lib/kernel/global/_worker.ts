import type { Core } from "../../node/core.ts";
import { Deadline } from "../../node/process/deadlines.ts";
import type { Body, Process } from "../../node/process/process.ts";

/** A process that a part of `global` acts as: others know it by its pid, for a lock belongs to a process. */
export class Worker implements Body {
  readonly _plain = true;
  readonly _essential = true;
  readonly process: Process;
  readonly #received: (message: unknown) => void;
  readonly #endings: Set<(error: Error) => void> = new Set();

  constructor(core: Core, received: (message: unknown) => void = () => {}) {
    this.#received = received;
    this.process = core.spawn(this);
  }

  _receive(message: unknown): void {
    this.#received(message);
  }

  terminate(): void {}

  _ended(): void {
    for (const ended of this.#endings) ended(this.process.gone("go on"));
    this.#endings.clear();
  }

  /** Calls `fn` where the process ends, which it does with its node only. */
  onEnd(fn: (error: Error) => void): void {
    this.#endings.add(fn);
  }
}

/** Messages that are taken one by one, or out of turn as by Erlang's selective `receive`. One taker at a time. */
export class Inbox<M> {
  readonly #core: Core;
  #messages: M[] = [];
  #taker: Taker<M> | null = null;
  #ended: Error | null = null;

  constructor(core: Core, worker: Worker) {
    this.#core = core;
    worker.onEnd((error) => {
      this.#ended = error;
      this.#taker?.fail(error);
    });
  }

  push(message: M): void {
    const taker = this.#taker;
    if (taker !== null && taker.matches(message)) taker.take(message);
    else this.#messages.push(message);
  }

  /** Takes all messages that are here and match. */
  drain(matches: (message: M) => boolean): M[] {
    const taken = this.#messages.filter(matches);
    if (taken.length > 0) this.#messages = this.#messages.filter((message) => !matches(message));
    return taken;
  }

  /**
   * Takes the first message that matches.
   *
   * @returns `null` where none came within `timeout` milliseconds.
   * @throws {ProcessExitedError} where the process has ended.
   */
  take(matches: (message: M) => boolean, timeout = Infinity): Promise<M | null> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const at = this.#messages.findIndex(matches);
    if (at >= 0) return Promise.resolve(this.#messages.splice(at, 1)[0]);
    return new Promise((resolve, reject) => {
      const taker = new Taker(matches, (settle) => {
        this.#taker = null;
        this.#core.clearDeadline(taker);
        settle(resolve, reject);
      });
      this.#taker = taker;
      this.#core.setDeadline(taker, timeout);
    });
  }
}

type Settle<M> = (resolve: (message: M | null) => void, reject: (error: Error) => void) => void;

class Taker<M> extends Deadline {
  readonly matches: (message: M) => boolean;
  readonly #end: (settle: Settle<M>) => void;

  constructor(matches: (message: M) => boolean, end: (settle: Settle<M>) => void) {
    super();
    this.matches = matches;
    this.#end = end;
  }

  take(message: M): void {
    this.#end((resolve) => resolve(message));
  }

  fail(error: Error): void {
    this.#end((_, reject) => reject(error));
  }

  override expired(): void {
    this.#end((resolve) => resolve(null));
  }
}
