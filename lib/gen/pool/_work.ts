import type { Encodable, Term } from "../../etf/term.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Tuple } from "../../etf/tuple.ts";
import { isThenable } from "../../_util/thenable.ts";
import { Call, type From, type Request } from "../../node/call.ts";
import type { Core } from "../../node/core.ts";
import { ExitError, exitReasonOf } from "../../node/errors.ts";
import type { Process, Undelivered } from "../../node/process/process.ts";
import { Turn } from "../../node/process/turn.ts";

/** Who has a piece of work. */
export interface WorkPlace {
  readonly process: Process;
  /** It is done, or nobody waits for it any more. */
  finished(): void;
  /** The worker has ended before it began with it. */
  giveBack(work: Work): void;
}

/** A request on its way through a pool. In a worker's mailbox it stands for the message, and tells the pool what becomes of it. */
export class Work extends Turn implements Undelivered {
  /** A call or cast of this node, or a message. */
  readonly message: unknown;
  /** Whose message it is, where it is from another node. */
  readonly #origin: string | null;
  #place: WorkPlace | null = null;
  #begun = false;

  constructor(message: unknown, origin: string | null) {
    super();
    this.message = message;
    this.#origin = origin;
  }

  /** Whether it need not be done any more. */
  get unwanted(): boolean {
    return this.message instanceof Call && this.message.done;
  }

  /** It waits for a worker, unless its caller gives up before. */
  wait(givenUp: () => void): void {
    if (this.message instanceof Call) this.message.place = { callEnded: givenUp };
  }

  /** Gives it to a worker. */
  give(place: WorkPlace): void {
    if (this.message instanceof Call) this.message.place = null;
    this.#place = place;
    place.process.deliver(this);
  }

  run(): unknown {
    const place = this.#place!;
    if (this.unwanted) return place.finished();
    this.#begun = true;
    const { message } = this;
    const { process } = place;
    if (message instanceof ForwardedCall) message.server = process;
    if (process.asksOrigin) process.origin = this.#origin;
    let result: unknown;
    try {
      result = process.body._receive(message);
    } finally {
      process.origin = null;
    }
    if (isThenable(result)) return result.then(() => this.#handled(place));
    this.#handled(place);
    return undefined;
  }

  /** The worker has ended. What it had begun may be done in part, so that nobody else is to do it. */
  undelivered(reason: Term): void {
    if (this.#begun) this.fail(new ExitError(reason));
    else this.#place!.giveBack(this);
  }

  /** It will not be done: whoever waits for it is told. */
  fail(error: Error): void {
    if (this.message instanceof Call) this.message.fail(error);
  }

  /** A call that is answered later is the worker's until it is. */
  #handled(place: WorkPlace): void {
    const { message } = this;
    if (!(message instanceof Call) || message.done) return place.finished();
    const kept = message.place;
    message.place = {
      callEnded: (call) => {
        kept?.callEnded(call);
        place.finished();
      },
    };
  }
}

/**
 * The call of somebody who is known by a term only, as those of other nodes are. They watch the pool and not the worker, so that what
 * becomes of the call is told by the pool.
 */
export class ForwardedCall extends Call {
  /** Who answers. */
  server: Process | undefined;
  readonly #core: Core;
  readonly #caller: Tuple<[Pid, Term]>;
  readonly #pool: Pid;

  constructor(core: Core, pool: Pid, from: From, request: Request) {
    super(core, from.pid, pool, request, { timeout: Infinity });
    this.#core = core;
    this.#caller = from.term;
    this.#pool = pool;
  }

  /** @throws {EncodeError} if the reply is no term; it can be answered once more then. */
  override reply(value: unknown): void {
    if (this.done) return;
    const reply = value === undefined ? null : value as Encodable;
    this.#core.reply(this.#caller, reply, this.server);
    super.reply(null);
  }

  override fail(error: unknown): void {
    if (this.done) return;
    const pool = this.#core.process(this.#pool); // it is what the caller watches
    this.#core.failCaller(this.#caller, exitReasonOf(error), pool);
    super.reply(null);
  }
}
