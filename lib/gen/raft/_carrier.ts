import { atom } from "../../etf/atom.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { isThenable } from "../../_util/thenable.ts";
import { Founding } from "./_founding.ts";
import { type Outcome, ReplicatedState } from "./_machine.ts";
import type { Machine } from "./_machine.ts";
import { allMembers, isMember, type MemberChange, nodeOfMember, twinOf } from "./_members.ts";
import { isStranger } from "./_strangers.ts";
import { Folded } from "./_folded.ts";
import { type Identity, recordOf, type Recovered } from "./_records.ts";
import { Replica } from "./_replica.ts";
import { messageIn, messageTerm, NotOurs, textIn } from "./_terms.ts";
import type {
  Batch,
  Effects,
  Entry,
  MemberId,
  Payload,
  Refusal,
  ReplicaOptions,
  Ticket,
} from "./_types.ts";
import type { RaftStorage } from "./storage.ts";

/** In front of all messages between members. */
export const RAFT = atom("$raft");
const HELLO = atom("hello");

/** What has come of a request. */
export type Answer = "read" | Outcome | { readonly type: "refused"; readonly why: Refusal };

/** The process that carries a replica. */
export interface CarrierHost {
  readonly nodeName: string;
  now(): number;
  /** From 0 to 1. */
  random(): number;
  /** A name that nobody else draws. */
  identity(): string;
  /** Sends to the member of that node, if it can: what gets lost is sent again. */
  send(node: string, message: Encodable): void;
  /** Runs it in the process, as a message. */
  inTurn(fn: () => void): void;
  /** The storage has failed. */
  failed(error: unknown): void;
  warn(text: string): void;
  error(text: string): void;
  applied(entry: Entry): void;
  restored(): void;
  /** Who leads, or who is a member, may be another one than before. */
  changed(): void;
}

/** A node that a leader waits for. */
interface Invited {
  readonly as: "voter" | "learner";
  readonly until: number;
  readonly done: (answer: Answer) => void;
}

/** Milliseconds in which a node that is to be taken in has to say who it is. */
const INVITED_FOR = 10_000;

/** How often a snapshot is made, and who founds the group. */
export interface CarrierOptions extends ReplicaOptions {
  readonly founders: readonly string[];
  /** Entries. */
  readonly snapshotEvery: number;
}

/**
 * Carries a replica: gives it what comes, saves what is to be saved, and then does the rest. While something is being saved more may come; all of it
 * shares the next write.
 */
export class Carrier {
  readonly replica: Replica;
  readonly #host: CarrierHost;
  readonly #storage: RaftStorage;
  readonly #options: CarrierOptions;
  readonly #state: ReplicatedState;
  #identity: Identity;
  /** To be saved with the next record. */
  #isNew: boolean;
  #founding: Founding | null;
  #isSaving = false;
  #isPumping = false;
  #again = false;
  #hasEnded = false;
  #tickets = 0;
  readonly #waiting: Map<Ticket, (answer: Answer) => void> = new Map();
  /** Nodes that are to be taken in as soon as they say who they are. */
  readonly #invited: Map<string, Invited> = new Map();
  #helloAt = 0;
  readonly #log: Folded;
  /** No snapshot is tried before that entry, since there was none to be had. */
  #snapshotFrom = 0;

  constructor(
    host: CarrierHost,
    storage: RaftStorage,
    options: CarrierOptions,
    machine: Machine,
    { identity, stored }: Recovered,
  ) {
    this.#host = host;
    this.#storage = storage;
    this.#options = options;
    this.#state = new ReplicatedState(machine);
    this.#isNew = identity === null;
    this.#identity = identity ?? { id: `${host.nodeName}#${host.identity()}`, group: null };
    const { id, group } = this.#identity;
    if (nodeOfMember(id) !== host.nodeName) {
      throw new Error(
        `Cannot start a member of a Raft: its storage is that of ${
          nodeOfMember(id)
        }, each member needs its own`,
      );
    }
    this.#log = new Folded(host);
    this.#founding = group === null ? new Founding(id, options.founders) : null;
    this.replica = new Replica(id, stored, options, host.random, host.now());
  }

  /** Up to which entry the state is. */
  get serial(): number {
    return this.#state.applied;
  }

  get group(): string | null {
    return this.#identity.group;
  }

  /** Whether it was a member, and all agree that it is none any more. */
  get isRemoved(): boolean {
    const { members, log, commit } = this.replica;
    return members.voters.length > 0 && log.membersIndex <= commit &&
      !isMember(members, this.#identity.id);
  }

  // What comes

  tick(): void {
    const now = this.#host.now();
    // Nobody may hear of an identity that is not kept.
    if (this.#founding !== null && now >= this.#helloAt && !this.#isNew && !this.#isSaving) {
      this.#helloAt = now + this.#options.electionTimeout / 2;
      for (const node of this.#options.founders) this.#hello(node, true);
      this.#found();
    }
    this.replica.tick(now);
    if (this.replica.leading !== null) this.#lookAfter();
    if (this.#invited.size > 0) this.#invite(now);
    this.pump();
  }

  /** @param origin the node whose connection it came by; `null` where it came from this node. */
  received(message: Term, origin: string | null): void {
    try {
      this.#received(message as unknown as readonly Term[], origin ?? this.#host.nodeName);
    } catch (error) {
      if (!(error instanceof NotOurs)) throw error;
      this.#log.warn(`got a message of ${origin ?? "this node"} that it does not know`);
    }
    this.pump();
  }

  propose(payload: Payload, done: (answer: Answer) => void): void {
    this.replica.propose(this.#ticket(done), payload);
    this.pump();
  }

  read(done: (answer: Answer) => void): void {
    this.replica.read(this.#ticket(done));
    this.pump();
  }

  transfer(node: string, done: (answer: Answer) => void): void {
    const to = this.replica.members.voters.find((id) => nodeOfMember(id) === node);
    this.replica.transfer(this.#ticket(done), to ?? node, this.#host.now());
    this.pump();
  }

  remove(node: string, done: (answer: Answer) => void): void {
    const id = allMembers(this.replica.members).find((one) => nodeOfMember(one) === node);
    this.#change({ type: "remove", id: id ?? node }, done);
  }

  /** Takes a node in, or makes a learner a voter. */
  add(node: string, as: "voter" | "learner", done: (answer: Answer) => void): void {
    const { replica } = this;
    const id = allMembers(replica.members).find((one) => nodeOfMember(one) === node);
    if (replica.leading === null || id !== undefined) {
      const isLearner = id !== undefined && replica.members.learners.includes(id);
      if (as === "voter" && isLearner) this.#change({ type: "promote", id }, done);
      else this.#change({ type: "add", id: id ?? node, as }, done);
      return;
    }
    this.#invited.get(node)?.done({ type: "refused", why: "busy" });
    this.#invited.set(node, { as, until: this.#host.now() + INVITED_FOR, done });
    this.#hello(node, true);
  }

  /** The member ends. @returns settles when its storage is closed. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#storage.close?.();
  }

  // What is done

  /** Saves, and does what follows from it, as long as there is something. */
  pump(): void {
    this.#again = true;
    if (this.#isPumping) return; // what is done now is done first
    this.#isPumping = true;
    try {
      while (this.#again && !this.#isSaving && !this.#hasEnded) {
        this.#again = false;
        const effects = this.replica.take();
        const saved = this.#save(effects.save);
        if (isThenable(saved)) this.#performWhen(saved, effects);
        else this.#perform(effects);
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #performWhen(saved: PromiseLike<unknown>, effects: Effects): void {
    this.#isSaving = true;
    const done = (): void => {
      this.#isSaving = false;
      if (this.#hasEnded) return;
      this.#isPumping = true;
      try {
        this.#perform(effects);
      } finally {
        this.#isPumping = false;
      }
      this.pump();
    };
    Promise.resolve(saved).then(
      () => this.#host.inTurn(done),
      (error) => this.#hasEnded || this.#host.failed(error),
    );
  }

  #save(batch: Batch | null): Promise<void> | void {
    if (batch === null && !this.#isNew) return undefined;
    const identity = this.#isNew || batch?.snapshot ? this.#identity : null;
    this.#isNew = false;
    const record = recordOf(identity, batch);
    return batch?.snapshot ? this.#storage.replace(record) : this.#storage.append(record);
  }

  #perform(effects: Effects): void {
    const host = this.#host;
    const { id, group } = this.#identity;
    for (const { to, message } of effects.messages) {
      host.send(
        nodeOfMember(to),
        tuple(RAFT, group, id, to, messageTerm(message)) as Encodable,
      );
    }
    if (effects.restore !== null && effects.restore.bytes.length > 0) {
      this.#state.restore(effects.restore.bytes);
      host.restored();
    }
    for (const { entry, ticket } of effects.committed) {
      const outcome = this.#state.apply(entry);
      host.applied(entry);
      if (ticket !== null) this.#answer(ticket, outcome);
    }
    for (const { ticket } of effects.reads) this.#answer(ticket, "read");
    for (const { ticket, why } of effects.refused) this.#answer(ticket, { type: "refused", why });
    host.changed();
    const { applied } = this.#state;
    const { snapshotEvery } = this.#options;
    if (
      applied >= this.#snapshotFrom &&
      applied - (this.replica.log.snapshot?.index ?? 0) >= snapshotEvery
    ) {
      this.#snapshotFrom = applied + snapshotEvery;
      this.#compact(applied);
    }
  }

  /** What cannot be made now is tried again later: the log has it all. */
  #compact(applied: number): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#state.snapshot();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return this.#log.error(
        `Cannot make a snapshot: ${why}; the log is kept and grows, what snapshot() returns must be a term`,
      );
    }
    this.replica.compact(applied, bytes);
    this.pump();
  }

  #ticket(done: (answer: Answer) => void): Ticket {
    const ticket = ++this.#tickets;
    this.#waiting.set(ticket, done);
    return ticket;
  }

  #answer(ticket: Ticket, answer: Answer): void {
    const done = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    done?.(answer);
  }

  // Who is who

  #received([, second, from, to, message]: readonly Term[], origin: string): void {
    if (second === HELLO) return this.#heard(textIn(from), to, message === true, origin);
    const [sender, receiver] = [textIn(from), textIn(to)];
    // What stands in the message anybody can write.
    if (nodeOfMember(sender) !== origin) throw new NotOurs("of somebody else");
    const { id, group } = this.#identity;
    if (receiver !== id) return; // for the one that was here before
    const name = textIn(second);
    const said = messageIn(message);
    if (group === null) this.#join(name);
    else if (group !== name) {
      return this.#log.warn(
        `belongs to another group than the member on ${origin}: remove the storage of one of them`,
      );
    } else if (isStranger(this.replica, sender, said)) {
      return this.#log.warn(`ignores messages of ${origin}, which is no member of the group`);
    }
    this.replica.receive(sender, said, this.#host.now());
  }

  #heard(id: MemberId, group: Term, wantsAnswer: boolean, origin: string): void {
    if (nodeOfMember(id) !== origin) throw new NotOurs("of somebody else");
    if (id === this.#identity.id) return;
    const name = group === null ? null : textIn(group);
    if (wantsAnswer && this.#mayKnow(name, origin)) this.#hello(origin, false);
    if (this.#founding !== null && this.#options.founders.includes(origin)) {
      this.#founding.heard(id, name);
      this.#found();
    }
    if (name === null || name === this.#identity.group) this.#takeIn(id, origin);
  }

  /** Who knows the name of a group is heard by its members: it is told to nobody but those who are, or were to be, members. */
  #mayKnow(group: string | null, node: string): boolean {
    const mine = this.#identity.group;
    return mine === null || group === mine || this.#options.founders.includes(node) ||
      allMembers(this.replica.members).some((id) => nodeOfMember(id) === node);
  }

  /** A leader takes in who was asked for, and who is there again with an empty storage. */
  #takeIn(id: MemberId, node: string): void {
    const { replica } = this;
    const { members } = replica;
    if (replica.leading === null || isMember(members, id)) return;
    const invited = this.#invited.get(node);
    if (invited !== undefined) {
      this.#invited.delete(node);
      return this.#change({ type: "add", id, as: invited.as }, invited.done);
    }
    const twin = twinOf(members, id);
    if (twin === undefined) return;
    const as = members.learners.includes(twin) ? "learner" : "voter";
    this.#change({ type: "add", id, as }, ignore);
  }

  /** Asks again, and gives up where nobody has answered, or another one leads. */
  #invite(now: number): void {
    for (const [node, { until, done }] of this.#invited) {
      if (this.replica.leading !== null && now < until) {
        this.#hello(node, true);
        continue;
      }
      this.#invited.delete(node);
      done({ type: "refused", why: "not_leader" });
    }
  }

  /** Lets go of those that are there again as somebody else. The later one is behind the other in the lists. */
  #lookAfter(): void {
    const { members, log, commit } = this.replica;
    if (log.membersIndex > commit) return;
    for (const id of [...members.rising, ...members.learners]) {
      const twin = twinOf(members, id);
      if (twin === undefined) continue;
      const all = allMembers(members);
      // Behind a voter in any case; of two that do not vote the first one is the older one.
      const isOld = members.voters.includes(twin) || all.indexOf(twin) < all.indexOf(id);
      if (isOld) return this.#change({ type: "remove", id: twin }, ignore);
    }
  }

  #change(change: MemberChange, done: (answer: Answer) => void): void {
    this.replica.change(this.#ticket(done), change, this.#host.now());
    this.pump();
  }

  #hello(node: string, wantsAnswer: boolean): void {
    if (node === this.#host.nodeName) return;
    const { id, group } = this.#identity;
    if (group === null && (this.#isNew || this.#isSaving)) return; // not kept yet
    this.#host.send(node, tuple(RAFT, HELLO, id, group, wantsAnswer) as Encodable);
  }

  #found(): void {
    const founders = this.#founding?.founders;
    if (founders == null || this.#isNew || this.#isSaving) return;
    this.#join(this.#host.identity());
    this.replica.found({ voters: founders, learners: [], rising: [] });
  }

  #join(group: string): void {
    this.#founding = null;
    this.#identity = { id: this.#identity.id, group };
    this.#isNew = true;
  }
}

/** Whether a message is one between members. */
export function isRaftMessage(message: unknown): message is Term {
  return isTuple(message) && message[0] === RAFT && message.length === 5;
}

function ignore(): void {}
