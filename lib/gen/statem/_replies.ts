import { atom } from "../../etf/atom.ts";
import { EncodeError } from "../../etf/errors.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { Call, type From } from "../../node/call.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import { Later } from "../server/handlers.ts";
import type { Event } from "./event.ts";
import type { Action } from "./transition.ts";

const BAD_REPLY = atom("bad_reply");

/** Carries out a reply, of a transition or of a handler: now, or when its promise settles. */
export function carryOutReply(
  machine: Behaviour,
  event: Event | null,
  action: Extract<Action, { kind: "reply" }>,
  told: (from: From, value: unknown) => void,
): void {
  const from = action.from ?? event?.from ?? null;
  if (from === null) {
    throw new Error(
      "Cannot reply: it is no call that is handled, name whom to answer with replyTo(from, value)",
    );
  }
  const { value } = action;
  if (!(value instanceof Later)) return reply(machine, from, value, told);
  const process = machine._process;
  if (from instanceof Call) process.keepCall(from);
  Promise.resolve(value.promise).then((later) => {
    if (!process.exited) reply(machine, from, later, told);
  }).then(undefined, (error: unknown) => process.crash(error));
}

/** A reply that is no term is a mistake of the machine's code, but whoever called must not wait for it. */
function reply(
  machine: Behaviour,
  from: From,
  value: unknown,
  told: (from: From, value: unknown) => void,
): void {
  try {
    from.reply(value as Encodable);
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    const message = `Cannot send a reply: ${error.message}`;
    const name = machine._process.name ?? format(machine.pid);
    machine._core.logger._log(
      "error",
      `${machine.constructor.name} ${name}: ${message}`,
      machine._process,
    );
    return from.refuse(tuple(BAD_REPLY, atom("handle_event"), message) as unknown as Term);
  }
  told(from, value);
}
