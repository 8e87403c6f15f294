import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { selfOf } from "../../node/caller.ts";
import { type CallOptions, checkCallOptions } from "../../node/call.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Process } from "../../node/process/process.ts";
import type { Target } from "../../node/target.ts";
import { ServerRef } from "../server/server_ref.ts";
import { ASK_INFO } from "./_wire.ts";

/** A reference to a stage, of this node or another one. */
export class StageRef<S> extends ServerRef<S> {
  /** @ignore @internal */
  readonly _node: Node;
  /** @ignore @internal */
  readonly _from: Process;
  readonly #options: CallOptions;

  /** @ignore @internal */
  constructor(node: Node, target: Target, from: Process, options: CallOptions) {
    super(node, target, from, options);
    this._node = node;
    this._from = from;
    this.#options = options;
  }

  /** Has a message come to `handleInfo` behind all events that the stage has buffered: GenStage's `sync_info`. */
  async info(message: Encodable): Promise<void> {
    await this._ask(tuple(ASK_INFO, message));
  }

  /** As {@linkcode StageRef.info}, and does not wait: `async_info`. */
  asyncInfo(message: Encodable): void {
    this._tell(tuple(ASK_INFO, message));
  }

  /** The same reference with other options for its calls. */
  override with(options: CallOptions): this {
    checkCallOptions(options);
    return this.#copy(this._from, { ...this.#options, ...options });
  }

  /** The same reference for use in a process: the stage sees who calls. */
  override as(caller: ProcessContext): this {
    selfOf(caller, "call in the name of a process", "ref.as(this)");
    return this.#copy(caller._process, this.#options);
  }

  /** @ignore @internal A request that GenStage's own functions make. */
  async _ask(term: unknown): Promise<Term> {
    const request = { name: null, term: term as Encodable };
    return await this._node._core.call(this._from, this.target, request, this.#options) as Term;
  }

  /** @ignore @internal */
  _tell(term: unknown): void {
    const request = { name: null, term: term as Encodable };
    this._node._core.cast(this._from, this.target, request);
  }

  #copy(from: Process, options: CallOptions): this {
    const Class = this.constructor as new (
      node: Node,
      target: Target,
      from: Process,
      options: CallOptions,
    ) => this;
    return new Class(this._node, this.target, from, options);
  }
}
