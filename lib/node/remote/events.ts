/**
 * What happens to a node's network.
 *
 * - `nodeup`: a connection with that node is up; `hidden` where one of its ends is.
 * - `nodedown`: it is gone. The reason is `"closed"` (by the peer), `"disconnected"` (by us), `"net_tick_timeout"` (nothing came for
 *   the tick time), `"protocol"` (what came was no message, or beyond a limit), `"overloaded"` (it took nothing while
 *   ever more had to be sent) or `"lost"` (the network broke it).
 * - `refused`: a connection could not be made, or a peer was not let in; the error says why. Of a peer that came to us there is its
 *   `address`, and `count` where it stands for several that came from there within a minute (the error is the last one's).
 * - `busy`: more waits to be sent to that node than its connection takes (`true`), or all of it is out (`false`). Nothing is dropped
 *   meanwhile, it waits in memory: whoever sends much should wait, see `node.sendReady`.
 */
export type NodeEvent =
  | { readonly type: "nodeup"; readonly node: string; readonly hidden: boolean }
  | {
    readonly type: "nodedown";
    readonly node: string;
    readonly reason: string;
    readonly error?: Error;
  }
  | {
    readonly type: "refused";
    /** "unknown" where it has not said its name. */
    readonly node: string;
    readonly error: Error;
    readonly address?: string;
    readonly count?: number;
  }
  | { readonly type: "busy"; readonly node: string; readonly busy: boolean };

/** Hands events to whoever listens. Nothing is kept for those who come later. */
export class Events<E> {
  #listeners: Set<{ push(event: E): void; close(): void }> = new Set();
  #closed = false;

  emit(event: E): void {
    for (const listener of this.#listeners) listener.push(event);
  }

  /**
   * The events from now on, until the loop is left, the signal aborts or the source is closed. Unread ones are kept for the reader.
   *
   * @param wanted which of them; all where it is left out.
   */
  listen(signal?: AbortSignal, wanted?: (event: E) => boolean): AsyncIterableIterator<E> {
    const listening = new Listening<E>(() => {
      this.#listeners.delete(listening);
      signal?.removeEventListener("abort", close);
    }, wanted);
    const close = (): void => listening.close();
    this.#listeners.add(listening);
    if (signal?.aborted || this.#closed) close();
    else signal?.addEventListener("abort", close);
    return listening;
  }

  /** Calls `fn` with each event at the moment it happens, in order with the signals of that peer, until disposed. It must not throw. */
  subscribe(fn: (event: E) => void): Disposable {
    const listener = { push: fn, close: () => void this.#listeners.delete(listener) };
    if (!this.#closed) this.#listeners.add(listener);
    return { [Symbol.dispose]: listener.close };
  }

  /** Ends every loop over the events, also those that begin later. */
  close(): void {
    this.#closed = true;
    for (const listener of [...this.#listeners]) listener.close();
  }
}

class Listening<E> implements AsyncIterableIterator<E> {
  #events: E[] = [];
  #readers: ((result: IteratorResult<E>) => void)[] = [];
  #closed = false;
  #onClose: () => void;
  #wanted: ((event: E) => boolean) | undefined;

  constructor(onClose: () => void, wanted?: (event: E) => boolean) {
    this.#onClose = onClose;
    this.#wanted = wanted;
  }

  push(event: E): void {
    if (this.#wanted !== undefined && !this.#wanted(event)) return;
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
    this.#events = []; // whoever leaves reads no more
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
