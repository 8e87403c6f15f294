import type { Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { askToSubscribe, tellToSubscribe } from "./_asking.ts";
import type { ProducerOf } from "./consumer_ref.ts";
import { ProducerRef } from "./producer_ref.ts";
import type { StageSubscribeOptions } from "./subscription.ts";

/** A reference to a stage that takes events and makes others. */
export class ProducerConsumerRef<S, In, Out> extends ProducerRef<S, Out> {
  /** @ignore @internal */
  declare readonly _in: (event: In) => void;

  /** See {@linkcode ConsumerRef.subscribe}. */
  subscribe(producer: ProducerOf<In>, options: StageSubscribeOptions<In> = {}): Promise<Ref> {
    return askToSubscribe(this, producer, options);
  }

  /** See {@linkcode ConsumerRef.asyncSubscribe}. */
  asyncSubscribe(producer: ProducerOf<In>, options: StageSubscribeOptions<In> = {}): void {
    tellToSubscribe(this, producer, options);
  }

  /** See {@linkcode ConsumerRef.resubscribe}. */
  resubscribe(
    tag: Ref,
    reason: Term,
    producer: ProducerOf<In>,
    options: StageSubscribeOptions<In> = {},
  ): Promise<Ref> {
    return askToSubscribe(this, producer, options, { tag, reason });
  }

  /** See {@linkcode ConsumerRef.asyncResubscribe}. */
  asyncResubscribe(
    tag: Ref,
    reason: Term,
    producer: ProducerOf<In>,
    options: StageSubscribeOptions<In> = {},
  ): void {
    tellToSubscribe(this, producer, options, { tag, reason });
  }
}
