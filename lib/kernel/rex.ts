import { Atom, atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import { noReply } from "../gen/server/handlers.ts";
import {
  applyProvided,
  type Asked,
  executeCast,
  type Failure,
  failureOf,
  maySpawnFor,
  runsFor,
} from "../node/provided/apply.ts";
import type { From } from "../node/call.ts";
import type { Node } from "../node/node.ts";
import type { Process } from "../node/process/process.ts";
import type { Self } from "../node/process/self.ts";
import { GroupLeader } from "./group_leader.ts";

const REX = atom("rex");
const BADRPC = atom("badrpc");
const EXIT = atom("EXIT");
const SYSTEM_LIMIT = atom("system_limit");
const NO_SUCH_NAME = atom("nonexisting_name");
const FEATURES = atom("features_reply");
/** What nodes since OTP 23 use instead, where they are told that they may. */
const ERPC = [atom("erpc")];
const SBCAST = atom("sbcast");
const SEND = atom("send");
const FEATURES_REQUEST = atom("features_request");
const REX_STDOUT = atom("rex_stdout");
const STDOUT_TO_CALLER = atom("send_stdout_to_caller");

/** What is printed tells 1.0 from 1. */
const EXACT = { floats: "wrap" } as const;

/** A request to run a function. */
interface Request extends Asked {
  readonly kind: string;
  /** Who is to print for it: a pid, or an atom. */
  readonly leader: Term;
}

/** Where the result of a call goes. */
type Answer = (result: Encodable) => void;

/**
 * The process `rex`, which nodes before OTP 23 and C nodes call functions by, and some functions of `rpc` to this day.
 *
 * | message | answer |
 * | --- | --- |
 * | call `{call, M, F, Args, GroupLeader}` | what the function returns or throws, `{badrpc, {'EXIT', Reason}}` |
 * | call `{block_call, M, F, Args, GroupLeader}` | the same; one such call runs after the other |
 * | cast `{cast, M, F, Args, GroupLeader}` | |
 * | `{From, {call, M, F, Args, GroupLeader}}` | `{rex, Result}` |
 * | `{From, {sbcast, Name, Message}}` | `{rex, Node, Node}`, `{rex, Node, {nonexisting_name, Name}}` |
 * | `{From, {send, Name, Message}}` | by whoever has that name, who gets `{From, Message}`; else as `sbcast` |
 * | `{From, features_request}` | `{features_reply, Node, [erpc]}` |
 *
 * Nothing runs but what is provided.
 */
export class Rex extends GenServer {
  /** @ignore @internal No exit signal of a peer ends it. */
  readonly _essential = true;
  /** Ends when the last of the blocking calls so far has ended. */
  #blocking: Promise<void> = Promise.resolve();

  override init(): void {
    this.trapExit = true;
  }

  /** @ignore @internal What a request says of its sender can be forged: what a peer may run is decided by its connection. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.asksOrigin = true;
  }

  override handleCall(request: Term, from: From): unknown {
    const call = requestOf(request, "call", "block_call");
    if (call === null) return super.handleCall(request, from);
    const peer = this._process.origin;
    if (call.kind === "call") {
      this.#execute(call, peer, (result) => from.reply(result));
    } else {
      this.#blocking = this.#blocking.then(() =>
        new Promise<void>((done) => {
          this._process.mustLive("call");
          this.#execute(call, peer, (result) => from.reply(result), done);
        })
      ).catch(() => {}); // the node stops, which the caller is told by its monitor
    }
    return noReply;
  }

  override handleCast(request: Term): unknown {
    const cast = requestOf(request, "cast");
    if (cast === null) return super.handleCast(request);
    const peer = this._process.origin;
    if (!maySpawnFor(this.node, peer)) return;
    this.#spawn(cast, peer, (self) => executeCast(this.node, self, peer, cast));
  }

  override handleInfo(message: Term): unknown {
    if (!isTuple(message) || message.length !== 2) return super.handleInfo(message);
    const [from, request] = message;
    if (!(from instanceof Pid)) return super.handleInfo(message);
    const node = atom(this.node.name);
    if (isTuple(request) && request.length === 3) {
      const [kind, name, sent] = request;
      if (kind === SBCAST) {
        const told = this.#sent(name, sent);
        return this.send(from, tuple(REX, node, told ? node : tuple(NO_SUCH_NAME, name)) as Term);
      }
      if (kind === SEND) {
        if (this.#sent(name, tuple(from, sent) as Term)) return;
        return this.send(from, tuple(REX, node, tuple(NO_SUCH_NAME, name)) as Term);
      }
    } else if (request === FEATURES_REQUEST) {
      return this.send(from, tuple(FEATURES, node, ERPC) as Term);
    }
    const call = requestOf(request, "call");
    if (call === null) return super.handleInfo(message);
    const { origin } = this._process;
    const answer = (result: Encodable): void => this.send(from, tuple(REX, result) as Term);
    if (call.leader === STDOUT_TO_CALLER) return this.#printingTo(from, call, origin, answer);
    this.#execute(call, origin, answer);
  }

  /** Sends to a name of this node. @returns whether there is such a process. */
  #sent(name: Term, message: Term): boolean {
    if (!(name instanceof Atom)) return false;
    const peer = this._process.origin;
    if (peer !== null && !this.node._access.of(peer).mayReach(name.name)) return false;
    const process = this._core.names.get(name.name);
    if (process === undefined) return false;
    // What comes by way of this process is still the peer's: another one, or this one, may ask whose it is.
    if (peer === null) process.deliver(message);
    else this._core.receiveFrom(peer, process, message);
    return true;
  }

  /** What the function prints goes to the C node that calls it, as `{rex_stdout, Text}`, and all of it before the result. */
  #printingTo(from: Pid, asked: Request, peer: string | null, answer: Answer): void {
    const output = (text: string): void => this.send(from, tuple(REX_STDOUT, text) as Term);
    // A request of this process: its end takes its leader with it.
    this.node.start(GroupLeader, [output], { link: this.pid, terms: EXACT }).then((leader) => {
      const end = (): void => void leader.stop().catch(() => {});
      this.#execute({ ...asked, leader: leader.pid }, peer, answer, end);
    }).catch((error) => this._core.fault("Cannot answer a call", error));
  }

  #execute(asked: Request, peer: string | null, answer: Answer, ended?: () => void): void {
    let answered = false;
    const tell = (result: Encodable): void => {
      if (answered || this._process.exited) return;
      answered = true;
      try {
        answer(result);
      } catch (error) {
        answer(badRpc(failureOf(error, asked))); // it is no term
      }
    };
    if (!maySpawnFor(this.node, peer)) {
      tell(badRpc({ class: "exit", reason: SYSTEM_LIMIT }));
      return ended?.();
    }
    const process = this.#spawn(asked, peer, async (self) => {
      const result = await this.#result(self, peer, asked);
      if (!self._process.exited) tell(result);
    });
    process.addWatcher({
      down: (reason) => {
        tell(badRpc({ class: "exit", reason }));
        ended?.();
      },
    });
  }

  async #result(self: Self, peer: string | null, asked: Asked): Promise<Encodable> {
    try {
      const value = await applyProvided(this.node, self, peer, asked);
      return value === undefined ? null : value as Encodable;
    } catch (error) {
      const failure = failureOf(error, asked);
      return failure.class === "throw" ? failure.reason : badRpc(failure);
    }
  }

  #spawn(asked: Request, peer: string | null, run: (self: Self) => unknown): Process {
    const process = this.node._spawn(
      run,
      asked.leader instanceof Pid ? { groupLeader: asked.leader } : {},
    );
    runsFor(this.node, peer, process);
    return process;
  }
}

/** `{Kind, M, F, Args, GroupLeader}`. */
function requestOf(request: Term, ...kinds: readonly string[]): Request | null {
  if (!isTuple(request) || request.length !== 5) return null;
  const kind = request.tag;
  if (kind === undefined || !kinds.includes(kind)) return null;
  const [, module, name, args, leader] = request;
  return { kind, module, name, args, leader };
}

function badRpc(failure: Failure): Term {
  const reason = failure.class === "error"
    ? tuple(failure.reason, failure.stacktrace) as Term
    : failure.reason;
  return tuple(BADRPC, tuple(EXIT, reason)) as Term;
}
