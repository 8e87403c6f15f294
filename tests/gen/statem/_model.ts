import fc from "fast-check";
import {
  atom,
  type Encodable,
  type EnterResult,
  type ExitReason,
  format,
  isTuple,
  type Node,
  type Pid,
  Statem,
  type StatemEvent,
  type StatemResult,
  sys,
  type Term,
  type Transition,
  tuple,
} from "../../../mod.ts";
import { inProcess } from "./_machines.ts";

// The machine of tests/interop/statem_model.erl once more: both do what a script says, and write down what they see.

type State = "a" | "b" | "c";
type Timer = "state_timeout" | "timeout" | "one" | "two";

/** Something that a machine does besides changing its state. */
export type ModelAction =
  | { readonly do: "postpone" }
  | { readonly do: "reply"; readonly id: number }
  | {
    readonly do: "event";
    readonly type: "internal" | "cast" | "info" | "same";
    readonly id: number;
  }
  | {
    readonly do: "timer";
    readonly timer: Timer;
    readonly time: 0 | "later" | "never" | "cancel" | "update";
    readonly id: number;
  };

/** What a machine does with an event, or where it is entered. */
export interface Rule {
  readonly state: State;
  readonly id: number;
  readonly kind: State | "keep" | "repeat" | "stop";
  readonly actions: readonly ModelAction[];
}

/** What both machines do. */
export interface Script {
  readonly enters: boolean;
  readonly rules: readonly Rule[];
  readonly enterRules: readonly Rule[];
  readonly events: readonly { readonly type: "call" | "cast" | "info"; readonly id: number }[];
}

const IDS = 7;
const state = fc.constantFrom<State>("a", "b", "c");
const id = fc.nat(IDS - 1);
const timer: fc.Arbitrary<ModelAction> = fc.record({
  do: fc.constant("timer" as const),
  timer: fc.constantFrom<Timer>("state_timeout", "timeout", "one", "two"),
  time: fc.constantFrom(0, 0, 0, "later", "never", "cancel", "update") as fc.Arbitrary<0>,
  id,
});
const action: fc.Arbitrary<ModelAction> = fc.oneof(
  { weight: 3, arbitrary: timer },
  fc.record({ do: fc.constant("reply" as const), id }),
  fc.record({ do: fc.constant("postpone" as const) }),
  fc.record({
    do: fc.constant("event" as const),
    type: fc.constantFrom("internal", "cast", "info", "same"),
    id,
  }),
);
const rules: fc.Arbitrary<Rule[]> = fc.uniqueArray(
  fc.record({
    state,
    id,
    kind: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom("a", "b", "c", "keep", "keep", "repeat") },
      fc.constant("stop"),
    ) as fc.Arbitrary<State>,
    actions: fc.array(action, { maxLength: 4 }),
  }),
  { selector: (rule) => `${rule.state} ${rule.id}`, maxLength: 3 * IDS, minLength: 5 },
);
const enterRules: fc.Arbitrary<Rule[]> = fc.uniqueArray(
  fc.record({
    state,
    id: fc.constant(0),
    kind: fc.constantFrom("keep", "keep", "repeat") as fc.Arbitrary<"keep">,
    actions: fc.array(timer, { maxLength: 2 }),
  }),
  { selector: (rule) => rule.state, maxLength: 3 },
);

/** Scripts at random. */
export const scripts: fc.Arbitrary<Script> = fc.record({
  enters: fc.boolean(),
  rules,
  enterRules,
  events: fc.array(fc.record({ type: fc.constantFrom("call", "cast", "info"), id }), {
    minLength: 1,
    maxLength: 12,
  }),
});

/** The script as the other machine takes it. */
export function scriptTerm(script: Script): Encodable {
  const list = (of: readonly ModelAction[]): unknown[] => of.map(actionTerm);
  return tuple(
    script.enters,
    script.rules.map((rule) =>
      tuple(atom(rule.state), rule.id, kindTerm(rule.kind), list(rule.actions))
    ),
    script.enterRules.map((rule) =>
      tuple(atom(rule.state), kindTerm(rule.kind), list(rule.actions))
    ),
    script.events.map(({ type, id }) => tuple(atom(type), id)),
  ) as unknown as Encodable;
}

function kindTerm(kind: Rule["kind"]): unknown {
  return kind.length === 1 ? tuple(atom("next"), atom(kind)) : atom(kind);
}

function actionTerm(of: ModelAction): unknown {
  switch (of.do) {
    case "postpone":
      return atom("postpone");
    case "reply":
      return tuple(atom("reply"), of.id);
    case "event":
      return tuple(atom("next_event"), atom(of.type), of.id);
    case "timer": {
      const plain = of.timer.endsWith("timeout");
      const type = plain ? atom(of.timer) : tuple(atom("timeout"), atom(of.timer));
      return tuple(atom("timer"), type, of.time === 0 ? 0 : atom(of.time), of.id);
    }
  }
}

/** The machine. */
class ModelMachine extends Statem<State> {
  #script!: Script;
  #driver!: Pid;
  #fuel = 60;
  readonly #trace: Term[] = [];

  override init(script: Script, driver: Pid): Transition {
    this.#script = script;
    this.#driver = driver;
    this.link(driver); // which traps exits, and is told however early this ends
    if (script.enters) this.handleEnter = (state, previous) => this.#entered(state, previous);
    return this.next("a");
  }

  override handleEnter?: (state: State, previous: State) => EnterResult;

  override handleEvent(event: StatemEvent, state: State): StatemResult {
    if (event.type === "cast" && event.content === atom("end")) return this.stop();
    const left = this.#note(typeTerm(event), atom(state), event.content);
    const rule = this.#script.rules.find((one) => one.state === state && one.id === event.content);
    if (rule === undefined || !left) return;
    if (rule.kind === "stop") {
      const stopped = this.stop(tuple(atom("shutdown"), atom("bye")) as unknown as ExitReason);
      for (const one of rule.actions) {
        if (one.do === "reply" && event.type === "call") stopped.replyTo(event.from, one.id);
      }
      return stopped;
    }
    const result = rule.kind === "keep"
      ? this.keep()
      : rule.kind === "repeat"
      ? this.repeat()
      : this.next(rule.kind);
    act(result, rule.actions, event);
    return result;
  }

  override terminate(): void {
    this.send(
      this.#driver,
      tuple(this.pid, atom("trace"), tuple(atom(this.state), this.#trace)) as unknown as Encodable,
    );
  }

  #entered(state: State, previous: State): EnterResult {
    const left = this.#note(atom("enter"), atom(state), atom(previous));
    const rule = this.#script.enterRules.find((one) => one.state === state);
    if (rule === undefined || !left) return;
    const result = rule.kind === "repeat" ? this.repeat() : this.keep();
    act(result, rule.actions, null);
    return result;
  }

  /** @returns whether it may go on making events. */
  #note(...entry: unknown[]): boolean {
    this.#trace.push(tuple(...entry) as Term);
    return this.#fuel-- > 0;
  }
}

function typeTerm(event: StatemEvent): unknown {
  switch (event.type) {
    case "call":
      return tuple(atom("call"), event.from.term[1]);
    case "timeout":
      return tuple(atom("timeout"), atom(event.name as string));
    case "event_timeout":
      return atom("timeout");
    default:
      return atom(event.type);
  }
}

function act(
  result: Transition<unknown>,
  actions: readonly ModelAction[],
  event: StatemEvent | null,
): void {
  for (const one of actions) {
    switch (one.do) {
      case "postpone":
        result.postpone();
        break;
      case "reply":
        if (event?.type === "call") result.replyTo(event.from, one.id);
        break;
      case "event":
        if (one.type !== "same") result.nextEvent(one.type, one.id);
        else if (event?.type !== "call") result.nextEvent("internal", one.id);
        else result.nextEvent({ type: "call", from: event.from, content: one.id });
        break;
      case "timer": {
        const time = one.time === "later" ? 1_000_000 : one.time === "never" ? Infinity : one.time;
        if (one.timer === "state_timeout") result.stateTimeout(time, one.id);
        else if (one.timer === "timeout") result.eventTimeout(time, one.id);
        else result.timeout(one.timer, time, one.id);
      }
    }
  }
}

/** What the machine of this program makes of a script, as `statem_model:run/1` gives it. */
export async function runOurs(node: Node, script: Script): Promise<string> {
  return await inProcess(node, async (self) => {
    const { pid } = await node.start(ModelMachine, [script, self.pid]);
    for (const [n, { type, id }] of script.events.entries()) {
      if (type === "cast") self.cast(pid, id);
      else if (type === "info") self.send(pid, id);
      else {
        const from = tuple(self.pid, n);
        self.send(pid, tuple(atom("$gen_call"), from, id) as unknown as Encodable);
      }
    }
    const status = await statusOf(node, pid);
    self.cast(pid, atom("end"));
    let trace: Term = null;
    let reason: Term | undefined;
    const replies: Term[] = [];
    while (reason === undefined) {
      const message = await self.receive() as unknown as Term[];
      if (message[1] === atom("trace")) trace = message[2];
      else if (message[0] === atom("EXIT")) reason = message[2];
      else replies.push(message as unknown as Term);
    }
    return format(tuple(trace, replies, status, reason) as Term);
  });
}

/** `{Timeouts, Postponed}` of a machine that lives. */
async function statusOf(node: Node, pid: Pid): Promise<unknown> {
  let misc: Term;
  try {
    ({ misc } = await sys.getStatus(node, pid));
  } catch {
    return atom("dead");
  }
  const [, data] = misc as unknown as Term[];
  const fields = new Map(
    ((data as unknown as Term[])[1] as unknown as [number[], Term][])
      .map(([name, value]) => [String.fromCharCode(...name), value]),
  );
  const [, timeouts] = fields.get("Time-outs") as unknown as [number, Term[]];
  const postponed = fields.get("Postponed") as Term[];
  return tuple(
    timeouts.sort((a, b) => order(a) - order(b)),
    postponed.map((event) => isTuple(event) ? event[1] : event),
  );
}

/** In the order of Erlang's terms: atoms before tuples. */
function order(timeout: Term): number {
  const names = ["{state_timeout,", "{timeout,", "{{timeout,one},", "{{timeout,two},"];
  return names.findIndex((name) => format(timeout).startsWith(name));
}
