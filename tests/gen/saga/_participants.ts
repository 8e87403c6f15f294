import { assert, assertEquals } from "@std/assert";
import { Saga } from "../../../lib/gen/saga/saga.ts";
import type { SagaRef } from "../../../lib/gen/saga/saga_ref.ts";
import type { Transaction, TransactionOptions } from "../../../lib/gen/saga/transaction.ts";
import type { Term } from "../../../lib/etf/term.ts";
import { atom } from "../../../lib/etf/atom.ts";
import { Node } from "../../../lib/node/node.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";

const KILL = atom("kill");

/** What a saga did for a transaction. */
export interface Part {
  outcome: "committed" | "cancelled" | null;
  /** What was done and has not been taken back. */
  kept: number;
  alive: boolean;
}

/** What the sagas of a run share. */
export class Ledger {
  readonly parts: Map<string, Part> = new Map();
  /** What was taken back, in its order. */
  readonly undone: string[] = [];
  /** How many messages have been handled, and sent. */
  readonly count: Record<Crash["when"], number> = { handles: 0, handled: 0, sends: 0 };
  crashes: readonly Crash[] = [];

  /** Whether who does this now ends with it. */
  isFatal(when: Crash["when"]): boolean {
    const at = this.count[when]++;
    return this.crashes.some((crash) => crash.when === when && crash.at === at);
  }
}

/** A saga ends before it handles a message, when it has handled it, or in place of sending one: what it has sent before is on its way. */
export interface Crash {
  readonly when: "handles" | "handled" | "sends";
  /** Which of them, of all sagas together. */
  readonly at: number;
}

export const WAYS = ["handles", "handled", "sends"] as const;

/** One to three crashes somewhere in a transaction. */
export function anyCrashes(below: (n: number) => number): readonly Crash[] {
  return Array.from(
    { length: 1 + below(3) },
    () => ({ when: WAYS[below(WAYS.length)], at: below(40) }),
  );
}

/** Who has whom take part: O has A and B, A has C. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  o: ["a", "b"],
  a: ["c"],
  b: [],
  c: [],
};

export class Participant extends Saga<string, string> {
  #name = "";
  #ledger!: Ledger;

  override init(name: string, ledger: Ledger): void {
    this.#name = name;
    this.#ledger = ledger;
  }

  override async handleTransaction(tx: Transaction<string>, value: string): Promise<string> {
    const part: Part = { outcome: null, kept: 1, alive: true };
    this.#ledger.parts.set(this.#name, part);
    tx.compensate(() => {
      part.kept--;
      this.#ledger.undone.push(this.#name);
    });
    const results = [value];
    for (const name of BELOW[this.#name]) {
      results.push(String(await tx.next<Term>(name, this.#name)));
    }
    return `${this.#name}(${results.join()})`;
  }

  override handleCommit(): void {
    this.#end("committed");
  }

  override handleCancel(): void {
    this.#end("cancelled");
  }

  override _receive(message: unknown): unknown {
    const ledger = this.#ledger;
    if (ledger === undefined) return super._receive(message);
    if (ledger.isFatal("handles")) return this.#die();
    const result = super._receive(message);
    if (ledger.isFatal("handled")) this.#die();
    return result;
  }

  override _ended(): void {
    super._ended();
    const part = this.#ledger.parts.get(this.#name);
    if (part !== undefined) part.alive = false;
  }

  #die(): void {
    this._process.exit(KILL);
  }

  #end(outcome: "committed" | "cancelled"): void {
    const part = this.#ledger.parts.get(this.#name)!;
    assertEquals(part.outcome, null, "a transaction has ended twice");
    part.outcome = outcome;
  }
}

/** A platform on which any process that can run may be the next one: messages of different senders come in any order. */
class Shuffled extends FakePlatform {
  readonly #ready: { run(): void }[] = [];
  #seed: number;

  constructor(seed: number) {
    super(seed);
    this.#seed = seed;
  }

  /** From 0 to below `n`, the same in every run. */
  below(n: number): number {
    // A step of mulberry32.
    let t = this.#seed = this.#seed + 0x6d2b79f5 | 0;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) % n;
  }

  turns(turn: { run(): void }): void {
    this.#ready.push(turn);
    this.defer(() => {
      const [next] = this.#ready.splice(this.below(this.#ready.length), 1);
      next.run();
    });
  }
}

/** A transaction of four sagas in which some crash; which process runs next is drawn by lot. */
export async function runWith(
  crashes: readonly Crash[] | ((below: (n: number) => number) => readonly Crash[]),
  seed = 1,
  options: TransactionOptions = {},
): Promise<Ledger & { readonly result: string }> {
  const platform = new Shuffled(seed);
  const node = new Node("lone@localhost", platform, {});
  const ledger = new Ledger();
  ledger.crashes = typeof crashes === "function" ? crashes((n) => platform.below(n)) : crashes;
  const { _core: core } = node;
  const send = core.send;
  core.send = function (from, target, message, priority) {
    if (from !== core.main && ledger.isFatal("sends")) from.exit(KILL);
    else send.call(core, from, target, message, priority);
  };
  const refs: SagaRef<Participant, string, string>[] = [];
  for (const name of Object.keys(BELOW)) {
    refs.push(await node.start(Participant, [name, ledger], { register: name }) as never);
  }
  let result = "";
  refs[0].run("x", { lifespan: 20_000, ...options }).then(
    (value) => result = value,
    (error) => result = error.message,
  );
  await platform.elapse(40_000);
  for (const [i, name] of Object.keys(BELOW).entries()) {
    const part = ledger.parts.get(name);
    if (part?.alive) assertEquals(refs[i].running, 0, `${name} has not ended its transaction`);
  }
  const stopped = node.stop();
  await platform.elapse(20_000);
  await stopped;
  return Object.assign(ledger, { result });
}

/** Fails where the sagas that live have not all come to the same end. */
export function assertWhole(ledger: Ledger & { readonly result: string }, what: string): void {
  const outcomes = new Map<string, string>();
  for (const [name, part] of ledger.parts) {
    if (!part.alive && part.outcome === null) continue; // crashed before
    outcomes.set(name, part.outcome ?? "open");
  }
  const living = [...ledger.parts].filter(([, part]) => part.alive);
  const ends = new Set(living.map(([name]) => outcomes.get(name)));
  assert(ends.size <= 1 && !ends.has("open"), `${what}: ${JSON.stringify([...outcomes])}`);
  for (const [name, part] of living) {
    const kept = part.outcome === "committed" ? 1 : 0;
    assertEquals(part.kept, kept, `${what}: ${name} ${part.outcome}`);
  }
}
