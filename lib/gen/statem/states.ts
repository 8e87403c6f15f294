import type { Term } from "../../etf/term.ts";
import type { AnyHandler, ArgsOf, Handler } from "../server/handlers.ts";
import type { Transition, TransitionPlace } from "./transition.ts";

/** What a handler of an event returns: a transition, or nothing, which keeps the state. */
export type StatemResult = Transition<unknown> | void | PromiseLike<Transition<unknown> | void>;

/** What `enter` returns: nothing, or a transition that keeps the state and makes no events. */
export type EnterResult =
  | Transition<unknown, "anywhere">
  | void
  | PromiseLike<Transition<unknown, "anywhere"> | void>;

/** A handler of casts: one made by `on`, or a bare function, which other nodes may call without arguments only. */
export type StatemHandler =
  | Handler<readonly unknown[], StatemResult>
  | ((...args: never[]) => StatemResult);

/** What a machine does in one of its states. All of it may be left out. */
export interface StateHandlers<State> {
  /**
   * The state was entered, from `previous` (at the start, from itself); also where it is repeated. It runs before anything else
   * happens in this state, and can neither change the state, nor postpone, nor insert events.
   */
  enter?(previous: State): EnterResult;
  /** Calls by name: what a handler returns is the reply, and keeps the state; a transition says both. */
  readonly calls?: Readonly<Record<string, AnyHandler>>;
  /** Casts by name. */
  readonly casts?: Readonly<Record<string, StatemHandler>>;
  /** Every other message. Without it the message is logged and dropped. */
  info?(message: Term): StatemResult;
  /** An event that the machine has inserted. Without it the machine crashes. */
  internal?(content: unknown): StatemResult;
  /** The machine was in this state for a time. */
  stateTimeout?(content: unknown): StatemResult;
  /** No event came for a time. */
  eventTimeout?(content: unknown): StatemResult;
  /** Timers by name. */
  readonly timeouts?: Readonly<Record<string, (content: never) => StatemResult>>;
}

/** The name of a state: itself where it is a string, else its `name`. */
export type StateName<State> = State extends string ? State
  : State extends { readonly name: infer Name extends string } ? Name
  : never;

/** The handlers of all states, by name. */
export type StatesOf<State> = { readonly [Name in StateName<State>]: StateHandlers<State> };

/** What a table may not have: a state that there is not, or something that no state has. */
export type OnlyStates<T, State> =
  & { readonly [Name in Exclude<keyof T, StateName<State>>]: never }
  & {
    readonly [Name in keyof T]: {
      readonly [Key in Exclude<keyof T[Name], keyof StateHandlers<State>>]: never;
    };
  };

/** What a machine answers in any of its states, as a server's tables. */
export interface StatemProtocol<M> {
  /** The calls of all states, by name. */
  readonly calls: {
    readonly [N in Names<Tables<M, "calls">>]: Handler<
      ArgsOf<Named<Tables<M, "calls">, N>>,
      Replied<ResultOf<Named<Tables<M, "calls">, N>>>
    >;
  };
  /** The casts of all states, by name. */
  readonly casts: {
    readonly [N in Names<Tables<M, "casts">>]: Handler<ArgsOf<Named<Tables<M, "casts">, N>>, void>;
  };
}

/** @internal The handlers of each state, and those for all of them. */
type Handlers<M> =
  | (M extends { readonly states: infer S } ? S[keyof S] : never)
  | (M extends { readonly common: infer C } ? C : never);
/** @internal The tables of one kind in all states. */
type Tables<M, Kind extends "calls" | "casts"> = TableOf<Handlers<M>, Kind>;
/** @internal One of these. */
type TableOf<H, Kind extends string> = H extends { readonly [K in Kind]: infer T } ? T : never;
/** @internal The names in them. */
type Names<T> = (T extends unknown ? keyof T : never) & string;
/** @internal The handlers of a name. */
type Named<T, N extends string> = T extends { readonly [K in N]: infer H } ? H : never;
/** @internal What a handler returns. */
type ResultOf<H> = H extends Handler<infer _Args, infer R> ? R
  : H extends (...args: never[]) => infer R ? R
  : never;
/** @internal Each member of a union for itself; what is postponed adds nothing. */
type Replied<R> = ReplyIn<Awaited<R>>;
type ReplyIn<V> = V extends Transition<infer T, infer _ extends TransitionPlace> ? T : V;
