import { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, type Tuple } from "../../etf/tuple.ts";
import { GEN_CALL, GEN_CAST } from "../../node/atoms.ts";
import { Call, Cast, type From, type Request, TermFrom } from "../../node/call.ts";
import { Behaviour } from "../../node/process/behaviour.ts";
import { handledSystem } from "../sys/system.ts";

/**
 * A process that tells what comes to it apart, as OTP's generic servers do: calls, casts, requests of sys, all else. Every behaviour
 * that answers calls is one.
 */
export abstract class Server extends Behaviour {
  /** @ignore @internal A call, whoever made it; `from` answers it. A promise holds the mailbox, a throw is a crash. */
  abstract _called(from: From, request: Request): unknown;

  /** @ignore @internal */
  abstract _casted(request: Request): unknown;

  /** @ignore @internal Every other message. */
  abstract _informed(message: Term): unknown;

  /** @ignore @internal */
  _receive(message: unknown): unknown {
    if (message instanceof Call) {
      if (message.done) return undefined; // nobody waits any more
      return this._called(message, message.request);
    }
    if (message instanceof Cast) return this._casted(message.request);
    if (isTuple(message)) {
      const head = message[0];
      if (head === GEN_CALL && message.length === 3 && isFrom(message[1])) {
        const from = new TermFrom(this._core, message[1], this._process);
        return this._called(from, { name: null, term: message[2] });
      }
      if (head === GEN_CAST && message.length === 2) {
        return this._casted({ name: null, term: message[1] });
      }
      if (handledSystem(this, message)) return undefined;
    }
    return this._informed(message as Term);
  }
}

function isFrom(term: Term): term is Tuple<[Pid, Term]> {
  return isTuple(term) && term.length === 2 && term[0] instanceof Pid;
}
