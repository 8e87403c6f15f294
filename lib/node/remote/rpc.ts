import { type Atom, atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Pid, type Ref } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import type { AtomTerm } from "../../dist/control.ts";
import { NOCONNECTION, UNDEF } from "../atoms.ts";
import { CALL_TIMEOUT, type CallOptions, elixirHint } from "../call.ts";
import type { Core } from "../core.ts";
import { Deadline } from "../deadlines.ts";
import { CallTimeoutError, ExitError, NodeDownError, ProcessError } from "../errors.ts";
import type { Peer } from "./peer.ts";
import type { Process, Watcher } from "../process.ts";

const ERPC = tuple(atom("erpc"), atom("execute_call"), 4);
const MONITOR = atom("monitor");
const LINK = atom("link");

/** A function was called on another node and threw, or raised an error there. */
export class RpcError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "RpcError";
  /** Erlang's class: `error` or `throw`; an exit is an {@linkcode ExitError}. */
  readonly class: "error" | "throw";
  /** What was raised or thrown; `undef` where there is no such function. */
  readonly reason: Term;
  /** Erlang's stack trace, `[{Module, Function, Arity, Location}]`; empty for a throw. */
  readonly stacktrace: readonly Term[];

  /** @ignore @internal */
  constructor(what: string, kind: "error" | "throw", reason: Term, stacktrace: readonly Term[]) {
    const hint = reason === UNDEF ? elixirHint(what) : "";
    super(`${what} ended with ${kind} ${format(reason)}${hint}`);
    this.class = kind;
    this.reason = reason;
    this.stacktrace = stacktrace;
  }

  /** `{error, Reason}` or `{throw, Reason}`. */
  get exitReason(): Term {
    return tuple(atom(this.class), this.reason);
  }
}

/** Another node could not spawn, and said why. */
export class SpawnError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "SpawnError";
  /** As of Erlang's `spawn_request/5`: `notsup`, `badopt`, `system_limit`. */
  readonly reason: Term;

  /** @ignore @internal */
  constructor(node: string, reason: Term) {
    super(`Cannot spawn on ${node}: it answered ${format(reason)}`);
    this.reason = reason;
  }

  /** The same reason. */
  get exitReason(): Term {
    return this.reason;
  }
}

/** A request to another node with its deadline. */
abstract class Asking<T> extends Deadline {
  readonly promise: Promise<T>;
  protected readonly core: Core;
  protected readonly peer: Peer;
  readonly #options: CallOptions;
  protected readonly what: string;
  #settled = false;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor(core: Core, peer: Peer, what: string, options: CallOptions) {
    super();
    this.core = core;
    this.peer = peer;
    this.what = what;
    this.#options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    core.setDeadline(this, options.timeout ?? CALL_TIMEOUT);
    if (options.signal?.aborted) this.fail(options.signal.reason);
    else options.signal?.addEventListener("abort", this.#aborted);
  }

  get settled(): boolean {
    return this.#settled;
  }

  protected done(value: T): void {
    if (this.#end()) this.#resolve(value);
  }

  protected fail(error: unknown): void {
    if (this.#end()) this.#reject(error);
  }

  /** Sends the request, unless its signal had aborted before. What cannot be sent is the asker's error. */
  protected ask(send: () => void): this {
    if (this.#settled) return this;
    try {
      send();
    } catch (error) {
      this.fail(error);
    }
    return this;
  }

  /** The asker waits no longer. */
  protected giveUp(error: unknown): void {
    this.fail(error);
  }

  override expired(): void {
    this.giveUp(new CallTimeoutError(this.what, this.#options.timeout ?? CALL_TIMEOUT));
  }

  #aborted = (): void => this.giveUp(this.#options.signal!.reason);

  #end(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.core.clearDeadline(this);
    this.#options.signal?.removeEventListener("abort", this.#aborted);
    return true;
  }
}

/** Spawns on another node. */
class Spawning extends Asking<Pid> {
  start(
    from: Process,
    mfa: Tuple<[Atom, Atom, number]>,
    args: readonly Encodable[],
    link: boolean,
  ): this {
    const options = link ? [LINK] : [];
    return this.ask(() =>
      this.peer.spawn(from.pid, this.core.makeRef(), mfa, args, options, (result, cause) => {
        if (!(result instanceof Pid)) {
          return this.fail(spawnError(this.peer.name, result, cause));
        }
        if (link) this.#linked(from, result);
        this.done(result);
      })
    );
  }

  #linked(from: Process, pid: Pid): void {
    if (from.exited) this.peer.sendLinkExit(from.pid, pid, from.reason);
    else this.peer.addLink(from, pid);
  }
}

/** Calls a function on another node, as erpc does: it is spawned there, and its exit reason is the result. */
class Rpc extends Asking<Term> implements Watcher {
  #id: Ref | null = null;
  #res: Ref | null = null;

  start(from: Process, module: string, name: string, args: readonly Encodable[]): this {
    const id = this.#id = this.core.makeRef();
    const res = this.#res = this.core.makeRef();
    const call = [res, atom(module), atom(name), args];
    return this.ask(() =>
      this.peer.spawn(from.pid, id, ERPC, call, [MONITOR], (result, cause) => {
        if (!(result instanceof Pid)) {
          return this.fail(spawnError(this.peer.name, result, cause));
        }
        this.peer.expectDown(id, from.pid, result, this);
        if (this.settled) this.peer.demonitor(id);
      })
    );
  }

  down(reason: Term, cause?: Error): void {
    if (reason === NOCONNECTION) return this.fail(new NodeDownError(this.peer.name, { cause }));
    if (!isTuple(reason) || !this.#res!.equals(reason[0])) return this.fail(new ExitError(reason));
    const [, , value, stack] = reason;
    switch ((reason[1] as Atom).name) {
      case "return":
        return this.done(value);
      case "exit":
        return this.fail(new ExitError(value));
      case "throw":
        return this.fail(new RpcError(this.what, "throw", value, []));
      default:
        return this.fail(new RpcError(this.what, "error", value, isList(stack) ? stack : []));
    }
  }

  protected override giveUp(error: unknown): void {
    super.giveUp(error);
    this.peer.demonitor(this.#id!);
  }
}

function spawnError(node: string, result: AtomTerm, cause: Error | undefined): Error {
  return result === NOCONNECTION
    ? new NodeDownError(node, { cause })
    : new SpawnError(node, result);
}

/** See `Node.spawnRemote`. */
export function spawnRemote(
  core: Core,
  peer: Peer,
  from: Process,
  [module, name, args]: readonly [string, string, readonly Encodable[]],
  options: CallOptions & { readonly link: boolean },
): Promise<Pid> {
  const mfa = tuple(atom(module), atom(name), args.length) as Tuple<[Atom, Atom, number]>;
  const what = `spawn ${module}:${name}/${args.length} on ${peer.name}`;
  return new Spawning(core, peer, what, options).start(from, mfa, args, options.link).promise;
}

/** See `Node.rpc`. */
export function rpc(
  core: Core,
  peer: Peer,
  from: Process,
  [module, name, args]: readonly [string, string, readonly Encodable[]],
  options: CallOptions,
): Promise<Term> {
  const what = `${module}:${name}/${args.length} on ${peer.name}`;
  return new Rpc(core, peer, what, options).start(from, module, name, args).promise;
}
