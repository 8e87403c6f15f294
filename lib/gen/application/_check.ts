import { namesInstead } from "../../_util/fields.ts";
import type { ApplicationType } from "../../node/applications.ts";
import type { ApplicationOptions } from "./application.ts";

/** Every option, so that a misspelt one is not taken for the default, with the types that it may have. */
const OPTIONS: Readonly<Record<keyof ApplicationOptions<never, never>, readonly string[]>> = {
  name: ["string"],
  version: ["string"],
  description: ["string"],
  env: ["object"],
  applications: ["array"],
  optionalApplications: ["array"],
  includedApplications: ["array"],
  children: ["array", "function"],
  strategy: ["string"],
  intensity: ["number"],
  period: ["number"],
  autoShutdown: ["string"],
  start: ["function"],
  startPhases: ["object"],
  prepStop: ["function"],
  stop: ["function"],
  shutdown: ["number"],
  lifespan: ["number"],
  mode: ["string"],
  registered: ["array"],
  group: ["string"],
  tags: ["array"],
  weight: ["number"],
};

/** What an application without processes has no use for. */
const RUNNING = ["startPhases", "prepStop", "stop", "lifespan", "shutdown"] as const;
/** What only a supervisor has. */
const SUPERVISING = ["strategy", "intensity", "period", "autoShutdown"] as const;

const TYPES: readonly ApplicationType[] = ["temporary", "transient", "permanent"];

export function isType(value: unknown): value is ApplicationType {
  return TYPES.includes(value as ApplicationType);
}

/** @throws {TypeError} if an option does not exist or cannot be meant. */
export function checkApplication(options: ApplicationOptions<never, never>): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot make an application: an object is needed, application({ name })");
  }
  const { name } = options;
  if (typeof name !== "string" || name === "" || name.length > 255) {
    throw new TypeError(
      "Cannot make an application: its name must be a text of 1 to 255 characters",
    );
  }
  const wrong = (option: string, why: string): TypeError =>
    new TypeError(`Cannot make application ${name} with option ${option}: ${why}`);
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, option)) {
      throw wrong(option, `there is no such option, ${namesInstead(option, Object.keys(OPTIONS))}`);
    }
    if (value === undefined) continue;
    const kinds = OPTIONS[option as keyof typeof OPTIONS];
    const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    if (!kinds.includes(kind)) throw wrong(option, `it must be of type ${kinds.join(" or ")}`);
  }
  const { start, children, mode, startPhases = {} } = options;
  if (mode !== undefined && !isType(mode)) throw wrong("mode", `it is one of ${TYPES.join(", ")}`);
  if (start !== undefined && children !== undefined) {
    throw wrong("start", "it has children too, leave one of them out");
  }
  if (start === undefined && children === undefined) {
    const useless = RUNNING.find((option) => options[option] !== undefined);
    if (useless !== undefined) {
      throw wrong(useless, "no process runs, give { children } or { start }");
    }
  }
  const lone = children === undefined &&
    SUPERVISING.find((option) => options[option] !== undefined);
  if (lone) throw wrong(lone, "only a supervisor of { children } has it");
  for (const option of ["shutdown", "lifespan"] as const) {
    const ms = options[option];
    if (ms !== undefined && !(ms >= 0)) throw wrong(option, "it counts milliseconds, from 0 on");
  }
  for (const [phase, run] of Object.entries(startPhases)) {
    if (typeof run !== "function") throw wrong("startPhases", `${phase} must be a function`);
    // Such keys of an object are put in front, in the order of numbers.
    if (/^\d+$/.test(phase)) throw wrong("startPhases", `${phase} must begin with a letter`);
  }
  for (const option of ["applications", "optionalApplications"] as const) {
    for (const one of options[option] ?? []) {
      if (typeof one === "string" || typeof one?.name === "string") continue;
      throw wrong(option, "names or applications are needed");
    }
  }
  const foreign = options.includedApplications?.some((one) => typeof one?._included !== "function");
  if (foreign) throw wrong("includedApplications", "applications are needed");
}
