import type { Child } from "../supervisor/child.ts";
import type { Strategy, SupervisorFlags, SupervisorSpec } from "../supervisor/flags.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import type { ApplicationContext } from "./context.ts";

/** The supervisor that is the root of an application. */
export interface ApplicationTree<E> extends SupervisorFlags {
  /** Default `"one_for_one"`. */
  readonly strategy?: Exclude<Strategy, "simple_one_for_one">;
  /** The children of the supervisor that is the root; a function where they depend on the environment. In place of `start`. */
  readonly children?:
    | readonly Child[]
    | ((app: ApplicationContext<E>) => readonly Child[] | Promise<readonly Child[]>);
}

const FLAGS = [
  "strategy",
  "intensity",
  "period",
  "autoShutdown",
] as const satisfies (keyof SupervisorFlags)[];

/** The class of that supervisor. */
export function treeOf<E>(
  options: ApplicationTree<E>,
  app: ApplicationContext<E>,
): new () => Supervisor {
  const { children = [] } = options;
  const flags: SupervisorFlags = Object.fromEntries(
    FLAGS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
  const { name } = app;
  // By the name of a class its supervisor is known in what is logged.
  return {
    [name]: class extends Supervisor {
      override async init(): Promise<SupervisorSpec> {
        const made = typeof children === "function" ? await children(app) : children;
        return { ...flags, children: made } as SupervisorSpec;
      }
    },
  }[name];
}
