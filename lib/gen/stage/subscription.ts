import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import { Atom, atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Pid, Ref } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import type { Target } from "../../node/target.ts";

/**
 * What the end of a subscription means for its consumer: `"permanent"`, it ends with the same reason; `"transient"`, only where the reason
 * is none of `normal`, `shutdown`, `{shutdown, _}`; `"temporary"`, it goes on.
 */
export type CancelMode = "permanent" | "transient" | "temporary";

/** How a consumer subscribes. */
export interface StageSubscribeOptions<Out = never> {
  /** How many events may be on their way at most. Default 1,000. */
  readonly maxDemand?: number;
  /** More are asked for when so few are left; a batch has `maxDemand - minDemand` events at most. Default half of `maxDemand`, rounded down. */
  readonly minDemand?: number;
  /** Default "permanent". */
  readonly cancel?: CancelMode;
  /** Whether nothing is asked for but by {@linkcode Consumer.ask}: events then come in batches as they were sent. Default false. */
  readonly manual?: boolean;
  /** Which partition, where the producer has a partition dispatcher; a string is the atom of that name. */
  readonly partition?: Encodable;
  /** Which events are wanted, where the producer has a broadcast dispatcher and is of this node. */
  readonly selector?: (event: Out) => boolean;
  /** What else the producer's `handleSubscribe` is to know. */
  readonly extra?: Readonly<Record<string, Encodable>>;
}

const FIELDS: FieldsOf<StageSubscribeOptions> = {
  maxDemand: true,
  minDemand: true,
  cancel: true,
  manual: true,
  partition: true,
  selector: true,
  extra: true,
};

/** The options of a subscription, as `handleSubscribe` gets them. */
export interface SubscriptionOptions {
  /** How many events may be on their way at most. */
  readonly maxDemand: number;
  /** More are asked for when so few are left. */
  readonly minDemand: number;
  /** What its end means for the consumer. */
  readonly cancel: CancelMode;
  /** Whether the consumer was told to ask by itself. */
  readonly manual: boolean;
  /** As it is sent; `undefined` where none was named. */
  readonly partition: Term | undefined;
  /** `undefined` where all events are wanted. */
  readonly selector: ((event: unknown) => boolean) | undefined;
  /** All options as they are sent: a keyword list. */
  readonly terms: readonly Term[];
}

/** One subscription of a consumer to a producer. A pair may have several; they differ in their tag. */
export interface Subscription {
  /** What tells it apart on both sides: a reference that the consumer has made. */
  readonly tag: Ref;
  /** The other side: for a consumer its producer, for a producer its consumer. */
  readonly target: Target;
  /** The pid of the other side; `null` while a producer is only known by its name on another node. */
  readonly pid: Pid | null;
}

/** Why a subscription has ended: the other side has cancelled it, or has ended itself (or its node is lost). */
export interface Cancellation {
  /** `"cancel"`: the other side says so. `"down"`: it has ended, or its node is lost. */
  readonly kind: "cancel" | "down";
  /** What the other side says, or has ended with; `noproc` where there was nobody, `noconnection` where the node is lost. */
  readonly reason: Term;
}

/** @internal An option that cannot be. */
export class BadOption extends TypeError {}

/** As GenStage has them: a keyword list. */
export function optionsTerm(options: StageSubscribeOptions<never>): readonly Term[] {
  checkFields("subscribe", options, FIELDS);
  const { minDemand, maxDemand, cancel, manual, partition, selector, extra } = options;
  const terms: unknown[] = [];
  const put = (name: string, value: unknown): void => {
    if (value !== undefined) terms.push(tuple(atom(name), value as Term));
  };
  put("min_demand", minDemand);
  put("max_demand", maxDemand);
  put("cancel", cancel === undefined ? undefined : atom(cancel));
  if (manual) put("manual", true);
  put("partition", typeof partition === "string" ? atom(partition) : partition);
  put("selector", selector);
  for (const [name, value] of Object.entries(extra ?? {})) put(name, value);
  return terms as readonly Term[];
}

/** What a keyword list of options says. Names that are not known are for `handleSubscribe`, as in GenStage. */
export function readOptions(terms: Term): SubscriptionOptions {
  if (!isList(terms)) {
    throw new BadOption(`expected a list of options, got: ${shown(terms)}`);
  }
  const given = new Map<string, Term>();
  for (const one of terms) {
    if (isTuple(one) && one.length === 2 && one[0] instanceof Atom && !given.has(one[0].name)) {
      given.set(one[0].name, one[1] as Term);
    }
  }
  const maxDemand = integer(given, "max_demand", 1_000, 1, Number.MAX_SAFE_INTEGER);
  const minDemand = integer(given, "min_demand", Math.floor(maxDemand / 2), 0, maxDemand - 1);
  const cancel = given.get("cancel");
  const mode = cancel === undefined ? "permanent" : cancel instanceof Atom ? cancel.name : "";
  if (mode !== "permanent" && mode !== "transient" && mode !== "temporary") {
    throw new BadOption(
      `expected cancel to be one of [temporary, transient, permanent], got: ${shown(cancel!)}`,
    );
  }
  const selector: unknown = given.get("selector");
  return {
    maxDemand,
    minDemand,
    cancel: mode,
    manual: given.get("manual") === true,
    partition: given.get("partition"),
    selector: typeof selector === "function" ? selector as () => boolean : undefined,
    terms,
  };
}

/** What a consumer says to its producer, which does not care what it will ask for: as in GenStage it is not refused for that. */
export function readLoosely(terms: Term): SubscriptionOptions {
  try {
    return readOptions(terms);
  } catch (error) {
    if (!(error instanceof BadOption)) throw error;
    const known = isList(terms) ? terms.filter((one) => !isOfDemand(one)) : [];
    return { ...readOptions(known), terms: isList(terms) ? terms : [] };
  }
}

function isOfDemand(option: Term): boolean {
  const name = isTuple(option) ? option.tag : undefined;
  return name === "min_demand" || name === "max_demand" || name === "cancel";
}

function integer(
  given: Map<string, Term>,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  if (!given.has(name)) return fallback;
  const value = given.get(name)!;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new BadOption(`expected ${name} to be an integer, got: ${shown(value)}`);
  }
  if (value < least || value > most) {
    const than = value < least
      ? `greater than or equal to ${least}`
      : `less than or equal to ${most}`;
    throw new BadOption(`expected ${name} to be ${than}, got: ${value}`);
  }
  return value;
}

function shown(term: Term): string {
  return format(term, { maxLength: 100 });
}

/** `{Pid, Tag}`, which names a subscription in each message. */
export type SubscriptionTerm = Tuple<[Pid, Ref]>;

const SHUTDOWN = atom("shutdown");
const NORMAL = atom("normal");

/** Whether a consumer that is `transient` goes on after that. */
export function isOrderly(reason: Term): boolean {
  return reason === NORMAL || reason === SHUTDOWN ||
    (isTuple(reason) && reason.length === 2 && reason[0] === SHUTDOWN);
}
