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

/** The port mapper could not do what was asked of it. */
export class EpmdError extends Error {
  override readonly name = "EpmdError";
  readonly reason: EpmdReason;
  /** Where the daemon was looked for. */
  readonly host: string;
  readonly port: number;

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
