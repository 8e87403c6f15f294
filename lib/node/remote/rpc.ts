import { type Atom, atom } from "../../etf/atom.ts";
import { Pid, type Ref } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { type Asked, executeCall, executeCast } from "../provided/apply.ts";
import { NOCONNECTION } from "../atoms.ts";
import type { CallOptions } from "../call.ts";
import type { Core } from "../core.ts";
import { CallTimeoutError, ExitError, NodeDownError } from "../errors.ts";
import type { Node } from "../node.ts";
import type { Process, Watcher } from "../process/process.ts";
import { Asking } from "./_asking.ts";
import type { Peer } from "./peer.ts";
import { RpcError, SpawnError } from "./rpc_error.ts";

const ERPC = atom("erpc");
const CALL = tuple(ERPC, atom("execute_call"), 4);
const CAST = tuple(ERPC, atom("execute_cast"), 3);
const TIMEOUT = atom("timeout");
const MONITOR = atom("monitor");
const LINK = atom("link");

/** A function and its arguments. */
export type Mfa = readonly [module: string, name: string, args: readonly Encodable[]];

/**
 * What is to run, of what somebody gave.
 *
 * @throws {TypeError} if it is not the names of a module and a function, and arguments in an array.
 */
export function mfaOf(module: string, name: string, args: readonly Encodable[]): Mfa {
  if (typeof module === "string" && typeof name === "string" && Array.isArray(args)) {
    return [module, name, args];
  }
  throw new TypeError(
    "Cannot run a function elsewhere: the names of its node, module and function are needed, as strings, and its arguments as an array",
  );
}

/** What came of a call on one of several nodes. */
export type MulticallResult =
  | { readonly node: string; readonly ok: true; readonly value: Term }
  | { readonly node: string; readonly ok: false; readonly error: Error };

/** Spawns on another node. */
class Spawning extends Asking<Pid> {
  start(peer: Peer, from: Process, [module, name, args]: Mfa, link: boolean): this {
    const mfa = tuple(atom(module), atom(name), args.length) as Tuple<[Atom, Atom, number]>;
    return this.ask(() =>
      peer.spawn(from.pid, this.core.makeRef(), mfa, args, link ? [LINK] : [], (result, cause) => {
        if (!(result instanceof Pid)) return this.fail(notSpawned(peer.name, result, cause));
        if (link && from.exited) peer.sendLinkExit(from.pid, result, from.reason);
        else if (link && this.settled) peer.abandon(from.pid, result);
        else if (link) peer.links.add(from, result, false);
        this.done(result);
      })
    );
  }
}

/** Calls a function as erpc does: a process is spawned for it, and its exit reason is the result. */
abstract class Rpc extends Asking<Term> implements Watcher {
  protected readonly res: Ref = this.core.makeRef();
  readonly #node: string;
  readonly #timeout: number | undefined;

  constructor(core: Core, node: string, [module, name, args]: Mfa, options: CallOptions) {
    super(core, `${module}:${name}/${args.length} on ${node}`, options);
    this.#node = node;
    this.#timeout = options.timeout;
  }

  /** The process has ended: what came of the call, or why there is nothing. */
  down(reason: Term): void {
    if (!isTuple(reason) || !this.res.equals(reason[0])) return this.fail(new ExitError(reason));
    const [, kind, value, stack] = reason;
    switch (isTuple(reason) && reason.length >= 3 ? (kind as Atom | null)?.name : undefined) {
      case "return":
        return this.done(value);
      case "exit":
        return this.fail(new ExitError(value));
      case "throw":
        return this.fail(new RpcError(this.what, "throw", value, []));
      case "error":
        if (reason.length === 3) return this.fail(this.#ofErpc(value));
        return this.fail(new RpcError(this.what, "error", value, isList(stack) ? stack : []));
      default:
        return this.fail(new ExitError(reason));
    }
  }

  /** `{erpc, Reason}`: the call itself went wrong, not the function. */
  #ofErpc(error: Term): Error {
    const reason = isTuple(error) && error.length === 2 && error[0] === ERPC ? error[1] : error;
    if (reason === NOCONNECTION) return new NodeDownError(this.#node);
    if (reason === TIMEOUT) return new CallTimeoutError(this.what, this.#timeout ?? 0);
    return new SpawnError(this.#node, reason);
  }
}

class RemoteRpc extends Rpc {
  readonly #peer: Peer;
  readonly #id: Ref = this.core.makeRef();

  constructor(core: Core, peer: Peer, mfa: Mfa, options: CallOptions) {
    super(core, peer.name, mfa, options);
    this.#peer = peer;
  }

  start(from: Process, [module, name, args]: Mfa): this {
    const call = [this.res, atom(module), atom(name), args];
    return this.ask(() =>
      this.#peer.spawn(from.pid, this.#id, CALL, call, [MONITOR], (result, cause) => {
        if (!(result instanceof Pid)) return this.fail(notSpawned(this.#peer.name, result, cause));
        this.#peer.expectDown(this.#id, from.pid, result, this);
        if (this.settled) this.#peer.demonitor(this.#id);
      })
    );
  }

  override down(reason: Term, cause?: Error): void {
    if (reason === NOCONNECTION) this.fail(new NodeDownError(this.#peer.name, { cause }));
    else super.down(reason);
  }

  protected override giveUp(error: unknown): void {
    super.giveUp(error);
    this.#peer.demonitor(this.#id);
  }
}

/** A call on this very node, which runs what is provided, as on any other. */
class LocalRpc extends Rpc {
  #process: Process | null = null;

  start(node: Node, mfa: Mfa): this {
    return this.ask(() => {
      const asked = askedHere(node, mfa);
      const process = node._spawn(async (self) =>
        self._process.exit(await executeCall(node, self, null, this.res, asked))
      );
      this.#process = process;
      process.addWatcher(this);
    });
  }

  protected override giveUp(error: unknown): void {
    super.giveUp(error);
    this.#process?.removeWatcher(this);
  }
}

/** What is asked of this node, as a process here would get it. */
function askedHere(node: Node, [module, name, args]: Mfa): Asked {
  const core = node._core;
  const list = core.copyMessages ? core.copy(args, node.pid) : [...args] as Term[];
  return { module: atom(module), name: atom(name), args: list };
}

function notSpawned(node: string, result: Term, cause: Error | undefined): Error {
  return result === NOCONNECTION
    ? new NodeDownError(node, { cause })
    : new SpawnError(node, result);
}

/** See `Node.spawnRemote`. */
export function spawnRemote(
  core: Core,
  peer: Peer,
  from: Process,
  mfa: Mfa,
  options: CallOptions & { readonly link: boolean },
): Promise<Pid> {
  const [module, name, args] = mfa;
  const what = `spawn ${module}:${name}/${args.length} on ${peer.name}`;
  return new Spawning(core, what, options).start(peer, from, mfa, options.link).promise;
}

/** See `Node.rpc`. @param peer `null` where it is this node. */
export function rpc(
  node: Node,
  peer: Peer | null,
  mfa: Mfa,
  options: CallOptions,
): Promise<Term> {
  const core = node._core;
  return peer === null
    ? new LocalRpc(core, node.name, mfa, options).start(node, mfa).promise
    : new RemoteRpc(core, peer, mfa, options).start(core.main, mfa).promise;
}

/** See `Node.rpcCast`. @param peer `null` where it is this node. */
export function rpcCast(node: Node, peer: Peer | null, mfa: Mfa): void {
  const core = node._core;
  if (peer === null) {
    const asked = askedHere(node, mfa);
    node._spawn((self) => executeCast(node, self, null, asked));
  } else {
    const [module, name, args] = mfa;
    const cast = [atom(module), atom(name), args];
    peer.spawn(core.main.pid, core.makeRef(), CAST, cast, [], () => {}); // nobody waits, whatever comes of it
  }
}
