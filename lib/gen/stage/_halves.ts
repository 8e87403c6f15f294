import type { AnySchema } from "../../etf/schema/schema.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import type { Core } from "../../node/core.ts";
import type { Process } from "../../node/process/process.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { ConsumingStage } from "./_consuming.ts";
import type { ProducingStage } from "./_producing.ts";
import type { StageOutbox } from "./_wire.ts";
import type { Stage } from "./stage.ts";
import type { Cancellation, Subscription, SubscriptionOptions } from "./subscription.ts";

/** How many events that do not parse are logged each for itself. */
const TOLD = 3;

/** Parses events; what does not parse is dropped, counted and logged, and the stage goes on. */
export class EventParser {
  readonly #stage: Stage;
  readonly #schema: AnySchema | undefined;
  #invalid = 0;

  constructor(stage: Stage, schema: AnySchema | undefined) {
    this.#stage = stage;
    this.#schema = schema;
  }

  /** How many events were no such events. */
  get invalid(): number {
    return this.#invalid;
  }

  parse(events: readonly unknown[], crash: boolean): readonly unknown[] {
    const schema = this.#schema;
    if (schema === undefined) return events;
    const parsed: unknown[] = new Array(events.length);
    let count = 0;
    for (let i = 0; i < events.length; i++) {
      try {
        parsed[count] = schema.parse(events[i]);
        count++;
      } catch (error) {
        if (crash || !(error instanceof SchemaError)) throw error;
        this.#dropped(error);
      }
    }
    parsed.length = count;
    return parsed;
  }

  #dropped(error: SchemaError): void {
    const count = ++this.#invalid;
    // The first ones, and then whenever there are twice as many.
    if (count > TOLD && (count & (count - 1)) !== 0) return;
    this.#stage._log(
      "warning",
      `dropped an event that is not what its class takes (${count} in all): ${error.message}`,
    );
  }
}

/** What both halves need, for a stage. */
abstract class Half {
  readonly stage: Stage;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  get core(): Core {
    return this.stage._core;
  }

  get process(): Process {
    return this.stage._process;
  }

  get outbox(): StageOutbox {
    return this.stage._outbox;
  }

  log(level: "info" | "warning" | "error", text: string): void {
    this.stage._log(level, text);
  }
}

/** A stage, as its producing half sees it. */
export class ProducingSide extends Half implements ProducingStage {
  readonly #handleDemand: (count: number) => unknown;

  constructor(stage: Stage, handleDemand: (count: number) => unknown) {
    super(stage);
    this.#handleDemand = handleDemand;
  }

  demanded(count: number): unknown {
    return this.#handleDemand(count);
  }

  subscribed(options: SubscriptionOptions, consumer: Subscription): void {
    const mode = this.stage.handleSubscribe("consumer", options, consumer);
    checkMode(this.stage, mode);
    if (mode === "manual") {
      throw new TypeError(
        'Cannot take a consumer with "manual": it is the consumer that asks, and decides how',
      );
    }
  }

  cancelled(cancellation: Cancellation, consumer: Subscription): unknown {
    return emitted(this.stage, this.stage.handleCancel(cancellation, consumer));
  }

  discarded(count: number): boolean {
    return this.stage.handleDiscarded(count) !== false;
  }
}

/** A stage, as its consuming half sees it. */
export class ConsumingSide extends Half implements ConsumingStage {
  readonly isTyped: boolean;
  readonly #parser: EventParser;
  readonly #handle: (events: readonly unknown[], from: Subscription) => unknown;
  readonly #crashes: boolean;

  constructor(
    stage: Stage,
    schema: AnySchema | undefined,
    handle: (events: readonly unknown[], from: Subscription) => unknown,
  ) {
    super(stage);
    this.isTyped = schema !== undefined;
    this.#parser = new EventParser(stage, schema);
    this.#handle = handle;
    this.#crashes = stage.onInvalid === "crash";
  }

  get invalid(): number {
    return this.#parser.invalid;
  }

  get demand(): number {
    return this.stage._producing?.demand ?? Infinity;
  }

  handled(events: readonly unknown[], from: Subscription): unknown {
    const parsed = this.#parser.parse(events, this.#crashes);
    if (parsed.length === 0 && events.length > 0) return undefined;
    return emitted(this.stage, this.#handle(parsed, from));
  }

  subscribed(options: SubscriptionOptions, producer: Subscription): boolean {
    const mode = this.stage.handleSubscribe("producer", options, producer);
    checkMode(this.stage, mode);
    return mode === "manual";
  }

  cancelled(cancellation: Cancellation, producer: Subscription): unknown {
    return emitted(this.stage, this.stage.handleCancel(cancellation, producer));
  }

  informed(message: unknown): void {
    this.stage._producing!.informInTurn(message);
  }
}

/** A promise would say too late what is asked for. */
function checkMode(stage: Stage, mode: unknown): void {
  if (mode === undefined || mode === "automatic" || mode === "manual") return;
  throw new TypeError(
    `Cannot subscribe: handleSubscribe of ${stage.constructor.name} has returned ${
      isThenable(mode) ? "a promise" : typeof mode
    }, "automatic", "manual" or nothing is needed`,
  );
}

/** Gives on the events that a handler has returned, now or when its promise settles. */
export function emitted(stage: Stage, result: unknown): unknown {
  if (result === undefined) return undefined;
  if (isThenable(result)) {
    return Promise.resolve(result).then((value) => emitted(stage, value));
  }
  if (!Array.isArray(result)) {
    throw new TypeError(
      `Cannot emit what a handler of ${stage.constructor.name} has returned: a list of events is needed, ${typeof result} came`,
    );
  }
  const producing = stage._producing;
  if (producing !== null) {
    producing.emit(result);
  } else if (result.length > 0) {
    stage._log("error", `is a consumer and has returned ${result.length} events, which go nowhere`);
  }
  return undefined;
}
