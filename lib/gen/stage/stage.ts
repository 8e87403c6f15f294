import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Ref } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { isThenable } from "../../_util/thenable.ts";
import { NORMAL } from "../../node/atoms.ts";
import type { From, Request } from "../../node/call.ts";
import type { ExitReason } from "../../node/process/process.ts";
import { addressOf, type Target } from "../../node/target.ts";
import { GenServer } from "../server/gen_server.ts";
import type { Consuming } from "./_consuming.ts";
import type { Producing } from "./_producing.ts";
import {
  ASK,
  ASK_BUFFERED,
  ASK_DEMAND,
  ASK_INFO,
  ASK_SUBSCRIBE,
  CANCEL,
  GEN_CONSUMER,
  GEN_PRODUCER,
  isSubscription,
  StageOutbox,
  SUBSCRIBE,
} from "./_wire.ts";
import {
  BadOption,
  type Cancellation,
  readOptions,
  type Subscription,
  type SubscriptionOptions,
  type SubscriptionTerm,
} from "./subscription.ts";

const OK = atom("ok");
const ERROR = atom("error");
const FORWARD = atom("forward");
const ACCUMULATE = atom("accumulate");
const NOT_A_CONSUMER = tuple(ERROR, atom("not_a_consumer"));
const SHORT = { maxLength: 200 };

/** What `handleSubscribe` may say: whether demand is asked for by itself, or by the handlers of a consumer. */
export type DemandMode = "automatic" | "manual";

/**
 * A process through which events flow: {@linkcode Producer}, {@linkcode ProducerConsumer} and {@linkcode Consumer} are such. It is a
 * GenServer as well, and can be called and cast.
 */
export abstract class Stage extends GenServer {
  #outbox: StageOutbox | null = null;

  /** @ignore @internal The half that has consumers. */
  abstract get _producing(): Producing | null;
  /** @ignore @internal The half that has producers. */
  abstract get _consuming(): Consuming | null;

  /**
   * A subscription begins: of this stage to a producer, or of a consumer to this stage.
   *
   * @param other what the other side is.
   * @returns `"manual"` of a consumer that asks for its events itself, see {@linkcode Consumer.ask}. Default: `"automatic"`.
   */
  handleSubscribe(
    _other: "producer" | "consumer",
    _options: SubscriptionOptions,
    _subscription: Subscription,
  ): DemandMode | void {}

  /**
   * A subscription has ended. A consumer whose subscription is `permanent` ends behind this.
   *
   * @returns events, of a stage that produces some.
   */
  handleCancel(_cancellation: Cancellation, _subscription: Subscription): unknown {
    return undefined;
  }

  /**
   * Events were dropped, because nobody had asked for them and the buffer was full, or because no consumer was theirs.
   *
   * @returns `false` where it is not to be logged.
   */
  handleDiscarded(_count: number): boolean | void {}

  /** Ends this process in order, when the message that it handles is done and its events are on their way. */
  override stop(reason: ExitReason = NORMAL): void {
    this._outbox.whenEmpty(() => super.stop(reason));
  }

  /** @ignore @internal */
  get _outbox(): StageOutbox {
    return this.#outbox ??= new StageOutbox(this.node, this._core, this._process);
  }

  /** @ignore @internal Where a node takes nothing more the mailbox waits with it, so that nobody makes events for it without end. */
  override _receive(message: unknown): unknown {
    const result = super._receive(message);
    if (isThenable(result)) return Promise.resolve(result).then(() => this.#ready());
    return this.#ready();
  }

  #ready(): Promise<void> | undefined {
    return this.#outbox?.isBusy ? this.#outbox.ready() : undefined;
  }

  /** @ignore @internal */
  _log(level: "info" | "warning" | "error", text: string): void {
    const who = `${this.constructor.name} ${this._process.name ?? format(this.pid)}`;
    this._core.platform.log(level, `${who} ${text}`);
  }

  /** @ignore @internal */
  override _called(from: From, request: Request): unknown {
    if (request.name === null) {
      const term = request.term as Term;
      if (term === ASK_BUFFERED) return from.reply(this.#buffered());
      if (term === ASK_DEMAND && this._producing !== null) {
        return from.reply(this._producing.isAccumulating ? ACCUMULATE : FORWARD);
      }
      if (isTuple(term)) {
        if (term[0] === ASK_SUBSCRIBE && term.length === 4) {
          return from.reply(this.#subscribe(term as never) as Encodable);
        }
        if (term[0] === ASK_INFO && term.length === 2) {
          this.#inform(term[1] as Term);
          return from.reply(OK);
        }
      }
    }
    return super._called(from, request);
  }

  /** @ignore @internal */
  override _casted(request: Request): unknown {
    const term = request.name === null ? request.term as Term : null;
    if (isTuple(term)) {
      if (term[0] === ASK_SUBSCRIBE && term.length === 4) {
        this.#subscribe(term as never);
        return undefined;
      }
      if (term[0] === ASK_INFO && term.length === 2) return this.#inform(term[1] as Term);
      if (term[0] === ASK_DEMAND && term.length === 2) return this.#setDemand(term[1] as Term);
    }
    return super._casted(request);
  }

  /** @ignore @internal */
  override _informed(message: Term): unknown {
    if (isTuple(message) && message.length === 3) {
      const [head, from, what] = [message[0], message[1], message[2] as Term];
      if (head === GEN_CONSUMER && isSubscription(from)) {
        const result = this.#fromProducer(from, what, message);
        if (result !== unknown) return result;
      } else if (head === GEN_PRODUCER && isSubscription(from)) {
        const result = this.#fromConsumer(from, what, message);
        if (result !== unknown) return result;
      }
    }
    return super._informed(message);
  }

  #fromProducer(from: SubscriptionTerm, what: Term, message: Term): unknown {
    const consuming = this._consuming;
    if (consuming === null) return this.#foreign("a producer", message);
    if (isList(what)) return consuming.received(from, what);
    if (isTuple(what) && what.length === 2 && what[0] === CANCEL) {
      return consuming.ended(from[1], what[1] as Term);
    }
    return unknown;
  }

  #fromConsumer(from: SubscriptionTerm, what: Term, message: Term): unknown {
    const producing = this._producing;
    if (producing === null) return this.#foreign("a consumer", message);
    if (!isTuple(what)) return unknown;
    if (what.length === 2 && what[0] === ASK) {
      const count = what[1] as Term;
      if (typeof count === "number" && Number.isInteger(count)) return producing.ask(from, count);
      // More than anybody can count to, which is as much as there is.
      if (typeof count === "bigint") {
        return producing.ask(from, count > 0n ? Number.MAX_SAFE_INTEGER : -1);
      }
    } else if (what.length === 2 && what[0] === CANCEL) {
      return producing.cancel(from[1], what[1] as Term);
    } else if (what.length === 3 && what[0] === SUBSCRIBE) {
      const current = what[1] as Term;
      if (current === null) return producing.subscribe(from, null, null, what[2] as Term);
      if (isTuple(current) && current.length === 2 && current[0] instanceof Ref) {
        return producing.subscribe(from, current[0], current[1] as Term, what[2] as Term);
      }
    }
    return unknown;
  }

  #foreign(kind: string, message: Term): void {
    this._log("error", `is ${kind}, and got ${format(message, SHORT)}`);
  }

  /** As `GenStage.sync_subscribe` and `async_subscribe` ask for it. */
  #subscribe([, current, to, terms]: readonly Term[]): unknown {
    const consuming = this._consuming;
    if (consuming === null) {
      this._log("error", `is a producer, and cannot subscribe to ${format(to, SHORT)}`);
      return NOT_A_CONSUMER;
    }
    try {
      const options = readOptions(terms);
      const { tag } = consuming.subscribe(targetIn(to), options, currentIn(current));
      return tuple(OK, tag);
    } catch (error) {
      if (!(error instanceof BadOption)) throw error;
      this._log("error", `cannot subscribe: ${error.message}`);
      return tuple(ERROR, tuple(atom("bad_opts"), error.message) as unknown as Term);
    }
  }

  #inform(message: Term): void {
    if (this._consuming?.informInTurn(message)) return;
    if (this._producing !== null) this._producing.informInTurn(message);
    else this._process.deliver(message);
  }

  #setDemand(mode: Term): unknown {
    const producing = this._producing;
    if (mode !== FORWARD && mode !== ACCUMULATE) {
      return super._casted({ name: null, term: tuple(ASK_DEMAND, mode) as Encodable });
    }
    if (producing === null || this._consuming !== null) {
      if (producing === null || mode === ACCUMULATE) {
        this._log("error", "has no demand that can be accumulated: only a producer has");
      }
      return undefined;
    }
    return producing.setAccumulating(mode === ACCUMULATE);
  }

  #buffered(): number {
    if (this._producing !== null) return this._producing.buffered;
    this._log("error", "is a consumer, and was asked how many events it has buffered");
    return 0;
  }
}

/** A message of another form: for `handleInfo`. */
const unknown: unique symbol = Symbol("unknown");

function targetIn(to: Term): Target {
  try {
    addressOf(to as Target);
    return to as Target;
  } catch {
    throw new BadOption(
      `expected a pid, a name or {Name, Node} to subscribe to, got: ${format(to, SHORT)}`,
    );
  }
}

function currentIn(current: Term): { readonly tag: Ref; readonly reason: Term } | null {
  if (current === null) return null;
  if (isTuple(current) && current.length === 2 && current[0] instanceof Ref) {
    return { tag: current[0], reason: current[1] as Term };
  }
  throw new BadOption(
    `expected nil or {Tag, Reason} as the subscription to replace, got: ${format(current, SHORT)}`,
  );
}
