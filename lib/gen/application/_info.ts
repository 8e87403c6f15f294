import { charlist } from "../../etf/list.ts";
import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { AnyApplication, ApplicationInfo, ApplicationType } from "../../node/applications.ts";
import type { Application } from "./application.ts";
import { named } from "./_faults.ts";
import type { Master } from "./_master.ts";

/** What an application says of itself in one way or another. */
export function infoOf(application: Application, master: Master | null, now: {
  readonly state: "loaded" | "starting" | "running";
  readonly type: ApplicationType | null;
  readonly env: Readonly<Record<string, unknown>>;
  readonly now: number;
}): ApplicationInfo {
  const { name, description, version, mode, lifespan, _options: options } = application;
  return {
    name,
    description,
    version,
    state: master?.status === "stopping" ? "stopping" : now.state,
    type: now.type,
    mode,
    applications: namesOf(options.applications),
    optionalApplications: namesOf(options.optionalApplications),
    includedApplications: namesOf(options.includedApplications),
    startPhases: Object.keys(options.startPhases ?? {}),
    registered: options.registered ?? [],
    group: options.group ?? null,
    tags: options.tags ?? [],
    weight: options.weight ?? 0,
    lifespan,
    env: now.env,
    pid: master?.process.pid ?? null,
    root: master?.root?.pid ?? null,
    processes: master?.processes.length ?? 0,
    uptime: master === null ? 0 : now.now - master.startedAt,
  };
}

export function namesOf(applications: readonly (AnyApplication | string)[] = []): string[] {
  return applications.map((one) => typeof one === "string" ? one : one.name);
}

/** The keys of Erlang's application resource file, as `application:get_all_key/1` gives them. */
export function keysOf(info: ApplicationInfo): Map<string, Term> {
  const atoms = (names: readonly string[]): Term => names.map(named);
  return new Map<string, Term>([
    ["description", charlist(info.description) as Term],
    ["id", charlist("") as Term],
    ["vsn", charlist(info.version) as Term],
    ["modules", []],
    ["maxP", atom("infinity")],
    ["maxT", info.lifespan === Infinity ? atom("infinity") : info.lifespan],
    ["registered", atoms(info.registered)],
    ["included_applications", atoms(info.includedApplications)],
    ["optional_applications", atoms(info.optionalApplications)],
    ["applications", atoms([...info.applications, ...info.optionalApplications])],
    ["env", []],
    ["mod", info.root === null ? [] : tuple(named(info.name), []) as Term],
    [
      "start_phases",
      info.startPhases.length === 0
        ? atom("undefined")
        : info.startPhases.map((name) => tuple(named(name), []) as Term),
    ],
  ]);
}
