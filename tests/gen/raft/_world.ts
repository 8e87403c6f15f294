import { decode } from "../../../lib/etf/decoder.ts";
import { encode } from "../../../lib/etf/encoder.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { type Machine, type Outcome, ReplicatedState } from "../../../lib/gen/raft/_machine.ts";
import { allMembers, isMember } from "../../../lib/gen/raft/_members.ts";
import { isStranger } from "../../../lib/gen/raft/_strangers.ts";
import { Replica, type Stored } from "../../../lib/gen/raft/_replica.ts";
import type {
  Batch,
  Effects,
  Entry,
  MemberId,
  Message,
  Payload,
  ReplicaOptions,
  Ticket,
} from "../../../lib/gen/raft/_types.ts";
import { type Input, notLinearizable, type Operation, step } from "./_linearizability.ts";

/** What is wrong with a group on purpose. */
export interface Fault {
  readonly Replica?: typeof Replica;
  /** What is to be durable is seen outside before it is. */
  readonly noFsync?: boolean;
  /** Term and vote are not kept. */
  readonly forgetsVote?: boolean;
  /** Whoever has lost its storage comes back as if it had not. */
  readonly sameIdentity?: boolean;
  /** Clients send again without saying that it is the same request. */
  readonly noSessions?: boolean;
}

/** How a run is made. */
export interface WorldOptions {
  readonly seed: number;
  readonly members: number;
  readonly fault?: Fault;
  /** Milliseconds with faults; about as long comes behind it, in which all has to become well. */
  readonly time?: number;
}

export class Violation extends Error {
  override readonly name = "Violation";
}

const OPTIONS: ReplicaOptions = {
  electionTimeout: 150,
  heartbeat: 30,
  maxBatch: 200, // these two differ from run to run
  window: 3,
  maxPending: 20,
  chunk: 150,
  keep: 4,
};
const SNAPSHOT_EVERY = 25;
const KEYS = ["x", "y", "z"];

interface Member {
  id: MemberId;
  readonly name: string;
  disk: Stored;
  /** What is on its way to the disk. */
  flushing: Effects | null;
  replica: Replica | null;
  state: ReplicatedState;
  pausedUntil: number;
  /** What comes while it is paused. */
  held: (() => void)[];
  /** How fast its clock runs, and how far it is off. */
  rate: number;
  offset: number;
  /** Counts its starts, so that what was planned before a crash is not done. */
  life: number;
  waiting: Map<Ticket, (effect: "read" | Outcome | { refused: string }) => void>;
}

/** Keys and values, as the checker knows them. */
class Store implements Machine {
  values: Map<string, string> = new Map();

  apply(command: Term): Encodable {
    const [key, type, value, old] = (command as unknown as Term[]).map(textOf) as string[];
    const input = { type, value, old } as unknown as Input;
    const [output, after] = step(this.values.get(key) ?? null, input);
    if (after !== null) this.values.set(key, after);
    return output;
  }

  snapshot(): Encodable {
    return this.values;
  }

  restore(state: Term): void {
    this.values = new Map(
      [...state as unknown as Iterable<[Term, Term]>].map(([k, v]) => [textOf(k)!, textOf(v)!]),
    );
  }
}

function textOf(term: Term): string | null {
  return term === null ? null : String(term);
}

/**
 * A group of replicas, its clients, and everything that can happen to them, under a seed: messages that are late, lost, doubled and overtake each
 * other, partitions, also of one way only, crashes with kept and with lost storage, pauses, clocks that run at different speeds, changes of members and
 * of the leader. After each step the properties of Raft are checked; at the end what clients have seen is.
 */
export class World {
  readonly history: Operation[] = [];
  steps = 0;
  elections = 0;
  crashes = 0;
  installed = 0;
  readonly #random: () => number;
  readonly #fault: Fault;
  readonly #members: Map<string, Member> = new Map();
  /** By identity, as messages are addressed. */
  readonly #ids: Map<MemberId, Member> = new Map();
  readonly #queue: Queue = new Queue();
  readonly #cut: Set<string> = new Set();
  readonly #end: number;
  readonly #options: ReplicaOptions;
  #now = 0;
  #drop = 0;
  #double = 0;
  #delay = 5;
  #tickets = 0;
  #identities = 0;
  #names = 0;
  /** Identities that have gone with their storage, and are members yet. */
  readonly #lost: Set<MemberId> = new Set();
  readonly #leaders: Map<number, MemberId> = new Map();
  readonly #entries: Map<string, string> = new Map();
  readonly #committed: { term: number; text: string; seenIn: number }[] = [];
  readonly #clients: Client[] = [];

  constructor({ seed, members, fault = {}, time = 4_000 }: WorldOptions) {
    this.#random = generator(seed);
    this.#fault = fault;
    this.#end = time;
    this.#options = {
      ...OPTIONS,
      maxBatch: [1, 200, 5_000][this.random(3)],
      window: 1 + this.random(4),
    };
    const names = Array.from({ length: members }, () => `n${++this.#names}`);
    const ids = names.map((name) => `${name}#${++this.#identities}`);
    const first: Entry = {
      index: 1,
      term: 1,
      payload: { type: "members", members: { voters: ids, learners: [], rising: [] } },
    };
    for (const [i, name] of names.entries()) {
      const hard = { term: 1, vote: null };
      this.#add(name, ids[i], { hard, snapshot: null, entries: [first] });
    }
    this.#check(this.#member(0), [first]);
    for (let i = 0; i < 3; i++) this.#clients.push(new Client(this, i));
  }

  /** Lets it happen. @throws {Violation} */
  run(): void {
    for (const member of this.#members.values()) this.#start(member);
    for (const client of this.#clients) this.later(this.random(50), () => client.next());
    this.later(100, () => this.#trouble());
    this.later(50, () => this.#operate());
    this.#until(this.#end);
    this.#calm();
    // All becomes well: everybody leads or follows, and every client gets its replies.
    this.#until(this.#end + 6_000);
    this.#assertWell();
    const key = notLinearizable(this.history);
    if (key !== null) throw new Violation(`the history of ${key} is not linearizable`);
  }

  /** A whole number below that. */
  random(below: number): number {
    return Math.floor(this.#random() * below);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  get now(): number {
    return this.#now;
  }

  get isCalm(): boolean {
    return this.#now >= this.#end;
  }

  get sessions(): boolean {
    return this.#fault.noSessions !== true;
  }

  later(ms: number, fn: () => void): void {
    this.#queue.push(this.#now + ms, fn);
  }

  // Clients

  /** Whom a client asks: who it believes to lead, or anybody. */
  someone(hint: string | null): string {
    const names = [...this.#members.keys()];
    return hint !== null && this.#members.has(hint) && this.chance(0.8)
      ? hint
      : names[this.random(names.length)];
  }

  /** A request over the network; `answer` may be called, or not. */
  request(
    name: string,
    what: { readonly propose: Payload } | { readonly read: string },
    answer: (result: { ok: boolean; value?: string | null; hint: string | null }) => void,
  ): void {
    this.#travel(`c>${name}`, () => {
      const member = this.#members.get(name);
      if (member === undefined || member.replica === null) return;
      this.#input(member, (replica) => {
        const ticket = ++this.#tickets;
        member.waiting.set(ticket, (effect) => {
          const { leader } = replica;
          const hint = leader === null ? null : leader.slice(0, leader.indexOf("#"));
          const result = effect === "read"
            ? { ok: true, value: store(member).values.get((what as { read: string }).read) ?? null }
            : "refused" in effect || effect.type !== "ok"
            ? { ok: false }
            : { ok: true, value: textOf(decode(effect.reply)) };
          this.#travel(`${name}>c`, () => answer({ ...result, hint }));
        });
        if ("read" in what) replica.read(ticket);
        else replica.propose(ticket, what.propose);
      });
    });
  }

  // Members

  #member(i: number): Member {
    return [...this.#members.values()][i];
  }

  #add(name: string, id: MemberId, disk: Stored): Member {
    const member: Member = {
      id,
      name,
      disk,
      flushing: null,
      replica: null,
      state: newState(),
      pausedUntil: 0,
      held: [],
      rate: this.chance(0.3) ? 0.5 + this.#random() : 0.95 + this.#random() * 0.1,
      offset: this.random(10_000),
      life: 0,
      waiting: new Map(),
    };
    this.#members.set(name, member);
    this.#ids.set(id, member);
    return member;
  }

  #start(member: Member): void {
    const Class = this.#fault.Replica ?? Replica;
    member.state = newState();
    member.waiting = new Map();
    member.life++;
    member.replica = new Class(
      member.id,
      member.disk,
      this.#options,
      this.#random,
      this.#clock(member),
    );
    this.#pump(member);
    this.#tick(member, member.life);
  }

  #clock(member: Member): number {
    return member.offset + this.#now * member.rate;
  }

  #tick(member: Member, life: number): void {
    this.later(10 + this.random(4), () => {
      if (member.life !== life) return;
      this.#input(member, (replica) => replica.tick(this.#clock(member)));
      this.#tick(member, life);
    });
  }

  /** Something happens to a member: now, or when it is not paused any more. */
  #input(member: Member, fn: (replica: Replica) => void): void {
    if (member.replica === null) return;
    const { life } = member;
    if (this.#now < member.pausedUntil) {
      member.held.push(() => {
        if (member.life === life) this.#input(member, fn);
      });
      return;
    }
    const before = member.replica.role;
    fn(member.replica);
    if (before !== "leader" && member.replica.role === "leader") this.#elected(member);
    this.#pump(member);
  }

  /** Saves what is to be saved, and does the rest behind it. */
  #pump(member: Member): void {
    const { replica, life } = member;
    if (replica === null || member.flushing !== null) return;
    const effects = replica.take();
    if (effects.save !== null) this.#check(member, effects.save.entries);
    if (effects.save === null) return this.#perform(member, effects);
    member.flushing = effects;
    if (this.#fault.noFsync) this.#perform(member, effects);
    const slow = this.chance(0.02) ? 60 : this.#fault.noFsync ? 30 : 4;
    this.later(this.random(slow), () => {
      if (member.life !== life) return;
      member.flushing = null;
      this.#write(member, effects.save!);
      if (!this.#fault.noFsync) this.#perform(member, effects);
      this.#pump(member);
    });
  }

  #write(member: Member, { hard, snapshot, entries }: Batch): void {
    const { disk } = member;
    let kept = snapshot !== null ? [] : [...disk.entries];
    if (entries.length > 0) kept = kept.filter(({ index }) => index < entries[0].index);
    member.disk = {
      hard: hard === null || this.#fault.forgetsVote ? disk.hard : hard,
      snapshot: snapshot ?? disk.snapshot,
      entries: [...kept, ...entries],
    };
  }

  #perform(member: Member, effects: Effects): void {
    const { replica } = member;
    for (const { to, message } of effects.messages) this.#send(member.id, to, message);
    if (effects.restore !== null) {
      member.state.restore(effects.restore.bytes);
      this.installed++;
    }
    for (const { entry, ticket } of effects.committed) {
      this.#apply(member, entry);
      const outcome = member.state.apply(entry);
      this.#answer(member, ticket, outcome);
    }
    for (const { ticket } of effects.reads) this.#answer(member, ticket, "read");
    for (const { ticket, why } of effects.refused) this.#answer(member, ticket, { refused: why });
    const { applied } = member.state;
    if (replica !== null && applied - (replica.log.snapshot?.index ?? 0) >= SNAPSHOT_EVERY) {
      replica.compact(applied, member.state.snapshot());
    }
  }

  #answer(
    member: Member,
    ticket: Ticket | null,
    effect: "read" | Outcome | { refused: string },
  ): void {
    if (ticket === null) return;
    const waiting = member.waiting.get(ticket);
    member.waiting.delete(ticket);
    waiting?.(effect);
  }

  // The network

  #send(from: MemberId, to: MemberId, message: Message): void {
    const [a, b] = [from.slice(0, from.indexOf("#")), to.slice(0, to.indexOf("#"))];
    this.#travel(`${a}>${b}`, () => {
      const member = this.#ids.get(to);
      if (member === undefined || member.id !== to || member.replica === null) return;
      this.#input(member, (replica) => {
        if (isStranger(replica, from, message)) return;
        replica.receive(from, message, this.#clock(member));
      });
    });
  }

  #travel(way: string, fn: () => void): void {
    if (this.#cut.has(way) || this.chance(this.#drop)) return;
    const ms = this.chance(0.01) ? this.random(300) : 1 + this.random(this.#delay);
    this.later(ms, fn);
    if (this.chance(this.#double)) this.later(ms + this.random(50), fn);
  }

  // Trouble

  #trouble(): void {
    if (this.isCalm) return;
    const names = [...this.#members.keys()];
    const member = this.#members.get(names[this.random(names.length)])!;
    switch (this.random(12)) {
      case 0: // two halves
      case 1: {
        this.#cut.clear();
        const side = new Set(names.filter(() => this.chance(0.5)));
        for (const a of names) {
          for (const b of names) if (side.has(a) !== side.has(b)) this.#cut.add(`${a}>${b}`);
        }
        break;
      }
      case 2: // the leader alone, though clients reach it
        this.#cut.clear();
        for (const one of this.#leading()) {
          for (const b of names) {
            this.#cut.add(`${one.name}>${b}`);
            if (this.chance(0.8)) this.#cut.add(`${b}>${one.name}`);
          }
        }
        break;
      case 3: // one way only
        for (const b of names) if (this.chance(0.5)) this.#cut.add(`${member.name}>${b}`);
        break;
      case 4:
        this.#cut.clear();
        this.#drop = this.#double = 0;
        this.#delay = 5;
        break;
      case 5:
        this.#drop = this.random(3) * 0.1;
        this.#double = this.random(3) * 0.1;
        this.#delay = [5, 20, 60][this.random(3)];
        break;
      case 6:
      case 7:
        this.#crash(this.chance(0.5) ? member : this.#leading()[0] ?? member);
        break;
      case 8:
        this.#lose(member);
        break;
      case 9:
        this.#pause(member, this.random(500));
        break;
      case 11: // as long as the others need to elect another one
        for (const leader of this.#leading()) this.#pause(leader, 200 + this.random(800));
        break;
      case 10: {
        const [leader] = this.#leading();
        if (leader === undefined) break;
        this.#input(leader, (replica) => {
          const { voters } = replica.members;
          const to = voters[this.random(voters.length)];
          replica.transfer(++this.#tickets, to, this.#clock(leader));
        });
      }
    }
    this.later(20 + this.random(250), () => this.#trouble());
  }

  #pause(member: Member, ms: number): void {
    member.pausedUntil = this.#now + ms;
    this.later(ms, () => {
      for (const fn of member.held.splice(0)) fn();
    });
  }

  #leading(): Member[] {
    return [...this.#members.values()].filter(({ replica }) => replica?.role === "leader");
  }

  #crash(member: Member): void {
    if (member.replica === null) return;
    this.crashes++;
    // What was on its way may have arrived, the answer has not.
    if (member.flushing !== null && this.chance(0.5) && !this.#fault.noFsync) {
      this.#write(member, member.flushing.save!);
    }
    member.replica = null;
    member.flushing = null;
    member.held = [];
    member.life++;
    const { life } = member;
    this.later(50 + this.random(400), () => {
      if (member.life === life && this.#members.get(member.name) === member) this.#start(member);
    });
  }

  /** Crashes, and comes back with nothing: as somebody else, whom the group has to take in. */
  #lose(member: Member): void {
    if (this.#lost.size > 0 || member.replica === null) return;
    // More than one at a time is more than Raft can stand; so is one of two.
    if (!this.#isWhole()) return;
    this.#crash(member);
    const empty: Stored = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };
    if (this.#fault.sameIdentity) {
      member.disk = empty;
      return;
    }
    this.#lost.add(member.id);
    const id = `${member.name}#${++this.#identities}`;
    const next = this.#add(member.name, id, empty);
    this.later(50 + this.random(400), () => this.#start(next));
  }

  /** Whether there is a leader that knows everybody as a voter, and nobody else. */
  #isWhole(): boolean {
    return this.#leading().some((leader) => {
      const { members, log, commit } = leader.replica!;
      return this.#isLatest(leader) && log.membersIndex <= commit && members.rising.length === 0 &&
        members.voters.length >= 3 && members.voters.every((id) => this.#ids.get(id)!.id === id);
    });
  }

  /** Whether it is the leader, and not one that does not know yet that it is no more. */
  #isLatest({ replica }: Member): boolean {
    return replica?.leading?.isSettled === true &&
      replica!.term === Math.max(...this.#leaders.keys());
  }

  /** Whoever looks after the group: takes out who is lost, takes in who is new, and now and then changes it. */
  #operate(): void {
    for (const leader of this.#leading()) {
      this.#input(leader, (replica) => {
        const { members } = replica;
        const all = allMembers(members);
        const gone = all.find((id) => this.#members.get(nameOf(id))?.id !== id);
        const missing = [...this.#members.values()].find(({ id }) => !all.includes(id));
        const now = this.#clock(leader);
        const ticket = ++this.#tickets;
        if (gone !== undefined) replica.change(ticket, { type: "remove", id: gone }, now);
        else if (missing !== undefined) {
          replica.change(ticket, { type: "add", id: missing.id, as: "voter" }, now);
        } else if (
          !this.isCalm && this.chance(0.03) && members.voters.length > 3 && this.#lost.size === 0
        ) {
          const id = members.voters[this.random(members.voters.length)];
          replica.change(ticket, { type: "remove", id }, now);
        }
        for (const id of [...this.#lost]) {
          const isOut = this.#isLatest(leader) && replica.log.membersIndex <= replica.commit &&
            !isMember(members, id) &&
            members.rising.length === 0 && missing === undefined && gone === undefined;
          if (isOut) this.#lost.delete(id);
        }
      });
    }
    this.later(30 + this.random(60), () => this.#operate());
  }

  #calm(): void {
    this.#cut.clear();
    this.#drop = this.#double = 0;
    this.#delay = 5;
    for (const member of this.#members.values()) {
      member.pausedUntil = 0;
      for (const fn of member.held.splice(0)) fn();
    }
  }

  // What must be so

  /** Election safety, and leader completeness: a late leader of an earlier term need not know. */
  #elected(member: Member): void {
    const { term, log } = member.replica!;
    this.elections++;
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== member.id) {
      throw new Violation(`two leaders in term ${term}: ${other} and ${member.id}`);
    }
    this.#leaders.set(term, member.id);
    for (let index = log.firstIndex; index < this.#committed.length; index++) {
      const committed = this.#committed[index];
      if (committed === undefined || committed.seenIn >= term) continue;
      if (log.term(index) !== committed.term) {
        throw new Violation(`${member.id} leads term ${term} without entry ${index}`);
      }
    }
  }

  /** Log matching: an index and a term stand for one entry, and for one before it. */
  #check(member: Member, entries: readonly Entry[]): void {
    const log = member.replica?.log;
    for (const entry of entries) {
      const key = `${entry.index} ${entry.term}`;
      const text = `${log?.term(entry.index - 1)} ${textOfPayload(entry.payload)}`;
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, text);
      else if (
        known !== text && !known.startsWith("undefined ") && !text.startsWith("undefined ")
      ) {
        throw new Violation(`${member.id} has another entry ${key}: ${text}, not ${known}`);
      }
    }
  }

  /** State machine safety: nobody applies something else at the same place. */
  #apply(member: Member, { index, term, payload }: Entry): void {
    const text = textOfPayload(payload);
    const known = this.#committed[index];
    const seenIn = member.replica!.term;
    if (known === undefined) this.#committed[index] = { term, text, seenIn };
    else if (known.text !== text || known.term !== term) {
      throw new Violation(`${member.id} applies ${text} at ${index}, where ${known.text} was`);
    }
  }

  #assertWell(): void {
    const leaders = this.#leading().filter(({ replica }) => replica!.leading!.isSettled);
    if (leaders.length !== 1) throw new Violation(`${leaders.length} leaders when all is well`);
    const { replica } = leaders[0];
    for (const { name, id, state } of this.#members.values()) {
      if (!replica!.members.voters.includes(id)) throw new Violation(`${id} is no voter at last`);
      if (replica!.commit - state.applied > 30) {
        throw new Violation(`${name} is at ${state.applied} of ${replica!.commit}`);
      }
    }
    for (const client of this.#clients) {
      if (client.sinceCalm === 0) throw new Violation(`client ${client.id} gets no reply any more`);
    }
  }

  #until(end: number): void {
    while (this.#queue.size > 0 && this.#queue.nextAt <= end) {
      const { at, fn } = this.#queue.pop();
      this.#now = at;
      this.steps++;
      try {
        fn();
      } catch (error) {
        if (error instanceof Violation || !(error instanceof Error)) throw error;
        if (!error.message.startsWith("Raft: ")) throw error;
        throw new Violation(error.message, { cause: error });
      }
    }
    this.#now = end;
  }
}

const stores: WeakMap<ReplicatedState, Store> = new WeakMap();

function newState(): ReplicatedState {
  const machine = new Store();
  const state = new ReplicatedState(machine);
  stores.set(state, machine);
  return state;
}

function store(member: Member): Store {
  return stores.get(member.state)!;
}

function nameOf(id: MemberId): string {
  return id.slice(0, id.indexOf("#"));
}

function textOfPayload(payload: Payload): string {
  switch (payload.type) {
    case "members":
      return `members ${JSON.stringify(payload.members)}`;
    case "command":
      return `${payload.session}/${payload.serial} ${payload.bytes.join(" ")}`;
    case "open":
      return `open ${payload.session}`;
    case "none":
      return "none";
  }
}

/** Asks for one thing after the other, and again where nothing comes back. */
class Client {
  readonly id: number;
  sinceCalm = 0;
  readonly #world: World;
  #hint: string | null = null;
  #session = 0;
  #serial = 0;
  #values = 0;
  #left = 25;

  constructor(world: World, id: number) {
    this.#world = world;
    this.id = id;
  }

  next(): void {
    const world = this.#world;
    if (world.sessions && this.#session === 0) return this.#open();
    if (this.#left-- <= 0 && !world.isCalm) {
      this.#left = 0;
      return world.later(200, () => this.next());
    }
    if (this.sinceCalm > 5) return;
    const key = KEYS[world.random(KEYS.length)];
    const value = `${this.id}.${++this.#values};`;
    const input: Input = [
      { type: "get" } as const,
      { type: "get" } as const,
      { type: "put", value } as const,
      { type: "append", value } as const,
    ][world.random(4)];
    const operation: Operation = {
      client: this.id,
      key,
      input,
      call: world.now,
      end: Infinity,
    };
    world.history.push(operation);
    const serial = input.type === "get" ? 0 : ++this.#serial;
    this.#attempt(operation, serial, 8);
  }

  #open(): void {
    const world = this.#world;
    let answered = false;
    const session = 1 + world.random(1e9);
    const propose = { type: "open" as const, session };
    world.request(world.someone(this.#hint), { propose }, (result) => {
      if (answered) return;
      answered = true;
      this.#hint = result.hint;
      if (result.ok) this.#session = session;
      world.later(10, () => this.next());
    });
    world.later(300, () => {
      if (answered) return;
      answered = true;
      this.#hint = null;
      this.next();
    });
  }

  #attempt(operation: Operation, serial: number, attempts: number): void {
    const world = this.#world;
    const { input, key } = operation;
    const what = input.type === "get" ? { read: key } : {
      propose: {
        type: "command" as const,
        session: this.#session,
        serial,
        done: Math.max(0, serial - 1),
        bytes: encode(
          tuple(key, input.type, (input as { value: string }).value, null) as Encodable,
        ),
      },
    };
    let answered = false;
    world.request(world.someone(this.#hint), what, ({ ok, value, hint }) => {
      if (answered) return;
      answered = true;
      this.#hint = hint;
      if (ok) {
        operation.output = value;
        operation.end = world.now;
        if (world.isCalm) this.sinceCalm++;
        return world.later(world.random(60), () => this.next());
      }
      world.later(20 + world.random(30), () => this.#again(operation, serial, attempts));
    });
    world.later(250, () => {
      if (answered) return;
      answered = true;
      this.#hint = null;
      this.#again(operation, serial, attempts);
    });
  }

  /** The same request again, some times; then it is never known. */
  #again(operation: Operation, serial: number, attempts: number): void {
    if (attempts > 0) this.#attempt(operation, serial, attempts - 1);
    else this.next();
  }
}

/** What happens when, first things first. */
class Queue {
  readonly #heap: { at: number; order: number; fn: () => void }[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  get nextAt(): number {
    return this.#heap[0].at;
  }

  push(at: number, fn: () => void): void {
    const heap = this.#heap;
    const one = { at, order: this.#order++, fn };
    let i = heap.push(one) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(one, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = one;
  }

  pop(): { at: number; fn: () => void } {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(
  a: { at: number; order: number },
  b: { at: number; order: number },
): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}

/** Numbers from 0 to 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
