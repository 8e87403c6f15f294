import { isMember } from "./_members.ts";
import type { Replica } from "./_replica.ts";
import type { MemberId, Message } from "./_types.ts";

/** Nobody gets that far ahead by elections. */
const TERMS_AHEAD = 2 ** 32;

/**
 * Whether a message is of somebody who is no member, so that nothing may come of it.
 *
 * A member that is late need not know yet who was taken in: it must hear such a leader, and vote for it, or a group could come to a stop. But
 * who was taken in has the entry that did it, which is behind all that this member knows to be committed. Who has been removed, or never was a member, has
 * not. A member whose log is empty knows nobody, and listens to whom it has told who it is.
 */
export function isStranger(replica: Replica, from: MemberId, message: Message): boolean {
  const { members, commit, leading } = replica;
  if (message.term > replica.term + TERMS_AHEAD && members.voters.length > 0) return true;
  if (members.voters.length === 0 || isMember(members, from)) return false;
  switch (message.type) {
    case "append":
      if (leading !== null && message.term === replica.term) return true;
      return from !== replica.leader && message.prevIndex + message.entries.length <= commit;
    case "install":
      if (leading !== null && message.term === replica.term) return true;
      return from !== replica.leader && message.index <= commit;
    case "vote":
      return message.lastIndex <= commit;
    case "appended":
    case "installed":
      return leading?.progress.has(from) !== true; // on its way out
    case "voted":
    case "elect":
      return from !== replica.leader;
  }
}
