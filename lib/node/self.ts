import { type NoMatch, noMatch } from "../etf/schema/no_match.ts";
import { type AnySchema, type Output, Schema } from "../etf/schema/schema.ts";
import type { Term } from "../etf/term.ts";
import { NORMAL } from "./atoms.ts";
import { Call, Cast } from "./call.ts";
import { checkReason, ProcessContext } from "./context.ts";
import { Deadline } from "./deadlines.ts";
import { exit } from "./errors.ts";
import type { Node } from "./node.ts";
import type { Body, ExitReason, Home, Process } from "./process.ts";
import { Turn } from "./turn.ts";

/** How a process waits for a message. */
export interface ReceiveOptions {
  /** Milliseconds to wait. Default: for ever. */
  readonly timeout?: number;
}

/** No message that was waited for came in time. */
export class ReceiveTimeoutError extends Error {
  override readonly name = "ReceiveTimeoutError";
  /** Milliseconds. */
  readonly timeout: number;

  constructor(timeout: number) {
    super(`Cannot receive: no message that matches came within ${timeout} ms`);
    this.timeout = timeout;
  }
}

/** What a spawned function gets: its process, and its mailbox. */
export class Self extends ProcessContext implements AsyncIterable<Term> {
  #inbox: Inbox;

  /** @internal */
  constructor(inbox: Inbox) {
    super();
    this.#inbox = inbox;
  }

  /**
   * Takes the next message, or with a schema the first one that matches; the others stay in the mailbox in their order.
   *
   * @throws {ReceiveTimeoutError} where none came in time.
   */
  receive(options?: ReceiveOptions): Promise<Term>;
  receive<S extends AnySchema>(schema: S, options?: ReceiveOptions): Promise<Output<S>>;
  receive(schemaOrOptions?: AnySchema | ReceiveOptions, options?: ReceiveOptions): Promise<unknown> {
    this._process.mustLive("receive");
    return schemaOrOptions instanceof Schema
      ? this.#inbox.take(schemaOrOptions, options?.timeout ?? Infinity)
      : this.#inbox.take(null, schemaOrOptions?.timeout ?? Infinity);
  }

  /** The messages one by one, until the loop is left or the process ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Term, void, undefined> {
    while (!this._process.exited) yield await this.receive();
  }

  /** Ends this process with that reason, at once: nothing after it runs. */
  stop(reason: ExitReason = NORMAL): never {
    return exit(checkReason(reason) as ExitReason);
  }
}

function matches(schema: AnySchema | null, message: unknown): unknown | NoMatch {
  return schema === null ? message : schema.tryParse(message);
}

/** Starts a process that runs `fn` and ends when it is done. */
export function functionBody(
  node: Node,
  process: Process,
  fn: (self: Self) => unknown,
): Body {
  const inbox = new Inbox(process);
  const self = new Self(inbox);
  self._attach(node, process);
  process.deliver(new Start(process, fn, self));
  return inbox;
}

class Start extends Turn {
  #process: Process;
  #fn: (self: Self) => unknown;
  #self: Self;

  constructor(process: Process, fn: (self: Self) => unknown, self: Self) {
    super();
    this.#process = process;
    this.#fn = fn;
    this.#self = self;
  }

  // The function may wait for messages, so its promise must not hold the mailbox.
  run(): void {
    const process = this.#process;
    Promise.resolve(this.#fn(this.#self)).then(
      () => process.stop(NORMAL),
      (error) => process.crash(error),
    );
  }
}

/** A `receive` that waits. */
class Waiting extends Deadline {
  readonly schema: AnySchema | null;
  readonly resolve: (message: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timeout: number;
  inbox: Inbox;

  constructor(
    inbox: Inbox,
    schema: AnySchema | null,
    timeout: number,
    resolve: (message: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super();
    this.inbox = inbox;
    this.schema = schema;
    this.timeout = timeout;
    this.resolve = resolve;
    this.reject = reject;
  }

  expired(): void {
    this.inbox.giveUp(this);
  }
}

/** The messages of a process that asks for them. Calls and casts of this node turn into the terms that they stand for. */
class Inbox implements Body {
  readonly _reports = false;
  #process: Process;
  #messages: Term[] = [];
  #waiting: Waiting[] = [];

  constructor(process: Process) {
    this.#process = process;
  }

  _receive(message: unknown): void {
    if (message instanceof Call) {
      if (message.done) return;
      this.#process.keepCall(message);
      message = message.message();
    } else if (message instanceof Cast) {
      message = message.message();
    }
    for (let i = 0; i < this.#waiting.length; i++) {
      const waiting = this.#waiting[i];
      const taken = matches(waiting.schema, message);
      if (taken === noMatch) continue;
      this.#waiting.splice(i, 1);
      this.#home.clearDeadline(waiting);
      waiting.resolve(taken);
      return;
    }
    this.#messages.push(message as Term);
  }

  take(schema: AnySchema | null, timeout: number): Promise<unknown> {
    for (let i = 0; i < this.#messages.length; i++) {
      const taken = matches(schema, this.#messages[i]);
      if (taken === noMatch) continue;
      if (i === 0) this.#messages.shift();
      else this.#messages.splice(i, 1);
      return Promise.resolve(taken);
    }
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(this, schema, timeout, resolve, reject);
      this.#waiting.push(waiting);
      this.#home.setDeadline(waiting, timeout);
    });
  }

  giveUp(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.reject(new ReceiveTimeoutError(waiting.timeout));
  }

  terminate(): void {}

  /** The function that waits here will never get a message: it is left to its `signal`, and to the garbage collector. */
  _ended(): void {
    for (const waiting of this.#waiting) this.#home.clearDeadline(waiting);
    this.#waiting = [];
    this.#messages = [];
  }

  get #home(): Home {
    return this.#process.home;
  }
}
