import { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import { GEN_CALL, GEN_CAST, MAILBOX_FULL } from "./atoms.ts";
import { Call, Cast, elixirHint, type Request, requestTerm } from "./call.ts";
import type { Core } from "./core.ts";
import { MailboxFullError, NoProcessError } from "./errors.ts";
import { checkSendOptions, type ImportantOptions, type SendOptions } from "./process/mailbox.ts";
import type { Process } from "./process/process.ts";
import { FromPeer } from "./remote/from_peer.ts";
import { ImportantMessage } from "./remote/important_message.ts";
import { type Address, addressOf, describe, type Target } from "./target.ts";

/** Sends a message whose sender has something to say about how. */
export function sendWith(
  core: Core,
  from: Process,
  target: Target,
  message: Encodable,
  options: SendOptions,
): void | Promise<void> {
  const { priority, important } = checkSendOptions(options);
  if (important !== true) return core.send(from, target, message, priority);
  return importantly(core, from, target, options as ImportantOptions, "send", {
    here: (address) => core.copyMessages ? core.copy(message, address, from) : message,
    elsewhere: () => message,
  });
}

/** The same for a request that is not answered. */
export function castWith(
  core: Core,
  from: Process,
  target: Target,
  request: Request,
  options: SendOptions,
): void | Promise<void> {
  const { priority, important } = checkSendOptions(options);
  if (important !== true) return core.cast(from, target, request, priority);
  return importantly(core, from, target, options as ImportantOptions, "cast", {
    here: (address, process) =>
      core.copyMessages ? core.copyCast(from, process, request, address) : new Cast(request),
    elsewhere: () => tuple(GEN_CAST, requestTerm(request)) as Encodable,
  });
}

/** A message as a process of this node gets it, and as another node does. */
interface Forms {
  here(address: Address, process: Process): unknown;
  elsewhere(): Encodable;
}

// deno-lint-ignore require-await -- a fault is to be a rejection
async function importantly(
  core: Core,
  from: Process,
  target: Target,
  options: ImportantOptions,
  verb: string,
  forms: Forms,
): Promise<void> {
  if (from.exited) throw from.gone(verb);
  const address = addressOf(target, core.global);
  const remote = core.remoteOf(address);
  if (remote === null) {
    const process = core.local(address);
    const name = describe(address);
    if (process === undefined) throw new NoProcessError(name, elixirHint(name));
    if (process.post(forms.here(address, process), options.priority)) return;
    throw new MailboxFullError(name);
  }
  if (address instanceof Ref) {
    throw new TypeError(
      `Cannot ${verb} an important message to an alias of another node: whether it is there cannot be known, use the pid`,
    );
  }
  const message = core.outgoing(from, forms.elsewhere());
  return new ImportantMessage(core, remote, address, options).start(from.pid, message).promise;
}

/** Tells whoever made a call that a mailbox had no room for it; nobody waits for other messages. */
export function refuseFull(core: Core, receiver: Process, message: unknown): void {
  if (message instanceof FromPeer) return refuseFull(core, receiver, message.message);
  if (message instanceof Call) return message.fail(new MailboxFullError(message.target));
  if (!isTuple(message) || message[0] !== GEN_CALL || message.length !== 3) return;
  const from: unknown = message[1];
  if (isTuple(from) && from.length === 2 && from[0] instanceof Pid) {
    core.failCaller(from as unknown as Tuple<[Pid, Term]>, MAILBOX_FULL, receiver);
  }
}
