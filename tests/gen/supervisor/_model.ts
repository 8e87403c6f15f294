/** Scripts for a supervisor, and what our supervisor does by them; model.erl tells what OTP's does. */
import fc from "fast-check";
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { isTuple, tuple } from "../../../lib/etf/tuple.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { sys } from "../../../mod.ts";
import {
  type Child,
  child,
  type Restart,
  type Shutdown,
} from "../../../lib/gen/supervisor/child.ts";
import { SupervisorError } from "../../../lib/gen/supervisor/errors.ts";
import type { AutoShutdown, Strategy, SupervisorSpec } from "../../../lib/gen/supervisor/flags.ts";
import { supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import type { SupervisorRef } from "../../../lib/gen/supervisor/supervisor_ref.ts";
import { exit, ExitError } from "../../../lib/node/errors.ts";
import { Node } from "../../../lib/node/node.ts";
import { ignore } from "../../../lib/node/process/ignore.ts";
import type { ExitReason } from "../../../lib/node/process/process.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";
import { ended } from "../../node/_nodes.ts";

/** A child: what it is, whether it traps exits, and with what it ends then where it is told to. */
export interface Kid {
  readonly id: string;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  readonly type: "worker" | "supervisor";
  readonly trap: boolean;
  readonly dies: Term;
}

/** How a start goes. */
type Way = "ok" | "error" | "ignore";

export type Op =
  | { readonly op: "plan"; readonly id: string; readonly ways: readonly Way[] }
  | { readonly op: "start"; readonly kid: Kid }
  | { readonly op: "terminate" | "restart" | "delete"; readonly id: string }
  | { readonly op: "crash"; readonly crashes: readonly (readonly [id: string, reason: Term])[] };

export interface Script {
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly auto: AutoShutdown;
  readonly kids: readonly Kid[];
  readonly plans: readonly (readonly [string, readonly Way[]])[];
  readonly ops: readonly Op[];
}

const IDS = ["a", "b", "c", "d"] as const;
const REASONS = [
  atom("normal"),
  atom("shutdown"),
  tuple(atom("shutdown"), atom("now")),
  atom("boom"),
  atom("kill"),
] as Term[];
const DIES = [atom("shutdown"), atom("normal"), tuple(atom("shutdown"), 1), atom("bad")] as Term[];

const anId = fc.constantFrom(...IDS);
const aWay = fc.constantFrom<Way>("ok", "error", "error", "ignore");
const ways = fc.array(aWay, { minLength: 1, maxLength: 3 });

function aKid(auto: AutoShutdown): fc.Arbitrary<Kid> {
  return fc.record({
    id: anId,
    restart: fc.constantFrom<Restart>("permanent", "permanent", "transient", "temporary"),
    shutdown: fc.constantFrom<Shutdown>(5_000, Infinity, "brutal_kill"),
    significant: fc.boolean(),
    type: fc.constantFrom("worker" as const, "worker" as const, "supervisor" as const),
    trap: fc.boolean(),
    dies: fc.constantFrom(...DIES),
  }).map((kid) =>
    // What is no valid combination is refused alike, but now and then only.
    (auto === "never" || kid.restart === "permanent") && kid.dies !== DIES[3]
      ? { ...kid, significant: false }
      : kid
  );
}

function anOp(auto: AutoShutdown): fc.Arbitrary<Op> {
  const crash = fc.tuple(anId, fc.constantFrom(...REASONS));
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.array(crash, { minLength: 1, maxLength: 3 }).map((crashes): Op => ({
        op: "crash",
        crashes,
      })),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(anId, ways).map(([id, list]): Op => ({ op: "plan", id, ways: list })),
    },
    { weight: 3, arbitrary: aKid(auto).map((kid): Op => ({ op: "start", kid })) },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom("terminate", "restart", "delete"), anId).map((
        [op, id],
      ) => ({ op, id } as Op)),
    },
  );
}

export const aScript: fc.Arbitrary<Script> = fc.tuple(
  fc.constantFrom<Strategy>("one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"),
  fc.constantFrom<AutoShutdown>("never", "never", "any_significant", "all_significant"),
).map(([strategy, auto]) => [strategy, strategy === "simple_one_for_one" ? "never" : auto] as const)
  .chain(([strategy, auto]) =>
    fc.record({
      strategy: fc.constant(strategy),
      auto: fc.constant<AutoShutdown>(auto),
      intensity: fc.constantFrom(0, 1, 3, 6, 10),
      kids: strategy === "simple_one_for_one"
        ? fc.array(aKid(auto), { minLength: 1, maxLength: 1 })
        : fc.array(aKid(auto), { maxLength: 4 }),
      plans: fc.array(fc.tuple(anId, ways), { maxLength: 1 }),
      ops: fc.array(anOp(auto), { minLength: 1, maxLength: 12 }),
    }).map((script) => strategy === "simple_one_for_one" ? withoutIgnore(script) : script)
  );

/** OTP 25 keeps a child of a simple_one_for_one supervisor whose restart ignores, with the pid `undefined`; OTP 29 does not, and neither do we. */
function withoutIgnore(script: Script): Script {
  const willing = (list: readonly Way[]): Way[] =>
    list.map((way) => way === "ignore" ? "error" : way);
  return {
    ...script,
    plans: script.plans.map(([id, list]) => [id, willing(list)]),
    ops: script.ops.map((op) => op.op === "plan" ? { ...op, ways: willing(op.ways) } : op),
  };
}

// As Erlang reads it

export function scriptText(script: Script): string {
  const { strategy, intensity, auto, kids, plans, ops } = script;
  const isSimple = strategy === "simple_one_for_one";
  const term = tuple(
    atom(strategy),
    intensity,
    atom(auto),
    kids.map(kidTerm),
    plans.map(([id, list]) => tuple(atom(id), list.map((way) => atom(way)))),
    ops.map((op) => opTerm(op, isSimple)),
  );
  return format(term as unknown as Term);
}

function kidTerm({ id, restart, shutdown, significant, type, trap, dies }: Kid): Term {
  const time = shutdown === Infinity
    ? atom("infinity")
    : typeof shutdown === "string"
    ? atom(shutdown)
    : shutdown;
  return tuple(atom(id), atom(restart), time, significant, atom(type), trap, dies) as Term;
}

function opTerm(op: Op, isSimple: boolean): Encodable {
  switch (op.op) {
    case "plan":
      return tuple(atom("plan"), atom(op.id), op.ways.map((way) => atom(way))) as unknown as Term;
    case "start":
      return tuple(atom("start"), isSimple ? atom(op.kid.id) : kidTerm(op.kid)) as Term;
    case "crash":
      return tuple(
        atom("crash"),
        op.crashes.map(([id, why]) => tuple(atom(id), why)),
      ) as unknown as Term;
    default:
      return tuple(atom(op.op), atom(op.id)) as Term;
  }
}

// As ours does it

/** What the children share. */
class World {
  readonly node: Node;
  events: string[] = [];
  readonly plans: Map<string, Way[]> = new Map();
  readonly counts: Map<string, number> = new Map();
  /** The last process of each name. */
  readonly pids: Map<string, Pid> = new Map();
  readonly names: Map<string, string> = new Map();

  constructor() {
    const { events } = this;
    const platform = new FakePlatform();
    platform.log = (_level, message) => {
      const report = reportOf(message);
      if (report !== null) (this.events ?? events).push(report);
    };
    this.node = new Node("model@localhost", platform, {});
  }

  take(): string[] {
    return this.events.splice(0);
  }

  /** The process of that name, where it lives. */
  alive(id: string): Pid | null {
    const pid = this.pids.get(id);
    return pid !== undefined && this.node.isAlive(pid) ? pid : null;
  }
}

const REPORT =
  /^Supervisor .*? (cannot start|has lost|has ended, not as it was told,|ends after too many restarts, the last of) (?:child|\d+ children) (\w+)(?: <[^>]*>)?(?: \(\w+\))?: (.*)$/;
const CONTEXTS: Readonly<Record<string, string>> = {
  "cannot start": "start_error",
  "has lost": "child_terminated",
  "has ended, not as it was told,": "shutdown_error",
  "ends after too many restarts, the last of": "shutdown",
};

function reportOf(message: string): string | null {
  const found = REPORT.exec(message);
  return found === null ? null : `{report,${CONTEXTS[found[1]]},${found[2]},${found[3]}}`;
}

class ModelChild extends GenServer {
  #dies!: Term;
  #crashed = false;

  override init(world: World, trap: boolean, dies: Term, id: string): typeof ignore | void {
    const way = world.plans.get(id)?.shift() ?? "ok";
    if (way === "ignore") return ignore;
    if (way === "error") exit(atom("failed"));
    this.trapExit = trap;
    this.#dies = dies;
    const count = (world.counts.get(id) ?? 0) + 1;
    world.counts.set(id, count);
    world.pids.set(id, this.pid);
    world.names.set(this.pid.key, `{${id},${count}}`);
    world.events.push(`{started,${id}}`);
    this._process.addWatcher({ down: (why) => world.events.push(`{ended,${id},${format(why)}}`) });
  }

  override handleInfo(message: Term): void {
    this.#crashed = true;
    if (isTuple(message)) exit(message[1] as ExitReason);
  }

  override terminate(): void {
    if (!this.#crashed) exit(this.#dies as ExitReason);
  }
}

function childOf(world: World, kid: Kid, isSimple: boolean): Child {
  const { restart, shutdown, significant, type, trap, dies, id } = kid;
  const options = { id, restart, shutdown, significant, type };
  return isSimple
    ? child(ModelChild, [world, trap, dies], options) as unknown as Child
    : child(ModelChild, [world, trap, dies, id], options);
}

/** What our supervisor does by a script, in the words of model.erl. */
export async function runOurs(script: Script): Promise<string[]> {
  const world = new World();
  const { node } = world;
  const isSimple = script.strategy === "simple_one_for_one";
  for (const [id, list] of script.plans) world.plans.set(id, [...list]);
  const spec = {
    strategy: script.strategy,
    intensity: script.intensity,
    period: 3_600_000,
    autoShutdown: script.auto,
    children: script.kids.map((kid) => childOf(world, kid, isSimple)),
  } as unknown as SupervisorSpec;
  const trace: string[] = [];
  // Children that are all alike are ended in an order that nobody has promised.
  const atTheEnd = (): string[] => isSimple ? world.take().sort() : world.take();
  try {
    const sup = await node.start(supervisor(spec), []) as SupervisorRef;
    let why: string | null = null;
    node.monitor(sup.pid, ({ reason }) => why = format(reason));
    let told = false;
    const seen = async (): Promise<string> => {
      const now = await quiet(world, sup, isSimple);
      if (now !== null) return `{[${world.take()}],${now}}`;
      await settled();
      const state = told ? "gone" : `{gone,${why}}`;
      told = true;
      return `{[${atTheEnd()}],${state}}`;
    };
    trace.push(`{started,${await seen()}}`);
    for (const op of script.ops) {
      trace.push(`{${await done(world, sup, op, isSimple)},${await seen()}}`);
    }
    if (node.isAlive(sup.pid)) {
      const down = ended(node, sup.pid);
      node._core.process(sup.pid)!.shutDown(node.pid, atom("shutdown"));
      await down;
    }
    trace.push(`{stopped,{[${atTheEnd()}],gone}}`);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    trace.push(`{{failed,${format(error.reason)}},{[${world.take()}],gone}}`);
  }
  await node.stop();
  return trace;
}

/** Lets what has been told be heard: the end of the supervisor is told in the turn of its monitor. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

async function quiet(world: World, sup: SupervisorRef, isSimple: boolean): Promise<string | null> {
  for (;;) {
    try {
      const children = await sup.whichChildren();
      if (children.some(({ state }) => state === "restarting")) continue;
      const { specs, active, supervisors, workers } = await sup.countChildren();
      const instances = children.map(({ id, pid, type }) => {
        const one = pid === null ? "undefined" : world.names.get(pid.key);
        return isSimple ? one : `{${id},${one},${type}}`;
      });
      const list = isSimple ? instances.sort() : instances.reverse();
      return `{[${list}],[${[specs, active, supervisors, workers]}]}`;
    } catch (error) {
      if (error instanceof ExitError && !(error instanceof SupervisorError)) return null;
      throw error;
    }
  }
}

async function done(
  world: World,
  sup: SupervisorRef,
  op: Op,
  isSimple: boolean,
): Promise<string> {
  const { node } = world;
  if (!node.isAlive(sup.pid)) return "gone";
  try {
    switch (op.op) {
      case "plan":
        world.plans.set(op.id, [...op.ways]);
        return "ok";
      case "start": {
        const what = isSimple ? [op.kid.id] : childOf(world, op.kid, false);
        return (await sup.startChild(what as Child)) === null ? "ignored" : "ok";
      }
      case "terminate": {
        const pid = world.alive(op.id);
        if (isSimple && pid === null) return "none";
        await sup.terminateChild(isSimple ? pid! : op.id);
        return "ok";
      }
      case "restart":
        return (await sup.restartChild(op.id)) === null ? "ignored" : "ok";
      case "delete":
        await sup.deleteChild(op.id);
        return "ok";
      case "crash": {
        await sys.suspend(node, sup.pid);
        const did: string[] = [];
        for (const [id, reason] of op.crashes) did.push(await crash(world, id, reason));
        await sys.resume(node, sup.pid);
        return `[${did}]`;
      }
    }
  } catch (error) {
    if (error instanceof SupervisorError) {
      return error.code === "already_started"
        ? "already_started"
        : `{error,${format(error.reason)}}`;
    }
    if (error instanceof ExitError) return "gone";
    throw error;
  }
}

async function crash({ node, ...world }: World, id: string, reason: Term): Promise<string> {
  const pid = world.pids.get(id);
  if (pid === undefined || !node.isAlive(pid)) return "none";
  const down = ended(node, pid);
  if (reason === atom("kill")) node.exit(pid, atom("kill"));
  else node.send(pid, tuple(atom("exit"), reason) as Term);
  await down;
  return "ok";
}
