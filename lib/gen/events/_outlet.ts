import { type Atom, atom } from "../../etf/atom.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Listener } from "./_feed.ts";

const EVENT = atom("event");
const DROPPED = atom("event_dropped");
const DOWN = atom("event_down");
const UP = atom("event_up");

/** What an outlet needs of its server. */
export interface OutletHome {
  /** Whether the connection with that node takes no more for now. Calls `flush` of its outlets when it does again. */
  isBusy(node: string): boolean;
  /** @returns whether it was taken. */
  sent(to: Pid, message: Encodable): boolean;
  /** It is told nothing more. */
  closed(outlet: Outlet): void;
  /** Values are lost for somebody who takes them too slowly. */
  losing(outlet: Outlet): void;
}

/** A subscriber that gets messages: a process of another node, or an Events server that hands them on. */
export class Outlet implements Listener {
  readonly pid: Pid;
  readonly ref: Ref;
  readonly event: string;
  monitor: Disposable | null = null;
  readonly #home: OutletHome;
  readonly #max: number;
  readonly #name: Atom;
  /** What waits until the node takes more. */
  #waiting: Term[] = [];
  #dropped = 0;
  /** What comes first, where it had to wait. */
  #up: number | null = null;

  constructor(home: OutletHome, pid: Pid, ref: Ref, event: string, max: number) {
    this.#home = home;
    this.pid = pid;
    this.ref = ref;
    this.event = event;
    this.#max = max;
    this.#name = atom(event);
  }

  /** The subscription is there, and so many values are kept. */
  up(size: number): void {
    if (!this.#send(UP, size)) this.#up = size;
  }

  value(term: Term): void {
    const waits = this.#waiting.length > 0 || this.#dropped > 0 || this.#up !== null ||
      this.#home.isBusy(this.pid.node);
    if (!waits && this.#send(EVENT, term)) return;
    this.#waiting.push(term);
    if (this.#waiting.length <= this.#max) return;
    this.#waiting.shift();
    if (this.#dropped++ === 0) this.#home.losing(this);
  }

  dropped(count: number): void {
    this.#dropped += count;
  }

  /** What waits is behind it in any case: nobody needs it any more. */
  ended(reason: Term): void {
    this.flush();
    const lost = this.#dropped + this.#waiting.length;
    this.#waiting = [];
    if (lost > 0) this.#send(DROPPED, lost);
    this.#send(DOWN, reason);
    this.#home.closed(this);
  }

  /** The node takes more. */
  flush(): void {
    while (!this.#home.isBusy(this.pid.node)) {
      if (this.#up !== null) {
        if (!this.#send(UP, this.#up)) return;
        this.#up = null;
      } else if (this.#dropped > 0) {
        if (!this.#send(DROPPED, this.#dropped)) return;
        this.#dropped = 0;
      } else if (this.#waiting.length > 0) {
        if (!this.#send(EVENT, this.#waiting[0])) return;
        this.#waiting.shift();
      } else {
        return;
      }
    }
  }

  #send(tag: Atom, value: Term): boolean {
    return this.#home.sent(this.pid, tuple(tag, this.ref, this.#name, value) as Term);
  }
}
