import { allMembers, isMember } from "../../../lib/gen/raft/_members.ts";
import type { Stored } from "../../../lib/gen/raft/_replica.ts";
import type { MemberId } from "../../../lib/gen/raft/_types.ts";
import type { World } from "./_world.ts";
import type { Group } from "./_world_group.ts";
import { type Member, nameOf } from "./_world_member.ts";
import type { Network } from "./_world_network.ts";

/** What happens to a group, and who looks after it. */
export class Trouble {
  /** Identities that have gone with their storage, and are members yet. */
  readonly #lost: Set<MemberId> = new Set();
  readonly #world: World;
  readonly #group: Group;
  readonly #network: Network;

  constructor(world: World, group: Group, network: Network) {
    this.#world = world;
    this.#group = group;
    this.#network = network;
  }

  /** Makes some, and plans the next. */
  trouble(): void {
    if (this.#world.isCalm) return;
    const names = [...this.#group.members.keys()];
    const member = this.#group.members.get(names[this.#world.random(names.length)])!;
    switch (this.#world.random(12)) {
      case 0: // two halves
      case 1: {
        this.#network.cut.clear();
        const side = new Set(names.filter(() => this.#world.chance(0.5)));
        for (const a of names) {
          for (const b of names) {
            if (side.has(a) !== side.has(b)) this.#network.cut.add(`${a}>${b}`);
          }
        }
        break;
      }
      case 2: // the leader alone, though clients reach it
        this.#network.cut.clear();
        for (const one of this.#group.leading()) {
          for (const b of names) {
            this.#network.cut.add(`${one.name}>${b}`);
            if (this.#world.chance(0.8)) this.#network.cut.add(`${b}>${one.name}`);
          }
        }
        break;
      case 3: // one way only
        for (const b of names) {
          if (this.#world.chance(0.5)) this.#network.cut.add(`${member.name}>${b}`);
        }
        break;
      case 4:
        this.#network.heal();
        break;
      case 5:
        this.#network.drop = this.#world.random(3) * 0.1;
        this.#network.double = this.#world.random(3) * 0.1;
        this.#network.delay = [5, 20, 60][this.#world.random(3)];
        break;
      case 6:
      case 7:
        this.#group.crash(this.#world.chance(0.5) ? member : this.#group.leading()[0] ?? member);
        break;
      case 8:
        this.#lose(member);
        break;
      case 9:
        this.#pause(member, this.#world.random(500));
        break;
      case 11: // as long as the others need to elect another one
        for (const leader of this.#group.leading()) {
          this.#pause(leader, 200 + this.#world.random(800));
        }
        break;
      case 10: {
        const [leader] = this.#group.leading();
        if (leader === undefined) break;
        this.#group.input(leader, (replica) => {
          const { voters } = replica.members;
          const to = voters[this.#world.random(voters.length)];
          replica.transfer(this.#group.ticket(), to, this.#group.clock(leader));
        });
      }
    }
    this.#world.later(20 + this.#world.random(250), () => this.trouble());
  }

  #pause(member: Member, ms: number): void {
    member.pausedUntil = this.#world.now + ms;
    this.#world.later(ms, () => {
      for (const fn of member.held.splice(0)) fn();
    });
  }

  /** Crashes, and comes back with nothing: as somebody else, whom the group has to take in. */
  #lose(member: Member): void {
    if (this.#lost.size > 0 || member.replica === null) return;
    // More than one at a time is more than Raft can stand; so is one of two.
    if (!this.#isWhole()) return;
    this.#group.crash(member);
    const empty: Stored = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };
    if (this.#group.fault.sameIdentity) {
      member.disk = empty;
      return;
    }
    this.#lost.add(member.id);
    const id = this.#group.newId(member.name);
    const next = this.#group.add(member.name, id, empty);
    this.#world.later(50 + this.#world.random(400), () => this.#group.start(next));
  }

  /** Whether there is a leader that knows everybody as a voter, and nobody else. */
  #isWhole(): boolean {
    return this.#group.leading().some((leader) => {
      const { members, log, commit } = leader.replica!;
      return this.#group.isLatest(leader) && log.membersIndex <= commit &&
        members.rising.length === 0 &&
        members.voters.length >= 3 && members.voters.every((id) =>
          this.#group.ids.get(id)!.id === id
        );
    });
  }

  /** Whoever looks after the group: takes out who is lost, takes in who is new, and now and then changes it. */
  operate(): void {
    for (const leader of this.#group.leading()) {
      this.#group.input(leader, (replica) => {
        const { members } = replica;
        const all = allMembers(members);
        const gone = all.find((id) => this.#group.members.get(nameOf(id))?.id !== id);
        const missing = [...this.#group.members.values()].find(({ id }) => !all.includes(id));
        const now = this.#group.clock(leader);
        const ticket = this.#group.ticket();
        if (gone !== undefined) replica.change(ticket, { type: "remove", id: gone }, now);
        else if (missing !== undefined) {
          replica.change(ticket, { type: "add", id: missing.id, as: "voter" }, now);
        } else if (
          !this.#world.isCalm && this.#world.chance(0.03) && members.voters.length > 3 &&
          this.#lost.size === 0
        ) {
          const id = members.voters[this.#world.random(members.voters.length)];
          replica.change(ticket, { type: "remove", id }, now);
        }
        for (const id of [...this.#lost]) {
          const isOut = this.#group.isLatest(leader) &&
            replica.log.membersIndex <= replica.commit &&
            !isMember(members, id) &&
            members.rising.length === 0 && missing === undefined && gone === undefined;
          if (isOut) this.#lost.delete(id);
        }
      });
    }
    this.#world.later(30 + this.#world.random(60), () => this.operate());
  }

  /** No more of it. */
  calm(): void {
    this.#network.heal();
    for (const member of this.#group.members.values()) {
      member.pausedUntil = 0;
      for (const fn of member.held.splice(0)) fn();
    }
  }
}
