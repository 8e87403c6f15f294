import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  exit,
  ExitError,
  type ExitReason,
  format,
  GenServer,
  isTuple,
  type Node,
  on,
  type Pid,
  t,
  type Term,
  tuple,
} from "../../mod.ts";
import { type Lone, nodeTest } from "../node/_nodes.ts";

/** A number that requests change. */
export class Counter extends GenServer {
  #count = 0;
  override init(count = 0): void {
    this.#count = count;
  }
  override readonly calls = {
    add: on(t.integer, (n) => this.#count += n),
    get: () => this.#count,
  };
  override readonly casts = {
    add: on(t.integer, (n) => {
      this.#count += n;
    }),
    reset: () => {
      this.#count = 0;
    },
  };
}

/** Something that a test settles when it wants to. */
export interface Gate<T = void> {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
  readonly fail: (error: unknown) => void;
}

export function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

/** The same test where local messages are passed by reference, and where they are as another node would send them. */
export function bothWays(title: string, body: (lone: Lone) => unknown): void {
  nodeTest(title, body);
  nodeTest(`${title}, also as another node sends it`, body, { copyMessages: true });
}

/** What a promise is rejected with; it must be. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`it was not to succeed, but gave ${String(value)}`);
}

/** What a function throws, or its promise is rejected with; it must fail. */
export function failureOf(fn: () => unknown): Promise<unknown> {
  return failure(Promise.resolve().then(fn));
}

/** The reason of the exit that a promise is rejected with. */
export async function exitReason(promise: Promise<unknown>): Promise<Term> {
  const error = await failure(promise);
  if (!(error instanceof ExitError)) throw error;
  return error.reason;
}

/** Fails unless the promise is a call that was refused, with that path and words in its message. */
export async function assertRefused(
  promise: Promise<unknown>,
  path: Term[],
  words: string | RegExp,
): Promise<void> {
  const reason = await exitReason(promise);
  assert(isTuple(reason), format(reason));
  assertStrictEquals(reason[0], atom("bad_request"));
  assertEquals(reason[1], path);
  const message = String(reason[2]);
  assert(typeof words === "string" ? message.includes(words) : words.test(message), message);
}

/** Fails unless the reason is `{{js_error, Name, Message}, Stack}`. */
export function assertJsError(reason: Term, name: string, message: string): void {
  assert(isTuple(reason) && reason.length === 2, format(reason));
  const [error, stack] = reason;
  assert(isTuple(error) && error.length === 3);
  assertStrictEquals(error[0], atom("js_error"));
  assertEquals([String(error[1]), String(error[2])], [name, message]);
  assert(String(stack).includes("_servers") || String(stack).includes(".test."), String(stack));
}

/** A call without the types, as a program makes it that knows less than the compiler. */
export function untyped(
  ref: unknown,
): {
  call(name: string, ...args: unknown[]): Promise<unknown>;
  cast(name: string, ...args: unknown[]): void;
} {
  return ref as never;
}

/** What a node has logged. */
export function logs({ platform }: Lone): string[] {
  return platform.logs.map(({ message }) => message);
}

/** Sends `{'$gen_call', {Pid, Tag}, Request}` by hand from a process, and gives what comes back there. */
export function callByHand(
  node: Node,
  target: Pid,
  request: Encodable,
  tag: Encodable,
): Promise<Term> {
  return new Promise((resolve, reject) => {
    node.spawn(async (self) => {
      const from = term(self.pid, tag);
      self.send(target, term(atom("$gen_call"), from, request));
      await self.receive().then(resolve, reject);
    });
  });
}

/** A tuple of what a program writes, as an argument or a message. */
export function term(...elements: readonly Encodable[]): Encodable {
  return tuple(...elements) as unknown as Encodable;
}

/** A tuple of terms, as a term. */
export function pair(...elements: Term[]): Term {
  return tuple(...elements) as unknown as Term;
}

/** Writes down what it is terminated with. */
export class Ending extends GenServer {
  #log: Term[] = [];
  #how: () => unknown = () => {};
  override init(log: Term[], how: () => unknown = () => {}, trapExit = false): void {
    this.#log = log;
    this.#how = how;
    this.trapExit = trapExit;
  }
  override readonly calls = {
    stop: on(t.term, (reason) => this.stop(reason as ExitReason)),
    throw: () => {
      throw new Error("crash");
    },
    exit: () => exit(atom("boom")),
    later: async () => {
      await Promise.resolve();
      exit(atom("boom"));
    },
  };
  override handleInfo(message: Term): void {
    this.#log.push(message);
  }
  override terminate(reason: ExitReason): unknown {
    this.#log.push(pair(atom("terminate"), reason));
    return this.#how();
  }
}

/** What such a server writes down. */
export function terminated(reason: Term): Term {
  return pair(atom("terminate"), reason);
}
