import { atom } from "../../etf/atom.ts";
import { equal } from "../../etf/equal.ts";
import { ExternalFun } from "../../etf/fun.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { sizeOf } from "../../etf/term_size.ts";
import { shown } from "./shown.ts";

export const LOG: Term = atom("log");
export const STATISTICS: Term = atom("statistics");
export const TRACE: Term = atom("trace");
const IN = atom("in");
const OUT = atom("out");
const NOREPLY = atom("noreply");
/** What OTP's servers print events with; whoever asks for the log gets it in each entry. */
const PRINT_EVENT = new ExternalFun(atom("gen_server"), atom("print_event"), 3);

/** Something that a server has done: took a message, answered one, or is done with one that it did not answer. */
export type SystemEvent =
  | { readonly kind: "in"; readonly message: unknown }
  | { readonly kind: "out"; readonly reply: unknown; readonly from: Term; readonly state: Term }
  | { readonly kind: "noreply"; readonly state: Term }
  | OwnEvent;

/** An event of a behaviour that tells of its own, in its own words. */
export interface OwnEvent {
  readonly kind: "own";
  /** As sys has it. */
  readonly term: Term;
  /** What follows its name where it is printed. */
  readonly text: string;
  /** Whether a message was taken, or an answer given. */
  readonly counts: "in" | "out" | null;
}

/** The event as sys has it: `{in, Msg}`, `{out, Msg, From, State}`, `{noreply, State}`. */
export function eventTerm(event: SystemEvent): Term {
  switch (event.kind) {
    case "in":
      return tuple(IN, shown(event.message)) as Term;
    case "out":
      return tuple(OUT, shown(event.reply), event.from, event.state) as Term;
    case "noreply":
      return tuple(NOREPLY, event.state) as Term;
    case "own":
      return event.term;
  }
}

/** Something that sys has switched on for a server. */
export interface DebugOption {
  /** What it is switched off by. */
  readonly id: Term;
  /** Whether it looks at the server's state. */
  readonly needsState: boolean;
  /** @returns whether it goes on. */
  see(event: SystemEvent, name: Term): boolean;
  /** As sys has it in a server's status. */
  term(name: Term): Term;
}

/** `{trace, true}`: each event is a line of the log. */
export class Trace implements DebugOption {
  readonly id = TRACE;
  readonly needsState = true;
  readonly #print: (event: SystemEvent) => void;

  constructor(print: (event: SystemEvent) => void) {
    this.#print = print;
  }

  see(event: SystemEvent): boolean {
    this.#print(event);
    return true;
  }

  term(): Term {
    return tuple(TRACE, true) as Term;
  }
}

/** What the events that are kept may take together, about: whoever asks for them to be kept may send what is kept, too. */
const MOST_BYTES = 2 ** 24;

/** `{log, {true, N}}`: the last events are kept, as far as there is room for them. */
export class EventLog implements DebugOption {
  readonly id = LOG;
  readonly needsState = true;
  readonly #size: number;
  readonly #events: SystemEvent[] = [];
  readonly #bytes: number[] = [];
  #total = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** The oldest first. */
  get events(): readonly SystemEvent[] {
    return this.#events;
  }

  see(event: SystemEvent): boolean {
    // A copy, since what is logged of this node may be changed by its owner later.
    const kept = event.kind === "in"
      ? { kind: "in" as const, message: shown(event.message) }
      : event;
    const bytes = sizeOf(eventTerm(kept), MOST_BYTES);
    this.#events.push(kept);
    this.#bytes.push(bytes);
    this.#total += bytes;
    while (
      this.#events.length > this.#size || (this.#total > MOST_BYTES && this.#events.length > 1)
    ) {
      this.#events.shift();
      this.#total -= this.#bytes.shift()!;
    }
    return true;
  }

  /** As sys keeps it: `[Room | NewestFirst]`, and once it is full `[[] | OldestFirst]`. */
  term(name: Term): Term {
    const entries = this.#events.map((event) =>
      tuple(eventTerm(event), name, PRINT_EVENT) as unknown as Term
    );
    const room = this.#size - entries.length;
    return tuple(
      LOG,
      room === 0 ? [[], ...entries] : [room, ...entries.reverse()],
    ) as unknown as Term;
  }
}

/** `{statistics, true}`: messages are counted. */
export class Statistics implements DebugOption {
  readonly id = STATISTICS;
  readonly needsState = false;
  readonly #began: Term;
  #in = 0;
  #out = 0;

  constructor(now: number) {
    this.#began = localTime(now);
  }

  see(event: SystemEvent): boolean {
    const what = event.kind === "own" ? event.counts : event.kind;
    if (what === "in") this.#in++;
    else if (what === "out") this.#out++;
    return true;
  }

  /** What `sys:statistics(Name, get)` gives. JavaScript counts no reductions: a message counts as one. */
  report(now: number): Term {
    const fields: [string, Term][] = [
      ["start_time", this.#began],
      ["current_time", localTime(now)],
      ["reductions", this.#in],
      ["messages_in", this.#in],
      ["messages_out", this.#out],
    ];
    return fields.map(([name, value]) => tuple(atom(name), value) as Term);
  }

  term(): Term {
    const data = tuple(this.#began, tuple(atom("reductions"), 0), this.#in, this.#out);
    return tuple(STATISTICS, data) as unknown as Term;
  }
}

/** A function that sees each event, with what it has returned last: Erlang's `sys:install/2`, for functions of this program. */
export type DebugFunction = (
  last: unknown,
  event: Term,
  name: Term,
) => unknown;

/** A function of this program that was installed. */
export class Installed implements DebugOption {
  readonly id: Term;
  readonly needsState = true;
  readonly #fn: DebugFunction;
  #last: unknown;

  constructor(id: Term, fn: DebugFunction, first: unknown) {
    this.id = id;
    this.#fn = fn;
    this.#last = first;
  }

  /** As in OTP one that is done, or that throws, is taken off; one that throws without a word. */
  see(event: SystemEvent, name: Term): boolean {
    try {
      this.#last = this.#fn(this.#last, eventTerm(event), name);
      return this.#last !== "done";
    } catch {
      return false;
    }
  }

  term(): Term {
    return tuple(this.id, tuple(shown(this.#fn), shown(this.#last))) as Term;
  }
}

/** Whether an option is the one that is meant. */
export function hasId(option: DebugOption, id: Term): boolean {
  return equal(option.id, id);
}

/** `{{Year, Month, Day}, {Hour, Minute, Second}}` as the program's clock shows it, as `erlang:localtime/0`. */
function localTime(ms: number): Term {
  const at = new Date(ms);
  return tuple(
    tuple(at.getFullYear(), at.getMonth() + 1, at.getDate()),
    tuple(at.getHours(), at.getMinutes(), at.getSeconds()),
  ) as unknown as Term;
}
