import { MAX_VOTERS, type MemberId, type Members } from "./_types.ts";

export const NOBODY: Members = { voters: [], learners: [], rising: [] };

/** A change of the members by one. */
export type MemberChange =
  | { readonly type: "add"; readonly id: MemberId; readonly as: "voter" | "learner" }
  | { readonly type: "remove"; readonly id: MemberId }
  | { readonly type: "promote"; readonly id: MemberId };

/** How many are a majority. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** The node of a member. */
export function nodeOfMember(id: MemberId): string {
  const at = id.lastIndexOf("#");
  return at < 0 ? id : id.slice(0, at);
}

export function isMember(members: Members, id: MemberId): boolean {
  return members.voters.includes(id) || members.learners.includes(id) ||
    members.rising.includes(id);
}

export function allMembers(members: Members): MemberId[] {
  return [...members.voters, ...members.rising, ...members.learners];
}

/** Another member of the same node: the one that was there before it lost its storage, or the one that came then. */
export function twinOf({ voters, rising, learners }: Members, id: MemberId): MemberId | undefined {
  const node = nodeOfMember(id);
  const isTwin = (one: MemberId): boolean => one !== id && nodeOfMember(one) === node;
  return voters.find(isTwin) ?? rising.find(isTwin) ?? learners.find(isTwin);
}

/** The members after a change; `null` where it cannot be: nothing to change, too many, or nobody left. */
export function changed(members: Members, change: MemberChange): Members | null {
  const { voters, learners, rising } = members;
  const { id } = change;
  if (change.type === "add") {
    if (isMember(members, id)) return null;
    if (change.as === "learner") return { voters, rising, learners: [...learners, id] };
    const twin = twinOf(members, id);
    const places = MAX_VOTERS + (twin !== undefined && voters.includes(twin) ? 1 : 0);
    return voters.length + rising.length >= places
      ? null
      : { voters, learners, rising: [...rising, id] };
  }
  if (!isMember(members, id)) return null;
  if (change.type === "remove") {
    const left = voters.filter((one) => one !== id);
    return left.length === 0 ? null : {
      voters: left,
      learners: learners.filter((one) => one !== id),
      rising: rising.filter((one) => one !== id),
    };
  }
  if (voters.includes(id) || voters.length >= MAX_VOTERS) return null;
  return {
    voters: [...voters, id],
    learners: learners.filter((one) => one !== id),
    rising: rising.filter((one) => one !== id),
  };
}
