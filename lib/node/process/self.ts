import { isThenable } from "../../_util/thenable.ts";
import { noMatch } from "../../etf/schema/no_match.ts";
import { type AnySchema, type Output, Schema } from "../../etf/schema/schema.ts";
import type { Term } from "../../etf/term.ts";
import { NORMAL } from "../atoms.ts";
import { Call, Cast } from "../call.ts";
import { ProcessContext } from "./context.ts";
import { exit } from "../errors.ts";
import { Kept, matches, UrgentMessage } from "./_kept.ts";
import type { Node } from "../node.ts";
import type { Priority } from "./mailbox.ts";
import type { SpawnOptions } from "../core_options.ts";
import type { ExitReason, Process } from "./process.ts";
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
  readonly #fn: (self: Self) => unknown;
  /** What has come and nobody has asked for yet; made when there is some. */
  #kept: Kept | null = null;
  /** The receives that wait, the first of them. */
  #waiting: Waiting | null = null;

  /** @ignore @internal */
  constructor(fn: (self: Self) => unknown) {
    super();
    this.#fn = fn;
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
      ? this.#receive(schemaOrOptions, options?.timeout ?? Infinity)
      : this.#receive(null, schemaOrOptions?.timeout ?? Infinity);
  }

  /** The messages one by one, until the loop is left or the process ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Term, void, undefined> {
    while (!this._process.exited) yield await this.receive();
  }

  /** Ends this process with that reason, at once: nothing after it runs. */
  stop(reason: ExitReason = NORMAL): never {
    return exit(reason);
  }

  /** @ignore @internal */
  get _plain(): boolean {
    return true;
  }

  /** @ignore @internal */
  get _class(): string {
    return this.#fn.name || "function";
  }

  /** @ignore @internal */
  get _waiting(): number {
    return this.#kept === null ? 0 : this.#kept.length;
  }

  /** @ignore @internal */
  _dropOldest(): unknown {
    return this.#kept?.dropOldest();
  }

  /** @ignore @internal */
  _urgent(message: unknown, priority: "high" | "max"): Turn {
    return new UrgentMessage(this, message, priority);
  }

  /** @ignore @internal Calls and casts of this node turn into the terms that they stand for. */
  _receive(message: unknown, priority: Priority = "normal"): void {
    if (message instanceof Call) {
      if (message.done) return;
      this._process.keepCall(message);
      message = message.message();
    } else if (message instanceof Cast) {
      message = message.message();
    }
    for (let waiting = this.#waiting; waiting !== null; waiting = waiting.next) {
      const taken = matches(waiting.schema, message);
      if (taken === noMatch) continue;
      this.#unlink(waiting);
      if (waiting.timeout !== null) this._core.clearDeadline(waiting.timeout);
      return this.#settle(waiting, taken);
    }
    (this.#kept ??= new Kept()).push(message as Term, priority);
  }

  /** @ignore @internal Its time is over, and no message has come that it takes. */
  _tooLate(waiting: Waiting, ms: number): void {
    if (this.#unlink(waiting)) {
      this.#settle(waiting, failed(waiting.promise, new ReceiveTimeoutError(ms)));
    }
  }

  /** @ignore @internal */
  _ended(): void {
    for (let waiting = this.#waiting; waiting !== null; waiting = waiting.next) {
      if (waiting.timeout !== null) this._core.clearDeadline(waiting.timeout);
      waiting.resolve(failed(waiting.promise, this._process.gone("receive")));
    }
    this.#waiting = this.#kept = null;
  }

  /** @ignore @internal Runs the function, which may wait for messages: its promise must not hold the mailbox. */
  _run(): void {
    const result = this.#fn(this);
    if (!isThenable(result)) return this._process.exit(NORMAL);
    const waiting = this.#waiting;
    // One that only waits for a message has no need of anything else before that has come.
    if (waiting !== null && waiting.promise === result) waiting.isLast = true;
    else this.#endsWith(Promise.resolve(result));
  }

  #endsWith(promise: Promise<unknown>): void {
    const process = this._process;
    promise.then(() => process.exit(NORMAL), (error) => process.crash(error));
  }

  #receive(schema: AnySchema | null, timeout: number): Promise<unknown> {
    try {
      const kept = this.#kept;
      if (kept !== null && kept.length > 0) {
        const taken = kept.take(schema);
        if (taken !== noMatch) return Promise.resolve(taken);
      }
      const waiting = new Waiting(schema);
      if (timeout !== Infinity) {
        waiting.timeout = new ReceiveTimeout(this, waiting, timeout);
        this._core.setDeadline(waiting.timeout, timeout);
      }
      if (this.#waiting === null) this.#waiting = waiting;
      else lastOf(this.#waiting).next = waiting;
      return waiting.promise;
    } catch (error) {
      return Promise.reject(error); // what gives a promise does not throw
    }
  }

  #settle(waiting: Waiting, message: unknown): void {
    waiting.resolve(message);
    if (waiting.isLast) this.#endsWith(waiting.promise);
  }

  /** @returns whether it was waiting. */
  #unlink(waiting: Waiting): boolean {
    if (this.#waiting === waiting) {
      this.#waiting = waiting.next;
      return true;
    }
    for (let before = this.#waiting; before !== null; before = before.next) {
      if (before.next !== waiting) continue;
      before.next = waiting.next;
      return true;
    }
    return false;
  }
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
export function spawnFunction(
  node: Node,
  fn: (self: Self) => unknown,
  options?: SpawnOptions,
): Process {
  const self = new Self(fn);
  const process = node._core.spawn(self, options);
  self._attach(node, process);
  process.deliver(START);
  return process;
}

/** The first turn of every function's process. */
class Start extends Turn {
  run(process: Process): void {
    (process.body as Self)._run();
  }
}

const START = new Start();

/** How the constructor gets at the function of its promise without making a function of its own for each receive. */
let resolveMade: (message: unknown) => void;
function keepResolve(resolve: (message: unknown) => void): void {
  resolveMade = resolve;
}

/** A `receive` that waits. */
class Waiting {
  readonly schema: AnySchema | null;
  readonly promise: Promise<unknown>;
  readonly resolve: (message: unknown) => void;
  timeout: ReceiveTimeout | null = null;
  next: Waiting | null = null;
  /** Whether the process ends when this has settled. */
  isLast = false;

  constructor(schema: AnySchema | null) {
    this.schema = schema;
    this.promise = new Promise(keepResolve);
    this.resolve = resolveMade;
  }
}

function lastOf(waiting: Waiting): Waiting {
  while (waiting.next !== null) waiting = waiting.next;
  return waiting;
}

/** What a promise is resolved with that is to reject: nobody needs to wait for it any more. */
function failed(promise: Promise<unknown>, error: Error): Promise<never> {
  promise.catch(() => {});
  return Promise.reject(error);
}

/** The end of the time that a `receive` waits. */
class ReceiveTimeout extends Turn {
  readonly #self: Self;
  readonly #waiting: Waiting;
  readonly #ms: number;

  constructor(self: Self, waiting: Waiting, ms: number) {
    super();
    this.#self = self;
    this.#waiting = waiting;
    this.#ms = ms;
  }

  /** The time is over; but what is in the mailbox by now came in time. */
  override expired(): void {
    this.#self._process.deliver(this);
  }

  run(): void {
    this.#self._tooLate(this.#waiting, this.#ms);
  }
}
