import type { AnySchema, Input } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { NORMAL } from "../../node/atoms.ts";
import type { Core } from "../../node/core.ts";
import { checkReason } from "../../node/errors.ts";
import type { ExitReason, Process } from "../../node/process/process.ts";
import type { EventType } from "./event.ts";
import type { Feed } from "./_feed.ts";

/** How an event is published. */
export interface EventOptions {
  /** How many values are kept for those who subscribe later, who get them first. Default 0. */
  readonly buffer?: number;
  /** Whether the owner gets messages `{event_start, Name}` when the first subscriber comes, and `{event_stop, Name}` when the last has gone. Default false. */
  readonly notify?: boolean;
  /** Runs in the owner, as a message would, when the first subscriber comes: time to begin with what is to be published. */
  readonly onStart?: () => unknown;
  /** Runs in the owner, as a message would, when the last subscriber has gone. */
  readonly onStop?: () => unknown;
}

/**
 * The right to publish an event: whoever has this value publishes, and nobody else. It may be handed to others in the program.
 *
 * The event ends with its owner, with the server of events, or when this is closed or disposed.
 */
export class Publisher<S extends AnySchema> implements Disposable {
  /** What is published. */
  readonly event: EventType<S>;
  readonly #owner: Process;
  readonly #feed: Feed;
  readonly #ended: (reason: Term) => void;
  #open = true;
  #published = 0;

  /** @ignore @internal */
  constructor(
    event: EventType<S>,
    owner: Process,
    feed: Feed,
    ended: (reason: Term) => void,
  ) {
    this.event = event;
    this.#owner = owner;
    this.#feed = feed;
    this.#ended = ended;
  }

  /** Whether it can be published. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** How many subscribers there are; those of another node that is ours count as one. */
  get subscribers(): number {
    return this.#feed.listeners.size;
  }

  /** How many values were published. */
  get published(): number {
    return this.#published;
  }

  /**
   * Publishes a value: every subscriber gets it, each in the order of publishing. Returns at once.
   *
   * @returns how many subscribers there are.
   * @throws {SchemaError} if it is not what the event's schema takes.
   * @throws {Error} if the event has ended.
   */
  publish(value: Input<S>): number {
    if (!this.#open) {
      throw new Error(
        `Cannot publish event ${this.event.name}: it has ended, register it again`,
      );
    }
    const { schema } = this.event;
    const term = schema.toTerm(value);
    schema.parse(term);
    this.#published++;
    const core = this.#owner.home as Core;
    this.#feed.push(core.copyMessages ? core.copy(term, this.#owner.pid) : term as Term);
    return this.#feed.listeners.size;
  }

  /** Ends the event: subscribers get `down` with the reason, by default `normal`. Idempotent. */
  close(reason: ExitReason = NORMAL): void {
    this._end(checkReason(reason));
  }

  /** The same as {@linkcode Publisher.close}; at the end of its owner with the owner's reason. */
  [Symbol.dispose](): void {
    this._end(this.#owner.exited ? this.#owner.reason : NORMAL);
  }

  /** @ignore @internal */
  _end(reason: Term): void {
    if (!this.#open) return;
    this.#open = false;
    this.#owner.disown(this);
    this.#ended(reason);
    this.#feed.end(reason);
  }
}
