import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { From } from "../../node/call.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import type { OwnEvent } from "../sys/debug.ts";
import { debugOf } from "../sys/debug.ts";
import { shown } from "../sys/shown.ts";
import type { MachineEvents } from "./_engine.ts";
import { type Event, eventOf } from "./event.ts";
import { stateTerm } from "./_state_terms.ts";
import type { TimeoutAction } from "./transition.ts";

/** What sys is told of a state machine, in the words of gen_statem. */
export class TraceEvents implements MachineEvents {
  readonly #machine: Behaviour;

  constructor(machine: Behaviour) {
    this.#machine = machine;
  }

  /** Whether anything is switched on. */
  get debugged(): boolean {
    return debugOf(this.#machine) !== null;
  }

  in(event: Event, state: unknown): void {
    const term = shown(event.term);
    const at = stateTerm(state);
    this.#tell(tuple(IN, term, at), `receive ${eventText(term)} in state ${text(at)}`, "in");
  }

  done(event: Event, postponed: boolean, state: unknown, next: unknown): void {
    const term = shown(event.term);
    const [before, after] = [stateTerm(state), stateTerm(next)];
    const verb = postponed ? "postpone" : "consume";
    const states = text(before) === text(after)
      ? text(before)
      : `${text(before)} => ${text(after)}`;
    const words = `${verb} ${eventText(term)} in state ${states}`;
    this.#tell(tuple(atom(verb), term, before, after), words, null);
  }

  timer(action: TimeoutAction, state: unknown): void {
    const { typeTerm } = eventOf(action.type, null, null, action.name);
    const absolute = typeof action.time === "object";
    const time = typeof action.time === "object" ? action.time.at : action.time;
    const options = absolute ? [tuple(atom("abs"), true)] : [];
    const timer = shown(tuple(typeTerm, time, action.content, options));
    const at = stateTerm(state);
    this.#tell(
      tuple(START_TIMER, timer, at),
      `start_timer ${text(timer)} in state ${text(at)}`,
      null,
    );
  }

  out(from: From, value: unknown): void {
    if (!this.debugged) return;
    const reply = shown(value);
    const to = from.term as unknown as Term;
    this.#tell(tuple(OUT, reply, to), `send ${text(reply)} to ${text(from.pid)}`, "out");
  }

  terminate(reason: Term, state: unknown): void {
    if (!this.debugged) return;
    const at = stateTerm(state);
    const words = `terminate ${text(reason)} in state ${text(at)}`;
    this.#tell(tuple(TERMINATE, reason, at), words, null);
  }

  #tell(term: unknown, words: string, counts: OwnEvent["counts"]): void {
    debugOf(this.#machine)?.tell({ kind: "own", term: term as Term, text: words, counts });
  }
}

const IN = atom("in");
const OUT = atom("out");
const START_TIMER = atom("start_timer");
const TERMINATE = atom("terminate");

/** `call request from <0.1.0>`, `cast flip`. */
function eventText(event: Term): string {
  if (!isTuple(event)) return text(event);
  const [type, content] = event as unknown as [Term, Term];
  if (isTuple(type) && type.tag === "call") {
    const from = type[1] as unknown as readonly Term[];
    return `call ${text(content)} from ${text(from[0])}`;
  }
  return `${text(type)} ${text(content)}`;
}

function text(value: unknown): string {
  return format(value as Encodable, { maxLength: 10_000 });
}
