import type { NodeOptions } from "../boot/options.ts";
import { startNode } from "../boot/start_node.ts";
import { checkFields } from "../_util/fields.ts";
import { splitNodeName } from "../dist/node_name.ts";
import type { Node } from "../node/node.ts";
import { Chaos, type Victims } from "./_chaos.ts";
import { checkBoolean, checkBoot, checkList, checkStorage } from "./_check.ts";
import { filesOf, VirtualDisk } from "./_disk.ts";
import type { SimFault } from "./faults.ts";
import { Life, type LifeHome } from "./_life.ts";
import { Machine } from "./_machine.ts";
import { SeededRandom } from "./random.ts";
import type {
  Boot,
  CrashOptions,
  SimDisk,
  Simulation,
  SimulationOptions,
  UntilOptions,
} from "./simulation.ts";
import { Trace } from "./_trace.ts";
import { Watch } from "./_watch.ts";
import { Wires } from "./_wires.ts";
import { World } from "./_world.ts";

/** The port that nodes listen on. */
export const PORT = 4370;
/** Of a host that no node is known of. */
const ALONE: NodeOptions = { epmd: {} };
/** Nobody else is in a simulation. */
export const COOKIE = "the cookie of a simulation";

/** Which faults there are to be in a run. */
export interface Plan {
  /** Those that happen by themselves; `null`: the seed makes them. */
  readonly faults: readonly SimFault[] | null;
  /** Which of those that the script causes are left out, by their number. */
  readonly skipped: ReadonlySet<number>;
}

/** One run of a simulation. */
export class Run implements Simulation, LifeHome, Victims {
  readonly seed: number | string;
  readonly random: SeededRandom;
  readonly log: Trace;
  readonly world: World;
  /** In words, what the script has caused, by number. */
  readonly caused: string[] = [];
  readonly #options: SimulationOptions;
  readonly #seeded: SeededRandom;
  readonly #diskRandom: SeededRandom;
  readonly #outside: Life;
  readonly #wires: Wires;
  readonly #chaos: Chaos;
  readonly #plan: Plan;
  readonly #machines: Map<string, Machine> = new Map();
  readonly #watch: Watch;

  constructor(options: SimulationOptions, plan: Plan, inWords: boolean) {
    const { seed, maxTime = 3_600_000, maxSteps = 1_000_000, network = {}, faults = {} } = options;
    this.seed = seed;
    this.#options = options;
    this.#plan = plan;
    const seeded = this.#seeded = new SeededRandom(`${typeof seed} ${seed}`);
    this.random = seeded.fork("script");
    this.#diskRandom = seeded.fork("disks");
    this.log = new Trace(inWords);
    const random = seeded.fork("scheduler");
    const afterStep = (): void => {
      if (!this.#watch.isIdle) this.world.as(this.#outside, () => this.#watch.look());
    };
    this.world = new World({ random, flows: true, maxSteps, maxTime: maxTime * 1000, afterStep });
    const clock = { rate: 1, skew: 0 };
    this.#outside = new Life("", this, seeded.fork("outside"), new VirtualDisk(), clock);
    this.#watch = new Watch(this.#outside);
    this.#wires = new Wires(this.world, seeded.fork("network"), {
      owner: (host) => this.#at(host).kernel,
      hears: (host) => !this.#at(host).deaf,
      arrived: (from, to) => this.log.add(this.world.us, "net", to, `hears from ${from}`),
    }, network);
    this.#chaos = new Chaos(this.world, this, faults, seeded.fork("faults"));
  }

  /** Runs the script to its end. */
  async run<T>(script: (sim: Simulation) => T): Promise<Awaited<T>> {
    this.#chaos.begin(this.#plan.faults);
    return await this.world.run(this.#outside, async () => {
      for (const [name, boot] of nodesOf(this.#options.nodes)) {
        await this.startNode(name, {}, boot);
      }
      const value = await script(this);
      this.#chaos.mustHaveMet();
      return value;
    });
  }

  /** The faults that have happened by themselves. */
  get faults(): readonly SimFault[] {
    return this.#chaos.done;
  }

  get now(): number {
    return this.world.us / 1000;
  }

  get nodes(): string[] {
    return [...this.#machines.values()].filter((one) => one.lives > 0).map((one) => one.name);
  }

  get names(): string[] {
    return this.nodes;
  }

  // Nodes

  async startNode(name: string, options: NodeOptions = {}, boot?: Boot): Promise<Node> {
    const machine = this.#machine(name, options);
    if (machine.life !== null) {
      throw new Error(`Cannot start ${name}: it runs already, crash or stop it first`);
    }
    checkBoot(name, boot);
    machine.options = options;
    machine.boot = boot;
    return await this.#begin(machine);
  }

  async restart(name: string, boot?: Boot): Promise<Node> {
    const machine = this.#known(name, "start it again");
    checkBoot(name, boot);
    if (boot !== undefined) machine.boot = boot;
    if (machine.life === null) return await this.#begin(machine);
    // Its crash was left out, to see whether it matters.
    if (this.#plan.skipped.size > 0 && machine.node !== null) return machine.node;
    throw new Error(`Cannot start ${name} again: it runs, crash or stop it first`);
  }

  node(name: string): Node | null {
    return this.#machines.get(String(name))?.node ?? null;
  }

  async #begin(machine: Machine): Promise<Node> {
    const { name, host, disk, clock, options } = machine;
    const number = ++machine.lives;
    const random = this.#seeded.fork(`${name} ${number}`);
    const life = machine.life = new Life(name, this, random, disk, clock);
    if (machine.deaf) {
      machine.deaf = false;
      this.#wires.wake(host);
    }
    this.log.add(this.world.us, "start", name, number === 1 ? "starts" : "starts again");
    const started = this.world.as(life, async () => {
      const node = await startNode(name, {
        cookie: COOKIE,
        listen: { host: "0.0.0.0", port: PORT },
        ...options.epmd ? {} : {
          epmd: false,
          resolve: (peer: string) => ({ host: peer, port: PORT }),
        },
        signals: false,
        ...this.#options.nodeOptions,
        ...options,
        platform: life,
        transport: this.#wires.machine(host),
      });
      if (!life.alive) return await new Promise<never>(() => {});
      machine.node = node;
      machine.watchCalls(node);
      void node.stopped.then(() => this.#stopped(machine, life));
      await machine.boot?.(node, this);
      return node;
    });
    try {
      return await machine.whileUp(started);
    } catch (error) {
      if (life.alive && machine.node === null) this.#stopped(machine, life);
      throw error;
    }
  }

  /** It has ended in order. */
  #stopped(machine: Machine, life: Life): void {
    if (machine.life !== life) return;
    this.log.add(this.world.us, "start", machine.name, "has stopped");
    this.#end(machine, false);
  }

  exited(life: Life, code: number): void {
    const machine = this.#machines.get(life.name);
    if (machine?.life !== life) return;
    this.log.add(this.world.us, "start", life.name, `ends its program with ${code}`);
    this.#end(machine, false);
  }

  #end(machine: Machine, silent: boolean): void {
    const { life, kernel } = machine;
    if (kernel.paused) {
      kernel.paused = false;
      this.world.resume(kernel);
    }
    machine.life = machine.node = null;
    machine.deaf = silent;
    if (life !== null) this.world.kill(life);
    this.#wires.vanish(machine.host, silent);
    machine.failWaiting();
  }

  whileUp<T>(node: Node | string, promise: PromiseLike<T>): Promise<T> {
    return this.#known(node, "wait for it").whileUp(promise);
  }

  // Faults

  crash(node: Node | string, options: CrashOptions = {}): void {
    const machine = this.#known(node, "crash it");
    const { name } = machine;
    const what = `crash ${name}`;
    checkFields(what, options, { storage: 0, silent: 0 });
    const { storage = "keep", silent = false } = options;
    checkStorage(what, storage);
    checkBoolean(what, "silent", silent);
    if (this.#causes(`crash of ${name}`)) this.#crash(machine, storage, silent);
  }

  #crash(machine: Machine, storage: NonNullable<CrashOptions["storage"]>, silent: boolean): void {
    if (machine.life === null) return;
    this.#tell(`${machine.name} ${silent ? "loses its power" : "crashes"} (${storage})`);
    this.#end(machine, silent);
    machine.disk.crash(storage, this.#diskRandom);
  }

  pause(node: Node | string): void {
    const machine = this.#known(node, "pause it");
    if (this.#causes(`pause of ${machine.name}`)) this.#pause(machine);
  }

  #pause(machine: Machine): void {
    if (!machine.isWell) return;
    this.#tell(`${machine.name} stands still`);
    this.world.pause(machine.life!);
    this.world.pause(machine.kernel);
  }

  resume(node: Node | string): void {
    const machine = this.#known(node, "resume it");
    if (!machine.kernel.paused) return;
    this.#tell(`${machine.name} goes on`);
    this.world.resume(machine.kernel);
    if (machine.life !== null) this.world.resume(machine.life);
  }

  partition(
    some: readonly (Node | string)[],
    others?: readonly (Node | string)[],
    options: { readonly oneWay?: boolean } = {},
  ): void {
    const what = "part nodes";
    checkList(what, some, "nodes");
    if (others !== undefined) checkList(what, others, "nodes");
    checkFields(what, options, { oneWay: 0 });
    const { oneWay = false } = options;
    checkBoolean(what, "oneWay", oneWay);
    const here = some.map((node) => this.#known(node, "cut it off"));
    const there = others?.map((node) => this.#known(node, "cut it off"));
    const names = here.map((one) => one.name).join(", ");
    if (this.#causes(`partition of ${names}`)) this.#partition(here, there, oneWay);
  }

  #partition(
    here: readonly Machine[],
    others: readonly Machine[] | undefined,
    oneWay: boolean,
  ): void {
    const there = others ?? [...this.#machines.values()].filter((one) => !here.includes(one));
    const [a, b] = [here, there].map((side) => side.map((one) => one.name).join(", "));
    this.#tell(oneWay ? `${b} do not hear ${a}` : `no connection between ${a} and ${b}`);
    this.#each(here, there, (from, to) => {
      this.#wires.cut(from.host, to.host);
      if (!oneWay) this.#wires.cut(to.host, from.host);
    });
  }

  heal(some?: readonly (Node | string)[]): void {
    if (some !== undefined) checkList("heal the network", some, "nodes");
    const all = [...this.#machines.values()];
    const which = some?.map((node) => this.#known(node, "heal its network")) ?? all;
    this.#tell(`the network heals between ${which.map((one) => one.name).join(", ")}`);
    this.#heal(which, which);
  }

  #heal(here: readonly Machine[], there: readonly Machine[]): void {
    this.#each(here, there, (from, to) => {
      this.#wires.heal(from.host, to.host);
      this.#wires.heal(to.host, from.host);
    });
  }

  #each(
    here: readonly Machine[],
    there: readonly Machine[],
    fn: (from: Machine, to: Machine) => void,
  ): void {
    for (const from of here) for (const to of there) if (from !== to) fn(from, to);
  }

  reset(a?: Node | string, b?: Node | string): void {
    const first = a === undefined ? null : this.#known(a, "break its connections");
    const second = b === undefined ? null : this.#known(b, "break its connections");
    const who = first === null
      ? "all"
      : second === null
      ? first.name
      : `${first.name}, ${second.name}`;
    if (!this.#causes(`loss of the connections of ${who}`)) return;
    this.#tell(`the connections of ${who} break`);
    if (first === null) return this.#wires.reset();
    const others = second === null ? [...this.#machines.values()] : [second];
    for (const other of others) {
      if (other !== first) this.#wires.reset([first.host, other.host]);
    }
  }

  skew(node: Node | string, ms: number): void {
    const machine = this.#known(node, "move its clock");
    if (typeof ms !== "number" || !Number.isFinite(ms)) {
      throw new RangeError(
        `Cannot move the clock of ${machine.name} by ${String(ms)}: milliseconds are needed`,
      );
    }
    if (!this.#causes(`jump of the clock of ${machine.name}`)) return;
    this.#tell(`the system time of ${machine.name} jumps by ${ms} ms`);
    machine.clock.skew += ms;
  }

  /** A fault that the script causes. @returns whether it is to be. */
  #causes(what: string): boolean {
    const number = this.caused.push(`${this.now.toFixed(3)} ms: ${what}, by the script`) - 1;
    return !this.#plan.skipped.has(number);
  }

  #tell(what: string): void {
    this.log.add(this.world.us, "fault", "", what);
  }

  isWell(name: string): boolean {
    return this.#machines.get(name)?.isWell ?? false;
  }

  begin(fault: SimFault): void {
    if (fault.kind === "partition") {
      return this.#partition(this.#those(fault.nodes), undefined, fault.oneWay);
    }
    if (fault.kind === "reset") {
      const [a, b] = this.#those(fault.nodes);
      this.#tell(`the connections between ${fault.nodes.join(" and ")} break`);
      if (b !== undefined) this.#wires.reset([a.host, b.host]);
      return;
    }
    const [machine] = this.#those([fault.node]);
    if (machine === undefined) return;
    if (fault.kind === "crash") this.#crash(machine, fault.storage, fault.silent);
    else if (fault.kind === "pause") this.#pause(machine);
    else {
      this.#tell(`the system time of ${fault.node} jumps by ${fault.by} ms`);
      machine.clock.skew += fault.by;
    }
  }

  end(fault: SimFault): void {
    if (fault.kind === "partition") {
      const here = this.#those(fault.nodes);
      this.#tell(`the network heals between ${fault.nodes.join(", ")} and the others`);
      return this.#heal(here, [...this.#machines.values()].filter((one) => !here.includes(one)));
    }
    if (fault.kind !== "crash" && fault.kind !== "pause") return;
    const [machine] = this.#those([fault.node]);
    if (machine === undefined) return;
    if (fault.kind === "pause") return this.resume(machine.name);
    if (machine.life !== null) return;
    // As the script's, which is told where it fails for another reason than the next crash.
    this.world.as(this.#outside, () => {
      this.#begin(machine).catch((error) => {
        if ((error as Error)?.name !== "NodeStoppedError") this.world.fail(error);
      });
    });
  }

  #those(names: readonly string[]): Machine[] {
    return names.flatMap((name) => this.#machines.get(name) ?? []);
  }

  // The script

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#outside.setTimer(ms, resolve));
  }

  until(condition: () => boolean, options?: UntilOptions): Promise<void> {
    return this.#watch.until(condition, options);
  }

  invariant(name: string, check: () => boolean | void): Disposable {
    return this.#watch.invariant(name, check);
  }

  disk(node: Node | string): SimDisk {
    const name = nameOf(node);
    const { disk } = this.#machine(name, {});
    const wait = (): Promise<void> => {
      const { world } = this;
      return new Promise((resolve) => void world.after(this.#outside, this.diskTime(), resolve));
    };
    return {
      files: filesOf(disk, wait),
      get paths() {
        return disk.paths;
      },
      peek: (path) => disk.read(path),
      poke: (path, bytes) => {
        disk.write(path, bytes);
        disk.sync(path)();
      },
    };
  }

  note(text: string): void {
    this.log.add(this.world.us, "note", "", String(text));
  }

  diskTime(): number {
    return this.#diskRandom.between(50, 3000);
  }

  // Machines

  #known(node: Node | string, verb: string): Machine {
    const name = nameOf(node);
    const machine = this.#machines.get(name);
    // Others may have asked for one that was never started.
    if (machine !== undefined && machine.lives > 0) return machine;
    const known = this.nodes.join(", ") || "none yet";
    throw new RangeError(`Cannot ${verb}: there is no node ${name}, there are ${known}`);
  }

  #machine(name: string, options: NodeOptions): Machine {
    const { host } = splitNodeName(name);
    let machine = this.#machines.get(name);
    if (machine === undefined) {
      const { drift = 0 } = this.#options;
      const random = this.#seeded.fork(`clock of ${name}`);
      const clock = { rate: 1 + (random.next() * 2 - 1) * drift, skew: 0 };
      const at = options.epmd ? host : name;
      machine = new Machine(name, at, this.#outside.scope, clock);
      this.#machines.delete(`nobody@${at}`); // somebody asked for that host before
      this.#machines.set(name, machine);
    } else if (options.epmd && machine.lives === 0) {
      machine.host = host; // its disk was asked for before
    }
    return machine;
  }

  #at(host: string): Machine {
    for (const machine of this.#machines.values()) if (machine.host === host) return machine;
    // Asked for before it was started: it is there, and nobody listens.
    return host.includes("@") ? this.#machine(host, {}) : this.#machine(`nobody@${host}`, ALONE);
  }
}

function nodesOf(nodes: SimulationOptions["nodes"]): [string, Boot | undefined][] {
  return Array.isArray(nodes)
    ? nodes.map((name) => [name, undefined])
    : Object.entries(nodes ?? {});
}

function nameOf(node: Node | string): string {
  return typeof node === "string" ? node : String((node as Node | undefined)?.name);
}
