import { atom } from "../../etf/atom.ts";

import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { NOCONNECTION } from "../../node/atoms.ts";
import { ExitError, NodeDownError } from "../../node/errors.ts";
import type { Mfa } from "../../node/remote/rpc.ts";
import { keeperCall } from "./_keeper.ts";
import {
  type ChildStart,
  type Parent,
  RemoteRunning,
  type Running,
  startResult,
} from "./_start.ts";

/** What all children of other nodes have in common. */
abstract class ElsewhereStart implements ChildStart {
  readonly node: string;
  readonly call: Mfa;

  constructor(node: string, call: Mfa) {
    this.node = node;
    this.call = call;
  }

  get name(): string {
    return this.call[0];
  }

  get modules(): Term[] {
    return [atom(this.call[0])];
  }

  /** As Erlang would start it from here. */
  mfa(extra: readonly unknown[]): Term {
    const [module, name] = this.call;
    const args = [atom(this.node), atom(module), atom(name), this.args(extra)];
    return tuple(atom("erpc"), atom("call"), args) as unknown as Term;
  }

  args(extra: readonly unknown[]): Encodable[] {
    return [...this.call[2], ...extra as Encodable[]];
  }

  abstract start(parent: Parent, extra: readonly unknown[]): Promise<Running | null>;
}

/** The process of a function, linked. */
export class RemoteSpawn extends ElsewhereStart {
  override async start({ node, process }: Parent, extra: readonly unknown[]): Promise<Running> {
    const [module, name] = this.call;
    const options = { link: process.pid, timeout: Infinity };
    const pid = await node.spawnRemote(this.node, module, name, this.args(extra), options);
    return new RemoteRunning(process, pid);
  }
}

/** What a start function of Erlang returns, which a process there keeps for us. */
export class RemoteStart extends ElsewhereStart {
  override async start(parent: Parent, extra: readonly unknown[]): Promise<Running | null> {
    const { node, process } = parent;
    const core = node._core;
    const ref = core.makeRef();
    const [module, name] = this.call;
    const answer = new Answer(this.node);
    core.addReplyTo(ref, answer);
    try {
      const args = keeperCall(process.pid, ref, [module, name, this.args(extra)]);
      const options = { link: process.pid, timeout: Infinity };
      const keeper = await node.spawnRemote(this.node, "erl_eval", "exprs", args, options);
      const watching = core.makeRef();
      const remote = core.remoteOf(keeper)!;
      remote.monitor(process.pid, keeper, watching, answer);
      const result = startResult(await answer.promise);
      remote.demonitor(watching);
      return result && new RemoteRunning(process, result.pid, keeper, result.info);
    } finally {
      core.removeReplyTo(ref);
    }
  }
}

/** What the start function has returned, or that nobody will tell. */
class Answer {
  readonly promise: Promise<Term>;
  #resolve!: (result: Term) => void;
  #reject!: (error: Error) => void;
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => {}); // the spawn may have failed before anybody waits for this
  }

  deliver(message: unknown): void {
    if (isTuple(message) && message.length === 1) this.#resolve(message[0] as Term);
  }

  /** The process there has ended, or its node is gone. */
  down(reason: Term): void {
    this.#reject(reason === NOCONNECTION ? new NodeDownError(this.#node) : new ExitError(reason));
  }
}

/** A process that a {@linkcode Starter} starts for us. */
export class StarterStart implements ChildStart {
  readonly #node: string;
  readonly #starter: string;
  readonly #args: readonly Encodable[];
  readonly name: string;

  constructor(node: string, starter: string, name: string, args: readonly Encodable[]) {
    this.#node = node;
    this.#starter = starter;
    this.name = name;
    this.#args = args;
  }

  get modules(): Term[] {
    return [atom("gen_server")];
  }

  /** What a supervisor of OTP has in the same place. */
  mfa(extra: readonly unknown[]): Term {
    const target = tuple(atom(this.#starter), atom(this.#node));
    const args = [target, this.#request(extra)];
    return tuple(atom("gen_server"), atom("call"), args) as unknown as Term;
  }

  async start({ node, process }: Parent, extra: readonly unknown[]): Promise<Running | null> {
    const core = node._core;
    const target = { name: this.#starter, node: this.#node };
    const request = { name: null, term: this.#request(extra) };
    const reply = await core.call(process, target, request, { timeout: Infinity });
    const result = startResult(reply as Term);
    if (result === null) return null;
    if (core.remoteOf(result.pid) === null) throw new NodeDownError(this.#node);
    return new RemoteRunning(process, result.pid);
  }

  #request(extra: readonly unknown[]): Term {
    const args = [...this.#args, ...extra];
    return tuple(atom("start_link"), atom(this.name), args) as unknown as Term;
  }
}
