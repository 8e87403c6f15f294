import { type NoMatch, noMatch } from "../../etf/schema/no_match.ts";
import { type AnySchema, type Output, Schema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { NORMAL } from "../atoms.ts";
import { Call, Cast } from "../call.ts";
import { ProcessContext } from "./context.ts";
import { exit } from "../errors.ts";
import type { Node } from "../node.ts";
import type { Priority } from "./mailbox.ts";
import type { Body, ExitReason, Process, Undelivered } from "./process.ts";
import { Turn } from "./turn.ts";

/** How a process waits for a message. */
export interface ReceiveOptions {
  /** Milliseconds to wait; 0 takes only what has come already. Default: for ever. */
  readonly timeout?: number;
}

/** No message that was waited for came in time. The mailbox is as it was: whatever else came is still in it. */
export class ReceiveTimeoutError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "ReceiveTimeoutError";
  /** How many milliseconds it waited. */
  readonly timeout: number;

  /** @ignore @internal */
  constructor(timeout: number) {
    super(`Cannot receive: no message that matches came within ${timeout} ms`);
    this.timeout = timeout;
  }
}

/**
 * What a spawned function gets: its process, and its mailbox.
 *
 * The process ends with `normal` when the function is done, and crashes when it throws. Calls arrive as `{'$gen_call', From, Request}`.
 *
 * @example
 * ```ts
 * import { startNode, t } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * const pid = node.spawn(async (self) => {
 *   const [, name] = await self.receive(t.tagged("hello", t.text)); // other messages stay in the mailbox
 *   for await (const message of self) console.log(name, message);
 * });
 * node.register("greeter", pid);
 * // From Elixir: send({:greeter, :demo@localhost}, {:hello, "Zoë"})
 * await node.stopped;
 * ```
 */
export class Self extends ProcessContext implements AsyncIterable<Term> {
  #inbox: Inbox;

  /** @ignore @internal */
  constructor(inbox: Inbox) {
    super();
    this.#inbox = inbox;
  }

  /**
   * Takes the next message.
   *
   * @throws {ReceiveTimeoutError} where none came in time.
   * @throws {ProcessExitedError} where the process ends before, so that `finally` gives back what the function holds.
   */
  receive(options?: ReceiveOptions): Promise<Term>;
  /**
   * Takes the first message that the schema matches, parsed, as Erlang's selective `receive`; the others stay in the mailbox in
   * their order.
   *
   * @throws {ReceiveTimeoutError} where none came in time.
   * @throws {ProcessExitedError} where the process ends before, so that `finally` gives back what the function holds.
   */
  receive<S extends AnySchema>(schema: S, options?: ReceiveOptions): Promise<Output<S>>;
  receive(
    schemaOrOptions?: AnySchema | ReceiveOptions,
    options?: ReceiveOptions,
  ): Promise<unknown> {
    if (this._process.exited) return Promise.reject(this._process.gone("receive"));
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
    return exit(reason);
  }
}

function matches(schema: AnySchema | null, message: unknown): unknown | NoMatch {
  return schema === null ? message : schema.tryParse(message);
}

/** The types say so too; a program without them is told what to do. */
export function checkFunction(fn: unknown): void {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot spawn a process: a function is needed, ${typeof fn} came`);
  }
  // A class is a function that must not be called.
  if (fn.prototype instanceof ProcessContext) {
    throw new TypeError(
      `Cannot spawn ${fn.name}: it is a class, start it with node.start(${fn.name}, [...])`,
    );
  }
}

/** Starts a process that runs `fn` and ends when it is done. */
export function functionBody(
  node: Node,
  process: Process,
  fn: (self: Self) => unknown,
): Body {
  const inbox = new Inbox(process, fn);
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
      () => process.exit(NORMAL),
      (error) => process.crash(error),
    );
  }
}

/** A `receive` that waits. */
class Waiting extends Turn {
  readonly schema: AnySchema | null;
  readonly promise: Promise<unknown>;
  readonly timeout: number;
  #inbox: Inbox;
  #resolve!: (message: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(inbox: Inbox, schema: AnySchema | null, timeout: number) {
    super();
    this.#inbox = inbox;
    this.schema = schema;
    this.timeout = timeout;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  take(message: unknown): void {
    this.#resolve(message);
  }

  /** @param error may be nobody's fault: the function need not wait for this any more. */
  giveUp(error: Error): void {
    this.promise.catch(() => {});
    this.#reject(error);
  }

  /** The time is over; but what is in the mailbox by now came in time. */
  override expired(): void {
    this.#inbox.process.deliver(this);
  }

  run(): void {
    this.#inbox.tooLate(this);
  }
}

/** Messages that have come before others. */
interface UrgentMessages {
  readonly max: Term[];
  readonly high: Term[];
}

/** An urgent message on its way from the mailbox into an inbox. */
class UrgentMessage extends Turn implements Undelivered {
  readonly #inbox: Inbox;
  readonly #message: unknown;
  readonly #priority: "high" | "max";

  constructor(inbox: Inbox, message: unknown, priority: "high" | "max") {
    super();
    this.#inbox = inbox;
    this.#message = message;
    this.#priority = priority;
  }

  run(): void {
    this.#inbox._receive(this.#message, this.#priority);
  }

  undelivered(reason: Term): void {
    if (this.#message instanceof Call) this.#message.undelivered(reason);
  }
}

/** What every inbox begins with; it stays empty, and saves an eighth of a process that never receives. */
const NONE: never[] = [];

/** The messages of a process that asks for them. Calls and casts of this node turn into the terms that they stand for. */
class Inbox implements Body {
  readonly _plain = true;
  readonly process: Process;
  readonly #fn: (self: Self) => unknown;
  #messages: Term[] = NONE;
  /** How many at the beginning have been taken: to shift a long array costs as much as it is long. */
  #taken = 0;
  #waiting: Waiting[] = NONE;
  /** Urgent messages that nobody has taken yet, which go before the others. */
  #urgent: UrgentMessages | null = null;

  constructor(process: Process, fn: (self: Self) => unknown) {
    this.process = process;
    this.#fn = fn;
  }

  get _class(): string {
    return this.#fn.name || "function";
  }

  get _waiting(): number {
    const urgent = this.#urgent === null ? 0 : this.#urgent.max.length + this.#urgent.high.length;
    return this.#messages.length - this.#taken + urgent;
  }

  _dropOldest(): unknown {
    if (this.#taken === this.#messages.length) return undefined;
    const oldest = this.#messages[this.#taken];
    this.#remove(this.#taken);
    return oldest;
  }

  _urgent(message: unknown, priority: "high" | "max"): Turn {
    return new UrgentMessage(this, message, priority);
  }

  _receive(message: unknown, priority: Priority = "normal"): void {
    if (message instanceof Call) {
      if (message.done) return;
      this.process.keepCall(message);
      message = message.message();
    } else if (message instanceof Cast) {
      message = message.message();
    }
    for (let i = 0; i < this.#waiting.length; i++) {
      const waiting = this.#waiting[i];
      const taken = matches(waiting.schema, message);
      if (taken === noMatch) continue;
      this.#waiting.splice(i, 1);
      this.process.home.clearDeadline(waiting);
      return waiting.take(taken);
    }
    if (priority !== "normal") {
      return void (this.#urgent ??= { max: [], high: [] })[priority].push(message as Term);
    }
    if (this.#messages === NONE) this.#messages = [];
    this.#messages.push(message as Term);
  }

  take(schema: AnySchema | null, timeout: number): Promise<unknown> {
    try {
      if (this.#urgent !== null) {
        for (const list of [this.#urgent.max, this.#urgent.high]) {
          for (let i = 0; i < list.length; i++) {
            const taken = matches(schema, list[i]);
            if (taken === noMatch) continue;
            list.splice(i, 1);
            return Promise.resolve(taken);
          }
        }
      }
      const messages = this.#messages;
      for (let i = this.#taken; i < messages.length; i++) {
        const taken = matches(schema, messages[i]);
        if (taken === noMatch) continue;
        this.#remove(i);
        return Promise.resolve(taken);
      }
      const waiting = new Waiting(this, schema, timeout);
      this.process.home.setDeadline(waiting, timeout);
      if (this.#waiting === NONE) this.#waiting = [];
      this.#waiting.push(waiting);
      return waiting.promise;
    } catch (error) {
      return Promise.reject(error); // what gives a promise does not throw
    }
  }

  tooLate(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.giveUp(new ReceiveTimeoutError(waiting.timeout));
  }

  terminate(): void {}

  _ended(): void {
    for (const waiting of this.#waiting) {
      this.process.home.clearDeadline(waiting);
      waiting.giveUp(this.process.gone("receive"));
    }
    this.#waiting = NONE;
    this.#messages = NONE;
    this.#urgent = null;
  }

  #remove(at: number): void {
    const messages = this.#messages;
    if (at > this.#taken) {
      messages.splice(at, 1);
      return;
    }
    messages[at] = null; // not to be held
    this.#taken++;
    if (this.#taken === messages.length) {
      this.#messages = NONE;
    } else if (this.#taken >= 32 && this.#taken * 2 >= messages.length) {
      this.#messages = messages.slice(this.#taken);
    } else {
      return;
    }
    this.#taken = 0;
  }
}
