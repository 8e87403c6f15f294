import { Behaviour } from "../../lib/node/process/behaviour.ts";
import { ExitError, GenServer, ignore, type Node, type Pid, type Term } from "../../mod.ts";

export const notAClass = 3;

export class Ignores extends GenServer {
  override init(): unknown {
    return ignore;
  }
}

export class Fails extends GenServer {
  override init(): void {
    throw new Error("no luck");
  }
}

export class Unmade extends GenServer {
  constructor() {
    super();
    throw new TypeError("not made");
  }
}

export class ExitsOddly extends GenServer {
  override init(): void {
    throw new ExitError({ plain: 1 } as unknown as Term);
  }
}

export class Slow extends GenServer {
  override init(): Promise<void> {
    return new Promise(() => {});
  }
}

/** No server: there is no reference to it but its pid. */
export class Plain extends Behaviour {
  override init(): void {
    this.register("plain");
  }

  _receive(): void {}

  _reference(_node: Node, pid: Pid): Pid {
    return pid;
  }
}
