import { isThenable } from "../../_util/thenable.ts";
import { Call } from "../../node/call.ts";
import type { Core } from "../../node/core.ts";
import type { Process } from "../../node/process/process.ts";
import type { Event } from "./event.ts";
import { Timeouts } from "./_timeouts.ts";
import { type Action, machineError, type TimeoutAction, Transition } from "./transition.ts";

/** So many events that a machine makes itself are handled before other processes, sockets and timers get their turn. */
const MOST_AT_ONCE = 1_000;

/** What the engine needs of its machine. */
export interface Machine {
  readonly core: Core;
  readonly process: Process;
  /** Whether states are told that they are entered. */
  readonly enters: boolean;
  /** Handles an event in the current state: a transition, `undefined` for none, or a promise of one of these. */
  handle(event: Event): unknown;
  /** The current state was entered. */
  enter(previous: unknown): unknown;
  /** Answers; `event` is the one that is handled. */
  reply(event: Event | null, action: Extract<Action, { kind: "reply" }>): void;
  sameState(a: unknown, b: unknown): boolean;
  /** What sys is told; `null` while nobody listens. */
  readonly events: MachineEvents | null;
}

/** What sys is told of. */
export interface MachineEvents {
  in(event: Event, state: unknown): void;
  done(event: Event, postponed: boolean, state: unknown, next: unknown): void;
  timer(action: TimeoutAction, state: unknown): void;
}

/** What one event leads to: gathered from its handler and from `enter`, and carried out in the end. */
class Step {
  readonly event: Event | null;
  readonly previous: unknown;
  inserted: Event[] | null = null;
  timeouts: TimeoutAction[] | null = null;
  postponed = false;

  constructor(event: Event | null, previous: unknown) {
    this.event = event;
    this.previous = previous;
  }
}

/** The order of things in a state machine, as gen_statem has it. It runs in its process, for one message at a time. */
export class Engine {
  state: unknown;
  /** The event that is handled; `null` while the first state is entered, and between events. */
  current: Event | null = null;
  readonly timeouts: Timeouts;
  readonly #machine: Machine;
  /** Events to be handled before any message, the next one last. */
  #queue: Event[] = [];
  #postponed: Event[] = [];

  constructor(machine: Machine, state: unknown) {
    this.#machine = machine;
    this.state = state;
    this.timeouts = new Timeouts({
      core: machine.core,
      process: machine.process,
      fired: (event) => this.take(event),
    });
  }

  /** Those that wait for another state, in their order. */
  get postponed(): readonly Event[] {
    return this.#postponed;
  }

  /** Enters the first state, with the actions of `init`. */
  begin(transition: Transition<unknown>): unknown {
    return this.#then(this.#apply(new Step(null, this.state), transition, true));
  }

  /** Handles an event, and all that follows from it before the next message. */
  take(event: Event): unknown {
    this.#machine.events?.in(event, this.state);
    this.#queue.push(event);
    return this.#run();
  }

  #run(): unknown {
    for (let count = 0; !this.#over; count++) {
      let event = this.#queue.pop();
      if (event === undefined) {
        event = this.timeouts.takeZero();
        if (event === undefined) return undefined;
        this.#machine.events?.in(event, this.state);
      }
      if (count === MOST_AT_ONCE) {
        this.#queue.push(event);
        return new Promise<void>((resolve) => this.#machine.core.platform.yield(resolve))
          .then(() => this.#run());
      }
      const handled = this.#handle(event);
      if (isThenable(handled)) return handled.then(() => this.#run());
    }
    return undefined;
  }

  #handle(event: Event): unknown {
    this.current = event;
    const result = this.#machine.handle(event);
    const step = new Step(event, this.state);
    if (!isThenable(result)) return this.#apply(step, result, true);
    return Promise.resolve(result).then((value) => this.#apply(step, value, true));
  }

  /** @param result of a handler, or of `enter`. */
  #apply(step: Step, result: unknown, ofEvent: boolean): unknown {
    for (;;) {
      if (this.#machine.process.exited) return undefined;
      if (!this.#gather(step, result, ofEvent)) return this.#commit(step);
      ofEvent = false;
      result = this.#machine.enter(step.previous);
      if (isThenable(result)) {
        return Promise.resolve(result).then((value) => this.#apply(step, value, false));
      }
    }
  }

  /** @returns whether the state is to be entered. */
  #gather(step: Step, result: unknown, ofEvent: boolean): boolean {
    if (result === undefined) return false;
    if (!(result instanceof Transition)) {
      throw machineError(
        "bad_return_from_state_function",
        result,
        "A handler of a state machine returned neither nothing nor a transition, as this.next(state) or this.keep()",
      );
    }
    if (result._kind === "next") {
      const changes = !this.#machine.sameState(result._state, this.state);
      if (changes && !ofEvent) {
        throw machineError("bad_state_enter_return_from_state_function", result._state);
      }
      this.state = result._state;
      this.#act(step, result._actions, ofEvent);
      return changes && !this.#over && this.#machine.enters;
    }
    this.#act(step, result._actions, ofEvent);
    return result._kind === "repeat" && !this.#over && this.#machine.enters;
  }

  #act(step: Step, actions: readonly Action[] | null, ofEvent: boolean): void {
    if (actions === null) return;
    for (const action of actions) {
      switch (action.kind) {
        case "reply":
          this.#machine.reply(step.event, action);
          break;
        case "timeout":
          (step.timeouts ??= []).push(action.timeout);
          break;
        case "hibernate":
          this.#machine.process.hibernate();
          break;
        default:
          if (!ofEvent) {
            throw machineError("bad_state_enter_action_from_state_function", action.kind);
          }
          if (action.kind === "postpone") {
            step.postponed = step.event !== null;
          } else {
            this.#machine.events?.in(action.event, this.state);
            (step.inserted ??= []).push(action.event);
          }
      }
    }
  }

  /** The state changes: what was postponed is handled again, behind what was inserted. */
  #commit(step: Step): void {
    const { event } = step;
    // Whoever is not answered yet is told where the process ends before.
    if (event?.from instanceof Call) this.#machine.process.keepCall(event.from);
    if (this.#over) return;
    if (event !== null) {
      if (step.postponed) this.#postponed.push(event);
      this.#machine.events?.done(event, step.postponed, step.previous, this.state);
    }
    if (!this.#machine.sameState(step.previous, this.state)) {
      for (let i = this.#postponed.length; i-- > 0;) this.#queue.push(this.#postponed[i]);
      this.#postponed = [];
      this.timeouts.cancel("state_timeout");
    }
    this.timeouts.cancel("event_timeout");
    if (step.timeouts !== null) {
      this.timeouts.apply(
        step.timeouts,
        (action) => this.#machine.events?.timer(action, this.state),
      );
    }
    if (step.inserted !== null) {
      for (const one of step.inserted.reverse()) {
        this.#queue.push(one);
      }
    }
    this.current = null;
  }

  #then(begun: unknown): unknown {
    return isThenable(begun) ? begun.then(() => this.#run()) : this.#run();
  }

  /** Whether nothing more is to be handled: the process has ended, or has been asked to. */
  get #over(): boolean {
    return this.#machine.process.exited || this.#machine.process.stopping !== null;
  }
}
