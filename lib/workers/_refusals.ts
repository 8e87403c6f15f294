import { atom } from "../etf/atom.ts";
import { type Pid, Ref } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { type Tuple, tuple } from "../etf/tuple.ts";
import { MAILBOX_FULL } from "../node/atoms.ts";
import { Call } from "../node/call.ts";
import type { Core } from "../node/core.ts";
import { exitReasonOf, MailboxFullError } from "../node/errors.ts";
import { addressOf, type Target } from "../node/target.ts";
import type { Caller } from "./_mail.ts";

/** Stands for a reason that may not come. */
export function badReason(error: Error): Term {
  return tuple(atom("bad_reason"), error.message) as unknown as Term;
}

/** A call to another thread ends without an answer. By a mailbox that is full it does as one to a process of this thread. */
export function failCall(core: Core, ref: Ref, reason: Term): void {
  if (reason === MAILBOX_FULL && core.knownOf(ref) === null) {
    const call = core.receiverOf(ref);
    if (call instanceof Call) return call.fail(new MailboxFullError(call.target));
  }
  core.failCaller(tuple(core.main.pid, ref) as Tuple<[Pid, Term]>, reason);
}

/**
 * A message may not come to its receiver, who has set a limit: whoever waits is told, for a reply the caller that it was for.
 *
 * @throws {Error} where nobody is to be told.
 */
export function refuseMessage(core: Core, to: Target, error: Error, caller: Caller | null): void {
  const address = addressOf(to);
  if (caller !== null) core.failCaller(caller, exitReasonOf(error));
  else if (address instanceof Ref) failCall(core, address, exitReasonOf(error));
  else throw error;
}
