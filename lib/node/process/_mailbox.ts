import { Queue } from "../../_util/queue.ts";
import { isMessage } from "./_ending.ts";
import { WithRare } from "./_rare.ts";

/**
 * What waits for a process in the ordinary way. Most processes have one message at a time, and of a million most have none: the first
 * is held in a field, and a queue is made where another one comes behind it.
 */
export abstract class WithMailbox extends WithRare {
  /** @internal The message that is next, unless it is in the queue: there it is where this is `undefined`. */
  _first: unknown = undefined;
  /** @internal What has come behind the first one. */
  _more: Queue<unknown> | null = null;

  /** @internal How many messages wait. */
  get _length(): number {
    return (this._first === undefined ? 0 : 1) + (this._more === null ? 0 : this._more.length);
  }

  /** @internal Puts something behind what waits. */
  _push(message: unknown): void {
    const more = this._more;
    if (more !== null) {
      if (this._first === undefined && more.length === 0) this._first = message;
      else more.push(message);
    } else if (this._first === undefined) {
      this._first = message;
    } else {
      (this._more = new Queue()).push(message);
    }
  }

  /** @internal Takes what has waited longest; `undefined` where nothing waits. */
  _take(): unknown {
    const first = this._first;
    if (first === undefined) return this._more === null ? undefined : this._more.shift();
    this._first = undefined;
    return first;
  }

  /** @internal Takes the message out that has waited longest, of those that somebody has sent. */
  _takeMessage(): unknown {
    return isMessage(this._first) && this._first !== undefined
      ? this._take()
      : this._more?.remove(isMessage);
  }

  /** @internal Puts messages before those that wait. */
  _putBefore(messages: unknown[]): void {
    if (this._first !== undefined) messages.push(this._first);
    this._first = undefined;
    (this._more ??= new Queue()).putBefore(messages);
  }

  /** @internal What waits, in its order. */
  *_waitingMessages(): IterableIterator<unknown> {
    if (this._first !== undefined) yield this._first;
    if (this._more !== null) yield* this._more;
  }

  /** @internal Gives back all that it holds. */
  _clear(): void {
    this._first = undefined;
    this._more = null;
  }
}
