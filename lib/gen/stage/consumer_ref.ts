import type { Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import type { Target } from "../../node/target.ts";
import { askToSubscribe, tellToSubscribe } from "./_asking.ts";
import { StageRef } from "./stage_ref.ts";
import type { StageSubscribeOptions } from "./subscription.ts";

/** A producer of such events: a reference, whose type is checked, or where it is. */
export type ProducerOf<In> = StageOf<In> | Exclude<Target, { readonly target: Target }>;

/** A reference to a stage that makes such events. */
export interface StageOf<Out> {
  /** Where the stage is. */
  readonly target: Target;
  /** @ignore @internal */
  readonly _out: Out;
}

/** A reference to a consumer: one of ours, or by `node.ref(Consumer, target)` any GenStage of any node. */
export class ConsumerRef<S, In> extends StageRef<S> {
  /** @ignore @internal */
  declare readonly _in: (event: In) => void;

  /**
   * Subscribes the stage to a producer, and waits until it has asked for events: `GenStage.sync_subscribe`.
   *
   * A producer that is not there ends the subscription with `noproc`, and with it the consumer unless it is `cancel: "temporary"`.
   *
   * @returns the tag of the subscription.
   * @throws {ReplyError} with `{bad_opts, Text}` if it cannot be.
   */
  subscribe(producer: ProducerOf<In>, options: StageSubscribeOptions<In> = {}): Promise<Ref> {
    return askToSubscribe(this, producer, options);
  }

  /** As {@linkcode ConsumerRef.subscribe}, and does not wait: `GenStage.async_subscribe`. */
  asyncSubscribe(producer: ProducerOf<In>, options: StageSubscribeOptions<In> = {}): void {
    tellToSubscribe(this, producer, options);
  }

  /**
   * Subscribes anew, with other options, and ends an old subscription to the same producer at the same moment: `GenStage.sync_resubscribe`.
   *
   * The end of the old one is one as every other: the consumer goes on if that was `temporary`, or `transient` and `reason` is that of
   * an end in order.
   */
  resubscribe(
    tag: Ref,
    reason: Term,
    producer: ProducerOf<In>,
    options: StageSubscribeOptions<In> = {},
  ): Promise<Ref> {
    return askToSubscribe(this, producer, options, { tag, reason });
  }

  /** As {@linkcode ConsumerRef.resubscribe}, and does not wait: `GenStage.async_resubscribe`. */
  asyncResubscribe(
    tag: Ref,
    reason: Term,
    producer: ProducerOf<In>,
    options: StageSubscribeOptions<In> = {},
  ): void {
    tellToSubscribe(this, producer, options, { tag, reason });
  }
}
