/** What happens to a node's network. */
export type NodeEvent =
  /** A connection with that node is up. */
  | { readonly type: "nodeup"; readonly node: string; readonly hidden: boolean }
  /** The connection with that node is gone; `reason` says why: "closed", "disconnected", "net_tick_timeout", "protocol", "lost". */
  | {
    readonly type: "nodedown";
    readonly node: string;
    readonly reason: string;
    readonly error?: Error;
  }
  /** A connection could not be made, or a peer was not let in. */
  | { readonly type: "refused"; readonly node: string; readonly error: Error }
  /** More waits to be sent to that node than its connection takes (`true`), or all of it is out (`false`). */
  | { readonly type: "busy"; readonly node: string; readonly busy: boolean };

/** Hands events to whoever listens. Nothing is kept for those who come later. */
export class Events<E> {
  #listeners: Set<Listening<E>> = new Set();

  emit(event: E): void {
    for (const listener of this.#listeners) listener.push(event);
  }

  /** The events from now on, until the loop is left, the signal aborts or the source is closed. Unread ones are kept for the reader. */
  listen(signal?: AbortSignal): AsyncIterableIterator<E> {
    const listening = new Listening<E>(() => this.#listeners.delete(listening));
    this.#listeners.add(listening);
    if (signal?.aborted) listening.close();
    else signal?.addEventListener("abort", () => listening.close(), { once: true });
    return listening;
  }

  close(): void {
    for (const listener of [...this.#listeners]) listener.close();
  }
}

class Listening<E> implements AsyncIterableIterator<E> {
  #events: E[] = [];
  #readers: ((result: IteratorResult<E>) => void)[] = [];
  #closed = false;
  #onClose: () => void;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  push(event: E): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ done: false, value: event });
    else this.#events.push(event);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<E>> {
    const event = this.#events.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<E>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
