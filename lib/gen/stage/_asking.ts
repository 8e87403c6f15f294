import { Atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Ref } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { addressOf, Name, objectOf, type Target } from "../../node/target.ts";
import { ReplyError } from "../server/contract.ts";
import { ASK_SUBSCRIBE } from "./_wire.ts";
import type { ProducerOf } from "./consumer_ref.ts";
import type { StageRef } from "./stage_ref.ts";
import { optionsTerm, type StageSubscribeOptions } from "./subscription.ts";

/** A subscription that ends when the new one begins. */
export interface Current {
  readonly tag: Ref;
  readonly reason: Term;
}

/** `{'$subscribe', Current, To, Options}`. */
function request(
  ref: StageRef<unknown>,
  to: Target,
  options: StageSubscribeOptions<never>,
  current: Current | null,
): unknown {
  const core = ref._node._core;
  const address = addressOf(to, core.global);
  // A name of this node is one of the consumer's elsewhere.
  const isElsewhere = core.remoteOf(addressOf(ref.target, core.global)) !== null;
  const producer = !(address instanceof Name)
    ? address
    : address.node === null && !isElsewhere
    ? address.term
    : objectOf(address, core.name);
  const old = current === null ? null : tuple(current.tag, current.reason);
  return tuple(ASK_SUBSCRIBE, old, producer as Term, optionsTerm(options) as Term[]);
}

/**
 * Has a consumer subscribe, as `GenStage.sync_subscribe` and `sync_resubscribe`. This is all that the references do which subscribe: one
 * class cannot be the base of both, for one of them is a producer's as well.
 */
export async function askToSubscribe<In>(
  ref: StageRef<unknown>,
  to: ProducerOf<In>,
  options: StageSubscribeOptions<In>,
  current: Current | null = null,
): Promise<Ref> {
  const reply = await ref._ask(request(ref, to as Target, options as never, current));
  if (isTuple(reply) && reply.length === 2) {
    const [tag, value] = [reply[0], reply[1] as Term];
    if (tag instanceof Atom && tag.name === "ok" && value instanceof Ref) return value;
    if (tag instanceof Atom && tag.name === "error") {
      throw new ReplyError(value, `Cannot subscribe: the stage answered ${shown(value)}`);
    }
  }
  throw new TypeError(`Cannot subscribe: no stage answers with ${shown(reply)}`);
}

/** As `GenStage.async_subscribe` and `async_resubscribe`. */
export function tellToSubscribe<In>(
  ref: StageRef<unknown>,
  to: ProducerOf<In>,
  options: StageSubscribeOptions<In>,
  current: Current | null = null,
): void {
  ref._tell(request(ref, to as Target, options as never, current));
}

function shown(term: Term): string {
  return format(term, { maxLength: 500 });
}
