import type { Pid } from "../../etf/identifiers.ts";
import type { Monitor } from "../../node/process/monitor.ts";
import { NOCONNECTION } from "../../node/atoms.ts";
import type { Outcome } from "./_wire.ts";

/** Milliseconds after which those who cannot be reached are tried again, twice as many each time up to the most: often it is but a connection from before a crash. */
const RETRY = 100;
const MOST_RETRY = 1_000;

/** What one in doubt needs of its transaction. */
export interface DoubtHome {
  readonly _self: Pid;
  _ask(member: Pid): void;
  _watch(member: Pid, fn: (reason: unknown) => void): Monitor;
  _later(ms: number, fn: () => void): Disposable;
  /** It is known how it ends. `own`: it was decided here, and the others are to be told. */
  _decided(outcome: Outcome, own: boolean): void;
  /** Somebody more is known to be down: others who ask may be answered now. */
  _moreDown(): void;
}

/**
 * A saga is ready to commit, and the first saga, which knows what becomes of the transaction, is down. Those that are left agree, as in three-phase commit:
 *
 * - Whoever knows how it ended tells the others.
 * - One that had not been prepared has cancelled it, for nobody can have committed before all were prepared.
 * - Where all are prepared, the first of those that live commits it and tells the others.
 *
 * Who ended is out. Of one whose node cannot be reached it is not known: it is tried again, until the transaction's lifespan is over. Then it is out, too; so
 * two groups that cannot reach each other for as long as that may end it differently, which no protocol can prevent within a time.
 */
export class InDoubt {
  readonly #home: DoubtHome;
  /** All that take part, the first saga first. */
  readonly #members: readonly Pid[];
  readonly #gone: Set<string> = new Set();
  readonly #unreachable: Set<string> = new Set();
  readonly #prepared: Set<string> = new Set();
  readonly #monitors: Map<string, Monitor> = new Map();
  #retry: Disposable | null = null;
  #pause = RETRY;
  #forced = false;
  #over = false;

  constructor(home: DoubtHome, members: readonly Pid[]) {
    this.#home = home;
    this.#members = members;
  }

  /** Asks all others. */
  begin(first: unknown): void {
    const [coordinator] = this.#members;
    if (first !== NOCONNECTION) this.#gone.add(coordinator.key);
    for (const member of this.#others()) this.#reach(member);
    this.#later();
    this.#look();
  }

  /** Whether all before that one are down, as far as it is seen from here. */
  isNext(asker: Pid): boolean {
    for (const member of this.#members) {
      if (member.equals(asker)) return true;
      if (!this.#gone.has(member.key)) return false;
    }
    return false;
  }

  /** Somebody has answered. */
  answered(from: Pid, outcome: Outcome): void {
    if (this.#over || !this.#members.some((member) => member.equals(from))) return;
    if (outcome.is !== "prepared") return this.#decide(outcome, false);
    this.#prepared.add(from.key);
    this.#look();
  }

  /** The lifespan is over: who has not answered by now is out. */
  force(): void {
    this.#forced = true;
    this.#look();
  }

  end(): void {
    this.#over = true;
    this.#retry?.[Symbol.dispose]();
    for (const monitor of this.#monitors.values()) monitor[Symbol.dispose]();
    this.#monitors.clear();
  }

  #others(): readonly Pid[] {
    const { _self: self } = this.#home;
    return this.#members.filter((member) => !member.equals(self) && !this.#gone.has(member.key));
  }

  #reach(member: Pid): void {
    this.#unreachable.delete(member.key);
    if (!this.#monitors.has(member.key)) {
      this.#monitors.set(
        member.key,
        this.#home._watch(member, (reason) => this.#down(member, reason)),
      );
    }
    this.#home._ask(member);
  }

  #down(member: Pid, reason: unknown): void {
    this.#monitors.delete(member.key);
    if (this.#over) return;
    this.#prepared.delete(member.key);
    if (reason === NOCONNECTION) {
      this.#unreachable.add(member.key);
    } else {
      this.#gone.add(member.key);
      this.#home._moreDown();
    }
    this.#look();
  }

  #later(): void {
    this.#retry = this.#home._later(this.#pause, () => {
      this.#pause = Math.min(2 * this.#pause, MOST_RETRY);
      for (const member of this.#others()) {
        if (!this.#prepared.has(member.key)) this.#reach(member);
      }
      this.#later();
      this.#look();
    });
  }

  #look(): void {
    if (this.#over) return;
    const { _self: self } = this.#home;
    for (const member of this.#members) {
      const { key } = member;
      if (member.equals(self) || this.#gone.has(key) || this.#prepared.has(key)) continue;
      if (!this.#forced) return;
    }
    // The first of those that live decides; they all answered that they are prepared.
    const first = this.#members.find((member) =>
      member.equals(self) || this.#prepared.has(member.key)
    );
    if (first?.equals(self)) this.#decide({ is: "committed", final: null }, true);
  }

  #decide(outcome: Outcome, own: boolean): void {
    this.end();
    this.#home._decided(outcome, own);
  }
}
