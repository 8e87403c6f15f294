import { atom } from "../../etf/atom.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { IO_REPLY, IO_REQUEST } from "../../node/atoms.ts";
import type { Core, Receiver } from "../../node/core.ts";
import { ProcessError } from "../../node/errors.ts";
import type { Process, Watcher } from "../../node/process/process.ts";

/** An io server refused a request, or has ended before it replied (`terminated`). */
export class IoError extends ProcessError {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "IoError";
  /** The reason that it gave: `enotsup`, `request`, `interrupted`, `terminated` and others. */
  readonly reason: Term;

  /** @ignore @internal */
  constructor(reason: Term) {
    super(`Cannot use the group leader: it answered ${format(reason, { maxLength: 1_000 })}`);
    this.reason = reason;
  }

  /** The same reason. */
  get exitReason(): Term {
    return this.reason;
  }
}

/**
 * One request to an io server, which may take as long as a user takes to type a line. It ends by the reply, by the end of the server,
 * or by that of the process which asks.
 */
export class IoRequest implements Receiver, Watcher, Disposable {
  readonly promise: Promise<Term>;
  readonly #core: Core;
  readonly #process: Process;
  readonly #ref: Ref;
  #demonitor: () => void = () => {};
  #resolve!: (reply: Term) => void;
  #reject!: (error: Error) => void;
  #over = false;

  constructor(core: Core, process: Process, server: Pid, request: Encodable) {
    this.#core = core;
    this.#process = process;
    this.#ref = core.makeRef();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (process.exited) {
      this.#fail(process.gone("print"));
      return;
    }
    process.own(this);
    core.addReplyTo(this.#ref, this);
    this.#send(server, request);
  }

  #send(server: Pid, request: Encodable): void {
    const ref = this.#ref;
    const remote = this.#core.remoteOf(server);
    try {
      // A server of Erlang answers to pids only; one of this node is given what leads past the mailbox.
      const from = remote === null ? ref : this.#process.pid;
      const message = tuple(IO_REQUEST, from, ref, request) as Encodable;
      if (remote !== null) {
        remote.monitor(this.#process.pid, server, ref, this);
        this.#demonitor = () => remote.demonitor(ref);
        if (!this.#over) remote.send(this.#process.pid, server, message);
      } else {
        const local = this.#core.process(server);
        if (local === undefined) return this.down();
        local.addWatcher(this);
        this.#demonitor = () => local.removeWatcher(this);
        this.#core.send(this.#process, server, message);
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The reply: `{io_reply, ReplyAs, Reply}`. */
  deliver(message: unknown): void {
    if (!isTuple(message) || message.length !== 3 || message[0] !== IO_REPLY) return;
    const reply = message[2];
    if (isTuple(reply) && reply.tag === "error" && reply.length === 2) {
      this.#fail(new IoError(reply[1]));
    } else if (this.#end()) {
      this.#resolve(reply);
    }
  }

  /** The server has ended, or its node is gone. */
  down(): void {
    this.#fail(new IoError(atom("terminated")));
  }

  /** The process that asked has ended. */
  [Symbol.dispose](): void {
    this.promise.catch(() => {}); // its code may not wait any more
    this.#fail(this.#process.gone("print"));
  }

  #fail(error: Error): void {
    if (this.#end()) this.#reject(error);
  }

  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#process.disown(this);
    this.#core.removeReplyTo(this.#ref);
    this.#demonitor();
    return true;
  }
}
