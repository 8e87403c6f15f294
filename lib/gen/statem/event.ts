import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { type Tuple, tuple } from "../../etf/tuple.ts";
import { type From, type Request, requestTerm } from "../../node/call.ts";

/**
 * Something that has happened to a state machine.
 *
 * | `type` | in OTP | what it is |
 * | --- | --- | --- |
 * | `"call"` | `{call, From}` | a request whose caller waits: `from` answers it |
 * | `"cast"` | `cast` | a request that nobody waits for |
 * | `"info"` | `info` | every other message |
 * | `"internal"` | `internal` | an event that the machine has made itself |
 * | `"event_timeout"` | `timeout` | no event came for a time |
 * | `"state_timeout"` | `state_timeout` | the machine was in this state for a time |
 * | `"timeout"` | `{timeout, Name}` | a timer of its own name |
 */
export type StatemEvent =
  | { readonly type: "call"; readonly from: From; readonly content: Term }
  | { readonly type: "cast" | "info"; readonly content: Term }
  | {
    readonly type: "internal" | "event_timeout" | "state_timeout";
    readonly content: unknown;
  }
  | { readonly type: "timeout"; readonly name: TimeoutName; readonly content: unknown };

/** The name of a timer: a string, or any term. */
export type TimeoutName = string | Term;

/** The type of an event. */
export type StatemEventType = StatemEvent["type"];

/** An event as the machine keeps it: a request of this node becomes a term only where somebody looks at it. */
export class Event {
  readonly type: StatemEventType;
  readonly request: Request;
  /** Who called; of other events `null`. */
  readonly from: From | null;
  /** The timer's name; of other events `null`. */
  readonly name: TimeoutName;

  constructor(
    type: StatemEventType,
    request: Request,
    from: From | null = null,
    name: TimeoutName = null,
  ) {
    this.type = type;
    this.request = request;
    this.from = from;
    this.name = name;
  }

  get content(): unknown {
    return requestTerm(this.request);
  }

  /** As OTP has it: `{Type, Content}`. */
  get term(): Tuple {
    return tuple(this.typeTerm, this.content) as unknown as Tuple;
  }

  get typeTerm(): unknown {
    switch (this.type) {
      case "call":
        return tuple(atom("call"), this.from!.term);
      case "timeout":
        return tuple(TIMEOUT, nameTerm(this.name));
      case "event_timeout":
        return TIMEOUT;
      default:
        return atom(this.type);
    }
  }
}

const TIMEOUT = atom("timeout");

/** An event of some content, which is no request of a table. */
export function eventOf(
  type: StatemEventType,
  content: unknown,
  from: From | null = null,
  name: TimeoutName = null,
): Event {
  return new Event(type, { name: null, term: content as Term }, from, name);
}

/** Names of states and timers are atoms where others see them, as far as there can be such an atom. */
export function nameTerm(name: unknown): unknown {
  if (typeof name !== "string") return name;
  try {
    return atom(name);
  } catch {
    return name;
  }
}
