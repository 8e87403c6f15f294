import type { Entry, MemberId, Payload } from "../../../lib/gen/raft/_types.ts";
import type { Member } from "./_world_member.ts";

export class Violation extends Error {
  override readonly name = "Violation";
}

/** The properties of Raft, looked at whenever something happens that they speak of. */
export class Invariants {
  readonly #leaders: Map<number, MemberId> = new Map();
  readonly #entries: Map<string, string> = new Map();
  readonly #committed: { term: number; text: string; seenIn: number }[] = [];

  /** The last term that had a leader. */
  get latestTerm(): number {
    return Math.max(...this.#leaders.keys());
  }

  /** Election safety, and leader completeness: a late leader of an earlier term need not know. */
  elected(member: Member): void {
    const { term, log } = member.replica!;
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
  check(member: Member, entries: readonly Entry[]): void {
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
  apply(member: Member, { index, term, payload }: Entry): void {
    const text = textOfPayload(payload);
    const known = this.#committed[index];
    const seenIn = member.replica!.term;
    if (known === undefined) this.#committed[index] = { term, text, seenIn };
    else if (known.text !== text || known.term !== term) {
      throw new Violation(`${member.id} applies ${text} at ${index}, where ${known.text} was`);
    }
  }
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
