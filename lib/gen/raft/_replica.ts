import { highestOfMajority, type Leader, Leading } from "./_leading.ts";
import { Log } from "./_log.ts";
import { isMember, majority, type MemberChange } from "./_members.ts";
import type {
  Effects,
  Entry,
  HardState,
  MemberId,
  Members,
  Message,
  Payload,
  Refusal,
  ReplicaOptions,
  Snapshot,
  Ticket,
} from "./_types.ts";

type Append = Extract<Message, { type: "append" }>;
type Install = Extract<Message, { type: "install" }>;
type Vote = Extract<Message, { type: "vote" }>;

/** What a member is in its term. */
export type Role = "follower" | "candidate" | "leader";

/** What a member has when it starts. */
export interface Stored {
  readonly hard: HardState;
  readonly snapshot: Snapshot | null;
  readonly entries: readonly Entry[];
}

/**
 * One member of a group, by Raft's rules, and nothing else: it knows no clock, no node, no storage. Whoever carries it calls the methods,
 * with the time, and then does what {@linkcode Replica.take} gives: first what is to be saved, until it is durable, then the rest. So
 * nothing is seen outside that rests on something which a crash could undo, and several inputs may share one write.
 *
 * Beside Raft's own rules: nobody stands for election who would not be elected (pre-vote), or while a leader is heard of; a leader
 * that does not hear from a majority for an election timeout steps down; it reads by a round of heartbeats (read index); members
 * change one at a time, and new ones follow before they vote.
 */
export class Replica implements Leader {
  readonly id: MemberId;
  readonly options: ReplicaOptions;
  readonly log: Log;
  #term: number;
  #vote: MemberId | null;
  #commit: number;
  #role: Role = "follower";
  #leader: MemberId | null = null;
  #leading: Leading | null = null;
  readonly #random: () => number;
  /** When it stands for election unless it hears from a leader. */
  #electionAt: number;
  /** When it has heard from its leader. */
  #contact = -Infinity;
  #isPre = false;
  #votes: Set<MemberId> = new Set();
  /** The pieces of a snapshot that comes. */
  #incoming:
    | { readonly index: number; readonly term: number; pieces: Uint8Array[]; size: number }
    | null = null;

  // What is to be done.
  #isHardNew = false;
  #saveFrom = Infinity;
  #savesSnapshot = false;
  #messages: { to: MemberId; message: Message }[] = [];
  #restore: Snapshot | null = null;
  #delivered: number;
  #reads: { ticket: Ticket; index: number }[] = [];
  #refused: { ticket: Ticket; why: Refusal }[] = [];

  /** @param random from 0 to 1, for how long it waits before it stands for election. */
  constructor(
    id: MemberId,
    stored: Stored,
    options: ReplicaOptions,
    random: () => number,
    now: number,
  ) {
    this.id = id;
    this.options = options;
    this.log = new Log(stored.snapshot, stored.entries);
    this.#term = stored.hard.term;
    this.#vote = stored.hard.vote;
    this.#commit = this.#delivered = stored.snapshot?.index ?? 0;
    this.#restore = stored.snapshot;
    this.#random = random;
    this.#electionAt = this.#nextElection(now);
  }

  get term(): number {
    return this.#term;
  }

  get role(): Role {
    return this.#role;
  }

  /** Who leads, as far as this member knows. */
  get leader(): MemberId | null {
    return this.#leader;
  }

  /** Up to which entry all is committed, as far as this member knows. */
  get commit(): number {
    return this.#commit;
  }

  get members(): Members {
    return this.log.members;
  }

  /** Of a leader. */
  get leading(): Leading | null {
    return this.#leading;
  }

  /** Whether a majority can be heard, as far as this member knows. */
  get hasQuorum(): boolean {
    return this.#leader !== null;
  }

  // Inputs

  /** Begins a group, in a log that is empty, and stands for election at once. */
  found(members: Members): void {
    this.#electionAt = -Infinity;
    this.#setTerm(1, null);
    this.#put({ index: 1, term: 1, payload: { type: "members", members } });
  }

  /** Time has passed. */
  tick(now: number): void {
    if (this.#leading !== null) return this.#leading.tick(now);
    if (now < this.#electionAt) return;
    this.#electionAt = this.#nextElection(now);
    this.#leader = null;
    if (this.members.voters.includes(this.id)) this.#campaign(true, false, now);
  }

  propose(ticket: Ticket, payload: Payload): void {
    if (this.#leading === null) return this.refuse(ticket, "not_leader");
    this.#leading.propose(ticket, payload);
  }

  /** Asks up to which entry the state has to be for an answer that is not out of date. */
  read(ticket: Ticket): void {
    if (this.#leading === null) return this.refuse(ticket, "not_leader");
    this.#leading.read(ticket);
  }

  change(ticket: Ticket, change: MemberChange, now: number): void {
    if (this.#leading === null) return this.refuse(ticket, "not_leader");
    this.#leading.change(ticket, change, now);
  }

  /** Has another one elected. Answered as a read, when that is under way. */
  transfer(ticket: Ticket, to: MemberId, now: number): void {
    if (this.#leading === null) return this.refuse(ticket, "not_leader");
    this.#leading.transfer(ticket, to, now);
  }

  /** Keeps a snapshot of the machine, as it is after that entry, in the place of the entries up to there. */
  compact(index: number, bytes: Uint8Array): void {
    this.log.compact(index, bytes, this.options.keep);
    this.#savesSnapshot = true;
  }

  receive(from: MemberId, message: Message, now: number): void {
    if (message.term > this.#term) {
      if (message.type === "vote" && !message.forced && this.#hearsLeader(now)) return;
      const keeps = message.type === "vote" ? message.pre : message.type === "voted" &&
        message.pre && message.granted;
      if (!keeps) this.#follow(message.term, now);
    } else if (message.term < this.#term) {
      return this.#receiveOld(from, message);
    }
    switch (message.type) {
      case "vote":
        return this.#asked(from, message, now);
      case "voted":
        return this.#voted(from, message, now);
      case "append":
        return this.#append(from, message, now);
      case "install":
        return this.#install(from, message, now);
      case "appended":
      case "installed":
        return this.#leading?.receive(from, message, now);
      case "elect":
        if (from === this.#leader && this.members.voters.includes(this.id)) {
          this.#campaign(false, true, now);
        }
    }
  }

  /** What is to be done now. */
  take(): Effects {
    this.#leading?.flush();
    const { log } = this;
    const committed: { entry: Entry; ticket: Ticket | null }[] = [];
    while (this.#delivered < this.#commit) {
      const entry = log.get(++this.#delivered)!;
      committed.push({ entry, ticket: this.#leading?.ticketOf(entry.index) ?? null });
    }
    const savesLog = this.#saveFrom <= log.lastIndex;
    const from = this.#savesSnapshot ? log.firstIndex : this.#saveFrom;
    const effects: Effects = {
      save: this.#isHardNew || savesLog || this.#savesSnapshot
        ? {
          hard: this.#isHardNew || this.#savesSnapshot
            ? { term: this.#term, vote: this.#vote }
            : null,
          snapshot: this.#savesSnapshot ? log.snapshot : null,
          entries: savesLog || this.#savesSnapshot ? log.slice(from) : [],
        }
        : null,
      messages: this.#messages,
      restore: this.#restore,
      committed,
      reads: this.#reads,
      refused: this.#refused,
    };
    this.#isHardNew = this.#savesSnapshot = false;
    this.#saveFrom = Infinity;
    this.#messages = [];
    this.#restore = null;
    this.#reads = [];
    this.#refused = [];
    // Behind the messages that tell those who go.
    if (this.#leading !== null && this.#isRemoved) this.stepDown();
    return effects;
  }

  // What a leader does

  append(payload: Payload): number {
    const index = this.log.lastIndex + 1;
    this.#put({ index, term: this.#term, payload });
    return index;
  }

  commitTo(index: number): void {
    if (index < this.#commit) throw new Error(`Raft: entry ${index} was committed before`);
    this.#commit = index;
  }

  send(to: MemberId, message: Message): void {
    this.#messages.push({ to, message });
  }

  refuse(ticket: Ticket, why: Refusal): void {
    this.#refused.push({ ticket, why });
  }

  answerRead(ticket: Ticket, index: number): void {
    this.#reads.push({ ticket, index });
  }

  stepDown(): void {
    this.#leader = null;
    this.#follows();
  }

  // What mutants in tests do otherwise

  /** Up to which entry a leader may commit, by how far each voter is. */
  _committable(matches: readonly number[], _members: Members): number {
    return highestOfMajority(matches);
  }

  /** Whether so many voters are enough for a read. */
  _confirms(acknowledged: number, voters: number): boolean {
    return acknowledged >= majority(voters);
  }

  /** Whether entries of a term are committed by being counted: those of former leaders only with one behind them. */
  _mayCount(term: number): boolean {
    return term === this.#term;
  }

  /** Whether a candidate gets the vote of this term. */
  _mayVote(candidate: MemberId, vote: MemberId | null): boolean {
    return vote === candidate || vote === null && this.#leader === null;
  }

  /** Whether a log that ends so has all that is committed, as far as this one can tell. */
  _isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const { log } = this;
    return lastTerm > log.lastTerm || lastTerm === log.lastTerm && lastIndex >= log.lastIndex;
  }

  /** Whether the log before the new entries is that of the leader. */
  _matches(prevIndex: number, prevTerm: number): boolean {
    return this.log.term(prevIndex) === prevTerm;
  }

  // Elections

  #campaign(pre: boolean, forced: boolean, now: number): void {
    const { log } = this;
    this.#follows();
    this.#role = "candidate";
    this.#leader = null;
    this.#isPre = pre;
    this.#electionAt = this.#nextElection(now);
    this.#votes = new Set([this.id]);
    if (!pre) this.#setTerm(this.#term + 1, this.id);
    const term = pre ? this.#term + 1 : this.#term;
    for (const to of log.members.voters) {
      if (to === this.id) continue;
      this.send(to, {
        type: "vote",
        term,
        lastIndex: log.lastIndex,
        lastTerm: log.lastTerm,
        pre,
        forced,
      });
    }
    this.#count(now);
  }

  #count(now: number): void {
    const { voters } = this.members;
    const votes = voters.filter((one) => this.#votes.has(one)).length;
    if (votes < majority(voters.length)) return;
    if (this.#isPre) return this.#campaign(false, false, now);
    this.#role = "leader";
    this.#leader = this.id;
    this.#leading = new Leading(this, now);
    this.#leading.tick(now);
  }

  #asked(from: MemberId, message: Vote, now: number): void {
    const { pre, lastIndex, lastTerm } = message;
    const may = pre && message.term > this.#term || this._mayVote(from, this.#vote);
    const granted = may && this._isUpToDate(lastIndex, lastTerm);
    if (granted && !pre) {
      if (this.#vote !== from) this.#setTerm(this.#term, from);
      this.#electionAt = this.#nextElection(now);
    }
    this.send(from, { type: "voted", term: granted ? message.term : this.#term, pre, granted });
  }

  #voted(
    from: MemberId,
    { pre, granted, term }: Extract<Message, { type: "voted" }>,
    now: number,
  ): void {
    if (this.#role !== "candidate" || pre !== this.#isPre || !granted) return;
    if (term !== (pre ? this.#term + 1 : this.#term)) return;
    this.#votes.add(from);
    this.#count(now);
  }

  /** Whether a leader was heard of within the time in which nobody may be elected. */
  #hearsLeader(now: number): boolean {
    return this.#leading !== null ||
      this.#leader !== null && now < this.#contact + this.options.electionTimeout;
  }

  /** Of an earlier term: who has sent it is told that there is a later one, where that helps. */
  #receiveOld(from: MemberId, message: Message): void {
    if (message.type === "append" || message.type === "install") {
      this.send(from, {
        type: "appended",
        term: this.#term,
        round: 0,
        ok: false,
        index: 0,
        hint: 0,
      });
    } else if (message.type === "vote" && message.pre) {
      this.send(from, { type: "voted", term: this.#term, pre: true, granted: false });
    }
  }

  // Following

  #follow(term: number, now: number): void {
    this.#setTerm(term, null);
    this.#leader = null;
    this.#follows();
    this.#electionAt = this.#nextElection(now);
  }

  #follows(): void {
    const leading = this.#leading;
    this.#role = "follower";
    this.#leading = null;
    leading?.end();
  }

  #heard(from: MemberId, now: number): void {
    if (this.#role === "candidate") this.#follows();
    if (this.#role === "leader") throw new Error(`Raft: two leaders in term ${this.#term}`);
    this.#leader = from;
    this.#contact = now;
    this.#electionAt = this.#nextElection(now);
  }

  #append(from: MemberId, message: Append, now: number): void {
    this.#heard(from, now);
    const { log } = this;
    const { prevIndex, prevTerm, round, entries } = message;
    const reply = (ok: boolean, index: number, hint: number): void =>
      this.send(from, { type: "appended", term: this.#term, round, ok, index, hint });
    if (prevIndex < this.#commit && prevIndex + entries.length <= this.#commit) {
      return reply(true, this.#commit, 0); // all of it is known
    }
    if (prevIndex >= this.#commit && !this._matches(prevIndex, prevTerm)) {
      return reply(false, prevIndex, log.lastWithin(prevIndex, prevTerm));
    }
    for (const entry of entries) {
      if (entry.index <= this.#commit || log.term(entry.index) === entry.term) continue;
      this.#put(entry);
    }
    const last = prevIndex + entries.length;
    const commit = Math.min(message.commit, last);
    if (commit > this.#commit) this.#commit = commit;
    reply(true, last, 0);
  }

  #install(from: MemberId, message: Install, now: number): void {
    this.#heard(from, now);
    const { index, lastTerm, offset, total, round, bytes } = message;
    const done = (upTo: number): void => {
      this.#incoming = null;
      const term = this.#term;
      this.send(from, { type: "appended", term, round, ok: true, index: upTo, hint: 0 });
    };
    if (index <= this.#commit) return done(this.#commit);
    if (this.log.term(index) === lastTerm) {
      this.#commit = index;
      return done(index);
    }
    let incoming = this.#incoming;
    if (incoming === null || incoming.index !== index || incoming.term !== lastTerm) {
      this.#incoming = incoming = { index, term: lastTerm, pieces: [], size: 0 };
    }
    if (offset === incoming.size && bytes.length > 0) {
      incoming.pieces.push(bytes);
      incoming.size += bytes.length;
    }
    if (incoming.size < total) {
      const term = this.#term;
      this.send(from, { type: "installed", term, round, index, offset: incoming.size });
      return;
    }
    const snapshot = {
      index,
      term: lastTerm,
      members: message.members,
      bytes: joined(incoming.pieces, incoming.size),
    };
    this.log.install(snapshot);
    this.#commit = this.#delivered = index;
    this.#restore = snapshot;
    this.#savesSnapshot = true;
    done(index);
  }

  #put(entry: Entry): void {
    if (entry.index <= this.#commit) {
      throw new Error(`Raft: entry ${entry.index} is committed and cannot be replaced`);
    }
    this.log.put(entry);
    this.#saveFrom = Math.min(this.#saveFrom, entry.index);
  }

  #setTerm(term: number, vote: MemberId | null): void {
    this.#term = term;
    this.#vote = vote;
    this.#isHardNew = true;
  }

  /** The leader is no member any more, and that is committed. */
  get #isRemoved(): boolean {
    return !isMember(this.members, this.id) && this.log.membersIndex <= this.#commit;
  }

  #nextElection(now: number): number {
    return now + this.options.electionTimeout * (1 + this.#random());
  }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
