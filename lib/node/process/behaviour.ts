import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isThenable } from "../../_util/thenable.ts";
import { NORMAL } from "../atoms.ts";
import { ProcessContext } from "./context.ts";
import { checkReason, ExitError, exitReasonOf, isProcessError, NameError } from "../errors.ts";
import { ignore, IgnoredError } from "./ignore.ts";
import type { Node } from "../node.ts";
import type { SpawnOptions } from "../core_options.ts";
import type { ExitReason, Process, Undelivered } from "./process.ts";
import type { Registration } from "./registration.ts";
import { checkLocal, localProcess } from "../referring.ts";
import { addressOf, describe, type Target } from "../target.ts";
import { Turn } from "./turn.ts";

/** What `node.start` gives for a class of behaviours. */
export type RefOf<B extends Behaviour> = B["_refType"];

/** What `node.start` gives for a class of behaviours where the process runs on a worker. */
export type PlacedRefOf<B extends Behaviour> = unknown extends B["_placedRefType"] ? Pid
  : B["_placedRefType"];

/**
 * A class whose instances are processes. `node.start(Class, args, options)` serves every behaviour.
 *
 * | method | is called |
 * | --- | --- |
 * | `init(...args)` | once, first; a promise delays the start |
 * | what the behaviour adds | one message at a time; the next is taken when the returned promise, if any, has settled |
 * | `terminate(reason)` | last, where the process ends in order or its code has thrown; not after an exit signal that is not trapped |
 */
export abstract class Behaviour extends ProcessContext {
  /** @ignore @internal The type of references to such processes. */
  declare readonly _refType: unknown;
  /** @ignore @internal The type of references to such processes on a worker. */
  declare readonly _placedRefType: unknown;

  /** @ignore @internal The process of this node that has that pid or name now. */
  static _refer(node: Node, target: Target): unknown {
    const { _core: core } = node;
    checkLocal(core, target, this.name);
    const { body: first, pid } = localProcess(core, target);
    const body = first._behind ?? first;
    if (body instanceof this) return body._reference(node, pid);
    throw new TypeError(
      `Cannot refer to ${describe(addressOf(target, core.global))}: it is no ${this.name}`,
    );
  }

  /**
   * Sets up the state. What it takes is what `node.start` takes.
   *
   * A promise delays the start, and with it the other messages, which wait. A throw makes `start` reject; `terminate` is not called then.
   * Where it returns {@linkcode ignore} the process does not want to run.
   */
  init(..._args: never[]): unknown {
    return undefined;
  }

  /**
   * Cleans up. The process ends when the returned promise, if any, has settled.
   *
   * As in OTP it is called where the process ends in order or its code has thrown. An exit signal ends a process without it, unless
   * {@linkcode ProcessContext.trapExit} is set and the signal comes from its parent, or from the node that stops.
   */
  terminate(_reason: ExitReason): unknown {
    return undefined;
  }

  /**
   * The state as Erlang's `sys:get_state` and `sys:get_status`, observer, and {@linkcode sys.getState} show it: OTP's `format_status`.
   *
   * Any node of the cluster may ask for it. Default: the fields that the instance has of its own and that are public; what is
   * `#private` cannot be seen from outside, so a class that keeps its state there says here what is to be shown, and leaves secrets out.
   *
   * @returns a term, or a plain object, which is shown as a map with its names as atoms. What in it is no term is shown as a text.
   */
  formatState(): unknown {
    return { ...this };
  }

  /**
   * Takes another state in the place of the one that it has, for {@linkcode sys.replaceState}. A class without this method refuses.
   *
   * @param state what the function has made of the state as `formatState` shows it.
   */
  replaceState?(state: unknown): void;

  /** @ignore @internal How sys names this kind of server. */
  get _system(): { readonly module: string; readonly title: string } {
    return GENERIC_SERVER;
  }

  /** @ignore @internal Whether it tells sys of events of its own, in place of the messages that it gets. */
  get _ownEvents(): boolean {
    return false;
  }

  /** @ignore @internal Replaces several states for sys, each for itself, where that is not one. */
  _replaceStates?(fun: (state: Term) => unknown): void;

  /** @ignore @internal Its `terminate` was called, while sys has something switched on for it. */
  _terminated?(reason: Term): void;

  /** @ignore @internal What `sys:get_status` shows behind the header, where it is not what a generic server shows. */
  _statusItems?(state: Term, parent: Term, events: readonly Term[]): readonly unknown[];

  /** Ends this process in order, when the message that it handles is done; those that wait are not handled any more. Default reason `normal`. */
  stop(reason: ExitReason = NORMAL): void {
    this._process.stop(checkReason(reason));
  }

  /**
   * @ignore @internal What `init` has returned, before whoever starts the process is told: a throw, or a rejection of the promise that
   * it may return, makes the start fail.
   */
  _initialized(_result: unknown): unknown {
    return undefined;
  }

  /** @ignore @internal The process has started, and no other message has been handled: a promise holds the mailbox, a throw is a crash. */
  _begun(): unknown {
    return undefined;
  }

  /** @ignore @internal Takes one message. */
  abstract _receive(message: unknown): unknown;

  /** @ignore @internal */
  abstract _reference(node: Node, pid: Pid): unknown;
}

/** @internal The types say so too; a program without them is told what to do. */
export function checkStart(behaviour: unknown, args: unknown): void {
  if (typeof behaviour !== "function" || !(behaviour.prototype instanceof Behaviour)) {
    throw noClass(behaviour);
  }
  if (!Array.isArray(args)) throw noArgs(behaviour.name);
}

function noClass(behaviour: unknown): TypeError {
  if (behaviour instanceof Behaviour) {
    const { name } = behaviour.constructor;
    return new TypeError(
      `Cannot start an instance of ${name}: the class is needed, node.start(${name}, [...])`,
    );
  }
  if (typeof behaviour !== "function") {
    return new TypeError(`Cannot start a process: a class is needed, ${typeof behaviour} came`);
  }
  return new TypeError(
    `Cannot start ${
      behaviour.name || "a function"
    }: it is no class that extends GenServer or another behaviour, use node.spawn for a function`,
  );
}

/** @internal */
export function checkArgs(name: string, args: unknown): void {
  if (!Array.isArray(args)) throw noArgs(name);
}

function noArgs(name: string): TypeError {
  return new TypeError(
    `Cannot start ${name}: what init takes is needed as an array, [] for nothing`,
  );
}

const GENERIC_SERVER = { module: "gen_server", title: "Status for generic server" };

/** @internal Starts an instance's process; `init` runs as its first message. `started` is called once. */
export function spawnBehaviour(
  node: Node,
  behaviour: Behaviour,
  args: readonly unknown[],
  started: (error: Error | null) => void,
  options?: SpawnOptions,
  registration: Registration | null = null,
): Process {
  const process = node._core.spawn(behaviour, options);
  behaviour._attach(node, process);
  process.deliver(new Init(process, behaviour, args, started, registration));
  return process;
}

/** @internal Runs the `init` of a behaviour as its process's first message. */
export class Init extends Turn implements Undelivered {
  #process: Process;
  #behaviour: Behaviour;
  #args: readonly unknown[];
  #started: ((error: Error | null) => void) | null;
  #registration: Registration | null;

  constructor(
    process: Process,
    behaviour: Behaviour,
    args: readonly unknown[],
    started: (error: Error | null) => void,
    registration: Registration | null,
  ) {
    super();
    this.#process = process;
    this.#behaviour = behaviour;
    this.#args = args;
    this.#started = started;
    this.#registration = registration;
  }

  run(): unknown {
    if (this.#registration === null) return this.#init();
    let registered: unknown;
    try {
      registered = this.#registration.register(this.#process);
    } catch (error) {
      return this.#nameless(error);
    }
    if (!isThenable(registered)) return this.#init();
    return registered.then(() => this.#init(), (error) => this.#nameless(error));
  }

  #init(): unknown {
    let result: unknown;
    try {
      result = this.#behaviour.init(...this.#args as never[]);
    } catch (error) {
      return this.#failed(error);
    }
    if (!isThenable(result)) return this.#done(result);
    return Promise.resolve(result).then(
      (value) => this.#done(value),
      (error) => this.#failed(error),
    );
  }

  /** The process was ended before `init` had begun, or while it was waiting. */
  undelivered(reason: Term): void {
    this.#tell(new ExitError(reason));
  }

  #done(result: unknown): unknown {
    const { stopping, exited } = this.#process;
    if (exited) return undefined;
    if (stopping !== null) return this.#failed(new ExitError(stopping.reason)); // as {stop, Reason} of Erlang's init
    if (result === ignore) {
      return this.#failed(new IgnoredError(this.#behaviour.constructor.name));
    }
    let ready: unknown;
    try {
      ready = this.#behaviour._initialized(result);
    } catch (error) {
      return this.#failed(error);
    }
    if (!isThenable(ready)) return this.#begin();
    return Promise.resolve(ready).then(() => this.#begin(), (error) => this.#failed(error));
  }

  #begin(): unknown {
    if (this.#process.exited) return undefined;
    this.#tell(null);
    return this.#behaviour._begun();
  }

  /** As in OTP: whoever starts a server under a name that is taken is told; its links are not. */
  #nameless(error: unknown): void {
    this.#tell(error instanceof Error ? error : new NameError(String(error)));
    this.#process.exit(NORMAL);
  }

  // As in OTP: a server whose init fails has nothing to terminate.
  #failed(error: unknown): void {
    const reason = exitReasonOf(error);
    this.#tell(
      isProcessError(error) && error instanceof ExitError
        ? error
        : new ExitError(reason, this.#why(error), { cause: error }),
    );
    this.#process.exit(reason);
  }

  /** In words: the reason, with its stack, is for logs and other nodes. */
  #why(error: unknown): string {
    const name = this.#behaviour.constructor.name || "a process";
    if (!(error instanceof Error)) return `Cannot start ${name}: it has thrown ${String(error)}`;
    const { message } = error;
    return message.startsWith("Cannot start ")
      ? message
      : `Cannot start ${name}: ${error.name}: ${message}`;
  }

  #tell(error: Error | null): void {
    const started = this.#started;
    this.#started = null;
    started?.(error);
  }
}
