import type { Pid } from "../../etf/identifiers.ts";
import { format } from "../../etf/format.ts";
import type { Term } from "../../etf/term.ts";
import type { Monitor } from "../../node/process/monitor.ts";
import { NOCONNECTION } from "../../node/atoms.ts";
import { InDoubt } from "./_in_doubt.ts";
import type { Place } from "./_place.ts";
import { type Outcome, outcomeTerms, reasonTerm, type SagaMessage, sagaTerm } from "./_wire.ts";
import type { Transaction } from "./transaction.ts";

/** Milliseconds after the lifespan for which it is known how a transaction ended, for those that are in doubt. */
const REMEMBERED = 10_000;

/** What follows from what was agreed upon. */
export interface Decided {
  commit(final: Term): void;
  /** @param agreed whether it is known to be cancelled; else it is so only where that is in time. */
  cancel(reason: string, agreed?: boolean): void;
  /** Nobody will ask any more. */
  forget(): void;
}

/**
 * How all sagas of a transaction come to the same end. The first saga, when all have given their results:
 *
 * | | sends | waits for |
 * | --- | --- | --- |
 * | 1 | `prepare` with all members to each of them | `prepared` of each; a cancel, or the end of one, cancels the transaction |
 * | 2 | `commit` to each | `ended` of each |
 * | 3 | `forget` to each | nothing |
 *
 * A member that is prepared does nothing by itself any more. Where the first saga is down it comes to an agreement with the other ones: {@linkcode InDoubt}.
 */
export class Agreement {
  readonly #place: Place;
  readonly #tx: Transaction;
  readonly #decided: Decided;
  /** All that take part, the first saga first; `null` where that is not known yet. */
  #members: readonly Pid[] | null = null;
  #final: Term = null;
  /** Who has not answered yet. */
  #waiting: Map<string, Pid> = new Map();
  /** Of these those that could not be reached once. */
  readonly #lost: Set<string> = new Set();
  #monitors: Monitor[] = [];
  #doubt: InDoubt | null = null;
  /** Members in doubt that are answered when it is known how it ends. */
  #askers: Pid[] = [];
  #outcome: Outcome | null = null;
  /** It is cancelled, as others say; what was done is taken back when the word for it comes, in its order, or nobody is left to give it. */
  #heard: Outcome & { readonly is: "cancelled" } | null = null;
  #expiry: Disposable | null = null;
  /** Resolves when it has ended on all, or nobody needs to know of it any more. */
  readonly everywhere: Promise<void>;
  #isEverywhere!: () => void;

  constructor(place: Place, tx: Transaction, decided: Decided) {
    this.#place = place;
    this.#tx = tx;
    this.#decided = decided;
    this.everywhere = new Promise((resolve) => this.#isEverywhere = resolve);
  }

  // The first saga

  /** All have given their results: has them agree. */
  decide(members: readonly Pid[], final: Term): void {
    const { pid } = this.#place;
    this.#tx._phase = "deciding";
    this.#members = [pid, ...members];
    this.#final = final;
    for (const member of members) {
      this.#waiting.set(member.key, member);
      this.#monitors.push(
        this.#place._watch(member, (down) => {
          if (this.#tx._phase !== "deciding") return this.#gone(member, down.reason);
          this.#decided.cancel(`saga ${format(member)} is down: ${format(down.reason)}`);
        }),
      );
    }
    for (const member of members) this.#tell(member, "prepare", this.#members, final);
  }

  #prepared(from: Pid): void {
    if (this.#tx._phase !== "deciding" || this.#doubt !== null || !this.#waiting.delete(from.key)) {
      return;
    }
    if (this.#waiting.size === 0) this.#decided.commit(this.#final);
  }

  /** A member whose node cannot be reached asks when it can: it is remembered for that, but nobody waits for it. */
  #gone(member: Pid, reason: Term): void {
    if (reason !== NOCONNECTION) return this.#ended(member);
    this.#lost.add(member.key);
    this.#look();
  }

  #ended(member: Pid): void {
    if (this.#tx._phase !== "committed" || !this.#waiting.delete(member.key)) return;
    this.#look();
  }

  #look(): void {
    const left = Array.from(this.#waiting.keys()).filter((key) => !this.#lost.has(key));
    if (this.#tx._phase !== "committed" || left.length > 0) return;
    this.#isEverywhere();
    if (this.#waiting.size > 0) return;
    for (const one of this.#others()) this.#tell(one, "forget");
    this.#forget();
  }

  // All

  receive(message: SagaMessage): void {
    const { from } = message;
    switch (message.kind) {
      case "prepare":
        return this.#prepare(from, message.members, message.final);
      case "prepared":
        return this.#prepared(from);
      case "commit": {
        const { parent } = this.#tx;
        if (this.isMember(from) || parent !== null && from.equals(parent)) {
          this.#decided.commit(message.final);
        }
        return;
      }
      case "ask":
        return this.#asked(from);
      case "state":
        return this.#told(from, message.state);
      case "ended":
        return this.#ended(from);
      case "forget":
        if (this.#first?.equals(from)) this.#forget();
        return;
    }
  }

  isMember(pid: Pid): boolean {
    return this.#members?.some((member) => member.equals(pid)) ?? false;
  }

  /** Something has happened that the transaction cannot go on after: the first saga cancels it, unless it is committed. */
  tellFirst(reason: string): void {
    const { id } = this.#tx;
    if (this.#first !== null) {
      this.#place._tell(
        this.#first,
        sagaTerm("cancel", this.#place.pid, id, id, reasonTerm(reason)),
      );
    }
  }

  /** The parent of a prepared saga is down. */
  down(pid: Pid, reason: Term): void {
    if (this.#first === null || !this.#first.equals(pid) || this.#doubt !== null) return;
    this.#beginDoubt(reason);
  }

  /** The first saga should have told by now how it ends. Where this is the first one the others may have come to an end without it. */
  doubt(): void {
    const { _phase: phase } = this.#tx;
    if (this.#doubt !== null || phase !== "prepared" && phase !== "deciding") return;
    this.#beginDoubt(NOCONNECTION);
  }

  /** Somebody tells how it has ended. */
  #told(from: Pid, outcome: Outcome): void {
    if (this.#doubt !== null) return this.#doubt.answered(from, outcome);
    if (outcome.is !== "cancelled" || !this.isMember(from)) return;
    if (this.#tx._phase === "deciding") return this.#decided.cancel(outcome.reason);
    if (this.#tx._phase !== "prepared") return;
    this.#heard = outcome;
    for (const asker of this.#askers) this.#answer(asker, outcome);
    this.#askers = [];
  }

  /** The lifespan is over. */
  force(): void {
    this.#doubt?.force();
  }

  #beginDoubt(reason: Term): void {
    if (this.#heard !== null) return this.#decided.cancel(this.#heard.reason, true);
    const members = this.#members!;
    this.#doubt = new InDoubt({
      _self: this.#place.pid,
      _ask: (member) => this.#tell(member, "ask"),
      _watch: (member, fn) => this.#place._watch(member, (down) => fn(down.reason)),
      _later: (ms, fn) => this.#place._later(ms, fn),
      _moreDown: () => this.#answerAskers(),
      _decided: (outcome, own) => this.#resolved(outcome, own),
    }, members);
    this.#doubt.begin(reason);
    this.#answerAskers();
  }

  /** @returns whether it has to be remembered. */
  committed(final: Term): boolean {
    this.#settle({ is: "committed", final });
    const { pid } = this.#place;
    if (this.#members === null) {
      this.#isEverywhere();
      return false;
    }
    if (this.#first!.equals(pid)) {
      this.#waiting = new Map(this.#others().map((member) => [member.key, member]));
      for (const member of this.#others()) {
        this.#place._tell(member, sagaTerm("commit", pid, this.#tx.id, this.#tx.id, final));
      }
    }
    this.#expire();
    return true;
  }

  /** Whoever knows it tells all that may be prepared, before anything is taken back: when that is done it may be down, and they would commit. */
  cancelled(reason: string): void {
    const outcome = { is: "cancelled", reason } as const;
    this.#settle(outcome);
    for (const member of this.#others()) this.#answer(member, outcome);
  }

  /** The first saga has taken it back: now those do, too, whose parents are down. */
  tellMembers(reason: string): void {
    const { id } = this.#tx;
    if (this.#tx.parent !== null) return;
    for (const member of this.#others()) {
      this.#place._tell(
        member,
        sagaTerm("cancel", this.#place.pid, id, id, reasonTerm(reason)),
      );
    }
  }

  /** @param told whether the parent knows that it is cancelled. @returns whether it has to be remembered. */
  keeps(told: boolean): boolean {
    if (told || this.#tx.parent === null) return false;
    this.#expire();
    return true;
  }

  #prepare(from: Pid, members: readonly Pid[], final: Term): void {
    const { _phase: phase, _parents: parents, parent } = this.#tx;
    const first = parents[parents.length - 1];
    if (first === undefined || !first.equals(from) || !members[0]?.equals(from)) return;
    if (phase === "prepared") return this.#tell(from, "prepared");
    if (phase !== "voted") {
      if (phase === "cancelled") this.#refuse(from);
      return;
    }
    this.#members = members;
    this.#final = final;
    this.#tx._phase = "prepared";
    if (!parent!.equals(from)) {
      this.#monitors.push(this.#place._watch(from, (down) => this.down(from, down.reason)));
    }
    this.#tell(from, "prepared");
  }

  #refuse(first: Pid): void {
    const { id } = this.#tx;
    this.#place._tell(first, sagaTerm("cancel", this.#place.pid, id, id, "cancelled"));
  }

  #asked(from: Pid): void {
    const { _phase: phase } = this.#tx;
    const outcome = this.#outcome ?? this.#heard;
    if (outcome !== null) return this.#answer(from, outcome);
    if (phase === "active" || phase === "voted") {
      // Who asks has seen that the first saga is down, so nobody has committed.
      this.#decided.cancel("the first saga is down");
      return this.#answer(from, { is: "cancelled", reason: "the first saga is down" });
    }
    if (!this.#askers.some((asker) => asker.equals(from))) this.#askers.push(from);
    this.#answerAskers();
  }

  /** Tells those who ask that this saga is prepared, when it knows that it is theirs to decide. */
  #answerAskers(): void {
    const doubt = this.#doubt;
    this.#askers = this.#askers.filter((asker) => {
      const isTheirs = this.#first?.equals(asker) || doubt !== null && doubt.isNext(asker);
      if (!isTheirs) return true;
      this.#answer(asker, { is: "prepared" });
      return false;
    });
  }

  #resolved(outcome: Outcome, own: boolean): void {
    const { pid } = this.#place;
    const { id } = this.#tx;
    if (outcome.is === "committed") {
      const final = own ? this.#final : outcome.final;
      if (own) {
        for (const member of this.#others()) {
          this.#place._tell(member, sagaTerm("commit", pid, id, id, final));
        }
      }
      this.#decided.commit(final);
    } else if (outcome.is === "cancelled") {
      this.#decided.cancel(outcome.reason, true);
    }
  }

  #settle(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#doubt?.end();
    this.#doubt = null;
    for (const asker of this.#askers) this.#answer(asker, outcome);
    this.#askers = [];
    // The first saga goes on to see who ends before it knows.
    if (outcome.is === "cancelled" || !this.#first?.equals(this.#place.pid)) this.#unwatch();
  }

  /** What there was to be done here for the commit is done. */
  handled(): void {
    if (this.#first !== null && !this.#first.equals(this.#place.pid)) {
      this.#tell(this.#first, "ended");
    }
  }

  #answer(to: Pid, outcome: Outcome): void {
    this.#tell(to, "state", ...outcomeTerms(outcome));
  }

  get #first(): Pid | null {
    return this.#members?.[0] ?? null;
  }

  #others(): readonly Pid[] {
    return this.#members?.filter((member) => !member.equals(this.#place.pid)) ?? [];
  }

  #expire(): void {
    const ms = this.#tx.remaining + REMEMBERED;
    this.#expiry ??= this.#place._later(ms, () => this.#forget());
  }

  #forget(): void {
    this.#expiry?.[Symbol.dispose]();
    this.#unwatch();
    this.#isEverywhere();
    this.#decided.forget();
  }

  #unwatch(): void {
    for (const monitor of this.#monitors) monitor[Symbol.dispose]();
    this.#monitors = [];
  }

  #tell(to: Pid, kind: SagaMessage["kind"], ...items: readonly unknown[]): void {
    this.#place._tell(to, sagaTerm(kind, this.#place.pid, this.#tx.id, ...items));
  }
}
