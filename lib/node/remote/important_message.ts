import { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { DELIVERED, MAILBOX_FULL, NOCONNECTION, NOPROC } from "../atoms.ts";
import { elixirHint } from "../call.ts";
import type { Core } from "../core.ts";
import { ExitError, MailboxFullError, NodeDownError, NoProcessError } from "../errors.ts";
import type { ImportantOptions } from "../process/mailbox.ts";
import { describe, type Name } from "../target.ts";
import { Asking } from "./_asking.ts";
import type { RemoteNode } from "./remote_node.ts";

/**
 * A message to another node whose sender wants to know that it has arrived.
 *
 * It goes between two monitors: one on its receiver, and one on a name that nobody has. A node acts upon what comes in its order, so
 * when it says that nobody has the name, it would have said before that there is no such receiver. Every node of Erlang answers so.
 * One of ours says at the second monitor, too, where the receiver's mailbox was full (`signals.ts`).
 */
export class ImportantMessage extends Asking<void> {
  readonly #remote: RemoteNode;
  readonly #address: Pid | Name;
  readonly #there = this.core.makeRef();
  readonly #after = this.core.makeRef();

  constructor(core: Core, remote: RemoteNode, address: Pid | Name, options: ImportantOptions) {
    super(core, describe(address), options);
    this.#remote = remote;
    this.#address = address;
  }

  start(from: Pid, message: Encodable): this {
    const remote = this.#remote;
    const to = this.#address instanceof Pid ? this.#address : this.#address.name;
    return this.ask(() => {
      remote.admit();
      remote.monitor(from, to, this.#there, {
        down: (reason, cause) => this.#ended(reason, cause),
      });
      if (this.settled) return;
      try {
        remote.send(from, this.#address, message);
      } catch (error) {
        return this.giveUp(error);
      }
      remote.monitor(from, DELIVERED, this.#after, {
        down: (reason, cause) => this.#arrived(reason, cause),
      });
    });
  }

  /** The receiver was not there, or has ended before it was known that the message has arrived. */
  #ended(reason: Term, cause?: Error): void {
    if (reason === NOPROC) this.fail(new NoProcessError(this.what, elixirHint(this.what)));
    else if (reason === NOCONNECTION) this.#lost(cause);
    else this.fail(new ExitError(reason));
    this.#remote.demonitor(this.#after);
  }

  #arrived(reason: Term, cause?: Error): void {
    if (reason === NOCONNECTION) this.#lost(cause);
    else if (reason === MAILBOX_FULL) this.fail(new MailboxFullError(this.what));
    else this.done();
    this.#remote.demonitor(this.#there);
  }

  #lost(cause?: Error): void {
    this.fail(new NodeDownError(this.#remote.name, { cause }));
  }

  protected override giveUp(error: unknown): void {
    super.giveUp(error);
    this.#remote.demonitor(this.#there);
    this.#remote.demonitor(this.#after);
  }
}
