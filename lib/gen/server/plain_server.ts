import { atom } from "../../etf/atom.ts";
import { EncodeError } from "../../etf/errors.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { Call, type From, type Request, requestTerm } from "../../node/call.ts";
import { noReply } from "./handlers.ts";
import { badRequest } from "./requests.ts";
import { Server } from "./server.ts";

const BAD_REPLY = atom("bad_reply");
const SHORT = { maxLength: 200 };

/** What `_answer` and `_told` return where they do not know a request. */
export const unknownRequest: unique symbol = Symbol("unknown request");

/**
 * A server whose requests are terms: behaviours of this package whose references have methods of their own, and which others ask
 * by few requests. Other than a GenServer it has no tables.
 */
export abstract class PlainServer extends Server {
  /** @ignore @internal What calls there are, for those who have made another one. */
  abstract readonly _takes: string;

  /** @ignore @internal The answer to a call; `noReply` where `from` is answered otherwise. */
  abstract _answer(request: Term, from: From): unknown;

  /** @ignore @internal A cast has come. */
  _told(_request: Term): unknown {
    return unknownRequest;
  }

  /** @ignore @internal Another message has come. */
  _got(_message: Term): unknown {
    return unknownRequest;
  }

  /** @ignore @internal */
  _called(from: From, request: Request): void {
    const term = requestTerm(request) as Term;
    const answer = this._answer(term, from);
    if (answer === noReply) {
      if (from instanceof Call && !from.done) this._process.keepCall(from);
    } else if (answer === unknownRequest) {
      from.refuse(badRequest(
        [],
        `Cannot serve the request ${
          format(term, SHORT)
        }: ${this.constructor.name} takes ${this._takes}`,
      ));
    } else {
      this.#reply(from, answer);
    }
  }

  /** @ignore @internal */
  _casted(request: Request): void {
    const term = requestTerm(request) as Term;
    if (this._told(term) === unknownRequest) this.#dropped("cast", term);
  }

  /** @ignore @internal */
  _informed(message: Term): void {
    if (this._got(message) === unknownRequest) this.#dropped("message", message);
  }

  /** What is kept here may be no term: who asks from elsewhere is told so, and the server lives on. */
  #reply(from: From, answer: unknown): void {
    try {
      from.reply(answer as Encodable);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      from.refuse(tuple(BAD_REPLY, error.message) as Term);
    }
  }

  #dropped(what: string, term: Term): void {
    const who = `${this.constructor.name} ${this._process.name ?? format(this.pid)}`;
    this._core.logger._log(
      "warning",
      `${who} dropped a ${what} that it does not take: ${format(term, SHORT)}`,
      this._process,
    );
  }
}
