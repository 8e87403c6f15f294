import { namesInstead } from "../../_util/fields.ts";
import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { ExitError } from "../../node/errors.ts";
import { shown } from "../sys/shown.ts";
import type { Child } from "./child.ts";
import { specFault } from "./_spec_faults.ts";

/**
 * What a supervisor does when a child has ended that is to be started again: it starts that one (`one_for_one`); ends all others and
 * starts all (`one_for_all`); ends those that were started behind it, and starts these (`rest_for_one`). `simple_one_for_one` is
 * `one_for_one` for any number of children that are all alike, and are started while it runs.
 */
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one" | "simple_one_for_one";

/** When a supervisor ends by itself because of children that have ended by themselves: never, with any that is `significant`, with the last of them. */
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** How a supervisor restarts its children, apart from which. */
export interface SupervisorFlags {
  /** Default `"one_for_one"`. */
  readonly strategy?: Strategy;
  /** How many restarts there may be within `period`; one more ends the supervisor with `shutdown`, and all its children. Default 1. */
  readonly intensity?: number;
  /** Milliseconds; a restart that is exactly as old still counts, as in OTP, which counts in whole seconds. Default 5,000. */
  readonly period?: number;
  /** Default `"never"`; a simple_one_for_one supervisor has no other. */
  readonly autoShutdown?: AutoShutdown;
}

/** What a supervisor consists of. */
export type SupervisorSpec =
  | SupervisorFlags & {
    readonly strategy?: Exclude<Strategy, "simple_one_for_one">;
    /** Started in this order, and ended in the opposite one. */
    readonly children: readonly Child[];
  }
  | SupervisorFlags & {
    readonly strategy: "simple_one_for_one";
    readonly autoShutdown?: "never";
    /** The one specification of all its children, none of which is started at first. */
    readonly children: readonly [Child<never>];
  };

/** The flags with their defaults. */
export type Flags = Required<SupervisorFlags>;

const DEFAULTS: Flags = {
  strategy: "one_for_one",
  intensity: 1,
  period: 5_000,
  autoShutdown: "never",
};
const STRATEGIES: readonly unknown[] = [
  "one_for_one",
  "one_for_all",
  "rest_for_one",
  "simple_one_for_one",
] satisfies Strategy[];
const AUTO_SHUTDOWNS: readonly unknown[] = [
  "never",
  "any_significant",
  "all_significant",
] satisfies AutoShutdown[];

/**
 * What `init` has returned, checked.
 *
 * @throws {ExitError} with the reason that OTP's supervisors end with.
 */
export function checkSpec(
  spec: unknown,
  server: string,
): { readonly flags: Flags; readonly children: readonly Child<never>[] } {
  if (typeof spec !== "object" || spec === null || !("children" in spec)) {
    throw fault(
      tuple(atom("bad_return"), tuple(atom(server), atom("init"), shown(spec))),
      `Cannot start ${server}: its init must return { children: [...] }`,
    );
  }
  const { children, ...given } = spec as SupervisorSpec;
  const flags = checkFlags(given, server);
  const isSimple = flags.strategy === "simple_one_for_one";
  if (!Array.isArray(children) || (isSimple && children.length !== 1)) {
    throw fault(
      isSimple
        ? tuple(atom("bad_start_spec"), shown(children))
        : tuple(atom("start_spec"), tuple(atom("invalid_child_spec"), shown(children))),
      `Cannot start ${server}: its children must be an array${isSimple ? " of one" : ""}`,
    );
  }
  const seen = new Set<unknown>();
  for (const one of children as readonly unknown[]) {
    const wrong = specFault(one, flags.autoShutdown, seen);
    if (wrong === null) continue;
    throw fault(
      tuple(atom("start_spec"), wrong.term),
      `Cannot start ${server}: ${wrong.text}`,
    );
  }
  return { flags, children: children as readonly Child<never>[] };
}

function checkFlags(given: SupervisorFlags, server: string): Flags {
  const { strategy, intensity, period, autoShutdown } = { ...DEFAULTS, ...given };
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(DEFAULTS, name)) continue;
    throw fault(
      tuple(atom("supervisor_data"), tuple(atom("invalid_flag"), shown(name))),
      `Cannot start ${server}: it has no option ${name}, ${
        namesInstead(name, [...Object.keys(DEFAULTS), "children"])
      }`,
    );
  }
  const check = (fits: boolean, name: string, value: unknown, needed: string): void => {
    if (fits) return;
    const term = tuple(atom("supervisor_data"), tuple(atom(`invalid_${name}`), flagTerm(value)));
    const option = name === "auto_shutdown" ? "autoShutdown" : name;
    throw fault(term, `Cannot start ${server}: its ${option} must be ${needed}`);
  };
  check(STRATEGIES.includes(strategy), "strategy", strategy, STRATEGIES.join(", "));
  check(isWhole(intensity) && intensity >= 0, "intensity", intensity, "0 or more restarts");
  check(isNumber(period) && period > 0, "period", period, "more than 0 milliseconds");
  check(
    AUTO_SHUTDOWNS.includes(autoShutdown),
    "auto_shutdown",
    autoShutdown,
    AUTO_SHUTDOWNS.join(", "),
  );
  if (strategy === "simple_one_for_one" && autoShutdown !== "never") {
    // As OTP 26 and later; OTP 25 takes it.
    const pairs = [
      tuple(atom("auto_shutdown"), atom(autoShutdown)),
      tuple(atom("strategy"), atom(strategy)),
    ];
    throw fault(
      tuple(atom("supervisor_data"), tuple(atom("bad_combination"), pairs)),
      `Cannot start ${server}: a simple_one_for_one supervisor has no autoShutdown`,
    );
  }
  return { strategy, intensity, period, autoShutdown };
}

function isWhole(value: unknown): boolean {
  return value === Infinity || Number.isSafeInteger(value);
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}

/** What an option has in the place of an atom is an atom in Erlang's eyes. */
function flagTerm(value: unknown): Term {
  return typeof value === "string" ? atom(value) : shown(value);
}

function fault(term: unknown, message: string): ExitError {
  return new ExitError(term as Term, message);
}
