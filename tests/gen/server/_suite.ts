import {
  atom,
  type Encodable,
  exit,
  type ExitReason,
  GenServer,
  ignore,
  isTuple,
  type Node,
  on,
  type Pid,
  t,
  type Term,
  type ViaRegistry,
} from "../../../mod.ts";
import { collector, SHUTDOWN } from "../../node/_nodes.ts";
import { pair } from "../_servers.ts";

export const OK = atom("ok");
export const STOPPED = atom("stopped");
export const NOPROC = atom("noproc");

/** What the suite's module does, as far as its cases ask for it. */
export class Suite extends GenServer {
  state: Term = null;
  #within: number | null = null;

  override init(how: Term = [], ...rest: unknown[]): unknown {
    void rest;
    if (how === atom("ignore")) return ignore;
    if (how === atom("stop")) exit(STOPPED);
    if (how === atom("sleep")) return this.sleep(1_000);
    if (isTuple(how) && how.tag === "state") this.state = how[1];
    if (isTuple(how) && how.tag === "continue") this.continueWith(how[1]);
    return undefined;
  }

  override readonly calls = {
    started_p: () => OK,
    delayed_answer: on(t.integer, async (ms) => {
      await this.sleep(Number(ms));
      return atom("delayed");
    }),
    call_within: on(t.integer, (ms) => {
      this.#within = Number(ms);
      this.idleTimeout = Number(ms);
      return OK;
    }),
    next_call: () => {
      const inTime = this.#within !== null;
      this.idleTimeout = Infinity;
      return inTime ? OK : false;
    },
    stop: () => {
      this.stop(STOPPED);
      return OK;
    },
    crash: () => exit(atom("crashed")),
    shutdown_reason: () => exit(pair(SHUTDOWN, atom("reason")) as ExitReason),
    stop_shutdown: () => this.stop(SHUTDOWN),
    badreturn: () => ({ no: "term" }),
    hibernate: () => this.hibernate(),
    hibernate_later: () => void this.after(100, () => this.hibernate()),
  };
  override readonly casts = {
    cast_mistery: () => {},
    stop: () => this.stop(STOPPED),
    hibernate: () => this.hibernate(),
  };

  override handleTimeout(): void {
    this.#within = null;
  }

  override handleContinue(step: unknown): unknown {
    this.state = pair(atom("continued"), step as Term);
    if (step === STOPPED) this.stop(STOPPED);
    return undefined;
  }

  override handleInfo(message: Term): unknown {
    if (isTuple(message) && message.tag === "get") return this.send(message[1] as Pid, this.state);
    if (isTuple(message) && message.tag === "call_undef_fun") {
      return (this as unknown as { undefined_fun(): void }).undefined_fun();
    }
    this.state = message;
    return undefined;
  }
}

export class Names implements ViaRegistry {
  readonly #pids = new Map<unknown, Pid>();
  whereisName(name: Encodable): Pid | undefined {
    return this.#pids.get(name);
  }
  registerName(name: Encodable, pid: Pid): boolean {
    if (this.#pids.has(name)) return false;
    this.#pids.set(name, pid);
    return true;
  }
  unregisterName(name: Encodable): void {
    this.#pids.delete(name);
  }
}

/** What a linked process, which traps exits, hears of. */
export function linked(node: Node): { pid: Pid; got: Term[] } {
  return collector(node, (self) => {
    self.trapExit = true;
  });
}
