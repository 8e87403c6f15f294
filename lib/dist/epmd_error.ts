/**
 * Why something with EPMD failed.
 *
 * - `unreachable`: nobody listens there.
 * - `duplicate_name`: another node of that name is registered.
 * - `timeout`: no answer within the limit.
 * - `closed`: the daemon hung up before its answer was complete.
 * - `garbage`: the answer is none of EPMD's.
 */
export type EpmdReason = "unreachable" | "duplicate_name" | "timeout" | "closed" | "garbage";

/**
 * EPMD, the daemon that knows where the nodes of a machine listen, did not do what was asked of it
 * ([EPMD protocol](https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol)).
 */
export class EpmdError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "EpmdError";
  /** Why, to be told apart by a program. */
  readonly reason: EpmdReason;
  /** Where the daemon was looked for. */
  readonly host: string;
  /** The daemon's port, 4369 unless told otherwise. */
  readonly port: number;

  /** @ignore @internal */
  constructor(
    message: string,
    reason: EpmdReason,
    where: { readonly host: string; readonly port: number },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.reason = reason;
    this.host = where.host;
    this.port = where.port;
  }
}
