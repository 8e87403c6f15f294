import type { NodeOptions } from "../boot/options.ts";
import { Call } from "../node/call.ts";
import { NodeStoppedError } from "../node/errors.ts";
import type { Node } from "../node/node.ts";
import type { VirtualScope } from "../platform/virtual_globals.ts";
import { VirtualDisk } from "./_disk.ts";
import type { Clock, Life } from "./_life.ts";
import type { Boot } from "./simulation.ts";
import type { Job, Owner } from "./_world.ts";

/** The system of a machine, which is there while its program is not. */
class Kernel implements Owner {
  readonly name: string;
  readonly alive: boolean = true;
  paused = false;
  readonly parked: Job[] = [];
  readonly #machine: Machine;
  readonly #outside: VirtualScope;

  constructor(machine: Machine, outside: VirtualScope) {
    this.name = machine.name;
    this.#machine = machine;
    this.#outside = outside;
  }

  get scope(): VirtualScope {
    return this.#machine.life?.scope ?? this.#outside;
  }
}

/** A machine with the one node that runs there, or has run and will again. */
export class Machine {
  /** The node's name. */
  readonly name: string;
  /** How the network calls it. */
  host: string;
  readonly disk: VirtualDisk = new VirtualDisk();
  readonly clock: Clock;
  readonly kernel: Kernel;
  options: NodeOptions = {};
  boot: Boot | undefined;
  life: Life | null = null;
  node: Node | null = null;
  /** How often it was started. */
  lives = 0;
  /** Without power: nothing arrives. */
  deaf = false;
  readonly #crashed: Set<(error: Error) => void> = new Set();

  constructor(name: string, host: string, outside: VirtualScope, clock: Clock) {
    this.name = name;
    this.host = host;
    this.clock = clock;
    this.kernel = new Kernel(this, outside);
  }

  get isWell(): boolean {
    return this.life !== null && !this.kernel.paused;
  }

  /** What the promise gives, unless the node crashes before. */
  whileUp<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const crashed = (error: Error): void => reject(error);
      this.#crashed.add(crashed);
      const done = (): void => void this.#crashed.delete(crashed);
      promise.then((value) => {
        done();
        resolve(value);
      }, (error) => {
        done();
        reject(error);
      });
    });
  }

  /** Calls that are not made by a process of the node are the script's: they are to fail where the node crashes. */
  watchCalls(node: Node): void {
    const { _core: core } = node;
    const { main } = core;
    const { setDeadline, clearDeadline } = core;
    const out: Map<object, (error: Error) => void> = new Map();
    core.setDeadline = (deadline, ms) => {
      if (deadline instanceof Call && deadline.pid === main.pid) {
        const failed = (error: Error): void => deadline.fail(error);
        out.set(deadline, failed);
        this.#crashed.add(failed);
      }
      setDeadline.call(core, deadline, ms);
    };
    core.clearDeadline = (deadline) => {
      const failed = out.get(deadline);
      if (failed !== undefined) {
        out.delete(deadline);
        this.#crashed.delete(failed);
      }
      clearDeadline.call(core, deadline);
    };
  }

  /** Nobody waits for it any more. */
  failWaiting(): void {
    for (const crashed of [...this.#crashed]) {
      crashed(new NodeStoppedError("go on", this.name));
    }
    this.#crashed.clear();
  }
}
