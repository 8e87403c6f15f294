import type { Binary } from "../../etf/binary.ts";
import type { Float } from "../../etf/float.ts";
import type { Term } from "../../etf/term.ts";
import type { TermMap } from "../../etf/term_map.ts";
import type { Tagged, Tuple } from "../../etf/tuple.ts";
import type { Behaviour } from "../../node/process/behaviour.ts";
import type { ArgsOf, Handler, ReplyOf } from "./handlers.ts";
import type { CallsOf, CastsOf } from "./server_ref.ts";

/** What a value is for who gets it from another thread: the term that it is, as from another node. */
export type Crossed<T> = Term extends T ? Term
  : T extends string | Uint8Array ? Binary
  : T extends Float ? number
  : T extends Tagged<infer Name, infer Rest> ? Tagged<Name, CrossedAll<Rest>>
  : T extends Tuple<infer Elements> ? Tuple<CrossedAll<Elements>>
  : T extends readonly unknown[] ? CrossedAll<T>
  : T extends ReadonlyMap<unknown, unknown> ? TermMap
  : T extends undefined | void ? null
  : T;

/** @internal */
type CrossedAll<T extends readonly unknown[]> = { -readonly [I in keyof T]: Crossed<T[I]> };

/**
 * A behaviour whose processes run on a worker, as those see it who are on other threads: `Pool<OnWorker<Cruncher>>`, where `Cruncher` is
 * imported by its type only.
 */
export type OnWorker<B extends Behaviour> = Behaviour & PlacedProtocol<B> & Pick<B, "init">;

/** The tables of a server as those see it who are on other threads: it runs on a worker, and its replies are terms. */
export interface PlacedProtocol<S> {
  /** The calls, by name. */
  readonly calls: {
    readonly [N in keyof CallsOf<S>]: Handler<
      ArgsOf<CallsOf<S>[N]>,
      Crossed<ReplyOf<CallsOf<S>[N]>>
    >;
  };
  /** The casts, by name. */
  readonly casts: { readonly [N in keyof CastsOf<S>]: Handler<ArgsOf<CastsOf<S>[N]>, void> };
}
