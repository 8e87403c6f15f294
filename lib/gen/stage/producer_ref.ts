import { type Atom, atom } from "../../etf/atom.ts";
import type { Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { NORMAL } from "../../node/atoms.ts";
import { EventIterator, type StageEventsOptions } from "./event_iterator.ts";
import { ASK_BUFFERED, ASK_DEMAND, cancelled, toProducer } from "./_wire.ts";
import { StageRef } from "./stage_ref.ts";

/** A reference to a producer: one of ours, or by `node.ref(Producer, target)` any GenStage of any node. */
export class ProducerRef<S, Out> extends StageRef<S> {
  /** @ignore @internal */
  declare readonly _out: Out;

  /**
   * The producer's events, for a loop: each turn asks for events as a consumer would, and the loop's end ends the subscription.
   *
   * - The producer's end in order is the loop's, any other end an {@linkcode ExitError} there.
   * - What has come and was not read yet when the loop is left is lost, at most `maxDemand` events.
   *
   * @param options how it subscribes; `schema` says what the events are, needed where the producer is of another node.
   * @example
   * ```ts
   * import { Producer, startNode } from "@ergo-ts/ergo";
   *
   * await using node = await startNode("demo@localhost", { cookie: "secret" });
   * const letters = await node.start(Producer.from("abc"), []);
   * for await (const letter of letters.events({ maxDemand: 1 })) console.log(letter);
   * ```
   */
  events(options: StageEventsOptions<Out> = {}): EventIterator<Out> {
    return new EventIterator<Out>(this._node, this.target, options);
  }

  /** The producer's events as a stream, which takes them when they are read. Ends and fails as {@linkcode ProducerRef.events} does. */
  readable(options: StageEventsOptions<Out> = {}): ReadableStream<Out> {
    const events = this.events(options);
    return new ReadableStream<Out>({
      async pull(controller): Promise<void> {
        const { done, value } = await events.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(): Promise<void> {
        await events.return();
      },
    }, { highWaterMark: 0 });
  }

  /** How many events the producer has buffered: `GenStage.estimate_buffered_count`. */
  async estimateBufferedCount(): Promise<number> {
    return Number(await this._ask(ASK_BUFFERED));
  }

  /** Whether demand is handled when it comes, or accumulates. */
  async demand(): Promise<"forward" | "accumulate"> {
    return (await this._ask(ASK_DEMAND) as Atom).name as "forward" | "accumulate";
  }

  /** Has demand accumulate, or go on, together with what has accumulated: `GenStage.demand`. */
  setDemand(mode: "forward" | "accumulate"): void {
    if (mode !== "forward" && mode !== "accumulate") {
      throw new TypeError(
        `Cannot set the demand to ${String(mode)}: "forward" or "accumulate" is needed`,
      );
    }
    this._tell(tuple(ASK_DEMAND, atom(mode)));
  }

  /** Ends a subscription of some consumer, as `GenStage.cancel`. */
  cancel(tag: Ref, reason: Term = NORMAL): void {
    this.send(toProducer(this._from.pid, tag, cancelled(reason)));
  }
}
