import { atom } from "../../etf/atom.ts";
import type { Supervision } from "./_supervision.ts";

/** What sys and observer show of a supervisor: a map in the place of OTP's record. */
export function stateOf({ flags, children, template, intensity }: Supervision): unknown {
  return {
    strategy: atom(flags.strategy),
    intensity: flags.intensity === Infinity ? atom("infinity") : flags.intensity,
    period: flags.period === Infinity ? atom("infinity") : flags.period,
    auto_shutdown: atom(flags.autoShutdown),
    restarts: intensity.count,
    children: Array.from(children, ({ spec, running, restarting, disabled }) => ({
      ...(template === null ? { id: spec._id } : {}),
      pid: restarting ? atom("restarting") : running?.pid ?? atom("undefined"),
      restart: atom(spec.restart),
      ...(disabled ? { disabled } : {}),
    })),
  };
}
