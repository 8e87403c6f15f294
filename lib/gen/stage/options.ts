import { checkFields } from "../../_util/fields.ts";
import { addressOf, type Target } from "../../node/target.ts";
import type { ProducingOptions } from "./_producing.ts";
import { demandDispatcher, type DispatcherSpec } from "./dispatcher.ts";
import {
  optionsTerm,
  readOptions,
  type StageSubscribeOptions,
  type SubscriptionOptions,
} from "./subscription.ts";

/** What a stage that produces says of itself in `init`. */
export interface ProducerOptions<Out = never> {
  /** How events are divided among consumers. Default: {@linkcode demandDispatcher}. */
  readonly dispatcher?: DispatcherSpec<Out>;
  /** How many events are kept that nobody has asked for. Default 10,000; of a stage that consumes as well `Infinity`. */
  readonly bufferSize?: number;
  /** Which of them stay where there are more: the first or the last. What goes is counted and logged. Default "last". */
  readonly bufferKeep?: "first" | "last";
  /** Whether demand is handled when it comes, or waits until it is asked for by {@linkcode ProducerRef.setDemand}. Default "forward". */
  readonly producer?: "forward" | "accumulate";
}

/** A producer that a stage subscribes to when it starts, with options. */
export type SubscribeTo = Target | readonly [to: Target, options: StageSubscribeOptions<never>];

/** What a consumer says of itself in `init`. */
export interface ConsumerOptions {
  /** The producers that it subscribes to before it has started. */
  readonly subscribeTo?: readonly SubscribeTo[];
}

/** What a stage says in `init` that does both. */
export interface ProducerConsumerOptions<Out = never>
  extends Omit<ProducerOptions<Out>, "producer">, ConsumerOptions {}

const PRODUCER = { dispatcher: true, bufferSize: true, bufferKeep: true, producer: true };
const CONSUMER = { subscribeTo: true };

/** @internal @throws {TypeError} if what `init` has returned are no options of such a stage. */
export function checkOptions(
  name: string,
  options: unknown,
  kind: { readonly produces: boolean; readonly consumes: boolean },
): ProducerOptions & ConsumerOptions {
  if (options === undefined || options === null) return {};
  const { producer: _, ...both } = PRODUCER;
  const fields = !kind.consumes ? PRODUCER : kind.produces ? { ...both, ...CONSUMER } : CONSUMER;
  checkFields(`start ${name}`, options, fields);
  const { dispatcher, bufferSize = 0, bufferKeep, producer, subscribeTo } = options as
    & ProducerOptions
    & ConsumerOptions;
  const wrong = (what: string, value: unknown, needed: string): never => {
    throw new TypeError(
      `Cannot start ${name}: its ${what} is ${String(value)}, ${needed} is needed`,
    );
  };
  if (dispatcher !== undefined && typeof dispatcher?._make !== "function") {
    wrong("dispatcher", dispatcher, "what demandDispatcher() or another such function gives");
  }
  if (bufferSize !== Infinity && !(Number.isSafeInteger(bufferSize) && bufferSize >= 0)) {
    wrong("bufferSize", bufferSize, "a number from 0 on, or Infinity,");
  }
  if (bufferKeep !== undefined && bufferKeep !== "first" && bufferKeep !== "last") {
    wrong("bufferKeep", bufferKeep, '"first" or "last"');
  }
  if (producer !== undefined && producer !== "forward" && producer !== "accumulate") {
    wrong("option producer", producer, '"forward" or "accumulate"');
  }
  if (subscribeTo !== undefined && !Array.isArray(subscribeTo)) {
    wrong("subscribeTo", subscribeTo, "a list of producers");
  }
  return options;
}

/** @internal */
export function producingOptions(
  options: ProducerOptions,
  consumes: boolean,
): ProducingOptions {
  const { dispatcher = demandDispatcher() as DispatcherSpec<never> } = options;
  const { bufferSize = consumes ? Infinity : 10_000, bufferKeep = "last", producer } = options;
  const accumulates = producer === "accumulate";
  return { dispatcher, bufferSize, bufferKeep, accumulates, consumes };
}

/** @internal Of `[producer, options]`, or a producer alone. A tuple of Erlang is a producer. */
export function readSubscribeTo(
  one: SubscribeTo,
): { readonly to: Target; readonly options: SubscriptionOptions } {
  const isPair = Array.isArray(one) && Object.getPrototypeOf(one) === Array.prototype;
  const [to, options = {}] = isPair
    ? one as readonly [Target, StageSubscribeOptions<never>?]
    : [one as Target];
  addressOf(to);
  return { to, options: readOptions(optionsTerm(options) as never) };
}
