// The workers of the tests of pools, which do what they are told to.
import { atom } from "../../../lib/etf/atom.ts";
import { format } from "../../../lib/etf/format.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { later, noReply, on } from "../../../lib/gen/server/handlers.ts";
import { exit } from "../../../lib/node/errors.ts";
import type { From } from "../../../lib/node/call.ts";
import { type Gate, gate } from "../_servers.ts";

export const BOOM = atom("boom");

/** What the workers of a test share. */
export class Bench {
  /** What workers have begun, in its order: which of them, and what. */
  readonly begun: string[] = [];
  readonly gates: Map<string, Gate> = new Map();
  count = 0;

  gate(name: string): Gate {
    let found = this.gates.get(name);
    if (found === undefined) this.gates.set(name, found = gate());
    return found;
  }
}

export class Worker extends GenServer {
  #bench!: Bench;
  #id = "";
  override init(bench: Bench): void {
    this.#bench = bench;
    this.#id = `w${bench.count++}`;
  }
  override readonly calls = {
    who: () => this.#id,
    pid: () => this.pid,
    caller: () => this.caller,
    /** Works until the test opens the gate of that name. */
    work: on(t.text, async (name) => {
      this.#bench.begun.push(`${this.#id} ${name}`);
      await this.#bench.gate(name).promise;
      return name;
    }),
    later: on(t.text, (name) => {
      this.#bench.begun.push(`${this.#id} ${name}`);
      return later(this.#bench.gate(name).promise.then(() => name));
    }),
    exit: on(t.term, (reason) => exit(reason as Exclude<Term, string>)),
    bad: (): unknown => () => {},
  };
  override readonly casts = {
    note: on(t.text, (name) => {
      this.#bench.begun.push(`${this.#id} ${name}`);
    }),
    die: () => exit(BOOM),
  };
  override handleCall(_request: Term, from: From): unknown {
    void Promise.resolve().then(() => from.reply("kept"));
    return noReply;
  }
  override handleInfo(message: Term): void {
    this.#bench.begun.push(`${this.#id} got ${format(message)}`);
  }
}

/** Waits until workers have begun with so many things. */
export async function begun(bench: Bench, count: number): Promise<string[]> {
  while (bench.begun.length < count) await new Promise((resolve) => setTimeout(resolve, 0));
  return bench.begun;
}
