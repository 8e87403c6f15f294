import { isStranger } from "../../../lib/gen/raft/_strangers.ts";
import { Replica, type Stored } from "../../../lib/gen/raft/_replica.ts";
import type { Outcome } from "../../../lib/gen/raft/_machine.ts";
import type {
  Batch,
  Effects,
  MemberId,
  Message,
  ReplicaOptions,
  Ticket,
} from "../../../lib/gen/raft/_types.ts";
import type { Fault, World } from "./_world.ts";
import type { Invariants } from "./_world_invariants.ts";
import { type Member, newState } from "./_world_member.ts";
import type { Network } from "./_world_network.ts";

const SNAPSHOT_EVERY = 25;

/** The members of a group, on a machine each: disk, clock, and what a replica wants to be done. */
export class Group {
  readonly members: Map<string, Member> = new Map();
  /** By identity, as messages are addressed. */
  readonly ids: Map<MemberId, Member> = new Map();
  readonly fault: Fault;
  readonly #world: World;
  readonly #network: Network;
  readonly #invariants: Invariants;
  readonly #options: ReplicaOptions;
  readonly #random: () => number;
  #tickets = 0;
  #identities = 0;

  /** @param random the numbers of the world's seed */
  constructor(
    world: World,
    network: Network,
    invariants: Invariants,
    options: ReplicaOptions,
    fault: Fault,
    random: () => number,
  ) {
    this.#world = world;
    this.#network = network;
    this.#invariants = invariants;
    this.#options = options;
    this.fault = fault;
    this.#random = random;
  }

  ticket(): Ticket {
    return ++this.#tickets;
  }

  newId(name: string): MemberId {
    return `${name}#${++this.#identities}`;
  }

  add(name: string, id: MemberId, disk: Stored): Member {
    const member: Member = {
      id,
      name,
      disk,
      flushing: null,
      replica: null,
      state: newState(),
      pausedUntil: 0,
      held: [],
      rate: this.#world.chance(0.3) ? 0.5 + this.#random() : 0.95 + this.#random() * 0.1,
      offset: this.#world.random(10_000),
      life: 0,
      waiting: new Map(),
    };
    this.members.set(name, member);
    this.ids.set(id, member);
    return member;
  }

  start(member: Member): void {
    const Class = this.fault.Replica ?? Replica;
    member.state = newState();
    member.waiting = new Map();
    member.life++;
    member.replica = new Class(
      member.id,
      member.disk,
      this.#options,
      this.#random,
      this.clock(member),
    );
    this.#pump(member);
    this.#tick(member, member.life);
  }

  clock(member: Member): number {
    return member.offset + this.#world.now * member.rate;
  }

  #tick(member: Member, life: number): void {
    this.#world.later(10 + this.#world.random(4), () => {
      if (member.life !== life) return;
      this.input(member, (replica) => replica.tick(this.clock(member)));
      this.#tick(member, life);
    });
  }

  /** Something happens to a member: now, or when it is not paused any more. */
  input(member: Member, fn: (replica: Replica) => void): void {
    if (member.replica === null) return;
    const { life } = member;
    if (this.#world.now < member.pausedUntil) {
      member.held.push(() => {
        if (member.life === life) this.input(member, fn);
      });
      return;
    }
    const before = member.replica.role;
    fn(member.replica);
    if (before !== "leader" && member.replica.role === "leader") {
      this.#world.elections++;
      this.#invariants.elected(member);
    }
    this.#pump(member);
  }

  /** Saves what is to be saved, and does the rest behind it. */
  #pump(member: Member): void {
    const { replica, life } = member;
    if (replica === null || member.flushing !== null) return;
    const effects = replica.take();
    if (effects.save !== null) this.#invariants.check(member, effects.save.entries);
    if (effects.save === null) return this.#perform(member, effects);
    member.flushing = effects;
    if (this.fault.noFsync) this.#perform(member, effects);
    const slow = this.#world.chance(0.02) ? 60 : this.fault.noFsync ? 30 : 4;
    this.#world.later(this.#world.random(slow), () => {
      if (member.life !== life) return;
      member.flushing = null;
      this.write(member, effects.save!);
      if (!this.fault.noFsync) this.#perform(member, effects);
      this.#pump(member);
    });
  }

  write(member: Member, { hard, snapshot, entries }: Batch): void {
    const { disk } = member;
    let kept = snapshot !== null ? [] : [...disk.entries];
    if (entries.length > 0) kept = kept.filter(({ index }) => index < entries[0].index);
    member.disk = {
      hard: hard === null || this.fault.forgetsVote ? disk.hard : hard,
      snapshot: snapshot ?? disk.snapshot,
      entries: [...kept, ...entries],
    };
  }

  #perform(member: Member, effects: Effects): void {
    const { replica } = member;
    for (const { to, message } of effects.messages) this.#send(member.id, to, message);
    if (effects.restore !== null) {
      member.state.restore(effects.restore.bytes);
      this.#world.installed++;
    }
    for (const { entry, ticket } of effects.committed) {
      this.#invariants.apply(member, entry);
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

  #send(from: MemberId, to: MemberId, message: Message): void {
    const [a, b] = [from.slice(0, from.indexOf("#")), to.slice(0, to.indexOf("#"))];
    this.#network.travel(`${a}>${b}`, () => {
      const member = this.ids.get(to);
      if (member === undefined || member.id !== to || member.replica === null) return;
      this.input(member, (replica) => {
        if (isStranger(replica, from, message)) return;
        replica.receive(from, message, this.clock(member));
      });
    });
  }

  leading(): Member[] {
    return [...this.members.values()].filter(({ replica }) => replica?.role === "leader");
  }

  /** Whether it is the leader, and not one that does not know yet that it is no more. */
  isLatest({ replica }: Member): boolean {
    return replica?.leading?.isSettled === true &&
      replica!.term === this.#invariants.latestTerm;
  }

  crash(member: Member): void {
    if (member.replica === null) return;
    this.#world.crashes++;
    // What was on its way may have arrived, the answer has not.
    if (member.flushing !== null && this.#world.chance(0.5) && !this.fault.noFsync) {
      this.write(member, member.flushing.save!);
    }
    member.replica = null;
    member.flushing = null;
    member.held = [];
    member.life++;
    const { life } = member;
    this.#world.later(50 + this.#world.random(400), () => {
      if (member.life === life && this.members.get(member.name) === member) this.start(member);
    });
  }
}
