/** The levels of OTP's logger, the gravest first. */
export type LogLevel =
  | "emergency"
  | "alert"
  | "critical"
  | "error"
  | "warning"
  | "notice"
  | "info"
  | "debug";

/** From which level on something is logged: that level and those graver. */
export type LogThreshold = LogLevel | "none" | "all";

/** The levels with their severity, as in syslog (RFC 5424). */
export const LEVELS: Readonly<Record<LogLevel, number>> = {
  emergency: 0,
  alert: 1,
  critical: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

/** @throws {RangeError} if there is no such level. */
export function checkLevel(level: unknown): LogLevel {
  if (typeof level === "string" && Object.hasOwn(LEVELS, level)) return level as LogLevel;
  const known = Object.keys(LEVELS).join(", ");
  throw new RangeError(`Cannot log at level ${String(level)}: there is none, there are ${known}`);
}

/** The severity up to which events are logged. @throws {RangeError} if it is no threshold. */
export function severityOf(threshold: LogThreshold): number {
  if (threshold === "none") return -1;
  if (threshold === "all") return Infinity;
  return LEVELS[checkLevel(threshold)];
}
