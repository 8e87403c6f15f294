import { type Atom, atom } from "../../etf/atom.ts";
import { Pid, Ref } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { BusyError } from "../../node/errors.ts";
import type { Core } from "../../node/core.ts";
import type { Process } from "../../node/process/process.ts";
import { type Address, addressOf, nodeOf, type Target } from "../../node/target.ts";
import type { Node } from "../../node/node.ts";
import type { SubscriptionTerm } from "./subscription.ts";

// The words of GenStage's messages.
export const GEN_PRODUCER: Atom = atom("$gen_producer");
export const GEN_CONSUMER: Atom = atom("$gen_consumer");
export const SUBSCRIBE: Atom = atom("subscribe");
export const ASK: Atom = atom("ask");
export const CANCEL: Atom = atom("cancel");
export const UNKNOWN_SUBSCRIPTION: Atom = atom("unknown_subscription");
export const DUPLICATED_SUBSCRIPTION: Atom = atom("duplicated_subscription");
export const ASK_SUBSCRIBE: Atom = atom("$subscribe");
export const ASK_INFO: Atom = atom("$info");
export const ASK_DEMAND: Atom = atom("$demand");
export const ASK_BUFFERED: Atom = atom("$estimate_buffered_count");
// What a consumer supervisor is asked.
export const WHICH_CHILDREN: Atom = atom("which_children");
export const COUNT_CHILDREN: Atom = atom("count_children");
export const START_CHILD: Atom = atom("start_child");
export const TERMINATE_CHILD: Atom = atom("terminate_child");

/** Whether a term names a subscription: `{Pid, Tag}`. */
export function isSubscription(term: unknown): term is SubscriptionTerm {
  return isTuple(term) && term.length === 2 && term[0] instanceof Pid && term[1] instanceof Ref;
}

/** To a producer: `{'$gen_producer', {ConsumerPid, Tag}, What}`. */
export function toProducer(consumer: Pid, tag: Ref, what: unknown): Encodable {
  return tuple(GEN_PRODUCER, tuple(consumer, tag), what as Term) as Encodable;
}

/** To a consumer: `{'$gen_consumer', {ProducerPid, Tag}, What}`. */
export function toConsumer(producer: Pid, tag: Ref, what: unknown): Encodable {
  return tuple(GEN_CONSUMER, tuple(producer, tag), what as Term) as Encodable;
}

export function cancelled(reason: Term): unknown {
  return tuple(CANCEL, reason);
}

/**
 * The way of a stage's messages. A node that takes nothing more is waited for, as long as it takes: no event may be lost between
 * stages. Meanwhile the stage takes no other message, as a process of Erlang that sends to a busy node.
 */
export class StageOutbox {
  readonly #node: Node;
  readonly #core: Core;
  readonly #process: Process;
  /** Of each node that is busy, what waits for it. */
  readonly #late: Map<string, { to: Address; message: Encodable }[]> = new Map();
  #idle: (() => void)[] = [];

  constructor(node: Node, core: Core, process: Process) {
    this.#node = node;
    this.#core = core;
    this.#process = process;
  }

  /** Sends now, or behind what waits for that node. */
  send(target: Target, message: Encodable): void {
    const address = addressOf(target, this.#core.global);
    const late = this.#late.size === 0 ? undefined : this.#late.get(nodeOf(address));
    if (late !== undefined) {
      late.push({ to: address, message });
      return;
    }
    try {
      this.#core.send(this.#process, target, message);
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      const waiting = [{ to: address, message }];
      this.#late.set(nodeOf(address), waiting);
      void this.#retry(nodeOf(address), waiting);
    }
  }

  /** Whether something waits for a node that takes nothing more. */
  get isBusy(): boolean {
    return this.#late.size > 0;
  }

  /** Calls back when nothing waits: at once where nothing does. */
  whenEmpty(fn: () => void): void {
    if (this.#late.size === 0) fn();
    else this.#idle.push(fn);
  }

  /** Resolves when nothing waits. */
  ready(): Promise<void> {
    return new Promise((resolve) => this.whenEmpty(resolve));
  }

  async #retry(node: string, waiting: { to: Address; message: Encodable }[]): Promise<void> {
    try {
      for (let i = 0; i < waiting.length;) {
        await this.#node.sendReady(node);
        const remote = this.#core.remoteOf(waiting[i].to);
        try {
          while (i < waiting.length) {
            remote?.send(this.#process.pid, waiting[i].to, waiting[i].message);
            i++;
          }
        } catch (error) {
          if (!(error instanceof BusyError)) throw error;
        }
      }
    } catch {
      // The connection is lost, and with it the subscriptions, which their monitors tell.
    }
    this.#late.delete(node);
    if (this.#late.size > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const fn of idle) fn();
  }
}

/** Goes on when a result is there, at once where it is. */
export function afterwards(result: unknown, next: (value: unknown) => unknown): unknown {
  return typeof result === "object" && result !== null &&
      typeof (result as { then?: unknown }).then === "function"
    ? Promise.resolve(result).then(next)
    : next(result);
}
