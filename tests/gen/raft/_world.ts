import { decode } from "../../../lib/etf/decoder.ts";
import type { Replica } from "../../../lib/gen/raft/_replica.ts";
import type { Entry, Payload, ReplicaOptions } from "../../../lib/gen/raft/_types.ts";
import { notLinearizable, type Operation } from "./_linearizability.ts";
import { Client } from "./_world_client.ts";
import { Group } from "./_world_group.ts";
import { Invariants, Violation } from "./_world_invariants.ts";
import { store, textOf } from "./_world_member.ts";
import { Network } from "./_world_network.ts";
import { generator, Queue } from "./_world_queue.ts";
import { Trouble } from "./_world_trouble.ts";

export { Violation };

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

const OPTIONS: ReplicaOptions = {
  electionTimeout: 150,
  heartbeat: 30,
  maxBatch: 200, // these two differ from run to run
  window: 3,
  maxPending: 20,
  chunk: 150,
  keep: 4,
};

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
  readonly #queue: Queue = new Queue();
  readonly #network: Network = new Network(this);
  readonly #group: Group;
  readonly #trouble: Trouble;
  readonly #clients: Client[] = [];
  readonly #end: number;
  #now = 0;

  constructor({ seed, members, fault = {}, time = 4_000 }: WorldOptions) {
    this.#random = generator(seed);
    this.#end = time;
    const options = {
      ...OPTIONS,
      maxBatch: [1, 200, 5_000][this.random(3)],
      window: 1 + this.random(4),
    };
    const invariants = new Invariants();
    const group = new Group(this, this.#network, invariants, options, fault, this.#random);
    this.#group = group;
    this.#trouble = new Trouble(this, group, this.#network);
    const names = Array.from({ length: members }, (_, i) => `n${i + 1}`);
    const ids = names.map((name) => group.newId(name));
    const first: Entry = {
      index: 1,
      term: 1,
      payload: { type: "members", members: { voters: ids, learners: [], rising: [] } },
    };
    const added = names.map((name, i) => {
      const hard = { term: 1, vote: null };
      return group.add(name, ids[i], { hard, snapshot: null, entries: [first] });
    });
    invariants.check(added[0], [first]);
    for (let i = 0; i < 3; i++) this.#clients.push(new Client(this, i));
  }

  /** Lets it happen. @throws {Violation} */
  run(): void {
    for (const member of this.#group.members.values()) this.#group.start(member);
    for (const client of this.#clients) this.later(this.random(50), () => client.next());
    this.later(100, () => this.#trouble.trouble());
    this.later(50, () => this.#trouble.operate());
    this.#until(this.#end);
    this.#trouble.calm();
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
    return this.#group.fault.noSessions !== true;
  }

  later(ms: number, fn: () => void): void {
    this.#queue.push(this.#now + ms, fn);
  }

  /** Whom a client asks: who it believes to lead, or anybody. */
  someone(hint: string | null): string {
    const names = [...this.#group.members.keys()];
    return hint !== null && this.#group.members.has(hint) && this.chance(0.8)
      ? hint
      : names[this.random(names.length)];
  }

  /** A request over the network; `answer` may be called, or not. */
  request(
    name: string,
    what: { readonly propose: Payload } | { readonly read: string },
    answer: (result: { ok: boolean; value?: string | null; hint: string | null }) => void,
  ): void {
    this.#network.travel(`c>${name}`, () => {
      const member = this.#group.members.get(name);
      if (member === undefined || member.replica === null) return;
      this.#group.input(member, (replica) => {
        const ticket = this.#group.ticket();
        member.waiting.set(ticket, (effect) => {
          const { leader } = replica;
          const hint = leader === null ? null : leader.slice(0, leader.indexOf("#"));
          const result = effect === "read"
            ? { ok: true, value: store(member).values.get((what as { read: string }).read) ?? null }
            : "refused" in effect || effect.type !== "ok"
            ? { ok: false }
            : { ok: true, value: textOf(decode(effect.reply)) };
          this.#network.travel(`${name}>c`, () => answer({ ...result, hint }));
        });
        if ("read" in what) replica.read(ticket);
        else replica.propose(ticket, what.propose);
      });
    });
  }

  #assertWell(): void {
    const leaders = this.#group.leading().filter(({ replica }) => replica!.leading!.isSettled);
    if (leaders.length !== 1) throw new Violation(`${leaders.length} leaders when all is well`);
    const { replica } = leaders[0];
    for (const { name, id, state } of this.#group.members.values()) {
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
