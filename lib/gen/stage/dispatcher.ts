import { checkFields } from "../../_util/fields.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import type { SubscriptionOptions } from "./subscription.ts";
import { BroadcastDispatcher } from "./_broadcast_dispatcher.ts";
import { DemandDispatcher } from "./_demand_dispatcher.ts";
import { PartitionDispatcher } from "./_partition_dispatcher.ts";
import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";

/** A consumer, as a dispatcher knows it. */
export interface Outlet {
  /** For messages. */
  readonly name: string;
  /** The consumer's pid, as a text. */
  readonly process: string;
  send(events: readonly unknown[]): void;
}

/** What a dispatcher needs of its stage. */
export interface DispatcherHome {
  warn(text: string): void;
  /** The message of an info whose turn it is: it goes to `handleInfo`. */
  inform(message: unknown): void;
  /** Asks for more in the name of a consumer, behind what waits. */
  askFor(outlet: Outlet, count: number): void;
  /** So much more is needed of the producer, behind what waits: events of that number have gone to nobody. */
  more(count: number): void;
  /** A number from 0 to below `range`. */
  random(range: number): number;
  /** Events that no consumer gets. */
  discard(count: number, why: string): void;
}

/** @internal Decides who gets which events. Numbers that come back are new demand on the producer. */
export interface Dispatcher {
  /** @returns why the consumer cannot have events, or nothing. */
  subscribe(outlet: Outlet, options: SubscriptionOptions): Term | undefined;
  cancel(outlet: Outlet): number;
  ask(outlet: Outlet, count: number): number;
  /** @returns the events that nobody has asked for. */
  dispatch(events: readonly unknown[]): readonly unknown[];
  info(message: unknown): void;
}

/** How a producer's events are divided: made by {@linkcode demandDispatcher}, {@linkcode broadcastDispatcher}, {@linkcode partitionDispatcher}. */
export interface DispatcherSpec<Out = never> {
  /** @ignore @internal */
  readonly _event?: (event: Out) => void;
  /** @ignore @internal */
  readonly _make: (home: DispatcherHome) => Dispatcher;
}

/** Options of {@linkcode demandDispatcher}. */
export interface DemandDispatcherOptions {
  /** What consumers are expected to ask for at most; one that asks for more is warned of. Default: what is asked for first. */
  readonly maxDemand?: number;
  /** Whether the consumers are put in an order at random before the first events, so that the first one is not overloaded. Default false. */
  readonly shuffle?: boolean;
}

/**
 * Each event goes to one consumer: to the one that has asked for most. GenStage's DemandDispatcher, and the default.
 *
 * Consumers should have the same maximum demand, else the greediest gets most.
 */
export function demandDispatcher(options: DemandDispatcherOptions = {}): DispatcherSpec<unknown> {
  checkFields("make a demand dispatcher", options, { maxDemand: true, shuffle: true });
  const { maxDemand, shuffle = false } = options;
  if (maxDemand !== undefined && !(Number.isSafeInteger(maxDemand) && maxDemand > 0)) {
    throw new RangeError(
      `Cannot make a demand dispatcher with maxDemand ${maxDemand}: 1 or more is needed`,
    );
  }
  return { _make: (home) => new DemandDispatcher(home, maxDemand ?? null, shuffle) };
}

/**
 * Each event goes to every consumer, when all have asked for it: the slowest sets the pace. GenStage's BroadcastDispatcher.
 *
 * - A consumer of the same node may say by `selector` which events it wants; the others count as taken.
 * - A process can subscribe once.
 */
export function broadcastDispatcher(): DispatcherSpec<unknown> {
  return { _make: (home) => new BroadcastDispatcher(home) };
}

/** What a hash of a partition dispatcher returns for an event that nobody is to get. */
export const none: unique symbol = Symbol("none");

/** Options of {@linkcode partitionDispatcher}. */
export interface PartitionDispatcherOptions<Out> {
  /** How many partitions, which are named 0, 1, and so on; or their names, where a string is the atom of that name. */
  readonly partitions: number | readonly Encodable[];
  /**
   * Says to which partition an event belongs, or {@linkcode none}. Needed where partitions have names. Default Erlang's
   * `phash2(Event, Partitions)`, by which any node finds the same partition.
   */
  readonly hash?: (event: Out) => Encodable | typeof none;
}

/**
 * Each event goes to the consumer of its partition: what belongs together stays in order. GenStage's PartitionDispatcher.
 *
 * - A consumer names its partition when it subscribes; each partition has one.
 * - Events of a partition that has no consumer, or a slow one, wait; the demand of the others brings more of them, so that one partition
 *   that is behind slows all.
 */
export function partitionDispatcher<Out = unknown>(
  options: PartitionDispatcherOptions<Out>,
): DispatcherSpec<Out> {
  checkFields("make a partition dispatcher", options, { partitions: true, hash: true });
  const { partitions, hash } = options;
  const names = partitionNames(partitions);
  if (hash === undefined && names.some((name) => typeof name !== "number")) {
    throw new TypeError(
      "Cannot make a partition dispatcher: its partitions have names, a function hash that says which one is needed",
    );
  }
  const find = hash as ((event: unknown) => Encodable | typeof none) | undefined;
  return { _make: (home) => new PartitionDispatcher(home, names, find ?? null) };
}

function partitionNames(partitions: number | readonly Encodable[]): readonly Encodable[] {
  if (Array.isArray(partitions) && partitions.length > 0) {
    return partitions.map((name) => typeof name === "string" ? atom(name) : name);
  }
  if (typeof partitions === "number" && Number.isSafeInteger(partitions) && partitions > 0) {
    return Array.from({ length: partitions }, (_, i) => i);
  }
  throw new RangeError(
    `Cannot make a partition dispatcher with partitions ${
      Array.isArray(partitions) ? format([]) : String(partitions)
    }: a number from 1 on, or a list of names is needed`,
  );
}
