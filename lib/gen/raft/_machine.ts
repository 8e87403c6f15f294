import { atom } from "../../etf/atom.ts";
import type { Binary } from "../../etf/binary.ts";
import { decode } from "../../etf/decoder.ts";
import { encode, encodeToKeep } from "../../etf/encoder.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { Entry, Payload } from "./_types.ts";

/** So many clients are known; who has been silent for longest is forgotten. The same for all members, so no option. */
const MAX_SESSIONS = 10_000;

/** What is replicated: the same commands in the same order lead to the same state. */
export interface Machine {
  /** How floats of commands come; `"wrap"` where 1.0 is to stay another one than 1. Default `"number"`. */
  readonly _floats?: "number" | "wrap";
  /** The reply; what is thrown is told to whoever sent the command. */
  apply(command: Term, index: number): Encodable;
  snapshot(): Encodable;
  restore(state: Term): void;
}

/** What has come of an entry, for whoever waits for it. */
export type Outcome =
  /** The reply, encoded. */
  | { readonly type: "ok"; readonly reply: Uint8Array }
  | { readonly type: "failed"; readonly message: string }
  /** The session is not known any more: whether it was applied before is not known. */
  | { readonly type: "expired" };

interface Session {
  /** Up to here the client has its replies. */
  done: number;
  readonly outcomes: Map<number, Outcome>;
}

const OK = atom("ok");
const EXPIRED: Outcome = { type: "expired" };
const FAILED = atom("failed");

/**
 * The state behind a log: the machine, and the sessions of clients, by which a request that comes twice is carried out once.
 */
export class ReplicatedState {
  readonly #machine: Machine;
  #sessions: Map<number, Session> = new Map();
  #applied = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The entry up to which the state is. */
  get applied(): number {
    return this.#applied;
  }

  apply({ index, payload }: Entry): Outcome {
    if (index !== this.#applied + 1) {
      throw new Error(`Raft: entry ${index} was to be applied behind entry ${this.#applied}`);
    }
    this.#applied = index;
    switch (payload.type) {
      case "open":
        this.#open(payload.session);
        return { type: "ok", reply: encode(OK) };
      case "command":
        return payload.session === 0 ? this.#run(payload, index) : this.#once(payload, index);
      default:
        return { type: "ok", reply: encode(OK) };
    }
  }

  /** The state as bytes, for a snapshot. */
  snapshot(): Uint8Array {
    const sessions = [...this.#sessions].map(([number, { done, outcomes }]) =>
      tuple(number, done, [...outcomes].map(([serial, outcome]) => tuple(serial, term(outcome))))
    );
    return encode(tuple(this.#applied, sessions, this.#machine.snapshot()) as Encodable);
  }

  restore(bytes: Uint8Array): void {
    const [applied, sessions, state] = decode(bytes) as unknown as [
      number,
      [number, number, [number, Term][]][],
      Term,
    ];
    this.#machine.restore(state);
    this.#applied = applied;
    this.#sessions = new Map(
      sessions.map(([number, done, outcomes]) => [number, {
        done,
        outcomes: new Map(outcomes.map(([serial, one]) => [serial, outcomeIn(one)])),
      }]),
    );
  }

  #open(number: number): void {
    if (this.#sessions.has(number)) return; // asked for twice
    this.#sessions.set(number, { done: 0, outcomes: new Map() });
    if (this.#sessions.size <= MAX_SESSIONS) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  #once(payload: Extract<Payload, { type: "command" }>, index: number): Outcome {
    const { session: number, serial, done } = payload;
    const session = this.#sessions.get(number);
    if (session === undefined) return EXPIRED;
    this.#sessions.delete(number); // the last one to be forgotten
    this.#sessions.set(number, session);
    const before = session.outcomes.get(serial);
    if (before !== undefined) return before;
    if (serial <= session.done) return EXPIRED; // nobody waits for it
    const outcome = this.#run(payload, index);
    session.outcomes.set(serial, outcome);
    if (done > session.done) {
      session.done = done;
      for (const one of session.outcomes.keys()) if (one <= done) session.outcomes.delete(one);
    }
    return outcome;
  }

  #run({ bytes }: Extract<Payload, { type: "command" }>, index: number): Outcome {
    try {
      const { _floats: floats } = this.#machine;
      const command = floats === undefined ? decode(bytes) : decode(bytes, { floats });
      const reply = this.#machine.apply(command, index);
      return { type: "ok", reply: encodeToKeep(reply ?? null) };
    } catch (error) {
      return { type: "failed", message: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** In the snapshot: `Reply`, `{failed, Message}` or `nil`. */
function term(outcome: Outcome): Encodable {
  if (outcome.type === "ok") return outcome.reply;
  return outcome.type === "failed" ? tuple(FAILED, outcome.message) as Encodable : null;
}

function outcomeIn(one: Term): Outcome {
  if (one === null) return EXPIRED;
  if (isTuple(one)) return { type: "failed", message: (one[1] as Binary).text };
  return { type: "ok", reply: one as Binary };
}
