import { test } from "node:test";
import {
  type AnyApplication,
  application,
  type ApplicationContext,
  type ApplicationError,
  type ApplicationOptions,
  atom,
  exit,
  GenServer,
  type Node,
  type NodeOptions,
  on,
  startNode,
  t,
  type Term,
} from "../../../mod.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import { failure } from "../_servers.ts";

/** A node without a network, whose time stands still, and what happens on it. */
export interface Place {
  readonly node: Node;
  readonly platform: FakePlatform;
  /** What the applications of this place have done, in order. */
  readonly log: string[];
}

/** A test on a node of its own, which is stopped at the end. */
export function placeTest(
  title: string,
  body: (place: Place) => unknown,
  options: NodeOptions = {},
): void {
  test(title, async () => {
    const platform = new FakePlatform();
    const node = await startNode("place@localhost", { network: false, platform, ...options });
    const log: string[] = [];
    try {
      await body({ node, platform, log });
    } finally {
      const stopped = node.stop();
      for (let i = 0; i < 40 && !node._core.stopped; i++) await platform.elapse(1_000);
      await stopped;
    }
    if (node._core.processes.size > 0) throw new Error("processes are left on a stopped node");
    const timers = platform.pendingTimers;
    if (timers > 0) throw new Error(`${timers} timers are left`);
  });
}

/** The root of an application, which does as it is told, and tells of its end. */
export class Root extends GenServer {
  #log: string[] = [];
  #name = "";
  override init(log: string[], name: string, trapExit = true): void {
    this.#log = log;
    this.#name = name;
    this.trapExit = trapExit;
    log.push(`${name} starts`);
  }
  override readonly calls = {
    end: on(t.term, (reason) => this.stop(reason as Exclude<Term, string>)),
    fail: () => exit(atom("boom")),
    application: () => this.node.applications.of(this.pid) ?? null,
  };
  override terminate(reason: unknown): void {
    this.#log.push(`${this.#name} ends with ${String(reason)}`);
  }
}

/** An application with a root and callbacks that write down what happens. */
export function app(
  log: string[],
  name: string,
  options: Partial<ApplicationOptions<Record<string, unknown>, unknown>> = {},
): AnyApplication {
  return application({
    name,
    description: `the ${name}`,
    version: "1.0",
    start: (app: ApplicationContext<Record<string, unknown>>) =>
      app.start(Root, [log, name], { register: `${name}_root` }),
    prepStop: () => void log.push(`${name} prepares`),
    stop: () => log.push(`${name} stops`),
    ...options,
  });
}

/** What it is to reject with, an application's error. */
export async function fault(promise: Promise<unknown>): Promise<ApplicationError> {
  const error = await failure(promise);
  if ((error as Error).name === "ApplicationError") return error as ApplicationError;
  throw error;
}

/** What a function is to throw, an application's error. */
export function faultOf(fn: () => unknown): Promise<ApplicationError> {
  return fault(Promise.resolve().then(fn));
}

/** The names of a list of applications. */
export function names(list: readonly { readonly name: string }[]): string[] {
  return list.map(({ name }) => name);
}

/** Waits until it holds, for as long as a busy machine may need. */
export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("it never came true");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
