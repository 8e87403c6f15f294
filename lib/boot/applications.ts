import { Application } from "../gen/application/application.ts";
import { ApplicationController } from "../gen/application/controller.ts";
import type {
  AnyApplication,
  ApplicationConfig,
  ApplicationType,
  ShutdownOptions,
} from "../node/applications.ts";
import type { Node } from "../node/node.ts";
import type { Platform } from "../platform/contract.ts";

/** The applications that a node starts with. */
export interface ApplicationsOptions {
  /**
   * What the node starts when it is up, one after the other, with what they depend on. Where one does not start, the node does not. With
   * `{ application, type }` as another type than its `mode`. Default: none.
   */
  readonly applications?: readonly (AnyApplication | StartedApplication)[];
  /** Overrides the `env` of applications, by their names, with values of the same kinds. */
  readonly config?: ApplicationConfig;
  /** How long the node waits for applications, and for all, when it stops. */
  readonly shutdown?: ShutdownOptions;
}

/** An application, and as what it is started. */
export interface StartedApplication {
  /** The application. */
  readonly application: AnyApplication;
  /** What its end means for the node. */
  readonly type: ApplicationType;
}

/** @param ownsProgram whether the program is the node's, and its exit code tells how that has ended. */
export function makeController(
  node: Node,
  platform: Platform,
  { config }: ApplicationsOptions,
  ownsProgram: boolean,
): ApplicationController {
  const onFailure = (): void => {
    if (ownsProgram) platform.setExitCode(1);
  };
  return new ApplicationController(node, { config, onFailure });
}

/** Starts the applications that a node starts with. */
export async function startApplications(
  node: Node,
  { applications = [] }: ApplicationsOptions,
): Promise<void> {
  for (const one of applications) {
    const { application, type } = "application" in one
      ? one
      : { application: one, type: undefined };
    await node.applications.ensureAllStarted(application, type);
  }
}

/** @throws {TypeError} where one is no application, or `config` not what it is to be. */
export function checkApplications({ applications = [], config = {} }: ApplicationsOptions): void {
  for (const one of applications as readonly unknown[]) {
    const application = (one as Partial<StartedApplication> | null)?.application ?? one;
    if (application instanceof Application) continue;
    throw new TypeError(
      `Cannot start a node with option applications: what application({...}) has made is needed, or { application, type }, ${typeof application} came`,
    );
  }
  for (const [name, values] of Object.entries(config)) {
    if (typeof values === "object" && values !== null) continue;
    throw new TypeError(
      `Cannot start a node with option config: { ${name} } must be an object with the settings of that application`,
    );
  }
}

/** @throws {TypeError} */
export function checkShutdown(shutdown: ShutdownOptions): void {
  for (const [name, ms] of Object.entries(shutdown)) {
    if (name !== "application" && name !== "total") {
      throw wrong(`it has no ${name}, there are application, total`);
    }
    if (ms !== undefined && !(typeof ms === "number" && ms >= 0)) {
      throw wrong(`its ${name} counts milliseconds, from 0 on`);
    }
  }
}

function wrong(why: string): TypeError {
  return new TypeError(`Cannot start a node with option shutdown: ${why}`);
}
