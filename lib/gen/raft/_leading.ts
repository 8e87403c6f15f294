import { type Log, sizeOf } from "./_log.ts";
import { allMembers, changed, majority, type MemberChange, twinOf } from "./_members.ts";
import { Progress } from "./_progress.ts";
import type {
  MemberId,
  Members,
  Message,
  Payload,
  Refusal,
  ReplicaOptions,
  Ticket,
} from "./_types.ts";

/** The replica that leads. */
export interface Leader {
  readonly id: MemberId;
  readonly term: number;
  readonly commit: number;
  readonly log: Log;
  readonly options: ReplicaOptions;
  append(payload: Payload): number;
  commitTo(index: number): void;
  send(to: MemberId, message: Message): void;
  refuse(ticket: Ticket, why: Refusal): void;
  answerRead(ticket: Ticket, index: number): void;
  stepDown(): void;
  /** Of mutants in tests. */
  _committable(matches: readonly number[], members: Members): number;
  _confirms(acknowledged: number, voters: number): boolean;
  _mayCount(term: number): boolean;
}

/** So many full messages of entries may be pending. */
const BATCHES_PENDING = 64;

interface Read {
  readonly ticket: Ticket;
  readonly index: number;
  readonly round: number;
}

/** What a member does while it is the leader: from its election until it steps down. */
export class Leading {
  readonly #leader: Leader;
  readonly #progress: Map<MemberId, Progress> = new Map();
  /** Who waits for which entry. */
  readonly #tickets: Map<number, { readonly ticket: Ticket; readonly size: number }> = new Map();
  /** The first entry of this leader: before it is committed nothing is known to be. */
  readonly #first: number;
  #round = 0;
  #asksRound = false;
  #reads: Read[] = [];
  /** Reads before the first entry is committed. */
  #early: Ticket[] = [];
  #pendingBytes = 0;
  #transfer: { readonly to: MemberId; readonly until: number; sent: boolean } | null = null;
  #heartbeatAt: number;

  constructor(leader: Leader, now: number) {
    this.#leader = leader;
    this.#heartbeatAt = now;
    this.#follow(now);
    this.#first = leader.append({ type: "none" });
    this.#advance();
  }

  get progress(): ReadonlyMap<MemberId, Progress> {
    return this.#progress;
  }

  /** Whom leadership goes to, while that is under way. */
  get heir(): MemberId | null {
    return this.#transfer?.to ?? null;
  }

  /** Whether an entry of this leader is committed, so that it knows all that is. */
  get isSettled(): boolean {
    return this.#leader.commit >= this.#first;
  }

  ticketOf(index: number): Ticket | null {
    const waiting = this.#tickets.get(index);
    if (waiting === undefined) return null;
    this.#tickets.delete(index);
    this.#pendingBytes -= waiting.size;
    return waiting.ticket;
  }

  propose(ticket: Ticket, payload: Payload): void {
    const { options, log } = this.#leader;
    if (this.#transfer !== null) return this.#leader.refuse(ticket, "not_leader");
    if (
      this.#tickets.size >= options.maxPending ||
      this.#pendingBytes >= BATCHES_PENDING * options.maxBatch
    ) {
      return this.#leader.refuse(ticket, "overloaded");
    }
    const index = this.#leader.append(payload);
    const size = sizeOf(log.get(index)!);
    this.#tickets.set(index, { ticket, size });
    this.#pendingBytes += size;
    this.#advance();
  }

  read(ticket: Ticket): void {
    if (!this.isSettled) {
      this.#early.push(ticket);
      return;
    }
    // One round serves all that were asked before it begins.
    this.#asksRound = true;
    this.#reads.push({ ticket, index: this.#leader.commit, round: this.#round + 1 });
    this.#confirm();
  }

  change(ticket: Ticket, change: MemberChange, now: number): void {
    const { log, commit, id } = this.#leader;
    if (
      !this.isSettled || log.membersIndex > commit || this.#transfer !== null ||
      !log.members.voters.includes(id) // on its way out
    ) {
      return this.#leader.refuse(ticket, "busy");
    }
    const members = changed(log.members, change);
    if (members === null) return this.#leader.refuse(ticket, "bad_change");
    const index = this.#leader.append({ type: "members", members });
    this.#tickets.set(index, { ticket, size: 0 });
    if (change.type === "remove") {
      const progress = this.#progress.get(change.id);
      if (progress !== undefined) progress.leaving = index;
    }
    this.#follow(now);
    this.#advance();
  }

  transfer(ticket: Ticket, to: MemberId, now: number): void {
    const { id, log, options } = this.#leader;
    if (to === id || !log.members.voters.includes(to)) {
      return this.#leader.refuse(ticket, "bad_change");
    }
    if (this.#transfer !== null) return this.#leader.refuse(ticket, "busy");
    this.#transfer = { to, until: now + options.electionTimeout, sent: false };
    this.#handOver();
    this.#leader.answerRead(ticket, 0); // under way
  }

  tick(now: number): void {
    const { options, log, id } = this.#leader;
    if (this.#transfer !== null && now >= this.#transfer.until) this.#transfer = null;
    const heard = log.members.voters.map((one) =>
      one === id ? now : this.#progress.get(one)?.heard ?? -Infinity
    );
    if (highestOfMajority(heard) < now - options.electionTimeout) return this.#leader.stepDown();
    if (now >= this.#heartbeatAt) {
      this.#heartbeatAt = now + options.heartbeat;
      this.#promote();
      this.#asksRound = true;
    }
  }

  /** Something has come from a member of this term. */
  receive(
    from: MemberId,
    message: Extract<Message, { type: "appended" | "installed" }>,
    now: number,
  ): void {
    const progress = this.#progress.get(from);
    if (progress === undefined) return;
    progress.heard = now;
    if (message.round > progress.round) {
      progress.round = message.round;
      this.#confirm();
    }
    if (message.type === "installed") {
      return progress.installed(message.index, message.offset, message.round);
    }
    if (!message.ok) return progress.refused(message.index, message.hint);
    if (!progress.matched(message.index)) return;
    this.#advance();
    this.#handOver();
    this.#promote();
  }

  /** Sends each member what there is for it; in a new round also where there is nothing. */
  flush(): void {
    const { term, commit, log, options } = this.#leader;
    const always = this.#asksRound;
    if (always) this.#round++;
    this.#asksRound = false;
    const sending = { term, commit, round: this.#round, log, options };
    for (const [id, progress] of this.#progress) {
      for (const message of progress.send(sending, always)) this.#leader.send(id, message);
      if (progress.leaving > 0 && progress.told >= progress.leaving) this.#progress.delete(id);
    }
    this.#confirm();
  }

  /** The leader steps down: what was not committed may be, or not. */
  end(): void {
    for (const { ticket } of this.#tickets.values()) this.#leader.refuse(ticket, "unknown");
    for (const { ticket } of this.#reads) this.#leader.refuse(ticket, "not_leader");
    for (const ticket of this.#early) this.#leader.refuse(ticket, "not_leader");
    this.#tickets.clear();
    this.#reads = [];
    this.#early = [];
  }

  /** Knows each member, and those that are on their way out. */
  #follow(now: number): void {
    const { log, id } = this.#leader;
    for (const one of allMembers(log.members)) {
      if (one === id) continue;
      const progress = this.#progress.get(one);
      if (progress === undefined) this.#progress.set(one, new Progress(log.lastIndex + 1, now));
      else progress.leaving = 0;
    }
  }

  #advance(): void {
    const { log, id, commit } = this.#leader;
    const { members } = log;
    const matches = members.voters.map((one) =>
      one === id ? log.lastIndex : this.#progress.get(one)?.match ?? 0
    );
    const index = this.#leader._committable(matches, members);
    if (index <= commit || !this.#leader._mayCount(log.term(index)!)) return;
    this.#leader.commitTo(index);
    if (this.#early.length === 0) return;
    for (const ticket of this.#early.splice(0)) this.read(ticket);
  }

  /** Answers the reads whose round a majority has answered. */
  #confirm(): void {
    if (this.#reads.length === 0) return;
    const { log, id } = this.#leader;
    const { voters } = log.members;
    while (this.#reads.length > 0) {
      const { round, ticket, index } = this.#reads[0];
      const acknowledged = voters.filter((one) =>
        one === id || (this.#progress.get(one)?.round ?? 0) >= round
      );
      if (!this.#leader._confirms(acknowledged.length, voters.length)) return;
      this.#reads.shift();
      this.#leader.answerRead(ticket, index);
    }
  }

  #handOver(): void {
    const transfer = this.#transfer;
    const { log, term } = this.#leader;
    if (transfer === null || transfer.sent) return;
    if (this.#progress.get(transfer.to)?.match !== log.lastIndex) return;
    transfer.sent = true;
    this.#leader.send(transfer.to, { type: "elect", term });
  }

  /** Who was to be a voter when it has caught up is one now: one at a time. */
  #promote(): void {
    const { log, commit } = this.#leader;
    if (log.members.rising.length === 0) return;
    if (!this.isSettled || log.membersIndex > commit || this.#transfer !== null) return;
    const { rising, voters } = log.members;
    const id = rising.find((one) => {
      const twin = twinOf(log.members, one);
      // Who is there again as somebody else votes when the other one does not any more.
      if (twin !== undefined && voters.includes(twin)) return false;
      return (this.#progress.get(one)?.match ?? -1) >= commit;
    });
    const members = id === undefined ? null : changed(log.members, { type: "promote", id });
    if (members === null) return;
    this.#leader.append({ type: "members", members });
  }
}

/** The highest value that a majority has reached. */
export function highestOfMajority(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => b - a);
  return sorted[majority(sorted.length) - 1] ?? 0;
}
