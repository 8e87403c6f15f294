import { atom } from "../etf/atom.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { NORMAL } from "../node/atoms.ts";
import type { SpawnOptions } from "../node/core_options.ts";
import { exitReasonOf } from "../node/errors.ts";
import { type Behaviour, checkStart, Init } from "../node/process/behaviour.ts";
import type { Body } from "../node/process/body.ts";
import { type Process, processId } from "../node/process/process.ts";
import type { Registration } from "../node/process/registration.ts";
import { Turn } from "../node/process/turn.ts";
import { failureTerm } from "./_failures.ts";
import { kindOf } from "./_kinds.ts";
import { OP } from "./_signals.ts";
import type { Hub } from "./hub.ts";
import type { PartNode } from "./part_node.ts";

/** The first message of a process that is placed here: loads its class, and runs its `init`. What comes meanwhile waits. */
export class Load extends Turn {
  readonly #node: PartNode;
  readonly #hub: Hub;
  readonly #module: string;
  readonly #name: string;
  readonly #args: readonly Term[];
  readonly #registers: boolean;
  #process!: Process;

  /** @param registers whether it has a name to be registered by that is not the node's to give. */
  constructor(
    node: PartNode,
    hub: Hub,
    module: string,
    name: string,
    args: readonly Term[],
    registers: boolean,
  ) {
    super();
    this.#node = node;
    this.#hub = hub;
    this.#module = module;
    this.#name = name;
    this.#args = args;
    this.#registers = registers;
  }

  /** @throws {TypeError} if the options are none. */
  spawn(pid: Pid, options: SpawnOptions, groupLeader: Pid): Process {
    const all = { ...options, groupLeader, number: processId(pid) };
    this.#process = this.#node._core.spawn(NOT_YET, all);
    this.#process.deliver(this);
    return this.#process;
  }

  async run(): Promise<unknown> {
    const process = this.#process;
    let instance: Behaviour;
    try {
      const made = await this.#load();
      if (process.exited) return;
      checkStart(made, this.#args);
      instance = new (made as new () => Behaviour)();
    } catch (error) {
      this.#tell(error);
      return process.exit(exitReasonOf(error));
    }
    process.body = instance;
    instance._attach(this.#node, process);
    const started = (error: Error | null): void => {
      if (error !== null) return this.#tell(error);
      const fields = [process.pid, instance.constructor.name, atom(kindOf(instance))];
      this.#hub.mail.write(OP.STARTED, fields);
    };
    const registration = this.#registers ? this.#registration() : null;
    const init: Turn = new Init(process, instance, this.#args, started, registration);
    return await init.run(process);
  }

  async #load(): Promise<unknown> {
    const module = await import(this.#module) as Readonly<Record<string, unknown>>;
    const found = module[this.#name];
    if (found !== undefined) return found;
    throw new TypeError(
      `Cannot start a process on a worker: ${this.#module} has no export ${this.#name}, export the class of a behaviour so or name another one behind a #`,
    );
  }

  /** The name is the node's to register. */
  #registration(): Registration {
    const register = async (): Promise<void> => {
      await this.#hub.ask("register_as", this.#process.pid as Encodable);
    };
    return { register } as unknown as Registration;
  }

  #tell(error: unknown): void {
    this.#hub.mail.write(OP.FAILED, [this.#process.pid], failureTerm(error));
  }
}

/** Says that there is no process, and why. */
export function cannotStart(hub: Hub, pid: Pid, error: unknown): void {
  hub.mail.write(OP.FAILED, [pid], failureTerm(error));
  hub.tellReason(OP.ENDED, [pid], exitReasonOf(error));
}

/** Stands where the behaviour will be. */
const NOT_YET: Body = { _receive() {}, terminate: () => NORMAL, _class: "loading" };
