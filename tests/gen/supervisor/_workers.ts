import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { isTuple, tuple } from "../../../lib/etf/tuple.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { type Child, child, type ChildOptions } from "../../../lib/gen/supervisor/child.ts";
import type { SupervisorFlags, SupervisorSpec } from "../../../lib/gen/supervisor/flags.ts";
import { supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import type { SupervisorRef } from "../../../lib/gen/supervisor/supervisor_ref.ts";
import { exit, type ExitError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import { ignore } from "../../../lib/node/process/ignore.ts";
import type { ExitReason } from "../../../lib/node/process/process.ts";
import { ended } from "../../node/_nodes.ts";

export const RESTARTS = ["permanent", "transient", "temporary"] as const;

/** How a worker starts. What is in the list is for one start after the other; behind its end they start well. */
export type Way = "ok" | "ignore" | Error;

/** What a test sees of its workers, and says about their starts. */
export class Plan {
  /** `start a`, `end a shutdown`, in the order in which it happens. */
  readonly events: string[] = [];
  readonly ways: Map<string, Way[]> = new Map();

  /** How the next starts of that worker go. */
  next(name: string, ...ways: Way[]): void {
    this.ways.set(name, ways);
  }

  /** What has happened since this was asked last. */
  take(): string[] {
    return this.events.splice(0);
  }
}

/** Traps exits, ends with `R` when it gets `{exit, R}`, and does nothing more where it gets `hang`. */
export class Worker extends GenServer {
  #plan!: Plan;
  #name = "";

  override init(plan: Plan, name: string): typeof ignore | void {
    this.#plan = plan;
    this.#name = name;
    const way = plan.ways.get(name)?.shift() ?? "ok";
    if (way === "ignore") return ignore;
    if (way !== "ok") throw way;
    this.trapExit = true;
    plan.events.push(`start ${name}`);
    this._process.addWatcher({
      down: (reason) => plan.events.push(`end ${name} ${format(reason)}`),
    });
  }

  override handleInfo(message: Term): unknown {
    if (isTuple(message) && message.tag === "exit") exit(message[1] as ExitReason);
    if (message === atom("hang")) return new Promise(() => {});
    return this.#plan.events.push(`${this.#name} got ${format(message)}`);
  }
}

/** Is ended by any exit signal. */
export class Simple extends GenServer {
  override init(_what?: unknown): void {}
  override handleInfo(message: Term): void {
    if (isTuple(message) && message.tag === "exit") exit(message[1] as ExitReason);
  }
}

export function worker(plan: Plan, name: string, options: ChildOptions = {}): Child {
  return child(Worker, [plan, name], { id: name, ...options });
}

/** A supervisor named `sup` with these workers. */
export async function tree(
  node: Node,
  flags: SupervisorFlags,
  children: readonly Child[] = [],
): Promise<SupervisorRef> {
  const spec = { intensity: 2, period: 3_600_000, ...flags, children } as SupervisorSpec;
  return await node.start(supervisor(spec), [], { register: "sup" }) as SupervisorRef;
}

/** Makes a worker end with that reason, and waits until it has. */
export async function endWith(node: Node, pid: Pid, reason: Term): Promise<void> {
  const down = ended(node, pid);
  node.send(pid, tuple(atom("exit"), reason) as Term);
  await down;
}

/** Ids and states of all children; what a supervisor was told before is done then. */
export async function states(sup: SupervisorRef): Promise<Record<string, string>> {
  const children = await sup.whichChildren();
  return Object.fromEntries(children.map(({ id, state }) => [String(id), state]));
}

/** The pid of a child that runs. */
export async function pidOf(sup: SupervisorRef, id: string): Promise<Pid> {
  const one = (await sup.whichChildren()).find((child) => child.id === id);
  if (one?.pid == null) throw new Error(`${id} does not run`);
  return one.pid;
}

/** The counts as OTP's suite lists them: specs, active, supervisors, workers. */
export async function counts(sup: SupervisorRef): Promise<number[]> {
  const { specs, active, supervisors, workers } = await sup.countChildren();
  return [specs, active, supervisors, workers];
}

/** The reason of the exit that a promise is rejected with. */
export function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no failure",
    (error) => "reason" in error ? format((error as ExitError).reason) : String(error),
  );
}
